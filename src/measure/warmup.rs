//! Has a cell settled when its statistics begin? MSER-5, made safe against noise.
//!
//! A run starts empty, so its first latencies are too low (or, after a surge, too high). MSER-5 (White, Cobb and Spratt, WSC
//! 2000) looks at means of batches of five values and drops the first d* of them, where
//!
//! d* = argmin over d of the squared standard error of what is left, Σ_{i>d} (yᵢ − ȳ_d)² ÷ (n − d)².
//!
//! Taken literally on one series of correlated values it cries wolf: on an M/M/1 queue at 90% load, 20,000 requests, it asks for
//! more than 10% in 18 of 100 runs that are in equilibrium from the first request, because a lone burst in the first half is
//! worth dropping. A true transient differs from a burst in that it is there as soon as the warm-up ends and then all along. So:
//!
//! 1. **Coarser batches.** Neighbours are merged until there are 100 to 199, which makes them nearly independent.
//!    With fewer than 20 (100 values of batches of five) nothing is judged, and the warm-up counts as reached.
//! 2. **The search** for d* goes over the whole warm-up and the first half of what is measured. Beyond, few batches
//!    are left and the statistic is chance; a minimum on that border means that the series does not settle at all.
//! 3. **The doubt.** If d* lies beyond the warm-up, the first half of the batches between the warm-up and d* is held
//!    against the batches after d*: it must differ in mean by at least 4 standard errors (those inflated by
//!    √((1+r)/(1−r)), r the lag-1 correlation of the batches after d*, less their straight trend, 0 to 0.7) and by 0.1%, and at
//!    least 90% of all pairs (one batch from each side) must be ordered the same way, which a few huge values of a
//!    heavy tail cannot bring about. Otherwise d* is chance, and the warm-up was long enough.
//!
//! False alarms of one cell at a warm-up of 10%, of 500 to 1,000 each (tests below): none on independent
//! (exponential, Pareto) and moderately correlated series, 1 to 1.6% on an M/M/1 queue at 90% load (20,000 requests
//! or more), 1.4% on AR(1) with a correlation over 5% of the run, 2.8% on M/M/1 at 95% and 20,000 requests, which
//! holds twelve independent stretches in all. A result of several replications is judged by more than half of its
//! cells, which makes that a few in ten thousand. Found are: straight transients over the first 20 or 30% of a run
//! that start three standard deviations off, in 97 and 100% of cells; AR(1) from 50 deviations with a time constant
//! of 10% of the run, 99.9%; a backlog that takes 30% of the run to drain, 97%; a queue at 110% load, 99%.
//!
//! Weak spots: a transient that is over within some 3% of the run after the warm-up may pass (and matters little to
//! the mean); a run shorter than a dozen correlation times knows nothing about itself, whatever the rule.

/// What the check says of one cell. Shares are of all its values, from the very start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check {
    /// The share that should have been dropped; at most the warm-up's where that was enough.
    pub drop: f64,
    /// Whether the warm-up was long enough.
    pub reached: bool,
    /// Whether a mean may be quoted: false if more than half should have been dropped, or the series never settles.
    pub settled: bool,
}

impl Check {
    /// Nothing to object to.
    const FINE: Self = Self { drop: 0.0, reached: true, settled: true };
}

/// At least so many coarse batches, where there are as many values.
const COARSE: usize = 100;
/// Below this many batches nothing is judged.
const FEWEST: usize = 20;
/// A difference below this share of the mean is none: histograms do not resolve it either. (Deterministic series have tiny ones.)
const LEAST: f64 = 0.001;
/// How many standard errors the stretch after the warm-up must differ by.
const ERRORS: f64 = 4.0;
/// No more correlation than this is made allowance for: a queue that grows without end looks like nothing but correlation.
const MOST_CORRELATED: f64 = 0.7;
/// The share of pairs that must be ordered alike.
const ORDERED: f64 = 0.9;

