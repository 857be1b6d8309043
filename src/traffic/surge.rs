//! Surges: faults that multiply arrivals, on top of a source's shape.
//!
//! With a surge of factor s, operational time passes s times as fast: Λ(t) = ∫ shape · s. Between two changes of s that is the shape's own map, stretched; the
//! changes are asked for one after another as arrivals come to them, so that surges may go on without end.

use super::shape::Map;
use crate::fault::{Fault, Occurrences, Window};

/// A surge of a source.
#[derive(Clone, Debug)]
pub struct Surge {
    /// What arrivals are multiplied by.
    pub factor: f64,
    /// The fault's number in the plan.
    pub number: u64,
    /// The fault.
    pub fault: Fault,
}

/// Surges as far as arrivals have come.
#[derive(Clone, Debug)]
pub(super) struct Surging {
    surges: Vec<Running>,
    /// The piece of constant factor that arrivals are in: its end, and the operational time and the shape's own at its beginning and end.
    ends: f64,
    factor: f64,
    begins_at: (f64, f64),
    ends_at: (f64, f64),
}

#[derive(Clone, Debug)]
struct Running {
    factor: f64,
    occurrences: Occurrences,
    /// The occurrence that is, or that comes next.
    window: Option<Window>,
}

impl Surging {
    pub(super) fn new(surges: &[Surge], seed: u64, replication: u64) -> Self {
        let running = |surge: &Surge| {
            let mut occurrences = Occurrences::new(&surge.fault, surge.number, seed, replication);
            let window = occurrences.next();
            Running { factor: surge.factor, occurrences, window }
        };
        // A piece without length: the first arrival begins the first real one.
        Self { surges: surges.iter().map(running).collect(), ends: 0.0, factor: 1.0, begins_at: (0.0, 0.0), ends_at: (0.0, 0.0) }
    }

    /// The real instant of an operational one, which is none before the last asked for; `u64::MAX` if it never comes.
    pub(super) fn real(&mut self, operational: u64, map: &Map) -> u64 {
        let a = operational as f64;
        while a > self.ends_at.0 || (self.ends == 0.0 && self.ends_at.0 == 0.0) {
            self.go_on(map);
        }
        let (mine, its) = self.begins_at;
        if self.factor == 0.0 { self.ends as u64 } else { map.invert(its + (a - mine) / self.factor) as u64 }
    }

    /// Enters the next piece. The last one has no end.
    fn go_on(&mut self, map: &Map) {
        let begins = self.ends;
        for surge in &mut self.surges {
            while surge.window.is_some_and(|window| window.ends as f64 <= begins) {
                surge.window = surge.occurrences.next();
            }
        }
        let windows =
            || self.surges.iter().filter_map(|surge| surge.window.map(|window| (window.begins as f64, window.ends as f64, surge.factor)));
        let is_on = |begun: f64| begun <= begins;
        self.factor = windows().filter(|&(from, ..)| is_on(from)).map(|(.., factor)| factor).product();
        let changes = windows().map(|(from, to, _)| if is_on(from) { to } else { from });
        // The end of time is none: what lasts to the end has no change.
        self.ends = changes.filter(|&at| at < u64::MAX as f64).fold(f64::INFINITY, f64::min);
        self.begins_at = self.ends_at;
        let its = if self.ends.is_finite() { map.passed(self.ends) } else { f64::INFINITY };
        let mine = if its.is_finite() { self.begins_at.0 + self.factor * (its - self.begins_at.1) } else { f64::INFINITY };
        self.ends_at = (mine, its);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Warp;
    use super::*;
    use crate::fault::{Kind, Repeats, Target};
    use crate::scenario::Shape;
    use crate::time::Span;

    fn surge(factor: f64, at: u64, lasts: Option<u64>, repeats: Repeats) -> Surge {
        let target = Target { written: "all".into(), among: vec![0], draw: None };
        let kind = Kind::Surge { factor };
        Surge { factor, number: 0, fault: Fault { name: String::new(), kind, target, at: Span(at), lasts: lasts.map(Span), repeats } }
    }

    fn real(shape: &Shape, surges: &[Surge], mut instants: Vec<u64>) -> Vec<u64> {
        Warp::new(shape).surging(surges, 1, 0).to_real(&mut instants);
        instants
    }

    #[test]
    fn a_surge_makes_time_pass_faster_for_a_while() {
        let double = surge(2.0, 100, Some(50), Repeats::Never);
        assert_eq!(real(&Shape::Flat, &[double], vec![0, 100, 150, 200, 250]), [0, 100, 125, 150, 200]);
        let again = surge(2.0, 100, Some(100), Repeats::Every(Span(200)));
        assert_eq!(real(&Shape::Flat, &[again], vec![100, 300, 400, 600]), [100, 200, 300, 400]);
    }

    #[test]
    fn a_surge_of_nothing_stops_arrivals() {
        let silence = surge(0.0, 100, Some(50), Repeats::Never);
        assert_eq!(real(&Shape::Flat, &[silence], vec![50, 101, 200]), [50, 151, 250]);
        let for_ever = surge(0.0, 100, None, Repeats::Never);
        assert_eq!(real(&Shape::Flat, &[for_ever], vec![50, 101]), [50, u64::MAX]);
    }

    #[test]
    fn surges_multiply_each_other_and_the_shape() {
        let surges = [surge(2.0, 100, None, Repeats::Never), surge(3.0, 200, Some(100), Repeats::Never)];
        // 100 of operational time up to 100, 200 up to 200, 600 up to 300.
        assert_eq!(real(&Shape::Flat, &surges, vec![0, 300, 600, 900, 1100]), [0, 200, 250, 300, 400]);
        let shape = Shape::Steps(vec![(Span(150), 2.0)]);
        // Up to 100: 100; up to 150 at 2: 200; from then on at 4.
        assert_eq!(real(&shape, &surges[..1], vec![100, 200, 400]), [100, 150, 200]);
    }

    #[test]
    fn shapes_with_a_surge_that_changes_nothing_are_as_before() {
        let shapes = [
            Shape::Flat,
            Shape::Ramp { from: 0.5, to: 2.0, over: Span(1_000_000) },
            Shape::Wave { amplitude: 0.9, period: Span(300_000) },
            Shape::Spike { at: Span(100_000), lasts: Span(50_000), factor: 4.0 },
        ];
        for shape in shapes {
            let instants: Vec<u64> = (0..3_000_000).step_by(9_999).collect();
            let plain = real(&shape, &[], instants.clone());
            let surging = real(&shape, &[surge(1.0, 70_000, Some(10_000), Repeats::Every(Span(50_000)))], instants);
            assert!(plain.iter().zip(&surging).all(|(a, b)| a.abs_diff(*b) <= 2), "{shape:?}");
        }
    }
}
