//! `dist =`: every distribution with its keys, and how they become the parameters that are sampled.

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node};
use super::keys::DISTS;
use super::path::Path;
use super::reader::Fields;
use super::{empirical, scalar};
use crate::catalogue::{Entry, Kind, Parameter, Tagged};
use crate::dist::Dist;

/// The 99% quantile of the standard normal.
const Z99: f64 = 2.326_347_874_040_840_8;
/// The 99.9% quantile of the standard normal.
const Z999: f64 = 3.090_232_306_167_813;
/// How far from 1 a sum of shares may be.
const SHARE_SLACK: f64 = 1e-9;

const fn key(name: &'static str, kind: Kind, text: &'static str) -> Parameter {
    Parameter::optional(name, kind, text)
}

const MEAN: Parameter = key("mean", Kind::Period, "the mean");

const fn entry(name: &'static str, summary: &'static str, parameters: &'static [Parameter]) -> Entry {
    Entry { name, summary, text: "", parameters, reference: "" }
}

/// Every distribution.
pub(super) static DISTRIBUTIONS: [Entry; 12] = [
    entry("constant", "always the same", &[key("value", Kind::Span, "the value")]),
    entry("uniform", "equally likely between two bounds", &[key("min", Kind::Span, "the least"), key("max", Kind::Span, "the greatest")]),
    entry("exponential", "memoryless; coefficient of variation 1", &[MEAN]),
    entry(
        "erlang",
        "the sum of k exponentials; coefficient of variation 1 ÷ √k",
        &[key("k", Kind::Whole(1, 10_000), "how many stages"), MEAN],
    ),
    entry("gamma", "any coefficient of variation", &[MEAN, key("cv", Kind::Above(0.0, 100.0), "the coefficient of variation")]),
    entry(
        "hyperexponential",
        "an exponential chosen by chance; coefficient of variation at least 1",
        &[
            MEAN,
            key("cv", Kind::Number(1.0, 1000.0), "the coefficient of variation; two parts with balanced means"),
            key("parts", Kind::Tables(&PART), "instead of mean and cv: share and mean of each"),
        ],
    ),
    entry(
        "lognormal",
        "exp of a normal: the usual shape of measured latencies",
        &[
            MEAN,
            key("cv", Kind::Above(0.0, 1000.0), "the coefficient of variation"),
            key("median", Kind::Period, "instead of mean and cv: half are below"),
            key("p99", Kind::Period, "with median: 99% are below"),
        ],
    ),
    entry(
        "normal",
        "the bell, cut at 0 (what is below counts as 0)",
        &[MEAN, key("stddev", Kind::Span, "the standard deviation before the cut")],
    ),
    entry(
        "pareto",
        "a power-law tail",
        &[
            key("alpha", Kind::Above(0.0, 1000.0), "the tail's exponent: 1 or less has no mean, 2 or less no variance"),
            key("min", Kind::Period, "the least"),
            key("max", Kind::Period, "the bound; left out: none"),
        ],
    ),
    entry("weibull", "a stretched exponential", &[key("shape", Kind::Number(0.1, 1000.0), "below 1: a heavy tail; 1: exponential"), MEAN]),
    entry(
        "mixture",
        "a distribution chosen by chance",
        &[key("parts", Kind::TaggedTables(&MIXED), "the parts, each { share, dist, … }; the shares add up to 1")],
    ),
    entry(
        "empirical",
        "what was measured: straight between quantiles",
        &[
            key(
                "quantiles",
                Kind::Pairs(&Kind::Share, &Kind::Span),
                "[[0.5, \"8ms\"], …], ascending; below the first and above the last, their values",
            ),
            key("file", Kind::Name, "instead: a file with a value, or a probability and a value, on each line"),
            key("unit", Kind::Choice(&["ns", "us", "ms", "s", "m", "h"]), "the unit of the file's values, where they have none"),
        ],
    ),
];

/// A part of a hyperexponential.
static PART: Entry = entry("part", "an exponential and how often it is chosen", &[key("share", Kind::Share, "how often"), MEAN]);

/// The parts of a mixture.
pub(super) static MIXED: Tagged = Tagged {
    tag: "dist",
    what: "a distribution",
    entries: || DISTRIBUTIONS.iter().collect(),
    common: &[key("share", Kind::Share, "how often")],
};

