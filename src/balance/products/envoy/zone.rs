//! Envoy's zone aware routing: stay in one's own zone as far as that leaves all backends equally loaded.
//!
//! **Rule.** Compare which share of the callers is in each zone with which share of the healthy backends. If the own zone has backends
//! enough for its callers, all of the traffic stays (*direct*). Otherwise as much of it stays as its backends can carry, and the rest goes to zones in
//! proportion to what they have to spare (*residual*). In ten-thousandths, rounded down. **Where it fails.** It counts callers, not what they send: zones
//! whose callers send unequally overload one zone; and small numbers per zone make shares coarse, so Envoy wants 6 backends in all.

/// Where picks go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routing {
    /// Zones do not matter.
    Off,
    /// All stay in the own zone.
    Direct,
    /// Some stay.
    Residual {
        /// How many in ten thousand stay.
        stay: u64,
        /// What zones have to spare, each zone's added to the ones before it.
        capacity: Vec<u64>,
    },
}

/// Shares of callers and of backends, and what follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zones {
    /// Callers in each zone, in ten-thousandths of all; 0 where the zone has no backend.
    pub callers: Vec<u64>,
    /// Healthy backends in each zone, in ten-thousandths of all.
    pub backends: Vec<u64>,
    /// Where picks go.
    pub routing: Routing,
}

const WHOLE: u64 = 10_000;

impl Zones {
    /// What callers of zone `own` do, with so many callers and healthy backends in each zone.
    #[must_use]
    pub fn new(callers: &[u64], backends: &[u64], own: usize) -> Self {
        let of = |counts: &[u64], zone: usize| counts.get(zone).copied().unwrap_or(0);
        let share = |counts: &[u64], zone: usize| (WHOLE * of(counts, zone)).checked_div(counts.iter().sum()).unwrap_or(0);
        let zones = callers.len().max(backends.len());
        let caller_share = |zone| if of(backends, zone) > 0 { share(callers, zone) } else { 0 };
        let mut all = Self {
            callers: (0..zones).map(caller_share).collect(),
            backends: (0..zones).map(|zone| share(backends, zone)).collect(),
            routing: Routing::Off,
        };
        all.routing = all.route(own);
        if of(callers, own) == 0 || zones < 2 {
            all.routing = Routing::Off;
        }
        all
    }

    fn route(&self, own: usize) -> Routing {
        let (Some(&callers), Some(&backends)) = (self.callers.get(own), self.backends.get(own)) else { return Routing::Off };
        if backends > 0 && backends >= callers {
            return Routing::Direct;
        }
        let mut spare = 0;
        let capacity = (0..self.callers.len()).map(|zone| {
            if zone != own {
                spare += self.backends[zone].saturating_sub(self.callers[zone]);
            }
            spare
        });
        Routing::Residual { capacity: capacity.collect(), stay: (backends * WHOLE).checked_div(callers).unwrap_or(0) }
    }
}

impl Routing {
    /// The zone of a pick; nothing where zones do not matter. Draws once to stay or go, and once more for where.
    #[inline]
    pub fn choose(&self, own: usize, mut draw: impl FnMut() -> u64) -> Option<usize> {
        let (stay, capacity) = match self {
            Self::Off => return None,
            Self::Direct => return Some(own),
            Self::Residual { stay, capacity } => (*stay, capacity),
        };
        if draw() % WHOLE < stay {
            return Some(own);
        }
        let spare = capacity.last().copied().unwrap_or(0);
        if spare == 0 {
            // Rounding has left nothing to spare: any zone.
            return Some((draw() % capacity.len() as u64) as usize);
        }
        let threshold = draw() % spare;
        capacity.iter().position(|&capacity| threshold < capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_own_zone_cannot_carry_goes_where_there_is_room() {
        let zones = Zones::new(&[5, 5], &[3, 7], 0);
        assert_eq!(zones.routing, Routing::Residual { stay: 6000, capacity: vec![0, 2000] });
        let choose = |draws: [u64; 2]| {
            let mut draws = draws.into_iter();
            zones.routing.choose(0, || draws.next().expect("two"))
        };
        assert_eq!([choose([5999, 0]), choose([6000, 0]), choose([19_999, 1999])], [Some(0), Some(1), Some(1)]);
    }

    #[test]
    fn enough_backends_at_home_keep_all_traffic() {
        assert_eq!(Zones::new(&[1, 1], &[9, 1], 0).routing, Routing::Direct);
        assert_eq!(Zones::new(&[0, 1], &[9, 1], 0).routing, Routing::Off);
        assert_eq!(Zones::new(&[1], &[9], 0).routing, Routing::Off);
    }
}
