//! `evenkeel run`: simulates every balancer of every scenario and reports.

use super::Code;
use super::args::{Format, RunArgs};
use super::outcome;
use super::place::Place;
use super::progress::{Progress, is_interrupted, listen_for_interrupts};
use super::scenarios::{self, Ready};
use super::terminal::Terminal;
use crate::measure::summary::Summary;
use crate::report::{csv, folder, json, markdown, neutral, plot, table};
use crate::run::{Outcome, Questions, Use};

pub(super) fn run(args: &RunArgs, terminal: &Terminal) -> Code {
    let ready = match scenarios::ready(&args.scenario, terminal) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let names: Vec<&str> = ready.iter().map(|ready| ready.name.as_str()).collect();
    let places = match outcome::places(&args.out, &names, terminal) {
        Ok(places) => places,
        Err(code) => return code,
    };
    listen_for_interrupts();
    let (mut summaries, mut drawings, mut code) = (Vec::new(), String::new(), Code::Fine);
    for (at, scenario) in ready.iter().enumerate() {
        let (outcome, ended) = simulate(scenario, args, Questions::default(), terminal);
        code = code.min(ended);
        if let Some(place) = places.as_ref().and_then(|places| places.get(at)) {
            code = code.min(save(place, scenario, &outcome, args, terminal));
        }
        if let (true, Some(summary), Some(detail)) = (args.plot && args.format == Format::Table, &outcome.summary, &outcome.detail) {
            let look = plot::Look { is_fine: terminal.is_fine(), paint: &|line, text| terminal.line(line, text) };
            drawings += &plot::draw(summary, detail, look);
        }
        summaries.extend(outcome.summary);
        if code == Code::Interrupted {
            break;
        }
    }
    if summaries.is_empty() {
        return code;
    }
    code.min(terminal.result(&(formatted(&summaries, ready.len(), args.format, terminal) + drawings.as_str())))
}

/// Writes the report of what came out, if anything did.
pub(super) fn save(place: &Place, ready: &Ready, outcome: &Outcome, args: &RunArgs, terminal: &Terminal) -> Code {
    let (Some(summary), Some(detail)) = (&outcome.summary, &outcome.detail) else { return Code::Fine };
    let mut files = folder::files(summary, detail);
    if let Some(picks) = args.out.trace_events {
        let traced = ready.job.trace(picks, &|_| !is_interrupted()).unwrap_or_default();
        files.extend(folder::traced(&traced));
    }
    let code = outcome::write(place, &files, terminal);
    if code == Code::Fine && args.out.open {
        outcome::open(place, terminal);
    }
    code
}

/// Runs one scenario, and what is asked besides: what it came to.
pub(super) fn simulate(ready: &Ready, args: &RunArgs, questions: Questions<'_>, terminal: &Terminal) -> (Outcome, Code) {
    let progress = Progress::new(ready.job.expected_requests(), terminal);
    let wanted_for = if args.out.out.is_some() || args.plot { Use::Drawing } else { Use::Result };
    let mut outcome = ready.job.run_asked(wanted_for, questions, threads(args), &|requests| progress.advance(requests));
    if let Some(detail) = &mut outcome.detail {
        detail.reproduce = outcome::reproduce(&ready.name, &args.scenario);
    }
    let (requests, time) = progress.finish();
    for warning in outcome.summary.iter().flat_map(table::warnings) {
        terminal.warning(&warning);
    }
    let seconds = time.as_secs_f64().max(1e-9);
    let speed = requests as f64 / seconds / 1e6;
    terminal.note(&format!("simulated {} requests in {seconds:.2} s ({speed:.1} million a second)", grouped(requests)));
    if let Some((label, trouble)) = outcome.trouble.take() {
        terminal.error(&format!("{}: {}: {}", neutral::plain(&ready.name), neutral::plain(&label), neutral::plain(&trouble)));
        return (outcome, Code::Failed);
    }
    if !outcome.interrupted {
        return (outcome, Code::Fine);
    }
    terminal.error(&match outcome.replications {
        0 => format!(
            "interrupted in {} before a first replication of every balancer was finished: nothing to show",
            neutral::plain(&ready.name)
        ),
        1 => format!("interrupted in {}: what follows is of the 1 replication that was finished", neutral::plain(&ready.name)),
        n => format!("interrupted in {}: what follows is of the {n} replications that were finished", neutral::plain(&ready.name)),
    });
    (outcome, Code::Interrupted)
}

fn threads(args: &RunArgs) -> usize {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    args.threads.map_or(all, |threads| threads as usize)
}

/// Results as standard output carries them.
pub(super) fn formatted(summaries: &[Summary], asked: usize, format: Format, terminal: &Terminal) -> String {
    let together = |draw: &dyn Fn(&Summary) -> String| summaries.iter().map(draw).collect::<Vec<_>>().join("\n");
    match format {
        Format::Table => together(&|summary| table::draw(summary, &|style, text| terminal.paint(style, text))),
        Format::Markdown => together(&markdown::draw),
        Format::Csv => csv::results(summaries),
        Format::Json if asked == 1 => summaries.first().map(json::one).unwrap_or_default(),
        Format::Json => json::several(summaries),
    }
}

/// 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
