//! `evenkeel trace inspect`: what a record is like, and what is missing for a simulation.

use super::{Taken, taken};
use crate::cli::Code;
use crate::cli::args::{InspectArgs, ListFormat};
use crate::cli::terminal::Terminal;
use crate::measure::histogram::Histogram;
use crate::report::figures::short;
use crate::report::neutral;
use crate::trace::entry::Outcome;
use crate::trace::recording::Changes;
use crate::trace::stamp;
use crate::trace::tally::{Names, SCALES, Tally};
use crate::trace::tape::Tape;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// So many of the most frequent are shown.
const TOP: usize = 5;

pub(super) fn inspect(args: &InspectArgs, terminal: &Terminal) -> Code {
    let taken = match taken(&args.read, &Changes::default(), true, terminal) {
        Ok(taken) => taken,
        Err(code) => return code,
    };
    let mut tally = Tally::default();
    let all = taken.tape.each(&mut |entry| {
        tally.add(entry);
        Ok(())
    });
    if let Err(fault) = all {
        terminal.error(&fault.to_string());
        return Code::Failed;
    }
    match args.format {
        ListFormat::Json => terminal.result(&format!("{:#}\n", listed(&taken, &tally))),
        ListFormat::Table => terminal.result(&words(&args.read.files[0], &taken, &tally, terminal.is_fine())),
    }
}

fn words(file: &str, taken: &Taken, tally: &Tally, is_fine: bool) -> String {
    let mut text = heading(taken);
    let mut say = |what: &str, said: String| {
        if !said.is_empty() {
            let _ = writeln!(text, "  {what:<12} {said}");
        }
    };
    say("requests", requests(taken, tally));
    say("time", time(taken, tally));
    say("order", order(taken));
    say("rate", rate(tally));
    say("", if is_fine { spark(tally) } else { String::new() });
    say("gaps", gaps(tally));
    say("dispersion", dispersion(tally));
    say("work", spans("time of the backend", tally.told().service, &tally.service, tally));
    say("duration", spans("time to the answer", tally.told().duration, &tally.duration, tally));
    say("queued", spans("time in the balancer's queue", tally.told().queued, &tally.queued, tally));
    say("bytes", amounts(tally.told().bytes, &tally.bytes, tally));
    say("prompt", amounts(tally.told().input, &tally.input, tally));
    say("answer", amounts(tally.told().output, &tally.output, tally));
    say("keys", names(tally.keys()));
    say("clients", names(tally.clients()));
    say("classes", names(tally.classes()));
    say("backends", backends(tally));
    say("answers", answers(tally));
    say("silences", silences(tally));
    text.push_str(&what_next(file, &taken.tape, tally));
    text
}

fn heading(taken: &Taken) -> String {
    let Some(read) = &taken.read else {
        let origin = taken.tape.origin();
        let of = if origin.formats.is_empty() { String::new() } else { format!(" of {}", origin.formats.join(", ")) };
        let anonymous = if origin.anonymous { ", keys and clients as hashes" } else { "" };
        return format!("a trace file{of}{anonymous}, {} bytes\n", taken.tape.bytes());
    };
    let one = |file: &crate::trace::read::FileRead| {
        let format = file.format.map_or("empty", |format| format.name());
        let why = file.why.as_ref().map(|why| format!(" ({})", neutral::plain(why))).unwrap_or_default();
        let layouts: Vec<String> =
            file.layouts.iter().filter(|_| file.layouts.len() > 1).map(|(name, count)| format!("{count} lines of {name}")).collect();
        let layouts = if layouts.is_empty() { String::new() } else { format!("; {}", layouts.join(", ")) };
        format!("{}: {format}{why}{layouts}\n", neutral::plain(&file.name))
    };
    read.files.iter().map(one).collect()
}

fn requests(taken: &Taken, tally: &Tally) -> String {
    let mut text = tally.requests().to_string();
    let Some(read) = &taken.read else { return text };
    for (what, count) in &read.account.others {
        let _ = write!(text, " · {count} × {}", neutral::plain(what));
    }
    if read.account.unreadable() > 0 {
        let _ = write!(text, " · {} that could not be read (above)", read.account.unreadable());
    }
    text
}

fn time(taken: &Taken, tally: &Tally) -> String {
    let length = tally.length() as f64 / 1e9;
    let dates = match tally.span() {
        Some((first, last)) if has_dates(&taken.tape) => format!(": {} to {} UTC", stamp::date(first), stamp::date(last)),
        _ => String::new(),
    };
    let tick = f64::from(tally.coarsest_tick());
    let exact = if tick > 1e3 { format!(", stamps exact to {}", seconds(tick / 1e9)) } else { String::new() };
    format!("{}{dates}{exact}", seconds(length))
}

