//! Chance that is the same everywhere: named streams derived from (seed, replication, purpose, index).
//!
//! Two kinds. A [`Stream`] is drawn from in order (a balancer's coin). A [`Numbered`] stream gives the k-th value directly, so
//! that the work of request k is a function of the seed and of k, whatever was drawn before: every balancer meets the same
//! requests, and a new backend or fault moves nobody's arrivals.
//!
//! Both are named, published generators (xoshiro256++ and SplitMix64); golden values below hold them still. Nothing here ever
//! draws a `usize`, and no stream is made by adding to a seed.

use rand::rand_core::TryRng;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::convert::Infallible;

/// What a stream is for. The numbers are part of the results: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Gaps between arrivals of a source.
    Arrivals = 1,
    /// Work of a source's requests.
    Work = 2,
    /// Keys of a source's requests.
    Keys = 3,
    /// Clients and connections of a source's requests.
    Clients = 4,
    /// A balancer instance's own draws.
    Balancer = 5,
    /// Which balancer instance a request goes to.
    Assignment = 6,
    /// Network delays.
    Network = 7,
    /// Think times of closed clients.
    Think = 8,
    /// States of a modulated arrival process, sizes of batches.
    Modulation = 9,
    /// Which balancer instance a backend tells that it is idle.
    Reports = 10,
    /// What goes wrong, and whom it hits.
    Faults = 11,
    /// Timeouts, pauses and hedges of callers.
    Callers = 12,
    /// Probes and discovery.
    Probes = 13,
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's finaliser: every bit of the input moves every bit of the output.
#[inline]
#[must_use]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The seed of one stream.
#[must_use]
pub const fn derive(seed: u64, replication: u64, purpose: Purpose, index: u64) -> u64 {
    let mut h = mix(seed.wrapping_add(GOLDEN));
    h = mix(h ^ replication.wrapping_add(GOLDEN).wrapping_mul(GOLDEN));
    h = mix(h ^ (purpose as u64).wrapping_mul(GOLDEN));
    mix(h ^ index.wrapping_add(1).wrapping_mul(GOLDEN))
}

/// A double in (0, 1) from the upper 52 bits: never 0, never 1.
#[inline]
#[must_use]
pub fn unit(bits: u64) -> f64 {
    // A float in [1, 2) with those bits as its fraction, moved down by one and up by half a step. No conversion from
    // integers, so that the compiler can do several at once.
    f64::from_bits((bits >> 12) | 0x3FF0_0000_0000_0000) - (1.0 - f64::EPSILON / 2.0)
}

/// A whole number below `n` (0 for 0), by the upper half of a product: the bias is below n ÷ 2^64.
#[inline]
#[must_use]
pub fn below(bits: u64, n: u64) -> u64 {
    ((u128::from(bits) * u128::from(n)) >> 64) as u64
}

/// A stream to draw from in order: xoshiro256++, or a script of recorded draws that goes before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    generator: Xoshiro256PlusPlus,
    /// Recorded draws, last first; `None` where there are none, so that looking costs nothing.
    script: Option<Vec<u64>>,
}

impl Stream {
    /// The stream of a derived seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { generator: Xoshiro256PlusPlus::seed_from_u64(seed), script: None }
    }

    /// A stream that gives these draws first.
    #[must_use]
    pub fn scripted(draws: impl IntoIterator<Item = u64>, seed: u64) -> Self {
        let mut script: Vec<u64> = draws.into_iter().collect();
        script.reverse();
        Self { script: Some(script), ..Self::new(seed) }
    }

    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        if self.script.is_some() {
            return self.scripted_bits();
        }
        self.generator.next_u64()
    }

    #[cold]
    #[inline(never)]
    fn scripted_bits(&mut self) -> u64 {
        match self.script.as_mut().and_then(|script| script.pop()) {
            Some(draw) => draw,
            None => {
                self.script = None;
                self.generator.next_u64()
            }
        }
    }

    /// A whole number below `n` (0 for 0).
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        below(self.bits(), n)
    }

    /// A double in (0, 1).
    #[inline]
    pub fn unit(&mut self) -> f64 {
        unit(self.bits())
    }
}

