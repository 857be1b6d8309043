//! What the results of a point are of: written beside its cells, so that they can be judged where neither the scenario nor its traffic is at hand.
//!
//! Balancers of a variant share what is said of their backends.

use crate::measure::setup::{Setup, Subject};
use crate::run::Job;
use serde::{Deserialize, Serialize};

/// Of one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    setup: Setup,
    variants: Vec<Stage>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stage {
    /// Of its first balancer.
    subject: Subject,
    /// Label and kind of each.
    balancers: Vec<(String, String)>,
}

impl Scene {
    /// Of a planned point.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        let (setup, subjects) = job.described();
        let mut variants: Vec<Stage> = Vec::new();
        for subject in subjects {
            let balancer = (subject.balancer.clone(), subject.kind.clone());
            match variants.last_mut().filter(|stage| stage.subject.variant == subject.variant) {
                Some(stage) => stage.balancers.push(balancer),
                None => variants.push(Stage { subject, balancers: vec![balancer] }),
            }
        }
        Self { setup: setup.clone(), variants }
    }

    /// For a journal.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has only strings as keys and no failing fields")
    }

    /// From a journal.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// What is said of the run.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What each result is of, in order.
    pub fn subjects(&self) -> impl Iterator<Item = Subject> {
        self.variants.iter().flat_map(|Stage { subject, balancers }| {
            balancers.iter().map(|(label, kind)| Subject { balancer: label.clone(), kind: kind.clone(), ..subject.clone() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::load;
    use super::*;

    #[test]
    fn it_reads_back_the_same() {
        let job = load(&[]).expect("it can be planned");
        let scene = Scene::of(&job);
        assert_eq!(Scene::read(&scene.bytes()).map(|back| back.bytes()), Some(scene.bytes()));
        let (setup, subjects) = job.described();
        // Sources are for drawings alone.
        let subjects: Vec<Subject> = subjects.into_iter().map(|one| Subject { sources: [].into(), ..one }).collect();
        let back = Scene::read(&scene.bytes()).expect("it reads back");
        assert_eq!((back.setup(), back.subjects().collect::<Vec<_>>()), (setup, subjects));
    }
}
