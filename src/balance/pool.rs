//! What one balancer instance can know of the backends.

use super::{BackendId, Member, State};
use std::sync::Arc;

/// The backends as one balancer instance sees them.
#[derive(Clone, Debug)]
pub struct Pool {
    members: Arc<[Member]>,
    /// Ascending.
    eligible: Vec<BackendId>,
    states: Vec<State>,
    weights: Vec<f64>,
    in_flight: Vec<u32>,
    /// For oracles: the instant from which a new request could be served; 0 where a worker is free now.
    ready_at: Vec<u64>,
}

impl Pool {
    /// A pool of these members, all idle.
    #[must_use]
    pub fn new(members: Arc<[Member]>) -> Self {
        let n = members.len();
        let eligible = members.iter().zip(0..).filter(|(member, _)| member.state.is_eligible());
        Self {
            eligible: eligible.map(|(_, id)| BackendId(id)).collect(),
            states: members.iter().map(|member| member.state).collect(),
            weights: members.iter().map(|member| member.weight).collect(),
            members,
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

    /// How many backends have ever been members: ids are below this.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there has never been a member.
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
        self.states[backend.index()].is_eligible()
    }

    /// The members, whatever their state, ascending: who has left is not among them.
    pub fn present(&self) -> impl Iterator<Item = BackendId> + '_ {
        let states = self.states.iter().zip(0..);
        states.filter(|(state, _)| **state != State::Absent).map(|(_, id)| BackendId(id))
    }

    /// What this instance believes of a backend.
    #[inline]
    #[must_use]
    pub fn state(&self, backend: BackendId) -> State {
        self.states[backend.index()]
    }

    /// Its weight now.
    #[inline]
    #[must_use]
    pub fn weight(&self, backend: BackendId) -> f64 {
        self.weights[backend.index()]
    }

    /// What does not change.
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

    /// Sets a count.
    pub fn set_in_flight(&mut self, backend: BackendId, in_flight: u32) {
        self.in_flight[backend.index()] = in_flight;
    }

    /// Sets a weight: finite and at least 0.
    pub fn set_weight(&mut self, backend: BackendId, weight: f64) {
        self.weights[backend.index()] = weight;
    }

    /// Sets what is believed of a backend.
    pub fn set_state(&mut self, backend: BackendId, state: State) {
        let before = std::mem::replace(&mut self.states[backend.index()], state);
        if before.is_eligible() == state.is_eligible() {
            return;
        }
        match self.eligible.binary_search(&backend) {
            Ok(at) => drop(self.eligible.remove(at)),
            Err(at) => self.eligible.insert(at, backend),
        }
    }

    /// A new member, under the next id.
    pub fn join(&mut self, member: Member) -> BackendId {
        let backend = BackendId(self.members.len() as u32);
        self.weights.push(member.weight);
        self.states.push(State::Absent);
        self.in_flight.push(0);
        if !self.ready_at.is_empty() || self.members.is_empty() {
            self.ready_at.push(0);
        }
        let state = member.state;
        self.members = self.members.iter().cloned().chain([member]).collect();
        self.set_state(backend, state);
        backend
    }
}
