//! Balancing by those who find backends: Consul's DNS, Spring Cloud LoadBalancer.
//!
//! **`consul/dns`.** An answer is the healthy instances in random order, at most three over UDP; a client takes the first, which is any of them. **`spring/round-robin`.** A counter
//! from a random start below 1,000, modulo the number of instances; a single instance leaves it alone. **Cost:** O(1). **Where it fails.** A client that keeps a DNS answer keeps its backend; the
//! counter's modulus changes with every instance that comes or goes.

use super::plain::{Turns, Uniform};
use crate::balance::{Law, Listed};
use crate::catalogue::Entry;

pub(in crate::balance) const LISTED: &[&Listed] = &[&CONSUL, &SPRING];

const UNWEIGHTED: &[(Law, &str)] = &[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")];

static CONSUL: Listed = Listed::new(
    Entry {
        name: "consul/dns",
        summary: "the first of Consul's healthy instances in random order",
        text: "Each request asks anew and takes the first answer, which is any healthy instance. O(1) per pick.",
        parameters: &[],
        reference: "HashiCorp Consul, documentation of its DNS interface",
    },
    |_| Box::new(Uniform),
)
.of("Consul")
.approximate("a client asks for every request: no answer is cached, and weights of SRV records are not looked at")
.breaks(UNWEIGHTED);

static SPRING: Listed = Listed::new(
    Entry {
        name: "spring/round-robin",
        summary: "Spring Cloud LoadBalancer's default: a counter from a random start",
        text: "The counter begins below 1,000, is increased before use, and leaves a single instance alone. O(1) per pick.",
        parameters: &[],
        reference: "spring-cloud-commons, RoundRobinLoadBalancer.java",
    },
    |_| Box::new(Turns::new(1_000, true)),
)
.of("Spring Cloud LoadBalancer")
.breaks(UNWEIGHTED);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;

    #[test]
    fn turns_go_round_from_anywhere() {
        let mut bench = Bench::new((SPRING.build)(&crate::catalogue::Values::default()), &[1.0; 3]);
        let picks: Vec<u32> = (0..6).map(|_| bench.pick()).collect();
        assert!(picks.windows(2).all(|two| two[1] == (two[0] + 1) % 3), "{picks:?}");
    }
}
