//! A table of sums by time: equal bins that get coarser where there would be too many.
//!
//! A row is a bin, a column is something that is added up. Where there would be more bins than asked for, each two become one, so that a run of any length has its place
//! and its cost; what was added is never lost.

/// A table of bins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bins {
    width: u64,
    columns: usize,
    most: usize,
    /// Row after row.
    cells: Vec<u64>,
    /// The latest bin that was asked for, which is nearly always the next that is: where it begins in time and in the table, and how long it is; 0 before any.
    from: u64,
    place: usize,
    reach: u64,
}

impl Bins {
    /// An empty table of bins so wide (in nanoseconds, at least 1), and at most so many of them.
    pub(super) fn new(width: u64, columns: usize, most: usize) -> Self {
        Self { width: width.max(1), columns, most: most.max(2), cells: Vec::new(), from: 0, place: 0, reach: 0 }
    }

    /// How wide a bin is, in nanoseconds.
    pub(super) fn width(&self) -> u64 {
        self.width
    }

    /// How many bins there are.
    pub(super) fn len(&self) -> usize {
        self.cells.len() / self.columns.max(1)
    }

    /// The row of an instant.
    #[inline]
    pub(super) fn row(&mut self, at: u64) -> &mut [u64] {
        let place = self.place_of(at);
        &mut self.cells[place..place + self.columns]
    }

    /// One cell of the row of an instant.
    #[inline]
    pub(super) fn cell(&mut self, at: u64, column: usize) -> &mut u64 {
        let place = self.place_of(at);
        &mut self.cells[place + column]
    }

    /// Where the row of an instant begins.
    #[inline(always)]
    fn place_of(&mut self, at: u64) -> usize {
        if at.wrapping_sub(self.from) < self.reach { self.place } else { self.find(at) }
    }

    #[cold]
    #[inline(never)]
    fn find(&mut self, at: u64) -> usize {
        while at / self.width >= self.most as u64 {
            self.fold();
        }
        let bin = at / self.width;
        let place = bin as usize * self.columns;
        if place >= self.cells.len() {
            self.cells.resize(place + self.columns, 0);
        }
        if at >= self.from {
            (self.from, self.place, self.reach) = (bin * self.width, place, self.width);
        }
        place
    }

    /// Each two bins become one.
    pub(super) fn fold(&mut self) {
        let columns = self.columns;
        let joined = self.cells.chunks(2 * columns).flat_map(|pair| {
            let (one, other) = pair.split_at(columns);
            (0..columns).map(move |at| one[at].saturating_add(*other.get(at).unwrap_or(&0)))
        });
        self.cells = joined.collect();
        self.width = self.width.saturating_mul(2);
        (self.from, self.reach) = (0, 0);
    }

    /// Folds until bins are at least so wide.
    pub(super) fn widen(&mut self, width: u64) {
        while self.width < width {
            self.fold();
        }
    }

    /// Adds another table of the same columns, whose bins are as wide or wider or narrower by powers of two.
    pub(super) fn add(&mut self, mut other: Self) {
        self.widen(other.width);
        other.widen(self.width);
        if self.cells.len() < other.cells.len() {
            std::mem::swap(&mut self.cells, &mut other.cells);
            (self.from, self.reach) = (0, 0);
        }
        self.cells.iter_mut().zip(&other.cells).for_each(|(mine, theirs)| *mine = mine.saturating_add(*theirs));
    }

    /// A row by its number; nothing where there is none.
    pub(super) fn get(&self, bin: usize) -> Option<&[u64]> {
        self.cells.get(bin * self.columns..(bin + 1) * self.columns)
    }

    /// The last bin becomes part of the one before.
    pub(super) fn join_last(&mut self) {
        let Some(before) = self.len().checked_sub(2) else { return };
        let last = self.cells.split_off((before + 1) * self.columns);
        self.cells[before * self.columns..].iter_mut().zip(last).for_each(|(mine, theirs)| *mine = mine.saturating_add(theirs));
        (self.from, self.reach) = (0, 0);
    }
}

/// The next 1, 2 or 5 times a power of ten.
pub(super) fn nice(wanted: f64) -> u64 {
    let powers = (0..18).map(|power| 10_u64.pow(power));
    powers.flat_map(|ten| [ten, 2 * ten, 5 * ten]).find(|&nice| nice as f64 >= wanted).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_nice_numbers() {
        assert_eq!([0.0, 1.0, 1.5, 3.0, 7.0, 1.2e9].map(nice), [1, 1, 2, 5, 10, 2_000_000_000]);
    }

    fn filled(width: u64, instants: impl Iterator<Item = u64>) -> Bins {
        let mut bins = Bins::new(width, 2, 10);
        for at in instants {
            let row = bins.row(at);
            row[0] += 1;
            row[1] += at;
        }
        bins
    }

    #[test]
    fn the_order_of_instants_makes_no_difference() {
        let (up, down) = (filled(10, 0..100), filled(10, (0..100).rev()));
        assert!((0..10).all(|bin| up.get(bin) == down.get(bin)) && up.get(3) == Some(&[10, 345]) && up.get(10).is_none());
        let mixed = filled(10, (0..100).map(|at| at * 37 % 100));
        assert_eq!((mixed.get(3), mixed.len()), (Some(&[10, 345][..]), 10));
    }

    #[test]
    fn tables_of_different_widths_add_up() {
        let (short, long) = (filled(10, 0..100), filled(10, 0..250));
        assert_eq!((long.width(), long.len()), (40, 7));
        for (mut one, other) in [(short.clone(), long.clone()), (long, short)] {
            one.add(other);
            assert_eq!((one.width(), one.len()), (40, 7));
            assert_eq!((one.get(0), one.get(6)), (Some(&[80, 1560][..]), Some(&[10, 2445][..])));
            assert_eq!((0..7).filter_map(|bin| one.get(bin)).map(|row| row[0]).sum::<u64>(), 350);
            one.join_last();
            assert_eq!((one.len(), one.get(5).map(|row| row[0])), (6, Some(50)));
        }
    }
}
