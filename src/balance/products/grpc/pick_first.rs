//! gRPC's pick first: everything goes to the first backend that can be reached; a shuffle of the list spreads clients (A62, A113).
//!
//! **Weighted shuffle.** Each backend gets the key `u^(1 ÷ weight)` of its own draw u, and the list is sorted by key, greatest first: a heavy
//! backend tends to be first, and with equal weights all orders are as likely.

/// One in 1.31 fixed point, as which gRPC multiplies weights.
const ONE: u64 = 1 << 31;

/// The key of a backend.
#[must_use]
pub fn key(draw: f64, weight: f64) -> f64 {
    libm::pow(draw, 1.0 / weight)
}

/// The order of backends with these keys: greatest first, equal ones as they are.
#[must_use]
pub fn order(keys: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|&a, &b| keys[b].total_cmp(&keys[a]));
    order
}

/// The weight of a backend in a locality, each as a share of its sum, in 1.31 fixed point and at least 1.
#[must_use]
pub fn weight(locality: u64, localities: u64, backend: u64, backends: u64) -> u64 {
    let share = |part: u64, all: u64| (part * ONE).checked_div(all).unwrap_or(0);
    let product = u128::from(share(locality, localities)) * u128::from(share(backend, backends));
    ((product >> 31) as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heavy_backend_tends_to_be_first() {
        let keys: Vec<f64> = [1.0, 2.0, 4.0].iter().map(|&weight| key(0.5, weight)).collect();
        assert_eq!((order(&keys), order(&[0.5, 0.5])), (vec![2, 1, 0], vec![0, 1]));
    }

    #[test]
    fn weights_are_shares_of_shares() {
        assert_eq!([weight(1, 2, 1, 3), weight(1, 1_000_000, 1, 1_000_000), weight(1, 1, 1, 1)], [357_913_941, 1, ONE]);
    }
}
