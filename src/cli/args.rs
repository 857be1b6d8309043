//! What can be asked.

use super::trace::{CalibrateArgs, FitArgs};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::ffi::OsString;
use std::path::PathBuf;

/// Compares load balancers on the same traffic, by simulation, with honest statistics.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version = concat!(env!("CARGO_PKG_VERSION"), env!("EVENKEEL_COMMIT")), max_term_width = 100, subcommand_required = true)]
#[command(
    after_help = "Examples:\n  evenkeel                                   the built-in quickstart\n  evenkeel new my.toml && evenkeel run my.toml\n  evenkeel run my.toml --set traffic.arrivals.load=0.9\n  evenkeel run my.toml --balancer random --balancer power-of-d --format json\n\nWithout a command it is `run`. `evenkeel help COMMAND` says more."
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Colours in what is printed
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true, value_name = "WHEN")]
    pub(super) color: Color,
    /// Nothing on standard error but errors
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
}

impl Args {
    /// Reads a command line; one that names no command means `run`.
    pub(super) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut words: Vec<_> = words.into_iter().collect();
        if let Some(at) = place_of_run(&words) {
            words.insert(at, "run".into());
        }
        Self::try_parse_from(words)
    }
}

/// Where `run` is to be put in: before the first word that is neither an option of all commands nor a command.
fn place_of_run(words: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        match word.to_str() {
            Some("-q" | "--quiet") => at += 1,
            Some("--color") => at += 2,
            Some(word) if word.starts_with("--color=") => at += 1,
            Some("-h" | "--help" | "-V" | "--version" | "help") => return None,
            Some(word) if Args::command().get_subcommands().any(|command| command.get_name() == word) => return None,
            _ => break,
        }
    }
    Some(at.min(words.len()))
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Simulate every balancer of a scenario on the same traffic and report
    Run(RunArgs),
    /// Run scenarios, then judge their rules and what has become worse than a baseline: for CI
    Gate(GateArgs),
    /// Run a scenario over a grid of values: resumable, in shards on many machines
    #[command(after_long_help = SWEEP_HELP)]
    Sweep(SweepArgs),
    /// Put the shards of a sweep together
    Merge(MergeArgs),
    /// Search a scenario: how far a value can go while rules hold, or which parameters of a balancer are best
    #[command(after_long_help = TUNE_HELP)]
    Tune(TuneArgs),
    /// Validate a scenario without running it and say what it would simulate
    Check(CheckArgs),
    /// Draw a report again from saved results; several of them side by side
    Report(ReportArgs),
    /// Ask one balancer directly: replay a script of picks, or answer a short question
    #[command(after_long_help = PICK_HELP)]
    Pick(PickArgs),
    /// List every balancer, or explain one
    Balancers(BalancersArgs),
    /// Recorded traffic: look at it, or convert it
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Write a commented starter scenario
    New(NewArgs),
    /// Print the JSON Schema of scenario files, for completion in editors
    Schema,
    /// Check this machine against theory and against what every other machine computes, in a few seconds
    Selftest(SelftestArgs),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the man page
    Man,
}

