//! The command line: the only place that prints, reads a clock, or touches files by name.
//!
//! `args` says what can be asked, one file a command does it, `terminal` is where words go. A command ends with a `Code`; nothing else in the
//! program decides how it exits.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the command line is where clocks, files and threads belong")]

mod args;
mod balancers;
mod check;
mod files;
mod gate;
mod generate;
mod harvest;
mod merge;
mod outcome;
mod pick;
mod place;
mod points;
mod progress;
mod report;
mod run;
mod scenarios;
mod selftest;
mod sweep;
mod terminal;
mod trace;
mod tune;

use args::{Args, Command};
use std::process::ExitCode;
use terminal::Terminal;

/// How the program ends. The order is the order in which one of several scenarios' codes is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Code {
    /// Ctrl-C: what was finished is kept and said.
    Interrupted,
    /// Something failed while running.
    Failed,
    /// Wrong usage or invalid input: nothing was run, nothing was written.
    Invalid,
    /// A gate's rule or baseline did not hold.
    Broken,
    /// A gate could not decide.
    Undecided,
    /// A gate judged nothing.
    Nothing,
    /// Fine.
    Fine,
}

impl Code {
    fn number(self) -> u8 {
        match self {
            Self::Interrupted => 130,
            Self::Failed => 3,
            Self::Invalid => 2,
            Self::Broken => 1,
            Self::Undecided => 4,
            Self::Nothing => 5,
            Self::Fine => 0,
        }
    }
}

/// Does what the command line asks.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::read(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let terminal = Terminal::new(args.color, args.quiet);
    let code = match args.command {
        Command::Run(options) => run::run(&options, &terminal),
        Command::Gate(options) => gate::gate(&options, &terminal),
        Command::Sweep(options) => sweep::sweep(&options, &terminal),
        Command::Tune(options) => tune::tune(&options, &terminal),
        Command::Merge(options) => merge::merge(&options, &terminal),
        Command::Check(options) => check::check(&options, &terminal),
        Command::Report(options) => report::report(&options, &terminal),
        Command::Pick(options) => pick::pick(&options, &terminal),
        Command::Balancers(options) => balancers::balancers(&options, &terminal),
        Command::Trace(command) => trace::trace(&command, &terminal),
        Command::New(options) => generate::new(&options, &terminal),
        Command::Schema => generate::schema(&terminal),
        Command::Selftest(options) => selftest::selftest(&options, &terminal),
        Command::Completions { shell } => generate::completions(shell, &terminal),
        Command::Man => generate::man(&terminal),
    };
    ExitCode::from(code.number())
}

/// Help and version go to standard output and are fine; everything else is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    let code = if error.use_stderr() { Code::Invalid } else { Code::Fine };
    // A closed pipe ends quietly.
    let _ = error.print();
    ExitCode::from(code.number())
}
