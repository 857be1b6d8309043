//! The work that recorded requests must have been, if their backends are as calibrated.

use super::{Calibration, Took, Workers};
use crate::trace::entry::{Entry, Stop};
use crate::trace::tape::{Fault, Origin, Tape, Writer};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

impl Calibration {
    /// The first so many records with their work at speed 1 as service time: what is left of the time when requests are first come, first served by the calibrated
    /// workers; times the backend's speed. Requests without a backend or a time have no work.
    ///
    /// # Errors
    /// The tape cannot be read.
    pub fn inferred(&self, tape: &Tape, most: usize) -> Result<Tape, Fault> {
        let mut writer = Writer::new(Vec::new())?;
        let took = Took::of(tape);
        let place: BTreeMap<&str, usize> = self.backends.iter().enumerate().map(|(at, backend)| (backend.name.as_str(), at)).collect();
        let mut free: Vec<BinaryHeap<Reverse<i64>>> = self.backends.iter().map(|backend| idle(backend.workers)).collect();
        let (mut left, mut fault) = (most, None);
        tape.each(&mut |entry| {
            let time = took.time(entry.service, entry.duration, entry.queued);
            let known = entry.backend.as_ref().and_then(|name| place.get(&*String::from_utf8_lossy(name))).copied().zip(time);
            let work = known.map(|(at, time)| {
                let served = served(&mut free[at], entry.at, time);
                crate::time::round_ns(served as f64 * self.backends[at].speed)
            });
            let entry = Entry {
                at: entry.at,
                tick: entry.tick,
                service: Some(work.unwrap_or(0)),
                backend: entry.backend.clone(),
                ..Entry::default()
            };
            fault = writer.push(&entry).err();
            left = left.saturating_sub(1);
            if left == 0 || fault.is_some() { Err(Stop) } else { Ok(()) }
        })?;
        match fault {
            Some(fault) => Err(fault.into()),
            None => Tape::from_bytes(writer.finish(Origin::default())?),
        }
    }
}

/// When each worker is free; nobody waits where there are none to wait for.
fn idle(workers: Workers) -> BinaryHeap<Reverse<i64>> {
    match workers {
        Workers::Some(count) => (0..count).map(|_| Reverse(i64::MIN)).collect(),
        Workers::Unlimited => BinaryHeap::new(),
    }
}

/// How long a request was served that came at an instant and took so long: from when the first worker was free. One nanosecond where that cannot be.
fn served(free: &mut BinaryHeap<Reverse<i64>>, at: i64, time: u64) -> u64 {
    let Some(Reverse(first)) = free.pop() else { return time };
    let end = at.saturating_add_unsigned(time);
    let served = end.saturating_sub(first.max(at)).max(1);
    free.push(Reverse(end.max(first)));
    served.unsigned_abs()
}
