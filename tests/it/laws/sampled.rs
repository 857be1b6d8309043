//! Relations in distribution, by means over replications: fixed seeds, and 3.9 standard errors of a difference.

use super::trace::record;
use crate::world::{Extend, UNIT, balancer, exponential, group, per_unit, scenario};
use evenkeel::catalogue::Value;
use evenkeel::dist::Dist;
use evenkeel::scenario::{Balancer, Discipline, Group, Length, Process, Scenario};

const REPLICATIONS: u32 = 30;

fn mean_latencies(world: &Scenario, balancer: usize) -> Vec<f64> {
    (0..REPLICATIONS).map(|replication| record(world, balancer, replication).latency.mean().expect("requests succeed") / UNIT).collect()
}

/// The mean and its standard error.
fn estimate(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Ten backends at this load, exponential.
fn ten(load: f64, balancers: Vec<Balancer>) -> Scenario {
    let mut world = scenario(Process::Poisson, Some(per_unit(10.0 * load)), exponential(1.0)).on(vec![group(10)]);
    (world.run.length, world.balancers) = (Length::Requests(30_000), balancers);
    world
}

fn choices(d: u64) -> Balancer {
    balancer("power-of-d", &[("choices", Value::Whole(d))])
}

fn same_in_distribution(a: Balancer, b: Balancer) {
    let world = ten(0.8, vec![a, b]);
    let pairs = mean_latencies(&world, 0).into_iter().zip(mean_latencies(&world, 1));
    let (difference, error) = estimate(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>());
    assert!(difference.abs() <= 3.9 * error, "{difference} ± {error}");
}

#[test]
fn as_many_choices_as_backends_are_the_shortest_queue() {
    same_in_distribution(choices(10), balancer("join-shortest-queue", &[]));
}

#[test]
fn one_choice_is_random() {
    same_in_distribution(choices(1), balancer("random", &[]));
}

#[test]
fn equal_weights_drawn_are_drawn_evenly() {
    same_in_distribution(balancer("weighted-random", &[]), balancer("random", &[]));
}

/// Central queue ≤ shortest queue ≤ five choices ≤ three ≤ two ≤ random, on the same requests: each step by more than 3.9 of its standard errors.
#[test]
fn knowing_more_is_better_on_the_same_requests() {
    let ranking = vec![
        balancer("central-queue", &[]),
        balancer("join-shortest-queue", &[]),
        choices(5),
        choices(3),
        choices(2),
        balancer("random", &[]),
    ];
    for load in [0.5, 0.7, 0.9] {
        let world = ten(load, ranking.clone());
        let means: Vec<Vec<f64>> = (0..ranking.len()).map(|at| mean_latencies(&world, at)).collect();
        for (better, worse) in means.iter().zip(&means[1..]) {
            let (difference, error) = estimate(&better.iter().zip(worse).map(|(better, worse)| worse - better).collect::<Vec<_>>());
            assert!(difference > 3.9 * error, "at {load}: {difference} ± {error}");
        }
    }
}

/// Round robin lies between the shortest queue and random.
#[test]
fn round_robin_beats_random_and_is_beaten_by_the_shortest_queue() {
    let world = ten(0.8, vec![balancer("join-shortest-queue", &[]), balancer("round-robin", &[]), balancer("random", &[])]);
    let means: Vec<f64> = (0..3).map(|at| estimate(&mean_latencies(&world, at)).0).collect();
    assert!(means[0] < means[1] && means[1] < means[2], "{means:?}");
}

/// M/G/1-PS: the mean is 1 ÷ (1−ρ) whatever the law of work.
#[test]
fn sharing_a_processor_is_insensitive_to_the_law_of_work() {
    let laws = [
        Dist::Constant(UNIT),
        Dist::Uniform { min: 0.0, max: 2.0 * UNIT },
        Dist::Erlang { k: 3, mean: UNIT },
        Dist::Hyperexponential { parts: vec![(0.9, UNIT / 2.0), (0.1, 5.5 * UNIT)] },
        Dist::Weibull { shape: 0.7, mean: UNIT },
    ];
    for work in laws {
        let mut world = scenario(Process::Poisson, Some(per_unit(0.6)), work.clone());
        world = world.on(vec![Group { discipline: Discipline::ProcessorSharing, ..group(1) }]).with(balancer("random", &[]));
        world.run.length = Length::Requests(40_000);
        let (mean, error) = estimate(&mean_latencies(&world, 0));
        assert!((mean - 2.5).abs() <= 3.9 * error, "{work:?}: {mean} ± {error}");
    }
}
