//! Balancers of Go frameworks: go-zero, go-kratos, go-micro.

pub mod ewma;
mod go_zero;
mod kratos;

pub use go_zero::{Connection, DECAY_NS};
pub use kratos::{Node, TAU_NS};

use super::plain::{Turns, Uniform};
use crate::balance::{Law, Listed};
use crate::catalogue::Entry;

pub(in crate::balance) const LISTED: &[&Listed] = &[&GO_ZERO, &KRATOS_P2C, &KRATOS_WRR, &KRATOS_RANDOM, &MICRO_RANDOM, &MICRO_ROUND_ROBIN];

const UNWEIGHTED: &[(Law, &str)] = &[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")];

const fn of(name: &'static str, summary: &'static str, text: &'static str, reference: &'static str) -> Entry {
    Entry { name, summary, text, parameters: &[], reference }
}

static GO_ZERO: Listed = Listed::new(
    of(
        "go-zero/p2c",
        "go-zero's p2c: two draws by √latency × requests",
        "Two different backends, drawn again up to three times where one is unhealthy; the less loaded, unless the other was not chosen for a second. Averages fade over \
         10 s. O(1) per pick.",
        "zeromicro/go-zero, zrpc/internal/balancer/p2c/p2c.go",
    ),
    |_| Box::new(go_zero::GoZero::default()),
)
.of("go-zero master (11f21098)")
.breaks(UNWEIGHTED);

static KRATOS_P2C: Listed = Listed::new(
    of(
        "kratos/p2c",
        "go-kratos' default, p2c: two draws by success over latency × requests",
        "Two different backends; the one with more success for its load, unless the other was not picked for 3 s. Averages fade over 0.6 s, and slow requests under way \
         count. O(1) per pick.",
        "go-kratos/kratos, selector/p2c/selector.go, selector/node/ewma/node.go",
    ),
    |_| Box::new(kratos::P2c::default()),
)
.of("Kratos v2 (668db92c)")
.breaks(UNWEIGHTED);

static KRATOS_WRR: Listed = Listed::new(
    of(
        "kratos/wrr",
        "go-kratos' wrr: smooth weighted turns",
        "Every backend gains its weight, the one with most is taken, the earlier on a tie, and pays what all have gained, in doubles. Cost: O(n), as in the product.",
        "go-kratos/kratos, selector/wrr/wrr.go",
    ),
    |_| Box::new(kratos::Wrr::default()),
)
.of("Kratos v2 (668db92c)");

static KRATOS_RANDOM: Listed = Listed::new(
    of(
        "kratos/random",
        "go-kratos' random: uniform",
        "Any of the eligible, whatever it weighs and however busy it is. O(1) per pick.",
        "go-kratos/kratos, selector/random/random.go",
    ),
    |_| Box::new(Uniform),
)
.of("Kratos v2 (668db92c)")
.breaks(UNWEIGHTED);

static MICRO_RANDOM: Listed = Listed::new(
    of(
        "go-micro/random",
        "go-micro's default: uniform",
        "Any of the eligible, whatever it weighs and however busy it is. O(1) per pick.",
        "go-micro, selector/strategy.go",
    ),
    |_| Box::new(Uniform),
)
.of("go-micro")
.breaks(UNWEIGHTED);

static MICRO_ROUND_ROBIN: Listed = Listed::new(
    of(
        "go-micro/round-robin",
        "go-micro's round robin, from a random start",
        "A counter over the eligible that begins anywhere; weights are not looked at. O(1) per pick.",
        "go-micro, selector/strategy.go",
    ),
    |_| Box::new(Turns::new(1 << 31, false)),
)
.of("go-micro")
.approximate("not compared with the product; the counter goes on where go-micro makes a new one for every list")
.breaks(UNWEIGHTED);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;

    #[test]
    fn smooth_turns_are_those_of_nginx() {
        let mut bench = Bench::new(Box::new(kratos::Wrr::default()), &[5.0, 1.0, 1.0]);
        assert_eq!((0..7).map(|_| bench.pick()).collect::<Vec<_>>(), [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn who_was_not_picked_yet_is_forced() {
        for balancer in [Box::new(go_zero::GoZero::default()) as Box<dyn crate::balance::Balancer>, Box::new(kratos::P2c::default())] {
            let mut bench = Bench::new(balancer, &[1.0; 2]);
            let (first, second) = (bench.pick(), bench.pick());
            assert_ne!(first, second);
        }
    }
}
