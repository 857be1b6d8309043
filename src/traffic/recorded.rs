//! Recorded traffic, replayed: arrivals, work, keys and clients as a tape has them.
//!
//! What is replayed is fixed before anything runs: a window of the tape, a sample of its clients, how much faster, how often. A pass over the tape counts it, so that its rate
//! and mean work are known like those of any other source.

use super::BLOCK;
use crate::random::mix;
use crate::time::round_ns;
use crate::trace::tape::{Block, Column, Columns, Fault, NONE, Tape};
use std::ops::Range;
use std::sync::Arc;

/// Nobody: no key, no client, no backend.
pub const NOBODY: u32 = u32::MAX;

/// Which part of a tape, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// From when to when, in nanoseconds since its first arrival.
    pub window: Range<u64>,
    /// The share of clients (of keys, or of requests, where there are no clients) that is kept: in 2⁻³² of all.
    pub sample: u64,
    /// How often it is played.
    pub repeat: u64,
    /// What its rate is multiplied by.
    pub scale: f64,
    /// How much work a request is.
    pub work: Work,
    /// Whether a client waits for its answer before it goes on.
    pub sessions: bool,
}

/// Everything of what is kept.
pub const EVERYBODY: u64 = 1 << 32;

/// How much work a recorded request is.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// What a column says, in nanoseconds.
    Column(Column),
    /// So many nanoseconds, and so many for each unit of these columns.
    Linear(f64, Vec<(Column, f64)>),
    /// The record has none: drawn.
    Drawn,
}

impl Work {
    /// The columns that it looks at.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        match self {
            Self::Column(column) => vec![*column],
            Self::Linear(_, per) => per.iter().map(|&(column, _)| column).collect(),
            Self::Drawn => vec![],
        }
    }

    /// The work of a record, in nanoseconds; what is missing counts as nothing.
    fn of(&self, block: &Block, record: usize) -> u64 {
        let value = |column| Some(block.value(column, record)).filter(|&value| value != NONE);
        match self {
            Self::Column(column) => value(*column).unwrap_or(0),
            Self::Linear(base, per) => {
                round_ns(per.iter().map(|&(column, per)| value(column).map_or(0.0, |value| value as f64 * per)).sum::<f64>() + base)
            }
            Self::Drawn => 0,
        }
    }
}

/// A cut of a tape, counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    tape: Arc<Tape>,
    cut: Cut,
    /// The backend of each of the tape's names of backends.
    backends: Arc<[u32]>,
    /// Requests of one round.
    count: u64,
    /// The first and the last arrival of a round, in nanoseconds since the tape's first.
    first: u64,
    last: u64,
    mean_work: f64,
}

impl Recorded {
    /// Counts a cut.
    ///
    /// # Errors
    /// The tape cannot be read, or nothing of it is left.
    pub fn new(tape: Arc<Tape>, cut: Cut) -> Result<Self, Fault> {
        let backends = vec![NOBODY; tape.names(Column::Backend).len()].into();
        let mut counted = Self { tape, cut, backends, count: 0, first: 0, last: 0, mean_work: 0.0 };
        let mut player = Player::new(&counted);
        let mut work = 0.0;
        while let Some((at, record)) = player.next(&counted) {
            if counted.count == 0 {
                counted.first = at;
            }
            counted.last = at;
            counted.count += 1;
            work += counted.cut.work.of(&player.block, record) as f64;
        }
        if let Some(fault) = player.fault {
            return Err(fault);
        }
        counted.mean_work = work / counted.count.max(1) as f64;
        Ok(counted)
    }

    /// The same with its work known.
    ///
    /// # Errors
    /// The tape cannot be read.
    pub fn with_work(mut self, work: Work) -> Result<Self, Fault> {
        self.cut.work = work;
        Self::new(self.tape, self.cut)
    }

    /// The tape.
    #[must_use]
    pub const fn tape(&self) -> &Arc<Tape> {
        &self.tape
    }

    /// The cut.
    #[must_use]
    pub const fn cut(&self) -> &Cut {
        &self.cut
    }

