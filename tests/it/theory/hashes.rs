//! Hash balancers: their tables, how evenly they share, and what moves.
//!
//! Expectations over random hash functions are means over sets of addresses, or of keys, each of which stands for a hash function of its own.

use super::cases::Case;
use super::direct::Thrower;
use super::estimate::{Outcome, jackknife, mean, ratio};
use evenkeel::balance::maglev::Table;
use evenkeel::balance::{BackendId, Member};
use evenkeel::catalogue::Value;

type Direct = fn(&Case) -> Outcome;

/// What is computed for a case of these families.
pub(crate) fn direct(case: &Case) -> Direct {
    match (case.family.as_str(), case.metric.as_str()) {
        ("maglev", "max_over_mean_entries") => largest_part,
        ("maglev", _) => disruption,
        ("hash imbalance", "share") => weighted_share,
        ("hash imbalance", _) => fullest,
        ("bounded loads", "max_load_upper_bound") => never_above_the_cap,
        ("bounded loads", _) => spilt,
        ("remapping", _) => modulo,
        _ => zipf_load,
    }
}

/// Addresses of a set of its own.
fn address(set: u64, number: u64) -> String {
    format!("10.{}.{}.{}:{}", number >> 16 & 255, number >> 8 & 255, number & 255, set + 1)
}

fn members(set: u64, weights: &[f64]) -> Vec<Member> {
    (0..).zip(weights).map(|(number, &weight)| Member::new(address(set, number)).weight(weight)).collect()
}

// -- Maglev

fn table(set: u64, numbers: impl Iterator<Item = u64>, size: u64) -> Table {
    let named: Vec<(BackendId, String)> = numbers.map(|number| (BackendId(number as u32), address(set, number))).collect();
    Table::of_keys(size, &named.iter().map(|(id, name)| (*id, name.as_str(), 1.0)).collect::<Vec<_>>())
}

/// Exact for every table: parts differ by at most one slot.
fn largest_part(case: &Case) -> Outcome {
    let (n, size) = (case.need("backends") as u64, case.need("table_size") as u64);
    let mut counts = vec![0_u64; n as usize];
    table(0, 0..n, size).slots().iter().for_each(|backend| counts[backend.index()] += 1);
    let most = counts.iter().copied().max().unwrap_or(0);
    let measured = most as f64 * n as f64 / size as f64;
    let off = (measured - case.expected).abs();
    let held = off < 1e-12 && counts.iter().all(|&count| most - count <= 1);
    Outcome { id: case.id.clone(), measured, expected: case.expected, error: 0.0, z: if held { 0.0 } else { f64::INFINITY }, held }
}

/// Slots of others that change hands when one leaves, over tables of their own.
fn disruption(case: &Case) -> Outcome {
    let (n, size) = (case.need("backends") as u64, case.need("table_size") as u64);
    let tables = (40_000_000 / (size * n)).clamp(2, 1_000);
    let values: Vec<f64> = (0..tables)
        .map(|set| {
            let gone = set % n;
            let (before, after) = (table(set, 0..n, size), table(set, (0..n).filter(|&number| number != gone), size));
            let pairs = before.slots().iter().zip(after.slots());
            pairs.filter(|(was, now)| was != now && was.index() as u64 != gone).count() as f64 / size as f64
        })
        .collect();
    let (value, error) = mean(&values);
    Outcome::new(case, value, error, values.len())
}

// -- rendezvous and jump

/// The most keys of any backend, over the mean.
fn fullest(case: &Case) -> Outcome {
    let (keys, n) = (case.need("keys") as u64, case.need("backends") as usize);
    let rounds = (20_000_000 / (keys * if n == 1_000 { 20 } else { 1 })).clamp(20, 4_000);
    let values: Vec<f64> = (0..rounds)
        .map(|round| {
            // Jump hash where asking everybody would take minutes; both are ideal hashes.
            let kind = if n >= 100 || round % 2 == 0 { "jump-hash" } else { "rendezvous" };
            let mut thrower = Thrower::over(kind, &[], members(round, &vec![1.0; n]), round);
            let mut counts = vec![0_u64; n];
            (0..keys).for_each(|key| counts[thrower.pick(round * keys + key).index()] += 1);
            counts.into_iter().max().unwrap_or(0) as f64 * n as f64 / keys as f64
        })
        .collect();
    let (value, error) = mean(&values);
    Outcome::new(case, value, error, values.len())
}

