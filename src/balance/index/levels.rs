//! Whole-number levels with ties drawn by chance, in O(1).

use super::BackendId;
use crate::random::Stream;

/// Backends in order of a whole-number level, as one array: within a level the order is arbitrary, and a step up or down is one swap
/// with the end of the level.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    order: Vec<u32>,
    /// Place and level of each backend; `ABSENT` where it is not in.
    place: Vec<Place>,
    /// `starts[l]`: the first place whose level is at least `l`. Ends with the number of backends.
    starts: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    at: u32,
    level: u32,
}

const ABSENT: u32 = u32::MAX;

impl Levels {
    /// Makes it anew from backends and their levels. `n` is one more than the greatest id.
    pub fn rebuild(&mut self, n: usize, loads: impl Iterator<Item = (BackendId, u32)>) {
        let mut loads: Vec<(u32, u32)> = loads.map(|(backend, level)| (level, backend.0)).collect();
        loads.sort_unstable();
        self.place.clear();
        self.place.resize(n, Place { at: ABSENT, level: 0 });
        self.order.clear();
        self.starts.clear();
        for &(level, backend) in &loads {
            let at = self.order.len() as u32;
            self.starts.resize(self.starts.len().max(level as usize + 1), at);
            self.order.push(backend);
            self.place[backend as usize] = Place { at, level };
        }
        self.starts.push(self.order.len() as u32);
    }

    /// Sets the level of a backend; one that is not in stays out.
    #[inline]
    pub fn set(&mut self, backend: BackendId, level: u32) {
        let place = self.place[backend.index()];
        if place.at == ABSENT {
            return;
        }
        // One step is what nearly always happens.
        let mut now = place.level;
        while now < level {
            now += 1;
            self.up(backend.0, now);
        }
        while now > level {
            now -= 1;
            self.down(backend.0, now);
        }
    }

    /// To `level` from the one below: behind all of the lower level.
    #[inline]
    fn up(&mut self, backend: u32, level: u32) {
        if self.starts.len() <= level as usize + 1 {
            self.starts.push(self.order.len() as u32);
        }
        let start = &mut self.starts[level as usize];
        *start -= 1;
        let to = *start;
        self.swap(backend, to, level);
    }

    /// To `level` from the one above: before all of the upper level.
    #[inline]
    fn down(&mut self, backend: u32, level: u32) {
        let start = &mut self.starts[level as usize + 1];
        let to = *start;
        *start += 1;
        self.swap(backend, to, level);
    }

    #[inline]
    fn swap(&mut self, backend: u32, to: u32, level: u32) {
        let from = self.place[backend as usize].at;
        let other = self.order[to as usize];
        self.order[from as usize] = other;
        self.place[other as usize].at = from;
        self.order[to as usize] = backend;
        self.place[backend as usize] = Place { at: to, level };
    }

    /// One of the backends with the least level, drawn uniformly.
    #[inline]
    pub fn least(&self, chance: &mut Stream) -> Option<BackendId> {
        let &first = self.order.first()?;
        let level = self.place[first as usize].level;
        let end = self.starts[level as usize + 1];
        let at = if end == 1 { 0 } else { chance.below(u64::from(end)) };
        Some(BackendId(self.order[at as usize]))
    }
}