    /// Requests of all rounds.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.count.saturating_mul(self.cut.repeat)
    }

    /// The mean work of its requests, in nanoseconds; 0 where it is drawn.
    #[must_use]
    pub const fn mean_work(&self) -> f64 {
        self.mean_work
    }

    /// From the beginning of a round to that of the next, in nanoseconds of the record: the last arrival is followed by a mean gap.
    #[must_use]
    pub fn period(&self) -> f64 {
        let span = (self.last - self.first) as f64;
        if self.count > 1 { span * self.count as f64 / (self.count - 1) as f64 } else { 1e9 }.max(1.0)
    }

    /// Requests per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        1e9 * self.count as f64 / self.period() * self.cut.scale
    }

    /// The same with another rate, in requests per second.
    #[must_use]
    pub fn at_rate(mut self, rate: f64) -> Self {
        self.cut.scale *= rate / self.rate();
        self
    }

    /// How many clients there are; 0 where the record does not tell them apart.
    #[must_use]
    pub fn clients(&self) -> u32 {
        let named = self.tape.names(Column::Client).len() as u32;
        if named > 0 { named + u32::from(!self.tape.has_all(Column::Client)) } else { 0 }
    }

    /// Whether requests have keys.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.tape.names(Column::Key).is_empty()
    }

    /// Says which backend each of the record's is, by the numbers of their names.
    pub fn name_backends(&mut self, backends: Vec<u32>) {
        self.backends = backends.into();
    }

    /// Whether the record says anything of its requests beside when they came and how much work they are.
    #[must_use]
    pub fn has_marks(&self) -> bool {
        self.has_keys() || self.clients() > 0 || self.names_backends()
    }

    /// Whether the record says who served its requests.
    #[must_use]
    pub fn names_backends(&self) -> bool {
        !self.tape.names(Column::Backend).is_empty()
    }

    /// Whether the record names a backend that there is.
    #[must_use]
    pub fn knows_backends(&self) -> bool {
        self.backends.iter().any(|&backend| backend != NOBODY)
    }

    fn columns(&self) -> Columns {
        let mut wanted = self.cut.work.columns();
        wanted.extend([Column::Key, Column::Client, Column::Backend]);
        if self.cut.sessions {
            wanted.extend([Column::Duration, Column::Service]);
        }
        Columns::of(&wanted)
    }

    /// Whether a record belongs to the sample: all requests of a client, or none.
    fn keeps(&self, block: &Block, record: usize, number: u64) -> bool {
        if self.cut.sample >= EVERYBODY {
            return true;
        }
        let value = |column| Some(block.value(column, record)).filter(|&value| value != NONE);
        let (sort, who) = match (value(Column::Client), value(Column::Key)) {
            (Some(client), _) => (1, client),
            (None, Some(key)) => (2, key),
            (None, None) => (3, number),
        };
        mix(mix(who).wrapping_add(sort)) >> 32 < self.cut.sample
    }
}

/// What a record says beside its instant and its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The number of its key.
    pub key: u32,
    /// The number of its client.
    pub client: u32,
    /// The backend that served it.
    pub backend: u32,
    /// How long its client had the answer before, in nanoseconds: from the end of its last request to this one. [`AT_ONCE`] where it had not waited for it.
    pub think: u64,
}

/// Nobody waited for anything.
pub const AT_ONCE: u64 = u64::MAX;

impl Mark {
    /// Nothing is said.
    pub const NONE: Self = Self { key: NOBODY, client: NOBODY, backend: NOBODY, think: AT_ONCE };
}

/// Goes through the records that are kept, once.
#[derive(Debug)]
struct Player {
    block: Block,
    /// The next block to be read, and the place in the one that is there.
    next_block: usize,
    record: usize,
    /// The number of the block's first record, for samples without names.
    before: u64,
    fault: Option<Fault>,
}

impl Player {
    fn new(of: &Recorded) -> Self {
        let next_block = of.tape.block_at(of.cut.window.start);
        Self {
            block: Block::new(of.columns()),
            next_block,
            record: 0,
            before: (next_block * crate::trace::tape::BLOCK) as u64,
            fault: None,
        }
    }

