//! What goes wrong, and when: `[[fault]]` as a sorted timeline of effects. Data, not code.
//!
//! A [`Fault`] is one table of a scenario, resolved. Its kind comes down to a few [`Effect`]s that begin and end at backends; who is hit may be drawn, anew for
//! each time it happens, and so may the times. All of it is a function of (seed, replication): every balancer meets the same.

mod catalogue;
mod listing;
mod occurrences;
pub mod target;
mod timeline;

pub use catalogue::{FAULTS, KINDS};
pub use listing::listing;
pub use occurrences::{Occurrences, Window, windows};
pub use timeline::Timeline;

use crate::dist::Dist;
use crate::time::Span;

/// One `[[fault]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// `name`; left out, `kind:target`.
    pub name: String,
    /// `kind` and what it needs.
    pub kind: Kind,
    /// `target`.
    pub target: Target,
    /// `at`: when it begins (the first time).
    pub at: Span,
    /// `for`: how long it lasts; `None`: to the end.
    pub lasts: Option<Span>,
    /// `every`, or `mtbf` and `mttr`.
    pub repeats: Repeats,
}

/// What kind of fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `crash`: all work there is lost, and what comes is refused.
    Crash,
    /// `hang`: it accepts and never answers, what was there included.
    Hang,
    /// `slow factor`: its speed is multiplied.
    Slow {
        /// Above 0; 0.5 is half as fast.
        factor: f64,
    },
    /// `errors share takes`: so many attempts are answered with an error.
    Errors {
        /// How many.
        share: f64,
        /// How long a failed attempt holds its worker; `None`: its work.
        takes: Option<Dist>,
    },
    /// `pause`: it accepts, keeps the work done, and goes on with it later.
    Pause,
    /// `flap up down`: a crash that comes and goes, down first.
    Flap {
        /// How long it is up each time.
        up: Span,
        /// How long it is down each time.
        down: Span,
    },
    /// `latency add`: on every way to and from it.
    Latency {
        /// So much more, one way.
        add: Dist,
    },
    /// `loss share`: attempts, answers and probes that are lost on the way: nobody hears of them.
    Loss {
        /// How many, one way.
        share: f64,
    },
    /// `partition from`: nothing passes between these and the target, either way.
    Partition {
        /// Who is cut off from the target, as it was written.
        written: Vec<String>,
        /// The same, looked up.
        from: Vec<Side>,
    },
    /// `stale`: health and discovery of the target stay as they are believed to be.
    Stale,
    /// `leave`: it is drained for `drain` and then gone; it comes back at the end.
    Leave {
        /// How long it serves on, with nothing new from who knows.
        drain: Span,
    },
    /// `join factor over`: it is not there before, and cold at first.
    Join {
        /// Its speed is multiplied by this when it joins, and by less and less until `over`.
        factor: f64,
        /// How long it takes to be as fast as it is.
        over: Span,
    },
    /// `deploy batch drain takes factor over`: the targets are replaced one batch after another: drained, gone, back and cold.
    Deploy {
        /// How many at once.
        batch: u32,
        /// How long they are drained.
        drain: Span,
        /// How long they are gone.
        takes: Span,
        /// As for `join`.
        factor: f64,
        /// As for `join`.
        over: Span,
    },
    /// `surge factor`: arrivals are multiplied. Its target is a traffic source, or all.
    Surge {
        /// By this.
        factor: f64,
    },
}

impl Kind {
    /// The word of the scenario.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::Slow { .. } => "slow",
            Self::Errors { .. } => "errors",
            Self::Pause => "pause",
            Self::Flap { .. } => "flap",
            Self::Latency { .. } => "latency",
            Self::Loss { .. } => "loss",
            Self::Partition { .. } => "partition",
            Self::Stale => "stale",
            Self::Leave { .. } => "leave",
            Self::Join { .. } => "join",
            Self::Deploy { .. } => "deploy",
            Self::Surge { .. } => "surge",
        }
    }
}

/// Who may be cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `"zone:a"`: every balancer instance (or calling backend) that stands there.
    Zone(u16),
    /// `"balancer:0"`: an instance of the tier.
    Instance(u32),
    /// A calling backend, by its number.
    Backend(u32),
}

/// Who is hit: numbers of backends (of traffic sources, for a surge).
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// As it was written.
    pub written: String,
    /// Who may be, in order.
    pub among: Vec<u32>,
    /// How many of these, drawn each time; `None`: all of them.
    pub draw: Option<u32>,
}

/// How often it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Once.
    Never,
    /// `every`: from beginning to beginning.
    Every(Span),
    /// `mtbf`, `mttr`: exponential times from an end to the next beginning, and from a beginning to its end. The first comes after `at` and one of the former.
    Drawn {
        /// In the mean.
        up: Span,
        /// In the mean.
        down: Span,
    },
}

/// What a fault does while it lasts.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// What is there is lost, what comes is refused.
    Down,
    /// Nothing is answered any more.
    Hang,
    /// Work stands still.
    Pause,
    /// Speed is multiplied.
    Slow(f64),
    /// Speed is multiplied by a factor that goes up to 1 in a straight line.
    Cold {
        /// At first.
        factor: f64,
        /// Until when it is 1.
        over: Span,
    },
    /// Some are answered with an error.
    Errors {
        /// How many.
        share: f64,
        /// How long such an attempt holds its worker; `None`: its work.
        takes: Option<Dist>,
    },
    /// Ways take longer.
    Latency(Dist),
    /// Ways lose this share.
    Loss(f64),
    /// No way between these and it.
    Partition(Vec<Side>),
    /// Beliefs stay.
    Stale,
    /// It has announced that it leaves: discovery takes it off the list, and it serves what comes all the same.
    Draining,
    /// It is not there: off the list, and what comes is refused.
    Absent,
}

/// Something begins or ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When.
    pub at: u64,
    /// The fault, by number.
    pub fault: u16,
    /// Which time it happens, from 0.
    pub occurrence: u32,
    /// Whether it begins; else it ends.
    pub begins: bool,
    /// What.
    pub effect: Effect,
    /// Where.
    pub backends: Vec<u32>,
}
