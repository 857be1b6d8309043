//! One pass over a tape: what the fits need of it, in memory that does not grow with it (but for a number for each key).

use super::arrivals::{Arrivals, Stretch};
use super::work::Values;
use super::{Source, steps};
use crate::random::{Numbered, unit};
use crate::trace::tally::counts::Dispersion;
use crate::trace::tally::{Moments, SCALES};
use crate::trace::tape::{Block, Column, Columns, Fault, NONE, Tape};

/// Gaps that are kept, at most: all, or those of [`STRETCHES`] stretches that are evenly spread.
const GAPS: u64 = 131_072;
/// Stretches of a record, at most; even, since every other one is held out.
const STRETCHES: u64 = 64;
/// Values of work that are kept, at most.
pub(super) const VALUES: u64 = 131_072;
/// Requests of one stamp that are spread at random; more are spread evenly.
const TOGETHER: usize = 1 << 20;

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) arrivals: Arrivals,
    pub(super) work: Values,
    /// Requests of each key.
    pub(super) keys: Vec<u64>,
    /// Requests without a key.
    pub(super) without_key: u64,
}

/// Looks at all of a tape.
pub(super) fn look(tape: &Tape, source: Source) -> Result<Seen, Fault> {
    let column = match source {
        Source::Service => Column::Service,
        Source::Duration => Column::Duration,
        Source::Given => Column::At,
    };
    let mut pass = Pass::new(tape);
    let total = tape.total(column);
    let every = total.count.div_ceil(VALUES).max(1);
    let (mut values, mut number, mut unit_of) = (Vec::new(), 0_u64, 0_u64);
    let mut keys = vec![0_u64; tape.names(Column::Key).len()];
    let mut without_key = 0;
    let mut block = Block::new(Columns::of(&[Column::Tick, Column::Service, Column::Duration, Column::Key]));
    for at in 0..tape.blocks() {
        tape.read(at, &mut block)?;
        if at == 0 {
            pass.judge_stamps(tape, &block);
        }
        for record in 0..block.len() {
            pass.take(block.at()[record]);
            let value = if source == Source::Given { NONE } else { block.value(column, record) };
            if value != NONE {
                unit_of = gcd(unit_of, value);
                if number.is_multiple_of(every) {
                    values.push(value);
                }
                number += 1;
            }
            match keys.get_mut(block.value(Column::Key, record) as usize) {
                Some(count) => *count += 1,
                None => without_key += 1,
            }
        }
    }
    let work = if source == Source::Given { Values::default() } else { spread(&values, unit_of, total.mean().unwrap_or(0.0)) };
    Ok(Seen { arrivals: pass.finish(), work, keys, without_key })
}

fn gcd(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// Values that are known in whole units are spread over half a unit on either side, nobody below nothing.
fn spread(values: &[u64], unit_of: u64, mean: f64) -> Values {
    let mut distinct = values.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    // A few values are what they are; units show where many differ by them.
    let is_coarse = unit_of >= 1000 && distinct.len() > 8 && distinct.len() * 2 < values.len();
    let (stream, width) = (Numbered::new(3), unit_of as f64);
    let blur = |(number, &value): (usize, &u64)| match (value as f64, unit(stream.bits(number as u64))) {
        (value, _) if !is_coarse => value,
        (0.0, chance) => 0.5 * width * chance,
        (value, chance) => value + width * (chance - 0.5),
    };
    Values { some: values.iter().enumerate().map(blur).collect(), mean, cell: if is_coarse { width } else { 1.0 } }
}

/// Arrivals, as they come.
struct Pass {
    requests: u64,
    span: u64,
    tick: u64,
    spread: bool,
    /// Requests of one stamp, and the stamp.
    together: (u64, u64),
    chance: Numbered,
    taken: u64,
    before: f64,
    moments: Moments,
    dispersion: [Dispersion; 4],
    counts: Vec<u64>,
    width: u64,
    stretches: Vec<Stretch>,
    /// Gaps of a stretch, and from the beginning of one to that of the next.
    length: u64,
    apart: u64,
}

impl Pass {
    fn new(tape: &Tape) -> Self {
        let (requests, span) = (tape.records(), tape.span());
        let gaps = requests.saturating_sub(1);
        let number = if gaps > GAPS { STRETCHES } else { (gaps / 256).clamp(2, STRETCHES) & !1 };
        let apart = (gaps / number).max(1);
        let width = steps::width(requests, span);
        Self {
            requests,
            span,
            tick: tape.total(Column::Tick).max,
            spread: false,
            together: (0, 0),
            chance: Numbered::new(1),
            taken: 0,
            before: 0.0,
            moments: Moments::default(),
            dispersion: SCALES.map(Dispersion::new),
            counts: vec![0; (span / width).clamp(1, 1000) as usize],
            width,
            stretches: Vec::new(),
            length: apart.min(GAPS / number),
            apart,
        }
    }

    /// Stamps that are coarser than a tenth of a gap would look like batches: their requests are spread over what they leave open, unless whoever read them has.
    fn judge_stamps(&mut self, tape: &Tape, block: &Block) {
        let mean = self.span / self.requests.max(1);
        let is_aligned = |at: &u64| tape.first().saturating_add_unsigned(*at).rem_euclid(self.tick.max(1) as i64) == 0;
        self.spread = self.tick > 1 && 10 * self.tick > mean && block.at().iter().all(is_aligned);
    }

    fn take(&mut self, at: u64) {
        if !self.spread {
            return self.place(at as f64);
        }
        if at != self.together.1 {
            self.place_together();
        }
        self.together = (self.together.0 + 1, at);
    }

    fn place_together(&mut self) {
        let (count, at) = std::mem::take(&mut self.together);
        let width = self.tick as f64;
        if count as usize > TOGETHER {
            return (0..count).for_each(|number| self.place(at as f64 + width * (number as f64 + 0.5) / count as f64));
        }
        let mut places: Vec<f64> = (0..count).map(|number| unit(self.chance.bits(self.taken + number))).collect();
        places.sort_by(f64::total_cmp);
        places.iter().for_each(|place| self.place(at as f64 + width * place));
    }

    fn place(&mut self, at: f64) {
        let number = self.taken;
        self.taken += 1;
        let since = at as u64;
        self.dispersion.iter_mut().for_each(|one| one.add(since));
        if let Some(count) = self.counts.get_mut((since / self.width) as usize) {
            *count += 1;
        }
        if number > 0 {
            let gap = at - self.before;
            self.moments.add(gap);
            let place = (number - 1) % self.apart;
            if place == 0 {
                self.stretches.push(Stretch { at: self.before, gaps: Vec::with_capacity(self.length as usize) });
            }
            if let Some(stretch) = self.stretches.last_mut().filter(|_| place < self.length) {
                stretch.gaps.push(gap);
            }
        }
        self.before = at;
    }

    fn finish(mut self) -> Arrivals {
        if self.spread {
            self.place_together();
        }
        // What is left over at the end is too short to be a stretch of its own.
        self.stretches.retain(|stretch| 2 * stretch.gaps.len() as u64 > self.length);
        Arrivals {
            stretches: self.stretches,
            counts: self.counts,
            width: self.width,
            requests: self.requests,
            span: self.span,
            cell: if self.spread {
                1.0
            } else {
                (self.tick as f64).clamp(1.0, 0.1 * (self.span as f64 / self.requests.max(1) as f64).max(10.0))
            },
            dispersion: self.dispersion.each_ref().map(Dispersion::index),
            gap_cv: self.moments.variation(),
            spread: self.spread,
        }
    }
}
