//! The file format.
pub mod model;
pub use model::*;