/// What every command that reads scenarios takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ScenarioArgs {
    /// Scenario files; `-` is standard input; left out, the built-in quickstart
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<String>,
    /// Override a key of the scenario by its dotted path
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) sets: Vec<String>,
    /// Override `run.seed`
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<String>,
    /// Override `run.replications`
    #[arg(long, value_name = "N")]
    pub(super) replications: Option<String>,
    /// Only these balancers: labels of the scenario, or kinds with their defaults
    #[arg(long = "balancer", value_name = "NAME")]
    pub(super) balancers: Vec<String>,
    /// The largest scenario file that is read
    #[arg(long, value_name = "SIZE", default_value = "4MiB", value_parser = size)]
    pub(super) max_scenario_size: usize,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) scenario: ScenarioArgs,
    /// Threads to use; left out, one for each core. The result is the same for any number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) threads: Option<u32>,
    /// What standard output carries
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    /// Draw latencies below the table: their distribution, and over time
    #[arg(long)]
    pub(super) plot: bool,
    #[command(flatten)]
    pub(super) out: OutArgs,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct GateArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// Also judge what has become worse than what this file remembers
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write what was measured into this file, to be a baseline
    #[arg(long, value_name = "FILE")]
    pub(super) save_baseline: Option<PathBuf>,
    /// A change against the baseline that is worth reporting
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    pub(super) min_effect: f64,
    /// Add replications until every rule is decided (at most run.precision.max_replications, or 1000)
    #[arg(long)]
    pub(super) decide: bool,
    /// What the exit code says of rules that cannot be decided: 4, or 0
    #[arg(long, value_enum, default_value_t = Inconclusive::Fail, value_name = "HOW")]
    pub(super) inconclusive: Inconclusive,
    /// Write the verdicts as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Write the verdicts as a comment for a pull request
    #[arg(long, value_name = "FILE")]
    pub(super) markdown: Option<PathBuf>,
    /// Write what did not hold as a GitLab code quality report
    #[arg(long, value_name = "FILE")]
    pub(super) gitlab: Option<PathBuf>,
    /// Write what was measured in Bencher Metric Format
    #[arg(long, value_name = "FILE")]
    pub(super) bmf: Option<PathBuf>,
    /// Write what was measured as customSmallerIsBetter, for github-action-benchmark
    #[arg(long, value_name = "FILE")]
    pub(super) smaller_is_better: Option<PathBuf>,
}

/// What to make of rules that cannot be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Inconclusive {
    /// Code 0
    Pass,
    /// Code 4
    Fail,
}

/// What `evenkeel help sweep` says at its end.
const SWEEP_HELP: &str = r#"Values:
  --vary traffic.arrivals.load=0.5,0.8,0.95          a list
  --vary traffic.arrivals.load=0.5:0.95:0.05         a range: first:last:step, both ends included
  --vary tier.instances=1:1000:log4                  1, 10, 100, 1000: so many values of equal ratio
  --vary 'network.delay=1ms:5ms:1ms'                 with units
  --vary 'run.requests=1000,2000&run.seed=1,2'       together: the first with the first, the second with the second
Several --vary are crossed: every combination is a point.

Examples:
  evenkeel sweep s.toml --vary traffic.arrivals.load=0.5:0.95:0.05 --out loads
  evenkeel sweep s.toml --vary traffic.arrivals.load=0.5:0.95:0.05 --out loads --resume
  evenkeel sweep s.toml --vary … --shard 3/8 --out shard-3      (and 1/8, 2/8, … elsewhere)
  evenkeel merge shard-* --out loads"#;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct SweepArgs {
    #[command(flatten)]
    pub(super) scenario: ScenarioArgs,
    /// Vary a key: a list, a range FIRST:LAST:STEP, or FIRST:LAST:logN; several are crossed, KEY=…&KEY=… belong together
    #[arg(long, value_name = "KEY=VALUES")]
    pub(super) vary: Vec<String>,
    /// Show this metric (the first decides who is best), and add it to the files [default: latency.mean and latency.p99]
    #[arg(long = "metric", value_name = "NAME")]
    pub(super) metrics: Vec<String>,
    /// Print the plan (points, cells, fingerprint) and run nothing
    #[arg(long)]
    pub(super) plan: bool,
    /// Go on with the sweep that is in --out
    #[arg(long, requires = "out")]
    pub(super) resume: bool,
    /// Run this part only: K/N, from 1/N to N/N; auto: what the environment of Slurm, Kubernetes, GitLab, HyperQueue, AWS Batch or GNU parallel says
    #[arg(long, value_name = "K/N", requires = "out")]
    pub(super) shard: Option<String>,
    /// Threads to use; left out, one for each core. The result is the same for any number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) threads: Option<u32>,
    /// What standard output carries
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) out: SweepOutArgs,
}

