//! How far a value can go: the last one in an ordered list that keeps rules, and the first that does not.
//!
//! *The rule*: of the two ends, the safe one should keep the rules and the other should not; the list between is halved until the two are neighbours. Where a list has no end
//! of its own, the value grows first: 1, 2, 4, 8, …. What cannot be decided is taken as not kept. At last the next value on either side is looked at, too: a search by halves
//! relies on rules that break once and stay broken, and this is where it would be seen that they do not. Cost: 2 + log₂ n values, and at most two more.
//!
//! *Weak spot*: between values that were looked at, nobody looked.

use super::Holds;
use serde::Serialize;
use std::collections::BTreeMap;

/// Which value is wanted of those that keep the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aim {
    /// The least, as of backends.
    Least,
    /// The greatest, as of load.
    Most,
}

impl Aim {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Least => "least",
            Self::Most => "most",
        }
    }

    /// What is wanted where only the first value keeps the rules, or only the last; `None` where both do, or neither, or one of them is open.
    #[must_use]
    pub const fn of_ends(first: Holds, last: Holds) -> Option<Self> {
        match (first, last) {
            (Holds::Yes, Holds::No) => Some(Self::Most),
            (Holds::No, Holds::Yes) => Some(Self::Least),
            _ => None,
        }
    }
}

/// The list, by its length: places are counted from the least value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// How many values there are.
    pub values: usize,
    /// Whether the search grows from the least value instead of beginning at both ends.
    pub grows: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The last value that keeps the rules; `None` if none was seen to.
    pub last: Option<usize>,
    /// The next one, which does not, or is undecided; `None` where the list ends.
    pub next: Option<usize>,
    /// Pairs that are out of order: the first keeps the rules, and the second does not, though it should sooner.
    pub out_of_order: Vec<(usize, usize)>,
}

/// Searches; `holds` is asked for each value at most once.
///
/// # Errors
/// As `holds` says.
pub fn search<S>(list: List, aim: Aim, holds: &mut dyn FnMut(usize) -> Result<Holds, S>) -> Result<Found, S> {
    let mut seen = BTreeMap::new();
    let mut ask = |place: usize| match seen.get(&place) {
        Some(&known) => Ok(known),
        None => {
            let found = holds(place)?;
            seen.insert(place, found);
            Ok(found)
        }
    };
    let (mut last, mut next) = if list.grows { grown(list, aim, &mut ask)? } else { ends(list, aim, &mut ask)? };
    while let (Some(good), Some(bad)) = (last, next) {
        if good.abs_diff(bad) <= 1 {
            break;
        }
        let middle = good.min(bad) + good.abs_diff(bad) / 2;
        if ask(middle)? == Holds::Yes { last = Some(middle) } else { next = Some(middle) }
    }
    let mut out_of_order = Vec::new();
    if let Some(good) = last {
        let safer = further(list, aim, good, false);
        out_of_order.extend(safer.filter(|_| list.values > 1).map(|safer| ask(safer).map(|found| (found, (good, safer)))).transpose()?);
    }
    out_of_order.retain(|(found, _)| *found == Holds::No);
    let mut out_of_order: Vec<(usize, usize)> = out_of_order.into_iter().map(|(_, pair)| pair).collect();
    if let (Some(bad), Some(beyond)) = (next, next.and_then(|bad| further(list, aim, bad, true)))
        && ask(beyond)? == Holds::Yes
    {
        out_of_order.push((beyond, bad));
    }
    Ok(Found { last, next, out_of_order })
}

/// The place one step towards where rules break, or away from it.
fn further(list: List, aim: Aim, place: usize, breaks: bool) -> Option<usize> {
    let up = (aim == Aim::Most) == breaks;
    if up { Some(place + 1).filter(|&place| place < list.values) } else { place.checked_sub(1) }
}

type Bracket = (Option<usize>, Option<usize>);

fn ends<S>(list: List, aim: Aim, ask: &mut dyn FnMut(usize) -> Result<Holds, S>) -> Result<Bracket, S> {
    let (safe, far) = match aim {
        Aim::Least => (list.values - 1, 0),
        Aim::Most => (0, list.values - 1),
    };
    if ask(safe)? != Holds::Yes {
        return Ok((None, Some(safe)));
    }
    Ok(if ask(far)? == Holds::Yes { (Some(far), None) } else { (Some(safe), Some(far)) })
}

/// Places 0, 1, 3, 7, … are the values 1, 2, 4, 8, ….
fn grown<S>(list: List, aim: Aim, ask: &mut dyn FnMut(usize) -> Result<Holds, S>) -> Result<Bracket, S> {
    let (mut before, mut place) = (None, 0);
    loop {
        let holds = ask(place)? == Holds::Yes;
        match aim {
            Aim::Least if holds => return Ok((Some(place), before)),
            Aim::Most if !holds => return Ok((before, Some(place))),
            Aim::Least | Aim::Most => {}
        }
        if place == list.values - 1 {
            return Ok(if holds { (Some(place), None) } else { (None, Some(place)) });
        }
        before = Some(place);
        place = (2 * place + 1).min(list.values - 1);
    }
}

