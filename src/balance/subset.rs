//! Subsetting: each balancer instance uses only some of the backends, and an inner balancer among them.
//!
//! **Why.** A thousand instances and a thousand backends are a million connections, each too idle to know anything by. **Rule.** *Random*: drawn. Backends are then in
//! unequally many subsets, as balls in bins. *Deterministic* (Google's book): clients are dealt in rounds; in each round the backends are shuffled, by the round's number, and cut into
//! subsets, one for each client of the round, so that full rounds use every backend once. *Rocksteadier*: backends stand on a ring at places that are as even as any number of them can be (the bits
//! of their number reversed), clients too, and a client uses the next ones clockwise: a backend that comes or goes changes few subsets. *Aperture* is a kind of its
//! own: as many as the load needs. **Where it fails.** An instance with much traffic overloads its few.

use super::fan::{Fan, Inner, Route};
use super::products::finagle::aperture::LoadBand;
use super::{BackendId, Ctx, Law, Listed, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter, Value, Values};
use crate::random::Stream;
use crate::time::SimTime;

const BALANCER: Parameter = Parameter::with_default("balancer", Kind::Balancer, "least-connections", "the balancer among them");

const BREAKS: &[(Law, &str)] = &[
    (Law::Weights, "an instance uses only some backends"),
    (Law::ZeroWeight, "the subset is chosen without weights"),
    (Law::AnswersAtOnce, "as the balancer among them does"),
];

pub(super) static SUBSET: Listed = Listed::new(
    Entry {
        name: "subset",
        summary: "only some of the backends, then a balancer among them",
        text: "Each instance uses `size` backends: drawn; dealt in rounds by the client's number, so that full rounds use every backend once; or the next ones clockwise of the client on a \
               ring with even places. Fewer connections, each less idle; but an instance with much traffic overloads its few. O(1), and the inner balancer's.",
        parameters: &[
            Parameter::with_default("style", Kind::Choice(&["random", "deterministic", "rocksteadier"]), "deterministic", "how the subset is found"),
            Parameter::with_default("size", Kind::Whole(1, 1_000_000), "20", "how many backends an instance uses: twenty leave room for some to fail"),
            Parameter::with_default("client", Kind::WholeOr(0, 1_000_000_000, "random"), "random", "the instance's number; random: drawn once"),
            BALANCER,
        ],
        reference: "B. Beyer et al., Site Reliability Engineering (2016), chapter 20; P. Ward et al., Reinventing backend subsetting at Google (2022)",
    },
    |values| Box::new(Fan::new(Subset::new(values), Inner::of(values, "balancer"))),
)
.approximate("rocksteadier is its ring with even places only, without its lots")
.breaks(BREAKS);

pub(super) static APERTURE: Listed = Listed::new(
    Entry {
        name: "aperture",
        summary: "as many backends as the load needs, then a balancer among them",
        text: "Each instance has a random order of backends and uses the first few: one more when its smoothed load per used backend reaches `high_load`, one fewer at `low_load`. \
               Idle instances use one, so that its loads mean something. O(1), and the inner balancer's; O(n) when the aperture changes.",
        parameters: &[
            Parameter::with_default("least", Kind::Whole(1, 1_000_000), "1", "the fewest backends that are used"),
            Parameter::with_default("low_load", Kind::Number(0.0, 1e6), "0.875", "closes by one at this load per used backend"),
            Parameter::with_default("high_load", Kind::Above(0.0, 1e6), "1.125", "opens by one at this load per used backend"),
            Parameter::with_default("smooth_window", Kind::Span, "15s", "over which the load is smoothed"),
            BALANCER,
        ],
        reference: "Finagle, loadbalancer/aperture",
    },
    |values| {
        let band = LoadBand::new(
            values.number("low_load"),
            values.number("high_load"),
            values.span("smooth_window").0 as f64,
            values.whole("least"),
            0,
        );
        Box::new(Fan::new(Aperture { band, order: Vec::new() }, Inner::of(values, "balancer")))
    },
)
.breaks(BREAKS);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Random,
    Deterministic,
    Rocksteadier,
}

#[derive(Debug)]
struct Subset {
    style: Style,
    size: usize,
    client: Option<u64>,
    /// A random subset's own order of backends.
    tokens: Vec<u64>,
}

