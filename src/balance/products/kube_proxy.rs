//! kube-proxy in iptables mode: a chain of rules, each of which may take the connection.
//!
//! **Rule.** n endpoints are n rules tried in order; the i-th, from 0, takes the connection with probability 1 ÷ (n − i), written with ten decimals, and
//! the last without condition. That is uniform, but for the rounding. **Cost:** O(n), as in the kernel; the simulator draws once and searches the rules' exact
//! shares, O(log n), which is the same. **Where it fails.** It balances connections, and keeps one for all of its requests; give the clients connections.

use crate::balance::{BackendId, Balancer, Ctx, Law, Listed, Pick, Pool, Request};
use crate::catalogue::Entry;

pub(in crate::balance) const LISTED: &[&Listed] = &[&IPTABLES];

/// The probability of a rule among `n`, as it is written; nothing for the last.
#[must_use]
pub fn probability(rule: usize, n: usize) -> Option<String> {
    (rule + 1 < n).then(|| format!("{:.10}", 1.0 / (n - rule) as f64))
}

#[derive(Debug, Default)]
struct Iptables {
    /// Where the rules' shares of all connections end.
    ends: Vec<f64>,
    backends: Vec<BackendId>,
}

impl Balancer for Iptables {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.backends = pool.eligible().to_vec();
        let n = self.backends.len();
        let mut left = 1.0;
        let ends = (0..n).map(|rule| {
            let taken = probability(rule, n).and_then(|written| written.parse().ok()).unwrap_or(1.0);
            left *= 1.0 - taken;
            1.0 - left
        });
        self.ends = ends.collect();
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let draw = ctx.chance.unit();
        self.backends.get(self.ends.partition_point(|&end| end <= draw)).map_or(Pick::None, |&backend| Pick::Backend(backend))
    }
}

static IPTABLES: Listed = Listed::new(
    Entry {
        name: "kube-proxy/iptables",
        summary: "kube-proxy's iptables mode: a chain of rules with probabilities",
        text: "n rules tried in order, the i-th taking the connection with probability 1 ÷ (n − i), written with ten decimals: uniform. O(log n) per pick.",
        parameters: &[],
        reference: "kubernetes, pkg/proxy/iptables/proxier.go",
    },
    |_| Box::new(Iptables::default()),
)
.of("kube-proxy")
.breaks(&[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;

    #[test]
    fn the_chain_is_uniform() {
        assert_eq!([0, 1, 2].map(|rule| probability(rule, 3)), [Some("0.3333333333".into()), Some("0.5000000000".into()), None]);
        let counts = Bench::new(Box::new(Iptables::default()), &[1.0; 3]).split(3, 30_000);
        // Binomial(30000, 1/3): five standard deviations are 408.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 408), "{counts:?}");
    }
}
