//! The balancer over the rules of [`super::ring_hash`].

use super::ring_hash::{ring, sizes};
use crate::balance::hash::xxh64;
use crate::balance::ring_hash::Ring;
use crate::balance::{BackendId, Balancer, Change, Ctx, Digits, Pick, Pool, Request, State};
use crate::catalogue::Values;

/// The ring of all backends, whatever their state.
#[derive(Debug)]
pub(super) struct Ringed {
    least: u64,
    most: u64,
    ring: Ring,
}

impl Ringed {
    pub(super) fn new(values: &Values) -> Self {
        let size = |name| Some(values.whole(name));
        let (least, most) = sizes(size("min_ring_size"), size("max_ring_size"), values.whole("ring_size_cap"));
        Self { least, most: most.max(least), ring: Ring::default() }
    }
}

impl Balancer for Ringed {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        let key = |backend| pool.member(backend).label("hash_key").unwrap_or(&pool.member(backend).address);
        let backends: Vec<_> = pool.present().map(|backend| (backend, key(backend), pool.weight(backend))).collect();
        self.ring = ring(&backends, self.least, self.most).ring;
    }

    fn changed(&mut self, _: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if !matches!(change, Change::State(_)) {
            self.members(pool, ctx);
        }
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let mut room = Digits::default();
        let key = request.key(&mut room);
        let hash = key.map_or_else(|| ctx.chance.bits(), |key| xxh64(key, 0));
        let Some(place) = self.ring.place(hash) else { return Pick::None };
        let mut is_connecting = false;
        for steps in 0..self.ring.points().len() {
            let Some(backend) = self.ring.after(place, steps) else { break };
            match pool.state(backend) {
                state if state.is_eligible() => return Pick::Backend(backend),
                // With a key the one that is being connected to decides; without, the first connected one does.
                State::Connecting if key.is_some() => return Pick::Wait,
                State::Connecting => is_connecting = true,
                _ => {}
            }
        }
        if is_connecting { Pick::Wait } else { Pick::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;

    #[test]
    fn who_fails_is_walked_past_and_only_its_keys_move() {
        let mut bench = Bench::new(Box::new(Ringed { least: 1024, most: 4096, ring: Ring::default() }), &[1.0; 4]);
        let before: Vec<_> = (0..2_000).map(|key| bench.pick_key(key)).collect();
        bench.pool.set_state(BackendId(1), State::Down);
        for (key, was) in (0..).zip(before) {
            let now = bench.pick_key(key);
            assert!(now != Pick::Backend(BackendId(1)) && (now == was || was == Pick::Backend(BackendId(1))));
        }
        bench.pool.set_state(BackendId(1), State::Connecting);
        assert!((0..2_000).any(|key| bench.pick_key(key) == Pick::Wait));
        (0..4).for_each(|id| bench.pool.set_state(BackendId(id), State::Down));
        assert_eq!(bench.pick_key(1), Pick::None);
    }
}
