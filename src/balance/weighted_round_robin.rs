//! Weighted round robin: turns in proportion to weight, in one of four styles.
//!
//! **Rule.** *smooth* (nginx's): every backend's credit grows by its weight; the one with the most credit is taken, the first of the list on a tie, and pays
//! the sum of all weights. With weights 5, 1, 1 that gives a a b a c a a. *edf* (Envoy's): everybody queues for its next turn, 1 ÷ weight after the last; a tie goes to
//! who queued first. *stride* (gRPC's): rounds in which a light backend is skipped until its share has come due, see [`super::stride`]. *block*: as many turns in
//! a row as the weight says, a a a a a b c. **Cost.** smooth O(number of different weights), as backends of one weight take turns among
//! themselves; edf O(log n); stride O(heaviest ÷ mean weight); block O(1). **Who ships it.** nginx, Dubbo, kratos (smooth); Envoy, Traefik (edf); gRPC (stride); Pingora, Caddy
//! (block). **Where it shines.** Machines whose speeds are known. **Where it fails.** Weights are not loads: it never looks. Blocks are bursts to the heaviest.

use super::edf::Edf;
use super::stride::{FULL, Stride};
use super::{BackendId, Balancer, Ctx, Listed, Pick, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter};

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "weighted-round-robin",
        summary: "each backend in turn, in proportion to its weight",
        text: "Turns in proportion to weight. smooth: the most credit is taken (the first on a tie) and pays the sum of weights, as in nginx. edf: the earliest deadline, 1 / weight \
               after the last turn, as in Envoy. stride: rounds that skip the light ones until their share has come due, as in gRPC; weights are rounded to 1/65535 of the heaviest. \
               block: so many turns in a row. Cost per pick: smooth O(number of different weights), edf O(log n), stride O(heaviest / mean), block O(1). Never looks at load.",
        parameters: &[Parameter::with_default(
            "style",
            Kind::Choice(&["smooth", "edf", "stride", "block"]),
            "smooth",
            "how the turns of one backend are spread; smooth is the most even",
        )],
        reference: "nginx, src/http/ngx_http_upstream_round_robin.c",
    },
    |values| match values.text("style") {
        "edf" => Box::new(Deadlines::default()),
        "stride" => Box::new(Strides::default()),
        "block" => Box::new(Blocks::default()),
        _ => Box::new(Smooth::default()),
    },
);

/// The eligible members with weight, in order.
fn weighted(pool: &Pool) -> impl Iterator<Item = (BackendId, f64)> + '_ {
    pool.eligible().iter().map(|&backend| (backend, pool.weight(backend))).filter(|&(_, weight)| weight > 0.0)
}

/// Style edf.
#[derive(Debug, Default)]
struct Deadlines(Edf);

impl Balancer for Deadlines {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.0 = Edf::new(weighted(pool).map(|(backend, weight)| (backend.0, weight)));
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        self.0.next(|backend| pool.weight(BackendId(backend))).map_or(Pick::None, |backend| Pick::Backend(BackendId(backend)))
    }
}

/// Style stride.
#[derive(Debug, Default)]
struct Strides {
    schedule: Option<Stride>,
    members: Vec<BackendId>,
    sequence: u32,
}

impl Balancer for Strides {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.members = weighted(pool).map(|(backend, _)| backend).collect();
        let heaviest = weighted(pool).map(|(_, weight)| weight).fold(0.0, f64::max);
        // At least 1, so that nobody with weight is never taken.
        let scaled = weighted(pool).map(|(_, weight)| ((weight / heaviest * f64::from(FULL)).round() as u16).max(1));
        self.schedule = (!self.members.is_empty()).then(|| Stride::new(scaled.collect()));
        self.sequence = 0;
    }

    fn pick(&mut self, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Pick {
        let Some(schedule) = &self.schedule else { return Pick::None };
        let place = schedule.pick(|| {
            self.sequence = self.sequence.wrapping_add(1);
            self.sequence.wrapping_sub(1)
        });
        Pick::Backend(self.members[place])
    }
}

/// Style block: in round r a backend has ⌊weight·r⌋ − ⌊weight·(r − 1)⌋ turns, so that fractions count too.
#[derive(Debug, Default)]
struct Blocks {
    members: Vec<(BackendId, f64)>,
    at: usize,
    round: u64,
    left: u64,
}

impl Blocks {
    fn turns(&self) -> u64 {
        let weight = self.members[self.at].1;
        let upto = |round: u64| (weight * round as f64).floor();
        (upto(self.round) - upto(self.round - 1)) as u64
    }
}

impl Balancer for Blocks {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        let heaviest = weighted(pool).map(|(_, weight)| weight).fold(0.0, f64::max);
        // Whoever is heaviest has a turn in every round, so that a round is never empty.
        let scale = if heaviest < 1.0 { 1.0 / heaviest } else { 1.0 };
        self.members = weighted(pool).map(|(backend, weight)| (backend, (weight * scale).min(1e15))).collect();
        (self.at, self.round) = (0, 1);
        self.left = if self.members.is_empty() { 0 } else { self.turns() };
    }

    fn pick(&mut self, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Pick {
        if self.members.is_empty() {
            return Pick::None;
        }
        while self.left == 0 {
            self.at = (self.at + 1) % self.members.len();
            self.round += u64::from(self.at == 0);
            self.left = self.turns();
        }
        self.left -= 1;
        Pick::Backend(self.members[self.at].0)
    }
}