/// Reads a duration or a distribution; for [`Kind::ExponentialDist`] the plain duration is an exponential.
pub(crate) fn read(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, kind: Kind) -> Option<Dist> {
    let Data::Table(table) = &node.data else {
        let value = scalar::span(d, node, path, kind)?.0 as f64;
        return Some(if matches!(kind, Kind::ExponentialDist) { Dist::Exponential { mean: value } } else { Dist::Constant(value) });
    };
    if let (Some(from), None) = (table.get("from"), table.get("dist")) {
        let fault = Fault::NoEffect("`from` goes with traffic whose process is \"recorded\"".into());
        d.report(
            Finding::error(from.key_at, fault)
                .path(path.key("from"))
                .allowed(kind)
                .help("write a distribution: { dist = \"exponential\", mean = \"10ms\" }"),
        );
        return None;
    }
    let fields = Fields::open_tagged(d, node, path, &DISTS)?;
    build(d, &fields)
}

/// One distribution from its table.
fn build(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Dist> {
    let span = |d: &mut Decoder<'_>, key| f.needed_span(d, key).map(|span| span.0 as f64);
    match f.name() {
        "constant" => span(d, "value").map(Dist::Constant),
        "uniform" => uniform(d, f),
        "exponential" => span(d, "mean").map(|mean| Dist::Exponential { mean }),
        "erlang" => {
            let (k, mean) = (f.needed_whole(d, "k"), span(d, "mean"));
            Some(Dist::Erlang { k: u32::try_from(k?).ok()?, mean: mean? })
        }
        "gamma" => {
            let (mean, cv) = (span(d, "mean"), f.needed_number(d, "cv"));
            Some(Dist::Gamma { mean: mean?, cv: cv? })
        }
        "hyperexponential" => hyperexponential(d, f),
        "lognormal" => lognormal(d, f),
        "normal" => {
            let (mean, stddev) = (span(d, "mean"), span(d, "stddev"));
            Some(Dist::Normal { mean: mean?, stddev: stddev? })
        }
        "pareto" => pareto(d, f),
        "weibull" => {
            let (shape, mean) = (f.needed_number(d, "shape"), span(d, "mean"));
            Some(Dist::Weibull { shape: shape?, mean: mean? })
        }
        "mixture" => mixture(d, f),
        "empirical" => empirical::read(d, f),
        other => panic!("the distribution {other} is declared but not built"),
    }
}

fn uniform(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Dist> {
    let (min, max) = (f.needed_span(d, "min"), f.needed_span(d, "max"));
    ordered(d, f, ("min", min?.0 as f64), ("max", max?.0 as f64))?;
    Some(Dist::Uniform { min: min?.0 as f64, max: max?.0 as f64 })
}

/// Notes two values that should ascend and do not.
fn ordered(d: &mut Decoder<'_>, f: &Fields<'_>, (low, least): (&str, f64), (high, most): (&str, f64)) -> Option<()> {
    if least <= most {
        return Some(());
    }
    let (first, second) = (f.node(low)?, f.node(high)?);
    let fault = Fault::Inconsistent(format!("{high} = {} is below {low} = {}", d.found(second), d.found(first)));
    let finding = Finding::error(second.at, fault).path(f.path.key(high)).allowed(format!("{high} of at least {low}"));
    d.report(finding.related(format!("{low} is set here"), first.at).help("swap them"));
    None
}

/// Two exponentials with balanced means: share × mean is the same of both.
fn hyperexponential(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Dist> {
    if let Some(node) = f.node("parts") {
        let is_alone = f.at_most_one(d, &["parts", "mean"]) && f.at_most_one(d, &["parts", "cv"]);
        return exponentials(d, node, &f.path.key("parts")).filter(|_| is_alone).map(|parts| Dist::Hyperexponential { parts });
    }
    let (mean, cv) = (f.needed_span(d, "mean"), f.needed_number(d, "cv"));
    let (mean, square) = (mean?.0 as f64, cv? * cv?);
    let first = 0.5 * (1.0 + libm::sqrt((square - 1.0) / (square + 1.0)));
    let second = 0.5 / ((square + 1.0) * first);
    Some(Dist::Hyperexponential { parts: vec![(first, mean / (2.0 * first)), (second, mean / (2.0 * second))] })
}

fn exponentials(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Vec<(f64, f64)>> {
    let mut parts = Vec::new();
    let members = d.list(node, path, Kind::Tables(&PART));
    for (index, member) in members.iter().enumerate() {
        let path = path.index(index, None);
        let Some(f) = Fields::open(d, member, &path, &PART) else { continue };
        let (share, mean) = (f.needed_number(d, "share"), f.needed_span(d, "mean"));
        parts.extend(share.zip(mean).map(|(share, mean)| (share, mean.0 as f64)));
    }
    shares(d, node, path, parts.iter().map(|part| part.0), members.len())?;
    Some(parts)
}

/// Notes shares that do not add up to 1; silent where one of them could not be read.
fn shares(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, shares: impl Iterator<Item = f64>, count: usize) -> Option<()> {
    let shares: Vec<f64> = shares.collect();
    let sum: f64 = shares.iter().sum();
    let is_list = matches!(node.data, Data::List(_));
    if !is_list || (shares.len() < count) {
        return None;
    }
    if (sum - 1.0).abs() <= SHARE_SLACK {
        return Some(());
    }
    let what = if count == 0 { "there are no parts".to_owned() } else { format!("the shares add up to {}", (sum * 1e9).round() / 1e9) };
    let finding = Finding::error(node.at, Fault::Inconsistent(what)).path(path).allowed("one or more parts whose shares add up to 1");
    d.report(
        finding.help(format!(
            "change the last share to {}",
            ((1.0 - (sum - shares.last().unwrap_or(&0.0))).clamp(0.0, 1.0) * 1e9).round() / 1e9
        )),
    );
    None
}

fn lognormal(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Dist> {
    let (mu, sigma) = if f.has("median") || f.has("p99") {
        let is_alone = f.at_most_one(d, &["median", "mean"]) & f.at_most_one(d, &["p99", "cv"]);
        let (median, p99) = (f.needed_span(d, "median"), f.needed_span(d, "p99"));
        let (median, p99) = (median?.0 as f64, p99?.0 as f64);
        ordered(d, f, ("median", median), ("p99", p99))?;
        is_alone.then(|| (libm::log(median), libm::log(p99 / median) / Z99))?
    } else {
        let (mean, cv) = (f.needed_span(d, "mean"), f.needed_number(d, "cv"));
        let square = libm::log1p(cv? * cv?);
        (libm::log(mean?.0 as f64) - square / 2.0, libm::sqrt(square))
    };
    let extreme = mu + Z999 * sigma;
    if extreme < libm::log(u64::MAX as f64) {
        return Some(Dist::Lognormal { mu, sigma });
    }
    let seconds = libm::exp((extreme - libm::log(1e9)).min(700.0));
    let fault = Fault::OutOfRange {
        found: "this lognormal".into(),
        why: format!("its 99.9% quantile is {seconds:.1e} s, more than the 584 years that time can hold"),
    };
    d.report(Finding::error(f.at, fault).path(f.path).allowed("a 99.9% quantile below 584 years").help("lower p99 or cv"));
    None
}

fn pareto(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Dist> {
    let (alpha, min, max) = (f.needed_number(d, "alpha"), f.needed_span(d, "min"), f.span(d, "max"));
    let (alpha, min) = (alpha?, min?.0 as f64);
    if f.has("max") {
        let max = max?.0 as f64;
        ordered(d, f, ("min", min), ("max", max))?;
        return Some(Dist::Pareto { alpha, min, max: Some(max) });
    }
    if let (true, Some(node)) = (alpha <= 1.0, f.node("alpha")) {
        let finding =
            Finding::warning(node.at, format!("alpha = {alpha} means an infinite mean: results do not settle, however long the run"));
        d.report(finding.path(f.path.key("alpha")).allowed("alpha above 1, or a `max`").help("add max = \"10s\" for a bounded Pareto"));
    }
    Some(Dist::Pareto { alpha, min, max: None })
}

fn mixture(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Dist> {
    let Some(node) = f.node("parts") else {
        f.missing(
            d,
            "parts",
            "parts = [{ share = 0.9, dist = \"exponential\", mean = \"5ms\" }, { share = 0.1, dist = \"exponential\", mean = \"50ms\" }]",
        );
        return None;
    };
    let path = f.path.key("parts");
    let mut parts = Vec::new();
    let members = d.list(node, &path, Kind::TaggedTables(&MIXED));
    for (index, member) in members.iter().enumerate() {
        let path = path.index(index, None);
        let Some(f) = Fields::open_tagged(d, member, &path, &MIXED) else { continue };
        let (share, dist) = (f.needed_number(d, "share"), build(d, &f));
        parts.extend(share.zip(dist));
    }
    shares(d, node, &path, parts.iter().map(|part| part.0), members.len())?;
    Some(Dist::Mixture(parts))
}
