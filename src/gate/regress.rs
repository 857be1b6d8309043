//! What has become worse than a baseline.
//!
//! Results of the same requests (the same traffic, length and seed) are held against each other replication by replication, others by Welch's test of independent samples.
//! Logarithms are compared, so that what is judged is the ratio; where a value is zero, this − factor × that. The null hypothesis is *at most `min_effect` worse*: it is rejected, and
//! the gate fails, where Student's one-sided p-value, corrected by Holm over everything that is held against the baseline, is below [`LEVEL`]. What is worse for certain, but not for
//! certain by more than `min_effect`, is undecided; everything else holds. With the same seed an unchanged system has exactly the same numbers, and no test is needed.

use super::baseline::{Kept, KeptMetric, Traffic};
use crate::measure::holm;
use crate::measure::interval::{mean, standard_error};
use crate::measure::metric::{Better, Metric};
use crate::measure::result::Measured;
use crate::measure::student;
use crate::measure::summary::VerdictSummary;

/// The chance of a false alarm of a gate, over all of its numbers.
pub const LEVEL: f64 = 0.01;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// One for each number that both have.
    pub verdicts: Vec<VerdictSummary>,
    /// What could not be compared, and what is better.
    pub remarks: Vec<String>,
}

/// A number of both, on the scale that it is judged on: positive is worse.
struct Contrast {
    verdict: VerdictSummary,
    is_same: bool,
    /// p that it is no worse; that it is at most `min_effect` worse; that it is at most as much better.
    p: [Option<f64>; 3],
}

/// Holds results against a baseline.
#[must_use]
pub fn against(kept: &Kept, measured: &[Measured], traffic: &[(Option<String>, Traffic)], min_effect: f64) -> Found {
    let mut found = Found::default();
    let mut contrasts = Vec::new();
    for one in measured {
        let subject = &one.subject;
        let before = kept.results.iter().find(|kept| kept.balancer == subject.balancer && kept.variant == subject.variant);
        let Some(before) = before else {
            found.remarks.push(format!("the baseline has nothing of {}", named(&subject.balancer, subject.variant.as_deref())));
            continue;
        };
        let now = traffic.iter().find(|(variant, _)| *variant == subject.variant);
        let is_paired = now.is_some_and(|(_, now)| now.stream_sha256 == before.traffic.stream_sha256);
        for (path, metric) in &before.metrics {
            match contrast(one, path, metric, is_paired, min_effect) {
                Some(contrast) => contrasts.push(contrast),
                None => found.remarks.push(format!(
                    "{path} of {} cannot be held against the baseline: one of them has no such number",
                    named(&subject.balancer, subject.variant.as_deref())
                )),
            }
        }
    }
    for gone in kept
        .results
        .iter()
        .filter(|kept| !measured.iter().any(|one| one.subject.balancer == kept.balancer && one.subject.variant == kept.variant))
    {
        found.remarks.push(format!("{} of the baseline was not run", named(&gone.balancer, gone.variant.as_deref())));
    }
    let corrected = |at: usize| holm::corrected(&contrasts.iter().map(|contrast| contrast.p[at]).collect::<Vec<_>>());
    let (worse, far_worse, far_better) = (corrected(0), corrected(1), corrected(2));
    let is_sure = |p: Option<f64>| p.is_some_and(|p| p < LEVEL);
    for (at, mut contrast) in contrasts.into_iter().enumerate() {
        let verdict = &mut contrast.verdict;
        let is_known = contrast.is_same || contrast.p[0].is_some();
        verdict.verdict = match (is_sure(far_worse[at]), is_sure(worse[at])) {
            _ if !is_known => {
                verdict.notes.push("one replication proves nothing: run at least 2, better 5".into());
                "undecided"
            }
            (true, _) => "failed",
            (false, true) => {
                verdict.notes.push("it is worse, but not for certain by more than --min-effect".into());
                "undecided"
            }
            (false, false) => "held",
        }
        .into();
        if is_sure(far_better[at]) {
            let about = named(&verdict.balancer, verdict.variant.as_deref());
            found.remarks.push(format!("{} of {about} is better than the baseline: --save-baseline keeps it that way", verdict.metric));
        }
        found.verdicts.push(contrast.verdict);
    }
    found
}

fn named(balancer: &str, variant: Option<&str>) -> String {
    variant.map_or_else(|| format!("`{balancer}`"), |variant| format!("`{balancer}` in `{variant}`"))
}

