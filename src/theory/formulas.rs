//! Closed forms of queueing theory, with the mean work as the unit of time.
//!
//! Loads are per server, arrival rates in requests per unit. Each formula names where it comes from; the tests hold it to independently computed
//! values.

use crate::dist::math::{exp, log, pow};

/// M/M/1: the mean sojourn, 1 ÷ (1−ρ). Also of M/G/1 with processor sharing, whatever the law of work.
#[must_use]
pub fn mm1_sojourn(load: f64) -> f64 {
    1.0 / (1.0 - load)
}

/// M/M/1, first come first served: the sojourn is exponential, so its quantile is −ln(1−q) ÷ (1−ρ).
#[must_use]
pub fn mm1_quantile(load: f64, share: f64) -> f64 {
    -log(1.0 - share) / (1.0 - load)
}

/// M/G/1, first come first served (Pollaczek and Khinchine): 1 + ρ(1+c²) ÷ 2(1−ρ), c² the squared coefficient of variation of the work.
#[must_use]
pub fn mg1_sojourn(load: f64, variation: f64) -> f64 {
    1.0 + load * (1.0 + variation) / (2.0 * (1.0 - load))
}

/// Erlang's loss formula: the share refused by `servers` without a queue, at `offered` = rate × mean work, by its recursion.
#[must_use]
pub fn erlang_b(servers: u32, offered: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, n| offered * blocked / (f64::from(n) + offered * blocked))
}

/// Erlang's delay formula: the share that waits in M/M/c.
#[must_use]
pub fn erlang_c(servers: u32, offered: f64) -> f64 {
    let (blocked, load) = (erlang_b(servers, offered), offered / f64::from(servers));
    blocked / (1.0 - load * (1.0 - blocked))
}

/// M/M/c: the mean sojourn, 1 + C ÷ (c − a).
#[must_use]
pub fn mmc_sojourn(servers: u32, offered: f64) -> f64 {
    1.0 + erlang_c(servers, offered) / (f64::from(servers) - offered)
}

/// M/M/c with `places` in all: the share refused, and the mean sojourn of those that are not.
#[must_use]
pub fn mmck(servers: u32, places: u32, rate: f64) -> (f64, f64) {
    let (mut weight, mut sum, mut people) = (1.0, 1.0, 0.0);
    for n in 1..=places {
        weight *= rate / f64::from(n.min(servers));
        sum += weight;
        people += f64::from(n) * weight;
    }
    let refused = weight / sum;
    (refused, people / sum / (rate * (1.0 - refused)))
}

/// Round robin over `backends`, each then E_N/M/1: the share that waits, σ = (Nρ ÷ (Nρ + 1 − σ))^N. The sojourn is exponential with mean 1 ÷ (1−σ).
#[must_use]
pub fn round_robin_sigma(backends: u32, load: f64) -> f64 {
    let rate = f64::from(backends) * load;
    fixed_point(|sigma| pow(rate / (rate + 1.0 - sigma), f64::from(backends)))
}

/// D/M/1: the share that waits, σ = exp(−(1−σ) ÷ ρ). The sojourn is exponential with mean 1 ÷ (1−σ).
#[must_use]
pub fn dm1_sigma(load: f64) -> f64 {
    fixed_point(|sigma| exp(-(1.0 - sigma) / load))
}

/// From zero, the first fixed point of an increasing function; below a load of 1 each step shrinks the distance.
fn fixed_point(of: impl Fn(f64) -> f64) -> f64 {
    let mut at = 0.0;
    for _ in 0..100_000 {
        let next = of(at);
        if next == at {
            break;
        }
        at = next;
    }
    at
}

/// M^X/M/1 with batches of one size: the mean sojourn, (1 + X) ÷ 2(1−ρ).
#[must_use]
pub fn batch_sojourn(load: f64, size: f64) -> f64 {
    (1.0 + size) / (2.0 * (1.0 - load))
}

/// Closed clients before one server: mean sojourn and throughput, by mean value analysis.
#[must_use]
pub fn closed_loop(clients: u32, think: f64) -> (f64, f64) {
    let (mut sojourn, mut throughput, mut queue) = (1.0, 0.0, 0.0);
    for n in 1..=clients {
        sojourn = 1.0 + queue;
        throughput = f64::from(n) / (think + sojourn);
        queue = throughput * sojourn;
    }
    (sojourn, throughput)
}

/// Machines of different speeds with weights equal to their speeds, drawn at random: n ÷ (Σμ − λ).
#[must_use]
pub fn weighted_random_sojourn(speeds: &[f64], load: f64) -> f64 {
    speeds.len() as f64 / (speeds.iter().sum::<f64>() * (1.0 - load))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (name of the reference case, its value, ours)
    #[test]
    fn formulas_give_the_reference_values() {
        let cases = [
            ("mm1-0.5-mean", 2.0, mm1_sojourn(0.5)),
            ("mm1-0.5-p99", 9.210_340_371_976_182, mm1_quantile(0.5, 0.99)),
            ("me41-0.3-mean", 1.267_857_142_857_142_8, mg1_sojourn(0.3, 0.25)),
            ("mh2-4-0.5-mean", 3.5, mg1_sojourn(0.5, 4.0)),
            ("erlb-5-3", 0.110_054_347_826_086_96, erlang_b(5, 3.0)),
            ("erlb-100-95", 0.048_804_206_178_677_82, erlang_b(100, 95.0)),
            ("mmc2-0.5-pwait", 0.333_333_333_333_333_3, erlang_c(2, 1.0)),
            ("mmck-8-24-9-blk", 0.122_575_839_938_838_89, mmck(8, 24, 9.0).0),
            ("mmck-8-24-9-mean", 2.287_360_859_157_141_5, mmck(8, 24, 9.0).1),
            ("rr-2-0.5-mean", 1.618_033_988_749_895, 1.0 / (1.0 - round_robin_sigma(2, 0.5))),
            ("dm1-0.5-mean", 1.255_000_974_915_975_2, 1.0 / (1.0 - dm1_sigma(0.5))),
            ("mxm1-fixed5-0.8", 15.0, batch_sojourn(0.8, 5.0)),
            ("closed-10-10-1-R", 2.732_079_438_553_741, closed_loop(10, 10.0).0),
            ("closed-5-10-1-X", 0.436_047_823_144_597_34, closed_loop(5, 10.0).1),
            ("wrand-prop-3-mean", 1.666_666_666_666_666_7, weighted_random_sojourn(&[1.0, 1.0, 2.0, 4.0], 0.7)),
        ];
        for (name, expected, ours) in cases {
            assert!((ours / expected - 1.0).abs() < 1e-9, "{name}: {ours}, not {expected}");
        }
    }
}
