//! What begins and ends where, in order: faults brought down to effects, made as time goes on.
//!
//! An endless fault makes its next occurrence only when everything before has been taken; a flap makes one time down after the other, a deploy one batch
//! after the other. What has begun carries its end with it, so that no beginning is without its end.

use super::occurrences::{Occurrences, Window};
use super::{Change, Effect, Fault, Kind};
use crate::random::Numbered;
use crate::time::Span;
use std::collections::{BTreeMap, BTreeSet};

/// All changes of a replication, in the order of (instant, fault, occurrence), ends before beginnings.
#[derive(Debug)]
pub struct Timeline {
    faults: Vec<Running>,
    /// When each fault changes next.
    next: BTreeSet<(u64, u16)>,
}

impl Timeline {
    /// The timeline of a replication. Surges are traffic's, and not in it.
    #[must_use]
    pub fn new(faults: &[Fault], seed: u64, replication: u64) -> Self {
        let faults: Vec<Running> = faults.iter().zip(0..).map(|(fault, number)| Running::new(fault, number, seed, replication)).collect();
        let mut timeline = Self { faults, next: BTreeSet::new() };
        (0..timeline.faults.len()).for_each(|number| timeline.put(number as u16));
        timeline
    }

    /// When the next change is; `u64::MAX` if there is none.
    #[must_use]
    pub fn next_at(&self) -> u64 {
        self.next.first().map_or(u64::MAX, |&(at, _)| at)
    }

    /// Takes the next change.
    pub fn pop(&mut self) -> Option<Change> {
        let (at, fault) = self.next.pop_first()?;
        let (occurrence, begins, pending) = self.faults[fault as usize].pop();
        self.put(fault);
        Some(Change { at, fault, occurrence, begins, effect: pending.effect, backends: pending.backends })
    }

    /// From now on nothing new begins; what has begun still ends.
    pub fn stop_beginning(&mut self) {
        self.next.clear();
        for number in 0..self.faults.len() {
            self.faults[number].stop();
            self.put(number as u16);
        }
    }

    fn put(&mut self, fault: u16) {
        self.next.extend(self.faults[fault as usize].next_at().map(|at| (at, fault)));
    }
}

/// One fault, as far as it has been made.
#[derive(Debug)]
struct Running {
    fault: Fault,
    stream: Numbered,
    occurrences: Occurrences,
    /// The occurrence that is not yet begun to be made.
    upcoming: Option<Window>,
    /// The one that is being made piece by piece.
    unfinished: Option<Unfinished>,
    /// By instant, occurrence, whether it begins, and order of making.
    pending: BTreeMap<(u64, u32, bool, u64), Pending>,
    made: u64,
}

/// A change that is to come. Ends are made when their beginnings are taken.
#[derive(Debug)]
struct Pending {
    effect: Effect,
    backends: Vec<u32>,
    /// When it ends.
    ends: u64,
}

/// An occurrence of several pieces.
#[derive(Debug)]
struct Unfinished {
    window: Window,
    hit: Vec<u32>,
    /// When the next piece begins.
    at: u64,
    /// Backends that are through, of a deploy.
    through: usize,
}

impl Running {
    fn new(fault: &Fault, number: u64, seed: u64, replication: u64) -> Self {
        let mut occurrences = Occurrences::new(fault, number, seed, replication);
        let upcoming = if matches!(fault.kind, Kind::Surge { .. }) { None } else { occurrences.next() };
        let stream = occurrences.stream();
        Self { fault: fault.clone(), stream, occurrences, upcoming, unfinished: None, pending: BTreeMap::new(), made: 0 }
    }

    /// When it changes next, after making all that may come first.
    fn next_at(&mut self) -> Option<u64> {
        loop {
            let first = self.pending.first_key_value().map(|((at, ..), _)| *at);
            match self.makes_at() {
                Some(at) if first.is_none_or(|first| at <= first) => self.make(),
                _ => return first,
            }
        }
    }

