//! Caddy's upstreams: who is available, and the passive health checks that say so.
//!
//! An upstream is available while it is up, has fewer than `max_requests` (a member's `max_in_flight`), and fewer than `max_fails` failures
//! within `fail_duration` (a member's `fail_timeout`, without which failures are not counted, as in Caddy). Each failure is forgotten by itself.

use crate::balance::{BackendId, Pool};
use crate::time::{SimTime, Span};
use std::collections::VecDeque;

/// The upstreams in the order of the configuration.
#[derive(Debug, Default)]
pub struct Upstreams {
    /// Who is a member.
    pub backends: Vec<BackendId>,
    /// When each failure of each backend is forgotten.
    failures: Vec<VecDeque<SimTime>>,
    /// Whether anybody counts failures.
    counts_failures: bool,
}

impl Upstreams {
    /// Upstreams without a past.
    pub fn rebuild(&mut self, pool: &Pool) {
        self.backends = pool.present().collect();
        self.failures = vec![VecDeque::new(); pool.len()];
        self.counts_failures = self.backends.iter().any(|&backend| fail_duration(pool, backend).is_some());
    }

    /// Forgets failures whose time is over.
    pub fn forget(&mut self, now: SimTime) {
        if self.counts_failures {
            for failures in &mut self.failures {
                while failures.front().is_some_and(|&until| until <= now) {
                    failures.pop_front();
                }
            }
        }
    }

    /// Whether a request may go there.
    #[must_use]
    pub fn is_available(&self, backend: BackendId, pool: &Pool) -> bool {
        let member = pool.member(backend);
        let failures = if self.counts_failures { self.failures[backend.index()].len() } else { 0 };
        let is_full = member.max_in_flight.is_some_and(|most| pool.in_flight(backend) >= most);
        pool.is_eligible(backend) && !is_full && (failures == 0 || failures < member.max_fails.unwrap_or(1) as usize)
    }

    /// The available ones, in order.
    pub fn available<'a>(&'a self, pool: &'a Pool) -> impl Iterator<Item = BackendId> + 'a {
        self.backends.iter().copied().filter(move |&backend| self.is_available(backend, pool))
    }

    /// A request has failed there.
    pub fn failed(&mut self, backend: BackendId, pool: &Pool, now: SimTime) {
        if let Some(duration) = fail_duration(pool, backend) {
            self.failures[backend.index()].push_back(SimTime(now.0.saturating_add(duration.0)));
        }
    }
}

fn fail_duration(pool: &Pool, backend: BackendId) -> Option<Span> {
    pool.member(backend).fail_timeout.filter(|&duration| duration > Span::ZERO)
}
