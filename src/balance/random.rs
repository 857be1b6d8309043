//! Random, plain and weighted: no memory, no looking.
//!
//! **Rule.** An eligible backend drawn uniformly, or in proportion to its weight. **Cost.** O(1): one draw, for the weighted kind one
//! look into an alias table. **Who ships it.** nginx, HAProxy, Envoy, kube-proxy. **Where it shines.** Many instances: it never
//! herds. **Where it fails.** Each backend is an M/G/1 queue of its own, so it waits while others idle: at load 0.9 the mean is ten times
//! the service time.

use super::{BackendId, Balancer, Ctx, Law, Listed, Pick, Pool, Request};
use crate::catalogue::Entry;

pub(super) static RANDOM: Listed = Listed::new(
    Entry {
        name: "random",
        summary: "a backend drawn uniformly",
        text: "An eligible backend drawn uniformly for each request. O(1) per pick. Never herds, never looks: every backend is a queue of its own.",
        parameters: &[],
        reference: "",
    },
    |_| Box::new(Random),
).breaks(&[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")]);

pub(super) static WEIGHTED: Listed = Listed::new(
    Entry {
        name: "weighted-random",
        summary: "a backend drawn in proportion to its weight",
        text: "An eligible backend drawn with probability weight ÷ sum of weights. O(1) per pick, by an alias table.",
        parameters: &[],
        reference: "M. D. Vose, A linear algorithm for generating random numbers with a given distribution (1991)",
    },
    |_| Box::new(WeightedRandom::default()),
);

#[derive(Debug)]
struct Random;

impl Balancer for Random {
    fn members(&mut self, _: &Pool, _: &mut Ctx<'_>) {}

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let place = ctx.chance.below(pool.eligible().len() as u64) as usize;
        pool.at(place).map_or(Pick::None, Pick::Backend)
    }
}

/// An alias table: column i is taken whole by `backends[i]` up to `threshold`, and by `alias` above it.
#[derive(Debug, Default)]
struct WeightedRandom {
    columns: Vec<Column>,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    threshold: f64,
    backend: BackendId,
    alias: BackendId,
}

impl Balancer for WeightedRandom {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        let weighted = pool.eligible().iter().map(|&backend| (backend, pool.weight(backend)));
        self.columns = columns(weighted.filter(|&(_, weight)| weight > 0.0).collect());
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let at = ctx.chance.below(self.columns.len() as u64) as usize;
        let Some(column) = self.columns.get(at) else { return Pick::None };
        Pick::Backend(if ctx.chance.unit() < column.threshold { column.backend } else { column.alias })
    }
}

/// Vose's construction: columns that are too low are filled up from ones that are too high.
fn columns(weighted: Vec<(BackendId, f64)>) -> Vec<Column> {
    let mean = weighted.iter().map(|&(_, weight)| weight).sum::<f64>() / weighted.len() as f64;
    let mut columns: Vec<_> =
        weighted.iter().map(|&(backend, weight)| Column { threshold: weight / mean, backend, alias: backend }).collect();
    let (mut low, mut high): (Vec<usize>, Vec<usize>) = (0..columns.len()).partition(|&at| columns[at].threshold < 1.0);
    while let (Some(&short), Some(&tall)) = (low.last(), high.last()) {
        low.pop();
        columns[short].alias = columns[tall].backend;
        columns[tall].threshold -= 1.0 - columns[short].threshold;
        if columns[tall].threshold < 1.0 {
            high.pop();
            low.push(tall);
        }
    }
    // What is left differs from 1 by rounding only.
    low.into_iter().chain(high).for_each(|at| columns[at].threshold = 1.0);
    columns
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::testing::Bench;
    use super::*;

    #[test]
    fn draws_are_even_over_the_eligible() {
        let mut bench = Bench::new(Box::new(Random), &[1.0; 4]);
        bench.pool.set_state(BackendId(2), State::Down);
        let counts = bench.split(4, 30_000);
        assert_eq!(counts[2], 0);
        // Binomial(30000, 1/3): standard deviation 81.6; five of them.
        assert!([0, 1, 3].iter().all(|&at| counts[at].abs_diff(10_000) < 408), "{counts:?}");
    }

    #[test]
    fn weights_are_kept_and_zero_means_never() {
        let mut bench = Bench::new(Box::new(WeightedRandom::default()), &[5.0, 1.0, 0.0, 4.0]);
        let counts = bench.split(4, 100_000);
        assert_eq!(counts[2], 0);
        // Binomial(100000, p): standard deviations 158, 95, 155; five of the largest.
        assert!(counts[0].abs_diff(50_000) < 790 && counts[1].abs_diff(10_000) < 790 && counts[3].abs_diff(40_000) < 790, "{counts:?}");
        let mut nobody = Bench::new(Box::new(WeightedRandom::default()), &[0.0]);
        assert_eq!(nobody.pick_key(1), Pick::None);
    }

    #[test]
    fn the_alias_table_holds_exactly_the_weights() {
        let weights = [3.0, 0.5, 7.25, 1.0, 1.0];
        let table = columns(weights.iter().zip(0..).map(|(&weight, id)| (BackendId(id), weight)).collect());
        for (id, weight) in weights.iter().enumerate() {
            let share: f64 = table
                .iter()
                .map(|column| {
                    let own = if column.backend.index() == id { column.threshold } else { 0.0 };
                    own + if column.alias.index() == id { 1.0 - column.threshold } else { 0.0 }
                })
                .sum::<f64>()
                / table.len() as f64;
            assert!((share - weight / 12.75).abs() < 1e-12);
        }
    }
}
