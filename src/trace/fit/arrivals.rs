//! Which process arrivals come from.

use super::imitate;
use super::law::{self, ENOUGH};
use super::mmpp::TwoStates;
use super::steps::{self, Step};
use super::work::is_worth;
use crate::dist::Dist;
use libm::{log, sqrt};

/// Requests in a row: when the one before the first of them came, in nanoseconds since the first of all, and their gaps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stretch {
    /// When it begins.
    pub at: f64,
    /// The gaps, in nanoseconds.
    pub gaps: Vec<f64>,
}

/// What is known of the arrivals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrivals {
    /// All gaps, or those of some stretches; the even stretches are fitted to, the odd ones are held out.
    pub stretches: Vec<Stretch>,
    /// Requests in windows from the first on, and their width in nanoseconds.
    pub counts: Vec<u64>,
    /// See there.
    pub width: u64,
    /// Requests of the whole record.
    pub requests: u64,
    /// From the first to the last, in nanoseconds.
    pub span: u64,
    /// Within how much instants are known, in nanoseconds.
    pub cell: f64,
    /// Variance by mean of counts at [`imitate::SCALES`].
    pub dispersion: [Option<f64>; 4],
    /// Standard deviation of the gaps by their mean.
    pub gap_cv: Option<f64>,
    /// Whether instants were spread over the time that their stamps leave open.
    pub spread: bool,
}

impl Arrivals {
    /// The mean gap, in nanoseconds.
    #[must_use]
    pub fn mean_gap(&self) -> f64 {
        self.span as f64 / self.requests.saturating_sub(1).max(1) as f64
    }
}

/// A process, without what changes over time.
#[derive(Clone, Debug, PartialEq)]
pub enum Process {
    /// The same gap always.
    Constant,
    /// Gaps are exponential.
    Poisson,
    /// Gaps are independent, and of this law.
    Renewal(Dist),
    /// Poisson's, several at once.
    Batch {
        /// The mean size.
        mean: f64,
        /// Whether nearly all are of that size; otherwise sizes are geometric.
        fixed: bool,
    },
    /// Poisson's with two rates.
    Mmpp(TwoStates),
}

impl Process {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
            Self::Renewal(dist) => match dist {
                Dist::Gamma { .. } => "renewal gamma",
                Dist::Lognormal { .. } => "renewal lognormal",
                Dist::Weibull { .. } => "renewal weibull",
                Dist::Hyperexponential { .. } => "renewal hyperexponential",
                _ => "renewal",
            },
            Self::Batch { .. } => "batch",
            Self::Mmpp(_) => "mmpp",
        }
    }

    fn parameters(&self) -> usize {
        match self {
            Self::Constant | Self::Poisson => 1,
            Self::Renewal(dist) => law::parameters(dist),
            Self::Batch { .. } => 2,
            Self::Mmpp(_) => 4,
        }
    }
}

/// A process that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// It.
    pub process: Process,
    /// Changes of the rate; none where it is constant.
    pub steps: Vec<Step>,
    /// How many numbers were fitted.
    pub parameters: usize,
    /// Log likelihood of a gap that was held out, on average.
    pub held_out: f64,
    /// Kolmogorov and Smirnov's distance of the gaps, in operational time where there are steps.
    pub ks: f64,
    /// Variance by mean of counts, of an imitation of the same length.
    pub dispersion: [Option<f64>; 4],
    /// Whether it was chosen.
    pub chosen: bool,
}

/// Every process that was tried, the chosen one marked; none with fewer than 20 gaps.
#[must_use]
pub fn fit(seen: &Arrivals) -> Vec<Candidate> {
    let gaps: usize = seen.stretches.iter().map(|stretch| stretch.gaps.len()).sum();
    if gaps < 20 || seen.span == 0 {
        return Vec::new();
    }
    if let Some(constant) = constant(seen) {
        return vec![constant];
    }
    let steps = steps::find(&seen.counts, seen.width);
    let (mut candidates, mut scores) = (Vec::new(), Vec::new());
    let shapes = [Vec::new(), steps];
    for steps in shapes.iter().take(if shapes[1].is_empty() { 1 } else { 2 }) {
        let known = Known::new(seen, steps);
        for process in known.processes(seen, steps.is_empty()) {
            let score = known.score(&process, seen.cell);
            let Some(held_out) = known.held_out(&score) else { continue };
            let parameters = process.parameters() + (2 * steps.len()).saturating_sub(1);
            candidates.push(Candidate {
                ks: known.distance(&process, seen.cell),
                dispersion: imitate::dispersion(&process, steps, seen),
                steps: steps.clone(),
                parameters,
                held_out,
                chosen: false,
                process,
            });
            scores.push(score);
        }
    }
    choose(&mut candidates, &scores, gaps, seen);
    candidates
}