impl Subset {
    fn new(values: &Values) -> Self {
        let client = match values.get("client") {
            Some(Value::Whole(client)) => Some(*client),
            _ => None,
        };
        let style = match values.text("style") {
            "random" => Style::Random,
            "rocksteadier" => Style::Rocksteadier,
            _ => Style::Deterministic,
        };
        Self { style, size: values.whole("size") as usize, client, tokens: Vec::new() }
    }
}

/// Fisher and Yates's shuffle.
fn shuffle<T>(items: &mut [T], chance: &mut Stream) {
    for at in (1..items.len()).rev() {
        items.swap(at, chance.below(at as u64 + 1) as usize);
    }
}

/// The client's subset when clients are dealt in rounds.
fn dealt(backends: &mut Vec<BackendId>, size: usize, client: u64) {
    let subsets = (backends.len() / size) as u64;
    // With fewer backends than a subset has there is no round, and all are used.
    let Some(round) = client.checked_div(subsets) else { return };
    shuffle(backends, &mut Stream::new(round));
    let first = (client % subsets) as usize * size;
    *backends = backends[first..first + size].to_vec();
}

/// The next ones clockwise of a client's place; places of number n are its bits in reverse, which are as even as can be for every count.
fn clockwise(backends: &mut Vec<BackendId>, size: usize, client: u64) {
    let place = |backend: &BackendId| u64::from(backend.0).reverse_bits();
    let from = client.reverse_bits();
    backends.sort_by_key(|backend| place(backend).wrapping_sub(from));
    backends.truncate(size);
}

impl Route for Subset {
    fn groups(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) -> Vec<Vec<BackendId>> {
        let client = *self.client.get_or_insert_with(|| ctx.chance.bits() >> 32);
        let mut backends: Vec<BackendId> = pool.present().collect();
        match self.style {
            Style::Random => {
                while self.tokens.len() < pool.len() {
                    self.tokens.push(ctx.chance.bits());
                }
                backends.sort_by_key(|backend| self.tokens[backend.index()]);
                backends.truncate(self.size);
            }
            Style::Deterministic => dealt(&mut backends, self.size, client),
            Style::Rocksteadier => clockwise(&mut backends, self.size, client),
        }
        vec![backends]
    }

    #[inline]
    fn choose(&mut self, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Option<usize> {
        Some(0)
    }
}

#[derive(Debug)]
struct Aperture {
    band: LoadBand,
    /// All backends that have ever been, in this instance's order.
    order: Vec<BackendId>,
}

impl Route for Aperture {
    fn groups(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) -> Vec<Vec<BackendId>> {
        while self.order.len() < pool.len() {
            // A new one gets a random place in the order.
            let at = ctx.chance.below(self.order.len() as u64 + 1) as usize;
            self.order.insert(at, BackendId(self.order.len() as u32));
        }
        self.band.resize(pool.eligible().len() as u64);
        let open = self.order.iter().copied().filter(|&backend| pool.is_eligible(backend)).take(self.band.aperture() as usize);
        vec![open.collect()]
    }

    #[inline]
    fn choose(&mut self, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Option<usize> {
        Some(0)
    }

    fn moved(&mut self, by: i64, now: SimTime) -> bool {
        let before = self.band.aperture();
        if before > 0 {
            self.band.moved(by, now.0 as f64);
        }
        self.band.aperture() != before
    }

    fn is_told(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(n: u32) -> Vec<BackendId> {
        (0..n).map(BackendId).collect()
    }

    #[test]
    fn a_full_round_of_clients_uses_every_backend_once() {
        let mut used = vec![0; 12];
        for client in 8..12 {
            let mut backends = all(12);
            dealt(&mut backends, 3, client);
            backends.iter().for_each(|backend| used[backend.index()] += 1);
        }
        assert_eq!(used, [1; 12]);
        let mut few = all(2);
        dealt(&mut few, 3, 5);
        assert_eq!(few.len(), 2);
    }

    #[test]
    fn even_places_use_every_backend_about_alike() {
        let mut used = vec![0_u32; 16];
        for client in 0..16 {
            let mut backends = all(16);
            clockwise(&mut backends, 4, client);
            backends.iter().for_each(|backend| used[backend.index()] += 1);
        }
        assert_eq!(used, [4; 16]);
    }
}
