//! Weights as shares of the whole, which Envoy's hash policies go by.
//!
//! Flat: weight ÷ sum. By locality: the locality's share of all locality weights, split by the weights of its backends; a locality of
//! weight 0 has no share. The order of operations is Envoy's, as the last bit decides how many points a ring gives.

/// Each weight's share, in the order of the list.
#[must_use]
pub fn flat(weights: &[f64]) -> Vec<f64> {
    shares(weights, 1.0)
}

/// Each backend's share, locality after locality; `None` where its locality has no weight.
#[must_use]
pub fn by_locality(localities: &[(f64, Vec<f64>)]) -> Vec<Option<f64>> {
    let total: f64 = localities.iter().map(|(weight, _)| weight).sum();
    let mut all = Vec::new();
    for (weight, backends) in localities {
        match *weight {
            weight if weight > 0.0 => all.extend(shares(backends, weight / total).into_iter().map(Some)),
            _ => all.extend(backends.iter().map(|_| None)),
        }
    }
    all
}

fn shares(weights: &[f64], whole: f64) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| if total > 0.0 { weight * whole / total } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locality_is_split_by_its_own_weights() {
        assert_eq!(flat(&[1.0, 3.0]), [0.25, 0.75]);
        let localities = [(1.0, vec![1.0]), (0.0, vec![5.0]), (3.0, vec![1.0, 2.0])];
        assert_eq!(by_locality(&localities), [Some(0.25), None, Some(0.25), Some(0.5)]);
    }
}
