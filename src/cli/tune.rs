//! `evenkeel tune`: searches a scenario for how far a value can go, or for the best values.

mod capacity;
mod parameters;

use super::Code;
use super::args::{Format, TuneArgs};
use super::progress::Progress;
use super::terminal::Terminal;
use crate::report::neutral;
use crate::tune::trial::Stop;

pub(super) fn tune(args: &TuneArgs, terminal: &Terminal) -> Code {
    match (&args.find, args.vary.is_empty()) {
        (Some(find), _) => capacity::search(find, args, terminal),
        (None, false) => parameters::search(args, terminal),
        (None, true) => {
            terminal.error(
                "say what to search\n  help: evenkeel tune s.toml --find backends.web.count --until 'latency.p99 < 250ms'\n  help: evenkeel tune s.toml --balancer p2c --vary balancer.p2c.choices=2,3,5 --minimise latency.p99",
            );
            Code::Invalid
        }
    }
}

fn threads(args: &TuneArgs) -> usize {
    args.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), |threads| threads as usize)
}

/// Takes the progress away, and says what it took.
fn finished(progress: &Progress, cells: u32, terminal: &Terminal) {
    let (_, time) = progress.finish();
    terminal.note(&format!("simulated {cells} cells in {:.2} s", time.as_secs_f64()));
}

/// Says why a search did not come to its end.
fn stopped(stop: &Stop, terminal: &Terminal) -> Code {
    match stop {
        Stop::Interrupted => {
            terminal.error("interrupted; what follows is what is known so far");
            Code::Interrupted
        }
        Stop::Trouble(what) => {
            terminal.error(&neutral::plain(what));
            Code::Failed
        }
        Stop::Unplannable => Code::Invalid,
    }
}

/// What a search came to, in all forms of standard output.
trait Answer {
    fn drawn(&self, format: Format, terminal: &Terminal) -> String;
}

impl Answer for crate::tune::bounded::Bounded {
    fn drawn(&self, format: Format, terminal: &Terminal) -> String {
        match format {
            Format::Table => self.text(&|style, text| terminal.paint(style, text)),
            Format::Json => self.json(),
            Format::Csv => self.csv(),
            Format::Markdown => self.markdown(),
        }
    }
}

impl Answer for crate::tune::chosen::Chosen {
    fn drawn(&self, format: Format, terminal: &Terminal) -> String {
        match format {
            Format::Table => self.text(&|style, text| terminal.paint(style, text)),
            Format::Json => self.json(),
            Format::Csv => self.csv(),
            Format::Markdown => self.markdown(),
        }
    }
}
