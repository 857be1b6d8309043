//! evenkeel
#![allow(missing_docs)]
pub mod balance;
pub mod catalogue;
pub mod dist;
pub mod measure;
pub mod scenario;
pub mod time;
pub mod traffic;
pub mod random;