/// Where a sweep goes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct SweepOutArgs {
    /// Keep the sweep in this folder: results.csv, results.jsonl, plan.json, sweep.html, and a journal to go on with
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Write into a folder that holds something else, or an unfinished sweep; what is there under other names stays
    #[arg(long, requires = "out")]
    pub(super) force: bool,
    /// Open the page
    #[arg(long, requires = "out")]
    pub(super) open: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct MergeArgs {
    /// Folders of shards that `evenkeel sweep --shard` wrote, in any order
    #[arg(value_name = "DIR", required = true)]
    pub(super) folders: Vec<PathBuf>,
    /// Leave out points whose cells are not all there
    #[arg(long)]
    pub(super) allow_partial: bool,
    /// What standard output carries
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) out: SweepOutArgs,
}

/// What `evenkeel help tune` says at its end.
const TUNE_HELP: &str = r#"Capacity: the fewest backends, or the highest load, that keeps the rules; each balancer has its own answer
  evenkeel tune s.toml --find backends.web.count --until 'latency.p99 < 250ms'
  evenkeel tune s.toml --find backends.web.count=1:100 --until 'latency.p99 < 250ms' --until 'success_rate > 99%'
  evenkeel tune s.toml --find traffic.arrivals.load=0.1:0.99:0.01 --until 'latency.p99 < 250ms'
Parameters: the best of a grid, with replications for those that cannot be told apart yet
  evenkeel tune s.toml --balancer p2c --vary balancer.p2c.choices=2,3,5,10 --minimise latency.p99
  evenkeel tune s.toml --balancer p2c --vary … --minimise latency.p99 --subject-to 'success_rate > 99%'

