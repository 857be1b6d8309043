//! Arrival processes, as gaps in *operational* time: time that runs faster where the shape multiplies the rate.
//!
//! Every open process is a sequence of gaps; [`Warp`](super::Warp) turns operational instants into real ones. A gap is drawn as a double and
//! rounded to 2^-10 ns; instants are whole nanoseconds with the fraction carried over, so that a rate of 10^9 a second does not become
//! 10^9 arrivals at once.

use super::recorded::Recorded;
use super::shape::Warp;
use super::whole_numbers;
use crate::dist::math::neg_ln;
use crate::dist::{Dist, Sampler};
use crate::random::{Numbered, below, unit};
use crate::scenario::BatchSize;

/// When requests come, resolved: rates are known numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Timing {
    /// Independent gaps of this distribution (Poisson: exponential, constant: constant), times `scale`.
    Renewal {
        /// The gaps, in nanoseconds.
        gap: Dist,
        /// What each is multiplied by.
        scale: f64,
    },
    /// A Poisson process whose rate changes with a state.
    Modulated(Modulated),
    /// Batches at exponential gaps.
    Batch {
        /// The mean gap between batches, in nanoseconds.
        gap: f64,
        /// How many requests a batch has.
        size: BatchSize,
    },
    /// As a record has them.
    Recorded(Recorded),
    /// A number of clients that each wait for the answer and think before the next request.
    Closed {
        /// How many.
        clients: u32,
        /// The think time, in nanoseconds.
        think: Dist,
    },
}

/// A Poisson process whose rate goes through states in a circle.
#[derive(Clone, Debug, PartialEq)]
pub struct Modulated {
    /// Rate in requests per nanosecond, and how long a stay lasts.
    pub states: Vec<(f64, Dist)>,
}

/// A timing, being drawn from.
#[derive(Debug)]
pub(super) struct Gaps {
    kind: Running,
    stream: Numbered,
    modulation: Numbered,
    /// Arrivals made so far.
    made: u64,
    /// The last instant: whole nanoseconds of operational time, and the rest in 2^-10 ns.
    at: u64,
    rest: u64,
}

/// A nanosecond in the unit of gaps.
const UNIT: u64 = 1 << 10;

#[derive(Debug)]
enum Running {
    Renewal { gap: Sampler, scale: f64 },
    Modulated { states: Vec<(f64, Sampler)>, now: usize, left: f64, stays: u64 },
    Batch { gap: f64, size: BatchSize, left: u64, batches: u64 },
    Closed,
}

impl Gaps {
    pub(super) fn new(timing: &Timing, stream: Numbered, modulation: Numbered) -> Self {
        let kind = match timing {
            Timing::Renewal { gap, scale } => Running::Renewal { gap: Sampler::new(gap), scale: *scale },
            Timing::Modulated(modulated) => start_in_equilibrium(modulated, &modulation),
            Timing::Batch { gap, size } => Running::Batch { gap: *gap, size: *size, left: 0, batches: 0 },
            // What is recorded is filled in elsewhere.
            Timing::Closed { .. } | Timing::Recorded(_) => Running::Closed,
        };
        Self { kind, stream, modulation, made: 0, at: 0, rest: 0 }
    }

    /// How many arrivals have been made.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// Fills a block with the next instants in real time; `u64::MAX` where there is none any more.
    pub(super) fn fill(&mut self, out: &mut [u64; super::BLOCK], warp: &mut Warp) {
        if let Running::Closed = self.kind {
            return out.fill(u64::MAX);
        }
        let mut gaps = [0.0; super::BLOCK];
        self.draw(&mut gaps);
        gaps.iter_mut().for_each(|gap| *gap *= UNIT as f64);
        whole_numbers(&gaps, out);
        for slot in out.iter_mut() {
            let ahead = slot.saturating_add(self.rest);
            self.rest = ahead % UNIT;
            self.at = self.at.saturating_add(ahead / UNIT);
            *slot = self.at;
        }
        warp.to_real(out);
        self.made += super::BLOCK as u64;
    }

