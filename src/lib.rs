//! evenkeel
#![allow(missing_docs)]
pub mod balance;
pub mod catalogue;
pub mod dist;
pub mod measure;
pub mod report;
pub mod scenario;
pub mod time;
