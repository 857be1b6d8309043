//! The books of a cell: what came in, what went out, and what was there in between.

use super::Request;

/// What must add up in the end.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) arrived: u64,
    pub(super) ended: u64,
    pub(super) in_system: u64,
    pub(super) measured_in_system: u64,
    /// ∫ requests in the system, up to `settled`.
    pub(super) area: u128,
    settled: u64,
    /// Time in the system of all requests that ended.
    pub(super) sojourn: u128,
    pub(super) last_end: u64,
    pub(super) events: u64,
}

impl Books {
    #[inline]
    pub(super) fn settle(&mut self, now: u64) {
        self.area += u128::from(now - self.settled) * u128::from(self.in_system);
        self.settled = now;
    }

    #[inline]
    pub(super) fn arrived(&mut self, now: u64, measured: bool) {
        self.settle(now);
        self.arrived += 1;
        self.in_system += 1;
        self.measured_in_system += u64::from(measured);
        self.events += 1;
    }

    #[inline]
    pub(super) fn ended(&mut self, request: &Request, now: u64) {
        self.settle(now);
        self.ended += 1;
        self.in_system -= 1;
        self.measured_in_system -= u64::from(request.measured);
        self.sojourn += u128::from(now - request.arrival);
        self.last_end = now;
        self.events += 1;
    }
}