/// What is known of a search that was cut short: the furthest value that was seen to keep the rules, and the nearest beyond it that was not.
#[must_use]
pub fn so_far(aim: Aim, seen: &BTreeMap<usize, Holds>) -> Found {
    let of = |wanted: bool| seen.iter().filter(move |(_, holds)| (**holds == Holds::Yes) == wanted).map(|(place, _)| *place);
    let (last, next) = match aim {
        Aim::Least => {
            let last = of(true).min();
            (last, of(false).filter(|&place| last.is_none_or(|last| place < last)).max())
        }
        Aim::Most => {
            let last = of(true).max();
            (last, of(false).filter(|&place| last.is_none_or(|last| place > last)).min())
        }
    };
    Found { last, next, out_of_order: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a list for which the truth is known; also how many values were asked for.
    fn found(list: List, aim: Aim, truth: impl Fn(usize) -> Holds) -> (Found, usize) {
        let mut asked = Vec::new();
        let found = search(list, aim, &mut |place| {
            assert!(!asked.contains(&place), "asked for {place} twice");
            asked.push(place);
            Ok::<_, ()>(truth(place))
        });
        (found.expect("nothing stops it"), asked.len())
    }

    fn when(holds: bool) -> Holds {
        if holds { Holds::Yes } else { Holds::No }
    }

    const fn list(values: usize) -> List {
        List { values, grows: false }
    }

    #[test]
    fn every_threshold_of_a_list_is_found_with_its_neighbour() {
        for values in 1..40 {
            for least in 0..values {
                let (one, asked) = found(list(values), Aim::Least, |place| when(place >= least));
                assert_eq!(one, Found { last: Some(least), next: least.checked_sub(1), out_of_order: vec![] }, "{values} {least}");
                assert!(asked <= 2 + values.ilog2() as usize + 1 + 2, "{asked} of {values}");
                let (one, _) = found(list(values), Aim::Most, |place| when(place <= least));
                assert_eq!((one.last, one.next), (Some(least), Some(least + 1).filter(|&next| next < values)));
                let (one, _) = found(List { values, grows: true }, Aim::Least, |place| when(place >= least));
                assert_eq!((one.last, one.next), (Some(least), least.checked_sub(1)));
                let (one, _) = found(List { values, grows: true }, Aim::Most, |place| when(place <= least));
                assert_eq!((one.last, one.next), (Some(least), Some(least + 1).filter(|&next| next < values)));
            }
        }
    }

    #[test]
    fn where_nothing_holds_nothing_is_found() {
        for grows in [false, true] {
            for aim in [Aim::Least, Aim::Most] {
                let (none, asked) = found(List { values: 100, grows }, aim, |_| Holds::No);
                assert_eq!((none.last, none.next.is_some()), (None, true));
                assert!(asked <= 9, "{asked}");
            }
        }
    }

    #[test]
    fn what_is_undecided_is_taken_as_not_kept() {
        let truth = |place: usize| {
            if place < 10 {
                Holds::Yes
            } else if place < 13 {
                Holds::Undecided
            } else {
                Holds::No
            }
        };
        let (one, _) = found(list(50), Aim::Most, truth);
        assert_eq!((one.last, one.next, one.out_of_order.len()), (Some(9), Some(10), 0));
    }

    #[test]
    fn a_hole_beside_the_answer_is_seen() {
        // Holds up to 20, and again at 22.
        let (one, _) = found(list(64), Aim::Most, |place| when(place <= 20 || place == 22));
        assert_eq!(one, Found { last: Some(20), next: Some(21), out_of_order: vec![(22, 21)] });
        // Least: breaks again one above the least.
        let (one, _) = found(list(64), Aim::Least, |place| when(place >= 20 && place != 21));
        assert_eq!(one.out_of_order, [(20, 21)]);
    }

    #[test]
    fn the_servers_of_a_pool_are_those_of_the_formula() {
        // M/M/c at 50 works offered: Erlang's C by its recursion, mean wait C ÷ (c − 50) of a work below a twentieth.
        let wait = |servers: usize| {
            let offered = 50.0;
            let b = (1..=servers).fold(1.0, |b, c| offered * b / (c as f64 + offered * b));
            let c = servers as f64;
            if c <= offered { f64::INFINITY } else { c * b / (c - offered * (1.0 - b)) / (c - offered) }
        };
        let expected = (1..200).find(|&servers| wait(servers) < 0.05).expect("enough servers never wait");
        let (one, asked) = found(List { values: 16_384, grows: true }, Aim::Least, |place| when(wait(place + 1) < 0.05));
        assert_eq!(one.last.map(|place| place + 1), Some(expected));
        assert!(asked <= 18, "{asked}");
    }

    #[test]
    fn the_ends_say_what_is_sought() {
        assert_eq!(Aim::of_ends(Holds::Yes, Holds::No), Some(Aim::Most));
        assert_eq!(Aim::of_ends(Holds::No, Holds::Yes), Some(Aim::Least));
        assert_eq!(Aim::of_ends(Holds::Yes, Holds::Yes), None);
        assert_eq!(Aim::of_ends(Holds::Undecided, Holds::Yes), None);
    }

    #[test]
    fn a_search_cut_short_says_what_was_seen() {
        let seen = BTreeMap::from([(0, Holds::Yes), (50, Holds::No), (25, Holds::Yes), (37, Holds::Undecided)]);
        assert_eq!(so_far(Aim::Most, &seen), Found { last: Some(25), next: Some(37), out_of_order: vec![] });
        assert_eq!(so_far(Aim::Least, &BTreeMap::new()), Found::default());
    }
}
