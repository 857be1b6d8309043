//! Faults with their targets looked up: in a scenario that is whole, so that the reader can say where a name is wrong, and the plan can run it.

use super::model::Scenario;
use crate::fault::target::{Listed, Unknown, look_up, named};
use crate::fault::{Fault, Kind, Side, Target};

/// Everybody who can be named.
#[derive(Debug)]
pub struct Who<'a> {
    /// All groups of backends.
    pub groups: Vec<Listed<'a>>,
    /// All zones.
    pub zones: Vec<String>,
    /// All sources of traffic.
    pub sources: Vec<&'a str>,
    /// How many balancer instances the tier has.
    pub instances: u32,
}

impl<'a> Who<'a> {
    /// Everybody of a scenario.
    #[must_use]
    pub fn of(scenario: &'a Scenario) -> Self {
        Self {
            groups: scenario.listed(),
            zones: scenario.zones(),
            sources: scenario.traffic.iter().map(|source| source.name.as_str()).collect(),
            instances: scenario.tier.instances,
        }
    }

    /// A fault with who is hit, and who is cut off.
    ///
    /// # Errors
    /// The first name that means nobody.
    pub fn resolve(&self, fault: &Fault) -> Result<Fault, (&'static str, Unknown)> {
        let (among, draw) = match fault.kind {
            Kind::Surge { .. } => (self.surging(&fault.target.written).map_err(|wrong| ("target", wrong))?, None),
            _ => look_up(&fault.target.written, &self.groups).map_err(|wrong| ("target", wrong))?,
        };
        let kind = match &fault.kind {
            Kind::Partition { written, .. } => {
                Kind::Partition { written: written.clone(), from: self.sides(written).map_err(|wrong| ("from", wrong))? }
            }
            kind => kind.clone(),
        };
        let target = Target { written: fault.target.written.clone(), among, draw };
        Ok(Fault { kind, target, ..fault.clone() })
    }

    /// Sources of traffic, by number.
    fn surging(&self, written: &str) -> Result<Vec<u32>, Unknown> {
        let by_name = self.sources.iter().zip(0..).filter(|(name, _)| **name == written).map(|(_, number)| number);
        match written {
            "all" => Ok((0..self.sources.len() as u32).collect()),
            _ => Some(by_name.collect::<Vec<u32>>()).filter(|found| !found.is_empty()).ok_or_else(|| Unknown::Source(written.to_owned())),
        }
    }

    fn sides(&self, written: &[String]) -> Result<Vec<Side>, Unknown> {
        let mut sides = Vec::new();
        for name in written {
            if let Some(zone) = name.strip_prefix("zone:") {
                let at = self.zones.iter().position(|known| known == zone).ok_or_else(|| Unknown::Zone(zone.to_owned()))?;
                sides.push(Side::Zone(at as u16));
            } else if let Some(number) = name.strip_prefix("balancer:") {
                let instance = number.parse().ok().filter(|instance| *instance < self.instances);
                sides.push(Side::Instance(instance.ok_or_else(|| Unknown::Instance(name.clone()))?));
            } else {
                let found = named(name, &self.groups).ok_or_else(|| Unknown::Name(name.clone()))?;
                sides.extend(found.into_iter().map(Side::Backend));
            }
        }
        Ok(sides)
    }
}