/// Checks a warm-up of the given share (0 to 1) against the means of equal batches, in order.
#[must_use]
pub fn check(means: &[f64], warmup: f64) -> Check {
    let batches = coarse(means);
    let count = batches.len();
    if count < FEWEST {
        return Check::FINE;
    }
    let warm = ((warmup * count as f64 - 1e-9).ceil().max(0.0) as usize).min(count - 1);
    let limit = usize::midpoint(warm, count);
    let best = mser(&batches, limit);
    let drop = best as f64 / count as f64;
    if best <= warm {
        return Check { drop, ..Check::FINE };
    }
    let stretch = &batches[warm..warm + (best - warm).div_ceil(2)];
    if best - warm < 2 || !differs(stretch, &batches[best..]) {
        return Check { drop: warmup, ..Check::FINE };
    }
    Check { drop, reached: false, settled: best < limit && drop <= 0.5 }
}

/// Neighbours merged until fewer than twice [`COARSE`] are left; what does not fill the last batch is left out.
fn coarse(means: &[f64]) -> Vec<f64> {
    let size = (means.len() / COARSE).max(1);
    means.chunks_exact(size).map(|group| group.iter().sum::<f64>() / size as f64).collect()
}

/// How many batches to drop, 0 to `limit`: the least squared standard error of what is left, the earliest of equals.
#[must_use]
pub fn mser(batches: &[f64], limit: usize) -> usize {
    // Taken from the middle value: sums of squares of large equal numbers would cancel.
    let centre = batches[batches.len() / 2];
    let (mut sum, mut squares) = (0.0, 0.0);
    let (mut best, mut least) = (limit, f64::INFINITY);
    for drop in (0..batches.len()).rev() {
        let value = batches[drop] - centre;
        sum += value;
        squares += value * value;
        let left = (batches.len() - drop) as f64;
        let error = (squares - sum * sum / left) / (left * left);
        if drop <= limit && error <= least {
            (best, least) = (drop, error);
        }
    }
    best
}

/// Whether the stretch is another thing than the rest, by size and by order.
fn differs(stretch: &[f64], rest: &[f64]) -> bool {
    let (here, there) = (mean(stretch), mean(rest));
    let variance = rest.iter().map(|y| (y - there) * (y - there)).sum::<f64>() / (rest.len() - 1) as f64;
    let correlation = correlation(rest).clamp(0.0, MOST_CORRELATED);
    let inflated = variance * (1.0 + correlation) / (1.0 - correlation);
    let error = (inflated * (1.0 / stretch.len() as f64 + 1.0 / rest.len() as f64)).sqrt();
    let difference = (here - there).abs();
    difference > LEAST * there.abs() && difference > ERRORS * error && ordered(stretch, rest) >= ORDERED
}

/// The share of pairs (one from each) that are ordered as most are: 0.5 for no order, 1 for a complete one.
fn ordered(stretch: &[f64], rest: &[f64]) -> f64 {
    let above: f64 =
        stretch.iter().map(|a| rest.iter().map(|b| if a > b { 1.0 } else { f64::from(u8::from(a == b)) / 2.0 }).sum::<f64>()).sum();
    let share = above / (stretch.len() * rest.len()) as f64;
    share.max(1.0 - share)
}

