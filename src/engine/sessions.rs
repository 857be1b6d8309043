//! Recorded clients that wait for their answers: who is slow delays the next request of the same client.
//!
//! A request that its client sent after an answer is sent no sooner than that long after the answer here, and no sooner than it was recorded. One that was sent while
//! another was out waits for nothing but those before it.

use crate::plan::Plan;
use crate::traffic::{AT_ONCE, Arrival, Mark, Timing};
use std::collections::VecDeque;

/// A request that waits for its turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) work: u64,
    pub(super) key: u64,
    pub(super) mark: Mark,
}

#[derive(Clone, Debug, Default)]
struct Client {
    /// Requests that are out.
    out: u32,
    /// When the last answer came.
    answered: u64,
    waiting: VecDeque<Turn>,
}

/// The clients of all sources that go by session.
#[derive(Debug)]
pub(super) struct Sessions {
    /// By source; none of those that do not.
    clients: Vec<Vec<Client>>,
    /// Requests that wait, of all clients.
    pub(super) waiting: u64,
}

impl Sessions {
    /// `None` where no source goes by session.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        let clients = plan.sources.iter().map(|source| match &source.timing {
            Timing::Recorded(recorded) if recorded.cut().sessions => vec![Client::default(); recorded.clients() as usize],
            _ => Vec::new(),
        });
        let clients: Vec<_> = clients.collect();
        clients.iter().any(|clients| !clients.is_empty()).then_some(Self { clients, waiting: 0 })
    }

    fn client(&mut self, source: u16, client: u32) -> Option<&mut Client> {
        self.clients.get_mut(usize::from(source))?.get_mut(client as usize)
    }

    /// A request is due by the record. `None`: it goes. Else it waits: until the instant that is given, or for an answer.
    pub(super) fn hold(&mut self, arrival: &Arrival, key: u64, mark: Mark) -> Option<Option<u64>> {
        let client = self.client(arrival.source, mark.client)?;
        let turn = Turn { work: arrival.work, key, mark };
        let due = client.answered.saturating_add(mark.think);
        let wait = match (client.waiting.is_empty(), mark.think) {
            (true, AT_ONCE) => None,
            (true, _) if client.out == 0 => (due > arrival.at).then_some(Some(due)),
            _ => Some(None),
        };
        if wait.is_some() {
            client.waiting.push_back(turn);
            self.waiting += 1;
        } else {
            client.out += 1;
        }
        wait
    }

    /// An answer, or its failure: when the next request of this client is to go, if one waits for that.
    pub(super) fn answered(&mut self, source: u16, client: u32, now: u64) -> Option<u64> {
        let client = self.client(source, client)?;
        client.out = client.out.saturating_sub(1);
        client.answered = now;
        if client.out > 0 {
            return None;
        }
        let think = client.waiting.front()?.mark.think;
        Some(now.saturating_add(if think == AT_ONCE { 0 } else { think }))
    }

    /// The next one that waits, if its time has come: it goes, and with it those that waited for nothing else.
    pub(super) fn next(&mut self, source: u16, client: u32, is_first: bool) -> Option<Turn> {
        let client = self.client(source, client)?;
        let front = client.waiting.front()?;
        if !is_first && front.mark.think != AT_ONCE {
            return None;
        }
        client.out += 1;
        let turn = client.waiting.pop_front();
        self.waiting -= 1;
        turn
    }
}
