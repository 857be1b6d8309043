//! Sticky: a client stays with the backend that another balancer chose for it at first.
//!
//! **Rule.** A client (or a key) that is known goes where it went before, while that backend is eligible. One that is new, or whose backend is gone, is chosen for by the
//! other `balancer`, and that is remembered. The memory has `remembers` places, in sets of four: a full set forgets who was seen least recently.
//! **Cost.** O(1), and the inner balancer's for new ones. **Who ships it.** Cookies of every proxy (nginx Plus, HAProxy, Traefik, load balancers of clouds), with the cookie as
//! the memory. **Where it shines.** Sessions kept in a backend's memory. **Where it fails.** Old clients stay where they are when backends join, and heavy
//! clients stay together.

use super::keyed::By;
use super::known::Known;
use super::{BackendId, Balancer, Change, Completion, Ctx, Law, Listed, Listens, Pick, Pool, Release, Report, Request, inner};
use crate::catalogue::{Entry, Kind, Parameter, Values};

const LIKE_INNER: &str = "as the inner balancer does, for new clients";

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "sticky",
        summary: "another balancer's choice, kept for each client",
        text: "A client goes where it went before while that backend is eligible; for a new one another balancer chooses. O(1) per pick. The least recently \
               seen are forgotten beyond about `remembers` clients.",
        parameters: &[
            Parameter::with_default("by", Kind::Choice(&["client", "key"]), "client", "what is recognised: the client's address, or the request's key"),
            Parameter::with_default("balancer", Kind::Balancer, "least-connections", "who chooses for new ones"),
            Parameter::with_default("remembers", Kind::Whole(4, 100_000_000), "100000", "how many it can recognise, 24 bytes each"),
        ],
        reference: "",
    },
    |values| Box::new(Sticky::new(values)),
)
.by_key()
.breaks(&[
    (Law::ZeroWeight, LIKE_INNER),
    (Law::Weights, LIKE_INNER),
    (Law::OnlyOwnKeysMove, "who had to move stays where it went when its old backend comes back"),
    (Law::AnswersAtOnce, LIKE_INNER),
]);

#[derive(Debug)]
struct Sticky {
    by: By,
    inner: Box<dyn Balancer>,
    known: Known<BackendId>,
}

impl Sticky {
    fn new(values: &Values) -> Self {
        Self { by: By::of(values), inner: inner(values, "balancer"), known: Known::new(values.whole("remembers") as usize) }
    }
}

impl Balancer for Sticky {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        // Cookies outlive a configuration.
        self.inner.members(pool, ctx);
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.inner.changed(backend, change, pool, ctx);
    }

    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let hash = self.by.hash(request, ctx);
        if let Some(backend) = self.known.recall(hash).copied().filter(|&backend| pool.is_eligible(backend)) {
            return Pick::Backend(backend);
        }
        let pick = self.inner.pick(request, pool, ctx);
        if let Pick::Backend(backend) = pick {
            self.known.remember(hash, backend);
        }
        pick
    }

    fn release(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) -> Release {
        self.inner.release(pool, ctx)
    }

    fn listens(&self) -> Listens {
        self.inner.listens()
    }

    fn counted(&mut self, backend: BackendId, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.inner.counted(backend, pool, ctx);
    }

    fn recounted(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.inner.recounted(pool, ctx);
    }

    fn reported(&mut self, backend: BackendId, report: &Report, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.inner.reported(backend, report, pool, ctx);
    }

    fn probes(&mut self, pool: &Pool, ctx: &mut Ctx<'_>, probe: &mut dyn FnMut(BackendId)) {
        self.inner.probes(pool, ctx, probe);
    }

    fn started(&mut self, request: &Request<'_>, backend: BackendId, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.inner.started(request, backend, pool, ctx);
    }

    fn finished(&mut self, completion: &Completion, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.inner.finished(completion, pool, ctx);
    }

    fn retries(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> bool {
        self.inner.retries(request, pool, ctx)
    }

    fn refusal(&self) -> u16 {
        self.inner.refusal()
    }

    fn ended(&mut self, request: u64) {
        self.inner.ended(request);
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }

    fn sees(&self) -> super::Sees {
        self.inner.sees()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::super::{State, build};
    use super::*;

    fn bench(remembers: usize, weights: &[f64]) -> Bench {
        let inner = build("round-robin", &Values::default()).expect("it is in the catalogue");
        Bench::new(Box::new(Sticky { by: By::Key, inner, known: Known::new(remembers) }), weights)
    }

    #[test]
    fn who_is_known_goes_where_it_went() {
        let mut bench = bench(100, &[1.0; 3]);
        let [a, b, c] = [1, 2, 3].map(|key| bench.pick_key(key));
        assert!(a != b && b != c && c != a);
        assert_eq!([3, 2, 1, 1].map(|key| bench.pick_key(key)), [c, b, a, a]);
        bench.pool.set_state(BackendId(0), State::Down);
        bench.renew();
        assert!([1, 2, 3].map(|key| bench.pick_key(key)).iter().all(|pick| *pick != Pick::Backend(BackendId(0))));
    }

    #[test]
    fn who_was_seen_least_recently_is_forgotten() {
        let mut bench = bench(4, &[1.0; 9]);
        let first = bench.pick_key(0);
        (1..4).for_each(|key| _ = bench.pick_key(key));
        assert_eq!(bench.pick_key(0), first);
        let second = bench.pick_key(1);
        // Four more push out 2, 3 and then 0; 1 was seen after 0.
        (5..8).for_each(|key| _ = bench.pick_key(key));
        assert_eq!(bench.pick_key(1), second);
        assert_ne!(bench.pick_key(0), first);
    }
}
