//! Finagle's deterministic aperture: each client uses its own arc of the circle of backends, and all arcs together cover it evenly.
//!
//! **Rule.** Clients and backends are laid around one circle: client i of c begins at i ÷ c, a backend's arc is its share of all weights. A client
//! covers whole client arcs, as many as make up at least `aperture` backends (12), so that all clients together give every backend the
//! same number of connections. A backend at an edge is used in part: its share of the client's picks is the part of it that is covered. **Where it
//! fails.** Every client must know how many there are and which one it is; while clients come and go they disagree.

/// How many client arcs a client covers, and how wide that is on a circle of length 1. In Finagle's order of operations: rounding noise can make it one more
/// than exact arithmetic would.
#[must_use]
pub fn width(clients: u64, backends: u64, aperture: u64) -> (u64, f64) {
    if clients == 0 || backends == 0 {
        return (0, 0.0);
    }
    let (client, backend) = (1.0 / clients as f64, 1.0 / backends as f64);
    let rings = ((aperture as f64 * backend) / client).ceil();
    (rings as u64, (rings * client).min(1.0))
}

/// Where client `instance` of `clients` begins.
#[must_use]
pub fn offset(instance: u64, clients: u64) -> f64 {
    if clients == 0 { 0.0 } else { (instance as f64 / clients as f64) % 1.0 }
}

/// Shares of the whole; equal ones where nobody has any weight.
#[must_use]
pub fn normalized(weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let share = |&weight: &f64| if total > 0.0 { weight / total } else { 1.0 / weights.len() as f64 };
    weights.iter().map(share).collect()
}

/// How much of each backend's arc lies within a client's, which begins at `offset` and may go past the end of the circle.
#[must_use]
pub fn covered(arcs: &[f64], offset: f64, width: f64) -> Vec<f64> {
    let mut covered = vec![0.0; arcs.len()];
    let end = offset + width;
    let mut from = 0.0;
    for _ in 0..2 {
        for (covered, arc) in covered.iter_mut().zip(arcs) {
            let to = from + arc;
            *covered += (to.min(end) - from.max(offset)).max(0.0);
            from = to;
        }
    }
    covered
}

/// What is left of an edge by rounding is not a part of a backend.
const NOTHING: f64 = 1e-9;

/// The backends that a client uses, of what it covers.
#[must_use]
pub fn used(covered: &[f64]) -> Vec<usize> {
    (0..covered.len()).filter(|&place| covered[place] > NOTHING).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_at_an_edge_is_used_in_part() {
        let (rings, width) = width(5, 6, 2);
        let covered = covered(&normalized(&[1.0; 6]), offset(2, 5), width);
        assert_eq!((rings, used(&covered)), (2, vec![2, 3, 4]));
        assert!((covered[2] - 0.1).abs() < 1e-12 && (covered[3] - 1.0 / 6.0).abs() < 1e-12 && (covered[4] - 2.0 / 15.0).abs() < 1e-12);
    }

    #[test]
    fn all_clients_together_cover_every_backend_alike() {
        for (clients, backends) in [(5, 15), (13, 7), (50, 100), (3, 3)] {
            let (_, width) = width(clients, backends, 12.min(backends));
            let arcs = normalized(&vec![1.0; backends as usize]);
            let mut sum = vec![0.0; backends as usize];
            for instance in 0..clients {
                covered(&arcs, offset(instance, clients), width).iter().zip(&mut sum).for_each(|(part, sum)| *sum += part);
            }
            assert!(sum.iter().all(|part| (part - sum[0]).abs() < 1e-9), "{sum:?}");
        }
    }
}
