//! Draws of one function in one minute.

/// SplitMix64: a counter, mixed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance(u64);

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Chance {
    pub(super) fn new(seed: u64, minute: u64, id: u128) -> Self {
        let parts = [minute, id as u64, (id >> 64) as u64];
        Self(parts.iter().fold(mix(seed.wrapping_add(GOLDEN)), |state, part| mix(state ^ part.wrapping_add(GOLDEN).wrapping_mul(GOLDEN))))
    }

    /// A double in (0, 1): never 0, never 1.
    pub(super) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        ((mix(self.0) >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }
}
