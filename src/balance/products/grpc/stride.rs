//! How gRPC turns weights into a [static stride](crate::balance::stride) schedule: once in C++, once in Go.
//!
//! Both scale so that the heaviest has 65,535 and give a backend without a weight the mean of those that have one. **C++** reads weights as 32-bit
//! floats, lets nobody be heavier than 10 times the mean or lighter than a hundredth of it, and goes round only where nobody has a weight. **Go** has no
//! such limits, and goes round already where fewer than two have a weight, or all come out equal.

use crate::balance::stride::{FULL, Stride};

/// No weight counts for more than this times the mean.
const MOST_OF_MEAN: f64 = 10.0;

/// No weight counts for less than this times the mean.
const LEAST_OF_MEAN: f64 = 0.01;

/// Which implementation's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// C++, and what is built on it: Python, Ruby, PHP, C#.
    Core,
    /// Go.
    Go,
}

/// The schedule of some weights, of which 0 is unknown; `None` where backends are to go round instead.
#[must_use]
pub fn schedule(implementation: Implementation, weights: &[f64]) -> Option<Stride> {
    let (mut weights, mut stride) = (weights.to_vec(), Stride::default());
    reschedule(implementation, &mut weights, &mut stride).then_some(stride)
}

/// The same in the place of an earlier schedule; `false` where backends are to go round instead. The weights are used up.
pub fn reschedule(implementation: Implementation, weights: &mut [f64], stride: &mut Stride) -> bool {
    match implementation {
        Implementation::Core => core(weights, stride).is_some(),
        Implementation::Go => go(weights, stride).is_some(),
    }
}

/// In C++ the weights, and the factor that scales them, are rounded to 32 bits; what is computed with them is not.
fn core(weights: &mut [f64], stride: &mut Stride) -> Option<()> {
    weights.iter_mut().for_each(|weight| *weight = f64::from(*weight as f32));
    let (mean, heaviest) = known(weights, 1)?;
    let heaviest = if heaviest / mean > MOST_OF_MEAN { f64::from((MOST_OF_MEAN * mean) as f32) } else { heaviest };
    let scale = f64::from((f64::from(FULL) / heaviest) as f32);
    let scaled_mean = (scale * mean).round();
    let least = (scaled_mean * LEAST_OF_MEAN).round().max(1.0);
    let scaled = |weight: f64| if weight == 0.0 { scaled_mean } else { (weight.min(heaviest) * scale).round().max(least) };
    stride.refill(weights.iter().map(|&weight| scaled(weight) as u16));
    Some(())
}

fn go(weights: &[f64], stride: &mut Stride) -> Option<()> {
    let (mean, heaviest) = known(weights, 2)?;
    let scale = f64::from(FULL) / heaviest;
    let scaled_mean = (scale * mean).round();
    let scaled = |&weight: &f64| if weight == 0.0 { scaled_mean } else { (weight * scale).round() };
    if weights.iter().all(|weight| scaled(weight) == scaled_mean) {
        return None;
    }
    stride.refill(weights.iter().map(|weight| scaled(weight) as u16));
    Some(())
}

/// Mean and greatest of the known weights, where there are two backends and at least so many known weights.
fn known(weights: &[f64], at_least: usize) -> Option<(f64, f64)> {
    let known = weights.iter().filter(|&&weight| weight != 0.0).count();
    if weights.len() < 2 || known < at_least {
        return None;
    }
    Some((weights.iter().sum::<f64>() / known as f64, weights.iter().copied().fold(0.0, f64::max)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(implementation: Implementation, weights: &[f64]) -> Option<Vec<u16>> {
        schedule(implementation, weights).map(|stride| stride.scaled().to_vec())
    }

    #[test]
    fn who_has_no_weight_gets_the_mean() {
        assert_eq!(scaled(Implementation::Core, &[3.0, 0.0, 1.0]), Some(vec![65_535, 43_690, 21_845]));
        assert_eq!(scaled(Implementation::Go, &[5.0, 1.0, 0.0]), Some(vec![65_535, 13_107, 39_321]));
    }

    #[test]
    fn only_one_limits_how_far_apart_weights_are() {
        let weights = [1000.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        assert_eq!(scaled(Implementation::Core, &weights).expect("known")[..2], [65_535, 78]);
        assert_eq!(scaled(Implementation::Go, &weights).expect("known")[..2], [65_535, 66]);
    }

    #[test]
    fn with_too_few_weights_it_goes_round() {
        assert_eq!(scaled(Implementation::Core, &[0.0, 0.0]), None);
        assert_eq!(scaled(Implementation::Core, &[7.0]), None);
        assert!(scaled(Implementation::Core, &[7.0, 0.0]).is_some());
        assert_eq!(scaled(Implementation::Go, &[7.0, 0.0]), None);
        assert_eq!(scaled(Implementation::Go, &[7.0, 7.0, 7.0]), None);
    }
}