fn contrast(one: &Measured, path: &str, before: &KeptMetric, is_paired: bool, min_effect: f64) -> Option<Contrast> {
    let metric = Metric::parse(path, &one.subject.backends).ok()?;
    let sign = match metric.better() {
        Better::Lower => 1.0,
        Better::Higher => -1.0,
        Better::Neither => return None,
    };
    let now = one.values(path)?;
    let samples = Samples::of(now, &before.values, is_paired)?;
    let factor = 1.0 + min_effect;
    let bound = if sign > 0.0 { factor } else { 1.0 / factor };
    let scale = samples.scale();
    let p = |times: f64| scale.p(&samples, sign, times);
    let (worse, far_worse) = (p(1.0), p(bound));
    // That it is at most that much better: the same question from the other side.
    let far_better = scale.p(&samples, -sign, 1.0 / bound);
    let (value, ci95) = samples.ratio();
    let way = if samples.is_paired { "paired by replication" } else { "independent samples: the seed, the length or the warm-up differs" };
    let percent = |factor: f64| format!("{}%", (factor * 1e6).round() / 1e4);
    let rule = format!("{path} {} {} of the baseline", if sign > 0.0 { "<=" } else { ">=" }, percent(bound));
    let verdict = VerdictSummary {
        rule,
        balancer: one.subject.balancer.clone(),
        variant: one.subject.variant.clone(),
        value,
        ci95,
        bound: Some(bound),
        metric: path.to_owned(),
        unit: "ratio".into(),
        baseline: true,
        replications: u32::try_from(now.iter().flatten().count()).unwrap_or(u32::MAX),
        counts: true,
        notes: vec![way.to_owned()],
        ..VerdictSummary::default()
    };
    Some(Contrast { verdict, is_same: samples.is_same(), p: [worse, far_worse, far_better] })
}

/// The values of both, in pairs or not.
struct Samples {
    now: Vec<f64>,
    then: Vec<f64>,
    is_paired: bool,
}

/// On what scale they are compared.
enum Scale {
    Logarithm,
    /// Zeros have no logarithm.
    Plain,
}

/// A mean, its standard error and degrees of freedom.
struct Estimate {
    mean: f64,
    error: Option<f64>,
    freedom: f64,
}

impl Samples {
    fn of(now: &[Option<f64>], then: &[Option<f64>], is_paired: bool) -> Option<Self> {
        let pairs: Vec<(f64, f64)> = now.iter().zip(then).filter_map(|(&now, &then)| Some((now?, then?))).collect();
        let samples = if is_paired && !pairs.is_empty() {
            let (now, then) = pairs.into_iter().unzip();
            Self { now, then, is_paired }
        } else {
            Self { now: now.iter().copied().flatten().collect(), then: then.iter().copied().flatten().collect(), is_paired: false }
        };
        (!samples.now.is_empty() && !samples.then.is_empty()).then_some(samples)
    }

    fn is_same(&self) -> bool {
        self.is_paired && self.now == self.then
    }

    fn scale(&self) -> Scale {
        if self.now.iter().chain(&self.then).all(|&value| value > 0.0) { Scale::Logarithm } else { Scale::Plain }
    }

    /// Of one function of this minus another of that.
    fn estimate(&self, of_now: impl Fn(f64) -> f64, of_then: impl Fn(f64) -> f64) -> Estimate {
        let (now, then): (Vec<f64>, Vec<f64>) =
            (self.now.iter().map(|&x| of_now(x)).collect(), self.then.iter().map(|&x| of_then(x)).collect());
        if self.is_paired {
            let differences: Vec<f64> = now.iter().zip(&then).map(|(now, then)| now - then).collect();
            let mean = mean(&differences).expect("there is a pair");
            return Estimate { mean, error: standard_error(&differences, mean), freedom: (differences.len() - 1) as f64 };
        }
        let (this, that) = (mean(&now).expect("there is a value"), mean(&then).expect("there is a value"));
        let squares = standard_error(&now, this).zip(standard_error(&then, that)).map(|(a, b)| (a * a, b * b));
        // Welch and Satterthwaite.
        let freedom = squares.map_or(0.0, |(a, b)| {
            let sum = a + b;
            sum * sum / (a * a / (now.len() - 1) as f64 + b * b / (then.len() - 1) as f64)
        });
        Estimate { mean: this - that, error: squares.map(|(a, b)| (a + b).sqrt()), freedom }
    }

