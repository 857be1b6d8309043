//! Searches over scenarios: how far a value can go, and which values are best.
//!
//! [`capacity`] halves an ordered list until it knows the last value that keeps rules and the first that does not. [`halving`] holds candidates against each other on the same
//! requests, drops those that are surely worse, and doubles the replications of the others. Both are pure: they ask for cells through what they are given. [`trial`] is what they
//! are given here: one balancer of one planned scenario, run as far as wanted. [`bounded`] and [`chosen`] are the answers, as they are written.

pub mod bounded;
pub mod capacity;
pub mod chosen;
pub mod halving;
pub mod sheet;
pub mod trial;

use serde::Serialize;

/// What can be said of rules somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// All of them hold.
    #[serde(rename = "held")]
    Yes,
    /// One of them does not, or has nothing to measure.
    #[serde(rename = "failed")]
    No,
    /// The replications that there may be do not decide it.
    Undecided,
}

impl Holds {
    /// As the result spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "held",
            Self::No => "failed",
            Self::Undecided => "undecided",
        }
    }
}
