//! Where requests come from: sources that are pulled, one pending arrival each, never a queue of them.
//!
//! An arrival carries its instant, its work and the number it has at its source; key and client are functions of that number
//! and asked for only where somebody looks at them. All of it is drawn here, from streams of the source's own, so every balancer meets
//! the same requests.

mod process;
mod recorded;
mod shape;
mod surge;

pub use process::{Modulated, Timing};
pub use recorded::{AT_ONCE, Cut, EVERYBODY, Mark, NOBODY, Recorded, Work};
pub use shape::Warp;
pub use surge::Surge;

use crate::dist::portable::Portable;
use crate::dist::{Dist, Sampler};
use crate::random::{Numbered, Purpose, below, derive};
use crate::scenario::{Clients, Keys, Shape};
use crate::time::round_ns;
use process::Gaps;
use rand::distr::Distribution;
use recorded::Replay;

/// One source of requests with everything resolved.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// Its name.
    pub name: String,
    /// When requests come.
    pub timing: Timing,
    /// What multiplies the rate over time.
    pub shape: Shape,
    /// What multiplies it besides, from time to time.
    pub surges: Vec<Surge>,
    /// Work at speed 1, in nanoseconds.
    pub work: Dist,
    /// What hash balancers look at; `None`: a key of its own for every request.
    pub keys: Option<Keys>,
    /// Who sends; `None`: one client, a connection per request.
    pub clients: Option<Clients>,
    /// The class's name.
    pub class: Option<String>,
    /// Lower first.
    pub priority: i64,
    /// The zone, as an index of the plan's zones.
    pub zone: Option<u16>,
    /// The service it goes to, as an index of the plan's services.
    pub to: u16,
}

impl SourcePlan {
    /// How many clients it has, 0 where nothing is said of clients.
    #[must_use]
    pub fn client_count(&self) -> u32 {
        match &self.timing {
            Timing::Closed { clients, .. } => *clients,
            Timing::Recorded(recorded) if recorded.clients() > 0 => recorded.clients(),
            _ => self.clients.map_or(0, |clients| clients.count),
        }
    }
}

/// The next request of the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When, in nanoseconds; `u64::MAX` if there is none.
    pub at: u64,
    /// Work at speed 1, in nanoseconds.
    pub work: u64,
    /// Its number at its source.
    pub index: u64,
    /// Which source.
    pub source: u16,
}

/// How many arrivals are made at once: enough for the block loops to pay, little enough to stay in the first cache.
const BLOCK: usize = 256;

/// One source, being pulled.
#[derive(Debug)]
pub struct Source {
    gaps: Gaps,
    warp: Warp,
    work: Sampler,
    work_stream: Numbered,
    keys: Option<KeySampler>,
    key_stream: Numbered,
    client_stream: Numbered,
    replay: Option<Box<Replayed>>,
    /// How many of the block have been given.
    given: usize,
    /// Number of the block's first arrival.
    first: u64,
    at: [u64; BLOCK],
    works: [u64; BLOCK],
}

/// A recorded source and what it says of the block.
#[derive(Debug)]
struct Replayed {
    replay: Replay,
    marks: [Mark; BLOCK],
    /// The last one of the block before: a block is made as soon as the last of the one before has been taken, and before anybody has asked for its key.
    before: Mark,
}

/// Rounds a block to whole numbers, half up. What is below 2^51 (all of it, nearly always) goes without a conversion instruction: adding 2^52
/// leaves the whole number in the fraction bits, several at once.
fn whole_numbers(values: &[f64; BLOCK], out: &mut [u64; BLOCK]) {
    const SMALL: f64 = (1_u64 << 51) as f64;
    const MAGIC: f64 = (1_u64 << 52) as f64;
    // Adding rounds half to even; the floor of a half more is what `round_ns` gives, so take away what went up too far.
    if values.iter().all(|&value| value < SMALL) {
        for (slot, &value) in out.iter_mut().zip(values) {
            let near = value + MAGIC;
            let half_down = (near - MAGIC) + 0.5 == value;
            *slot = (near.to_bits() & ((1 << 52) - 1)) + u64::from(half_down);
        }
    } else {
        out.iter_mut().zip(values).for_each(|(slot, &value)| *slot = round_ns(value));
    }
}

#[derive(Clone, Debug)]
enum KeySampler {
    Uniform(u64),
    Zipf(rand_distr::Zipf<Portable>, u64),
}

impl Source {
    /// The source number `index` of a replication.
    #[must_use]
    pub fn new(plan: &SourcePlan, seed: u64, replication: u64, index: u64) -> Self {
        let stream = |purpose| Numbered::new(derive(seed, replication, purpose, index));
        let keys = plan.keys.map(|keys| match keys.exponent {
            0.0 => KeySampler::Uniform(keys.count),
            exponent => {
                let zipf = rand_distr::Zipf::new(Portable(keys.count as f64), Portable(exponent));
                KeySampler::Zipf(zipf.expect("the scenario's decoder has checked count and exponent"), keys.count)
            }
        });
        Self {
            gaps: Gaps::new(&plan.timing, stream(Purpose::Arrivals), stream(Purpose::Modulation)),
            warp: Warp::new(&plan.shape).surging(&plan.surges, seed, replication),
            work: Sampler::new(&plan.work),
            work_stream: stream(Purpose::Work),
            keys,
            key_stream: stream(Purpose::Keys),
            client_stream: stream(Purpose::Clients),
            replay: match &plan.timing {
                Timing::Recorded(of) => {
                    Some(Box::new(Replayed { replay: Replay::new(of), marks: [Mark::NONE; BLOCK], before: Mark::NONE }))
                }
                _ => None,
            },
            given: BLOCK,
            first: 0,
            at: [0; BLOCK],
            works: [0; BLOCK],
        }
    }