    /// The ratio and its 95% interval.
    fn ratio(&self) -> (Option<f64>, Option<[f64; 2]>) {
        match self.scale() {
            Scale::Logarithm => {
                let estimate = self.estimate(libm::log, libm::log);
                let half = estimate.error.map(|error| if error > 0.0 { error * student::critical(0.05, estimate.freedom) } else { 0.0 });
                let bounds = half.map(|half| [libm::exp(estimate.mean - half), libm::exp(estimate.mean + half)]);
                (Some(libm::exp(estimate.mean)), bounds)
            }
            Scale::Plain => {
                let (now, then) = (mean(&self.now), mean(&self.then).filter(|&then| then > 0.0));
                (now.zip(then).map(|(now, then)| now / then), None)
            }
        }
    }
}

impl Scale {
    /// The one-sided p-value that this is not beyond so many times that: above it with a positive sign, below it with a negative one.
    fn p(&self, samples: &Samples, sign: f64, times: f64) -> Option<f64> {
        let estimate = match self {
            Self::Logarithm => samples.estimate(libm::log, |then| libm::log(then) + libm::log(times)),
            Self::Plain => samples.estimate(|now| now, |then| then * times),
        };
        let beyond = sign * estimate.mean;
        let error = estimate.error?;
        if error == 0.0 {
            return Some(if beyond > 1e-12 { 0.0 } else { 1.0 });
        }
        let tail = student::two_sided(beyond / error, estimate.freedom) / 2.0;
        Some(if beyond > 0.0 { tail } else { 1.0 - tail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::baseline::tests::kept;
    use crate::measure::record::Record;
    use crate::measure::result::ResultBuilder;
    use crate::measure::setup::Subject;

    fn measured(balancer: &str, latencies_us: &[u64]) -> Measured {
        let mut builder = ResultBuilder::new(Subject { balancer: balancer.into(), ..Subject::default() }, []).expect("nothing asked for");
        for us in latencies_us {
            let mut record = Record { offered: 1, succeeded: 1, ..Record::default() };
            record.latency.record(us * 1_000);
            builder.add(record);
        }
        builder.finish()
    }

    fn judged(then: &[f64], now_us: &[u64], stream: &str) -> Found {
        let kept = Kept {
            name: "x".into(),
            file_sha256: String::new(),
            plan_sha256: String::new(),
            seed: 1,
            replications: then.len() as u32,
            results: vec![kept("a", then)],
        };
        let traffic = [(None, Traffic { traffic_sha256: "t".into(), stream_sha256: stream.into() })];
        against(&kept, &[measured("a", now_us)], &traffic, 0.01)
    }

    fn verdict(then: &[f64], now_us: &[u64], stream: &str) -> String {
        judged(then, now_us, stream).verdicts[0].verdict.clone()
    }

    #[test]
    fn unchanged_is_held_exactly() {
        assert_eq!(verdict(&[10.0, 12.0], &[10_000, 12_000], "s"), "held");
        assert_eq!(verdict(&[10.0], &[10_000], "s"), "held");
    }

    #[test]
    fn pairs_find_what_independent_samples_do_not() {
        // 5% more in each of replications that differ by far more among themselves.
        let then = [10.0, 20.0, 15.0, 12.0, 18.0];
        let now = [10_510, 20_990, 15_760, 12_590, 18_910];
        assert_eq!(verdict(&then, &now, "s"), "failed");
        assert_eq!(verdict(&then, &now, "other"), "held");
        let found = judged(&then, &now, "s");
        assert!(found.verdicts[0].value.is_some_and(|value| (value - 1.05).abs() < 0.002));
    }

    #[test]
    fn less_than_the_least_effect_is_no_regression() {
        let then = [10.0, 20.0, 15.0, 12.0, 18.0];
        assert_eq!(verdict(&then, &[10_050, 20_101, 15_075, 12_061, 18_090], "s"), "undecided");
        assert_eq!(verdict(&then, &[10_001, 19_999, 15_001, 11_999, 18_000], "s"), "held");
    }

    #[test]
    fn better_is_told() {
        let found = judged(&[10.0, 20.0, 15.0, 12.0, 18.0], &[9_010, 18_020, 13_490, 10_790, 16_210], "s");
        assert_eq!(found.verdicts[0].verdict, "held");
        assert!(found.remarks[0].contains("better than the baseline"), "{:?}", found.remarks);
    }

    #[test]
    fn one_replication_that_differs_proves_nothing() {
        assert_eq!(verdict(&[10.0], &[11_000], "s"), "undecided");
    }
}