/// A stream whose k-th value is had directly: SplitMix64 with an increment of its own.
#[derive(Clone, Copy, Debug)]
pub struct Numbered {
    start: u64,
    step: u64,
}

impl Numbered {
    /// The stream of a derived seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        // An odd step with enough bit changes, as SplittableRandom asks; streams with different steps share no runs.
        let step = mix(seed ^ GOLDEN) | 1;
        let step = if (step ^ (step >> 1)).count_ones() < 24 { step ^ 0xAAAA_AAAA_AAAA_AAAA } else { step };
        Self { start: mix(seed), step }
    }

    /// The 64 random bits of number k.
    #[inline]
    #[must_use]
    pub const fn bits(&self, k: u64) -> u64 {
        mix(self.start.wrapping_add(self.step.wrapping_mul(k)))
    }

    /// A generator that starts from number k, for distributions that take several draws.
    #[must_use]
    pub const fn several(&self, k: u64) -> Draws {
        Draws(self.bits(k))
    }
}

/// A short run of draws that belongs to one number of a [`Numbered`] stream: SplitMix64.
#[derive(Clone, Copy, Debug)]
pub struct Draws(u64);

impl Draws {
    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A double in (0, 1).
    #[inline]
    pub fn unit(&mut self) -> f64 {
        unit(self.bits())
    }
}

impl TryRng for Draws {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.bits() >> 32) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.bits())
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.bits().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // Computed by a second implementation of the published generators.
    fn golden_values_hold_the_streams_still() {
        assert_eq!(derive(42, 0, Purpose::Arrivals, 0), 0x5851_7abc_39f6_102e);
        let mut stream = Stream::new(1);
        assert_eq!([stream.bits(), stream.bits()], [0xcfc5_d07f_6f03_c29b, 0xbf42_4132_963f_e08d]);
        assert_eq!(Numbered::new(1).bits(7), 0xfec7_be57_76dd_08be);
        assert_eq!(Numbered::new(1).several(7).bits(), 0x0c02_3230_369b_30b3);
    }

    #[test]
    fn units_stay_strictly_between_zero_and_one() {
        assert!(unit(0) > 0.0);
        assert!(unit(u64::MAX) < 1.0);
        assert_eq!(unit(1 << 63), 0.5 + f64::EPSILON / 2.0);
    }

    #[test]
    fn a_script_goes_before_the_seeded_stream() {
        let mut scripted = Stream::scripted([12, 0], 1);
        let mut plain = Stream::new(1);
        assert_eq!((scripted.bits(), scripted.bits()), (12, 0));
        assert_eq!(scripted.bits(), plain.bits());
    }

    #[test]
    fn below_covers_its_range_evenly() {
        let mut stream = Stream::new(3);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        // Binomial: the standard deviation is sqrt(70000 · 6/49) = 92.6; five of them.
        assert!(counts.iter().all(|&count| (f64::from(count) - 10_000.0).abs() < 463.0), "{counts:?}");
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn numbered_values_are_uncorrelated_with_their_neighbours_and_other_streams() {
        let n = 100_000;
        let correlation =
            |a: &dyn Fn(u64) -> f64, b: &dyn Fn(u64) -> f64| (0..n).map(|k| (a(k) - 0.5) * (b(k) - 0.5)).sum::<f64>() / n as f64 * 12.0;
        let (one, two) = (Numbered::new(derive(1, 0, Purpose::Work, 0)), Numbered::new(derive(1, 0, Purpose::Work, 1)));
        // The standard error of a correlation of n pairs is 1/sqrt(n) = 0.0032; five of them.
        assert!(correlation(&|k| unit(one.bits(k)), &|k| unit(one.bits(k + 1))).abs() < 0.016);
        assert!(correlation(&|k| unit(one.bits(k)), &|k| unit(two.bits(k))).abs() < 0.016);
    }
}
