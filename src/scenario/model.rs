//! A scenario as it was written, checked key by key: typed, but with nothing resolved yet.
//!
//! Defaults that are plain constants are filled in; what depends on something else (`load =` on the pool's capacity, an
//! address on a backend's number) is left to [`crate::plan`].

use crate::balance::Member;
use crate::catalogue::Values;
use crate::client::Caller;
use crate::dist::Dist;
use crate::fault::Fault;
use crate::fault::target::Listed;
use crate::fleet::{Autoscale, Discovery};
use crate::health::Health;
use crate::time::{Rate, Span};
use crate::traffic::Recorded;

/// One scenario (of one variant), every key read and in range.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// `title`: the heading of reports.
    pub title: Option<String>,
    /// `question`: what the scenario is to answer.
    pub question: Option<String>,
    /// `[run]`.
    pub run: Run,
    /// `[traffic]` or `[[traffic]]`: at least one.
    pub traffic: Vec<Traffic>,
    /// `[[backends]]`: at least one group.
    pub backends: Vec<Group>,
    /// `[network] between`.
    pub links: Vec<Link>,
    /// `balancers` and `[[balancer]]`: at least one, labels distinct.
    pub balancers: Vec<Balancer>,
    /// `[tier]`.
    pub tier: Tier,
    /// `[client]`.
    pub client: Caller,
    /// `[health]`.
    pub health: Health,
    /// `[discovery]`.
    pub discovery: Discovery,
    /// `[autoscale]`.
    pub autoscale: Option<Autoscale>,
    /// `[[fault]]`: targets not yet looked up.
    pub faults: Vec<Fault>,
    /// `[[service]]`; empty where there is but the one of the top level.
    pub services: Vec<Service>,
    /// `[[expect]]`: what a gate judges; it changes nothing that is run.
    pub expects: Vec<Expect>,
}

/// `[[expect]]`: a rule of a gate, its names looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// Its place among the rules of the file, from 0.
    pub number: usize,
    /// `rule`, as it was written.
    pub rule: String,
    /// The metric's path.
    pub metric: String,
    /// How it is compared.
    pub is: Op,
    /// With what.
    pub bound: Bound,
    /// `balancer`: left out, every one.
    pub balancer: Option<String>,
    /// `variant`: left out, every one.
    pub variant: Option<String>,
    /// `than`.
    pub than: Option<String>,
    /// `than_variant`.
    pub than_variant: Option<String>,
    /// `service`, `class`, `during`, `after`.
    pub slice: Slice,
    /// `when_empty = "pass"`.
    pub may_be_empty: bool,
    /// The line of the file that the rule stands in; `None` where it comes from the command line.
    pub line: Option<usize>,
}

/// How a rule compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `<`.
    Below,
    /// `<=`.
    AtMost,
    /// `>`.
    Above,
    /// `>=`.
    AtLeast,
}

/// What a rule compares with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// A value in the metric's own unit, as the result has it.
    Value(f64),
    /// So many times the offered requests: of counts.
    OfOffered(f64),
    /// So many times the other's value: with `than` or `than_variant`.
    OfOther(f64),
}

/// Some of the requests: those of everything that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Requests and calls to this service.
    pub service: Option<String>,
    /// Requests of this class.
    pub class: Option<String>,
    /// Requests that arrive while this fault is on.
    pub during: Option<String>,
    /// Requests that arrive after this fault.
    pub after: Option<String>,
}

impl Slice {
    /// Whether it is all requests.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

impl Scenario {
    /// All groups of backends, those of the services in their order.
    #[must_use]
    pub fn groups(&self) -> Vec<&Group> {
        all_groups(&self.backends, &self.services)
    }

