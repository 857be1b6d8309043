//! The exponential distribution by ziggurat: nearly every draw is one table look-up and one multiplication.
//!
//! The area under e^-x is cut into 256 layers of equal area; a draw takes a layer by 8 of its bits and a point across it by 52 others, and is done if
//! that point lies under the curve whatever its height is, which is so in 98.9% of draws. The rest compare heights; the lowest layer's
//! tail is again an exponential. It costs half of what −ln(u) does, and two are drawn for most requests: see docs/src/performance.md. Tables are made
//! once, by the portable mathematics.

use super::math::{exp, log, neg_ln};
use crate::random::{Draws, Numbered, unit};
use std::sync::LazyLock;

/// Where the lowest layer's rectangle ends, and the area of each layer: the solution of Marsaglia and Tsang (2000) for 256 layers.
const EDGE: f64 = 7.697_117_470_131_05;
const AREA: f64 = 3.949_659_822_581_572e-3;

/// Widths and heights of the layers. `width[0]` is that of the rectangle that has the lowest layer's area.
#[derive(Debug)]
pub(super) struct Ziggurat {
    width: [f64; 257],
    height: [f64; 257],
}

static TABLE: LazyLock<Ziggurat> = LazyLock::new(Ziggurat::new);

/// The table, made at the first call.
pub(super) fn table() -> &'static Ziggurat {
    &TABLE
}

impl Ziggurat {
    fn new() -> Self {
        let mut width = [0.0; 257];
        width[0] = AREA / exp(-EDGE);
        width[1] = EDGE;
        for layer in 2..256 {
            width[layer] = -log(exp(-width[layer - 1]) + AREA / width[layer - 1]);
        }
        Self { width, height: width.map(|x| exp(-x)) }
    }

    /// Number k of a stream, with mean 1.
    #[inline]
    pub(super) fn sample(&self, stream: &Numbered, k: u64) -> f64 {
        let bits = stream.bits(k);
        let layer = (bits & 255) as usize;
        let x = unit(bits) * self.width[layer];
        if x < self.width[layer + 1] { x } else { self.draw_again(x, layer, stream.several(k)) }
    }

    /// The point was not certainly under the curve: compares heights, and draws until one is.
    #[cold]
    #[inline(never)]
    fn draw_again(&self, mut x: f64, mut layer: usize, mut draws: Draws) -> f64 {
        loop {
            if layer == 0 {
                return EDGE + neg_ln(draws.unit());
            }
            let (low, high) = (self.height[layer], self.height[layer + 1]);
            if low + (high - low) * draws.unit() < exp(-x) {
                return x;
            }
            let bits = draws.bits();
            layer = (bits & 255) as usize;
            x = unit(bits) * self.width[layer];
            if x < self.width[layer + 1] {
                return x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, derive};

    #[test]
    fn the_layers_have_equal_areas_and_end_at_the_top() {
        let table = Ziggurat::new();
        for layer in 1..256 {
            let area = table.width[layer] * (table.height[layer + 1] - table.height[layer]);
            assert!((area / AREA - 1.0).abs() < 1e-9, "layer {layer}: {area}");
        }
        // The lowest layer: a rectangle and the tail beyond it.
        assert!((EDGE * table.height[1] + table.height[1]) / AREA - 1.0 < 1e-9);
    }

    #[test]
    fn draws_have_the_exponential_distribution_from_the_body_to_the_tail() {
        let (table, stream) = (Ziggurat::new(), Numbered::new(derive(3, 0, Purpose::Work, 0)));
        let n = 4_000_000;
        let mut values: Vec<f64> = (0..n).map(|k| table.sample(&stream, k)).collect();
        values.sort_unstable_by(f64::total_cmp);
        // Kolmogorov–Smirnov: the largest distance times √n is below 1.95 with probability 0.999.
        let distance = values.iter().zip(0..).map(|(x, k)| ((1.0 - exp(-x)) - f64::from(k) / n as f64).abs()).fold(0.0, f64::max);
        assert!(distance * (n as f64).sqrt() < 1.95, "{distance}");
        // Beyond the edge: Binomial(n, e^-7.697) has mean 1817 and standard deviation 43; four of them.
        let tail = values.iter().filter(|&&x| x > EDGE).count() as f64;
        assert!((tail - n as f64 * exp(-EDGE)).abs() < 172.0, "{tail}");
        assert!(values[0] > 0.0);
    }
}
