//! Rates that change over time, by running a source's clock faster or slower.
//!
//! A source makes arrivals in operational time, in which its rate is constant. The shape's factor f(t) says how fast operational time
//! passes: Λ(t) = ∫ f. An arrival at operational instant a happens at Λ⁻¹(a). That is exact for Poisson (a time change gives the
//! inhomogeneous process) and means the natural thing for every other process.

use super::surge::{Surge, Surging};
use crate::dist::math::{cos, sin, sqrt};
use crate::scenario::Shape;

/// The map from operational to real time.
#[derive(Clone, Debug)]
pub struct Warp {
    map: Map,
    surging: Option<Box<Surging>>,
}

#[derive(Clone, Debug)]
pub(super) enum Map {
    Flat,
    /// Pieces of (real start, operational start, factor), ascending.
    Steps(Vec<(f64, f64, f64)>),
    Ramp {
        from: f64,
        to: f64,
        over: f64,
    },
    Wave {
        amplitude: f64,
        period: f64,
    },
}

impl Warp {
    /// The map of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Self {
        let map = match shape {
            Shape::Flat => Map::Flat,
            Shape::Steps(steps) => pieces(steps.iter().map(|&(at, factor)| (at.0 as f64, factor))),
            Shape::Spike { at, lasts, factor } => {
                let (at, end) = (at.0 as f64, at.0 as f64 + lasts.0 as f64);
                pieces([(at, *factor), (end, 1.0)].into_iter())
            }
            Shape::Ramp { from, to, over } => Map::Ramp { from: *from, to: *to, over: over.0 as f64 },
            Shape::Wave { amplitude, period } => Map::Wave { amplitude: *amplitude, period: period.0 as f64 },
        };
        Self { map, surging: None }
    }

    /// The map of the same shape times surges.
    #[must_use]
    pub fn surging(self, surges: &[Surge], seed: u64, replication: u64) -> Self {
        let surging = (!surges.is_empty()).then(|| Box::new(Surging::new(surges, seed, replication)));
        Self { surging, ..self }
    }

    /// Turns a block of operational instants, which ascend from block to block, into real ones.
    pub fn to_real(&mut self, instants: &mut [u64]) {
        if let Some(surging) = &mut self.surging {
            instants.iter_mut().for_each(|at| *at = surging.real(*at, &self.map));
        } else if !matches!(self.map, Map::Flat) {
            instants.iter_mut().for_each(|at| *at = self.map.invert(*at as f64) as u64);
        }
    }
}

fn pieces(steps: impl Iterator<Item = (f64, f64)>) -> Map {
    let mut pieces = vec![(0.0, 0.0, 1.0)];
    for (at, factor) in steps {
        let &(real, operational, before) = pieces.last().expect("it begins with one");
        if at == real {
            pieces.pop();
        }
        pieces.push((at, operational + (at - real) * before, factor));
    }
    Map::Steps(pieces)
}

impl Map {
    /// The real instant of an operational one; infinite if it never comes.
    #[inline(never)]
    pub(super) fn invert(&self, a: f64) -> f64 {
        match self {
            Self::Flat => a,
            Self::Steps(pieces) => {
                // The last piece that begins before it: a piece of factor 0 has no operational time of its own.
                let after = pieces.partition_point(|&(_, operational, _)| operational < a).max(1);
                let (real, operational, factor) = pieces[after - 1];
                if factor > 0.0 { real + (a - operational) / factor } else { f64::INFINITY }
            }
            Self::Ramp { from, to, over } => invert_ramp(*from, *to, *over, a),
            Self::Wave { amplitude, period } => invert_wave(*amplitude, *period, a),
        }
    }

    /// The operational time that has passed at a real instant.
    pub(super) fn passed(&self, t: f64) -> f64 {
        match self {
            Self::Flat => t,
            Self::Steps(pieces) => {
                let after = pieces.partition_point(|&(real, ..)| real <= t).max(1);
                let (real, operational, factor) = pieces[after - 1];
                operational + (t - real) * factor
            }
            Self::Ramp { from, to, over } if t <= *over => from * t + (to - from) * t * t / (2.0 * over),
            Self::Ramp { from, to, over } => over * (from + to) / 2.0 + (t - over) * to,
            Self::Wave { amplitude, period } => {
                let turn = std::f64::consts::TAU / period;
                // Whole periods apart, as the cosine of a large number is of little use.
                let rest = t - (t / period) as u64 as f64 * period;
                t + amplitude / turn * (1.0 - cos(turn * rest))
            }
        }
    }
}

