//! What measuring has to know of a run: plain names and numbers, filled in by the plan.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The run as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// `title` of the scenario.
    pub title: Option<String>,
    /// `question` of the scenario.
    pub question: Option<String>,
    /// SHA-256 of the scenario's text (LF line ends, no byte-order mark), in hex.
    pub file_sha256: String,
    /// SHA-256 of what was run, in hex.
    pub plan_sha256: String,
    /// `run.seed`.
    pub seed: u64,
    /// Replications that were run.
    pub replications: u32,
    /// Requests per replication; `None` where the scenario gives a duration.
    pub requests: Option<u64>,
    /// `run.warmup` as it was written.
    pub warmup: String,
}

/// What one result is of: a balancer in a variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The balancer's label.
    pub balancer: String,
    /// Its kind in the catalogue.
    pub kind: String,
    /// The variant's name; `None` in a scenario without variants.
    pub variant: Option<String>,
    /// The backends of its cells, in the order of their records; shared by the results that have the same.
    pub backends: Arc<[Backend]>,
    /// The services, where there are several.
    pub services: Arc<[String]>,
    /// The faults, in the order of their records.
    pub faults: Arc<[Fault]>,
    /// The sources of traffic, in order; only drawings ask for them.
    #[serde(skip)]
    pub sources: Arc<[Source]>,
    /// Whether the scenario has `clients`.
    pub clients: bool,
    /// Whether all its traffic is recorded, work included.
    pub is_recorded: bool,
    /// Offered work ÷ the pool's nominal capacity, where both are known: above 1 it cannot keep up.
    pub load: Option<f64>,
}

/// One fault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// Its kind in the catalogue.
    pub kind: String,
}

/// One source of traffic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// Its class; its own name, where it has none.
    pub class: String,
    /// The mean work of its requests at speed 1, in nanoseconds; infinite where the distribution has none.
    pub mean_work: f64,
}

/// One backend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Backend {
    /// Its name.
    pub name: String,
    /// What fairness divides by: speed × workers, or speed alone with unlimited workers. Above zero.
    pub capacity: f64,
    /// `workers`; `None` for unlimited.
    pub workers: Option<u32>,
    /// The service it belongs to, by its place; 0 where there is one.
    pub service: u16,
    /// It is not there from the start: started by an autoscaler, or joining.
    pub comes_later: bool,
}
