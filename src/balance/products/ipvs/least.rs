//! IPVS's schedulers that look at everybody and take one extreme.

use super::{Look, Schedule};
use crate::balance::{BackendId, Request};

/// Which extreme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// `lc`: the least connections.
    Connections,
    /// `wlc`: the least connections for its weight.
    Weighted,
    /// `sed`: the least connections for its weight with this one.
    ExpectedDelay,
    /// `nq`: the first idle one, else as `sed`.
    NeverQueue,
    /// `fo`: the heaviest.
    Failover,
    /// `ovf`: the heaviest with no more connections than it weighs.
    Overflow,
}

impl Least {
    /// The load of a destination with so many connections; an inactive one would count 1 to an active one's 256, where inactive ones count.
    const fn overhead(self, connections: u64) -> u64 {
        match self {
            Self::Connections | Self::Weighted => connections * 256,
            Self::ExpectedDelay | Self::NeverQueue => connections + 1,
            Self::Failover | Self::Overflow => 0,
        }
    }

    /// Whether one of this load and weight comes before the best so far. Equals stay behind.
    const fn is_better(self, (load, weight): (u64, u64), (best_load, best_weight): (u64, u64)) -> bool {
        match self {
            Self::Connections => load < best_load,
            Self::Weighted | Self::ExpectedDelay | Self::NeverQueue => {
                best_load as u128 * weight as u128 > load as u128 * best_weight as u128
            }
            Self::Failover | Self::Overflow => weight > best_weight,
        }
    }
}

impl Schedule for Least {
    fn choose(&mut self, _: &Request<'_>, look: &Look<'_>) -> Option<BackendId> {
        extreme(*self, look)
    }
}

/// The best of all, the first on a tie.
pub(super) fn extreme(rule: Least, look: &Look<'_>) -> Option<BackendId> {
    let mut best = None;
    for &backend in look.destinations.all.iter().filter(|&&backend| look.is_available(backend)) {
        let (connections, weight) = (look.connections(backend), look.weight(backend));
        if rule == Least::NeverQueue && connections == 0 {
            return Some(backend);
        }
        if rule == Least::Overflow && connections > weight {
            continue;
        }
        let one = (rule.overhead(connections), weight);
        if best.is_none_or(|(_, best)| rule.is_better(one, best)) {
            best = Some((backend, one));
        }
    }
    best.map(|(backend, _)| backend)
}