    /// All zones that are named anywhere, in order of naming.
    #[must_use]
    pub fn zones(&self) -> Vec<String> {
        let links = self.links.iter().flat_map(|link| [Some(&link.from), Some(&link.to)]);
        let groups = self.groups().into_iter().map(|group| group.zone.as_ref());
        let named = groups.chain(self.traffic.iter().map(|traffic| traffic.zone.as_ref())).chain([self.tier.zone.as_ref()]).chain(links);
        let mut zones = Vec::new();
        for zone in named.flatten() {
            if !zones.contains(zone) {
                zones.push(zone.clone());
            }
        }
        zones
    }

    /// All groups as targets can name them, of an autoscaled one all that there may be.
    #[must_use]
    pub fn listed(&self) -> Vec<Listed<'_>> {
        let own = self.backends.iter().map(|group| ("", group));
        let of_services = self.services.iter().flat_map(|service| service.backends.iter().map(|group| (service.name.as_str(), group)));
        let most = |at: usize| self.autoscale.as_ref().filter(|scale| scale.group == at).map_or(0, |scale| scale.max);
        let all = own.chain(of_services).enumerate();
        all.map(|(at, (service, group))| Listed {
            service,
            name: &group.name,
            count: group.count.max(most(at)),
            zone: group.zone.as_deref(),
        })
        .collect()
    }
}

/// The groups of the top level, or those of the services in their order.
pub(crate) fn all_groups<'a>(backends: &'a [Group], services: &'a [Service]) -> Vec<&'a Group> {
    backends.iter().chain(services.iter().flat_map(|service| &service.backends)).collect()
}

/// `[[service]]`: backends of their own, and whom they call. Of several services, [`Scenario::backends`] is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// `name`.
    pub name: String,
    /// `[[service.backends]]`: at least one group.
    pub backends: Vec<Group>,
    /// `work`, in nanoseconds at speed 1. Left out only where all traffic that goes to it brings its own and nobody calls it.
    pub work: Option<Dist>,
    /// `calls`, in order.
    pub calls: Vec<Call>,
    /// `holds_worker`. Default true.
    pub holds_worker: bool,
    /// `balancer`: of its callers; left out: the compared ones.
    pub balancer: Option<Balancer>,
    /// `via`.
    pub via: Via,
    /// `client`: how its callers behave; left out: `[client]`.
    pub client: Option<Caller>,
}

/// One entry of `calls`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `to`: a service, by name.
    pub to: String,
    /// `share`: of the requests that make it. Default 1.
    pub share: f64,
    /// `count`: how many. Default 1.
    pub count: u32,
    /// `parallel`: at once, together with its neighbours that are so too; else one after another. Default false.
    pub parallel: bool,
}

/// `via`: who balances for the callers of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Each calling backend has an instance of its own.
    Callers,
    /// `tier.instances` shared ones.
    Proxy,
}

/// `[run]`: how much is simulated, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// `requests` or `duration`.
    pub length: Length,
    /// `warmup`.
    pub warmup: Warmup,
    /// `warmup` as it was written, for the result.
    pub warmup_text: String,
    /// `replications`: at least 1. Default 5.
    pub replications: u32,
    /// `precision`.
    pub precision: Option<Precision>,
    /// `seed`. Default 42.
    pub seed: u64,
    /// `max_in_flight`: a cell stops there, as overloaded. Default 2,000,000.
    pub max_in_flight: u64,
}

/// How long a replication is: exactly one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many requests arrive.
    Requests(u64),
    /// Requests arrive for so long.
    Duration(Span),
}

/// What is left out of the statistics at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Warmup {
    /// A share of the requests (or of the duration), 0 up to but not including 1.
    Share(f64),
    /// Requests that arrive before this.
    Time(Span),
}

/// `run.precision`: more replications until the interval is that narrow.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// A metric path of the contract, for example `latency.p99`.
    pub metric: String,
    /// The half-width of the 95% interval, as a share of the value.
    pub relative: f64,
    /// No more replications than this. Default 100.
    pub max_replications: u32,
}