    /// The next one: its instant, in nanoseconds since the tape's first, and its place in the block.
    #[inline]
    fn next(&mut self, of: &Recorded) -> Option<(u64, usize)> {
        loop {
            if self.record == self.block.len() {
                self.load(of)?;
            }
            let (record, at) = (self.record, self.block.at()[self.record]);
            self.record += 1;
            if at >= of.cut.window.end {
                return None;
            }
            if at >= of.cut.window.start && of.keeps(&self.block, record, self.before + record as u64) {
                return Some((at, record));
            }
        }
    }

    #[cold]
    fn load(&mut self, of: &Recorded) -> Option<()> {
        if self.next_block >= of.tape.blocks() || self.fault.is_some() {
            return None;
        }
        self.before += self.block.len() as u64;
        self.record = 0;
        if let Err(fault) = of.tape.read(self.next_block, &mut self.block) {
            self.fault = Some(fault);
            return None;
        }
        self.next_block += 1;
        Some(())
    }
}

/// A recorded source, being played.
#[derive(Debug)]
pub(super) struct Replay {
    of: Recorded,
    player: Player,
    /// The round, from 0.
    round: u64,
    /// Of each client, when the record had its last answer; only for sessions.
    answered: Vec<u64>,
}

impl Replay {
    pub(super) fn new(of: &Recorded) -> Self {
        let answered = if of.cut.sessions { vec![0; of.clients() as usize] } else { Vec::new() };
        Self { player: Player::new(of), of: of.clone(), round: 0, answered }
    }

    /// Whether work is drawn elsewhere.
    pub(super) fn draws_work(&self) -> bool {
        self.of.cut.work == Work::Drawn
    }

    /// What went wrong.
    pub(super) fn trouble(&self) -> Option<String> {
        self.player.fault.as_ref().map(|fault| format!("the recorded traffic cannot be read on: {fault}"))
    }

    /// The next block of arrivals; instants are `u64::MAX` when there are no more.
    pub(super) fn fill(&mut self, at: &mut [u64; BLOCK], works: &mut [u64; BLOCK], marks: &mut [Mark; BLOCK]) {
        let shift = self.of.period() / self.of.cut.scale;
        for slot in 0..BLOCK {
            let Some((recorded, record)) = self.next() else {
                at[slot..].fill(u64::MAX);
                return;
            };
            let since = (recorded - self.of.first) as f64 / self.of.cut.scale;
            at[slot] = if self.round == 0 && self.of.cut.scale == 1.0 {
                recorded - self.of.first
            } else {
                round_ns(since + self.round as f64 * shift)
            };
            works[slot] = self.of.cut.work.of(&self.player.block, record);
            marks[slot] = self.mark(recorded, record);
        }
    }

    /// The next record of this round, or the first of the next round.
    #[inline]
    fn next(&mut self) -> Option<(u64, usize)> {
        loop {
            if let Some(found) = self.player.next(&self.of) {
                return Some(found);
            }
            if self.player.fault.is_some() || self.round + 1 >= self.of.cut.repeat || self.of.count == 0 {
                return None;
            }
            self.round += 1;
            self.answered.fill(0);
            self.player = Player::new(&self.of);
        }
    }

    #[inline]
    fn mark(&mut self, recorded: u64, record: usize) -> Mark {
        let block = &self.player.block;
        let number = |column| Some(block.value(column, record)).filter(|&value| value != NONE).map_or(NOBODY, |value| value as u32);
        let backend = self.of.backends.get(number(Column::Backend) as usize).copied().unwrap_or(NOBODY);
        let client = match (number(Column::Client), self.of.clients()) {
            // Whoever has no name is the last one.
            (NOBODY, clients @ 1..) => clients - 1,
            (client, _) => client,
        };
        let mut think = AT_ONCE;
        if let Some(answered) = self.answered.get_mut(client as usize) {
            // Who says only how long the backend worked says what the client waited at least.
            let took = [Column::Duration, Column::Service].map(|column| block.value(column, record));
            let duration = took.into_iter().find(|&value| value != NONE).unwrap_or(0);
            // One more, so that 0 is none.
            if let Some(waited) = answered.checked_sub(1).and_then(|answered| recorded.checked_sub(answered)) {
                think = round_ns(waited as f64 / self.of.cut.scale);
            }
            *answered = recorded.saturating_add(duration).saturating_add(1).max(*answered);
        }
        Mark { key: number(Column::Key), client, backend, think }
    }
}
