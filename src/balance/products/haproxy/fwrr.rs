//! HAProxy's `roundrobin`: a weighted round robin whose weights can change at any time.
//!
//! **Rule.** Time is counted in picks. Every server knows the position of its next turn, `total ÷ weight` further on each time, with the remainder
//! carried. Three trees hold the servers: *init* (no turn yet in this round: the heaviest first), *current* (by position) and *next* (those whose turn
//! falls into the next round). A pick takes the first of *current* whose position has come, else the first of *init*, else the first of *current*;
//! where both are empty *init* and *next* change places. **Ties** go to who was put into its tree first. **Cost:** O(log n): trees are heaps. **Where it
//! fails.** It never looks at load, and its order is not nginx's: 5, 1, 1 gives a a a b a a c.

use super::Group;
use super::farm::Farm;
use crate::balance::{BackendId, Pool};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The greatest effective weight, by which trees are sorted.
const HEAVIEST: i64 = 4096;

/// A queue of places of servers, by key; equal keys in the order of arrival.
#[derive(Debug, Default)]
struct Tree(BinaryHeap<Reverse<(u32, u64, usize)>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum In {
    #[default]
    Nothing,
    Init,
    Current,
    Next,
}

#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    /// The position of its next turn.
    npos: i64,
    /// That of its last one.
    lpos: i64,
    /// What division has left over.
    rest: i64,
    tree: In,
    eweight: i64,
}

/// The servers of one group: the active ones, or the backups.
#[derive(Debug, Default)]
pub(super) struct RoundRobin {
    turns: Vec<Turn>,
    init: Tree,
    current: Tree,
    next: Tree,
    current_weight: i64,
    current_pos: i64,
    next_weight: i64,
    /// Counts arrivals in trees.
    arrivals: u64,
    /// Full servers, put back at the end of a pick.
    set_aside: Vec<usize>,
}

impl RoundRobin {
    /// A new group of those servers of a farm that are usable.
    pub(super) fn rebuild(&mut self, farm: &Farm, group: Group) {
        *self = Self { turns: vec![Turn::default(); farm.servers.len()], ..Self::default() };
        for (at, server) in farm.servers.iter().enumerate().filter(|(_, server)| group.has(server) && server.eweight > 0) {
            self.turns[at].eweight = i64::from(server.eweight);
            self.next_weight += i64::from(server.eweight);
            self.by_weight(at, In::Init);
        }
        (self.current_pos, self.current_weight) = (self.next_weight, self.next_weight);
    }

    fn tree(&mut self, tree: In) -> Option<&mut Tree> {
        match tree {
            In::Nothing => None,
            In::Init => Some(&mut self.init),
            In::Current => Some(&mut self.current),
            In::Next => Some(&mut self.next),
        }
    }

    fn put(&mut self, at: usize, tree: In, key: u32) {
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.turns[at].tree = tree;
        if let Some(tree) = self.tree(tree) {
            tree.0.push(Reverse((key, arrival, at)));
        }
    }

    fn by_weight(&mut self, at: usize, tree: In) {
        self.put(at, tree, (HEAVIEST - self.turns[at].eweight) as u32);
    }

    fn remove(&mut self, at: usize) {
        if let Some(tree) = self.tree(self.turns[at].tree) {
            tree.0.retain(|&Reverse((_, _, other))| other != at);
        }
    }

    /// Puts a server where its next turn belongs.
    fn queue(&mut self, at: usize) {
        let turn = self.turns[at];
        if turn.eweight == 0 {
            self.turns[at].tree = In::Nothing;
        } else if turn.npos >= 2 * self.current_weight || turn.npos >= self.current_weight + self.next_weight {
            self.turns[at].npos -= self.current_weight;
            self.by_weight(at, In::Next);
        } else {
            let key = 256 * turn.npos + (HEAVIEST + turn.rest - turn.eweight) / 16;
            self.put(at, In::Current, key as u32);
        }
    }

    /// The server whose turn it is, taken out of its tree.
    fn first(&mut self) -> Option<usize> {
        let by_position = self.current.0.peek().map(|&Reverse((_, _, at))| at);
        if by_position.is_none_or(|at| self.turns[at].npos > self.current_pos)
            && let Some(Reverse((_, _, at))) = self.init.0.pop()
        {
            (self.turns[at].npos, self.turns[at].rest) = (0, 0);
            return Some(at);
        }
        self.current.0.pop().map(|Reverse((_, _, at))| at)
    }

    /// A server had its turn: where its next one is.
    fn advance(&mut self, at: usize) {
        let turn = &mut self.turns[at];
        if turn.npos == 0 {
            turn.npos = self.current_pos;
        }
        turn.lpos = turn.npos;
        turn.npos += self.next_weight / turn.eweight;
        turn.rest += self.next_weight % turn.eweight;
        if turn.rest >= turn.eweight {
            turn.rest -= turn.eweight;
            turn.npos += 1;
        }
    }

    /// Whose turn it is among those that are not full; the one to avoid only where there is no other.
    pub(super) fn pick(&mut self, farm: &Farm, pool: &Pool, avoid: Option<BackendId>) -> Option<usize> {
        let (mut switched, mut avoided) = (false, None);
        let chosen = loop {
            if self.current_weight == 0 {
                (self.current_pos, self.current_weight) = (self.next_weight, self.next_weight);
            }
            let Some(at) = self.first() else {
                if switched {
                    break avoided;
                }
                switched = true;
                self.switch();
                continue;
            };
            self.advance(at);
            self.current_pos += 1;
            if !farm.is_saturated(at, pool) {
                if avoid != Some(farm.servers[at].backend) || avoided.is_some() {
                    break Some(at);
                }
                avoided = Some(at);
            }
            self.set_aside.push(at);
        };
        if let Some(at) = chosen {
            self.queue(at);
        }
        while let Some(at) = self.set_aside.pop() {
            if chosen == Some(at) {
                continue;
            }
            if switched { self.by_weight(at, In::Init) } else { self.queue(at) }
        }
        chosen
    }

    /// *Init* and *next* change places: a new round.
    fn switch(&mut self) {
        std::mem::swap(&mut self.init, &mut self.next);
        self.init.0.iter().for_each(|&Reverse((_, _, at))| self.turns[at].tree = In::Init);
        self.current_weight = self.next_weight;
        self.current_pos = self.current_weight;
    }

    /// A server weighs something else, has come or has gone.
    pub(super) fn reweigh(&mut self, at: usize, eweight: u32) {
        let (before, now) = (self.turns[at].eweight, i64::from(eweight));
        if before == now {
            return;
        }
        self.next_weight += now - before;
        self.remove(at);
        self.turns[at].eweight = now;
        if now == 0 {
            self.turns[at].tree = In::Nothing;
        } else if before > 0 && self.turns[at].tree == In::Init {
            self.by_weight(at, In::Init);
        } else {
            self.find_place(at, before > 0);
            self.queue(at);
        }
    }

    fn find_place(&mut self, at: usize, was_up: bool) {
        let (current_pos, current_weight, next_weight) = (self.current_pos, self.current_weight, self.next_weight);
        let turn = &mut self.turns[at];
        if !was_up {
            turn.npos = current_pos + (next_weight + current_weight - current_pos) / turn.eweight;
            return;
        }
        match turn.tree {
            In::Next => turn.npos += current_weight,
            In::Nothing => turn.npos = current_pos,
            In::Init | In::Current => {}
        }
        let step = next_weight / turn.eweight;
        turn.npos = turn.npos.min(turn.lpos + step);
        turn.rest = 0;
        if turn.npos < current_pos + 2 {
            turn.npos = current_pos + step;
        }
    }
}
