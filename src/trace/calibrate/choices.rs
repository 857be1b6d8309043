//! Who chose: which of a few rules makes the recorded choices most likely.

use libm::{exp, log};

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Each in turn.
    RoundRobin,
    /// One of those with the fewest in flight.
    LeastConnections,
    /// Any, all as likely.
    Random,
    /// Any, each as often as it was chosen.
    Weighted,
    /// Each as often as it was chosen, as evenly as that can be.
    WeightedInTurn,
}

impl Rule {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::LeastConnections => "least-connections",
            Self::Random => "random",
            Self::Weighted => "weighted-random",
            Self::WeightedInTurn => "weighted-round-robin",
        }
    }
}

/// How well a rule explains the choices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// It.
    pub rule: Rule,
    /// The logarithm of the likelihood of a choice, on average.
    pub ln_likelihood: f64,
    /// The share of choices that it allows: in turn, or among the least loaded; `None` for rules that allow every choice.
    pub share: Option<f64>,
}

/// So many choices are taken to be made by no rule at all: retries, restarts, other balancers.
const STRAY: f64 = 0.05;

/// Choices, as they are made.
#[derive(Clone, Debug)]
pub(super) struct Choices {
    count: u64,
    by: Vec<u64>,
    /// When each was chosen last, by the number of the choice; 0: never.
    last: Vec<u64>,
    in_turn: u64,
    least: u64,
    ln_turn: f64,
    ln_least: f64,
}

impl Choices {
    pub(super) fn new(backends: usize) -> Self {
        Self { count: 0, by: vec![0; backends], last: vec![0; backends], in_turn: 0, least: 0, ln_turn: 0.0, ln_least: 0.0 }
    }

    pub(super) fn add(&mut self, chosen: usize, in_flight: &[u32]) {
        let all = in_flight.len() as f64;
        let stray = STRAY / all;
        // Whose turn it is has not been chosen for the longest time.
        let is_turn = self.last.iter().all(|&last| last >= self.last[chosen]);
        let fewest = in_flight.iter().copied().min().unwrap_or(0);
        let among = in_flight.iter().filter(|&&count| count == fewest).count() as f64;
        let is_least = in_flight[chosen] == fewest;
        let firsts = self.last.iter().filter(|&&last| last == self.last[chosen]).count() as f64;
        self.ln_turn += log(stray + if is_turn { (1.0 - STRAY) / firsts } else { 0.0 });
        self.ln_least += log(stray + if is_least { (1.0 - STRAY) / among } else { 0.0 });
        self.in_turn += u64::from(is_turn);
        self.least += u64::from(is_least);
        self.count += 1;
        self.by[chosen] += 1;
        self.last[chosen] = self.count;
    }

    /// How often each was chosen, as shares.
    pub(super) fn shares(&self) -> Vec<f64> {
        self.by.iter().map(|&count| count as f64 / self.count.max(1) as f64).collect()
    }

    /// Every rule, best first; weights pay for their number (BIC).
    pub(super) fn rules(&self, turns: &Turns) -> Vec<Guess> {
        let n = self.count.max(1) as f64;
        let all = self.by.len().max(1) as f64;
        let weighted: f64 = self.by.iter().filter(|&&count| count > 0).map(|&count| count as f64 * log(count as f64 / n)).sum();
        let guess = |rule, sum: f64, share| Guess { rule, ln_likelihood: sum / n, share };
        let mut rules = vec![
            guess(Rule::RoundRobin, self.ln_turn, Some(self.in_turn as f64 / n)),
            guess(Rule::LeastConnections, self.ln_least, Some(self.least as f64 / n)),
            guess(Rule::Random, -n * log(all), None),
            guess(Rule::Weighted, weighted - 0.5 * (all - 1.0) * log(n), None),
            // The sharpness is a parameter, too.
            guess(Rule::WeightedInTurn, turns.ln.into_iter().fold(f64::MIN, f64::max) - 0.5 * all * log(n), None),
        ];
        rules.sort_by(|a, b| b.ln_likelihood.total_cmp(&a.ln_likelihood));
        rules
    }
}

/// How sharply the one furthest behind is taken: logs tell the order of choices only as far as their stamps do, so neighbours may have changed places.
const SHARPNESS: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];

/// Choices against shares that are known: whether whoever is furthest behind its share is taken.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    shares: Vec<f64>,
    by: Vec<u64>,
    count: u64,
    /// By sharpness.
    ln: [f64; SHARPNESS.len()],
}

impl Turns {
    pub(super) fn new(shares: Vec<f64>) -> Self {
        Self { by: vec![0; shares.len()], shares, count: 0, ln: [0.0; SHARPNESS.len()] }
    }

    pub(super) fn add(&mut self, chosen: usize) {
        self.count += 1;
        let count = self.count as f64;
        let behind = |at: usize| self.shares[at] * count - self.by[at] as f64;
        let most = (0..self.shares.len()).map(behind).fold(f64::MIN, f64::max);
        let stray = STRAY / self.shares.len() as f64;
        for (ln, sharpness) in self.ln.iter_mut().zip(SHARPNESS) {
            let weight = |at: usize| exp(sharpness * (behind(at) - most));
            let all: f64 = (0..self.shares.len()).map(weight).sum();
            *ln += log(stray + (1.0 - STRAY) * weight(chosen) / all);
        }
        self.by[chosen] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn best(choices: &[usize]) -> Rule {
        let (mut seen, idle) = (Choices::new(3), [0; 3]);
        choices.iter().for_each(|&chosen| seen.add(chosen, &idle));
        let mut turns = Turns::new(seen.shares());
        choices.iter().for_each(|&chosen| turns.add(chosen));
        seen.rules(&turns)[0].rule
    }

    #[test]
    fn weights_in_turn_are_told_from_weighted_chance() {
        let in_turn: Vec<usize> = (0..600).map(|number| [0, 1, 0, 2, 1, 0][number % 6]).collect();
        assert_eq!(best(&in_turn), Rule::WeightedInTurn);
        let mut chance = Stream::new(3);
        let mut swapped = in_turn.clone();
        (0..599).filter(|_| chance.below(4) == 0).for_each(|at| swapped.swap(at, at + 1));
        assert_eq!(best(&swapped), Rule::WeightedInTurn, "though a quarter have changed places with a neighbour");
        let by_chance: Vec<usize> = (0..600).map(|_| [0, 0, 0, 1, 1, 2][chance.below(6) as usize]).collect();
        assert_eq!(best(&by_chance), Rule::Weighted);
        assert_eq!(best(&(0..600).map(|number| number % 3).collect::<Vec<_>>()), Rule::RoundRobin);
    }
}