/// Logs are written when requests end: they stand in another order than they arrived in.
fn order(taken: &Taken) -> String {
    match taken.read.as_ref().map(|read| &read.order) {
        Some(order) if order.backwards > 0 => {
            let by = seconds(order.greatest_ns as f64 / 1e9);
            format!("{} requests stand behind one that arrived later, by {by} at most: they were put in order", order.backwards)
        }
        _ => String::new(),
    }
}

/// Whether its instants are dates: after 1980.
fn has_dates(tape: &Tape) -> bool {
    tape.first() > 315_532_800_000_000_000
}

fn seconds(value: f64) -> String {
    match value {
        value if value >= 172_800.0 => format!("{:.1} days", value / 86_400.0),
        value if value >= 7200.0 => format!("{:.1} h", value / 3600.0),
        value if value >= 120.0 => format!("{:.1} min", value / 60.0),
        value if value >= 1.0 => format!("{value:.1} s"),
        value => format!("{} ms", short(value * 1e3)),
    }
}

fn rate(tally: &Tally) -> String {
    let Some(rate) = tally.rate() else { return "all at once".into() };
    let (width, windows) = tally.windows();
    let peak = windows.iter().map(|window| window.requests).max().unwrap_or(0) as f64 / (width as f64 / 1e9);
    format!("{}/s in the mean, {}/s at most (in {})", short(rate), short(peak), seconds(width as f64 / 1e9))
}

/// The rate over time, 60 letters wide.
fn spark(tally: &Tally) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (_, windows) = tally.windows();
    let each = windows.len().div_ceil(60).max(1);
    let sums: Vec<u64> = windows.chunks(each).map(|some| some.iter().map(|window| window.requests).sum()).collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    sums.into_iter().map(|sum| BARS[(sum * 8).div_ceil(most) as usize]).collect()
}

fn gaps(tally: &Tally) -> String {
    let Some(variation) = tally.gap_variation() else { return String::new() };
    let what = match variation {
        v if v < 0.7 => "more regular than Poisson",
        v if v < 1.3 => "about Poisson",
        _ => "bursty",
    };
    let ties = 100.0 * tally.ties() as f64 / tally.requests().max(1) as f64;
    let ties = if ties >= 0.1 { format!(", {ties:.1}% at the instant of the one before") } else { String::new() };
    format!("coefficient of variation {} ({what}; Poisson: 1){ties}", short(variation))
}

fn dispersion(tally: &Tally) -> String {
    let one = |(scale, index): (u64, Option<f64>)| index.map(|index| format!("{} in {}", short(index), seconds(scale as f64 / 1e9)));
    let all: Vec<String> = SCALES.into_iter().zip(tally.dispersion()).filter_map(one).collect();
    if all.is_empty() { String::new() } else { format!("variance ÷ mean of counts: {} (Poisson: 1)", all.join(" · ")) }
}

fn quantiles<const BITS: u32>(histogram: &Histogram<BITS>, unit: impl Fn(f64) -> String) -> String {
    let at = |share: f64| histogram.quantile(share).map_or_else(|| "–".into(), |value| unit(value as f64));
    let mean = histogram.mean().map_or_else(|| "–".into(), &unit);
    format!("mean {mean} · p50 {} · p90 {} · p99 {} · p99.9 {} · most {}", at(0.5), at(0.9), at(0.99), at(0.999), at(1.0))
}

fn spans<const BITS: u32>(what: &str, told: u64, histogram: &Histogram<BITS>, tally: &Tally) -> String {
    if told == 0 {
        return String::new();
    }
    format!("{what}: {}{}", quantiles(histogram, milliseconds), of_all(told, tally))
}

fn amounts<const BITS: u32>(told: u64, histogram: &Histogram<BITS>, tally: &Tally) -> String {
    if told == 0 { String::new() } else { format!("{}{}", quantiles(histogram, short), of_all(told, tally)) }
}

fn of_all(told: u64, tally: &Tally) -> String {
    if told == tally.requests() { String::new() } else { format!(" (in {told} of {})", tally.requests()) }
}

fn milliseconds(ns: f64) -> String {
    match ns / 1e6 {
        ms if ms >= 10_000.0 => format!("{} s", short(ms / 1e3)),
        ms => format!("{} ms", short(ms)),
    }
}

