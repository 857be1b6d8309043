//! Least connections: the backend with the fewest requests in flight.
//!
//! **Rule.** The eligible backend whose in-flight count, as this instance sees it, is least; with `weighted`, count ÷ weight.
//! **Ties.** Drawn (the default), the first, or going round. They matter: with many instances that each see only their own requests,
//! nearly every pick is a tie, and `first` sends all of them to the same backend. **Cost.** O(1) for plain counts, O(log n) for
//! weighted ones, by an index that moves with every send and end; no scan. **Who ships it.** nginx, HAProxy, IPVS, each with its own ties.
//! **Where it shines.** One instance: within a few percent of the best that is possible without knowing the work. **Where it fails.**
//! A backend that fails fast looks idle and gets everything; stale counts make the herd run from one backend to the next.

use super::index::{LevelSets, Levels, MinTree, NEVER, score};
use super::{BackendId, Balancer, Ctx, Law, Listed, Listens, Pick, Pool, Request, Sees};
use crate::catalogue::{Entry, Kind, Parameter, Values};

pub(super) const TIES: Parameter = Parameter::with_default(
    "ties",
    Kind::Choice(&["random", "first", "round-robin"]),
    "random",
    "which of several that are equal: drawn, the first, or going round",
);

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "least-connections",
        summary: "the backend with the fewest requests in flight",
        text: "The eligible backend with the least in-flight count of this instance; with `weighted`, count ÷ weight. O(1) per pick, \
               O(log n) with weights. Near the best possible for one instance; herds on stale counts, and feeds a backend that fails fast.",
        parameters: &[TIES, Parameter::with_default("weighted", Kind::Bool, "false", "compare in flight ÷ weight instead of in flight")],
        reference: "",
    },
    |values| Box::new(LeastConnections::new(values, Sees::View)),
)
.breaks(&[
    (Law::ZeroWeight, "weights count only with `weighted = true`"),
    (
        Law::Weights,
        "an idle backend comes before a busy one whatever its weight; with `weighted = true` shares follow the weights under load",
    ),
]);

/// Which of several equal backends is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ties {
    Random,
    First,
    RoundRobin,
}

impl Ties {
    pub(super) fn of(values: &Values) -> Self {
        match values.text("ties") {
            "first" => Self::First,
            "round-robin" => Self::RoundRobin,
            _ => Self::Random,
        }
    }

    /// One of the least in a tree.
    #[inline]
    pub(super) fn choose(self, tree: &MinTree, last: &mut u32, ctx: &mut Ctx<'_>) -> Pick {
        let chosen = match self {
            Self::Random => tree.random(ctx.chance),
            Self::First => tree.first(),
            Self::RoundRobin => tree.next(last.wrapping_add(1)),
        };
        *last = chosen.map_or(*last, |backend| backend.0);
        chosen.map_or(Pick::None, Pick::Backend)
    }
}

/// The rule, over what a balancer sees or (as the oracle join-shortest-queue) over the truth.
#[derive(Debug)]
pub(super) struct LeastConnections {
    index: Index,
    weighted: bool,
    ties: Ties,
    last: u32,
    sees: Sees,
}

#[derive(Debug)]
enum Index {
    /// Plain counts, drawn ties.
    Levels(Levels),
    /// Plain counts, ties by place.
    Sets(LevelSets),
    /// Counts ÷ weights.
    Tree(MinTree),
}

impl LeastConnections {
    pub(super) fn new(values: &Values, sees: Sees) -> Self {
        let ties = Ties::of(values);
        let weighted = values.get("weighted").is_some() && values.bool("weighted");
        let index = match ties {
            _ if weighted => Index::Tree(MinTree::default()),
            Ties::Random => Index::Levels(Levels::default()),
            Ties::First | Ties::RoundRobin => Index::Sets(LevelSets::default()),
        };
        Self { index, weighted, ties, last: u32::MAX, sees }
    }

