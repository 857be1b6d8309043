//! When a fault happens: its occurrences, one after another, as far as anybody asks.
//!
//! Occurrence n is a function of (seed, replication, the fault's number, n) and, where times are drawn, of those before it: nothing that is asked of one fault
//! moves another.

use super::{Fault, Kind, Repeats};
use crate::dist::math::neg_ln;
use crate::random::{Numbered, Purpose, below, derive, unit};
use crate::time::{Span, round_ns};
use std::collections::BTreeSet;

/// One time that a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which time, from 0.
    pub occurrence: u32,
    /// When it begins.
    pub begins: u64,
    /// When it ends; `u64::MAX`: never.
    pub ends: u64,
}

/// The occurrences of one fault, in order.
#[derive(Clone, Debug)]
pub struct Occurrences {
    at: u64,
    lasts: Option<Span>,
    repeats: Repeats,
    stream: Numbered,
    /// The next one's number; `None` once there is none.
    next: Option<u32>,
    /// When the one before ended.
    ended: u64,
}

impl Occurrences {
    /// Those of the fault with this number.
    #[must_use]
    pub fn new(fault: &Fault, number: u64, seed: u64, replication: u64) -> Self {
        let stream = Numbered::new(derive(seed, replication, Purpose::Faults, number));
        Self { at: fault.at.0, lasts: fault.length(), repeats: fault.repeats, stream, next: Some(0), ended: fault.at.0 }
    }

    /// The backends that are hit at an occurrence of this fault, whose occurrences these are; nobody at a surge, which is traffic's.
    #[must_use]
    pub fn targets(&self, fault: &Fault, occurrence: u32) -> Vec<u32> {
        if matches!(fault.kind, Kind::Surge { .. }) { Vec::new() } else { fault.hit(&self.stream, occurrence) }
    }

    /// The stream of chance that goes with them.
    pub(super) fn stream(&self) -> Numbered {
        self.stream
    }
}

impl Iterator for Occurrences {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        let occurrence = self.next?;
        let begins = match self.repeats {
            Repeats::Never => Some(self.at),
            Repeats::Every(every) => every.0.checked_mul(u64::from(occurrence)).and_then(|after| after.checked_add(self.at)),
            Repeats::Drawn { up, .. } => self.ended.checked_add(exponential(up, self.stream.bits(u64::from(occurrence) * DRAWS))),
        };
        let lasts = match self.repeats {
            Repeats::Drawn { down, .. } => Some(exponential(down, self.stream.bits(u64::from(occurrence) * DRAWS + 1))),
            Repeats::Never | Repeats::Every(_) => self.lasts.map(|lasts| lasts.0),
        };
        let window = begins.map(|begins| {
            let ends = lasts.map_or(u64::MAX, |lasts| begins.saturating_add(lasts));
            Window { occurrence, begins, ends }
        });
        self.ended = window.map_or(u64::MAX, |window| window.ends);
        let is_last = self.repeats == Repeats::Never || self.ended == u64::MAX;
        self.next = if is_last { None } else { occurrence.checked_add(1) };
        window
    }
}

/// Numbers of the stream for each occurrence: time up, time down, targets.
const DRAWS: u64 = 3;

/// At least a nanosecond: what begins also lasts.
fn exponential(mean: Span, bits: u64) -> u64 {
    round_ns(mean.0 as f64 * neg_ln(unit(bits))).max(1)
}

impl Fault {
    /// How long each occurrence lasts, where that is not drawn; `None`: to the end.
    #[must_use]
    pub fn length(&self) -> Option<Span> {
        match &self.kind {
            Kind::Deploy { batch, drain, takes, over, factor } => {
                let hit = self.target.draw.unwrap_or(self.target.among.len() as u32);
                let batches = u64::from(hit.div_ceil((*batch).max(1)));
                let cold = if *factor == 1.0 { 0 } else { over.0 };
                Some(Span(drain.0.saturating_add(takes.0).saturating_mul(batches).saturating_add(cold)))
            }
            _ => self.lasts,
        }
    }

    /// Who is hit at an occurrence, in order.
    pub(super) fn hit(&self, stream: &Numbered, occurrence: u32) -> Vec<u32> {
        let Some(count) = self.target.draw else { return self.target.among.clone() };
        let mut chance = stream.several(u64::from(occurrence) * DRAWS + 2);
        let all = self.target.among.len() as u64;
        // Floyd's: n distinct of m with n draws.
        let mut drawn = BTreeSet::new();
        for last in all.saturating_sub(u64::from(count))..all {
            let place = below(chance.bits(), last + 1);
            let place = if drawn.contains(&place) { last } else { place };
            drawn.insert(place);
        }
        drawn.into_iter().map(|place| self.target.among[place as usize]).collect()
    }
}

/// When each fault happens, up to a horizon: by fault, then in order.
pub fn windows(faults: &[Fault], seed: u64, replication: u64, until: u64) -> impl Iterator<Item = (u16, Window)> {
    faults.iter().zip(0_u16..).flat_map(move |(fault, number)| {
        let occurrences = Occurrences::new(fault, number.into(), seed, replication);
        occurrences.take_while(move |window| window.begins < until).map(move |window| (number, window))
    })
}