fn names(names: Names<'_>) -> String {
    if names.total() == 0 {
        return String::new();
    }
    let shown = |name: &[u8]| neutral::fitted(&neutral::plain(&String::from_utf8_lossy(name)), 40);
    let share = |count: u64| format!("{:.1}%", 100.0 * count as f64 / names.total() as f64);
    let top: Vec<String> = names.top(3).iter().map(|one| format!("{} {}", shown(&one.name), share(one.count))).collect();
    let zipf = names.zipf().map(|exponent| format!(" · Zipf exponent {exponent:.2}")).unwrap_or_default();
    format!("{:.0} different{zipf} · {}", names.distinct(), top.join(" · "))
}

fn backends(tally: &Tally) -> String {
    let (backends, _) = tally.backends();
    if backends.is_empty() {
        return String::new();
    }
    let total: u64 = backends.values().map(|share| share.requests).sum();
    let mut all: Vec<_> = backends.iter().collect();
    all.sort_by_key(|(name, share)| (std::cmp::Reverse(share.requests), *name));
    let one = |(name, share): &(&Vec<u8>, &crate::trace::tally::Share)| {
        let mean = if share.service > 0 {
            format!(", {} each", milliseconds(share.service as f64 / share.requests as f64))
        } else {
            String::new()
        };
        let name = neutral::fitted(&neutral::plain(&String::from_utf8_lossy(name)), 40);
        format!("{name} {:.1}%{mean}", 100.0 * share.requests as f64 / total as f64)
    };
    let more = if all.len() > TOP { format!(" · and {} more", all.len() - TOP) } else { String::new() };
    let equal = tally.effective_backends().map(|count| format!(" (as even as {count:.1})")).unwrap_or_default();
    format!("{}{equal}: {}{more}", all.len(), all.iter().take(TOP).map(one).collect::<Vec<_>>().join(" · "))
}

fn answers(tally: &Tally) -> String {
    let statuses = tally.statuses();
    let mut parts: Vec<String> =
        (1..=9).filter(|&digit| statuses[digit] > 0).map(|digit| format!("{} × {digit}xx", statuses[digit])).collect();
    let mut more = |count: u64, what: &str| {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    };
    more(tally.ended(Outcome::Failed), "failed");
    more(tally.ended(Outcome::Refused), "reached no backend");
    more(tally.retried(), "tried more than one backend");
    parts.join(" · ")
}

fn silences(tally: &Tally) -> String {
    let found = tally.silences();
    let shown: Vec<String> = found.iter().take(3).map(|silence| seconds(silence.length as f64 / 1e9)).collect();
    if shown.is_empty() { String::new() } else { format!("{} longer than chance would have it: {}", found.len(), shown.join(", ")) }
}

/// A name as TOML writes it.
fn toml_text(name: &str) -> String {
    Value::String(neutral::plain(name)).to_string()
}

/// What a simulation needs, and the lines that run it.
fn what_next(file: &str, tape: &Tape, tally: &Tally) -> String {
    let told = tally.told();
    let mut text = String::from("\nto simulate it\n");
    let work = match (told.service, told.duration, told.input + told.output, told.bytes) {
        (1.., ..) => "",
        (0, 1.., ..) => {
            "work = { from = \"duration\" }          # with the waiting of then in it: a distribution, or the backend's own time, would be better\n"
        }
        (0, 0, 1.., _) => {
            "work = { from = \"tokens\", base = \"20ms\", per_input = \"20us\", per_output = \"10ms\" }   # it has no times: say what a token takes\n"
        }
        (0, 0, 0, 1..) => "work = { from = \"bytes\", base = \"2ms\", per_kb = \"20us\" }   # it has no times: say what a kilobyte takes\n",
        _ => "work = { dist = \"exponential\", mean = \"10ms\" }   # it has neither times nor sizes: say what a request takes\n",
    };
    let _ =
        writeln!(text, "  balancers = [\"round-robin\", \"least-connections\"{}]", if told.backend > 0 { ", \"as-recorded\"" } else { "" });
    let _ = writeln!(text, "  [run]\n  [traffic]\n  arrivals = {{ process = \"recorded\", file = {} }}", toml_text(file));
    if !work.is_empty() {
        let _ = write!(text, "  {work}");
    }
    let (backends, _) = tally.backends();
    let count = if backends.is_empty() { 4 } else { backends.len() };
    let _ = writeln!(text, "  [[backends]]\n  name = \"web\"\n  count = {count}");
    let mut missing = Vec::new();
    if told.backend == 0 {
        missing.push("who served a request (nginx: $upstream_addr), so that it cannot be held against what was");
    }
    if told.service == 0 {
        missing.push("how long a backend worked (nginx: $upstream_response_time)");
    }
    if told.client == 0 {
        missing.push("who sent a request, for sessions and stickiness");
    }
    if tape.first() != 0 && tally.coarsest_tick() >= 1_000_000_000 {
        missing.push("instants more exact than a second (nginx: $msec)");
    }
    if !missing.is_empty() {
        let _ = writeln!(text, "\nit does not say\n  {}", missing.join("\n  "));
    }
    text
}

