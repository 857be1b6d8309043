//! Weighted round robin, smooth: turns in proportion to weight, spread as evenly as they can be.
//!
//! **Rule** (nginx's). Every backend's credit grows by its weight; the one with the most credit is taken, the first of the list on a tie, and pays
//! the sum of all weights. With weights 5, 1, 1 that gives a a b a c a a, not a a a a a b c. **Cost.** O(number of different weights):
//! backends of one weight take turns among themselves, so only one of them competes at a time. **Who ships it.** nginx. **Where it
//! shines.** Machines whose speeds are known. **Where it fails.** Weights are not loads: it never looks.

use super::{BackendId, Balancer, Ctx, Listed, Pick, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter};

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "weighted-round-robin",
        summary: "each backend in turn, in proportion to its weight",
        text: "Smooth weighted round robin: every backend's credit grows by its weight, the one with the most is taken (the first on a tie) and pays \
               the sum of weights. O(number of different weights) per pick. Never looks at load.",
        parameters: &[Parameter::with_default("style", Kind::Choice(&["smooth"]), "smooth", "how the turns of one backend are spread")],
        reference: "nginx, src/http/ngx_http_upstream_round_robin.c",
    },
    |_| Box::new(Smooth::default()),
);

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

    #[test]
    fn zero_weight_means_never() {
        let mut bench = Bench::new(Box::new(Smooth::default()), &[0.0, 1.0]);
        assert_eq!(bench.split(2, 10), [0, 10]);
        assert_eq!(Bench::new(Box::new(Smooth::default()), &[0.0]).pick_key(1), Pick::None);
    }
}