Exit codes: 0 found; 1 no value keeps the rules; 2 wrong usage; 4 it could not be decided; 130 interrupted"#;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct TuneArgs {
    #[command(flatten)]
    pub(super) scenario: ScenarioArgs,
    /// Find the least or the greatest value of this key that keeps the rules: KEY=FIRST:LAST:STEP, KEY=FIRST:LAST of whole numbers, or KEY alone for 1, 2, 4, …
    #[arg(long, value_name = "KEY[=VALUES]", requires = "until", conflicts_with_all = ["vary", "minimise", "maximise", "subject_to"])]
    pub(super) find: Option<String>,
    /// A rule that has to hold, such as 'latency.p99 < 250ms'; of several, all
    #[arg(long, value_name = "RULE", requires = "find")]
    pub(super) until: Vec<String>,
    /// Find the least value [default: what the ends of the list say; else the greatest of traffic, the least of everything else]
    #[arg(long, requires = "find", conflicts_with = "most")]
    pub(super) least: bool,
    /// Find the greatest value
    #[arg(long, requires = "find")]
    pub(super) most: bool,
    /// Try these values of a key: lists and ranges as of `sweep`; several are crossed, KEY=…&KEY=… belong together
    #[arg(long, value_name = "KEY=VALUES")]
    pub(super) vary: Vec<String>,
    /// What is best: as little as possible of this metric
    #[arg(long, value_name = "METRIC", alias = "minimize", requires = "vary", conflicts_with = "maximise")]
    pub(super) minimise: Option<String>,
    /// What is best: as much as possible of this metric
    #[arg(long, value_name = "METRIC", alias = "maximize", requires = "vary")]
    pub(super) maximise: Option<String>,
    /// A rule that a candidate has to keep; of several, all
    #[arg(long, value_name = "RULE", requires = "vary")]
    pub(super) subject_to: Vec<String>,
    /// The most replications of a value or candidate; they begin with run.replications
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub(super) max_replications: u32,
    /// Threads to use; left out, one for each core. The result is the same for any number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) threads: Option<u32>,
    /// What standard output carries
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum TraceCommand {
    /// Say what a log or a trace is like, and what is missing for a simulation
    Inspect(InspectArgs),
    /// Write the compact form (FILE.evk), which is read many times as fast, or a table (FILE.csv)
    Convert(ConvertArgs),
    /// Write a synthetic scenario that behaves like a record, and prove it by running both
    Fit {
        #[command(flatten)]
        read: ReadArgs,
        #[command(flatten)]
        options: FitArgs,
    },
    /// Estimate the backends that served a record, and say how well a simulation of them gives its latencies
    Calibrate {
        #[command(flatten)]
        read: ReadArgs,
        #[command(flatten)]
        options: CalibrateArgs,
    },
    /// List the formats that are read
    Formats {
        /// What standard output carries
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
}

/// What every command that reads recorded traffic takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReadArgs {
    /// Logs or traces, packed or not; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<String>,
    /// What they are (see `evenkeel trace formats`); left out, what they look like
    #[arg(long = "as", value_name = "FORMAT")]
    pub(super) read_as: Option<String>,
    /// The log_format of nginx, or the LogFormat of Apache, that wrote them
    #[arg(long, value_name = "TEXT")]
    pub(super) log_format: Option<String>,
    /// Which column says what, of csv, tsv and jsonl: time=NAME, work=NAME, key=NAME, …
    #[arg(long = "column", value_name = "ROLE=NAME")]
    pub(super) columns: Vec<String>,
    /// Of times that are plain numbers
    #[arg(long, value_name = "UNIT", value_parser = ["ns", "us", "ms", "s"])]
    pub(super) time_unit: Option<String>,
    /// Of HAProxy: Tt for logs of before 1.8
    #[arg(long, value_name = "NAME", value_parser = ["Ta", "Tt"])]
    pub(super) timers: Option<String>,
    /// Of azure-functions-2019: the file with the percentiles of durations that goes with it
    #[arg(long, value_name = "FILE")]
    pub(super) durations: Option<String>,
    /// Where a request is in the second that its stamp leaves open
    #[arg(long, value_name = "HOW", default_value = "uniform", value_parser = ["uniform", "none"])]
    pub(super) spread: String,
    /// Refuse the first line that cannot be read
    #[arg(long)]
    pub(super) strict: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    pub(super) read: ReadArgs,
    /// What standard output carries
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub(super) format: ListFormat,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct ConvertArgs {
    #[command(flatten)]
    pub(super) read: ReadArgs,
    /// Where to: FILE.evk for the compact form, FILE.csv for a table
    #[arg(long, short, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Replace keys and clients by hashes with this secret; the same secret gives the same hashes
    #[arg(long, value_name = "SECRET")]
    pub(super) anonymise: Option<String>,
}

/// Where a report goes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct OutArgs {
    /// Write the report into this folder: report.html, summary.json, plots, data and histograms
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Write down the first N choices of each balancer, and what it saw, in data/events.jsonl and data/trace.json
    #[arg(long, value_name = "N", requires = "out", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(super) trace_events: Option<u64>,
    /// Write into a folder that holds something else, too; what is there under other names stays
    #[arg(long, requires = "out")]
    pub(super) force: bool,
    /// Open the report
    #[arg(long, requires = "out")]
    pub(super) open: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) scenario: ScenarioArgs,
    /// Print the whole plan: every default, rate and seed
    #[arg(long, short)]
    pub(super) verbose: bool,
    /// What standard output carries
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub(super) format: ListFormat,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// Folders that `evenkeel run --out` wrote
    #[arg(value_name = "DIR", required = true)]
    pub(super) folders: Vec<PathBuf>,
    /// Write into this folder; left out, into the one that is read
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Write into a folder that holds something else, too; what is there under other names stays
    #[arg(long, requires = "out")]
    pub(super) force: bool,
    /// Open the report
    #[arg(long)]
    pub(super) open: bool,
}

/// What `evenkeel help pick` says at its end.
const PICK_HELP: &str = r#"A script:
  {"balancer": {"kind": "least-connections"},
   "backends": [{"name": "a", "address": "127.0.0.1:19001", "weight": 5}, {"name": "b"}],
   "steps": [{"pick": 1}, {"pick": 2, "key": "/img/1.png", "client": "94.44.24.103"},
             {"done": 1}, {"weight": {"b": 3}}, {"down": "a"}, {"repeat": 20}]}

Short questions:
  evenkeel pick --balancer ring-hash --backends a=10.0.0.1:80,b=10.0.0.2:80*2 --key /img/1.png
  evenkeel pick --balancer random --backends a,b,c --count 100000
  evenkeel pick --balancer ring-hash --backends a,b,c --count 10000 --remove b