    /// When the next piece or occurrence that is not made begins.
    fn makes_at(&self) -> Option<u64> {
        let is_there_from_the_start = matches!(self.fault.kind, Kind::Join { .. });
        let upcoming = self.upcoming.map(|window| if is_there_from_the_start { 0 } else { window.begins });
        self.unfinished.as_ref().map(|unfinished| unfinished.at).or(upcoming)
    }

    fn pop(&mut self) -> (u32, bool, Pending) {
        let ((_, occurrence, begins, _), pending) = self.pending.pop_first().expect("it has said when it changes next");
        if begins && pending.ends < u64::MAX {
            let end = Pending { effect: pending.effect.clone(), backends: pending.backends.clone(), ends: u64::MAX };
            self.pending.insert((pending.ends, occurrence, false, self.made), end);
            self.made += 1;
        }
        (occurrence, begins, pending)
    }

    fn stop(&mut self) {
        (self.upcoming, self.unfinished) = (None, None);
        self.pending.retain(|&(_, _, begins, _), _| !begins);
    }

    /// Something that begins and ends; nothing where it would end at once.
    fn add(&mut self, window: Window, effect: Effect, backends: &[u32]) {
        if window.begins < window.ends {
            let pending = Pending { effect, backends: backends.to_vec(), ends: window.ends };
            self.pending.insert((window.begins, window.occurrence, true, self.made), pending);
            self.made += 1;
        }
    }

    /// Makes the next piece, or begins the next occurrence.
    fn make(&mut self) {
        if let Some(unfinished) = self.unfinished.take() {
            self.unfinished = self.piece(unfinished);
            return;
        }
        let Some(window) = self.upcoming.take() else { return };
        self.upcoming = self.occurrences.next();
        let hit = self.fault.hit(&self.stream, window.occurrence);
        let always = |effect| (effect, window);
        let (effect, window) = match &self.fault.kind {
            Kind::Crash => always(Effect::Down),
            Kind::Hang => always(Effect::Hang),
            Kind::Pause => always(Effect::Pause),
            Kind::Slow { factor } => always(Effect::Slow(*factor)),
            Kind::Errors { share, takes } => always(Effect::Errors { share: *share, takes: takes.clone() }),
            Kind::Latency { add } => always(Effect::Latency(add.clone())),
            Kind::Loss { share } => always(Effect::Loss(*share)),
            Kind::Partition { from, .. } => always(Effect::Partition(from.clone())),
            Kind::Stale => always(Effect::Stale),
            Kind::Flap { .. } | Kind::Deploy { .. } => {
                self.unfinished = Some(Unfinished { window, hit, at: window.begins, through: 0 });
                return;
            }
            Kind::Leave { drain } => return self.leave(window, *drain, &hit),
            &Kind::Join { factor, over } => return self.join(window, factor, over, &hit),
            Kind::Surge { .. } => unreachable!("surges are not on the timeline"),
        };
        self.add(window, effect, &hit);
    }

    /// One time down of a flap, or one batch of a deploy; gives what is left.
    fn piece(&mut self, unfinished: Unfinished) -> Option<Unfinished> {
        let (window, at) = (unfinished.window, unfinished.at);
        match self.fault.kind {
            Kind::Flap { up, down } => {
                let back = at.saturating_add(down.0).min(window.ends);
                self.add(Window { begins: at, ends: back, ..window }, Effect::Down, &unfinished.hit);
                let again = back.saturating_add(up.0);
                (again < window.ends).then_some(Unfinished { at: again, ..unfinished })
            }
            Kind::Deploy { batch, drain, takes, factor, over } => {
                let through = unfinished.hit.len().min(unfinished.through + batch as usize);
                let members = &unfinished.hit[unfinished.through..through];
                let (gone, back) = (at.saturating_add(drain.0), at.saturating_add(drain.0).saturating_add(takes.0));
                self.add(Window { begins: at, ends: gone, ..window }, Effect::Draining, members);
                self.add(Window { begins: gone, ends: back, ..window }, Effect::Absent, members);
                self.cold(Window { begins: back, ends: u64::MAX, ..window }, factor, over, members);
                (through < unfinished.hit.len() && back < u64::MAX).then_some(Unfinished { at: back, through, ..unfinished })
            }
            _ => unreachable!("only flaps and deploys have pieces"),
        }
    }

