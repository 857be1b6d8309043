//! The balancer over the rules of [`super::pick_first`].

use super::listed::nobody;
use super::pick_first::{key, order};
use crate::balance::{BackendId, Balancer, Change, Ctx, Pick, Pool, Request};
use crate::catalogue::Values;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shuffle {
    None,
    Random,
    Weighted,
}

/// All to one.
#[derive(Debug)]
pub(super) struct PickFirst {
    shuffle: Shuffle,
    list: Vec<BackendId>,
    connected: Option<BackendId>,
}

impl PickFirst {
    pub(super) fn new(values: &Values) -> Self {
        let shuffle = match values.text("shuffle") {
            "random" => Shuffle::Random,
            "weighted" => Shuffle::Weighted,
            _ => Shuffle::None,
        };
        Self { shuffle, list: Vec::new(), connected: None }
    }

    /// Keeps the connection there is, or makes one to the first that can be reached.
    fn connect(&mut self, pool: &Pool) {
        self.connected = self.connected.filter(|&backend| pool.is_eligible(backend));
        if self.connected.is_none() {
            self.connected = self.list.iter().copied().find(|&backend| pool.is_eligible(backend));
        }
    }
}

impl Balancer for PickFirst {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        let backends: Vec<BackendId> = pool.present().collect();
        self.list = match self.shuffle {
            Shuffle::None => backends,
            shuffle => {
                let weight = |backend| if shuffle == Shuffle::Weighted { pool.weight(backend) } else { 1.0 };
                let keys: Vec<f64> = backends.iter().map(|&backend| key(ctx.chance.unit(), weight(backend))).collect();
                order(&keys).into_iter().map(|place| backends[place]).collect()
            }
        };
        self.connect(pool);
    }

    fn changed(&mut self, _: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        match change {
            Change::Weight => {}
            Change::State(_) => self.connect(pool),
            Change::Joined | Change::Left => self.members(pool, ctx),
        }
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        self.connected.map_or_else(|| nobody(pool), Pick::Backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::State;
    use crate::balance::testing::Bench;

    fn bench(shuffle: Shuffle, weights: &[f64]) -> Bench {
        Bench::new(Box::new(PickFirst { shuffle, list: Vec::new(), connected: None }), weights)
    }

    #[test]
    fn it_stays_until_the_connection_is_lost() {
        let mut bench = bench(Shuffle::None, &[1.0; 3]);
        assert_eq!(bench.split(3, 10), [10, 0, 0]);
        bench.pool.set_state(BackendId(0), State::Down);
        bench.renew();
        assert_eq!(bench.split(3, 10), [0, 10, 0]);
        bench.pool.set_state(BackendId(0), State::Up);
        bench.renew();
        assert_eq!(bench.split(3, 10), [0, 10, 0]);
    }

    #[test]
    fn a_weighted_shuffle_puts_heavy_ones_first() {
        let mut firsts = [0; 2];
        for _ in 0..4_000 {
            let mut bench = bench(Shuffle::Weighted, &[3.0, 1.0]);
            // The bench's chance is the same each time: a drawn number of renewals makes it another.
            (0..firsts[0] % 7).for_each(|_| bench.renew());
            firsts[bench.pick() as usize] += 1;
        }
        assert!(firsts[0] > firsts[1], "{firsts:?}");
    }
}
