//! nginx's peers: who may be picked, and what attempts do to them.
//!
//! **Failures.** `max_fails` failures within `fail_timeout` put a peer aside for as long. Time is in whole seconds and compared with `<=`, so a
//! timeout of 2 s lasts 2 to 3 s. When it is over the first pick stamps the peer again: one request probes it while the others still go
//! elsewhere. A success forgives only if the peer was stamped after its last failure. A failure also lowers the peer's *effective* weight, which
//! climbs back by one in every pick that it takes part in.

use crate::balance::products::whole;
use crate::balance::{BackendId, Member, Pool};
use crate::time::SimTime;

/// Seconds on nginx's clock at the start of a simulation: far from the 0 with which a peer's stamps begin, as on any real machine, so that the
/// first pick stamps.
const START: i64 = 1 << 32;

/// The instant as nginx knows it: whole seconds.
#[must_use]
pub fn seconds(now: SimTime) -> i64 {
    START + (now.0 / 1_000_000_000) as i64
}

/// One backend as nginx keeps it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Whose books these are.
    pub backend: BackendId,
    /// As configured.
    pub weight: i64,
    /// What it is after failures.
    pub effective_weight: i64,
    /// Its credit in the smooth round robin.
    pub current_weight: i64,
    /// Failures that were not forgiven.
    pub fails: u32,
    /// The second of the last failure.
    pub accessed: i64,
    /// The second of the last stamp.
    pub checked: i64,
    /// Failures until it is left alone; 0: never.
    pub max_fails: u32,
    /// For so many seconds.
    pub fail_timeout: i64,
    /// The most in flight; 0: no limit.
    pub max_conns: u32,
}

impl Peer {
    /// A backend of this weight without a past. Defaults: `max_fails=1`, `fail_timeout=10s`.
    #[must_use]
    pub fn new(backend: BackendId, weight: u32, member: &Member) -> Self {
        Self {
            backend,
            weight: i64::from(weight),
            effective_weight: i64::from(weight),
            current_weight: 0,
            fails: 0,
            accessed: 0,
            checked: 0,
            max_fails: member.max_fails.unwrap_or(1),
            fail_timeout: member.fail_timeout.map_or(10, |timeout| timeout.0.div_ceil(1_000_000_000) as i64),
            max_conns: member.max_in_flight.unwrap_or(0),
        }
    }

    /// Whether it is left alone for its failures.
    #[must_use]
    pub fn is_blocked(&self, now: i64) -> bool {
        self.max_fails != 0 && self.fails >= self.max_fails && now - self.checked <= self.fail_timeout
    }

    /// Whether it has all that it may have.
    #[must_use]
    pub fn is_full(&self, conns: u32) -> bool {
        self.max_conns != 0 && conns >= self.max_conns
    }

    /// It was picked.
    pub fn taken(&mut self, now: i64) {
        if now - self.checked > self.fail_timeout {
            self.checked = now;
        }
    }

    /// An attempt there has failed.
    pub fn failed(&mut self, now: i64) {
        self.fails += 1;
        (self.accessed, self.checked) = (now, now);
        if self.max_fails != 0 {
            self.effective_weight = (self.effective_weight - self.weight / i64::from(self.max_fails)).max(0);
        }
    }

    /// An attempt there was answered.
    pub fn succeeded(&mut self) {
        if self.accessed < self.checked {
            self.fails = 0;
        }
    }

    /// Takes part in a weighted pick: gains credit, and some of its weight back. Says how much credit.
    pub fn compete(&mut self) -> i64 {
        let gained = self.effective_weight;
        self.current_weight += gained;
        if self.effective_weight < self.weight {
            self.effective_weight += 1;
        }
        gained
    }
}

/// What is remembered of a request between its attempts.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Where it has failed; begun anew with the backups.
    pub tried: Vec<BackendId>,
    /// Whether it has moved to the backups, for good.
    pub on_backups: bool,
    /// Misses of hashing or drawing, over all attempts; after more than 20 it goes by round robin.
    pub tries: u32,
    /// How far hashing has come.
    pub hash: u64,
    /// How often the key was hashed.
    pub rehash: u32,
    /// When the first attempt began, where one has failed.
    pub began: Option<SimTime>,
}

impl Memory {
    /// Whether one more miss is too many.
    pub fn misses(&mut self) -> bool {
        self.tries += 1;
        self.tries > 20
    }

    /// Whether there is anything that the next attempt must know and could not find out.
    #[must_use]
    pub fn is_worth_keeping(&self) -> bool {
        self.tries > 0 || self.on_backups || !self.tried.is_empty()
    }
}

