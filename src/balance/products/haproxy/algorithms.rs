//! HAProxy's algorithms in one shape: made of a farm, told of changes, asked for a server.

use super::farm::Farm;
use super::fwrr::RoundRobin;
use super::input::{Function, Input};
use super::leastconn::{Order, Ordered};
use super::map::Map;
use super::ring::{Passing, Ring};
use super::{Algorithm, Asked, Group};
use crate::balance::Pool;
use crate::random::Stream;

/// `roundrobin`: turns among the active servers and, apart, among the backups.
#[derive(Debug, Default)]
pub(super) struct Turns([RoundRobin; 2]);

impl Algorithm for Turns {
    fn waits_behind(&self) -> bool {
        true
    }

    fn rebuild(&mut self, farm: &Farm, _: &Pool) {
        Group::BOTH.into_iter().zip(&mut self.0).for_each(|(group, turns)| turns.rebuild(farm, group));
    }

    fn reweighed(&mut self, at: usize, farm: &Farm, _: &Pool) {
        let server = &farm.servers[at];
        self.0[usize::from(server.is_backup)].reweigh(at, server.eweight);
    }

    fn pick(&mut self, asked: &Asked<'_>, _: &mut Stream) -> Option<usize> {
        let alone = asked.farm.backup_alone();
        alone.or_else(|| self.0[usize::from(asked.farm.on_backups)].pick(asked.farm, asked.pool, asked.avoid))
    }
}

/// `leastconn` and `first`.
#[derive(Debug)]
pub(super) struct InOrder([Ordered; 2], Order);

impl InOrder {
    pub(super) fn new(order: Order) -> Self {
        Self([Ordered::new(order), Ordered::new(order)], order)
    }
}

impl Algorithm for InOrder {
    fn waits_behind(&self) -> bool {
        self.1 == Order::First
    }

    fn rebuild(&mut self, farm: &Farm, pool: &Pool) {
        Group::BOTH.into_iter().zip(&mut self.0).for_each(|(group, ordered)| ordered.rebuild(farm, pool, group));
    }

    fn reweighed(&mut self, at: usize, farm: &Farm, pool: &Pool) {
        let is_backup = farm.servers[at].is_backup;
        self.0[usize::from(is_backup)].join_the_end(at);
        self.counted(at, farm, pool);
    }

    fn counted(&mut self, at: usize, farm: &Farm, pool: &Pool) {
        let is_backup = farm.servers[at].is_backup;
        self.0[usize::from(is_backup)].update(at, farm, pool, Group::BOTH[usize::from(is_backup)]);
    }

    fn pick(&mut self, asked: &Asked<'_>, _: &mut Stream) -> Option<usize> {
        asked.farm.backup_alone().or_else(|| self.0[usize::from(asked.farm.on_backups)].pick(asked.farm, asked.avoid))
    }
}

/// `static-rr`.
#[derive(Debug, Default)]
pub(super) struct StaticTurns(Map);

impl Algorithm for StaticTurns {
    fn waits_behind(&self) -> bool {
        true
    }

    fn is_map(&self) -> bool {
        true
    }

    fn rebuild(&mut self, farm: &Farm, _: &Pool) {
        self.0.rebuild(farm);
    }

    fn pick(&mut self, asked: &Asked<'_>, _: &mut Stream) -> Option<usize> {
        self.0.turn(asked.farm, asked.pool, asked.avoid)
    }
}

/// `source`, `uri`, `url_param`, `hdr` and `hash`.
#[derive(Debug)]
pub(super) struct Hashed {
    pub(super) input: Input,
    pub(super) function: Function,
    pub(super) lookup: Lookup,
    /// `hash-balance-factor`; 0: none.
    pub(super) factor: u64,
}

/// Where a hash is looked up.
#[derive(Debug)]
pub(super) enum Lookup {
    Map(Map),
    Ring(Ring),
}

impl Algorithm for Hashed {
    fn is_hash(&self) -> bool {
        true
    }

    fn is_map(&self) -> bool {
        matches!(self.lookup, Lookup::Map(_))
    }

    fn rebuild(&mut self, farm: &Farm, _: &Pool) {
        match &mut self.lookup {
            Lookup::Map(map) => map.rebuild(farm),
            Lookup::Ring(ring) => ring.rebuild(farm),
        }
    }

    fn pick(&mut self, asked: &Asked<'_>, _: &mut Stream) -> Option<usize> {
        let Asked { farm, pool, avoid, served, .. } = *asked;
        let hash = self.input.hash(asked.request, self.function);
        match (&mut self.lookup, hash) {
            (Lookup::Map(map), Some(hash)) => map.find(hash),
            (Lookup::Map(map), None) => map.turn(farm, pool, avoid),
            (Lookup::Ring(_), _) if farm.backup_alone().is_some() => farm.backup_alone(),
            (Lookup::Ring(ring), Some(hash)) => ring.find(hash, Passing { avoid, factor: self.factor, served }, farm, pool),
            (Lookup::Ring(ring), None) => ring.turn(farm, pool, avoid),
        }
    }
}

/// `random(draws)`.
#[derive(Debug)]
pub(super) struct Draws {
    pub(super) ring: Ring,
    pub(super) draws: u64,
    pub(super) factor: u64,
}

impl Algorithm for Draws {
    fn rebuild(&mut self, farm: &Farm, _: &Pool) {
        self.ring.rebuild(farm);
    }

    fn pick(&mut self, asked: &Asked<'_>, chance: &mut Stream) -> Option<usize> {
        let Asked { farm, pool, avoid, served, .. } = *asked;
        let passing = Passing { avoid, factor: self.factor, served };
        let load = |at: usize| u64::from(pool.in_flight(farm.servers[at].backend));
        let weight = |at: usize| u64::from(farm.servers[at].eweight);
        let mut kept = None;
        for _ in 0..self.draws {
            let drawn = farm.backup_alone().or_else(|| self.ring.find((chance.bits() >> 32) as u32, passing, farm, pool))?;
            kept = match kept {
                Some(kept) if kept != drawn && load(drawn) * weight(kept) > load(kept) * weight(drawn) => Some(kept),
                _ => Some(drawn),
            };
        }
        kept.filter(|&at| !farm.is_saturated(at, pool))
    }
}
