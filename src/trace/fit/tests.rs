//! Traces of known processes, made by the simulator's own sources, are recognised.

use super::*;
use crate::dist::Dist;
use crate::random::Numbered;
use crate::scenario::{BatchSize, Keys as Popular, Shape};
use crate::time::Span;
use crate::trace::entry::Entry;
use crate::trace::tape::{Origin, Writer};
use crate::traffic::{Modulated, Source as Traffic, SourcePlan, Timing};
use std::borrow::Cow;

fn plan(timing: Timing, work: Dist) -> SourcePlan {
    SourcePlan {
        name: String::new(),
        timing,
        shape: Shape::Flat,
        surges: Vec::new(),
        work,
        keys: None,
        clients: None,
        class: None,
        priority: 0,
        zone: None,
        to: 0,
    }
}

fn renewal(gap: Dist) -> Timing {
    Timing::Renewal { gap, scale: 1.0 }
}

/// So many requests of a source, on a tape.
fn tape(plan: &SourcePlan, requests: usize, seed: u64) -> Tape {
    let mut source = Traffic::new(plan, seed, 0, 0);
    let mut writer = Writer::new(Vec::new()).expect("memory takes it");
    for _ in 0..requests {
        let (at, work, index) = source.peek();
        let key = source.key(index).map(|key| Cow::Owned(format!("k{key}").into_bytes()));
        writer.push(&Entry { at: at as i64, tick: 1, service: Some(work), key, ..Entry::default() }).expect("memory takes it");
        source.advance();
    }
    Tape::from_bytes(writer.finish(Origin::default()).expect("memory takes it")).expect("it was written just now")
}

fn fitted(plan: &SourcePlan, requests: usize, seed: u64) -> Fit {
    Fit::of(&tape(plan, requests, seed), Source::Service).expect("it reads")
}

const MS: f64 = 1e6;

fn work() -> Dist {
    Dist::Exponential { mean: 10.0 * MS }
}

/// The chosen process, said to whoever reads a failure.
fn chosen(fit: &Fit) -> &Candidate {
    fit.process().unwrap_or_else(|| panic!("{fit:?}"))
}