/// Nearly all gaps within a hundredth of the mean, or within what stamps leave open.
fn constant(seen: &Arrivals) -> Option<Candidate> {
    let mean = seen.mean_gap();
    let slack = (0.01 * mean).max(2.0 * seen.cell);
    let gaps = || seen.stretches.iter().flat_map(|stretch| &stretch.gaps);
    let near = gaps().filter(|&&gap| (gap - mean).abs() <= slack).count();
    let all = gaps().count();
    (near * 100 >= all * 95 && slack < 0.2 * mean).then(|| Candidate {
        ks: 1.0 - near as f64 / all as f64,
        dispersion: imitate::dispersion(&Process::Constant, &[], seen),
        process: Process::Constant,
        steps: Vec::new(),
        parameters: 1,
        held_out: 0.0,
        chosen: true,
    })
}

/// Stretches in operational time.
struct Known {
    /// Gaps and, of each, the logarithm of the factor at its end.
    stretches: Vec<(Vec<f64>, f64)>,
}

impl Known {
    fn new(seen: &Arrivals, steps: &[Step]) -> Self {
        let stretch = |stretch: &Stretch| {
            let (mut at, mut before, mut factors) = (stretch.at, steps::passed(steps, stretch.at), 0.0);
            let gap = |gap: &f64| {
                at += gap;
                let now = steps::passed(steps, at);
                let warped = if steps.is_empty() { *gap } else { (now - before).max(0.0) };
                before = now;
                factors += log(steps::factor(steps, at).max(1e-12));
                warped
            };
            let gaps = stretch.gaps.iter().map(gap).collect();
            (gaps, factors)
        };
        Self { stretches: seen.stretches.iter().map(stretch).collect() }
    }

    /// Every process, fitted to the even stretches.
    fn processes(&self, seen: &Arrivals, is_flat: bool) -> Vec<Process> {
        let even: Vec<f64> = self.stretches.iter().step_by(2).flat_map(|stretch| stretch.0.iter().copied()).collect();
        let ties = even.iter().filter(|&&gap| gap < seen.cell).count();
        let mut found = vec![Process::Poisson];
        if ties * 50 >= even.len() {
            found.extend(self.batch(seen.cell));
        }
        // What is less than stamps can tell is taken as half of that.
        let some: Vec<f64> = even
            .iter()
            .copied()
            .step_by(even.len().div_ceil(ENOUGH))
            .map(|gap| if gap < seen.cell { 0.5 * seen.cell } else { gap })
            .collect();
        let mut laws = vec![law::gamma(&some), law::weibull(&some), law::lognormal(&some)];
        laws.extend(law::hyperexponential(&some));
        laws.retain(is_writable);
        found.extend(laws.into_iter().map(Process::Renewal));
        found.extend(self.mmpp(seen, is_flat));
        found
    }

    fn batch(&self, cell: f64) -> Option<Process> {
        let (mut sizes, mut size) = (Vec::new(), 1_u64);
        for stretch in self.stretches.iter().step_by(2) {
            for &gap in &stretch.0 {
                if gap < cell {
                    size += 1;
                } else {
                    sizes.push(size);
                    size = 1;
                }
            }
        }
        let mean = sizes.iter().sum::<u64>() as f64 / sizes.len().max(1) as f64;
        let like = sizes.iter().filter(|&&size| size as f64 == mean.round()).count();
        (mean > 1.0).then_some(Process::Batch { mean, fixed: like * 100 >= sizes.len() * 95 })
    }

