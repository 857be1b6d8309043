//! Things that will happen at a stated instant and are neither arrivals nor completions: a heap in order of (time, rank, sequence).
//!
//! Completions, arrivals and periodic changes have places of their own (the fleet's tree, the traffic's cursor, the change cursor), so this heap
//! is empty in a plain scenario and then costs one comparison an event.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What comes first among things at the same instant. Changes of state come before all, completions at backends next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Rank {
    /// An answer reaches somebody.
    Answer = 1,
    /// An attempt reaches somebody.
    Reach = 3,
    /// A request is made.
    Arrival = 4,
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
}

/// The heap.
#[derive(Debug)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<(u64, Rank, u64, Item)>>,
    sequence: u64,
    /// The first instant, so that the loop need not look into the heap.
    next: u64,
}

impl Default for Agenda {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), sequence: 0, next: u64::MAX }
    }
}

impl Agenda {
    /// Adds something.
    pub(super) fn push(&mut self, at: u64, rank: Rank, item: Item) {
        self.heap.push(Reverse((at, rank, self.sequence, item)));
        self.sequence += 1;
        self.renew();
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

    fn renew(&mut self) {
        self.next = self.heap.peek().map_or(u64::MAX, |Reverse((at, _, _, _))| *at);
    }
}