/// Style smooth.
#[derive(Debug, Default)]
struct Smooth {
    classes: Vec<Class>,
    total: f64,
}

/// Backends of one weight. Those not yet taken in this round have `credit`, the others `credit − total`; so the next in the list is
/// always the one with the most, and when all have been taken all are `total` poorer.
#[derive(Debug)]
struct Class {
    weight: f64,
    credit: f64,
    members: Vec<BackendId>,
    next: usize,
}

impl Balancer for Smooth {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        let mut weighted: Vec<_> =
            pool.eligible().iter().map(|&backend| (pool.weight(backend), backend)).filter(|&(weight, _)| weight > 0.0).collect();
        weighted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.total = weighted.iter().map(|&(weight, _)| weight).sum();
        self.classes = weighted
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| Class { weight: same[0].0, credit: 0.0, members: same.iter().map(|&(_, backend)| backend).collect(), next: 0 })
            .collect();
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Pick {
        let mut best: Option<&mut Class> = None;
        for class in &mut self.classes {
            class.credit += class.weight;
            let better = best
                .as_ref()
                .is_none_or(|best| class.credit > best.credit || class.credit == best.credit && class.next_member() < best.next_member());
            if better {
                best = Some(class);
            }
        }
        let Some(class) = best else { return Pick::None };
        let chosen = class.next_member();
        class.next += 1;
        if class.next == class.members.len() {
            class.next = 0;
            class.credit -= self.total;
        }
        Pick::Backend(chosen)
    }
}

impl Class {
    #[inline]
    fn next_member(&self) -> BackendId {
        self.members[self.next]
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;
    use crate::random::Stream;

    /// The rule as it is written, looking at everybody.
    fn oracle(weights: &[f64], picks: usize) -> Vec<u32> {
        let (mut credit, total) = (vec![0.0; weights.len()], weights.iter().sum::<f64>());
        let mut pick = || {
            let mut best: Option<usize> = None;
            for at in 0..weights.len() {
                credit[at] += weights[at];
                if weights[at] > 0.0 && best.is_none_or(|best| credit[at] > credit[best]) {
                    best = Some(at);
                }
            }
            let best = best.expect("some weight is positive");
            credit[best] -= total;
            best as u32
        };
        (0..picks).map(|_| pick()).collect()
    }

    #[test]
    fn turns_are_spread_as_nginx_spreads_them() {
        let mut bench = Bench::new(Box::new(Smooth::default()), &[5.0, 1.0, 1.0]);
        assert_eq!((0..7).map(|_| bench.pick()).collect::<Vec<_>>(), [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn classes_of_equal_weight_give_the_same_turns_as_looking_at_everybody() {
        let mut chance = Stream::new(2);
        for _ in 0..200 {
            let n = 1 + chance.below(12) as usize;
            let weights: Vec<f64> = (0..n).map(|_| (1 + chance.below(4)) as f64).collect();
            let mut bench = Bench::new(Box::new(Smooth::default()), &weights);
            let ours: Vec<u32> = (0..500).map(|_| bench.pick()).collect();
            assert_eq!(ours, oracle(&weights, 500), "{weights:?}");
        }
    }

    fn turns(balancer: Box<dyn Balancer>, weights: &[f64], picks: usize) -> Vec<u32> {
        let mut bench = Bench::new(balancer, weights);
        (0..picks).map(|_| bench.pick()).collect()
    }

    #[test]
    fn every_style_has_its_own_order_and_the_same_shares() {
        let weights = [5.0, 1.0, 1.0, 0.0];
        assert_eq!(turns(Box::new(Blocks::default()), &weights, 8), [0, 0, 0, 0, 0, 1, 2, 0]);
        // Deadlines: a at 0.2, 0.4, …; b and c at 1, queued before a's fifth.
        assert_eq!(turns(Box::new(Deadlines::default()), &weights, 8), [0, 0, 0, 0, 1, 2, 0, 0]);
        let styles: [Box<dyn Balancer>; 4] =
            [Box::new(Blocks::default()), Box::new(Deadlines::default()), Box::new(Strides::default()), Box::new(Smooth::default())];
        for balancer in styles {
            let mut counts = [0_u32; 4];
            turns(balancer, &weights, 7_000).into_iter().for_each(|at| counts[at as usize] += 1);
            // Within one round of exact: 7 turns.
            assert!(counts[0].abs_diff(5_000) <= 7 && counts[1].abs_diff(1_000) <= 7 && counts[3] == 0, "{counts:?}");
        }
    }

    #[test]
    fn blocks_count_fractions() {
        // Scaled so that the heaviest is 1: 1 and 0.5. Rounds: a, then a b.
        assert_eq!(turns(Box::new(Blocks::default()), &[0.2, 0.1], 6), [0, 0, 1, 0, 0, 1]);
    }

    #[test]
    fn zero_weight_means_never() {
        let mut bench = Bench::new(Box::new(Smooth::default()), &[0.0, 1.0]);
        assert_eq!(bench.split(2, 10), [0, 10]);
        assert_eq!(Bench::new(Box::new(Smooth::default()), &[0.0]).pick_key(1), Pick::None);
    }
}
