//! All formats by name, and a reader for each.

use std::str::FromStr;

use super::columns::{Columns, Meaning};
use super::delimited::Delimited;
use super::functions::{Functions, Spread};
use super::har::Har;
use super::json::JsonLines;
use super::logs::Versions;
use super::spans::{Jaeger, Otlp};
use super::worldcup::WorldCup;
use super::{Pattern, Reading, Syntax, SyntaxFault, Tally, Timers, alb, cloudfront, envoy, haproxy};
use crate::trace::input::Input;
use crate::trace::stamp::Unit;

/// A format that recorded traffic comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each says in `summary` what it is")]
pub enum Format {
    Nginx,
    Apache,
    IngressNginx,
    Haproxy,
    Envoy,
    EnvoyJson,
    Alb,
    Cloudfront,
    K6Csv,
    K6Json,
    VegetaCsv,
    VegetaJson,
    Har,
    Otlp,
    Jaeger,
    AzureFunctions2019,
    AzureFunctions2021,
    AzureLlm,
    Burstgpt,
    Mooncake,
    AlibabaGenai,
    AlibabaMicroservices2021,
    AlibabaMicroservices2022,
    TwitterCache,
    Worldcup98,
    Csv,
    Tsv,
    Jsonl,
}

/// Name and sentence of every format, in the order of the list above.
const ALL: [(Format, &str, &str); 28] = [
    (Format::Nginx, "nginx", "nginx's access log: combined, or by its log_format; stamps are the end of a request"),
    (Format::Apache, "apache", "Apache's access log: combined, or by its LogFormat; stamps are the arrival of a request"),
    (Format::IngressNginx, "ingress-nginx", "the log of ingress-nginx (upstreaminfo), with every try"),
    (Format::Haproxy, "haproxy", "HAProxy's option httplog, with the queue apart"),
    (Format::Envoy, "envoy", "Envoy's default access log"),
    (Format::EnvoyJson, "envoy-json", "Envoy's access log as a JSON object a line"),
    (Format::Alb, "alb", "access logs of AWS application load balancers"),
    (Format::Cloudfront, "cloudfront", "standard logs of AWS CloudFront"),
    (Format::K6Csv, "k6-csv", "results of k6 as CSV"),
    (Format::K6Json, "k6-json", "results of k6 as lines of JSON"),
    (Format::VegetaCsv, "vegeta-csv", "results of vegeta as CSV"),
    (Format::VegetaJson, "vegeta-json", "results of vegeta as lines of JSON"),
    (Format::Har, "har", "HAR 1.2, what a browser's developer tools save"),
    (Format::Otlp, "otlp", "spans of OpenTelemetry as OTLP JSON"),
    (Format::Jaeger, "jaeger", "spans as Jaeger's user interface saves them"),
    (Format::AzureFunctions2019, "azure-functions-2019", "the Azure Functions trace of 2019: counts a minute"),
    (Format::AzureFunctions2021, "azure-functions-2021", "the Azure Functions trace of 2021"),
    (Format::AzureLlm, "azure-llm", "the Azure LLM inference traces of 2023 to 2025"),
    (Format::Burstgpt, "burstgpt", "the BurstGPT trace"),
    (Format::Mooncake, "mooncake", "the Mooncake traces"),
    (Format::AlibabaGenai, "alibaba-genai", "Alibaba's trace of image generation of 2026"),
    (Format::AlibabaMicroservices2021, "alibaba-microservices-2021", "Alibaba's trace of microservices of 2021 (MSCallGraph)"),
    (
        Format::AlibabaMicroservices2022,
        "alibaba-microservices-2022",
        "Alibaba's trace of microservices of 2022, with the instance that answered",
    ),
    (Format::TwitterCache, "twitter-cache", "Twitter's traces of cache clusters"),
    (Format::Worldcup98, "worldcup98", "the log of the 1998 world cup's web site, in its binary form"),
    (Format::Csv, "csv", "any table with commas, semicolons or bars, by the names of its columns"),
    (Format::Tsv, "tsv", "any table with tabs, by the names of its columns"),
    (Format::Jsonl, "jsonl", "any file with a JSON object a line, by the names of its members"),
];

impl Format {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|&(format, ..)| format)
    }

    fn row(self) -> (&'static str, &'static str) {
        let row = ALL.iter().find(|(format, ..)| *format == self);
        row.map(|&(_, name, summary)| (name, summary)).expect("all formats are in the list")
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.row().1
    }

    /// The format of this name.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known, _)| *known == name).map(|&(format, ..)| format)
    }

    /// Whether its stamps are instants since 1970 at all, rather than since the record's own zero.
    #[must_use]
    pub fn has_dates(self) -> bool {
        !matches!(self, Self::AzureFunctions2019 | Self::AzureFunctions2021 | Self::Burstgpt | Self::Mooncake | Self::TwitterCache)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::by_name(name).ok_or_else(|| {
            let names: Vec<_> = ALL.iter().map(|&(_, name, _)| name).collect();
            let nearest = crate::scenario::nearest(name, names.iter().copied());
            let meant = nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            let found = crate::trace::shown::shown(name.as_bytes());
            format!("there is no format {found}{meant} The formats are {}", names.join(", "))
        })
    }
}

