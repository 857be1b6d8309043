//! A backend's books, as whoever measures or judges sees them.

/// A backend's sums since the start of the run.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// ∫ attempts in flight, in nanoseconds.
    pub flight_area: u128,
    /// ∫ busy workers, in nanoseconds: work done. A worker that is kept by an attempt whose own work is done counts as busy; while a backend is paused,
    /// nobody does.
    pub busy_area: u128,
    /// The most in flight since maxima were forgotten.
    pub in_flight_max: u32,
    /// In flight now.
    pub in_flight: u32,
    /// Time in flight of all attempts that ended, modulo 2^64.
    pub sojourn: u64,
    /// Service of all attempts taken, modulo 2^64: without what was never served because they were given up, lost or shed; as long as it takes at the speed
    /// at which it was served; with the time for which workers were kept.
    pub work: u64,
    /// Service not done yet, at the present speed.
    pub backlog: u64,
    /// The backlog above which it may be overloaded.
    pub backlog_limit: u64,
    /// When it was last below that.
    pub last_below: u64,
    /// How many it serves at once; `u32::MAX` is unlimited.
    pub workers: u32,
    /// By how many nanoseconds `work` and `busy_area` may differ once nobody is there: 0 except with processor sharing, where instants are rounded to whole
    /// nanoseconds while shares are not, by less than one for each time that somebody comes or goes or the speed changes.
    pub slack: u64,
}
