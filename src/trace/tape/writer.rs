//! Writing a tape, from front to back.

use super::block::{dress, packed};
use super::names::Naming;
use super::{BLOCK, Column, Foot, MAGIC, NONE, Origin, Place, Total, VERSION};
use crate::trace::entry::{Entry, Outcome, Text};
use std::io::{self, Write};
use xxhash_rust::xxh64::{Xxh64, xxh64};

/// Bytes of names of keys and of clients that are kept, at most; backends and classes are few.
const MOST_NAMES: [usize; 4] = [32 << 20, 32 << 20, 4 << 20, 4 << 20];

/// A tape that is being written. Entries come in order of their arrival.
pub struct Writer<W> {
    to: W,
    offset: u64,
    foot: Foot,
    naming: [Naming; 4],
    columns: [Vec<u64>; Column::ALL.len()],
    last: u64,
    bytes: Vec<u8>,
    content: Xxh64,
}

impl<W> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("records", &self.foot.records).finish_non_exhaustive()
    }
}

impl<W: Write> Writer<W> {
    /// Begins one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(mut to: W) -> io::Result<Self> {
        to.write_all(MAGIC)?;
        to.write_all(&VERSION.to_le_bytes())?;
        to.write_all(&[0; 4])?;
        let foot = Foot { totals: vec![Total::default(); Column::ALL.len()], ..Foot::default() };
        let naming = MOST_NAMES.map(Naming::new);
        Ok(Self { to, offset: 16, foot, naming, columns: Default::default(), last: 0, bytes: Vec::new(), content: Xxh64::new(0) })
    }

    /// Appends an entry. One from before the last is written as of the last: whoever pushes has put them in order.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn push(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        if self.foot.records == 0 {
            self.foot.first = entry.at;
        }
        let at = i128::from(entry.at) - i128::from(self.foot.first);
        let at = (at.max(0) as u64).max(self.last);
        let gap = at - self.last;
        (self.last, self.foot.span) = (at, at);
        let outcome = match entry.outcome {
            Outcome::Succeeded => 0,
            Outcome::Failed => 1,
            Outcome::Refused => 2,
        };
        if self.columns[0].is_empty() {
            self.foot.blocks.push(Place { offset: self.offset, bytes: 0, records: 0, at });
        }
        let [key, client, backend, class] = [&entry.key, &entry.client, &entry.backend, &entry.class];
        let [key, client, backend, class] = [self.name(0, key), self.name(1, client), self.name(2, backend), self.name(3, class)];
        let values = [
            Some(gap),
            Some(entry.tick.into()),
            entry.service,
            entry.duration,
            entry.queued,
            key,
            client,
            backend,
            class,
            entry.status.map(u64::from),
            Some(outcome),
            entry.bytes,
            entry.input,
            entry.output,
            (entry.tries > 0).then_some(entry.tries.into()),
        ];
        for ((column, total), value) in self.columns.iter_mut().zip(&mut self.foot.totals).zip(values) {
            column.push(value.map_or(NONE, |value| value.min(NONE - 1)));
            let Some(value) = value else { continue };
            *total = Total {
                count: total.count + 1,
                sum: total.sum + value as f64,
                min: if total.count == 0 { value } else { total.min.min(value) },
                max: total.max.max(value),
            };
        }
        self.foot.records += 1;
        if self.columns[0].len() == BLOCK { self.close_block() } else { Ok(()) }
    }

    fn name(&mut self, which: usize, text: &Option<Text<'_>>) -> Option<u64> {
        text.as_ref().map(|text| self.naming[which].number(text))
    }

    fn close_block(&mut self) -> io::Result<()> {
        let Some(place) = self.foot.blocks.last_mut() else { return Ok(()) };
        self.bytes.clear();
        packed(&self.columns, &mut self.bytes);
        (place.bytes, place.records) = (self.bytes.len() as u32, self.columns[0].len() as u32);
        self.columns.iter_mut().for_each(Vec::clear);
        self.offset += self.bytes.len() as u64;
        self.content.update(&self.bytes);
        self.to.write_all(&self.bytes)
    }

    /// Ends it: names, foot and tail.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self, origin: Origin) -> io::Result<W> {
        if !self.columns[0].is_empty() {
            self.close_block()?;
        }
        self.foot.origin = origin;
        let naming = std::mem::replace(&mut self.naming, [0; 4].map(Naming::new));
        for (which, naming) in naming.into_iter().enumerate() {
            self.foot.shared[which] = naming.shared;
            let names = naming.names();
            if names.is_empty() {
                continue;
            }
            let (mut plain, mut dressed) = (Vec::new(), Vec::new());
            names.write(&mut plain);
            dress(&plain, Column::NAMED[which] as u8, &mut dressed);
            self.foot.names[which] = (self.offset, dressed.len() as u64);
            self.offset += dressed.len() as u64;
            self.content.update(&dressed);
            self.to.write_all(&dressed)?;
        }
        self.foot.content = self.content.digest();
        let foot = serde_json::to_vec(&self.foot).map_err(io::Error::other)?;
        self.to.write_all(&foot)?;
        for number in [self.offset, foot.len() as u64, xxh64(&foot, 0)] {
            self.to.write_all(&number.to_le_bytes())?;
        }
        self.to.write_all(MAGIC)?;
        self.to.flush()?;
        Ok(self.to)
    }
}
