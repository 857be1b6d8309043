//! Backends that are interrupted at random, beside a second implementation that is slow and obviously right.
//!
//! The model keeps all attempts of a backend in one vector, each with the work that is left of it, and looks through all of them whenever it wants to know
//! something. What both say must be the same at every step: who is done when, who is shed, what whoever leaves has been served, every number of the
//! account. With processor sharing, instants are whole nanoseconds and shares are not: there, whoever is done is so within the nanosecond after the model
//! says so, and what it has been served is right to the nanosecond.

use evenkeel::fleet::{Accepted, Account, Attempt, Fleet, GroupPlan, Kept};
use evenkeel::random::Stream;
use evenkeel::scenario::Discipline;

/// Work is counted in 2^-52 ns, as a factor of speed is; that is the contract.
const ONE: i128 = 1 << 52;

/// The highest factor of speed.
const FASTEST: f64 = 3.0;

/// Lives in a run, and steps in a life.
const LIVES: u64 = if cfg!(debug_assertions) { 1_000 } else { 12_000 };
const STEPS: u64 = 250;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waits,
    Served,
    Holds,
}

/// One attempt at the model's backend.
#[derive(Clone, Debug)]
struct Job {
    id: u32,
    state: State,
    priority: i64,
    came: u64,
    at: u64,
    service: u64,
    begun: u64,
    left: i128,
    /// Worker-time, in 2^-52 ns.
    spent: i128,
}

/// A controlled delay as RFC 8289 writes it down: times as numbers of nanoseconds, 0 for never.
#[derive(Debug, Default)]
struct Codel {
    first_above_time: f64,
    drop_next: f64,
    count: f64,
    lastcount: f64,
    dropping: bool,
}

/// A backend, slow and obviously right.
struct Model {
    plan: GroupPlan,
    jobs: Vec<Job>,
    now: u64,
    rate: i128,
    down: bool,
    hung: bool,
    paused: bool,
    begun: u64,
    came: u64,
    waits_since: u64,
    codel: Codel,
    shed: Vec<u32>,
    /// ∫ busy workers.
    busy: u128,
}

impl Model {
    fn new(plan: GroupPlan) -> Self {
        Self {
            plan,
            jobs: Vec::new(),
            now: 0,
            rate: ONE,
            down: false,
            hung: false,
            paused: false,
            begun: 0,
            came: 0,
            waits_since: 0,
            codel: Codel::default(),
            shed: Vec::new(),
            busy: 0,
        }
    }

    fn shares(&self) -> bool {
        self.plan.discipline == Discipline::ProcessorSharing
    }

    fn workers(&self) -> i128 {
        self.plan.workers.map_or(i128::from(u32::MAX), i128::from)
    }

    fn count(&self, state: State) -> i128 {
        self.jobs.iter().filter(|job| job.state == state).count() as i128
    }

    fn occupied(&self) -> i128 {
        (self.count(State::Served) + self.count(State::Holds)).min(self.workers())
    }

    /// Service goes on until `now`.
    fn advance(&mut self, now: u64) {
        let passed = i128::from(now - self.now);
        self.now = now;
        if self.paused {
            return;
        }
        self.busy += (passed * self.occupied()) as u128;
        let (n, workers, rate, shares) = (self.count(State::Served), self.workers(), self.rate, self.shares());
        for job in &mut self.jobs {
            let share = |amount: i128| if shares && n > workers { amount * workers / n } else { amount };
            match job.state {
                State::Waits => {}
                State::Served => (job.left, job.spent) = (job.left - share(passed * rate), job.spent + share(passed * ONE)),
                State::Holds => job.spent += passed * ONE,
            }
        }
    }

    /// How long this takes at the present speed, to the nearest nanosecond.
    fn time(&self, work: i128) -> u64 {
        ((work.max(0) + self.rate / 2) / self.rate) as u64
    }

    fn next_done(&self) -> Option<(u64, u32)> {
        let served = self.jobs.iter().filter(|job| job.state == State::Served && !self.paused);
        served.map(|job| (self.now + self.time(job.left), job.begun, job.id)).min().map(|(at, _, id)| (at, id))
    }

    fn position(&self, id: u32) -> Option<usize> {
        self.jobs.iter().position(|job| job.id == id)
    }

