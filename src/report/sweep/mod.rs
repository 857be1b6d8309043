//! A sweep in rows, a table and a page.
//!
//! [`rows`] writes whole results, point by point, for programs; [`table`] and [`page`] show its
//! [`Surface`](crate::measure::surface::Surface) to people.

#[cfg(feature = "plots")]
mod changes;
#[cfg(feature = "plots")]
mod facets;
#[cfg(feature = "plots")]
pub mod page;
pub mod rows;
pub mod table;
mod words;
