//! MT19937: the Mersenne twister of Matsumoto and Nishimura (1998), as `std::mt19937` seeds it.
//!
//! **Who ships it.** Envoy shuffles the backends for bounded load with it, seeded by the request's hash, so that the same request always
//! tries them in the same order. Nothing else draws from it here: chance comes from streams.

const N: usize = 624;
const M: usize = 397;

/// A generator of 32-bit numbers.
#[derive(Clone, Debug)]
pub struct Mt19937 {
    state: [u32; N],
    at: usize,
}

impl Mt19937 {
    /// Seeded as the reference code's `init_genrand`.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        let mut generator = Self { state: [0; N], at: N };
        generator.seed(seed);
        generator
    }

    /// Starts again from a seed, in the same place.
    pub fn seed(&mut self, seed: u32) {
        self.state[0] = seed;
        for at in 1..N {
            let last = self.state[at - 1];
            self.state[at] = (last ^ (last >> 30)).wrapping_mul(1_812_433_253).wrapping_add(at as u32);
        }
        self.at = N;
    }

    /// The next number.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.at == N {
            self.twist();
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C_5680;
        y ^= (y << 15) & 0xEFC6_0000;
        y ^ (y >> 18)
    }

    /// A number below `n`, which is above 0, as Envoy draws it: what does not fit evenly is drawn again.
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        // 2^32 ÷ n, rounded down; for n = 1 that is 2^32 itself.
        let width = (1_u64 << 32) / u64::from(n);
        loop {
            let drawn = u64::from(self.next_u32()) / width;
            if drawn < u64::from(n) {
                return drawn as u32;
            }
        }
    }

    fn twist(&mut self) {
        for at in 0..N {
            let y = (self.state[at] & 0x8000_0000) | (self.state[(at + 1) % N] & 0x7FFF_FFFF);
            let odd = if y & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.state[at] = self.state[(at + M) % N] ^ (y >> 1) ^ odd;
        }
        self.at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_thousandth_number_of_the_default_seed_is_the_one_of_the_standard() {
        // C++ [rand.predef]: the 10000th invocation of a default-constructed mt19937 (seed 5489) gives 4123659995.
        let mut generator = Mt19937::new(5489);
        (0..9_999).for_each(|_| _ = generator.next_u32());
        assert_eq!(generator.next_u32(), 4_123_659_995);
    }

    #[test]
    fn one_of_one_is_the_first_and_uses_a_draw() {
        let (mut a, mut b) = (Mt19937::new(3), Mt19937::new(3));
        assert_eq!(a.below(1), 0);
        _ = b.next_u32();
        assert_eq!(a.next_u32(), b.next_u32());
    }
}