    /// Two states, by likelihood and by burstiness.
    fn mmpp(&self, seen: &Arrivals, is_flat: bool) -> Vec<Process> {
        let mut left = ENOUGH;
        let even = self.stretches.iter().step_by(2).map(|stretch| lifted(&stretch.0, seen.cell));
        let even: Vec<Vec<f64>> = even
            .map(|mut gaps| {
                gaps.truncate(left);
                left -= gaps.len();
                gaps
            })
            .filter(|gaps| !gaps.is_empty())
            .collect();
        let even: Vec<&[f64]> = even.iter().map(|gaps| &gaps[..]).collect();
        let mean = even.iter().flat_map(|gaps| gaps.iter()).sum::<f64>() / even.iter().map(|gaps| gaps.len()).sum::<usize>().max(1) as f64;
        let widths = [3.0, 10.0, 40.0, 200.0, 1000.0].map(|gaps| gaps * mean);
        let mut guesses: Vec<TwoStates> = widths.iter().filter_map(|&width| TwoStates::guess(&counts(&even, width), width)).collect();
        // Windows of the whole record see what is slower than a stretch.
        guesses.extend(TwoStates::guess(&seen.counts, seen.width as f64));
        let mut found: Vec<TwoStates> = TwoStates::most_likely(&even, &guesses).into_iter().collect();
        if is_flat {
            let curve: Vec<(f64, f64)> = judged(seen).filter_map(|at| Some((imitate::SCALES[at] as f64, seen.dispersion[at]?))).collect();
            found.extend(TwoStates::as_bursty(&even, 1.0 / seen.mean_gap(), &curve));
        }
        let is_sane = |states: &TwoStates| states.rate().is_finite() && states.stays.iter().all(|&stay| (1.0..1e18).contains(&stay));
        found.into_iter().filter(is_sane).map(Process::Mmpp).collect()
    }

    /// Log likelihood of each held-out stretch.
    fn score(&self, process: &Process, cell: f64) -> Vec<f64> {
        let held = self.stretches.iter().skip(1).step_by(2);
        match process {
            Process::Mmpp(states) => held.map(|(gaps, factors)| states.ln_likelihood(&lifted(gaps, cell)) + factors).collect(),
            _ => {
                let mean = self.mean();
                let ln = ln_gap(process, mean, cell);
                held.map(|(gaps, factors)| gaps.iter().map(|&gap| ln(gap)).sum::<f64>() + factors).collect()
            }
        }
    }

    /// The mean gap of the even stretches.
    fn mean(&self) -> f64 {
        let even = || self.stretches.iter().step_by(2).flat_map(|stretch| &stretch.0);
        even().sum::<f64>() / even().count().max(1) as f64
    }

    /// Of a gap, on average.
    fn held_out(&self, score: &[f64]) -> Option<f64> {
        let gaps: usize = self.stretches.iter().skip(1).step_by(2).map(|stretch| stretch.0.len()).sum();
        Some(score.iter().sum::<f64>() / gaps as f64).filter(|mean| mean.is_finite())
    }

    fn distance(&self, process: &Process, cell: f64) -> f64 {
        let mut gaps: Vec<f64> = self.stretches.iter().flat_map(|stretch| stretch.0.iter().copied()).collect();
        gaps.sort_by(f64::total_cmp);
        let mean = self.mean();
        let below: Box<dyn Fn(f64) -> f64> = match process {
            Process::Constant => Box::new(|x| f64::from(u8::from(x >= mean))),
            Process::Poisson => Box::new(|x| -libm::expm1(-x.max(0.0) / mean)),
            Process::Renewal(dist) => Box::new(|x| law::below(dist, x)),
            Process::Batch { mean: size, .. } => {
                Box::new(move |x| if x < 0.0 { 0.0 } else { 1.0 - 1.0 / size - libm::expm1(-x / (mean * size)) / size })
            }
            Process::Mmpp(states) => Box::new(|x| states.gaps_below(x)),
        };
        law::distance(&gaps, cell, &below)
    }
}

/// Gaps that stamps cannot tell from none, as half of what they can tell.
fn lifted(gaps: &[f64], cell: f64) -> Vec<f64> {
    gaps.iter().map(|&gap| if gap < cell { 0.5 * cell } else { gap }).collect()
}

/// Windows of a width that a record must have for its burstiness at that width to be held against a process.
pub(super) const WINDOWS: f64 = 20.0;

