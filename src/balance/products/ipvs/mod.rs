//! Linux IPVS: the schedulers of the kernel's own balancer (`net/netfilter/ipvs`), which balance connections; here, requests.
//!
//! A policy here is a `Schedule` inside `Ipvs`. Destinations stand in the order in which they were added. Weight 0 means quiesced: no new
//! connections; who is not up is quiesced, as keepalived does with `inhibit_on_failure`. A member's `max_in_flight` is `u_threshold`: at so many
//! connections a destination is overloaded, until it has less than three quarters of them. Inactive connections are not simulated. Every scheduler but
//! the hashes scans all destinations: O(n), as in the product.

mod hashed;
mod lblc;
mod least;
mod turns;

pub use hashed::{MaglevTable, SH_BUCKETS, sh_bucket};
pub use least::Least;

use super::whole;
use crate::balance::{BackendId, Balancer, Change, Ctx, Law, Listed, Listens, Pick, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter};
use crate::time::SimTime;
use std::fmt::Debug;

/// The destinations of a service.
#[derive(Debug, Default)]
struct Destinations {
    all: Vec<BackendId>,
    /// By backend: over the threshold, and not yet well below it.
    overloaded: Vec<bool>,
}

/// A service at the instant of a pick.
#[derive(Clone, Copy, Debug)]
struct Look<'a> {
    destinations: &'a Destinations,
    pool: &'a Pool,
    now: SimTime,
}

impl Look<'_> {
    /// What a destination weighs; 0 where it is quiesced.
    fn weight(&self, backend: BackendId) -> u64 {
        if self.pool.is_eligible(backend) { u64::from(whole(self.pool.weight(backend))) } else { 0 }
    }

    fn connections(&self, backend: BackendId) -> u64 {
        u64::from(self.pool.in_flight(backend))
    }

    /// Whether it may have a new connection.
    fn is_available(&self, backend: BackendId) -> bool {
        !self.destinations.overloaded[backend.index()] && self.weight(backend) > 0
    }
}

/// How a destination is chosen.
trait Schedule: Debug + Send {
    /// A destination has come, gone, or changed its weight.
    fn rebuild(&mut self, _look: &Look<'_>) {}

    /// Chooses.
    fn choose(&mut self, request: &Request<'_>, look: &Look<'_>) -> Option<BackendId>;
}

#[derive(Debug, Default)]
struct Ipvs<S> {
    scheduler: S,
    destinations: Destinations,
}

impl<S: Schedule> Ipvs<S> {
    fn of(scheduler: S) -> Self {
        Self { scheduler, destinations: Destinations::default() }
    }

    fn rebuild(&mut self, pool: &Pool, now: SimTime) {
        self.destinations.all = pool.present().collect();
        self.destinations.overloaded.resize(pool.len(), false);
        (0..pool.len()).for_each(|at| self.count(BackendId(at as u32), pool));
        self.scheduler.rebuild(&Look { destinations: &self.destinations, pool, now });
    }

    /// Over the threshold, or below three quarters of it.
    fn count(&mut self, backend: BackendId, pool: &Pool) {
        let connections = u64::from(pool.in_flight(backend));
        let is_overloaded = &mut self.destinations.overloaded[backend.index()];
        match pool.member(backend).max_in_flight.map(u64::from) {
            Some(most) if connections >= most => *is_overloaded = true,
            Some(most) if connections * 4 >= most * 3 => {}
            _ => *is_overloaded = false,
        }
    }
}

impl<S: Schedule> Balancer for Ipvs<S> {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.destinations.overloaded.clear();
        self.rebuild(pool, ctx.now);
    }

    fn changed(&mut self, _: BackendId, _: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.rebuild(pool, ctx.now);
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let look = Look { destinations: &self.destinations, pool, now: ctx.now };
        self.scheduler.choose(request, &look).map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        Listens::COUNTS
    }

    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        self.count(backend, pool);
    }

    fn recounted(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        (0..pool.len()).for_each(|at| self.count(BackendId(at as u32), pool));
    }
}