    fn take(&mut self, id: u32, service: u64, priority: i64) -> Accepted {
        let room = self.plan.queue.map_or(u64::MAX, |queue| queue + self.workers() as u64);
        if self.down || !self.hung && self.jobs.len() as u64 >= room {
            return Accepted::Refused;
        }
        if self.hung {
            return Accepted::Swallowed;
        }
        if self.count(State::Waits) == 0 {
            self.waits_since = self.now;
        }
        self.came += 1;
        let job = Job { id, state: State::Waits, priority, came: self.came, at: self.now, service, begun: 0, left: 0, spent: 0 };
        self.jobs.push(job);
        if self.shares() {
            self.begin(self.jobs.len() - 1);
        } else if !self.paused && self.occupied() < self.workers() {
            (self.codel.first_above_time, self.codel.dropping) = (0.0, false);
            self.begin(self.jobs.len() - 1);
        }
        Accepted::Yes
    }

    fn begin(&mut self, at: usize) {
        let others = if self.shares() { self.count(State::Served) } else { self.occupied() };
        let more = self.plan.per_in_flight * others as u64;
        self.begun += 1;
        let job = &mut self.jobs[at];
        (job.state, job.begun, job.left) = (State::Served, self.begun, i128::from(job.service + more) * ONE);
    }

    /// Whose turn it is, by the discipline alone.
    fn turn(&self) -> Option<usize> {
        let waiting = self.jobs.iter().enumerate().filter(|(_, job)| job.state == State::Waits);
        let newest_first = match self.plan.discipline {
            Discipline::Lifo => true,
            Discipline::AdaptiveLifo => self.now - self.waits_since > self.plan.overloaded_after,
            Discipline::Fifo | Discipline::Priority | Discipline::ProcessorSharing => false,
        };
        let key = |job: &Job| match self.plan.discipline {
            Discipline::Priority => (job.priority, job.came as i64),
            _ if newest_first => (0, -(job.came as i64)),
            _ => (0, job.came as i64),
        };
        waiting.min_by_key(|(_, job)| key(job)).map(|(at, _)| at)
    }

    fn drop(&mut self, at: Option<usize>) {
        self.shed.extend(at.map(|at| self.jobs.remove(at).id));
    }

    /// Whose turn it is of those who have not waited too long. The others are shed.
    fn deque(&mut self) -> Option<usize> {
        loop {
            let at = self.turn()?;
            if self.now - self.jobs[at].at <= self.plan.max_wait.unwrap_or(u64::MAX) {
                return Some(at);
            }
            self.drop(Some(at));
        }
    }

    /// `dodequeue`.
    fn dodequeue(&mut self) -> (Option<usize>, bool) {
        let (target, interval) = self.plan.shed.expect("asked where there is one");
        let Some(at) = self.deque() else {
            self.codel.first_above_time = 0.0;
            return (None, false);
        };
        let mut ok_to_drop = false;
        // What is left in the queue once this one is taken is at most one.
        if self.now - self.jobs[at].at < target || self.count(State::Waits) - 1 <= 1 {
            self.codel.first_above_time = 0.0;
        } else if self.codel.first_above_time == 0.0 {
            self.codel.first_above_time = (self.now + interval) as f64;
        } else if self.now as f64 >= self.codel.first_above_time {
            ok_to_drop = true;
        }
        (Some(at), ok_to_drop)
    }

    fn control_law(&self, at: f64) -> f64 {
        let (_, interval) = self.plan.shed.expect("asked where there is one");
        at + (interval as f64 / self.codel.count.sqrt()).round()
    }

    /// Who is served next, once all that must be is shed.
    fn call(&mut self) -> Option<usize> {
        let Some((_, interval)) = self.plan.shed else { return self.deque() };
        let now = self.now as f64;
        let (mut at, mut ok_to_drop) = self.dodequeue();
        if self.codel.dropping {
            if !ok_to_drop {
                self.codel.dropping = false;
            }
            while now >= self.codel.drop_next && self.codel.dropping {
                self.drop(at);
                self.codel.count += 1.0;
                (at, ok_to_drop) = self.dodequeue();
                if ok_to_drop {
                    self.codel.drop_next = self.control_law(self.codel.drop_next);
                } else {
                    self.codel.dropping = false;
                }
            }
        } else if ok_to_drop {
            self.drop(at);
            (at, _) = self.dodequeue();
            self.codel.dropping = true;
            let delta = self.codel.count - self.codel.lastcount;
            self.codel.count = 1.0;
            if delta > 1.0 && now - self.codel.drop_next < 16.0 * interval as f64 {
                self.codel.count = delta;
            }
            self.codel.drop_next = self.control_law(now);
            self.codel.lastcount = self.codel.count;
        }
        at
    }