/// Λ(t) = from·t + (to − from)·t²/(2·over) up to `over`, straight on after it.
fn invert_ramp(from: f64, to: f64, over: f64, a: f64) -> f64 {
    let whole = over * (from + to) / 2.0;
    if a > whole {
        return if to > 0.0 { over + (a - whole) / to } else { f64::INFINITY };
    }
    // The root written so that a slope of zero is no special case.
    let slope = (to - from) / over;
    let root = sqrt((from * from + 2.0 * slope * a).max(0.0));
    if from + root > 0.0 { 2.0 * a / (from + root) } else { 0.0 }
}

/// Λ(t) = t + amplitude·period/2π·(1 − cos(2πt/period)): whole periods apart, then by Newton's steps, and by halving where a step would leave what
/// is known to hold the answer (where the wave touches zero its slope is no guide).
fn invert_wave(amplitude: f64, period: f64, a: f64) -> f64 {
    let whole = (a / period) as u64 as f64;
    let a = a - whole * period;
    let turn = std::f64::consts::TAU / period;
    let passed = |t: f64| t + amplitude / turn * (1.0 - cos(turn * t));
    let (mut low, mut high) = (0.0, period);
    let mut t = a.min(period);
    // Halving alone needs 64 steps for any period; Newton's take about four.
    for _ in 0..128 {
        let error = passed(t) - a;
        if error < 0.0 {
            low = t
        } else {
            high = t
        }
        let step = error / (1.0 + amplitude * sin(turn * t));
        let next = t - step;
        let inside = next > low && next < high;
        let next = if inside { next } else { low + (high - low) / 2.0 };
        // To a quarter of a nanosecond, or as fine as doubles are.
        if (next - t).abs() < 0.25 || next <= low || next >= high {
            t = next;
            break;
        }
        t = next;
    }
    whole * period + t
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    impl Warp {
        fn real(&self, operational: u64) -> u64 {
            self.map.invert(operational as f64) as u64
        }
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn steps_stretch_and_stop_time() {
        let warp = Warp::new(&Shape::Steps(vec![(Span(SECOND), 2.0), (Span(2 * SECOND), 0.0), (Span(5 * SECOND), 1.0)]));
        assert_eq!(warp.real(SECOND / 2), SECOND / 2);
        assert_eq!(warp.real(2 * SECOND), 3 * SECOND / 2);
        assert_eq!(warp.real(3 * SECOND), 2 * SECOND);
        assert_eq!(warp.real(4 * SECOND), 6 * SECOND);
        let ends = Warp::new(&Shape::Steps(vec![(Span(SECOND), 0.0)]));
        assert_eq!(ends.real(SECOND + 1), u64::MAX);
        let from_the_start = Warp::new(&Shape::Steps(vec![(Span(0), 2.0)]));
        assert_eq!(from_the_start.real(SECOND), SECOND / 2);
    }

    #[test]
    fn a_ramp_is_a_parabola_and_then_a_line() {
        let warp = Warp::new(&Shape::Ramp { from: 0.0, to: 2.0, over: Span(2 * SECOND) });
        // Λ(1 s) = 0.5 s, Λ(2 s) = 2 s, then two a second.
        assert!(warp.real(SECOND / 2).abs_diff(SECOND) <= 1);
        assert!(warp.real(2 * SECOND).abs_diff(2 * SECOND) <= 1);
        assert!(warp.real(4 * SECOND).abs_diff(3 * SECOND) <= 1);
        let level = Warp::new(&Shape::Ramp { from: 1.0, to: 1.0, over: Span(SECOND) });
        assert!(level.real(12_345).abs_diff(12_345) <= 1);
    }

    #[test]
    fn a_wave_keeps_its_mean_over_whole_periods() {
        let warp = Warp::new(&Shape::Wave { amplitude: 0.5, period: Span(SECOND) });
        assert!(warp.real(7 * SECOND).abs_diff(7 * SECOND) <= 1);
        // A quarter period in: Λ = 1/4 + 0.5/2π.
        let quarter = (0.25 + 0.5 / std::f64::consts::TAU) * SECOND as f64;
        assert!(warp.real(quarter as u64).abs_diff(SECOND / 4) <= 2);
        // All the way round, for a wave that touches zero too: Λ of what comes out is what went in.
        for amplitude in [0.1, 0.9, 1.0] {
            let warp = Warp::new(&Shape::Wave { amplitude, period: Span(SECOND) });
            let turn = std::f64::consts::TAU / SECOND as f64;
            let mut before = 0;
            for a in (0..3 * SECOND).step_by(7_654_321) {
                let t = warp.real(a);
                let back = t as f64 + amplitude / turn * (1.0 - cos(turn * t as f64));
                assert!(t >= before && (back - a as f64).abs() < 4.0, "{amplitude}: {a} gives {t}, back {back}");
                before = t;
            }
        }
    }
}