/// What a user says of the format.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The format string of the server's configuration, for `nginx`, `apache` and `envoy`.
    pub log_format: Option<String>,
    /// Names of columns, for `csv`, `tsv`, `jsonl` and `envoy-json`.
    pub columns: Columns,
    /// The unit of stamps that are numbers, for the same.
    pub time_unit: Option<Unit>,
    /// What HAProxy's last timer is.
    pub timers: Timers,
    /// How the calls of a minute lie in it, for `azure-functions-2019`.
    pub spread: Spread,
    /// What is drawn there depends on this.
    pub seed: u64,
    /// The percentiles of durations that go with it.
    pub durations: Option<Input>,
}

/// Why a format cannot be read so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// The format string is none.
    #[error(transparent)]
    LogFormat(#[from] SyntaxFault),
    /// The choices do not go with the format.
    #[error("{0}")]
    Other(String),
}

/// A reader of a format, and where it counts the layouts that it meets.
///
/// # Errors
/// The format string that the user gave is none, or does not go with the format.
pub fn open(format: Format, choices: &Choices) -> Result<(Reading, Tally), OpenFault> {
    let tally = Tally::default();
    let reading = match (format, choices.log_format.as_deref()) {
        (Format::Nginx, Some(text)) => Reading::Lines(Box::new(Pattern::new(text, Syntax::Nginx)?)),
        (Format::Apache, Some(text)) => Reading::Lines(Box::new(Pattern::new(text, Syntax::Apache)?)),
        (Format::Envoy, Some(text)) => Reading::Lines(Box::new(Pattern::new(text, Syntax::Envoy)?)),
        (other, Some(_)) => {
            let text = format!("a log format goes with nginx, apache or envoy, not with {}: leave one of them out", other.name());
            return Err(OpenFault::Other(text));
        }
        (Format::Nginx, None) => Reading::Lines(Box::new(Versions::nginx(false, &tally))),
        (Format::IngressNginx, None) => Reading::Lines(Box::new(Versions::nginx(true, &tally))),
        (Format::Apache, None) => Reading::Lines(Box::new(Versions::apache(&tally))),
        (Format::Haproxy, None) => Reading::Lines(Box::new(haproxy::Haproxy::new(choices.timers))),
        (Format::Envoy, None) => Reading::Lines(Box::new(envoy::pattern())),
        (Format::Alb, None) => Reading::Lines(Box::new(alb::Alb)),
        (Format::Cloudfront, None) => Reading::Lines(Box::new(cloudfront::Cloudfront::default())),
        (structured, None) => open_structured(structured, choices)?,
    };
    Ok((reading, tally))
}

/// Formats with a structure of their own: tables, JSON, binary records.
fn open_structured(format: Format, choices: &Choices) -> Result<Reading, OpenFault> {
    let meaning = Meaning { time: choices.time_unit, ..Meaning::default() };
    let has_columns = choices.columns != Columns::default();
    Ok(match format {
        Format::Csv => Reading::Document(Box::new(Delimited::new(&choices.columns, meaning))),
        Format::Tsv => Reading::Document(Box::new(Delimited::new(&choices.columns, meaning).delimited_by(b'\t'))),
        Format::Jsonl => Reading::Lines(Box::new(JsonLines::new(&choices.columns, meaning))),
        Format::EnvoyJson if has_columns => Reading::Lines(Box::new(JsonLines::new(&choices.columns, meaning))),
        Format::Har => Reading::Document(Box::new(Har::new())),
        Format::AzureFunctions2019 => Reading::Document(Box::new(Functions::new(choices.seed, choices.spread))),
        Format::Otlp => Reading::Document(Box::new(Otlp::new())),
        Format::Jaeger => Reading::Document(Box::new(Jaeger::new())),
        Format::Worldcup98 => Reading::Document(Box::new(WorldCup::new())),
        format => {
            let lines = JsonLines::preset(format.name()).map(|reader| Reading::Lines(Box::new(reader)));
            let table = || Delimited::preset(format.name()).map(|reader| Reading::Document(Box::new(reader)));
            let missing = || OpenFault::Other(format!("{} is not read here", format.name()));
            lines.or_else(table).ok_or_else(missing)?
        }
    })
}

/// Why the line does not fit the format, at more length than its reason, where the format can say.
#[must_use]
pub fn explain(format: Format, choices: &Choices, line: &[u8]) -> Option<String> {
    let syntax = match format {
        Format::Nginx => Syntax::Nginx,
        Format::Apache => Syntax::Apache,
        Format::Envoy => Syntax::Envoy,
        _ => return None,
    };
    match &choices.log_format {
        Some(text) => Pattern::new(text, syntax).ok()?.explain(line),
        None => match format {
            Format::Nginx => Versions::nginx(false, &Tally::default()).explain(line),
            Format::Apache => Versions::apache(&Tally::default()).explain(line),
            _ => envoy::pattern().explain(line),
        },
    }
}