    fn fill(&mut self) {
        while !self.shares() && !self.paused && self.occupied() < self.workers() {
            let Some(at) = self.call() else { return };
            self.begin(at);
        }
    }

    /// Takes out whoever is there: the worker-time that it has had, in nanoseconds and their fractions.
    fn remove(&mut self, id: u32) -> f64 {
        self.position(id).map_or(0.0, |at| self.jobs.remove(at).spent as f64 / ONE as f64)
    }

    fn clear(&mut self) -> Vec<(u32, f64)> {
        self.jobs.sort_by_key(|job| job.came);
        self.codel = Codel::default();
        std::mem::take(&mut self.jobs).into_iter().map(|job| (job.id, job.spent as f64 / ONE as f64)).collect()
    }

    fn backlog(&self) -> u64 {
        let served: u64 = self.jobs.iter().filter(|job| job.state == State::Served).map(|job| self.time(job.left)).sum();
        let waiting: i128 = self.jobs.iter().filter(|job| job.state == State::Waits).map(|job| i128::from(job.service)).sum();
        served + self.time(waiting * ONE)
    }
}

/// Both, and what is in flight.
struct Life {
    chance: Stream,
    fleet: Fleet,
    attempts: Kept,
    model: Model,
    free: Vec<u32>,
    /// In flight and not at the backend; at the backend and not in flight.
    swallowed: Vec<u32>,
    zombies: Vec<u32>,
    in_flight: u32,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut chance = Stream::new(seed);
        let plan = plan(&mut chance);
        let fleet = Fleet::new(std::slice::from_ref(&plan), 1000.0);
        Self {
            chance,
            fleet,
            attempts: Kept::default(),
            model: Model::new(plan),
            free: Vec::new(),
            swallowed: Vec::new(),
            zombies: Vec::new(),
            in_flight: 0,
        }
    }

    /// With processor sharing, who is done has had a fraction of a nanosecond more than it asked for.
    fn assert_served(&self, ours: u64, theirs: f64) {
        let slack = if self.model.shares() { 1.0 } else { 0.0 };
        assert!((ours as f64 - theirs).abs() <= slack, "served {ours}, and {theirs} is right");
    }

    fn account(&mut self) -> Account {
        self.fleet.accounts(self.model.now).next().expect("there is one backend")
    }

    /// Whoever was sent knows that nothing will come, or has what came.
    fn answer(&mut self, id: u32) {
        let attempt = self.attempts[id];
        self.fleet.answered(&attempt, self.model.now);
        self.in_flight -= 1;
    }

    /// An attempt has left the backend and ends, unless its caller has gone before.
    fn end(&mut self, id: u32) {
        match self.zombies.iter().position(|&zombie| zombie == id) {
            Some(at) => _ = self.zombies.swap_remove(at),
            None => self.answer(id),
        }
        self.free.push(id);
    }

    /// All completions up to an instant, or those before it.
    fn complete_until(&mut self, end: u64, included: bool) {
        loop {
            let next = self.fleet.next_completion();
            if !self.model.shares() {
                assert_eq!((next.at < u64::MAX).then_some(next.at), self.model.next_done().map(|(at, _)| at), "the next completion");
            }
            if next.at > end || next.at == end && !included || next.at == u64::MAX {
                break;
            }
            self.complete(next.at);
        }
        self.model.advance(end);
        let overdue = self.model.jobs.iter().find(|job| job.state == State::Served && job.left < -ONE * FASTEST as i128);
        assert!(overdue.is_none() || !included, "{overdue:?} should have been done");
    }

    fn complete(&mut self, at: u64) {
        let expected = self.model.next_done();
        self.model.advance(at);
        let answered = self.zombies.is_empty();
        let (id, attempt) = self.fleet.complete(&mut self.attempts, 0, at, answered);
        if answered {
            // Said once, by the completion.
            self.in_flight -= 1;
        }
        let place = self.model.position(id).expect("it is there");
        if self.model.shares() {
            // In nanoseconds at the group's speed: no more too soon than the slack of the divisions, no more too late than is done in a nanosecond at the
            // highest speed.
            let (n, workers) = (self.model.count(State::Served), self.model.workers());
            let left = self.model.jobs[place].left as f64 / ONE as f64;
            assert!(left >= -FASTEST && 0.001 * workers as f64 > left * n.max(workers) as f64, "done at {at}, with {left} ns left");
            self.assert_served(attempt.service, self.model.jobs[place].spent as f64 / ONE as f64);
        } else {
            assert_eq!(expected, Some((at, id)), "who is done when");
            self.assert_served(attempt.service, self.model.jobs[place].spent as f64 / ONE as f64);
        }
        if self.model.plan.holds_worker && !self.model.shares() {
            self.model.jobs[place].state = State::Holds;
            if answered {
                // It is answered for, and stays.
                self.zombies.push(id);
            }
            return;
        }
        self.model.jobs.remove(place);
        self.model.fill();
        if answered {
            self.free.push(id);
        } else {
            self.end(id);
        }
        self.compare();
    }

    fn come(&mut self) {
        let now = self.model.now;
        let work = if self.chance.below(10) == 0 { 0 } else { self.chance.below(120) };
        let priority = self.chance.below(3) as i64;
        let id = self.free.pop().unwrap_or_else(|| {
            self.attempts.0.push(Attempt::default());
            self.attempts.0.len() as u32 - 1
        });
        self.attempts[id] = Attempt::new(work, 0, now, 0);
        let at_once = self.chance.below(2) == 0;
        if !at_once {
            self.fleet.send(0, now);
        }
        self.in_flight += 1;
        let accepted = self.fleet.accept(&mut self.attempts, id, priority, now, at_once);
        assert_eq!(accepted, self.model.take(id, work, priority));
        match accepted {
            Accepted::Yes => {}
            Accepted::Refused => self.end(id),
            Accepted::Swallowed => self.swallowed.push(id),
        }
    }

    fn anybody(&mut self) -> Option<u32> {
        let n = self.model.jobs.len() as u64;
        (n > 0).then(|| self.model.jobs[self.chance.below(n) as usize].id)
    }

    fn cancel(&mut self) {
        let Some(id) = self.anybody() else { return };
        let now = self.model.now;
        let served = self.fleet.cancel(&mut self.attempts, id, now).served;
        let expected = self.model.remove(id);
        self.assert_served(served, expected);
        self.model.fill();
        self.end(id);
        // Its slot may be used again at once; before that, to cancel it again does nothing.
        assert_eq!(self.fleet.cancel(&mut self.attempts, id, now).served, 0);
    }

    fn let_go(&mut self) {
        let now = self.model.now;
        let holding = self.model.jobs.iter().find(|job| job.state == State::Holds).map(|job| job.id);
        let Some(id) = holding.or_else(|| self.anybody()) else { return };
        self.fleet.let_go(&mut self.attempts, id, now);
        if holding.is_some() {
            self.model.remove(id);
            self.model.fill();
            self.end(id);
        }
    }

    fn strike(&mut self, is_crash: bool) {
        let now = self.model.now;
        let lost = if is_crash {
            self.model.down = true;
            self.fleet.crash(&mut self.attempts, 0, now)
        } else {
            self.model.hung = true;
            self.fleet.hang(&mut self.attempts, 0, now)
        };
        let expected = self.model.clear();
        assert_eq!(lost.iter().map(|(id, _)| id).collect::<Vec<_>>(), expected.iter().map(|(id, _)| id).collect::<Vec<_>>());
        for (&(id, ours), (_, theirs)) in lost.iter().zip(expected) {
            self.assert_served(ours, theirs);
            if is_crash || self.zombies.contains(&id) {
                self.end(id);
            } else {
                self.swallowed.push(id);
            }
        }
    }

    fn set_speed(&mut self, factor: f64) {
        self.fleet.set_speed(&mut self.attempts, 0, factor, self.model.now);
        self.model.rate = (factor * ONE as f64 + 0.5) as i128;
    }

    fn resume(&mut self) {
        self.fleet.resume(&mut self.attempts, 0, self.model.now);
        self.model.paused = false;
        self.model.fill();
    }

    fn restart(&mut self) {
        self.fleet.restart(&mut self.attempts, 0, self.model.now);
        self.model.down = false;
    }

    fn unhang(&mut self) {
        self.fleet.unhang(&mut self.attempts, 0, self.model.now);
        self.model.hung = false;
    }

    fn step(&mut self) {
        let now = self.model.now + [0, self.chance.below(10), self.chance.below(60)][self.chance.below(3) as usize];
        let included = self.chance.below(2) == 0;
        self.complete_until(now, included);
        match self.chance.below(64) {
            0..=35 => self.come(),
            36..=44 => self.cancel(),
            45..=50 => self.let_go(),
            51 if !self.model.down => self.strike(true),
            52 if !self.model.hung => self.strike(false),
            51 | 53 if self.model.down => self.restart(),
            52 | 54 | 55 if self.model.hung => self.unhang(),
            56 if !self.model.paused => {
                self.fleet.pause(&mut self.attempts, 0, now);
                self.model.paused = true;
            }
            56..=58 if self.model.paused => self.resume(),
            59 | 60 => {
                let factor = [1.0, 0.5, 0.1, FASTEST, 1.0 / 3.0][self.chance.below(5) as usize];
                self.set_speed(factor);
            }
            61 if !self.swallowed.is_empty() => {
                let at = self.chance.below(self.swallowed.len() as u64) as usize;
                let id = self.swallowed.swap_remove(at);
                self.end(id);
            }
            62 => {
                // Its caller gives up, and does not say so to the backend.
                if let Some(id) = self.anybody().filter(|id| !self.zombies.contains(id)) {
                    self.answer(id);
                    self.zombies.push(id);
                }
            }
            _ => {}
        }
        self.compare();
    }

    fn compare(&mut self) {
        for id in std::mem::take(&mut self.model.shed) {
            assert_eq!(self.fleet.take_shed(), Some(id), "who is shed");
            self.end(id);
        }
        assert_eq!(self.fleet.take_shed(), None, "who is not shed");
        let account = self.account();
        assert_eq!((account.busy_area, account.in_flight), (self.model.busy, self.in_flight), "busy, in flight");
        let apart = account.backlog.abs_diff(self.model.backlog());
        // Sums of rounded times: half a nanosecond for each that is served.
        let rounding = if self.model.shares() { self.model.jobs.len() as u64 } else { 0 };
        assert!(apart <= account.slack + rounding, "backlog: {account:?}, and {} is right", self.model.backlog());
        for id in self.model.jobs.iter().map(|job| job.id) {
            let is_served = self.model.jobs.iter().any(|job| job.id == id && job.state != State::Waits);
            assert_eq!(self.fleet.is_served(&self.attempts, id), is_served);
        }
    }

    /// Everything that is the matter ends, and all leave.
    fn end_all(&mut self) {
        self.resume();
        self.restart();
        self.unhang();
        self.compare();
        while !self.model.jobs.is_empty() {
            self.complete_until(self.model.now + 1000, true);
            (0..self.model.jobs.len()).for_each(|_| self.let_go());
            self.compare();
        }
        for id in std::mem::take(&mut self.swallowed) {
            self.end(id);
        }
        let account = self.account();
        assert!(account.in_flight == 0 && account.backlog <= account.slack, "nothing is left: {account:?}");
        assert_eq!(account.flight_area as u64, account.sojourn, "Little's law");
        let apart = account.work.wrapping_sub(account.busy_area as u64) as i64;
        assert!(apart.unsigned_abs() <= account.slack, "work conservation: {account:?}");
        assert!(account.slack == 0 || self.model.shares());
    }
}