pub(in crate::balance) const LISTED: &[&Listed] = &[&RR, &WRR, &LC, &WLC, &SED, &NQ, &OVF, &FO, &SH, &MH, &LBLC];

const PRODUCT: &str = "Linux IPVS";

const fn listed(entry: Entry, build: fn(&crate::catalogue::Values) -> Box<dyn Balancer>) -> Listed {
    Listed::new(entry, build).of(PRODUCT).whole_weights(0, 1_000_000)
}

const FALLBACK: Parameter = Parameter::with_default(
    "fallback",
    Kind::Bool,
    "false",
    "look elsewhere where the destination is not available (`sh-fallback`, `mh-fallback`); IPVS by itself refuses",
);

static RR: Listed = listed(
    Entry::new(
        "ipvs/rr",
        "IPVS's rr: the next destination after the last, whatever it weighs",
        "In the order in which they were added, going round, past who is quiesced or overloaded. Weights count only as zero or not. Cost: O(n), as in the \
         product, where many are passed.",
        &[],
        "Linux, net/netfilter/ipvs/ip_vs_rr.c",
    ),
    |_| Box::new(Ipvs::of(turns::Rr::default())),
)
.breaks(&[(Law::Weights, "weights count only as zero or not")]);

static WRR: Listed = listed(
    Entry::new(
        "ipvs/wrr",
        "IPVS's wrr: rounds of falling weight, the heaviest first",
        "In each round those of at least the current weight take a turn; the current weight then falls by what the weights have in common. Not smooth: 5, 1, 1 \
         gives a a a a a b c. Cost: O(n), as in the product.",
        &[],
        "Linux, net/netfilter/ipvs/ip_vs_wrr.c",
    ),
    |_| Box::new(Ipvs::of(turns::Wrr::default())),
);

static LC: Listed = listed(
    Entry::new(
        "ipvs/lc",
        "IPVS's lc: the least connections, the first on a tie",
        "The least connections, whatever the weights, unless zero. Cost: O(n), as in the product.",
        &[],
        "Linux, net/netfilter/ipvs/ip_vs_lc.c",
    ),
    |_| Box::new(Ipvs::of(Least::Connections)),
)
.breaks(&[(Law::Weights, "weights count only as zero or not, and ties go to the first")]);

const IDLE_TIES: &[(Law, &str)] = &[(Law::Weights, "where all are idle the same one is chosen again and again")];

static WLC: Listed = listed(
    Entry::new(
        "ipvs/wlc",
        "IPVS's default, wlc: the least connections for its weight, the first on a tie",
        "The least connections ÷ weight by cross-multiplication. Where all are idle the first gets every request. Cost: O(n), as in the product.",
        &[],
        "Linux, net/netfilter/ipvs/ip_vs_wlc.c",
    ),
    |_| Box::new(Ipvs::of(Least::Weighted)),
)
.breaks(IDLE_TIES);

static SED: Listed = listed(
    Entry::new(
        "ipvs/sed",
        "IPVS's sed: the shortest expected delay, (connections + 1) ÷ weight",
        "As wlc with this connection counted, so that an idle heavy one comes before an idle light one. The first on a tie. Cost: O(n), as in the product.",
        &[],
        "Linux, net/netfilter/ipvs/ip_vs_sed.c",
    ),
    |_| Box::new(Ipvs::of(Least::ExpectedDelay)),
)
.breaks(IDLE_TIES);

static NQ: Listed = listed(
    Entry::new(
        "ipvs/nq",
        "IPVS's nq: never queue: the first idle one, else the shortest expected delay",
        "The first without connections whatever it weighs, else as sed. Cost: O(n), as in the product.",
        &[],
        "Linux, net/netfilter/ipvs/ip_vs_nq.c",
    ),
    |_| Box::new(Ipvs::of(Least::NeverQueue)),
)
.breaks(IDLE_TIES);

