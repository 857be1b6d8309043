//! HAProxy's servers as its algorithms see them: weights, who is usable, active servers and backups, who is full.
//!
//! Active servers are used while one is usable; then the first usable backup alone, or all of them with `all_backups`. A dynamic algorithm counts
//! weight in sixteenths (`eweight = 16 · weight`), so that slow start has steps; a map divides weights by their greatest common divisor.

use super::slowstart::SlowStart;
use crate::balance::products::gcd;
use crate::balance::products::whole;
use crate::balance::{BackendId, Pool, State};
use crate::time::SimTime;

/// Effective weight of a unit of weight in dynamic algorithms.
pub const SCALE: u32 = 16;

/// The greatest weight that HAProxy takes.
pub const MAX_WEIGHT: u32 = 256;

/// One backend as HAProxy keeps it.
#[derive(Clone, Debug)]
pub struct Server {
    /// Which.
    pub backend: BackendId,
    /// Its `id`, or the smallest that was free in the order of the file.
    pub puid: u32,
    /// Its weight as set.
    pub weight: u32,
    /// What it weighs now; 0 where it is not usable.
    pub eweight: u32,
    /// Whether it is used only without active servers.
    pub is_backup: bool,
    /// `maxconn` now; 0: no limit.
    pub max_conn: u32,
    /// Requests in its own queue.
    pub waiting: u32,
    /// Since when it starts slowly, where it does.
    pub starting: Option<SimTime>,
}

/// All servers of a proxy, in the order of the file.
#[derive(Debug, Default)]
pub struct Farm {
    /// Those that are members.
    pub servers: Vec<Server>,
    /// The usable ones of the group in use, in order: the active ones, or backups.
    pub used: Vec<usize>,
    /// Whether that group is of backups, where there are no active servers.
    pub on_backups: bool,
    /// The sum of what they weigh.
    pub total: u64,
    /// Of each of `used`, the weight of those before it.
    pub before: Vec<u64>,
    /// Whether all backups are used at once.
    pub all_backups: bool,
    /// What a unit of weight counts, before the division.
    pub scale: u32,
    /// What weights are divided by.
    pub divisor: u32,
    /// How long servers that come up start slowly.
    pub slow: SlowStart,
    /// The place of every backend in `servers`.
    places: Vec<Option<usize>>,
}

impl Farm {
    /// A farm without servers. Maps count whole weights and divide them by what they have in common; all else counts sixteenths.
    #[must_use]
    pub fn new(all_backups: bool, is_map: bool, slow: SlowStart) -> Self {
        Self { all_backups, scale: if is_map { 1 } else { SCALE }, divisor: 1, slow, ..Self::default() }
    }

    /// Servers without a past.
    pub fn rebuild(&mut self, pool: &Pool) {
        self.servers.clear();
        self.places = vec![None; pool.len()];
        let ids: Vec<u32> = pool.present().filter_map(|backend| pool.member(backend).id).collect();
        let mut free = (1..).filter(|id| !ids.contains(id));
        for backend in pool.present() {
            let member = pool.member(backend);
            self.places[backend.index()] = Some(self.servers.len());
            self.servers.push(Server {
                backend,
                puid: member.id.or_else(|| free.next()).unwrap_or(0),
                weight: whole(pool.weight(backend)).min(MAX_WEIGHT),
                eweight: 0,
                is_backup: member.backup,
                max_conn: member.max_in_flight.unwrap_or(0),
                waiting: 0,
                starting: None,
            });
        }
        if self.scale == 1 {
            self.divisor = self.servers.iter().map(|server| server.weight).fold(0, gcd).max(1);
        }
        for at in 0..self.servers.len() {
            self.weigh(at, pool, SimTime::ZERO);
        }
        self.regroup();
    }

    /// The place of a backend that is a member.
    #[must_use]
    pub fn place(&self, backend: BackendId) -> Option<usize> {
        self.places.get(backend.index()).copied().flatten()
    }

    /// Looks at a server's weight and state again: what it weighed before, where that is not what it weighs now.
    pub fn weigh(&mut self, at: usize, pool: &Pool, now: SimTime) -> Option<u32> {
        let server = &mut self.servers[at];
        let member = pool.member(server.backend);
        let weight = if is_usable(pool.state(server.backend)) { server.weight } else { 0 };
        let full = (weight * self.scale).div_ceil(self.divisor);
        let (eweight, max_conn) = match server.starting {
            None => (full, member.max_in_flight.unwrap_or(0)),
            Some(since) => {
                (self.slow.eweight(weight, since, now), member.max_in_flight.map_or(0, |most| self.slow.max_conn(most, since, now)))
            }
        };
        server.max_conn = max_conn;
        let before = std::mem::replace(&mut server.eweight, eweight);
        (before != eweight).then_some(before)
    }

    /// Finds the group in use again.
    pub fn regroup(&mut self) {
        let usable = |servers: &[Server], is_backup| {
            let usable = servers.iter().enumerate().filter(|(_, server)| server.eweight > 0 && server.is_backup == is_backup);
            usable.map(|(at, _)| at).collect::<Vec<_>>()
        };
        self.used = usable(&self.servers, false);
        self.on_backups = self.used.is_empty();
        if self.on_backups {
            self.used = usable(&self.servers, true);
            self.used.truncate(if self.all_backups { usize::MAX } else { 1 });
        }
        self.total = 0;
        self.before.clear();
        for &at in &self.used {
            self.before.push(self.total);
            self.total += u64::from(self.servers[at].eweight);
        }
    }

    /// The one backup that serves where there are no active servers and not all backups do: it is not asked whether it is full.
    #[must_use]
    pub fn backup_alone(&self) -> Option<usize> {
        if self.on_backups && !self.all_backups { self.used.first().copied() } else { None }
    }

    /// Whether a server of the group in use could not take a request at once.
    #[must_use]
    pub fn is_saturated(&self, at: usize, pool: &Pool) -> bool {
        let server = &self.servers[at];
        server.max_conn > 0 && (server.waiting > 0 || pool.in_flight(server.backend) >= server.max_conn)
    }

    /// Whether a server has a slot for a request that waits.
    #[must_use]
    pub fn has_slot(&self, at: usize, pool: &Pool) -> bool {
        let server = &self.servers[at];
        server.eweight > 0 && (server.max_conn == 0 || pool.in_flight(server.backend) < server.max_conn)
    }

    /// Whether a server takes from the proxy's queue: backups do only while they are in use.
    #[must_use]
    pub fn serves_all(&self, at: usize) -> bool {
        let server = &self.servers[at];
        server.eweight > 0 && (!server.is_backup || self.used.contains(&at))
    }
}

/// Whether HAProxy gives a server in this state new requests.
#[must_use]
pub const fn is_usable(state: State) -> bool {
    state.is_eligible()
}