/// A backend of any kind.
fn plan(chance: &mut Stream) -> GroupPlan {
    let workers = [Some(1), Some(1), Some(2), Some(3), None][chance.below(5) as usize];
    let disciplines = [
        Discipline::Fifo,
        Discipline::Lifo,
        Discipline::ProcessorSharing,
        Discipline::Priority,
        Discipline::AdaptiveLifo,
        Discipline::Fifo,
    ];
    let discipline = disciplines[chance.below(6) as usize];
    let mut maybe = |one_in: u64, value: u64| (chance.below(one_in) == 0).then_some(value);
    GroupPlan {
        workers,
        discipline: if workers.is_none() { Discipline::Fifo } else { discipline },
        overloaded_after: 80,
        shed: maybe(5, 0).map(|_| (30, 100)),
        max_wait: maybe(5, 150),
        queue: maybe(4, 3),
        per_in_flight: maybe(5, 7).unwrap_or(0),
        is_interrupted: true,
        holds_worker: maybe(4, 1).is_some(),
        ..GroupPlan::equal("b", 1)
    }
}

#[test]
fn a_backend_does_what_a_slow_and_obvious_one_does() {
    for seed in 0..LIVES {
        let run = || {
            let mut life = Life::new(seed);
            (0..STEPS).for_each(|_| life.step());
            life.end_all();
        };
        if let Err(failure) = std::panic::catch_unwind(run) {
            eprintln!("life {seed}: {:#?}", Life::new(seed).model.plan);
            std::panic::resume_unwind(failure);
        }
    }
}
