//! evenkeel
#![allow(missing_docs)]
pub mod balance;
pub mod catalogue;
pub mod dist;
pub mod measure;
pub mod report;
pub mod engine;
pub mod fleet;
pub mod scenario;
pub mod slab;
pub mod time;
pub mod traffic;
pub mod plan;
pub mod random;
