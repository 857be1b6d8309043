//! Arrivals of a fitted process, to see how bursty it is at every scale.

use super::arrivals::{Arrivals, Process};
use super::steps::{self, Step};
use crate::dist::math::neg_ln;
use crate::dist::{Dist, Sampler};
use crate::random::{Numbered, unit};
pub use crate::trace::tally::SCALES;
use crate::trace::tally::counts::Dispersion;

/// Arrivals of an imitation, at most; shorter records are imitated several times.
const ARRIVALS: u64 = 400_000;
/// Imitations of a record, at most.
const TIMES: u64 = 8;

/// Variance by mean of counts at each scale, averaged over imitations as long as the record (or as long as so many arrivals take).
#[must_use]
pub fn dispersion(process: &Process, steps: &[Step], seen: &Arrivals) -> [Option<f64>; 4] {
    let requests = seen.requests.min(ARRIVALS);
    let times = (ARRIVALS / requests.max(1)).clamp(1, TIMES);
    let mut sums = [(0.0, 0.0); 4];
    for time in 0..times {
        let mut found = SCALES.map(Dispersion::new);
        each(process, steps, seen, time, requests, &mut |at| found.iter_mut().for_each(|one| one.add(at)));
        for (sum, one) in sums.iter_mut().zip(&found) {
            if let Some(index) = one.index() {
                *sum = (sum.0 + index, sum.1 + 1.0);
            }
        }
    }
    let mean = |(sum, count): (f64, f64)| (count > 0.0).then(|| sum / count);
    std::array::from_fn(|at| mean(sums[at]).filter(|_| seen.dispersion[at].is_some()))
}

/// Gives out instants until the record would be over.
pub(super) fn each(process: &Process, steps: &[Step], seen: &Arrivals, time: u64, requests: u64, out: &mut dyn FnMut(u64)) {
    let mean = seen.mean_gap();
    let mut gaps = Gaps::new(process, mean, time);
    let mut operational = 0.0;
    for number in 0..requests.saturating_mul(2) {
        operational += gaps.next(number);
        let at = steps::instant(steps, operational);
        if at > seen.span as f64 || (seen.requests > ARRIVALS && number >= requests) {
            return;
        }
        out(at as u64);
    }
}

/// Gaps of a process at the record's rate.
struct Gaps<'p> {
    process: &'p Process,
    mean: f64,
    stream: Numbered,
    stays: Numbered,
    sampler: Option<Sampler>,
    left: u64,
    state: usize,
    stay: f64,
    stayed: u64,
}

impl<'p> Gaps<'p> {
    fn new(process: &'p Process, mean: f64, time: u64) -> Self {
        let (stream, stays) = (Numbered::new(2 * time + 1), Numbered::new(2 * time + 2));
        let sampler = match process {
            Process::Renewal(dist) => Some(Sampler::new(dist)),
            _ => None,
        };
        let (mut state, mut stay) = (0, 0.0);
        if let Process::Mmpp(states) = process {
            state = usize::from(unit(stays.bits(0)) > states.shares()[0]);
            stay = states.stays[state] * neg_ln(unit(stays.bits(1)));
        }
        Self { process, mean, stream, stays, sampler, left: 0, state, stay, stayed: 2 }
    }

    fn next(&mut self, number: u64) -> f64 {
        let unit_gap = || neg_ln(unit(self.stream.bits(number)));
        match self.process {
            Process::Constant => self.mean,
            Process::Poisson => self.mean * unit_gap(),
            Process::Renewal(dist) => {
                let scale = self.mean / Dist::mean(dist);
                self.sampler.as_ref().map_or(0.0, |sampler| scale * sampler.sample(&self.stream, number))
            }
            Process::Batch { mean: size, fixed } => {
                if self.left > 0 {
                    self.left -= 1;
                    return 0.0;
                }
                let further = neg_ln(unit(self.stays.bits(number))) / neg_ln(1.0 - 1.0 / size.max(1.0 + 1e-9));
                self.left = if *fixed { size.round() as u64 - 1 } else { further as u64 };
                self.mean * size * unit_gap()
            }
            Process::Mmpp(states) => {
                let scale = self.mean * states.rate();
                let (mut wanted, mut gap) = (unit_gap(), 0.0);
                while states.rates[self.state] * self.stay < wanted && gap < 1e18 {
                    wanted -= states.rates[self.state] * self.stay;
                    gap += self.stay;
                    self.state = 1 - self.state;
                    self.stay = states.stays[self.state] * neg_ln(unit(self.stays.bits(self.stayed)));
                    self.stayed += 1;
                }
                let step = wanted / states.rates[self.state];
                self.stay -= step;
                scale * (gap + step)
            }
        }
    }
}
