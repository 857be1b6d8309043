//! A synthetic model of recorded traffic: which process its arrivals come from, which law its work has, how popular its keys are.
//!
//! docs/src/trace-fit.md says what is tried, how it is judged and by which rule one is chosen. Everything is deterministic, and looks at a bounded number of values.

pub mod arrivals;
pub mod imitate;
mod law;
mod look;
pub mod mmpp;
pub mod popularity;
mod remarks;
pub mod scenario;
mod special;
mod steps;
pub mod work;

pub use arrivals::{Arrivals, Candidate, Process};
pub use popularity::Keys;
pub use scenario::Pool;
pub use steps::Step;
pub use work::Law;

use super::tape::{Column, Fault, Tape};

/// Where the work of a request is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The time that the backend worked.
    Service,
    /// The time to the answer, with what the request waited for.
    Duration,
    /// The record has none: the user says it.
    Given,
}

impl Source {
    /// The best that a tape has.
    #[must_use]
    pub fn of(tape: &Tape) -> Self {
        let has = |column| tape.total(column).sum > 0.0;
        match (has(Column::Service), has(Column::Duration)) {
            (true, _) => Self::Service,
            (false, true) => Self::Duration,
            (false, false) => Self::Given,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// What is known of the arrivals.
    pub seen: Arrivals,
    /// Processes that were tried; none where there are too few requests.
    pub arrivals: Vec<Candidate>,
    /// Where work comes from.
    pub source: Source,
    /// Laws of work that were tried; none where the user gives it.
    pub work: Vec<Law>,
    /// Keys.
    pub keys: Keys,
    /// Different clients; 0 where the record does not tell them apart.
    pub clients: u64,
    /// What to know before trusting it.
    pub remarks: Vec<String>,
}

impl Fit {
    /// Fits everything to a tape.
    ///
    /// # Errors
    /// The tape cannot be read.
    pub fn of(tape: &Tape, source: Source) -> Result<Self, Fault> {
        let seen = look::look(tape, source)?;
        // Keys that only some requests have would be keys of the others, too.
        let keys = if seen.without_key > 0 { Keys::None } else { popularity::keys(seen.keys) };
        let mut fit = Self {
            arrivals: arrivals::fit(&seen.arrivals),
            seen: seen.arrivals,
            source,
            work: work::fit(&seen.work),
            keys,
            clients: tape.names(Column::Client).len() as u64,
            remarks: Vec::new(),
        };
        fit.remarks = remarks::of(&fit, tape);
        Ok(fit)
    }

    /// The process that was chosen.
    #[must_use]
    pub fn process(&self) -> Option<&Candidate> {
        self.arrivals.iter().find(|candidate| candidate.chosen)
    }

    /// The law of work that was chosen.
    #[must_use]
    pub fn law(&self) -> Option<&Law> {
        self.work.iter().find(|law| law.chosen)
    }

    /// Requests per second: gaps by the time that they took together.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.seen.requests.saturating_sub(1) as f64 / (self.seen.span as f64 / 1e9).max(1e-9)
    }
}

#[cfg(test)]
mod tests;