    fn leave(&mut self, window: Window, drain: Span, hit: &[u32]) {
        let gone = window.begins.saturating_add(drain.0).min(window.ends);
        self.add(Window { ends: gone, ..window }, Effect::Draining, hit);
        self.add(Window { begins: gone, ..window }, Effect::Absent, hit);
    }

    fn join(&mut self, window: Window, factor: f64, over: Span, hit: &[u32]) {
        self.add(Window { begins: 0, ends: window.begins, ..window }, Effect::Absent, hit);
        self.cold(window, factor, over, hit);
        self.add(Window { begins: window.ends, ends: u64::MAX, ..window }, Effect::Absent, hit);
    }

    /// Cold from the beginning of a window, and not beyond its end.
    fn cold(&mut self, window: Window, factor: f64, over: Span, hit: &[u32]) {
        if factor != 1.0 {
            let ends = window.begins.saturating_add(over.0).min(window.ends);
            self.add(Window { ends, ..window }, Effect::Cold { factor, over }, hit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Repeats, Target, windows};

    fn fault(kind: Kind, at: u64, lasts: Option<u64>, repeats: Repeats) -> Fault {
        let target = Target { written: "all".into(), among: vec![0, 1, 2], draw: None };
        Fault { name: String::new(), kind, target, at: Span(at), lasts: lasts.map(Span), repeats }
    }

    /// (instant, begins, effect, backends) of everything, at most 100.
    fn told(faults: &[Fault]) -> Vec<(u64, bool, Effect, Vec<u32>)> {
        let mut timeline = Timeline::new(faults, 1, 0);
        let changes = std::iter::from_fn(|| timeline.pop()).take(100);
        changes.map(|change| (change.at, change.begins, change.effect, change.backends)).collect()
    }

    fn at(faults: &[Fault]) -> Vec<(u64, bool)> {
        told(faults).into_iter().map(|(at, begins, ..)| (at, begins)).collect()
    }

    #[test]
    fn what_is_to_the_end_never_ends() {
        assert_eq!(at(&[fault(Kind::Crash, 5, None, Repeats::Never)]), [(5, true)]);
        assert_eq!(at(&[fault(Kind::Hang, 5, Some(2), Repeats::Never)]), [(5, true), (7, false)]);
    }

    #[test]
    fn ends_come_before_beginnings_and_faults_in_their_order() {
        let crash = fault(Kind::Crash, 0, Some(10), Repeats::Every(Span(10)));
        let pause = fault(Kind::Pause, 10, Some(1), Repeats::Never);
        let mut timeline = Timeline::new(&[crash, pause], 1, 0);
        let first: Vec<_> = std::iter::from_fn(|| timeline.pop()).take(5).map(|change| (change.at, change.fault, change.begins)).collect();
        assert_eq!(first, [(0, 0, true), (10, 0, false), (10, 0, true), (10, 1, true), (11, 1, false)]);
        timeline.stop_beginning();
        assert_eq!((timeline.next_at(), timeline.pop().map(|change| change.begins), timeline.next_at()), (20, Some(false), u64::MAX));
    }

    #[test]
    fn a_flap_is_down_first_and_ends_up() {
        let flap = fault(Kind::Flap { up: Span(3), down: Span(2) }, 10, Some(6), Repeats::Never);
        assert_eq!(at(&[flap]), [(10, true), (12, false), (15, true), (16, false)]);
    }

    #[test]
    fn who_leaves_is_drained_and_then_gone() {
        let leave = fault(Kind::Leave { drain: Span(3) }, 10, Some(8), Repeats::Never);
        let effects: Vec<_> = told(&[leave]).into_iter().map(|(at, begins, effect, _)| (at, begins, effect)).collect();
        assert_eq!(
            effects,
            [(10, true, Effect::Draining), (13, false, Effect::Draining), (13, true, Effect::Absent), (18, false, Effect::Absent)]
        );
    }

    #[test]
    fn who_joins_is_not_there_before_and_cold_at_first() {
        let join = fault(Kind::Join { factor: 0.5, over: Span(4) }, 10, Some(20), Repeats::Never);
        let cold = Effect::Cold { factor: 0.5, over: Span(4) };
        let effects: Vec<_> = told(&[join]).into_iter().map(|(at, begins, effect, _)| (at, begins, effect)).collect();
        assert_eq!(
            effects,
            [
                (0, true, Effect::Absent),
                (10, false, Effect::Absent),
                (10, true, cold.clone()),
                (14, false, cold),
                (30, true, Effect::Absent)
            ]
        );
        assert_eq!(at(&[fault(Kind::Join { factor: 1.0, over: Span(4) }, 0, None, Repeats::Never)]), []);
    }

    #[test]
    fn a_deploy_goes_batch_after_batch() {
        let kind = Kind::Deploy { batch: 2, drain: Span(1), takes: Span(4), factor: 0.5, over: Span(3) };
        let deploy = fault(kind, 10, None, Repeats::Never);
        let backends: Vec<_> =
            told(std::slice::from_ref(&deploy)).into_iter().map(|(at, begins, _, backends)| (at, begins, backends)).collect();
        let (two, one) = (vec![0, 1], vec![2]);
        assert_eq!(
            backends,
            [
                (10, true, two.clone()),
                (11, false, two.clone()),
                (11, true, two.clone()),
                (15, false, two.clone()),
                (15, true, two.clone()),
                (15, true, one.clone()),
                (16, false, one.clone()),
                (16, true, one.clone()),
                (18, false, two),
                (20, false, one.clone()),
                (20, true, one.clone()),
                (23, false, one),
            ]
        );
        assert_eq!(windows(&[deploy], 1, 0, 100).map(|(_, window)| (window.begins, window.ends)).collect::<Vec<_>>(), [(10, 23)]);
    }

    #[test]
    fn drawn_targets_are_distinct_and_another_fault_moves_nobody() {
        let mut drawn = fault(Kind::Crash, 0, Some(5), Repeats::Every(Span(10)));
        drawn.target = Target { written: "random:2".into(), among: (0..10).collect(), draw: Some(2) };
        let alone = told(std::slice::from_ref(&drawn));
        let beside = told(&[drawn.clone(), fault(Kind::Pause, 3, None, Repeats::Never)]);
        let without: Vec<_> = beside.iter().filter(|change| change.2 == Effect::Down).take(90).collect();
        assert_eq!(alone.iter().take(90).collect::<Vec<_>>(), without);
        assert!(alone.iter().all(|(.., backends)| backends.len() == 2 && backends[0] < backends[1]));
        assert!(alone.iter().any(|change| change.3 != alone[0].3));
    }

    #[test]
    fn drawn_times_have_their_means() {
        let mut drawn = fault(Kind::Crash, 0, None, Repeats::Drawn { up: Span(9_000), down: Span(1_000) });
        drawn.target.among.clear();
        let all: Vec<Window> = Occurrences::new(&drawn, 0, 1, 0).take(20_000).collect();
        let down = all.iter().map(|window| (window.ends - window.begins) as f64).sum::<f64>() / all.len() as f64;
        // The standard error of the mean of n exponentials is mean ÷ √n: 0.7%; five of them.
        assert!((down / 1_000.0 - 1.0).abs() < 0.036, "{down}");
        let cycle = all[all.len() - 1].ends as f64 / all.len() as f64;
        assert!((cycle / 10_000.0 - 1.0).abs() < 0.036, "{cycle}");
        assert!(all.windows(2).all(|pair| pair[0].ends <= pair[1].begins));
    }
}
