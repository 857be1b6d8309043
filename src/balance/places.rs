//! Zones first: which zone, then a balancer over its backends.
//!
//! **Zone aware.** Stay in the own zone as far as that leaves all backends equally loaded, if all zones send as much: by
//! [Envoy's arithmetic](super::products::envoy::zone). Saves the way to other zones. **Locality weighted.** Zones in turn, in proportion to the weights of
//! their eligible backends, [earliest deadline first](super::edf). **Cost.** One draw, or O(log zones), and the inner balancer's. **Who ships it.** Envoy, Istio,
//! Linkerd, Kubernetes' topology hints. **Where it fails.** Zones that send unequally: the busiest overloads its own backends.

use super::edf::Edf;
use super::fan::{Fan, Inner, Route};
use super::products::envoy::zone::{Routing, Zones};
use super::{BackendId, Ctx, Law, Listed, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter};

const BALANCER: Parameter = Parameter::with_default("balancer", Kind::Balancer, "least-connections", "the balancer of each zone");

const BREAKS: &[(Law, &str)] = &[
    (Law::Weights, "weights are shared out within a zone"),
    (Law::ZeroWeight, "the inner balancer decides, and by default does not look at weights"),
    (Law::AnswersAtOnce, "as the inner balancer does"),
];

pub(super) static ZONE_AWARE: Listed = Listed::new(
    Entry {
        name: "zone-aware",
        summary: "stays in the own zone as far as it has backends enough, then a balancer over the zone",
        text: "All traffic stays while the own zone's share of eligible backends is at least its share of callers (all zones count as having as many); otherwise what it can carry \
               stays, and the rest goes to zones in proportion to what they can spare. O(zones), and the inner balancer's.",
        parameters: &[
            Parameter::with_default("zone", Kind::Text, "", "the own zone; left out, the first backend's"),
            Parameter::with_default("min_backends", Kind::Whole(0, 1_000_000), "1", "with fewer eligible backends zones do not matter"),
            BALANCER,
        ],
        reference: "Envoy, zone aware routing",
    },
    |values| {
        let route = ByZone { own: values.text("zone").to_owned(), least: values.whole("min_backends") as usize, zones: 0, routing: Routing::Off };
        Box::new(Fan::new(route, Inner::of(values, "balancer")))
    },
)
.breaks(BREAKS);

pub(super) static LOCALITY_WEIGHTED: Listed = Listed::new(
    Entry {
        name: "locality-weighted",
        summary: "zones in proportion to the weights of their eligible backends, then a balancer over the zone",
        text: "Zones take turns by earliest deadline first, in proportion to the sum of their eligible backends' weights; then the inner balancer chooses in the zone. O(log zones), and the inner balancer's.",
        parameters: &[BALANCER],
        reference: "Envoy, locality weighted load balancing",
    },
    |values| Box::new(Fan::new(Localities::default(), Inner::of(values, "balancer"))),
)
.breaks(BREAKS);

/// The zones of the members, the own one first, with their members.
fn by_zone(pool: &Pool, own: &str) -> Vec<Vec<BackendId>> {
    let mut names: Vec<&str> = Vec::new();
    let of_members = pool.present().map(|backend| pool.member(backend).zone.as_str());
    for zone in Some(own).filter(|own| !own.is_empty()).into_iter().chain(of_members) {
        if !names.contains(&zone) {
            names.push(zone);
        }
    }
    let of = |name: &&str| pool.present().filter(|&backend| pool.member(backend).zone == **name).collect();
    names.iter().map(of).collect()
}

#[derive(Debug)]
struct ByZone {
    own: String,
    least: usize,
    /// The group after the zones is everybody.
    zones: usize,
    routing: Routing,
}

impl Route for ByZone {
    fn groups(&mut self, pool: &Pool, _: &mut Ctx<'_>) -> Vec<Vec<BackendId>> {
        let mut groups = by_zone(pool, &self.own);
        self.zones = groups.len();
        let eligible = |group: &Vec<BackendId>| group.iter().filter(|&&backend| pool.is_eligible(backend)).count() as u64;
        let counts: Vec<u64> = groups.iter().map(eligible).collect();
        let is_enough = pool.eligible().len() >= self.least;
        self.routing = if is_enough { Zones::new(&vec![1; counts.len()], &counts, 0).routing } else { Routing::Off };
        groups.push(pool.present().collect());
        groups
    }

    #[inline]
    fn choose(&mut self, _: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Option<usize> {
        Some(self.routing.choose(0, || ctx.chance.bits()).unwrap_or(self.zones))
    }
}

#[derive(Debug, Default)]
struct Localities {
    weights: Vec<f64>,
    turns: Edf,
}

impl Route for Localities {
    fn groups(&mut self, pool: &Pool, _: &mut Ctx<'_>) -> Vec<Vec<BackendId>> {
        let groups = by_zone(pool, "");
        let weight =
            |group: &Vec<BackendId>| group.iter().filter(|&&backend| pool.is_eligible(backend)).map(|&backend| pool.weight(backend)).sum();
        self.weights = groups.iter().map(weight).collect();
        self.turns = Edf::new((0..).zip(self.weights.iter().copied()));
        groups
    }

    fn is_weighted(&self) -> bool {
        true
    }

    #[inline]
    fn choose(&mut self, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Option<usize> {
        self.turns.next(|zone| self.weights[zone as usize]).map(|zone| zone as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Balancer, Member, Pick, State};
    use super::*;
    use crate::catalogue::{Value, Values};
    use crate::random::Stream;
    use crate::time::SimTime;

    fn counts(balancer: &mut Box<dyn Balancer>, pool: &Pool) -> Vec<u32> {
        let mut chance = Stream::new(9);
        balancer.members(pool, &mut Ctx { now: SimTime::ZERO, chance: &mut chance });
        let mut counts = vec![0; pool.len()];
        for _ in 0..1_000 {
            if let Pick::Backend(backend) = balancer.pick(&Request::default(), pool, &mut Ctx { now: SimTime::ZERO, chance: &mut chance }) {
                counts[backend.index()] += 1;
            }
        }
        counts
    }

    fn pool() -> Pool {
        let member = |(zone, weight)| Member { zone: String::from(zone), weight, ..Member::new("a:1") };
        Pool::new([("a", 1.0), ("a", 1.0), ("b", 6.0)].map(member).into())
    }

    #[test]
    fn a_zone_with_backends_enough_keeps_its_traffic() {
        let mut values = Values::default();
        values.set("zone", Value::Text("a".into()));
        values.set("min_backends", Value::Whole(1));
        values.set("balancer", Value::Balancer("round-robin", Values::default()));
        let (mut balancer, mut pool) = ((ZONE_AWARE.build)(&values), pool());
        assert_eq!(counts(&mut balancer, &pool), [500, 500, 0]);
        [0, 1].into_iter().for_each(|id| pool.set_state(BackendId(id), State::Down));
        assert_eq!(counts(&mut balancer, &pool), [0, 0, 1_000]);
    }

    #[test]
    fn zones_share_by_the_weights_of_their_backends() {
        let mut values = Values::default();
        values.set("balancer", Value::Balancer("round-robin", Values::default()));
        assert_eq!(counts(&mut (LOCALITY_WEIGHTED.build)(&values), &pool()), [125, 125, 750]);
    }
}
