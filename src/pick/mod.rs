//! Asking one balancer directly: what would it do?
//!
//! A [`Desk`] drives one balancer instance through picks, ends, failures and changes of the pool, without traffic and without a fleet. The
//! recorded behaviour of real products is replayed through it. [`answer`] does a whole script of such steps, which is `evenkeel pick`; a [`Question`] is its short form.

mod answer;
mod desk;
mod question;

pub use answer::answer;
pub use desk::{Desk, Tried};
pub use question::{Question, Unanswerable};
