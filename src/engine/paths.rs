//! Where the time of a request went, service by service.
//!
//! Of calls made at once only the last to be answered counts: the others took no time that it did not. So the times of all services, one after another, are exactly the latency
//! of the request. Kept by slot, and only where there are several services.

/// Times by slot and service.
#[derive(Debug)]
pub(super) struct Paths {
    services: usize,
    times: Vec<u64>,
}

impl Paths {
    /// For so many services; nothing is kept for one.
    pub(super) fn new(services: usize) -> Self {
        Self { services: if services > 1 { services } else { 0 }, times: Vec::new() }
    }

    /// A slot begins.
    #[inline]
    pub(super) fn begin(&mut self, slot: u32) {
        if self.services > 0 {
            self.clear(slot);
        }
    }

    #[inline(never)]
    fn clear(&mut self, slot: u32) {
        let from = slot as usize * self.services;
        if self.times.len() < from + self.services {
            self.times.resize(from + self.services, 0);
        }
        self.times[from..from + self.services].fill(0);
    }

    /// The times of a slot.
    pub(super) fn of(&self, slot: u32) -> &[u64] {
        let from = slot as usize * self.services;
        &self.times[from..from + self.services]
    }

    /// What a call took is a part of what its caller takes.
    pub(super) fn add(&mut self, slot: u32, call: u32) {
        for service in 0..self.services {
            self.times[slot as usize * self.services + service] += self.times[call as usize * self.services + service];
        }
    }

    /// A request to a service has been answered by an attempt, after so long: what was not spent in calls was spent in that service.
    pub(super) fn answer(&mut self, id: u32, attempt: u32, service: u16, latency: u64) {
        if self.services > 0 {
            self.add(id, attempt);
            let elsewhere: u64 = self.of(attempt).iter().sum();
            self.times[id as usize * self.services + service as usize] += latency.saturating_sub(elsewhere);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_the_whole() {
        let mut paths = Paths::new(3);
        (0..4).for_each(|slot| paths.begin(slot));
        // The call in slot 3 took 30 at service 2; the attempt in slot 1 waited for it, and its request, in slot 0, took 100.
        paths.answer(3, 2, 2, 30);
        paths.add(1, 3);
        paths.answer(0, 1, 0, 100);
        assert_eq!(paths.of(0), [70, 0, 30]);
    }

    #[test]
    fn of_one_service_nothing_is_kept() {
        let mut paths = Paths::new(1);
        paths.begin(7);
        paths.answer(7, 7, 0, 5);
        assert!(paths.of(7).is_empty() && paths.times.is_empty());
    }
}
