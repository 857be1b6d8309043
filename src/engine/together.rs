//! Two observers of one cell: each is told everything, the first one first.

use super::observer::{Choice, Edge, Observer, Request, Seen, Spent};
use crate::fault::Change;
use crate::fleet::Account;
use crate::measure::record::Failure;

impl<A: Observer, B: Observer> Observer for (A, B) {
    const LOOKS: bool = A::LOOKS || B::LOOKS;
    const TIMES: bool = A::TIMES || B::TIMES;
    const PICKS: bool = A::PICKS || B::PICKS;

    #[inline]
    fn arrived(&mut self, request: &Request) {
        self.0.arrived(request);
        self.1.arrived(request);
    }

    #[inline]
    fn sent(&mut self, request: &Request, backend: u32) {
        self.0.sent(request, backend);
        self.1.sent(request, backend);
    }

    #[inline]
    fn answered(&mut self, request: &Request, backend: u32, latency: u64) {
        self.0.answered(request, backend, latency);
        self.1.answered(request, backend, latency);
    }

    #[inline]
    fn succeeded(&mut self, request: &Request, backend: u32, wait: u64, now: u64) {
        self.0.succeeded(request, backend, wait, now);
        self.1.succeeded(request, backend, wait, now);
    }

    fn retried(&mut self, request: &Request, backend: u32) {
        self.0.retried(request, backend);
        self.1.retried(request, backend);
    }

    fn hedged(&mut self, request: &Request, backend: u32) {
        self.0.hedged(request, backend);
        self.1.hedged(request, backend);
    }

    fn spent(&mut self, request: &Request, spent: Spent, time: u64) {
        self.0.spent(request, spent, time);
        self.1.spent(request, spent, time);
    }

    fn served(&mut self, request: &Request, service: u16, path: Option<&[u64]>, now: u64) {
        self.0.served(request, service, path, now);
        self.1.served(request, service, path, now);
    }

    fn fault(&mut self, change: &Change, now: u64) {
        self.0.fault(change, now);
        self.1.fault(change, now);
    }

    fn believed(&mut self, access: u16, instance: u32, backend: u32, usable: bool, now: u64) {
        self.0.believed(access, instance, backend, usable, now);
        self.1.believed(access, instance, backend, usable, now);
    }

    /// Only one of the two may look.
    #[inline]
    fn next_look(&self) -> u64 {
        const { assert!(!(A::LOOKS && B::LOOKS), "of two observers only one may look at backends") };
        if A::LOOKS { self.0.next_look() } else { self.1.next_look() }
    }

    fn look(&mut self, now: u64, backends: &mut dyn Iterator<Item = Seen>) {
        if A::LOOKS { self.0.look(now, backends) } else { self.1.look(now, backends) }
    }

    fn timed(&mut self, request: &Request, on_the_way: u64, before: u64) {
        self.0.timed(request, on_the_way, before);
        self.1.timed(request, on_the_way, before);
    }

    fn picked(&mut self, request: &Request, choice: &Choice<'_>) {
        self.0.picked(request, choice);
        self.1.picked(request, choice);
    }

    fn lost(&mut self, request: &Request, backend: u32, cause: Option<Failure>, now: u64) {
        self.0.lost(request, backend, cause, now);
        self.1.lost(request, backend, cause, now);
    }

    fn failed(&mut self, request: &Request, cause: Failure, now: u64) {
        self.0.failed(request, cause, now);
        self.1.failed(request, cause, now);
    }

    fn window(&mut self, edge: Edge, now: u64, in_system_area: u128, accounts: &[Account]) {
        self.0.window(edge, now, in_system_area, accounts);
        self.1.window(edge, now, in_system_area, accounts);
    }
}