/// The lag-1 correlation of what is left of a series when its straight trend is taken off.
fn correlation(series: &[f64]) -> f64 {
    let (level, middle) = (mean(series), (series.len() - 1) as f64 / 2.0);
    let (mut along, mut spread) = (0.0, 0.0);
    for (at, y) in series.iter().enumerate() {
        let t = at as f64 - middle;
        along += t * (y - level);
        spread += t * t;
    }
    let slope = along / spread;
    let rest: Vec<f64> = series.iter().enumerate().map(|(at, y)| y - level - slope * (at as f64 - middle)).collect();
    let squares: f64 = rest.iter().map(|y| y * y).sum();
    if squares > 0.0 { rest.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / squares } else { 0.0 }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::record::Batches;
    use crate::time::Span;

    /// xorshift64*, with the laws that the series are made of.
    struct Chance(u64);

    impl Chance {
        fn unit(&mut self) -> f64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        }
        fn exponential(&mut self) -> f64 {
            -libm::log(self.unit())
        }
        fn normal(&mut self) -> f64 {
            (-2.0 * libm::log(self.unit())).sqrt() * libm::cos(core::f64::consts::TAU * self.unit())
        }
    }

    type Series = Box<dyn Fn(&mut Chance, usize) -> Vec<f64>>;

    /// xₜ = φ·xₜ₋₁ + noise, from `start` standard deviations (0: from its equilibrium).
    fn autoregressive(phi: f64, start: f64) -> Series {
        Box::new(move |chance, count| {
            let deviation = 1.0 / (1.0 - phi * phi).sqrt();
            let mut x = if start == 0.0 { chance.normal() } else { start } * deviation;
            let mut next = || {
                x = phi * x + chance.normal();
                x
            };
            (0..count).map(|_| next()).collect()
        })
    }

    /// Correlated noise plus a straight transient that starts `height` standard deviations up and ends at a share of the run.
    fn straight(height: f64, ends: f64) -> Series {
        let noise = autoregressive(0.9, 0.0);
        Box::new(move |chance, count| {
            let deviation = 1.0 / (1.0_f64 - 0.81).sqrt();
            let transient = |at: usize| height * deviation * (1.0 - at as f64 / (ends * count as f64)).max(0.0);
            noise(chance, count).into_iter().enumerate().map(|(at, x)| x + transient(at)).collect()
        })
    }

    /// Sojourn times of an M/M/1 queue, by Lindley's recursion, from a backlog.
    fn queue(load: f64, backlog: f64) -> Series {
        Box::new(move |chance, count| {
            let mut wait = backlog * count as f64;
            let mut next = || {
                let sojourn = wait + load * chance.exponential();
                wait = (sojourn - chance.exponential()).max(0.0);
                sojourn
            };
            (0..count).map(|_| next()).collect()
        })
    }

    /// Independent values with P(X > x) = x^−α; exponential for α = 0.
    fn independent(alpha: f64) -> Series {
        Box::new(move |chance, count| {
            let draw = |chance: &mut Chance| if alpha == 0.0 { chance.exponential() } else { libm::pow(chance.unit(), -1.0 / alpha) };
            (0..count).map(|_| draw(chance)).collect()
        })
    }

    /// Alarms and unsettled cells, in percent, of so many series at a warm-up of 10%. Values go through [`Batches`], as in a cell.
    fn rates(series: &Series, count: usize, cells: usize) -> (f64, f64) {
        let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
        let (mut alarms, mut unsettled) = (0, 0);
        for _ in 0..cells {
            let mut batches = Batches::default();
            for value in series(&mut chance, count) {
                // A Span has whole nanoseconds and no sign.
                batches.push(Span::from_secs_f64((value + 1e3) / 1e3));
            }
            let found = check(&batches.means(), 0.1);
            alarms += usize::from(!found.reached);
            unsettled += usize::from(!found.settled);
        }
        (100.0 * alarms as f64 / cells as f64, 100.0 * unsettled as f64 / cells as f64)
    }

    #[test]
    fn false_alarms_are_rare() {
        // The bound leaves 2.3 standard errors of a rate of 2% in 500 cells (0.6%) where the true rate is near it.
        for (name, series, count, bound) in [
            ("independent", independent(0.0), 2_000, 2.0),
            ("independent", independent(0.0), 20_000, 2.0),
            ("Pareto 1.8", independent(1.8), 20_000, 2.0),
            ("Pareto 1.2", independent(1.2), 20_000, 2.0),
            ("AR 0.9", autoregressive(0.9, 0.0), 20_000, 2.0),
            ("AR 0.99", autoregressive(0.99, 0.0), 20_000, 2.0),
            ("AR 0.995", autoregressive(0.995, 0.0), 20_000, 2.0),
            ("AR 0.999", autoregressive(0.999, 0.0), 20_000, 2.0),
            ("M/M/1 0.5", queue(0.5, 0.0), 20_000, 2.0),
            ("M/M/1 0.8", queue(0.8, 0.0), 20_000, 2.0),
            ("M/M/1 0.9", queue(0.9, 0.0), 20_000, 2.0),
            ("M/M/1 0.9", queue(0.9, 0.0), 100_000, 2.0),
            ("M/M/1 0.95", queue(0.95, 0.0), 20_000, 5.0),
            ("M/M/1 0.95", queue(0.95, 0.0), 200_000, 2.0),
        ] {
            let (alarms, unsettled) = rates(&series, count, if count > 50_000 { 100 } else { 500 });
            println!("{name} x {count}: {alarms:.1}% false alarms, {unsettled:.1}% unsettled");
            assert!(alarms <= bound, "{name} x {count}: {alarms}%");
        }
    }

    #[test]
    fn true_transients_are_found() {
        for (name, series, count, least) in [
            ("3 deviations, straight, 30%", straight(3.0, 0.3), 20_000, 98.0),
            ("3 deviations, straight, 20%", straight(3.0, 0.2), 20_000, 95.0),
            ("AR 0.9995 from 50 deviations", autoregressive(0.9995, 50.0), 20_000, 98.0),
            ("a backlog that takes 30% to drain", queue(0.9, 0.03), 20_000, 95.0),
            ("a backlog that takes 80% to drain", queue(0.9, 0.08), 20_000, 95.0),
            ("M/M/1 at 110%", queue(1.1, 0.0), 20_000, 95.0),
            ("M/M/1 at 150%", queue(1.5, 0.0), 2_000, 95.0),
        ] {
            let (alarms, unsettled) = rates(&series, count, 200);
            println!("{name}: found in {alarms:.1}%, unsettled {unsettled:.1}%");
            assert!(alarms >= least, "{name}: {alarms}%");
        }
    }

    #[test]
    fn a_series_that_never_settles_has_no_mean() {
        let growing: Vec<f64> = (0..1000).map(f64::from).collect();
        let found = check(&growing, 0.1);
        assert!(!found.reached && !found.settled && found.drop >= 0.5, "{found:?}");
    }

    #[test]
    fn a_step_is_dropped_to_the_batch() {
        let step: Vec<f64> = (0..1000).map(|at| if at < 300 { 9.0 } else { f64::from(at % 7) / 7.0 }).collect();
        assert_eq!(check(&step, 0.1), Check { drop: 0.3, reached: false, settled: true });
        assert!(check(&step, 0.3).reached);
        assert!(check(&step, 0.6).reached);
    }

    #[test]
    fn constant_and_short_series_raise_no_alarm() {
        assert_eq!(check(&[5.0; 1000], 0.1), Check { drop: 0.0, reached: true, settled: true });
        assert_eq!(check(&[1.0, 9.0, 3.0], 0.1), Check::FINE);
        assert_eq!(check(&[], 0.0), Check::FINE);
    }

    #[test]
    fn tiny_and_periodic_differences_are_none() {
        let tiny: Vec<f64> = (0..1000).map(|at| if at < 300 { 10.001 } else { 10.0 }).collect();
        assert!(check(&tiny, 0.1).reached);
        let periodic: Vec<f64> = (0..8000).map(|at| f64::from(at % 3)).collect();
        assert!(check(&periodic, 0.1).reached);
    }

    #[test]
    fn the_statistic_is_the_textbook_one() {
        // 10, 1, 2, 1, 2 · d = 0: 58.8/25; d = 1: 1/16; d = 2: (2/3)/9 = 0.074.
        assert_eq!(mser(&[10.0, 1.0, 2.0, 1.0, 2.0], 2), 1);
    }
}
