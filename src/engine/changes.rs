//! Changes of state: a view is renewed, a fault begins or ends, the warm-up is over, arrivals end.

use super::{Cell, Edge, NEVER, Observer};
use crate::fleet::Account;

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    pub(super) fn find_next_change(&mut self) {
        let end = if self.any_closed && self.ends.arriving { self.ends.at } else { NEVER };
        self.change = self.next_refresh().min(self.window.opens_at).min(self.overload.middle_at).min(end);
        if EVENTFUL {
            self.change = self.change.min(self.events.conditions.next_at());
        }
    }

    /// When a stale view is renewed next.
    fn next_refresh(&self) -> u64 {
        let others = self.events.accesses.iter().filter_map(|access| access.tier.as_ref()).map(|tier| tier.next_refresh);
        others.min().unwrap_or(NEVER).min(self.tier.next_refresh)
    }

    fn renew_views(&mut self, now: u64, next: u64) {
        let others = self.events.accesses.iter_mut().filter_map(|access| access.tier.as_mut());
        others.chain([&mut self.tier]).filter(|tier| tier.next_refresh == now).for_each(|tier| tier.renew_view(now, next));
    }

    #[cold]
    #[inline(never)]
    pub(super) fn change_state(&mut self, next: u64) {
        let at = self.change;
        self.now = at;
        self.renew_views(at, next);
        if EVENTFUL {
            self.apply_faults();
        }
        if self.window.opens_at == at {
            self.open_window();
        }
        if self.overload.middle_at == at {
            self.overload.take_middle(at, &mut self.fleet);
        }
        if self.any_closed && self.ends.arriving && self.ends.at == at {
            self.end_arrivals();
        }
        self.find_next_change();
    }

    #[cold]
    pub(super) fn open_window(&mut self) {
        self.window.opens_at = NEVER;
        self.window.open = true;
        self.books.settle(self.now);
        self.fleet.forget_maxima();
        self.show_window(Edge::Opens);
    }

    /// No request arrives after this one.
    #[cold]
    pub(super) fn end_arrivals(&mut self) {
        if !std::mem::replace(&mut self.ends.arriving, false) {
            return;
        }
        if !self.window.open {
            self.open_window();
        }
        self.books.settle(self.now);
        if EVENTFUL {
            self.events.conditions.stop_beginning();
            self.events.closed_at = self.now;
        }
        self.show_window(Edge::Closes);
        self.overload.judge(self.now, &mut self.fleet, self.plan);
        self.find_next_change();
    }

    /// Shows the books as they stand at an end of the window.
    fn show_window(&mut self, edge: Edge) {
        let accounts: Vec<Account> = self.fleet.accounts(self.now).collect();
        self.observer.window(edge, self.now, self.books.area, &accounts);
    }
}
