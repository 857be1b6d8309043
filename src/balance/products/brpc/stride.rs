//! brpc's `wrr`: strides over servers laid end to end.
//!
//! **Rule.** Servers are laid on a ring, each as long as it weighs. Each pick goes on by the same stride, a prime that divides the ring into no equal parts, and
//! takes the server reached: every unit of the ring is reached once in a round, and neighbours are far apart. **Cost:** O(log n). **Where it fails.** It is as
//! smooth as the stride happens to be.

use crate::balance::maglev::is_prime;
use crate::balance::products::whole;
use crate::balance::{BackendId, Balancer, Ctx, Pick, Pool, Request};

/// The first prime that is at least the average weight and has no divisor in common with the total; modulo the total where it is longer.
#[must_use]
pub fn stride(total: u64, servers: u64) -> u64 {
    if total == 0 {
        return 0;
    }
    let from = total.checked_div(servers).unwrap_or(0).max(2);
    let mut candidates = (from..).filter(|&candidate| is_prime(candidate) && !total.is_multiple_of(candidate));
    candidates.next().map_or(1, |prime| prime % total)
}

/// The walk.
#[derive(Debug, Default)]
pub(super) struct Stride {
    backends: Vec<BackendId>,
    /// Where each server ends.
    ends: Vec<u64>,
    stride: u64,
    at: u64,
}

impl Balancer for Stride {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.backends = pool.eligible().iter().copied().filter(|&backend| whole(pool.weight(backend)) > 0).collect();
        let mut total = 0;
        self.ends.clear();
        for &backend in &self.backends {
            total += u64::from(whole(pool.weight(backend)));
            self.ends.push(total);
        }
        self.stride = stride(total, self.backends.len() as u64);
        self.at = ctx.chance.below(total);
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Pick {
        let Some(&total) = self.ends.last() else { return Pick::None };
        self.at = (self.at + self.stride) % total;
        let place = self.ends.partition_point(|&end| end <= self.at);
        Pick::Backend(self.backends[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;

    #[test]
    fn a_round_has_exactly_the_weights() {
        for weights in [&[5.0, 1.0, 1.0][..], &[3.0, 2.0], &[1.0], &[7.0, 11.0, 13.0, 2.0]] {
            let total = weights.iter().sum::<f64>() as usize;
            let counts = Bench::new(Box::new(Stride::default()), weights).split(weights.len(), total);
            assert!(counts.iter().zip(weights).all(|(&count, &weight)| f64::from(count) == weight), "{counts:?} for {weights:?}");
        }
    }
}
