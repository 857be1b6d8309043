//! How Envoy spreads traffic over priorities, and when it panics.
//!
//! **Rule.** A priority is as available as its healthy share, times an overprovisioning factor of 1.4, up to 100%: it spills over only when
//! more than two in seven are unhealthy. Traffic fills priorities in order, first their healthy backends, then the degraded ones. Whole
//! percents, rounded down; what rounding leaves goes to the first that has anybody healthy. **Panic.** Where all priorities together are not
//! fully available, a priority with less than the threshold (50%) eligible ignores health: when most look dead, the health checks are more
//! likely wrong, and the few left would be crushed. If all panic, traffic follows the number of backends.

/// How many backends of a priority are in which state; in weights, where health is weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// All of them.
    pub all: f64,
    /// Healthy ones.
    pub healthy: f64,
    /// Degraded ones: used when the healthy ones do not suffice.
    pub degraded: f64,
    /// Those that do not count, such as those not warmed up yet.
    pub excluded: f64,
}

impl Counts {
    fn counted(self) -> f64 {
        (self.all - self.excluded).max(0.0)
    }

    /// `factor` percent of the share that `part` is of all that count, in whole percents, at most 100.
    fn percent(self, part: f64, factor: f64) -> u32 {
        match self.counted() {
            0.0 => 0,
            counted => (factor * part / counted).min(100.0) as u32,
        }
    }

    /// Whether less than `threshold` percent can be used: a matter of this priority alone.
    #[must_use]
    pub fn is_below(self, threshold: f64) -> bool {
        let counted = self.counted();
        let share = |part: f64| if counted == 0.0 { 0.0 } else { 100.0 * part / counted };
        share(self.healthy) + share(self.degraded) < threshold
    }
}

/// One priority, as its load is worked out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Priority {
    /// How many backends are in which state.
    pub counts: Counts,
    /// The same in weights, where availability goes by weight.
    pub weights: Option<Counts>,
    /// In percent: 140 lets 5 of 7 carry everything.
    pub overprovisioning: f64,
}

/// Which backends of a priority a pick is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// The healthy ones.
    Healthy,
    /// The degraded ones.
    Degraded,
}

/// What each priority gets, in percent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loads {
    /// For its healthy backends.
    pub healthy: Vec<u32>,
    /// For its degraded backends.
    pub degraded: Vec<u32>,
    /// Whether it ignores health.
    pub panic: Vec<bool>,
    /// How available its healthy backends make it.
    pub health: Vec<u32>,
    /// How available its degraded backends make it.
    pub degraded_health: Vec<u32>,
}

impl Loads {
    /// What priorities with these backends get. A threshold of 0 is no panic.
    #[must_use]
    pub fn new(priorities: &[Priority], panic_threshold: f64) -> Self {
        let measure = |priority: &Priority| priority.weights.unwrap_or(priority.counts);
        let percent = |part: fn(Counts) -> f64| {
            move |priority: &Priority| measure(priority).percent(part(measure(priority)), priority.overprovisioning)
        };
        let mut loads = Self {
            healthy: vec![0; priorities.len()],
            degraded: vec![0; priorities.len()],
            panic: vec![false; priorities.len()],
            health: priorities.iter().map(percent(|counts| counts.healthy)).collect(),
            degraded_health: priorities.iter().map(percent(|counts| counts.degraded)).collect(),
        };
        let available = loads.health.iter().chain(&loads.degraded_health).sum::<u32>().min(100);
        loads.spread(available);
        loads.panic(priorities, panic_threshold.min(100.0), available);
        loads
    }

    fn spread(&mut self, available: u32) {
        if available == 0 {
            return;
        }
        let mut left = 100;
        for (loads, health) in [(&mut self.healthy, &self.health), (&mut self.degraded, &self.degraded_health)] {
            for (load, health) in loads.iter_mut().zip(health) {
                *load = left.min(health * 100 / available);
                left -= *load;
            }
        }
        let first = |health: &[u32]| health.iter().position(|&health| health > 0);
        match (first(&self.health), first(&self.degraded_health)) {
            (Some(at), _) => self.healthy[at] += left,
            (None, Some(at)) => self.degraded[at] += left,
            (None, None) => {}
        }
    }

