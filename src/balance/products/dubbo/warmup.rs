//! Dubbo's warm-up: a provider that has just started gets its weight little by little.

use crate::balance::products::whole;
use crate::balance::{BackendId, Pool};
use crate::time::{SimTime, Span};

/// What a provider of this weight weighs when it has been up for so long: `uptime ÷ (warmup ÷ weight)` in single precision, at least 1, while the uptime is
/// above 0 and below the warm-up; 1 where its clock is ahead.
#[must_use]
pub fn warmup_weight(weight: u32, uptime_ms: i64, warmup_ms: i64) -> u32 {
    match uptime_ms {
        ..0 => 1,
        _ if uptime_ms == 0 || uptime_ms >= warmup_ms => weight,
        _ => ((uptime_ms as f32 / (warmup_ms as f32 / weight as f32)) as u32).clamp(1, weight.max(1)),
    }
}

/// Since when providers are up, and what they weigh.
#[derive(Clone, Debug, Default)]
pub(super) struct Weights {
    pub(super) warmup: Span,
    /// By backend; `None`: since long ago.
    since: Vec<Option<SimTime>>,
}

impl Weights {
    pub(super) fn of(warmup: Span) -> Self {
        Self { warmup, since: Vec::new() }
    }

    /// Everybody has been up for long.
    pub(super) fn rebuild(&mut self, pool: &Pool) {
        self.since = vec![None; pool.len()];
    }

    /// A provider has started now.
    pub(super) fn started(&mut self, backend: BackendId, pool: &Pool, now: SimTime) {
        self.since.resize(pool.len(), None);
        self.since[backend.index()] = Some(now);
    }

    pub(super) fn weight(&self, backend: BackendId, pool: &Pool, now: SimTime) -> u32 {
        let weight = whole(pool.weight(backend));
        match self.since.get(backend.index()).copied().flatten() {
            Some(since) if weight > 0 => {
                let ms = |span: Span| (span.0 / 1_000_000) as i64;
                warmup_weight(weight, ms(now.since(since)), ms(self.warmup))
            }
            _ => weight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::warmup_weight;

    #[test]
    fn a_tenth_of_the_time_is_a_tenth_of_the_weight() {
        assert_eq!([-1, 0, 1, 60_000, 599_999, 600_000].map(|ms| warmup_weight(100, ms, 600_000)), [1, 100, 1, 10, 99, 100]);
    }
}
