//! Things that will happen at a stated instant and are neither arrivals nor completions: a heap in order of (time, rank, sequence).
//!
//! Completions, arrivals and periodic changes have places of their own (the fleet's tree, the traffic's cursor, the change cursor), so this heap
//! is empty in a plain scenario and then costs one comparison an event.

use super::alarms::Alarms;
use crate::measure::record::Failure;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What comes first among things at the same instant. Changes of state come before all, completions at backends next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Rank {
    /// An answer reaches somebody.
    Answer = 1,
    /// Somebody's time is up.
    Timeout = 2,
    /// An attempt reaches somebody.
    Reach = 3,
    /// A request is made.
    Arrival = 4,
    /// Somebody looks at backends.
    Probe = 5,
}

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    /// An attempt's answer (or its refusal) reaches the balancer that sent it.
    Answered(u32, bool),
    /// A request's answer (or its refusal) reaches its client.
    Done { request: u32, backend: u32, wait: u64, ok: bool },
    /// An attempt reaches its backend.
    Reach(u32),
    /// A request reaches its balancer.
    Enter(u32),
    /// A probe reaches its backend.
    Probe(u32),
    /// A backend's report reaches a balancer instance.
    Report(u32),
    /// A closed client sends: (source, client).
    Send(u16, u32),

    // Of eventful cells alone. Numbers of slots come with the ticket of whoever had the slot.
    /// The time of a request is up.
    Expire(u32, u32),
    /// The time of an attempt is up.
    GiveUp(u32, u32),
    /// The patience with an attempt that waits is over.
    Tire(u32, u32),
    /// The patience with a held request is over.
    TireHeld(u32, u32),
    /// A request is due for another attempt beside those that are out.
    Hedge(u32, u32),
    /// A request is tried again.
    Again(u32, u32),
    /// A request fails.
    Fail(u32, u32, Failure),
    /// A call of an attempt has failed.
    CallFailed(u32, u32),
    /// A cold backend is a step less cold.
    WarmUp(u32),
    /// A balancer instance probes a backend.
    Check { access: u16, instance: u32, backend: u32 },
    /// A probe is answered, or its time is up.
    Checked { access: u16, instance: u32, backend: u32, ok: bool, sent: u64 },
    /// Rates are judged, and ejections end.
    Sweep(u16),
    /// A breaker lets one through.
    Reopen { access: u16, instance: u32, backend: u32 },
    /// A backend in slow start has a little more weight.
    Warm { access: u16, instance: u32, backend: u32 },
    /// An instance is told who is on the list.
    Learn { access: u16, instance: u32, backend: u32, listed: bool },
    /// An instance asks who is on the list.
    Ask { access: u16, instance: u32 },
    /// The autoscaler decides.
    Scale,
    /// A member that was started serves.
    Started(u32),
    /// A member that was drained is gone.
    Drained(u32),
}

/// Timers of one kind, which mostly come in order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    /// Of whole requests.
    Request,
    /// Of attempts.
    Attempt,
    /// Of those who wait.
    Patience,
    /// Of hedges.
    Hedge,
}

const TIMERS: usize = 4;

impl Item {
    /// The slot that it is about and the ticket of whoever had it then, if it is about a slot that may have been freed.
    pub(super) fn slot(&self) -> Option<(u32, u32)> {
        match *self {
            Self::Expire(slot, ticket)
            | Self::GiveUp(slot, ticket)
            | Self::Tire(slot, ticket)
            | Self::TireHeld(slot, ticket)
            | Self::Hedge(slot, ticket)
            | Self::Again(slot, ticket)
            | Self::Fail(slot, ticket, _)
            | Self::CallFailed(slot, ticket) => Some((slot, ticket)),
            _ => None,
        }
    }
}

/// The heap, and the timers of eventful cells beside it.
#[derive(Debug)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<(u64, Rank, u64, Item)>>,
    alarms: Alarms<Item>,
    sequence: u64,
    /// A lower bound of the first instant, so that the loop need not look closer.
    next: u64,
}

impl Default for Agenda {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), alarms: Alarms::new(TIMERS), sequence: 0, next: u64::MAX }
    }
}

impl Agenda {
    /// Adds something.
    pub(super) fn push(&mut self, at: u64, rank: Rank, item: Item) {
        self.heap.push(Reverse((at, rank, self.sequence, item)));
        self.sequence += 1;
        self.next = self.next.min(at);
    }

    /// The instant of the first, `u64::MAX` if there is none.
    #[inline]
    #[must_use]
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Takes the first.
    pub(super) fn pop(&mut self) -> Option<(u64, Item)> {
        let Reverse((at, _, _, item)) = self.heap.pop()?;
        self.renew();
        Some((at, item))
    }

    /// Sets a timer, which comes before all else of its rank.
    pub(super) fn set(&mut self, timer: Timer, at: u64, item: Item) {
        self.alarms.push(timer as usize, at, item);
        self.next = self.next.min(at);
    }

    /// Takes the first that still concerns anybody, if it is due at the instant of [`Agenda::next`].
    pub(super) fn pop_live(&mut self, is_live: impl Fn(&Item) -> bool) -> Option<(u64, Item)> {
        let due = self.next;
        let alarm = self.alarms.next(&is_live).map_or(u64::MAX, |(at, _)| at);
        let first = self.heap.peek().map(|Reverse((at, rank, _, _))| (*at, *rank));
        let taken = match first {
            Some(first) if first < (alarm, Rank::Timeout) && first.0 <= due => {
                let Reverse((at, _, _, item)) = self.heap.pop().expect("it was just looked at");
                Some((at, item))
            }
            _ if alarm <= due => self.alarms.pop(&is_live),
            _ => None,
        };
        self.renew();
        self.next = self.next.min(self.alarms.bound());
        taken.filter(|(_, item)| is_live(item))
    }

    fn renew(&mut self) {
        self.next = self.heap.peek().map_or(u64::MAX, |Reverse((at, _, _, _))| *at);
    }
}
