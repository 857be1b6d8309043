//! evenkeel
#![allow(missing_docs)]
pub mod balance;
pub mod catalogue;
#[cfg(feature = "cli")]
pub mod cli;
pub mod dist;
pub mod engine;
pub mod fleet;
pub mod measure;
pub mod plan;
pub mod random;
pub mod report;
pub mod run;
pub mod scenario;
pub mod selftest;
pub mod slab;
pub mod time;
pub mod traffic;
