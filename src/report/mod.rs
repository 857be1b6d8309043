//! Reports: a [`Summary`](crate::measure::summary::Summary) drawn as text, with nothing computed that it does not hold.
//!
//! One writer a file, each a pure function to a `String`: [`table`] for a terminal, [`json`] and [`csv`] for programs, [`markdown`] for a
//! pull request. Names come from scenario files, which may be hostile: every writer passes them through [`neutral`]. Numbers
//! are written by `figures.rs`, the same in every locale.
mod base64;
pub mod csv;
pub mod events;
mod faults;
#[cfg(feature = "plots")]
pub mod figure;
pub mod figures;
#[cfg(feature = "plots")]
pub mod folder;
mod grid;
pub mod hgrm;
pub mod hlog;
pub mod json;
pub mod markdown;
pub mod neutral;
pub mod openmetrics;
#[cfg(feature = "plots")]
pub mod page;
pub mod plot;
#[cfg(test)]
mod sample;
#[cfg(all(test, feature = "plots"))]
#[path = "../../tests/it/browser/sample.rs"]
mod sample_page;
pub mod style;
pub mod sweep;
pub mod table;
pub mod tidy;
pub mod verdicts;
