//! What one balancer instance can know of the backends.

use super::BackendId;
use std::sync::Arc;

/// What is told to every balancer about a backend and does not change with load.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// What hash balancers hash.
    pub address: String,
    /// What weighted balancers go by: finite and at least 0.
    pub weight: f64,
    /// How fast it works. Only oracles may look.
    pub speed: f64,
    /// How many it serves at once; `None` is unlimited. Only oracles may look.
    pub workers: Option<u32>,
}

/// The backends as one balancer instance sees them.
#[derive(Clone, Debug)]
pub struct Pool {
    members: Arc<[Member]>,
    /// Ascending.
    eligible: Vec<BackendId>,
    is_eligible: Vec<bool>,
    in_flight: Vec<u32>,
    /// For oracles: the instant from which a new request could be served; 0 where a worker is free now.
    ready_at: Vec<u64>,
}

impl Pool {
    /// A pool of these members, all eligible and idle.
    #[must_use]
    pub fn new(members: Arc<[Member]>) -> Self {
        let n = members.len();
        Self {
            members,
            eligible: (0..n as u32).map(BackendId).collect(),
            is_eligible: vec![true; n],
            in_flight: vec![0; n],
            ready_at: Vec::new(),
        }
    }

    /// The same, with what only oracles may see.
    #[must_use]
    pub fn truth(members: Arc<[Member]>) -> Self {
        let ready_at = vec![0; members.len()];
        Self { ready_at, ..Self::new(members) }
    }

    /// How many members there are, eligible or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members that may be picked, ascending.
    #[inline]
    #[must_use]
    pub fn eligible(&self) -> &[BackendId] {
        &self.eligible
    }

    /// The eligible member at a place of that list. Where all are eligible, which they mostly are, the list is not even looked at.
    #[inline]
    #[must_use]
    pub fn at(&self, place: usize) -> Option<BackendId> {
        if self.eligible.len() == self.in_flight.len() {
            return (place < self.in_flight.len()).then_some(BackendId(place as u32));
        }
        self.eligible.get(place).copied()
    }

    /// Whether a member may be picked.
    #[inline]
    #[must_use]
    pub fn is_eligible(&self, backend: BackendId) -> bool {
        self.is_eligible[backend.index()]
    }

    /// What does not change with load.
    #[inline]
    #[must_use]
    pub fn member(&self, backend: BackendId) -> &Member {
        &self.members[backend.index()]
    }

    /// Attempts in flight there, as far as this instance knows.
    #[inline]
    #[must_use]
    pub fn in_flight(&self, backend: BackendId) -> u32 {
        self.in_flight[backend.index()]
    }

    /// For oracles: the instant from which a new request could be served there; 0 where a worker is free now.
    #[inline]
    #[must_use]
    pub fn ready_at(&self, backend: BackendId) -> u64 {
        self.ready_at[backend.index()]
    }

    /// Counts an attempt sent.
    #[inline]
    pub fn sent(&mut self, backend: BackendId) {
        self.in_flight[backend.index()] += 1;
    }

    /// Counts an attempt ended.
    #[inline]
    pub fn ended(&mut self, backend: BackendId) {
        self.in_flight[backend.index()] -= 1;
    }

    /// Says when a new request could be served.
    #[inline]
    pub fn set_ready_at(&mut self, backend: BackendId, at: u64) {
        self.ready_at[backend.index()] = at;
    }

    /// Takes over the counts of another view of the same members.
    pub fn copy_counts(&mut self, from: &Self) {
        self.in_flight.copy_from_slice(&from.in_flight);
    }

    /// Makes a member eligible or not.
    pub fn set_eligible(&mut self, backend: BackendId, eligible: bool) {
        if std::mem::replace(&mut self.is_eligible[backend.index()], eligible) == eligible {
            return;
        }
        match self.eligible.binary_search(&backend) {
            Ok(at) => drop(self.eligible.remove(at)),
            Err(at) => self.eligible.insert(at, backend),
        }
    }
}