fn told(fit: &Fit) -> String {
    let lines = fit
        .arrivals
        .iter()
        .map(|c| format!("{:?} {} {} ks {:.4} {:?} {}", c.process, c.steps.len(), c.held_out, c.ks, c.dispersion, c.chosen));
    let laws =
        fit.work.iter().map(|law| format!("{:?} {:?} ks {:.4} fits {} chosen {}", law.dist, law.held_out, law.ks, law.fits, law.chosen));
    lines.chain(laws).chain(fit.remarks.iter().cloned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_poisson_process_is_one() {
    for seed in 0..8 {
        let fit = fitted(&plan(renewal(Dist::Exponential { mean: 10.0 * MS }), work()), 20_000, seed);
        let found = chosen(&fit);
        assert!(found.process == Process::Poisson && found.steps.is_empty(), "{seed}\n{}", told(&fit));
        // One in a hundred is further off; the rate's error is 1 ÷ √n.
        assert!(found.ks < arrivals::chance(20_000), "{}", told(&fit));
        assert!((fit.rate() / 100.0 - 1.0).abs() < 4.0 / libm::sqrt(20_000.0));
        assert_eq!(fit.law().map(|law| law.name), Some("exponential"), "{seed}\n{}", told(&fit));
    }
}

#[test]
fn a_metronome_is_one() {
    let fit = fitted(&plan(renewal(Dist::Constant(MS)), Dist::Constant(MS)), 1000, 1);
    assert_eq!(chosen(&fit).process, Process::Constant);
    assert_eq!(fit.law().map(|law| law.dist.clone()), Some(Dist::Constant(MS)));
}

#[test]
fn gaps_of_a_gamma_are_found() {
    for (cv, seed) in [(0.4, 1), (1.5, 2), (2.0, 3)] {
        let fit = fitted(&plan(renewal(Dist::Gamma { mean: MS, cv }), work()), 30_000, seed);
        let Process::Renewal(Dist::Gamma { cv: found, .. }) = chosen(&fit).process else { panic!("{cv}\n{}", told(&fit)) };
        // The most likely shape k of n values has variance k ÷ (n (k ψ′(k) − 1)) · k, less than 2 k² ÷ n; cv = k^−½ has half that relative error. Half of them are looked at.
        assert!((found / cv - 1.0).abs() < 4.0 * 0.5 * libm::sqrt(2.0 / 15_000.0) * 1.1, "{found} {cv}");
    }
}

#[test]
fn two_states_are_found() {
    let second = 1e9;
    let states =
        vec![(100.0 / second, Dist::Exponential { mean: 2.0 * second }), (1000.0 / second, Dist::Exponential { mean: 0.5 * second })];
    for seed in 0..3 {
        let fit = fitted(&plan(Timing::Modulated(Modulated { states: states.clone() }), work()), 100_000, seed);
        let Process::Mmpp(found) = chosen(&fit).process else { panic!("{}", told(&fit)) };
        // 100,000 requests at 280 a second are 357 s, 143 stays of each state; what is fitted to is the first sixth of even stretches: 16,384 requests, 23 stays of
        // each, so that a mean stay is known within 1 ÷ √23 = 21%; rates within 1 ÷ √4,600.
        for (found, known) in found.stays.iter().zip([2.0 * second, 0.5 * second]) {
            assert!((found / known - 1.0).abs() < 3.0 * 0.21, "{found} {known}\n{}", told(&fit));
        }
        for (found, known) in found.rates.iter().zip([100.0, 1000.0]) {
            assert!((found * second / known - 1.0).abs() < 0.06, "{found} {known}\n{}", told(&fit));
        }
        // The imitation is as bursty as the closed form says.
        for (imitated, scale) in chosen(&fit).dispersion.iter().zip(imitate::SCALES).take(3) {
            let expected = found.dispersion(scale as f64);
            assert!((imitated.expect("windows enough") / expected - 1.0).abs() < 0.25, "{imitated:?} {expected} {scale}");
        }
        // How much of the time is busy is known within 20%, and so is the share of gaps that are short, of which a quarter shows.
        assert!(chosen(&fit).ks < 0.05, "{}", told(&fit));
    }
}

#[test]
fn a_bursty_recorded_trace_gets_a_bursty_process() {
    // Requests to a code model (Azure, 2023): 8,819 in an hour, counts by second vary 13 times as much as a Poisson process would let them.
    let text = include_str!("../../../tests/data/traces/azure_llm_code_arrivals.csv");
    let mut writer = Writer::new(Vec::new()).expect("memory takes it");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let at: i64 = line.parse().expect("a whole number");
        writer.push(&Entry { at: at * 1000, tick: 100, ..Entry::default() }).expect("memory takes it");
    }
    let tape = Tape::from_bytes(writer.finish(Origin::default()).expect("memory takes it")).expect("it was written just now");
    let fit = Fit::of(&tape, Source::Given).expect("it reads");
    assert!((fit.seen.gap_cv.expect("gaps") - 13.2).abs() < 0.1);
    let found = chosen(&fit);
    assert_ne!(found.process, Process::Poisson, "{}", told(&fit));
    for at in 0..3 {
        let (model, recorded) = (found.dispersion[at].expect("windows"), fit.seen.dispersion[at].expect("windows"));
        assert!((0.4..2.5).contains(&(model / recorded)), "{}", told(&fit));
    }
}

#[test]
fn batches_are_found() {
    let fit = fitted(&plan(Timing::Batch { gap: 10.0 * MS, size: BatchSize::Geometric(4.0) }, work()), 40_000, 5);
    let Process::Batch { mean, fixed: false } = chosen(&fit).process else { panic!("{}", told(&fit)) };
    // 5,000 sizes with a deviation of √12.
    assert!((mean - 4.0).abs() < 4.0 * libm::sqrt(12.0 / 5_000.0), "{mean}");
    let fit = fitted(&plan(Timing::Batch { gap: 10.0 * MS, size: BatchSize::Fixed(3) }, work()), 40_000, 5);
    assert!(matches!(chosen(&fit).process, Process::Batch { fixed: true, .. }), "{}", told(&fit));
}

#[test]
fn steps_of_the_rate_are_found() {
    let minute = 60_000_000_000;
    let steps = vec![(Span(0), 0.5), (Span(2 * minute), 1.5), (Span(3 * minute), 1.0)];
    let source = SourcePlan { shape: Shape::Steps(steps), ..plan(renewal(Dist::Exponential { mean: 10.0 * MS }), work()) };
    let fit = fitted(&source, 30_000, 3);
    let found = chosen(&fit);
    assert_eq!((found.process.name(), found.steps.len()), ("poisson", 3), "{}", told(&fit));
    // The width of a window is 30,000 requests' time by 256.
    let width = fit.seen.width as f64;
    for (step, at) in found.steps.iter().zip([0.0, 2.0, 3.0]) {
        assert!((step.0 as f64 - at * minute as f64).abs() <= 2.0 * width, "{step:?}");
    }
    let ratio = found.steps[1].1 / found.steps[0].1;
    assert!((ratio / 3.0 - 1.0).abs() < 4.0 * libm::sqrt(1.0 / 6_000.0 + 1.0 / 9_000.0) + 0.02, "{ratio}");
}

#[test]
fn laws_of_work_are_found() {
    let known = [
        ("lognormal", Dist::Lognormal { mu: 16.0, sigma: 1.0 }),
        ("exponential", work()),
        ("erlang", Dist::Erlang { k: 4, mean: 5.0 * MS }),
        ("weibull", Dist::Weibull { shape: 0.6, mean: 5.0 * MS }),
        ("hyperexponential", Dist::Hyperexponential { parts: vec![(0.9, 2.0 * MS), (0.1, 40.0 * MS)] }),
        ("pareto", Dist::Pareto { alpha: 1.4, min: MS, max: Some(1000.0 * MS) }),
        (
            "mixture of lognormals",
            Dist::Mixture(vec![(0.7, Dist::Lognormal { mu: 14.0, sigma: 0.3 }), (0.3, Dist::Lognormal { mu: 18.0, sigma: 0.5 })]),
        ),
    ];
    for (name, dist) in known {
        let fit = fitted(&plan(renewal(Dist::Exponential { mean: MS }), dist.clone()), 40_000, 9);
        let law = fit.law().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(law.name, name, "{}", told(&fit));
        assert!((law.mean / dist.mean() - 1.0).abs() < 0.06, "{name} {}", law.mean / dist.mean());
        if let (Dist::Lognormal { mu, sigma }, Dist::Lognormal { mu: m, sigma: s }) = (&law.dist, &dist) {
            // Standard errors σ ÷ √n and σ ÷ √2n of the 10,000 that are looked at.
            assert!((mu - m).abs() < 0.04 && (sigma - s).abs() < 0.029, "{law:?}");
        }
    }
    let odd = Dist::Uniform { min: 3.0 * MS, max: 4.0 * MS };
    let fit = fitted(&plan(renewal(Dist::Exponential { mean: MS }), odd), 40_000, 9);
    let law = fit.law().expect("always one");
    assert_eq!(law.name, "empirical");
    assert!((law.mean / (3.5 * MS) - 1.0).abs() < 1e-3 && law.ks < 0.01, "{law:?}");
}

#[test]
fn popularity_is_found() {
    let keys =
        |count, exponent| SourcePlan { keys: Some(Popular { count, exponent }), ..plan(renewal(Dist::Exponential { mean: MS }), work()) };
    let fit = fitted(&keys(2000, 0.9), 100_000, 4);
    let Keys::Zipf { count, exponent, error } = fit.keys else { panic!("{:?}", fit.keys) };
    assert!((exponent - 0.9).abs() < 4.0 * error + 0.01, "{exponent} ± {error}");
    assert!((1900..2100).contains(&count), "{count}");
    let fit = fitted(&keys(500, 0.0), 50_000, 4);
    assert_eq!(fit.keys, Keys::Uniform { count: 500 });
}

#[test]
fn too_little_is_said() {
    for requests in [0, 1, 2, 15] {
        let fit = fitted(&plan(renewal(Dist::Constant(MS)), work()), requests, 1);
        assert!(fit.process().is_none() && !fit.remarks.is_empty());
        assert!(fit.scenario(None, Pool { count: 4, speed: 1.0 }, &["random".into()]).contains("poisson"));
    }
    // All at once, and with work of nothing.
    let fit = fitted(&plan(renewal(Dist::Constant(0.0)), Dist::Constant(0.0)), 100, 1);
    assert!(fit.process().is_none());
    // Whatever the stream, nothing is drawn twice.
    assert_ne!(Numbered::new(1).bits(0), Numbered::new(3).bits(0));
}