/// The instant of a pick, as nginx sees it, and the counts.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Who is up and how many requests each has.
    pub pool: &'a Pool,
    /// Whole seconds.
    pub now: i64,
}

impl Look<'_> {
    /// Whether a peer may have the request.
    #[must_use]
    pub fn may_have(&self, peer: &Peer, tried: &[BackendId]) -> bool {
        !tried.contains(&peer.backend) && self.pool.is_eligible(peer.backend) && !peer.is_blocked(self.now) && !self.is_full(peer)
    }

    fn is_full(&self, peer: &Peer) -> bool {
        peer.is_full(self.pool.in_flight(peer.backend))
    }
}

/// Chooses a place of a set, among those that may be picked.
pub type Choice = fn(&mut [Peer], &dyn Fn(&Peer) -> bool, Look<'_>) -> Option<usize>;

/// All peers of an upstream block.
#[derive(Debug, Default)]
pub struct Peers {
    /// In the order of the file.
    pub primary: Vec<Peer>,
    /// Used where no primary may be.
    pub backup: Vec<Peer>,
    /// Where the weights of the primary peers end, added up in order. Who is down counts.
    ends: Vec<u64>,
    /// Of every backend: whether it is a backup, and its place.
    places: Vec<Option<(bool, usize)>>,
}

impl Peers {
    /// Peers without a past. One of weight 0, which nginx does not know, is no peer.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        let mut peers = Self { places: vec![None; pool.len()], ..Self::default() };
        for backend in pool.present() {
            let (member, weight) = (pool.member(backend), whole(pool.weight(backend)));
            if weight > 0 {
                let set = if member.backup { &mut peers.backup } else { &mut peers.primary };
                peers.places[backend.index()] = Some((member.backup, set.len()));
                set.push(Peer::new(backend, weight, member));
            }
        }
        let add = |sum: &mut u64, peer: &Peer| {
            *sum += peer.weight as u64;
            Some(*sum)
        };
        peers.ends = peers.primary.iter().scan(0, add).collect();
        peers
    }

    /// Whether there is but one: then failures do not count and there is no second attempt.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.primary.len() == 1 && self.backup.is_empty()
    }

    /// The sum of the primary peers' weights.
    #[must_use]
    pub fn total_weight(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The place of the primary peer in whose share of the total weight a number lies.
    #[must_use]
    pub fn in_share(&self, number: u64) -> usize {
        self.ends.partition_point(|&end| end <= number)
    }

    /// The books of a backend.
    pub fn peer(&mut self, backend: BackendId) -> Option<&mut Peer> {
        let (is_backup, place) = (*self.places.get(backend.index())?)?;
        let set = if is_backup { &mut self.backup } else { &mut self.primary };
        set.get_mut(place)
    }

    /// Picks by a rule among the primary peers, or among the backups where that finds nobody, and stamps.
    pub fn choose(&mut self, memory: &mut Memory, look: Look<'_>, rule: Choice) -> Option<BackendId> {
        if self.is_single() {
            let peer = &self.primary[0];
            return (look.pool.is_eligible(peer.backend) && !look.is_full(peer)).then_some(peer.backend);
        }
        loop {
            let set = if memory.on_backups { &mut self.backup } else { &mut self.primary };
            if let Some(place) = rule(set, &|peer| look.may_have(peer, &memory.tried), look) {
                set[place].taken(look.now);
                return Some(set[place].backend);
            }
            if memory.on_backups || self.backup.is_empty() {
                return None;
            }
            memory.on_backups = true;
            memory.tried.clear();
        }
    }

    /// Picks by the smooth weighted round robin: what every other rule falls back on.
    pub fn round_robin(&mut self, memory: &mut Memory, look: Look<'_>) -> Option<BackendId> {
        self.choose(memory, look, |set, usable, _| smooth(set, 0..set.len(), usable))
    }
}

/// The smooth weighted round robin among those of these places that may be picked: everybody gains what it weighs, the richest is taken, the
/// first on a tie, and pays what all have gained. Who may not be picked keeps its credit.
#[must_use]
pub fn smooth(set: &mut [Peer], places: impl Iterator<Item = usize>, usable: impl Fn(&Peer) -> bool) -> Option<usize> {
    let (mut best, mut richest, mut total) = (None, 0, 0);
    for place in places {
        let peer = &mut set[place];
        if usable(peer) {
            total += peer.compete();
            if best.is_none() || peer.current_weight > richest {
                (best, richest) = (Some(place), peer.current_weight);
            }
        }
    }
    set[best?].current_weight -= total;
    best
}