/// `[[traffic]]`: one source of requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// `name`; left out: `traffic`, or `traffic-0`, `traffic-1`, … where there are several.
    pub name: String,
    /// `arrivals`.
    pub arrivals: Arrivals,
    /// `work`, in nanoseconds at speed 1.
    pub work: Dist,
    /// `keys`; left out: every request has a key of its own.
    pub keys: Option<Keys>,
    /// `clients`; left out: one client, a connection per request.
    pub clients: Option<Clients>,
    /// `class`.
    pub class: Option<String>,
    /// `priority`: lower first. Default 0.
    pub priority: i64,
    /// `zone`.
    pub zone: Option<String>,
    /// `to`: the service it goes to; left out, the first.
    pub to: Option<String>,
}

/// `arrivals`: when requests come.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrivals {
    /// `process` and what belongs to it.
    pub process: Process,
    /// `rate` or `load`: required for poisson, constant, batch and on-off; optional for renewal and mmpp (where it
    /// rescales); never for closed.
    pub intensity: Option<Intensity>,
    /// `shape`: left out, none.
    pub shape: Shape,
}

/// How many requests an open process brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Intensity {
    /// Requests per second.
    Rate(Rate),
    /// A share of the pool's nominal capacity, above 0.
    Load(f64),
}

/// An arrival process.
#[derive(Clone, Debug, PartialEq)]
pub enum Process {
    /// `poisson`.
    Poisson,
    /// `constant`.
    Constant,
    /// `renewal gap`.
    Renewal {
        /// The gap between requests, in nanoseconds.
        gap: Dist,
    },
    /// `mmpp states`: exponential stays, visited in order, started in equilibrium.
    Mmpp {
        /// At least two states.
        states: Vec<MmppState>,
    },
    /// `on-off on off off_factor`.
    OnOff {
        /// How long it is on, in nanoseconds (a plain duration means exponential).
        on: Dist,
        /// How long it is off, likewise.
        off: Dist,
        /// The rate while off, as a share of the rate while on. Default 0.
        off_factor: f64,
    },
    /// `batch size`: batches come at rate ÷ mean size.
    Batch {
        /// How many requests come at once.
        size: BatchSize,
    },
    /// `recorded`: as a tape has it.
    Recorded(Box<Recorded>),
    /// `closed clients think`.
    Closed {
        /// How many clients there are: at least 1.
        clients: u32,
        /// From a response to the next request, in nanoseconds.
        think: Dist,
    },
}

/// One state of an MMPP.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MmppState {
    /// Requests per second while in it: at least 0.
    pub rate: f64,
    /// How long it lasts in the mean.
    pub mean_stay: Span,
}

/// How many requests a batch has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BatchSize {
    /// `2`, or `{ dist = "fixed", size = 2 }`.
    Fixed(u64),
    /// `{ dist = "geometric", mean = 2 }`: at least 1.
    Geometric(f64),
    /// `{ dist = "uniform", min = 1, max = 3 }`: bounds included.
    Uniform(u64, u64),
}

/// `shape`: what multiplies the rate over time. At most one.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// The rate stays.
    Flat,
    /// `steps = [[at, factor], …]`, ascending; factor 1 before the first.
    Steps(Vec<(Span, f64)>),
    /// `ramp = { from, to, over }`: from factor to factor, straight, then the last.
    Ramp {
        /// The factor at the start.
        from: f64,
        /// The factor at the end.
        to: f64,
        /// How long it takes.
        over: Span,
    },
    /// `wave = { amplitude, period }`: 1 + amplitude · sin(2πt ÷ period).
    Wave {
        /// 0 to 1.
        amplitude: f64,
        /// Above zero.
        period: Span,
    },
    /// `spike = { at, for, factor }`.
    Spike {
        /// When it begins.
        at: Span,
        /// How long it lasts.
        lasts: Span,
        /// What it multiplies the rate by.
        factor: f64,
    },
}

/// `keys`: what hash balancers and caches look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keys {
    /// How many there are: 1 to 2^53.
    pub count: u64,
    /// 0 for uniform; for `zipf` its exponent. Default 1 for zipf.
    pub exponent: f64,
}

