//! Arrival processes with their rates known.

use super::Fault;
use crate::dist::Dist;
use crate::scenario::{Arrivals, Intensity, Process};
use crate::time::Span;
use crate::traffic::{Modulated, Recorded, SourcePlan, Timing};

/// The mean over sources, by how much each brings; where that is not known, over sources alike.
pub(super) fn mean_work(sources: &[SourcePlan], rates: &[Option<f64>]) -> f64 {
    let known = rates.iter().all(Option::is_some);
    let weight = |rate: &Option<f64>| if known { rate.unwrap_or(0.0) } else { 1.0 };
    let sum: f64 = rates.iter().map(weight).sum();
    sources.iter().zip(rates).map(|(source, rate)| source.work.mean() * weight(rate)).sum::<f64>() / sum
}

impl Timing {
    /// Requests per second in the long run; `None` for closed sources.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        if let Self::Recorded(recorded) = self {
            return Some(recorded.rate());
        }
        Some(
            1e9 * match self {
                Self::Renewal { gap, scale } => 1.0 / (gap.mean() * scale),
                Self::Modulated(modulated) => modulated.mean_rate(),
                Self::Batch { gap, size } => size.mean() / gap,
                Self::Closed { .. } | Self::Recorded(_) => return None,
            },
        )
    }
}

impl Modulated {
    /// Requests per nanosecond, over the states by their share of time.
    fn mean_rate(&self) -> f64 {
        let cycle: f64 = self.states.iter().map(|(_, stay)| stay.mean()).sum();
        self.states.iter().map(|(rate, stay)| rate * stay.mean()).sum::<f64>() / cycle
    }

    fn scaled_to(mut self, rate: f64) -> Self {
        let factor = rate / self.mean_rate();
        self.states.iter_mut().for_each(|(rate, _)| *rate *= factor);
        self
    }
}

/// An arrival process with its rate known. `rate` of the long run is in requests per nanosecond.
pub(super) fn timing(arrivals: &Arrivals, mean_work: f64, capacity: Option<f64>) -> Result<Timing, Fault> {
    let rate = match arrivals.intensity {
        None => None,
        Some(Intensity::Rate(rate)) => Some(rate.as_per_second() / 1e9),
        Some(Intensity::Load(load)) => Some(load_rate(load, mean_work, capacity)?),
    };
    let gap = || 1.0 / rate.expect("the decoder asks for a rate or a load where the process needs one");
    let exponential = |mean: Span| Dist::Exponential { mean: mean.0 as f64 };
    Ok(match &arrivals.process {
        Process::Poisson => Timing::Renewal { gap: Dist::Exponential { mean: gap() }, scale: 1.0 },
        Process::Constant => Timing::Renewal { gap: Dist::Constant(gap()), scale: 1.0 },
        Process::Renewal { gap } => Timing::Renewal { gap: gap.clone(), scale: rate.map_or(1.0, |rate| 1.0 / rate / gap.mean()) },
        Process::Mmpp { states } => {
            let states = states.iter().map(|state| (state.rate / 1e9, exponential(state.mean_stay))).collect();
            let modulated = Modulated { states };
            Timing::Modulated(rate.map_or_else(|| modulated.clone(), |rate| modulated.clone().scaled_to(rate)))
        }
        Process::OnOff { on, off, off_factor } => {
            let modulated = Modulated { states: vec![(1.0, on.clone()), (*off_factor, off.clone())] };
            Timing::Modulated(modulated.scaled_to(1.0 / gap()))
        }
        Process::Batch { size } => Timing::Batch { gap: size.mean() * gap(), size: *size },
        Process::Recorded(recorded) => {
            let recorded = Recorded::clone(recorded);
            Timing::Recorded(match rate {
                Some(rate) => recorded.at_rate(rate * 1e9),
                None => recorded,
            })
        }
        Process::Closed { clients, think } => Timing::Closed { clients: *clients, think: think.clone() },
    })
}

fn load_rate(load: f64, mean_work: f64, capacity: Option<f64>) -> Result<f64, Fault> {
    let capacity = capacity.ok_or(Fault::LoadWithoutCapacity)?;
    if !(mean_work.is_finite() && mean_work > 0.0) {
        return Err(Fault::LoadWithoutMean);
    }
    let rate = load * capacity / mean_work;
    if rate > 1.0 { Err(Fault::RateTooHigh(rate * 1e9)) } else { Ok(rate) }
}
