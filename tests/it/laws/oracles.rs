//! Balancers against the simplest thing that could be right: twenty lines that look at everybody, over random lives.
//!
//! 20,000 operations in plain `cargo test`; a million where `EVENKEEL_ORACLE_STEPS` says so, as CI's release run does.

use evenkeel::balance::{self, BackendId, Balancer, Ctx, Member, Pick, Pool, Request, State};
use evenkeel::catalogue::Value;
use evenkeel::random::Stream;
use evenkeel::scenario;
use evenkeel::time::SimTime;
use std::cell::Cell;
use std::rc::Rc;
use xxhash_rust::xxh64::xxh64;

/// Says whom the rule names, and whether a pick is one of several that it may name.
type Naive = Box<dyn FnMut(&Pool, &Request<'_>) -> Vec<u32>>;

fn steps() -> u64 {
    std::env::var("EVENKEEL_ORACLE_STEPS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// The balancer and its oracle live through the same: requests that come and go, weights and states that change. `renewed` makes a new oracle when the pool
/// has changed, as the balancer begins anew then.
fn agree(kind: &str, set: &[(&'static str, Value)], n: usize, mut renewed: impl FnMut(&Pool) -> Naive) {
    let listed = balance::find(kind).expect("it is in the catalogue");
    let mut values = scenario::defaults(&listed.entry);
    set.iter().for_each(|(name, value)| values.set(name, value.clone()));
    let mut balancer: Box<dyn Balancer> = (listed.build)(&values);
    let (mut chance, mut own) = (Stream::new(n as u64), Stream::new(7));
    let members = (0..n).map(|number| Member::new(format!("10.0.0.{number}:80")).weight((1 + number % 4) as f64));
    let mut pool = Pool::new(members.collect::<Vec<_>>().into());
    balancer.members(&pool, &mut Ctx { now: SimTime::ZERO, chance: &mut own });
    let mut naive = renewed(&pool);
    let mut open: Vec<BackendId> = Vec::new();
    for step in 0..steps() {
        let mut tell = |balancer: &mut Box<dyn Balancer>, pool: &Pool, backend| {
            if balancer.listens().counts {
                balancer.counted(backend, pool, &mut Ctx { now: SimTime(step), chance: &mut own });
            }
        };
        match chance.below(100) {
            0 => {
                let backend = BackendId(chance.below(n as u64) as u32);
                match chance.below(3) {
                    0 => pool.set_weight(backend, chance.below(5) as f64),
                    1 => pool.set_state(backend, State::Down),
                    _ => pool.set_state(backend, State::Up),
                }
                balancer.members(&pool, &mut Ctx { now: SimTime(step), chance: &mut own });
                naive = renewed(&pool);
            }
            1..=45 if !open.is_empty() => {
                let at = chance.below(open.len() as u64) as usize;
                let backend = open.swap_remove(at);
                pool.ended(backend);
                tell(&mut balancer, &pool, backend);
            }
            _ => {
                let request = Request { id: step, key: chance.below(10_000), ..Request::default() };
                let named = naive(&pool, &request);
                let pick = balancer.pick(&request, &pool, &mut Ctx { now: SimTime(step), chance: &mut chance });
                match pick {
                    Pick::Backend(backend) => {
                        let loads: Vec<_> =
                            (0..n as u32).map(BackendId).map(|id| (pool.in_flight(id), pool.weight(id), pool.state(id))).collect();
                        assert!(
                            named.contains(&backend.0),
                            "{kind} {set:?} of {n}, step {step}: {backend:?}, and the rule names {named:?} of {loads:?}"
                        );
                        pool.sent(backend);
                        open.push(backend);
                        let mut ctx = Ctx { now: SimTime(step), chance: &mut chance };
                        if balancer.listens().counts {
                            balancer.counted(backend, &pool, &mut ctx);
                        }
                    }
                    _ => assert!(named.is_empty(), "{kind} of {n}, step {step}: {pick:?}, and the rule names {named:?}"),
                }
            }
        }
    }
}

/// The ids of the eligible, with weight where that counts.
fn eligible(pool: &Pool, weighted: bool) -> Vec<u32> {
    let all = pool.eligible().iter().filter(|&&id| !weighted || pool.weight(id) > 0.0);
    all.map(|id| id.0).collect()
}

/// All where a score is least.
fn least(ids: &[u32], score: impl Fn(u32) -> f64) -> Vec<u32> {
    let best = ids.iter().map(|&id| score(id)).fold(f64::INFINITY, f64::min);
    ids.iter().copied().filter(|&id| score(id) == best).collect()
}

fn first(mut ids: Vec<u32>) -> Vec<u32> {
    ids.truncate(1);
    ids
}

const SIZES: [usize; 4] = [1, 2, 7, 40];

fn ties(word: &str) -> (&'static str, Value) {
    ("ties", Value::Text(word.into()))
}

#[test]
fn round_robin_goes_round() {
    for n in SIZES {
        // The turn stays with the place in the list when the list changes, as far as there still is that place.
        let turn = Rc::new(Cell::new(0));
        agree("round-robin", &[], n, |pool| {
            let turn = Rc::clone(&turn);
            turn.set(if turn.get() >= pool.eligible().len() { 0 } else { turn.get() });
            Box::new(move |pool, _| {
                let ids = eligible(pool, false);
                let named = ids.get(turn.get()).copied();
                turn.set((turn.get() + 1) % ids.len().max(1));
                named.into_iter().collect()
            })
        });
    }
}

#[test]
fn least_connections_has_the_least() {
    for n in SIZES {
        let count = |pool: &Pool, id| f64::from(pool.in_flight(BackendId(id)));
        agree("least-connections", &[], n, |_| Box::new(move |pool, _| least(&eligible(pool, false), |id| count(pool, id))));
        agree("least-connections", &[ties("first")], n, |_| {
            Box::new(move |pool, _| first(least(&eligible(pool, false), |id| count(pool, id))))
        });
        agree("least-connections", &[ties("first"), ("weighted", Value::Bool(true))], n, |_| {
            Box::new(move |pool, _| first(least(&eligible(pool, true), |id| count(pool, id) / pool.weight(BackendId(id)))))
        });
    }
}

#[test]
fn shortest_expected_delay_has_the_shortest() {
    for n in SIZES {
        let delay = |pool: &Pool, id| (f64::from(pool.in_flight(BackendId(id))) + 1.0) / pool.weight(BackendId(id));
        agree("shortest-expected-delay", &[ties("first")], n, |_| {
            Box::new(move |pool, _| first(least(&eligible(pool, true), |id| delay(pool, id))))
        });
        agree("never-queue", &[ties("first")], n, |_| {
            Box::new(move |pool, _| {
                let all = eligible(pool, true);
                let idle: Vec<u32> = all.iter().copied().filter(|&id| pool.in_flight(BackendId(id)) == 0).collect();
                first(least(if idle.is_empty() { &all } else { &idle }, |id| delay(pool, id)))
            })
        });
    }
}

#[test]
fn jbsq_never_exceeds_its_bound_and_is_otherwise_shortest() {
    for n in SIZES {
        agree("jbsq", &[], n, |_| {
            Box::new(|pool, _| {
                let count = |id| f64::from(pool.in_flight(BackendId(id)));
                least(&eligible(pool, false), count).into_iter().filter(|&id| count(id) < 2.0).collect()
            })
        });
    }
}

#[test]
fn power_of_all_is_least_connections() {
    for n in SIZES {
        agree("power-of-d", &[("choices", Value::Whole(1000))], n, |_| {
            Box::new(|pool, _| least(&eligible(pool, false), |id| f64::from(pool.in_flight(BackendId(id)))))
        });
    }
}

#[test]
fn smooth_credit_is_credit() {
    for n in SIZES {
        agree("weighted-round-robin", &[], n, |pool| {
            let mut credit = vec![0.0; pool.len()];
            Box::new(move |pool, _| {
                let ids = eligible(pool, true);
                ids.iter().for_each(|&id| credit[id as usize] += pool.weight(BackendId(id)));
                let best = first(least(&ids, |id| -credit[id as usize]));
                best.iter().for_each(|&id| credit[id as usize] -= ids.iter().map(|&id| pool.weight(BackendId(id))).sum::<f64>());
                best
            })
        });
    }
}

#[test]
fn deadlines_are_kept() {
    for n in SIZES {
        agree("weighted-round-robin", &[("style", Value::Text("edf".into()))], n, |pool| {
            let mut queue: Vec<(f64, u64, u32)> =
                eligible(pool, true).into_iter().zip(0..).map(|(id, order)| (1.0 / pool.weight(BackendId(id)), order, id)).collect();
            let mut order = queue.len() as u64;
            Box::new(move |pool, _| {
                let Some(at) = (0..queue.len()).min_by(|&a, &b| queue[a].0.total_cmp(&queue[b].0).then(queue[a].1.cmp(&queue[b].1))) else {
                    return Vec::new();
                };
                let id = queue[at].2;
                queue[at] = (queue[at].0 + 1.0 / pool.weight(BackendId(id)), order, id);
                order += 1;
                vec![id]
            })
        });
    }
}

#[test]
fn a_key_goes_to_the_next_point() {
    for n in SIZES {
        agree("ring-hash", &[("points", Value::Whole(20))], n, |pool| {
            let mut points: Vec<(u64, u32)> = Vec::new();
            for id in eligible(pool, true) {
                let member = pool.member(BackendId(id));
                for number in 0..(20.0 * pool.weight(BackendId(id))) as u64 {
                    points.push((xxh64(format!("{}_{number}", member.address).as_bytes(), 0), id));
                }
            }
            Box::new(move |_, request| {
                let hash = xxh64(request.key.to_string().as_bytes(), 0);
                let after = points.iter().filter(|(at, _)| *at >= hash).min().or_else(|| points.iter().min());
                after.map(|(_, id)| *id).into_iter().collect()
            })
        });
    }
}

#[test]
fn a_maglev_table_is_filled_by_turns() {
    for n in [1, 2, 7] {
        agree("maglev", &[("table_size", Value::Whole(251))], n, |pool| {
            let mut ids = eligible(pool, true);
            ids.sort_by_key(|&id| pool.member(BackendId(id)).address.clone());
            let weight = |id: u32| pool.weight(BackendId(id));
            let heaviest = ids.iter().map(|&id| weight(id)).fold(0.0, f64::max);
            let mut table: Vec<Option<u32>> = vec![None; 251];
            let mut ranks = vec![0_u64; ids.len()];
            let mut targets = vec![0.0; ids.len()];
            let mut round = 0.0;
            while table.contains(&None) && !ids.is_empty() {
                round += 1.0;
                for (at, &id) in ids.iter().enumerate() {
                    if !table.contains(&None) || round * weight(id) < targets[at] {
                        continue;
                    }
                    targets[at] += heaviest;
                    let address = &pool.member(BackendId(id)).address;
                    let slot = loop {
                        let (offset, skip) = (xxh64(address.as_bytes(), 0) % 251, xxh64(address.as_bytes(), 1) % 250 + 1);
                        let slot = ((offset + ranks[at] * skip) % 251) as usize;
                        ranks[at] += 1;
                        if table[slot].is_none() {
                            break slot;
                        }
                    };
                    table[slot] = Some(id);
                }
            }
            Box::new(move |_, request| table[(xxh64(request.key.to_string().as_bytes(), 0) % 251) as usize].into_iter().collect())
        });
    }
}

#[test]
fn the_highest_draw_wins() {
    for n in SIZES {
        agree("rendezvous", &[], n, |_| {
            Box::new(|pool, request| {
                let key = xxh64(request.key.to_string().as_bytes(), 0);
                let draw = |id: u32| {
                    let member = pool.member(BackendId(id));
                    let bits = evenkeel::random::mix(key ^ xxh64(member.address.as_bytes(), 0));
                    -(pool.weight(BackendId(id)) / -libm::log(evenkeel::random::unit(bits)))
                };
                least(&eligible(pool, true), draw)
            })
        });
    }
}

#[test]
fn the_first_of_the_lowest_priority_gets_everything() {
    for n in SIZES {
        agree("first", &[], n, |_| Box::new(|pool, _| first(eligible(pool, false))));
    }
}
