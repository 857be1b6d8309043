//! Looks at the stamps as they come: steps backwards, clocks that were set, units that change.

use super::Report;

/// A clock that was set back stays back: so many requests in a row, this far behind.
const IN_A_ROW: u64 = 100;
const HOUR: u64 = 3_600_000_000_000;

/// Gaps whose median is compared with that of those before.
const BLOCK: usize = 512;

/// How much the median has to change to be a unit: less than the thousand that it is, since stamps of whole seconds may have been spread.
const UNIT: u64 = 500;

/// Warnings of each kind, at most.
const MOST: usize = 3;

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Watch {
    report: Report,
    number: u64,
    last: Option<i64>,
    greatest: i64,
    /// Requests in a row that are far behind, and how far the first of them is.
    behind: u64,
    behind_by: u64,
    clock_warnings: usize,
    gaps: Vec<u64>,
    /// The median of the block before, and one that differs from it and waits to be confirmed by the next, with the request where it began.
    median: Option<u64>,
    changed: Option<(u64, u64)>,
    unit_warnings: usize,
}

impl Watch {
    pub(super) fn file_begins(&mut self) {
        self.end_of_row();
        self.last = None;
        self.gaps.clear();
        self.median = None;
        self.changed = None;
    }

    #[inline]
    pub(super) fn see(&mut self, at: i64, tick: u32) {
        self.number += 1;
        let Some(last) = self.last.replace(at) else {
            self.greatest = at;
            return;
        };
        let gap = at.abs_diff(last);
        if at < last {
            self.report.backwards += 1;
            self.report.greatest_ns = self.report.greatest_ns.max(gap);
        }
        self.far_behind(at);
        // What lies within a tick is not told apart.
        self.gaps.push(gap.max(u64::from(tick)));
        if self.gaps.len() == BLOCK {
            self.block();
        }
    }

    #[inline]
    fn far_behind(&mut self, at: i64) {
        let by = self.greatest.abs_diff(at);
        if at < self.greatest && by >= HOUR {
            self.behind += 1;
            if self.behind == 1 {
                self.behind_by = by;
            }
            if self.behind == IN_A_ROW {
                // From here on it is the clock that counts.
                self.greatest = at;
                self.warn_of_clock();
                self.behind = 0;
            }
        } else {
            self.behind = 0;
            self.greatest = self.greatest.max(at);
        }
    }

    fn end_of_row(&mut self) {
        self.behind = 0;
    }

    fn warn_of_clock(&mut self) {
        self.clock_warnings += 1;
        if self.clock_warnings <= MOST {
            let (from, seconds) = (self.number + 1 - IN_A_ROW, self.behind_by / 1_000_000_000);
            self.report.warnings.push(format!(
                "from request {from} on the stamps are {seconds} s back and stay so: a clock that was set, a change of the zone, or several logs in one file"
            ));
        }
    }

    fn block(&mut self) {
        let middle = self.gaps.len() / 2;
        let median = *self.gaps.select_nth_unstable(middle).1;
        self.gaps.clear();
        let differs = |a: u64, b: u64| a.max(b) / a.min(b).max(1) >= UNIT;
        match (self.median, self.changed) {
            (Some(before), None) if differs(before, median) => {
                self.changed = Some((median, self.number + 1 - BLOCK as u64));
                return;
            }
            (Some(before), Some((new, from))) if differs(before, median) && !differs(new, median) => {
                self.warn_of_unit(before, median, from)
            }
            _ => {}
        }
        self.changed = None;
        self.median = Some(median);
    }

    fn warn_of_unit(&mut self, before: u64, after: u64, from: u64) {
        self.unit_warnings += 1;
        if self.unit_warnings <= MOST {
            let (factor, how) = if after > before { (after / before.max(1), "longer") } else { (before / after.max(1), "shorter") };
            self.report.warnings.push(format!(
                "from about request {from} on the median gap between requests is {factor} times {how}: does the unit of the stamps change there?"
            ));
        }
    }

    pub(super) fn finish(self) -> Report {
        self.report
    }
}
