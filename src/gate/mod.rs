//! Gates: rules and baselines judged, for machines that merge or do not.
//!
//! A rule is about the mean over replications of one number, and holds when its whole 95% interval is on the rule's side ([`judge`]). [`cases`] finds out which results a
//! rule applies to and what has to be measured for it. A [`baseline`] is what an earlier run had; [`regress`] says what has become worse since. [`why`] says of what
//! failed which backends, errors and faults it came from. `junit`, `github`, `gitlab`, `markdown` and `figures` write it all down for those who read it: pure
//! functions from verdicts to text, in which every name is made harmless.

pub mod baseline;
pub mod cases;
pub mod figures;
pub mod github;
pub mod gitlab;
pub mod judge;
pub mod junit;
pub mod markdown;
pub mod regress;
pub mod why;

use crate::measure::summary::VerdictSummary;

/// What all verdicts of a scenario come to, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// Something did not hold.
    Failed,
    /// Something could not be decided.
    Undecided,
    /// There was nothing to judge.
    Nothing,
    /// Everything held.
    Held,
}

impl Gate {
    /// What these come to.
    #[must_use]
    pub fn of(verdicts: &[VerdictSummary]) -> Self {
        let one = |verdict: &VerdictSummary| match verdict.verdict.as_str() {
            "held" => Self::Held,
            "undecided" => Self::Undecided,
            _ => Self::Failed,
        };
        verdicts.iter().filter(|verdict| verdict.counts).map(one).min().unwrap_or(Self::Nothing)
    }
}
