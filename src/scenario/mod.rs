//! The file format: from text to typed scenarios, or to every fault of it with its place.
//!
//! The way is straight: bytes become text (`encoding`), text a document whose values know where they stand
//! (`document`), options and variants change that document (`overrides`), and each section is read from it by the
//! catalogue of [`keys`]. Nothing here opens a file or looks at a clock: what a scenario refers to comes through [`Files`].

mod arrivals;
mod backends;
mod balancers;
mod checks;
mod client;
mod decoder;
mod diagnostic;
mod discovery;
mod distributions;
mod document;
mod empirical;
mod encoding;
mod expects;
mod faults;
mod health;
mod json;
pub mod keys;
mod load;
pub mod model;
mod network;
mod overrides;
mod path;
mod pick_script;
mod position;
mod reader;
mod recorded;
mod render;
mod rule;
mod run;
mod scalar;
mod schema;
mod services;
mod shape;
mod suggest;
mod syntax;
mod targets;
mod tier;
mod traffic;
mod units;

pub use balancers::{defaults, needed};
pub use diagnostic::{Diagnostic, Diagnostics, Fault, Severity};
pub use encoding::MAX_BYTES;
pub use load::{FileFault, Files, Loaded, NoFiles, Recording, Source, Variant, load, too_large};
pub use model::*;
pub use overrides::Override;
pub use pick_script::{Asked, PickScript, Step, load_pick_script};
pub use position::{Excerpt, Location};
pub use recorded::Wanted;
pub use render::{SHOWN, Style, render};
pub use schema::schema;
pub use suggest::nearest;
pub use targets::Who;

/// The scenario that runs when none is named.
pub const QUICKSTART: &str = include_str!("../../scenarios/quickstart.toml");

/// What `evenkeel new` writes: every section that is supported, with comments.
pub const STARTER: &str = include_str!("../../scenarios/starter.toml");
