//! Asking one balancer directly: what would it do?
//!
//! A [`Desk`] drives one balancer instance through picks, ends, failures and changes of the pool, without traffic and without a fleet. The
//! recorded behaviour of real products is replayed through it, and `evenkeel pick` is its command.

mod desk;

pub use desk::{Desk, Tried};
