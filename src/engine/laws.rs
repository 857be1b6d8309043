//! The end of a cell: its books are closed, and what must hold in every run is checked, in release builds too.

use super::books::Books;
use super::{Cell, Close, Ending, Observer};
use crate::time::SimTime;

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// Closes the books.
    pub(super) fn finish(mut self, close: Close) -> (O, Ending) {
        self.end_arrivals();
        self.books.settle(self.now);
        if close == Close::Full {
            self.overload.stopped(self.now, &mut self.fleet);
        }
        // Requests that no answer comes for, and whose callers wait for ever, are still there.
        let is_cut = close == Close::Full || EVENTFUL && self.books.in_system > 0;
        // Work that nobody waits for any more may stand at a backend that is paused for good, or wait for a call that is lost.
        let may_be_left = EVENTFUL && self.journeys.in_use() > 0 && self.plan.services.iter().any(|service| service.caller.abandons_work);
        self.check_laws(is_cut || may_be_left);
        let ending = Ending {
            end: SimTime(if is_cut { self.now } else { self.books.last_end }),
            overloaded_at: self.overload.since.map(SimTime),
            unfinished: self.books.measured_in_system,
            events: self.books.events,
            arrived: self.books.arrived,
        };
        (self.observer, ending)
    }

    /// What must hold in every run, whatever was simulated.
    fn check_laws(&mut self, stopped: bool) {
        let Books { arrived, ended, in_system, area, sojourn, .. } = self.books;
        assert_eq!(arrived, ended + in_system, "conservation: every request that arrived has ended once or is in the system");
        if stopped {
            return;
        }
        assert_eq!(in_system, 0, "conservation: a run ends empty");
        assert_eq!(self.journeys.in_use(), 0, "conservation: every attempt has ended");
        assert_eq!(area, sojourn, "Little's law: the integral of the number in the system is the sum of the sojourns");
        let (mut work, mut slack) = (0_u64, 0_u64);
        for account in self.fleet.accounts(self.now) {
            work = work.wrapping_add(account.work);
            slack = slack.saturating_add(account.slack);
            assert_eq!(account.in_flight, 0, "conservation: nothing is in flight at the end");
            assert_eq!(account.flight_area as u64, account.sojourn, "Little's law at a backend");
            let apart = account.work.wrapping_sub(account.busy_area as u64) as i64;
            assert!(apart.unsigned_abs() <= account.slack, "work conservation: {account:?}");
        }
        if EVENTFUL {
            let apart = (self.events.spent as u64).wrapping_sub(work) as i64;
            assert!(apart.unsigned_abs() <= slack, "conservation: all worker-time was of use, wasted or lost: {apart} ns apart");
        }
    }
}