    /// The next arrival, without taking it. `at` is `u64::MAX` once there is none.
    #[inline]
    pub fn peek(&mut self) -> (u64, u64, u64) {
        if self.given == BLOCK {
            self.refill();
        }
        (self.at[self.given], self.works[self.given], self.first + self.given as u64)
    }

    /// Takes the arrival that [`Source::peek`] showed.
    #[inline]
    pub fn advance(&mut self) {
        self.given += 1;
    }

    #[inline(never)]
    fn refill(&mut self) {
        self.first = self.gaps.made();
        if let Some(of) = &mut self.replay {
            of.before = of.marks[BLOCK - 1];
            of.replay.fill(&mut self.at, &mut self.works, &mut of.marks);
            self.gaps.count(&mut self.at, &mut self.warp);
            self.given = 0;
            if !of.replay.draws_work() {
                return;
            }
        } else {
            self.gaps.fill(&mut self.at, &mut self.warp);
        }
        let mut works = [0.0; BLOCK];
        self.work.fill(&self.work_stream, self.first, &mut works);
        whole_numbers(&works, &mut self.works);
        self.given = 0;
    }

    /// The work of request number `index` (for closed sources, whose requests are not made in order).
    #[must_use]
    pub fn work(&self, index: u64) -> u64 {
        round_ns(self.work.sample(&self.work_stream, index))
    }

    /// What the record says of request number `index`, which has just been taken; nothing where there is no record.
    #[must_use]
    pub fn mark(&self, index: u64) -> Mark {
        let Some(of) = &self.replay else { return Mark::NONE };
        index.checked_sub(self.first).map_or(of.before, |at| of.marks[at as usize])
    }

    /// What went wrong with a record.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.replay.as_ref()?.replay.trouble()
    }

    /// The key of request number `index`, if keys are drawn or recorded.
    #[must_use]
    pub fn key(&self, index: u64) -> Option<u64> {
        if self.replay.is_some() && self.keys.is_none() {
            return Some(self.mark(index).key).filter(|&key| key != NOBODY).map(u64::from);
        }
        Some(match self.keys.as_ref()? {
            KeySampler::Uniform(count) => below(self.key_stream.bits(index), *count),
            // Zipf's ranks begin at 1; rounding may give one too many, rarely.
            KeySampler::Zipf(zipf, count) => (zipf.sample(&mut self.key_stream.several(index)).0 as u64).min(*count) - 1,
        })
    }

    /// 64 random bits that belong to request number `index`, for its client and connection.
    #[must_use]
    pub fn client_bits(&self, index: u64) -> u64 {
        self.client_stream.bits(index)
    }
}

/// All sources of a replication, merged in time.
#[derive(Debug)]
pub struct Traffic {
    sources: Vec<Source>,
    next: Arrival,
}

impl Traffic {
    /// The sources, ready to be pulled. Closed sources never show up here: the engine sends for their clients.
    #[must_use]
    pub fn new(plans: &[SourcePlan], seed: u64, replication: u64) -> Self {
        let sources = plans.iter().zip(0..).map(|(plan, index)| Source::new(plan, seed, replication, index)).collect();
        let mut traffic = Self { sources, next: Arrival { at: 0, work: 0, index: 0, source: 0 } };
        traffic.find_next();
        traffic
    }

    /// The next arrival, without taking it.
    #[inline]
    #[must_use]
    pub fn peek(&self) -> &Arrival {
        &self.next
    }

    /// Takes the next arrival.
    #[inline]
    pub fn pull(&mut self) -> Arrival {
        let taken = self.next;
        self.sources[taken.source as usize].advance();
        self.find_next();
        taken
    }

    /// The earliest over the sources; the first of them on a tie.
    #[inline]
    fn find_next(&mut self) {
        if let [only] = &mut self.sources[..] {
            let (at, work, index) = only.peek();
            self.next = Arrival { at, work, index, source: 0 };
            return;
        }
        self.find_first();
    }

    #[inline(never)]
    fn find_first(&mut self) {
        self.next.at = u64::MAX;
        for (number, source) in self.sources.iter_mut().enumerate() {
            let (at, work, index) = source.peek();
            if at < self.next.at {
                self.next = Arrival { at, work, index, source: number as u16 };
            }
        }
    }

    /// One of the sources.
    #[must_use]
    pub fn source(&self, number: u16) -> &Source {
        &self.sources[number as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn rounding_a_block_is_rounding_one_by_one() {
        let mut chance = Stream::new(1);
        for scale in [1.0, 1e3, 1e9, 1e18, 1e25] {
            let mut values: [f64; BLOCK] = std::array::from_fn(|_| chance.unit() * scale);
            values[..4].copy_from_slice(&[0.5, 1.5, 2.5, 0.0]);
            let mut out = [0; BLOCK];
            whole_numbers(&values, &mut out);
            assert_eq!(out, values.map(round_ns));
        }
    }
}
