//! The points of a grid, planned one by one from the same text; what is wrong with them is said once for all.

use super::args::ScenarioArgs;
use super::files::Beside;
use super::scenarios::{self, Text, Wrong};
use super::terminal::Terminal;
use crate::run::Job;
use crate::scenario::{Diagnostic, Diagnostics, Loaded, Override, Severity};
use std::collections::BTreeSet;

/// Plans points, and remembers what is wrong with them, once for all of them.
pub(super) struct Points<'a> {
    text: Text,
    files: Beside,
    args: &'a ScenarioArgs,
    pub(super) ignores_precision: bool,
    pub(super) found: Found,
}

impl<'a> Points<'a> {
    pub(super) fn new(text: Text, files: Beside, args: &'a ScenarioArgs) -> Self {
        Self { text, files, args, ignores_precision: false, found: Found::default() }
    }

    pub(super) fn job(&mut self, varied: &[Override]) -> Option<Job> {
        self.planned(varied).map(|(_, job)| job)
    }

    /// Also with what was read; `None` where something is wrong, which is remembered.
    pub(super) fn planned(&mut self, varied: &[Override]) -> Option<(Loaded, Job)> {
        let overrides: Vec<Override> = scenarios::overrides(self.args).into_iter().chain(varied.iter().cloned()).collect();
        let planned = self.text.loaded(self.args, &overrides, &self.files).and_then(|mut loaded| {
            for variant in &mut loaded.variants {
                self.ignores_precision |= variant.scenario.run.precision.take().is_some();
            }
            self.text.job(&mut loaded, self.args).map(|job| (loaded, job))
        });
        match planned {
            Ok((loaded, job)) => {
                loaded.warnings.iter().for_each(|one| self.found.add(one));
                Some((loaded, job))
            }
            Err(Wrong::Diagnostics(diagnostics)) => {
                diagnostics.iter().for_each(|one| self.found.add(one));
                None
            }
            Err(Wrong::Messages(messages)) => {
                self.found.messages.extend(messages);
                None
            }
        }
    }
}

/// What is wrong with points: each fault once.
#[derive(Default)]
pub(super) struct Found {
    known: BTreeSet<(Severity, String, String)>,
    diagnostics: Vec<Diagnostic>,
    messages: BTreeSet<String>,
}

impl Found {
    fn add(&mut self, one: &Diagnostic) {
        // A warning has numbers that differ from point to point.
        let words = if one.severity == Severity::Error { one.fault.to_string() } else { one.fault.code().to_owned() };
        if self.known.insert((one.severity, words, one.path.clone())) {
            self.diagnostics.push(one.clone());
        }
    }

    /// Says everything; whether there was an error among it is known already.
    pub(super) fn say(&mut self, terminal: &Terminal) {
        let has_errors = self.diagnostics.iter().any(|one| one.severity == Severity::Error);
        // Beside errors, warnings of other points would only be in the way.
        let shown: Diagnostics = self.diagnostics.drain(..).filter(|one| !has_errors || one.severity == Severity::Error).collect();
        terminal.diagnostics(&shown);
        self.messages.iter().for_each(|message| terminal.error(message));
    }
}
