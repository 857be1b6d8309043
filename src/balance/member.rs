//! What is told to every balancer about a backend.

use crate::time::Span;

/// A backend as balancers know it. What changes during a run (weight, state) has its first value here and its present one in the
/// [`Pool`](super::Pool).
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// What people call it.
    pub name: String,
    /// What hash balancers hash: `10.0.0.1:8080`.
    pub address: String,
    /// A number that it keeps when others come and go, where one was given. Products that need one count from 1 otherwise.
    pub id: Option<u32>,
    /// What weighted balancers go by: finite and at least 0.
    pub weight: f64,
    /// Where it stands; may be empty.
    pub zone: String,
    /// 0 is used first, the next number when that is not enough.
    pub priority: u32,
    /// What it is known by, besides: pairs of a key and a value, sorted.
    pub labels: Vec<(String, String)>,
    /// Used only when no other can be.
    pub backup: bool,
    /// No more than this in flight, for products that have such a limit. `None`: no limit.
    pub max_in_flight: Option<u32>,
    /// How many may wait for it at the balancer, for products that have such a limit. `None`: no limit.
    pub max_waiting: Option<u32>,
    /// After so many failures within `fail_timeout` it is left alone for as long, by products that count. `None`: the product's default.
    pub max_fails: Option<u32>,
    /// See `max_fails`.
    pub fail_timeout: Option<Span>,
    /// How it begins.
    pub state: State,
    /// How fast it works. Only oracles may look.
    pub speed: f64,
    /// How many it serves at once; `None` is unlimited. Only oracles may look.
    pub workers: Option<u32>,
}

impl Default for Member {
    /// Nameless, of weight and speed 1, with one worker.
    fn default() -> Self {
        Self {
            name: String::new(),
            address: String::new(),
            id: None,
            weight: 1.0,
            zone: String::new(),
            priority: 0,
            labels: Vec::new(),
            backup: false,
            max_in_flight: None,
            max_waiting: None,
            max_fails: None,
            fail_timeout: None,
            state: State::Up,
            speed: 1.0,
            workers: Some(1),
        }
    }
}

impl Member {
    /// A backend with this address, which is its name too.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        let address = address.into();
        Self { name: address.clone(), address, ..Self::default() }
    }

    /// The same with this weight.
    #[must_use]
    pub fn weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

/// What a balancer instance believes of a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Well.
    #[default]
    Up,
    /// Ill: failed its health checks, or was ejected.
    Down,
    /// Taken out by its keeper. Products keep such a backend in their tables where they would count one that is down.
    Maintenance,
    /// Finishes what it has and gets nothing new.
    Draining,
    /// Well, but used only where there is not enough of what is up, by products that know the word.
    Degraded,
    /// Well, but asks to be left alone, by products that know the word.
    Busy,
    /// Not yet connected, by products that know the word.
    Connecting,
    /// Not a member: has not come yet, or has left.
    Absent,
}

impl State {
    /// Whether a backend in this state may be picked, where a product knows no better.
    #[must_use]
    pub const fn is_eligible(self) -> bool {
        matches!(self, Self::Up | Self::Degraded | Self::Busy)
    }

    /// The states that people can name.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("up", Self::Up),
        ("down", Self::Down),
        ("maintenance", Self::Maintenance),
        ("draining", Self::Draining),
        ("degraded", Self::Degraded),
        ("busy", Self::Busy),
        ("connecting", Self::Connecting),
    ];

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, state)| state)
    }
}