fn listed(taken: &Taken, tally: &Tally) -> Value {
    let told = tally.told();
    let formats = match &taken.read {
        Some(read) => read.files.iter().filter_map(|file| file.format).map(|format| format.name().to_owned()).collect(),
        None => taken.tape.origin().formats.clone(),
    };
    let mut formats: Vec<String> = formats;
    formats.dedup();
    let skipped = taken.read.as_ref().map_or(taken.tape.origin().unreadable, |read| read.account.unreadable());
    let reasons: Vec<Value> = taken
        .read
        .iter()
        .flat_map(|read| &read.account.unread)
        .map(|(reason, unread)| json!({ "reason": reason, "count": unread.count, "file": unread.file, "line": unread.line }))
        .collect();
    let others: Map<String, Value> =
        taken.read.iter().flat_map(|read| &read.account.others).map(|(&what, &count)| (what.to_owned(), json!(count))).collect();
    let (width, windows) = tally.windows();
    json!({
        "format": formats.join("+"),
        "files": taken.read.iter().flat_map(|read| &read.files).map(|file| json!({
            "name": file.name, "format": file.format.map(|format| format.name()), "why": file.why, "records": file.requests, "bytes": file.bytes,
        })).collect::<Vec<_>>(),
        "records": tally.requests(),
        "skipped": skipped,
        "skipped_by_reason": reasons,
        "others": others,
        "warnings": taken.tape.origin().warnings,
        "first": has_dates(&taken.tape).then(|| format!("{}Z", stamp::date(taken.tape.first()).replace(' ', "T"))),
        "span_s": tally.length() as f64 / 1e9,
        "rate_rps": tally.rate(),
        "gap_cv": tally.gap_variation(),
        "ties": tally.ties(),
        "backwards": taken.read.as_ref().map(|read| read.order.backwards),
        "backwards_s": taken.read.as_ref().map(|read| read.order.greatest_ns as f64 / 1e9),
        "tick_s": f64::from(tally.coarsest_tick()) / 1e9,
        "dispersion": SCALES.iter().zip(tally.dispersion()).map(|(scale, index)| json!({ "width_s": *scale as f64 / 1e9, "index": index })).collect::<Vec<_>>(),
        "has": { "work": told.service > 0, "duration": told.duration > 0, "queued": told.queued > 0, "key": told.key > 0, "client": told.client > 0,
                 "backend": told.backend > 0, "class": told.class > 0, "status": told.status > 0, "bytes": told.bytes > 0, "tokens": told.input + told.output > 0 },
        "work_ms": distribution(&tally.service, 1e6), "duration_ms": distribution(&tally.duration, 1e6), "queued_ms": distribution(&tally.queued, 1e6),
        "bytes": distribution(&tally.bytes, 1.0), "input": distribution(&tally.input, 1.0), "output": distribution(&tally.output, 1.0),
        "keys": popularity(tally.keys()), "clients": popularity(tally.clients()), "classes": popularity(tally.classes()),
        "backends": tally.backends().0.iter().map(|(name, share)| json!({
            "name": String::from_utf8_lossy(name), "requests": share.requests, "failed": share.failures,
        })).collect::<Vec<_>>(),
        "outcomes": { "succeeded": tally.ended(Outcome::Succeeded), "failed": tally.ended(Outcome::Failed), "refused": tally.ended(Outcome::Refused) },
        "retried": tally.retried(),
        "silences_s": tally.silences().iter().map(|silence| silence.length as f64 / 1e9).collect::<Vec<_>>(),
        "windows": { "width_s": width as f64 / 1e9, "requests": windows.iter().map(|window| window.requests).collect::<Vec<_>>() },
    })
}

fn distribution<const BITS: u32>(histogram: &Histogram<BITS>, unit: f64) -> Value {
    let at = |share: f64| histogram.quantile(share).map(|value| value as f64 / unit);
    match histogram.mean() {
        None => Value::Null,
        Some(mean) => json!({ "mean": mean / unit, "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p99.9": at(0.999), "max": at(1.0) }),
    }
}

fn popularity(names: Names<'_>) -> Value {
    if names.total() == 0 {
        return Value::Null;
    }
    let top: Vec<Value> =
        names.top(TOP).iter().map(|one| json!({ "name": String::from_utf8_lossy(&one.name), "count": one.count })).collect();
    json!({ "distinct": names.distinct(), "zipf": names.zipf(), "top": top })
}