All steps are described in the guide's page about picks."#;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct PickArgs {
    /// A script in JSON; `-` or left out: standard input
    #[arg(value_name = "FILE", conflicts_with = "balancer")]
    pub(super) file: Option<String>,
    /// The balancer to ask, instead of a script
    #[arg(long, value_name = "NAME")]
    pub(super) balancer: Option<String>,
    /// The backends it chooses from: NAME, NAME=ADDRESS or NAME=ADDRESS*WEIGHT, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "balancer")]
    pub(super) backends: Vec<String>,
    /// A parameter of the balancer
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "balancer")]
    pub(super) sets: Vec<String>,
    /// Where does this key go?
    #[arg(long = "key", value_name = "KEY", requires = "balancer")]
    pub(super) keys_said: Vec<String>,
    /// Where do these keys go? One on each line
    #[arg(long, value_name = "FILE", requires = "balancer")]
    pub(super) keys: Option<String>,
    /// Where does this client go?
    #[arg(long = "client", value_name = "ADDRESS", requires = "balancer")]
    pub(super) clients: Vec<String>,
    /// What is the split of so many requests?
    #[arg(long, value_name = "N", requires = "balancer", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(super) count: Option<u64>,
    /// Which keys move when this backend leaves?
    #[arg(long, value_name = "NAME", requires = "balancer", value_delimiter = ',')]
    pub(super) remove: Vec<String>,
    /// Which keys move when this backend joins?
    #[arg(long, value_name = "NAME=ADDRESS", requires = "balancer", value_delimiter = ',')]
    pub(super) add: Vec<String>,
    /// The seed of chance
    #[arg(long, value_name = "N", default_value_t = 1, requires = "balancer")]
    pub(super) seed: u64,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct BalancersArgs {
    /// Explain this one
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// What standard output carries
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub(super) format: ListFormat,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct SelftestArgs {
    /// Run so many random systems with every invariant on, instead of the table
    #[arg(long, value_name = "N")]
    pub(super) chaos: Option<u64>,
    /// The first of their seeds
    #[arg(long, value_name = "N", default_value_t = 0, requires = "chaos")]
    pub(super) seed: u64,
    /// What standard output carries
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub(super) format: ListFormat,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct NewArgs {
    /// The file to write; `-` is standard output
    #[arg(default_value = "scenario.toml")]
    pub(super) file: String,
    /// Start from a shipped scenario
    #[arg(long, value_name = "NAME", default_value = "starter", value_parser = ["starter", "quickstart"])]
    pub(super) from: String,
    /// Replace a file that is there
    #[arg(long)]
    pub(super) force: bool,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What standard output carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// To be read in a terminal
    Table,
    /// The whole result
    Json,
    /// A row for each balancer
    Csv,
    /// For a pull request
    Markdown,
}

/// What standard output carries, for commands that list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// To be read in a terminal
    Table,
    /// For programs
    Json,
}

/// Reads `1%`, `0.01`.
fn share(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').map_or_else(|| text.parse().ok(), |percent| format!("{percent}e-2").parse().ok());
    let is_share = |share: &f64| (0.0..=10.0).contains(share);
    number.filter(is_share).ok_or_else(|| "write a share such as 1% or 0.01".to_owned())
}

/// Reads `4MiB`, `64KiB`, `1000000`.
fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.parse().map_err(|_| "write a size such as 4MiB or 64KiB".to_owned())?;
    let unit = match &text[digits.len()..] {
        "" | "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        other => return Err(format!("`{other}` is not a unit of size; write KiB, MiB or GiB")),
    };
    let bytes = number * unit;
    if bytes.is_finite() && bytes >= 0.0 { Ok(bytes as usize) } else { Err("write a size such as 4MiB".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: &str) -> Option<usize> {
        place_of_run(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn run_is_meant_where_no_command_is_named() {
        assert_eq!(place("evenkeel"), Some(1));
        assert_eq!(place("evenkeel my.toml"), Some(1));
        assert_eq!(place("evenkeel -q --color never my.toml"), Some(4));
        assert_eq!(place("evenkeel --set run.requests=5"), Some(1));
        for line in
            ["evenkeel run", "evenkeel -q check", "evenkeel --color=always schema", "evenkeel --help", "evenkeel help run", "evenkeel -V"]
        {
            assert_eq!(place(line), None, "{line}");
        }
    }
}