    /// Takes a block of instants that come from elsewhere.
    pub(super) fn count(&mut self, instants: &mut [u64; super::BLOCK], warp: &mut Warp) {
        // Those that never come stay so.
        let there = instants.partition_point(|&at| at < u64::MAX);
        warp.to_real(&mut instants[..there]);
        self.made += super::BLOCK as u64;
    }

    fn draw(&mut self, gaps: &mut [f64]) {
        match &mut self.kind {
            Running::Renewal { gap, scale } => {
                gap.fill(&self.stream, self.made, gaps);
                if *scale != 1.0 {
                    gaps.iter_mut().for_each(|gap| *gap *= *scale);
                }
            }
            Running::Modulated { states, now, left, stays } => {
                for (slot, k) in gaps.iter_mut().zip(self.made..) {
                    *slot = modulated_gap(states, now, left, stays, neg_ln(unit(self.stream.bits(k))), &self.modulation);
                }
            }
            Running::Batch { gap, size, left, batches } => {
                for slot in gaps {
                    if *left == 0 {
                        *slot = *gap * neg_ln(unit(self.stream.bits(*batches)));
                        *left = batch(*size, self.modulation.bits(*batches));
                        *batches += 1;
                    }
                    *left -= 1;
                }
            }
            Running::Closed => unreachable!("neither closed nor recorded sources draw gaps"),
        }
    }
}

/// The state by its share of the time. What is left of an exponential stay is another; of any other stay, a uniform share of one.
fn start_in_equilibrium(modulated: &Modulated, modulation: &Numbered) -> Running {
    let states: Vec<_> = modulated.states.iter().map(|(rate, stay)| (*rate, Sampler::new(stay))).collect();
    let cycle: f64 = states.iter().map(|(_, stay)| stay.mean()).sum();
    let mut point = unit(modulation.bits(0)) * cycle;
    let mut now = 0;
    while now + 1 < states.len() && point >= states[now].1.mean() {
        point -= states[now].1.mean();
        now += 1;
    }
    let whole = states[now].1.sample(modulation, 1);
    let left = match modulated.states[now].1 {
        Dist::Exponential { .. } => whole,
        _ => whole * unit(modulation.bits(2)),
    };
    Running::Modulated { states, now, left, stays: 3 }
}

/// The gap until a unit-rate exponential's worth of arrivals has come up, through as many states as that takes.
fn modulated_gap(
    states: &[(f64, Sampler)],
    now: &mut usize,
    left: &mut f64,
    stays: &mut u64,
    mut wanted: f64,
    modulation: &Numbered,
) -> f64 {
    let mut gap = 0.0;
    loop {
        let rate = states[*now].0;
        if rate * *left >= wanted && rate > 0.0 {
            let step = wanted / rate;
            *left -= step;
            return gap + step;
        }
        wanted -= rate * *left;
        gap += *left;
        *now = (*now + 1) % states.len();
        *left = states[*now].1.sample(modulation, *stays);
        *stays += 1;
        if gap > 1e19 {
            return gap; // beyond the end of time: nothing more comes
        }
    }
}

fn batch(size: BatchSize, bits: u64) -> u64 {
    match size {
        BatchSize::Fixed(size) => size,
        BatchSize::Uniform(min, max) => min + below(bits, max - min + 1),
        // 1 + floor(ln u ÷ ln(1 − p)) with p = 1 ÷ mean.
        BatchSize::Geometric(mean) if mean > 1.0 => 1 + (neg_ln(unit(bits)) / neg_ln(1.0 - 1.0 / mean)) as u64,
        BatchSize::Geometric(_) => 1,
    }
}

impl BatchSize {
    /// The mean number of requests in a batch.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Fixed(size) => size as f64,
            Self::Geometric(mean) => mean,
            Self::Uniform(min, max) => (min + max) as f64 / 2.0,
        }
    }
}