    #[inline]
    fn load(&self, backend: BackendId, pool: &Pool) -> u64 {
        let in_flight = pool.in_flight(backend);
        if !self.weighted {
            return u64::from(in_flight);
        }
        match pool.weight(backend) {
            0.0 => NEVER,
            // Correctly rounded, so that equal fractions are equal: 1 ÷ 1 and 2 ÷ 2 tie.
            weight => score(f64::from(in_flight) / weight),
        }
    }

    #[inline]
    fn moved(&mut self, backend: BackendId, pool: &Pool) {
        if !pool.is_eligible(backend) {
            return;
        }
        let load = self.load(backend, pool);
        match &mut self.index {
            Index::Levels(levels) => levels.set(backend, load as u32),
            Index::Sets(sets) => sets.set(backend, load as u32),
            Index::Tree(tree) => tree.set(backend, load),
        }
    }
}

impl Balancer for LeastConnections {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        let loads: Vec<_> = pool.eligible().iter().map(|&backend| (backend, self.load(backend, pool))).collect();
        match &mut self.index {
            Index::Levels(levels) => levels.rebuild(pool.len(), loads.into_iter().map(|(backend, load)| (backend, load as u32))),
            Index::Sets(sets) => sets.rebuild(pool.len(), loads.into_iter().map(|(backend, load)| (backend, load as u32))),
            Index::Tree(tree) => tree.rebuild(pool.len(), loads.into_iter()),
        }
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        match &mut self.index {
            Index::Levels(levels) => levels.least(ctx.chance).map_or(Pick::None, Pick::Backend),
            Index::Sets(sets) => {
                let from = if self.ties == Ties::First { 0 } else { self.last.wrapping_add(1) };
                let chosen = sets.next(from);
                self.last = chosen.map_or(self.last, |backend| backend.0);
                chosen.map_or(Pick::None, Pick::Backend)
            }
            Index::Tree(tree) => self.ties.choose(tree, &mut self.last, ctx),
        }
    }

    fn listens(&self) -> Listens {
        Listens::COUNTS
    }

    #[inline]
    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        self.moved(backend, pool);
    }

    fn sees(&self) -> Sees {
        self.sees
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::testing::Bench;
    use super::*;
    use crate::catalogue::Value;

    fn bench(ties: &str, weighted: bool, weights: &[f64]) -> Bench {
        let mut values = Values::default();
        values.set("ties", Value::Text(ties.into()));
        values.set("weighted", Value::Bool(weighted));
        Bench::new(Box::new(LeastConnections::new(&values, Sees::View)), weights)
    }

    #[test]
    fn ties_go_to_the_first_where_asked() {
        let mut bench = bench("first", false, &[1.0; 3]);
        assert_eq!([bench.send(), bench.send(), bench.send(), bench.send()], [0, 1, 2, 0]);
        bench.finish(1);
        assert_eq!(bench.send(), 1);
    }

    #[test]
    fn ties_go_round_where_asked() {
        let mut bench = bench("round-robin", false, &[1.0; 3]);
        assert_eq!([bench.pick(), bench.pick(), bench.pick(), bench.pick()], [0, 1, 2, 0]);
    }

    #[test]
    fn random_ties_fill_everybody_before_anybody_gets_a_second() {
        let mut bench = bench("random", false, &[1.0; 5]);
        let mut first: Vec<u32> = (0..5).map(|_| bench.send()).collect();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3, 4]);
        bench.finish(3);
        assert_eq!(bench.send(), 3);
    }

    #[test]
    fn weights_divide_the_count() {
        // 3 : 1, ties to the first: loads n/3 and n/1.
        let mut bench = bench("first", true, &[3.0, 1.0, 0.0]);
        assert_eq!((0..8).map(|_| bench.send()).collect::<Vec<_>>(), [0, 1, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn who_is_not_eligible_is_not_picked() {
        let mut bench = bench("random", false, &[1.0; 2]);
        bench.pool.set_state(BackendId(0), State::Down);
        bench.renew();
        assert_eq!(bench.split(2, 50), [0, 50]);
        bench.pool.set_state(BackendId(1), State::Down);
        bench.renew();
        assert_eq!(bench.pick_key(1), Pick::None);
    }
}
