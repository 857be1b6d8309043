//! A Poisson process with two states: its exact likelihood for a sequence of gaps, and the most likely one.

use super::special::least;
use libm::{exp, log, sqrt};

/// Rates in requests per nanosecond, mean stays in nanoseconds; the busier state second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoStates {
    /// Of each state.
    pub rates: [f64; 2],
    /// Of each state.
    pub stays: [f64; 2],
}

/// What is needed again and again: D0 = Q − Λ has two real eigenvalues, so that exp(D0 · x) is two exponentials.
struct Ready {
    rates: [f64; 2],
    d0: [[f64; 2]; 2],
    roots: [f64; 2],
}

impl TwoStates {
    /// The share of the time in each state.
    #[must_use]
    pub fn shares(&self) -> [f64; 2] {
        let cycle = self.stays[0] + self.stays[1];
        self.stays.map(|stay| stay / cycle)
    }

    /// Requests per nanosecond in the long run.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let shares = self.shares();
        shares[0] * self.rates[0] + shares[1] * self.rates[1]
    }

    /// The same at another rate: more requests in the same bursts.
    #[must_use]
    pub fn at_rate(self, rate: f64) -> Self {
        let factor = rate / self.rate();
        Self { rates: self.rates.map(|one| one * factor), ..self }
    }

    /// Variance by mean of counts in windows of a width (Fischer and Meier-Hellstern, 1993).
    #[must_use]
    pub fn dispersion(&self, width: f64) -> f64 {
        let [one, two] = self.stays.map(|stay| 1.0 / stay);
        let (sum, apart) = (one + two, self.rates[0] - self.rates[1]);
        let front = 2.0 * one * two * apart * apart / (sum * sum * (self.rates[0] * two + self.rates[1] * one));
        1.0 + front * (1.0 + libm::expm1(-sum * width) / (sum * width))
    }

    fn ready(&self) -> Ready {
        let [a, b] = self.stays.map(|stay| 1.0 / stay);
        let d0 = [[-a - self.rates[0], a], [b, -b - self.rates[1]]];
        let (half, apart) = (0.5 * (d0[0][0] + d0[1][1]), 0.5 * (d0[0][0] - d0[1][1]));
        let root = sqrt(apart * apart + a * b).max(-half * 1e-12);
        Ready { rates: self.rates, d0, roots: [half + root, half - root] }
    }

    /// The states as a request finds them.
    fn found(&self) -> [f64; 2] {
        let (shares, rate) = (self.shares(), self.rate());
        [shares[0] * self.rates[0] / rate, shares[1] * self.rates[1] / rate]
    }

    /// The share of gaps at or below a length.
    #[must_use]
    pub fn gaps_below(&self, x: f64) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        let left = self.ready().step(self.found(), x);
        (1.0 - left[0] - left[1]).clamp(0.0, 1.0)
    }

    /// The logarithm of the likelihood of gaps that follow each other, the first from a request on.
    #[must_use]
    pub fn ln_likelihood(&self, gaps: &[f64]) -> f64 {
        let ready = self.ready();
        let (mut state, mut sum) = (self.found(), 0.0);
        for &gap in gaps {
            let left = ready.step(state, gap);
            let next = [left[0] * ready.rates[0], left[1] * ready.rates[1]];
            let all = next[0] + next[1];
            if !(all > 0.0 && all.is_finite()) {
                return -1e300;
            }
            sum += log(all);
            state = [next[0] / all, next[1] / all];
        }
        sum
    }

    /// The most likely one for stretches of gaps, from guesses of it.
    #[must_use]
    pub fn most_likely(stretches: &[&[f64]], guesses: &[Self]) -> Option<Self> {
        let unlikely = |point: &[f64; 4]| {
            if point.iter().any(|value| !(-60.0..60.0).contains(value)) {
                return 1e300;
            }
            let states = Self::of(point);
            -stretches.iter().map(|gaps| states.ln_likelihood(gaps)).sum::<f64>()
        };
        let mut starts: Vec<([f64; 4], f64)> = guesses
            .iter()
            .map(|guess| {
                let point = guess.point();
                (point, unlikely(&point))
            })
            .collect();
        starts.sort_by(|a, b| a.1.total_cmp(&b.1));
        let ends = starts.iter().take(2).map(|start| least(start.0, 0.4, 220, unlikely));
        let best = ends.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let states = Self::of(&least(best.0, 0.1, 150, unlikely).0);
        Some(if states.rates[0] <= states.rates[1] {
            states
        } else {
            Self { rates: [states.rates[1], states.rates[0]], stays: [states.stays[1], states.stays[0]] }
        })
    }

    /// The one that is as bursty as a curve of widths and variances by means says, at a rate: its curve is 1 + a · (1 − (1 − exp(−s t)) ÷ (s t)), of which a and s are
    /// found by least squares of logarithms; of those with that curve, the one that makes gaps most likely.
    #[must_use]
    pub fn as_bursty(stretches: &[&[f64]], rate: f64, curve: &[(f64, f64)]) -> Option<Self> {
        if curve.len() < 2 || curve.iter().all(|point| point.1 < 1.2) {
            return None;
        }
        let off = |point: &[f64; 2]| {
            let (a, s) = (exp(point[0]), exp(point[1]));
            let at = |width: f64| 1.0 + a * (1.0 + libm::expm1(-s * width) / (s * width));
            curve.iter().map(|&(width, index)| log(at(width) / index.max(1.0))).map(|off| off * off).sum::<f64>()
        };
        let most = curve.iter().map(|point| point.1).fold(1.2, f64::max);
        let starts = curve.iter().map(|&(width, _)| least([log(most), -log(width)], 0.5, 400, off));
        let (point, _) = starts.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let (a, s) = (exp(point[0]), exp(point[1]));
        let of = |busy: f64| {
            let apart = sqrt(a * s * rate / (2.0 * busy * (1.0 - busy)));
            let quiet = rate - busy * apart;
            (quiet >= 0.0).then(|| Self { rates: [quiet, quiet + apart], stays: [1.0 / (s * busy), 1.0 / (s * (1.0 - busy))] })
        };
        let shares = (1..60).map(|step| 1.0 / (1.0 + exp(0.2 * (f64::from(step) - 30.0))));
        let known = |states: &Self| stretches.iter().map(|gaps| states.ln_likelihood(gaps)).sum::<f64>();
        shares.filter_map(of).map(|states| (known(&states), states)).max_by(|a, b| a.0.total_cmp(&b.0)).map(|best| best.1)
    }

    fn point(&self) -> [f64; 4] {
        [log(self.rates[0].max(1e-25)), log(self.rates[1].max(1e-25)), log(self.stays[0]), log(self.stays[1])]
    }

    fn of(point: &[f64; 4]) -> Self {
        Self { rates: [exp(point[0]), exp(point[1])], stays: [exp(point[2]), exp(point[3])] }
    }

    /// A guess from counts in windows: those above the mean are one state, the others the other one.
    #[must_use]
    pub fn guess(counts: &[u64], width: f64) -> Option<Self> {
        let mean = counts.iter().sum::<u64>() as f64 / counts.len().max(1) as f64;
        let (mut windows, mut requests, mut runs) = ([0_u64; 2], [0_u64; 2], [0_u64; 2]);
        let mut before = None;
        for &count in counts {
            let state = usize::from(count as f64 > mean);
            windows[state] += 1;
            requests[state] += count;
            runs[state] += u64::from(before != Some(state));
            before = Some(state);
        }
        let rate = |state: usize| (requests[state] as f64 / windows[state] as f64).max(0.02 * mean) / width;
        let stay = |state: usize| windows[state] as f64 / runs[state] as f64 * width;
        (windows[0] > 0 && windows[1] > 0).then(|| Self { rates: [rate(0), rate(1)], stays: [stay(0), stay(1)] })
    }
}