fn weighted_share(case: &Case) -> Outcome {
    const KEYS: u64 = 100_000;
    let (weights, backend) = (case.list("weights"), case.need("backend") as usize);
    let values: Vec<f64> = (0..20)
        .map(|set| {
            let mut thrower = Thrower::over("rendezvous", &[], members(set, &weights), set);
            (0..KEYS).filter(|key| thrower.pick(set * KEYS + key).index() == backend).count() as f64 / KEYS as f64
        })
        .collect();
    let (value, error) = mean(&values);
    Outcome::new(case, value, error, values.len())
}

// -- bounded loads

/// All keys in flight at once, each sent where the balancer says: what each backend holds.
fn bounded(case: &Case, set: u64) -> Vec<u32> {
    let (n, keys) = (case.need("backends") as usize, case.need("keys") as u64);
    let set_to = [("points", Value::Whole(case.need("vnodes") as u64)), ("factor", Value::Number(1.0 + case.need("eps")))];
    let mut bounded = Thrower::over("bounded-load", &set_to, members(set, &vec![1.0; n]), set);
    for key in 0..keys {
        let backend = bounded.pick(set * keys + key);
        bounded.send(backend);
    }
    (0..n as u32).map(|backend| bounded.pool.in_flight(BackendId(backend))).collect()
}

fn never_above_the_cap(case: &Case) -> Outcome {
    let most = (0..10).flat_map(|set| bounded(case, set)).max().unwrap_or(0);
    let held = f64::from(most) <= case.expected;
    Outcome {
        id: case.id.clone(),
        measured: f64::from(most),
        expected: case.expected,
        error: 0.0,
        z: if held { 0.0 } else { f64::INFINITY },
        held,
    }
}

/// The reference has the cap of all keys from the first on, while a balancer's cap grows with what is in flight; so the rule is applied here with that cap, over the ring
/// that the balancer has.
fn spilt(case: &Case) -> Outcome {
    let values: Vec<f64> = (0..60)
        .map(|set| {
            let (n, keys) = (case.need("backends") as usize, case.need("keys") as u64);
            let cap = ((1.0 + case.need("eps")) * keys as f64 / n as f64).ceil() as u32;
            // Insertion by hand with that cap, over the ring of the balancer itself.
            let mut loads = vec![0_u32; n];
            let ring = super::direct::ring_of(&vec![1.0; n], case.need("vnodes") as u64, set);
            let mut chance = evenkeel::random::Stream::new(set);
            let mut moved = 0_u64;
            for _ in 0..keys {
                let place = ring.place(chance.bits()).expect("the ring has points");
                let first = ring.after(place, 0).expect("the ring has points");
                let taken = (0..ring.points().len())
                    .find_map(|step| ring.after(place, step).filter(|backend| loads[backend.index()] < cap))
                    .expect("the caps add up to more than all keys");
                loads[taken.index()] += 1;
                moved += u64::from(taken != first);
            }
            moved as f64 / keys as f64
        })
        .collect();
    let (value, error) = mean(&values);
    Outcome::new(case, value, error, values.len())
}

// -- modulo, and hot keys

fn modulo(case: &Case) -> Outcome {
    const KEYS: u64 = 100_000;
    let n = case.need("n") as usize;
    let then = n + if case.id.starts_with("remap-mod2") { 2 } else { 1 };
    let values: Vec<f64> = (0..20)
        .map(|set| {
            let thrower = |n: usize| Thrower::over("hash", &[], members(set, &vec![1.0; n]), set);
            let (mut before, mut after) = (thrower(n), thrower(then));
            (0..KEYS).filter(|key| before.pick(set * KEYS + key) != after.pick(set * KEYS + key)).count() as f64 / KEYS as f64
        })
        .collect();
    let (value, error) = mean(&values);
    Outcome::new(case, value, error, values.len())
}

/// Load of backends when Zipf keys are hashed: the root of the mean square, over hash functions.
fn zipf_load(case: &Case) -> Outcome {
    let (count, n, exponent) = (case.need("keys") as u64, case.need("backends") as usize, case.need("s"));
    let total: f64 = (1..=count).map(|rank| libm::pow(rank as f64, -exponent)).sum();
    let shares: Vec<f64> = (1..=count).map(|rank| libm::pow(rank as f64, -exponent) / total).collect();
    let sums: Vec<[f64; 3]> = (0..2_000)
        .map(|set| {
            let mut thrower = Thrower::over("jump-hash", &[], members(0, &vec![1.0; n]), set);
            let mut loads = vec![0.0; n];
            shares.iter().zip(0..).for_each(|(share, key)| loads[thrower.pick(set * count + key).index()] += share);
            let square = loads.iter().map(|load| (load * n as f64 - 1.0).powi(2)).sum::<f64>() / n as f64;
            [square, 1.0, 0.0]
        })
        .collect();
    let (value, error) = jackknife(&sums, |sums| ratio(sums).sqrt());
    Outcome::new(case, value, error, sums.len())
}
