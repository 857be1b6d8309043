//! What is known of requests and attempts beyond their bare lives, where more can happen to them than one attempt that is answered.
//!
//! Here every attempt has a slot of its own, with a copy of its request beside it; a request's slot says which attempts are out for it, an attempt's slot
//! for which request. Whoever keeps a slot's number for later (a timer above all) keeps its ticket too: the slot may have been given to another since.

use crate::measure::record::Failure;
use crate::slab::NIL;

/// A request, or a call that a backend makes for one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errand {
    /// Which balancer it goes through.
    pub(super) access: u16,
    /// The source of the traffic that it belongs to.
    pub(super) root: u16,
    pub(super) state: State,
    /// Something on the agenda will ask for this slot: it is not free before.
    pub(super) is_awaited: bool,
    /// The attempt that made this call; `NIL` for traffic.
    pub(super) parent: u32,
    /// The next call of the same attempt.
    pub(super) sibling: u32,
    /// The youngest attempt that is out for it.
    pub(super) out: u32,
    pub(super) retries: u32,
    pub(super) hedges: u32,
    /// A retry is under way: it counts for limits on retries.
    pub(super) is_retrying: bool,
    /// The last pause before a retry.
    pub(super) pause: u64,
    /// When the timer that concerns it now is due, of those that go by request: one that comes at another time was set for an attempt before.
    pub(super) timer: Option<u64>,
    /// By when it must be answered.
    pub(super) deadline: u64,
    /// Why its last attempt failed.
    pub(super) cause: Failure,
    /// How many backends have been tried.
    pub(super) tries: u32,
}

/// So many tried backends are remembered.
const TRIED: usize = 8;

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// On its way to the balancer.
    Coming,
    /// Held by the balancer.
    Held,
    /// Attempts are out.
    Out,
    /// Between two attempts.
    Pausing,
    /// Its answer is on its way to the client.
    Returning,
    /// It has failed while its answer was on its way.
    Gone,
}

impl Errand {
    /// A new one.
    pub(super) fn new(access: u16, root: u16, parent: u32) -> Self {
        Self {
            access,
            root,
            state: State::Coming,
            is_awaited: false,
            parent,
            sibling: NIL,
            out: NIL,
            retries: 0,
            hedges: 0,
            is_retrying: false,
            pause: 0,
            timer: None,
            deadline: u64::MAX,
            cause: Failure::NoBackend,
            tries: 0,
        }
    }
}

/// An attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trip {
    /// The request that it is made for; `NIL` once nobody waits for it any more.
    pub(super) of: u32,
    /// The next older attempt that is out for the same request.
    pub(super) next: u32,
    pub(super) access: u16,
    pub(super) root: u16,
    pub(super) place: Place,
    /// It has failed, or will.
    pub(super) cause: Option<Failure>,
    /// Where it is given up on its way: nothing is to be done for it when it arrives.
    pub(super) is_cancelled: bool,
    /// For oracles: it still counts at its backend.
    pub(super) counts: bool,
    /// The stage of calls that it is in.
    pub(super) stage: u16,
    /// The calls of that stage, and how many are unanswered.
    pub(super) calls: u32,
    pub(super) unanswered: u32,
    /// Worker-time that it had.
    pub(super) served: u64,
}

/// Where an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On its way to its backend.
    Going,
    /// Waiting or in service there.
    There,
    /// Its backend has made calls for it.
    Calling,
    /// Its answer is on its way.
    Returning,
    /// Where no answer comes from.
    Lost,
}

impl Trip {
    /// A new one for a request.
    pub(super) fn new(of: u32, errand: &Errand) -> Self {
        Self {
            of,
            next: errand.out,
            access: errand.access,
            root: errand.root,
            place: Place::Going,
            cause: None,
            is_cancelled: false,
            counts: true,
            stage: 0,
            calls: NIL,
            unanswered: 0,
            served: 0,
        }
    }
}

/// What is known of every slot, by its number.
#[derive(Debug, Default)]
pub(super) struct Errands {
    errands: Vec<Errand>,
    trips: Vec<Trip>,
    /// The backends that a request has tried last; as many count as it has tried.
    tried: Vec<[u32; TRIED]>,
    tickets: Vec<u32>,
    given: u32,
}