/// `clients`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clients {
    /// How many there are: 1 to 100,000,000.
    pub count: u32,
    /// Connections that each holds open at once. Default 1.
    pub connections: u32,
    /// Requests until a connection is opened anew; left out: never.
    pub requests_per_connection: Option<u32>,
}

/// `[[backends]]`: a group of like backends.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// `name`. Default `backend`.
    pub name: String,
    /// `count`: above 1, its members are called `name-0`, `name-1`, …; left out: 1, called `name`.
    pub count: u32,
    /// `speed`: above 0.
    pub speed: f64,
    /// `workers`: `None` for `"unlimited"`. Default 1.
    pub workers: Option<u32>,
    /// `discipline`.
    pub discipline: Discipline,
    /// `overloaded_after`: only for [`Discipline::AdaptiveLifo`]. Default 100 ms.
    pub overloaded_after: Span,
    /// `shed`.
    pub shed: Option<Shed>,
    /// `max_wait`.
    pub max_wait: Option<Span>,
    /// `queue`: waiting places; `None` for unlimited.
    pub queue: Option<u64>,
    /// `zone`.
    pub zone: Option<String>,
    /// `network`: one way, in nanoseconds. Default 0.
    pub network: Dist,
    /// `address`; left out: 10.0.0.1:8080 and so on over all groups, in order. With `count` above 1 the last number of the IPv4 address
    /// counts on with the member.
    pub address: Option<String>,
    /// `per_in_flight`: service takes that much longer for each request in service at its start. Default 0.
    pub per_in_flight: Span,
    /// `cache`.
    pub cache: Option<Cache>,
    /// What balancers are told of each: weight, id, priority, labels and the like. Name, address and what the group itself says are filled in
    /// when the plan is made.
    pub told: Member,
}

/// The order in which a backend serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// First in, first out.
    Fifo,
    /// Last in, first out, not pre-emptive.
    Lifo,
    /// Each of n gets min(workers, n)/n.
    ProcessorSharing,
    /// Lowest `priority` first, not pre-emptive, FIFO within.
    Priority,
    /// FIFO, but newest first while somebody has been waiting for longer than `overloaded_after`.
    AdaptiveLifo,
}

/// `shed`: CoDel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shed {
    /// `target`. Default 5 ms.
    pub target: Span,
    /// `interval`. Default 100 ms.
    pub interval: Span,
}

/// `cache`: least recently used keys make work lighter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cache {
    /// How many keys it holds: at least 1.
    pub keys: u64,
    /// What work is multiplied by when the key is in it: 0 to 1.
    pub hit: f64,
}

/// One entry of `[network] between`.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// One zone.
    pub from: String,
    /// The other; applies both ways unless the other way has its own entry.
    pub to: String,
    /// One way, in nanoseconds.
    pub delay: Dist,
}

/// One balancer to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Balancer {
    /// `name`: its label in reports; left out, the kind.
    pub label: String,
    /// `kind`: a name of the catalogue.
    pub kind: &'static str,
    /// Its parameters, defaults filled in.
    pub values: Values,
}

/// `[tier]`: how many balancer instances there are and what each knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// `instances`: 1 to 100,000.
    pub instances: u32,
    /// `assign`.
    pub assign: Assign,
    /// `picks`.
    pub picks: Picks,
    /// `view`.
    pub view: View,
    /// `refresh`: zero means always exact.
    pub refresh: Span,
    /// `adds_own`.
    pub adds_own: bool,
    /// `zone`.
    pub zone: Option<String>,
}

/// How a request finds its balancer instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assign {
    /// Drawn with the request.
    Random,
    /// By client.
    Client,
}

/// What a pick is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picks {
    /// Every request (layer 7).
    Request,
    /// Every connection (layer 4).
    Connection,
}

/// What in-flight counts a balancer instance sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Its own requests only.
    Own,
    /// All instances' requests.
    Shared,
}
