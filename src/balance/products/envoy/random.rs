//! Envoy's random: one draw for everything.
//!
//! **Rule.** The same 64 random bits choose the priority (modulo 100) and the backend in it (modulo their number), so the two are not
//! independent: with two priorities and a number of backends that divides 100, some backends of a priority get nothing of its traffic. Ignores weights and load.

use super::balancer::{At, Envoy, Fresh, Within};
use super::cluster::{FAIL_ON_PANIC, OVERPROVISIONING, Options, PANIC, Spread};
use super::{BREAKS_UNWEIGHTED, PRODUCT};
use crate::balance::{BackendId, Ctx, Listed, Pool, Request};
use crate::catalogue::Entry;

pub(in crate::balance) static LISTED: Listed = Listed::new(
    Entry {
        name: "envoy/random",
        summary: "Envoy's random: one draw for the priority and for the backend",
        text: "The same 64 random bits modulo 100 choose the priority, and modulo the number of backends the backend. Ignores weights and load. O(1).",
        parameters: &[PANIC, OVERPROVISIONING, FAIL_ON_PANIC],
        reference: "Envoy, source/extensions/load_balancing_policies/random",
    },
    |values| Box::new(Envoy::new(Options::of(values, Spread::Even), Box::new(Random))),
)
.of(PRODUCT)
.breaks(BREAKS_UNWEIGHTED);

#[derive(Debug)]
pub(super) struct Random;

impl Within for Random {
    fn rebuild(&mut self, _: &Fresh<'_>) {}

    #[inline]
    fn pick(&mut self, at: &At<'_>, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Option<BackendId> {
        place(at.draw, at.backends.len()).map(|place| at.backends[place])
    }
}

/// The place among `n` that a draw gives; nobody among none.
#[inline]
#[must_use]
pub fn place(draw: u64, n: usize) -> Option<usize> {
    (n > 0).then(|| (draw % n as u64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_taken_modulo() {
        assert_eq!([place(7, 3), place(7, 0), place(u64::MAX, 10)], [Some(1), None, Some(5)]);
    }
}
