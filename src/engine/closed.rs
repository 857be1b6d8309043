//! The clients of closed sources: each waits for its answer and thinks before the next request.

use crate::dist::Sampler;
use crate::plan::Plan;
use crate::random::{Numbered, Purpose, derive};
use crate::traffic::{SourcePlan, Timing};

/// The clients of a closed source.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) think: Sampler,
    pub(super) stream: Numbered,
    /// Requests made by each client.
    pub(super) made: Vec<u32>,
}

impl Closed {
    pub(super) fn new(plan: &Plan, source: &SourcePlan, replication: u64, index: u64) -> Option<Self> {
        let Timing::Closed { clients, think } = &source.timing else { return None };
        let stream = Numbered::new(derive(plan.seed, replication, Purpose::Think, index));
        Some(Self { think: Sampler::new(think), stream, made: vec![0; *clients as usize] })
    }

    /// The number of a client's next request, over all clients.
    pub(super) fn number(&self, client: u32) -> u64 {
        u64::from(client) << 32 | u64::from(self.made[client as usize])
    }
}