/// The scales at which it is.
pub(super) fn judged(seen: &Arrivals) -> impl Iterator<Item = usize> {
    let span = seen.span as f64;
    (0..imitate::SCALES.len()).filter(move |&at| span >= WINDOWS * imitate::SCALES[at] as f64)
}

/// How far the burstiness of a process is from the record's: the greatest logarithm of their ratio over the scales.
fn apart(candidate: &Candidate, seen: &Arrivals) -> f64 {
    let ratio = |at: usize| {
        let (model, recorded) = (candidate.dispersion[at]?, seen.dispersion[at]?);
        Some(log(model.max(0.1) / recorded.max(0.1)).abs())
    };
    judged(seen).filter_map(ratio).fold(0.0, f64::max)
}

/// Whether the scenario language has room for it.
fn is_writable(law: &Dist) -> bool {
    match law {
        Dist::Gamma { cv, .. } => (1e-6..=100.0).contains(cv),
        Dist::Weibull { shape, mean } => (0.1..=100.0).contains(shape) && mean.is_finite(),
        Dist::Lognormal { mu, sigma } => mu + 3.1 * sigma < 43.0 && *sigma < 3.5,
        _ => true,
    }
}

/// Counts in windows of a width, stretch by stretch.
fn counts(stretches: &[&[f64]], width: f64) -> Vec<u64> {
    const MOST: usize = 100_000;
    let mut counts = Vec::new();
    for gaps in stretches {
        let (mut at, mut window, mut count) = (0.0, 0.0, 0);
        for gap in *gaps {
            at += gap;
            let now = (at / width).floor();
            while window < now && counts.len() < MOST {
                counts.push(count);
                (window, count) = (window + 1.0, 0);
            }
            count += 1;
        }
    }
    counts
}

/// The logarithm of the density of a gap; of one that stamps cannot tell from none, that of its probability over the cell.
fn ln_gap(process: &Process, mean: f64, cell: f64) -> Box<dyn Fn(f64) -> f64 + '_> {
    match process {
        Process::Renewal(dist) => {
            let (density, small) = (law::ln_density(dist), log(law::below(dist, cell) / cell));
            Box::new(move |gap| if gap < cell { small } else { density(gap) })
        }
        Process::Batch { mean: size, .. } => {
            let between = mean * size;
            let small = log((1.0 - 1.0 / size - libm::expm1(-cell / between) / size) / cell);
            Box::new(move |gap| if gap < cell { small } else { -log(between * size) - gap / between })
        }
        _ => Box::new(move |gap| -log(mean) - gap / mean),
    }
}

/// Burstiness that is at most twice or half the record's is near enough, and what is at most a quarter further off than the nearest.
const BURSTS: (f64, f64) = (2.0, 1.25);

/// Of those that are as bursty as the record, the simplest that the most likely one does not beat by more than chance and by more than its further numbers must bring.
fn choose(candidates: &mut [Candidate], scores: &[Vec<f64>], gaps: usize, seen: &Arrivals) {
    let total = |at: usize| scores[at].iter().sum::<f64>() - candidates[at].steps.len() as f64 * log(gaps as f64);
    let off: Vec<f64> = candidates.iter().map(|candidate| apart(candidate, seen)).collect();
    let bound = log(BURSTS.0).max(off.iter().copied().fold(f64::MAX, f64::min) + log(BURSTS.1));
    let near = || (0..candidates.len()).filter(|&at| off[at] <= bound);
    let Some(best) = near().max_by(|&a, &b| total(a).total_cmp(&total(b))) else { return };
    let mut order: Vec<usize> = near().collect();
    order.sort_by_key(|&at| (candidates[at].parameters, at));
    let chosen = order.into_iter().find(|&at| {
        let gains: Vec<f64> = scores[best].iter().zip(&scores[at]).map(|(best, this)| best - this).collect();
        at == best || !is_worth(&gains, candidates[best].parameters.saturating_sub(candidates[at].parameters), gaps)
    });
    candidates[chosen.unwrap_or(best)].chosen = true;
}

/// How far the gaps of so many requests may be from a law by chance, once in a hundred times.
#[must_use]
pub fn chance(gaps: usize) -> f64 {
    1.63 / sqrt(gaps.max(1) as f64)
}