static OVF: Listed = listed(
    Entry::new(
        "ipvs/ovf",
        "IPVS's ovf: overflow: the heaviest with no more connections than it weighs",
        "The heaviest whose connections are at most its weight, the first on a tie: it fills up to weight + 1, then the next. None where all are full. Cost: \
         O(n), as in the product.",
        &[],
        "Linux, net/netfilter/ipvs/ip_vs_ovf.c",
    ),
    |_| Box::new(Ipvs::of(Least::Overflow)),
)
.breaks(&[(Law::Weights, "the heaviest gets all until it is full")]);

static FO: Listed = listed(
    Entry::new(
        "ipvs/fo",
        "IPVS's fo: failover: the heaviest",
        "All to the heaviest that is available, the first on a tie. Cost: O(n), as in the product.",
        &[],
        "Linux, net/netfilter/ipvs/ip_vs_fo.c",
    ),
    |_| Box::new(Ipvs::of(Least::Failover)),
)
.breaks(&[(Law::Weights, "the heaviest gets all")]);

static SH: Listed = listed(
    Entry::new(
        "ipvs/sh",
        "IPVS's sh: by the client's address, in 256 buckets",
        "Destinations fill 256 buckets in turn, as many at a time as they weigh. The address, multiplied, names a bucket; where its destination is not \
         available nobody gets the connection, unless `fallback` looks elsewhere. O(1) per pick.",
        &[
            Parameter::with_default(
                "form",
                Kind::Choice(&["multiplied", "hash-32"]),
                "hash-32",
                "how the address is hashed: by older kernels, or by newer ones with hash_32, the default",
            ),
            FALLBACK,
        ],
        "Linux, net/netfilter/ipvs/ip_vs_sh.c",
    ),
    |values| Box::new(Ipvs::of(hashed::SourceHash::new(values.text("form") == "hash-32", values.bool("fallback")))),
)
.by_key()
.breaks(&[
    (Law::OnlyOwnKeysMove, "the buckets are filled anew, and who is quiesced keeps one"),
    (Law::ZeroWeight, "a quiesced destination keeps a bucket, whose clients nobody serves"),
    (Law::Weights, "256 buckets are shared out in runs of the weights"),
]);

static MH: Listed = listed(
    Entry::new(
        "ipvs/mh",
        "IPVS's mh: by the client's address, in a Maglev table",
        "A Maglev table with keyed SipHash-1-3. It keeps the places of who is quiesced: nobody gets those connections, unless `fallback` looks elsewhere. O(1) per \
         pick, O(table) to fill.",
        &[
            Parameter::with_default(
                "table_size",
                Kind::Choice(&["251", "509", "1021", "2039", "4093", "8191", "16381", "32749", "65521", "131071"]),
                "4093",
                "places of the table; 4093 is the kernel's own (MH_TAB_INDEX 12)",
            ),
            FALLBACK,
        ],
        "Linux, net/netfilter/ipvs/ip_vs_mh.c; D. Eisenbud et al., Maglev (2016)",
    ),
    |values| Box::new(Ipvs::of(hashed::Maglev::new(values.text("table_size").parse().unwrap_or(4093), values.bool("fallback")))),
)
.by_key()
.breaks(&[
    (Law::OnlyOwnKeysMove, "a few keys of others move when a table is filled anew"),
    (Law::Weights, "a small table cannot be shared out exactly"),
]);

static LBLC: Listed = listed(
    Entry::new(
        "ipvs/lblc",
        "IPVS's lblc: locality: the same destination for a key, while it is not overloaded",
        "A key, in the product the address that is asked for, stays where wlc has put it until its destination has more connections than weight while another \
         has less than half. Forgotten after a day. O(1) per pick, O(n) where it is put anew. For clusters of caches.",
        &[],
        "Linux, net/netfilter/ipvs/ip_vs_lblc.c",
    ),
    |_| Box::new(Ipvs::of(lblc::Lblc::default())),
)
.approximate("a full table forgets entries when they are asked for and not at the next minute, and holds about 130,000 at most")
.breaks(IDLE_TIES);