impl Ready {
    /// A row of two numbers times exp(D0 · x), by Sylvester's formula.
    #[inline]
    fn step(&self, row: [f64; 2], x: f64) -> [f64; 2] {
        let [high, low] = self.roots;
        let (one, two) = (exp(high * x), exp(low * x));
        let slope = (one - two) / (high - low);
        let level = (high * two - low * one) / (high - low);
        [
            level * row[0] + slope * (row[0] * self.d0[0][0] + row[1] * self.d0[1][0]),
            level * row[1] + slope * (row[0] * self.d0[0][1] + row[1] * self.d0[1][1]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_states_are_a_poisson_process() {
        let states = TwoStates { rates: [2.0, 2.0 + 1e-9], stays: [5.0, 3.0] };
        for x in [0.01, 0.5, 3.0] {
            assert!((states.gaps_below(x) + libm::expm1(-2.0 * x)).abs() < 1e-8);
            assert!((states.ln_likelihood(&[x, x]) - 2.0 * (log(2.0) - 2.0 * x)).abs() < 1e-7);
        }
        assert!((states.dispersion(10.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_curve_gives_back_what_it_came_from() {
        let known = TwoStates { rates: [0.5, 8.0], stays: [30.0, 10.0] };
        let curve: Vec<(f64, f64)> = [1.0, 10.0, 100.0, 600.0].map(|width| (width, known.dispersion(width))).to_vec();
        let gaps: Vec<f64> = (0..300).map(|at| if at % 20 == 0 { 20.0 } else { 0.125 }).collect();
        let found = TwoStates::as_bursty(&[&gaps], known.rate(), &curve).expect("it is bursty");
        assert!((found.rate() / known.rate() - 1.0).abs() < 1e-9);
        for (width, index) in curve {
            assert!((found.dispersion(width) / index - 1.0).abs() < 0.01, "{found:?}");
        }
    }

    #[test]
    fn gaps_of_an_interrupted_poisson_process_are_hyperexponential() {
        // Kuczura (1973): rate r while on, on for 1 ÷ g, off for 1 ÷ w; gaps have roots of s² − (r + g + w) s + r w.
        let (r, g, w) = (4.0_f64, 0.5, 0.25);
        let states = TwoStates { rates: [1e-14, r], stays: [1.0 / w, 1.0 / g] };
        let root = sqrt((r + g + w) * (r + g + w) - 4.0 * r * w);
        let (one, two) = (0.5 * (r + g + w + root), 0.5 * (r + g + w - root));
        let share = (r - two) / (one - two);
        for x in [0.05, 0.4, 2.0, 9.0] {
            let expected = 1.0 - share * exp(-one * x) - (1.0 - share) * exp(-two * x);
            assert!((states.gaps_below(x) - expected).abs() < 1e-9, "{x}");
        }
    }
}