impl Errands {
    /// A slot has been taken: its ticket.
    fn ticket(&mut self, slot: u32) -> u32 {
        let slot = slot as usize;
        if self.tickets.len() <= slot {
            let blank = Errand::new(0, 0, NIL);
            self.tickets.resize(slot + 1, 0);
            self.errands.resize(slot + 1, blank);
            self.trips.resize(slot + 1, Trip::new(NIL, &blank));
            self.tried.resize(slot + 1, [NIL; TRIED]);
        }
        self.given = self.given.wrapping_add(1).max(1);
        self.tickets[slot] = self.given;
        self.given
    }

    /// A request begins in a slot: its ticket.
    pub(super) fn begin(&mut self, slot: u32, errand: Errand) -> u32 {
        let ticket = self.ticket(slot);
        self.errands[slot as usize] = errand;
        ticket
    }

    /// An attempt for a request begins in a slot: its ticket.
    pub(super) fn send(&mut self, slot: u32, of: u32) -> u32 {
        let ticket = self.ticket(slot);
        self.trips[slot as usize] = Trip::new(of, &self.errands[of as usize]);
        self.errands[of as usize].out = slot;
        ticket
    }

    /// A request has failed, and its slot is kept for what is still on its way: no timer concerns it any more.
    pub(super) fn retire(&mut self, slot: u32) {
        self.ticket(slot);
        self.errands[slot as usize].state = State::Gone;
    }

    /// A slot has been freed.
    pub(super) fn end(&mut self, slot: u32) {
        self.tickets[slot as usize] = 0;
        self.trips[slot as usize].place = Place::Lost;
    }

    /// All attempts, and what else has a slot, which is at no place.
    pub(super) fn attempts(&self) -> impl Iterator<Item = (u32, &Trip)> {
        (0..).zip(&self.trips)
    }

    /// Notes that a request tries a backend.
    pub(super) fn try_at(&mut self, slot: u32, backend: u32) {
        let tries = &mut self.errands[slot as usize].tries;
        self.tried[slot as usize][*tries as usize % TRIED] = backend;
        *tries += 1;
    }

    /// Whether a backend is among those that a request has tried last.
    pub(super) fn has_tried(&self, slot: u32, backend: u32) -> bool {
        let count = (self.errands[slot as usize].tries as usize).min(TRIED);
        self.tried[slot as usize][..count].contains(&backend)
    }

    /// The ticket of whoever has a slot.
    pub(super) fn ticket_of(&self, slot: u32) -> u32 {
        self.tickets[slot as usize]
    }

    /// Whether a slot is still whose it was.
    pub(super) fn is_live(&self, slot: u32, ticket: u32) -> bool {
        self.tickets.get(slot as usize) == Some(&ticket)
    }

    /// A request.
    pub(super) fn errand(&self, slot: u32) -> &Errand {
        &self.errands[slot as usize]
    }

    /// A request, to change.
    pub(super) fn errand_mut(&mut self, slot: u32) -> &mut Errand {
        &mut self.errands[slot as usize]
    }

    /// An attempt.
    pub(super) fn trip(&self, slot: u32) -> &Trip {
        &self.trips[slot as usize]
    }

    /// An attempt, to change.
    pub(super) fn trip_mut(&mut self, slot: u32) -> &mut Trip {
        &mut self.trips[slot as usize]
    }

    /// An attempt is no longer out for its request: the request, if anybody still waits for it.
    pub(super) fn part(&mut self, slot: u32) -> Option<u32> {
        let Trip { of, next, .. } = self.trips[slot as usize];
        if of == NIL {
            return None;
        }
        let errand = &mut self.errands[of as usize];
        if errand.out == slot {
            errand.out = next;
        } else {
            let mut at = errand.out;
            while self.trips[at as usize].next != slot {
                at = self.trips[at as usize].next;
            }
            self.trips[at as usize].next = next;
        }
        self.trips[slot as usize].of = NIL;
        Some(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_part_in_any_order() {
        let mut errands = Errands::default();
        let ticket = errands.begin(0, Errand::new(0, 0, NIL));
        for slot in 1..4 {
            errands.send(slot, 0);
        }
        assert_eq!(errands.part(2), Some(0));
        assert_eq!(errands.part(2), None);
        assert_eq!((errands.errand(0).out, errands.trip(3).next), (3, 1));
        assert_eq!((errands.part(3), errands.part(1), errands.errand(0).out), (Some(0), Some(0), NIL));
        errands.end(0);
        assert!(!errands.is_live(0, ticket) && !errands.is_live(9, ticket));
    }
}
