//! What a fit cannot promise, in words.

use super::arrivals::{WINDOWS, chance};
use super::imitate::SCALES;
use super::{Fit, Keys, Source};
use crate::trace::tape::{Column, Tape};

/// A distance of gaps from which on no process that was tried is said to fit.
pub(super) const FAR: f64 = 0.1;
/// A dispersion that is so many times off is said.
const OFF: f64 = 2.0;

pub(super) fn of(fit: &Fit, tape: &Tape) -> Vec<String> {
    let mut said = Vec::new();
    if fit.seen.spread {
        said.push(format!(
            "stamps are exact to {} ms only: requests were spread evenly over that, and burstiness below it is not known",
            tape.total(Column::Tick).max / 1_000_000
        ));
    }
    arrivals(fit, &mut said);
    work(fit, tape, &mut said);
    if tape.total(Column::Key).count > 0 && fit.keys == Keys::None {
        said.push(match tape.has_all(Column::Key) {
            true => "hardly any key comes twice: every request has a key of its own".into(),
            false => "only some requests have keys: keys are left out".into(),
        });
    }
    if tape.shared(Column::Key) > 0 {
        said.push("the trace has more keys than it tells apart: their number and the exponent are too low".into());
    }
    said
}

fn arrivals(fit: &Fit, said: &mut Vec<String>) {
    let Some(chosen) = fit.process() else {
        return said.push(
            "fewer than 20 gaps, or all requests at once: arrivals are taken as Poisson at the recorded rate, which nothing supports"
                .into(),
        );
    };
    let gaps = fit.seen.stretches.iter().map(|stretch| stretch.gaps.len()).sum();
    if chosen.ks > FAR.max(chance(gaps)) {
        said.push(format!(
            "nothing that was tried fits the gaps well: the best is {:.2} off somewhere (Kolmogorov and Smirnov's distance; above {FAR} it shows)",
            chosen.ks
        ));
    }
    for ((model, recorded), scale) in chosen.dispersion.iter().zip(fit.seen.dispersion).zip(SCALES) {
        let (Some(model), Some(recorded)) = (*model, recorded) else { continue };
        let seconds = scale as f64 / 1e9;
        // Few windows leave much to chance.
        if (fit.seen.span as f64) < WINDOWS * scale as f64 {
            continue;
        }
        if recorded > OFF * model.max(0.05) {
            said.push(format!("the trace is burstier over {seconds} s than the model: its counts vary by {recorded:.1} (variance by mean), the model's by {model:.1}"));
        } else if model > OFF * recorded.max(0.05) {
            said.push(format!("the model is burstier over {seconds} s than the trace: its counts vary by {model:.1} (variance by mean), the trace's by {recorded:.1}"));
        }
    }
}

fn work(fit: &Fit, tape: &Tape, said: &mut Vec<String>) {
    match fit.source {
        Source::Duration => said.push(
            "work is the whole time that a request took, with what it waited for: a simulation adds waiting of its own, so that it counts twice. Log the time of the backend alone"
                .into(),
        ),
        Source::Given if tape.total(Column::Bytes).count + tape.total(Column::Output).count > 0 => said.push(
            "the record has sizes and no times: how long a byte or a token takes cannot be learned from it; the work is what --work says, the same for small and large requests"
                .into(),
        ),
        _ => {}
    }
    let column = if fit.source == Source::Service { Column::Service } else { Column::Duration };
    let (count, all) = (tape.total(column).count, tape.records());
    if fit.source != Source::Given && count < all {
        said.push(format!("{} of {all} requests have no work in the record: the law is that of the others", all - count));
    }
    if fit.law().is_some_and(|law| law.name == "empirical") {
        let reason =
            if fit.work.len() == 1 { "some requests have no work at all, or there are too few" } else { "no simple law is near enough" };
        said.push(format!("work is written as measured quantiles ({reason}): it never exceeds the greatest that was recorded"));
    }
}