    fn panic(&mut self, priorities: &[Priority], threshold: f64, available: u32) {
        if priorities.is_empty() {
            return;
        }
        if threshold <= 0.0 && available == 0 {
            self.healthy[0] = 100;
            return;
        }
        for (panic, priority) in self.panic.iter_mut().zip(priorities) {
            *panic = available < 100 && priority.counts.is_below(threshold);
        }
        if !self.panic.iter().all(|&panic| panic) {
            return;
        }
        let all = priorities.iter().map(|priority| priority.counts.all).sum::<f64>();
        self.degraded.fill(0);
        self.healthy.fill(0);
        if all == 0.0 {
            self.healthy[0] = 100;
            return;
        }
        for (load, priority) in self.healthy.iter_mut().zip(priorities) {
            *load = (100.0 * priority.counts.all / all) as u32;
        }
        let left = 100 - self.healthy.iter().sum::<u32>();
        let first = priorities.iter().position(|priority| priority.counts.all > 0.0).expect("the sum of their counts is above zero");
        self.healthy[first] += left;
    }

    /// Which priority a hash belongs to, and which backends of it: hash modulo 100 plus 1 is looked up in the loads, one after the other.
    #[inline]
    #[must_use]
    pub fn choose(&self, hash: u64) -> Option<(usize, Availability)> {
        choose(&self.healthy, &self.degraded, hash)
    }
}

/// The same, of loads alone.
#[inline]
#[must_use]
pub fn choose(healthy: &[u32], degraded: &[u32], hash: u64) -> Option<(usize, Availability)> {
    let percent = (hash % 100) as u32 + 1;
    let mut so_far = 0;
    for (loads, availability) in [(healthy, Availability::Healthy), (degraded, Availability::Degraded)] {
        for (priority, load) in loads.iter().enumerate() {
            so_far += load;
            if percent <= so_far {
                return Some((priority, availability));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(counts: &[(u8, u8, u8)]) -> Loads {
        let priority = |&(all, healthy, degraded): &(u8, u8, u8)| Priority {
            counts: Counts { all: all.into(), healthy: healthy.into(), degraded: degraded.into(), excluded: 0.0 },
            weights: None,
            overprovisioning: 140.0,
        };
        Loads::new(&counts.iter().map(priority).collect::<Vec<_>>(), 50.0)
    }

    #[test]
    fn a_priority_spills_over_when_it_is_less_than_fully_available() {
        assert_eq!(loads(&[(2, 1, 0), (2, 1, 0)]).healthy, [70, 30]);
        assert_eq!(loads(&[(4, 1, 0), (2, 2, 0)]).healthy, [35, 65]);
        let degraded = loads(&[(5, 0, 1), (5, 0, 5), (5, 1, 0)]);
        assert_eq!((degraded.healthy, degraded.degraded), (vec![0, 0, 28], vec![28, 44, 0]));
    }

    #[test]
    fn with_too_few_everybody_panics() {
        let few = loads(&[(5, 1, 0), (5, 1, 0), (5, 1, 0)]);
        assert_eq!((few.healthy, few.panic), (vec![34, 33, 33], vec![true; 3]));
    }

    #[test]
    fn a_hash_is_looked_up_in_the_loads() {
        assert_eq!(choose(&[70, 30], &[0, 0], 69), Some((0, Availability::Healthy)));
        assert_eq!(choose(&[70, 30], &[0, 0], 170), Some((1, Availability::Healthy)));
        assert_eq!(choose(&[0], &[100], 5), Some((0, Availability::Degraded)));
        assert_eq!(choose(&[], &[], 5), None);
    }
}
