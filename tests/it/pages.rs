//! The guide's reference pages are made from the catalogue: what they say of keys and balancers is what the program knows.
//!
//! A page has hand-written text around a part between two marks. Where that part is not what the catalogue gives, the test prints what
//! it should be; with `EVENKEEL_BLESS=1` it writes it.

use crate::blessed;
use evenkeel::balance;
use evenkeel::catalogue::{Entry, Kind, Parameter, Tagged};
use evenkeel::fault;
use evenkeel::scenario::{NoFiles, Source, keys, load};
use std::fmt::Write;

/// Text that does not break a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn row(parameter: &Parameter) -> String {
    let default = parameter.default.map_or_else(|| "–".to_owned(), |default| format!("`{default}`"));
    format!("| `{}` | {} | {default} | {} |\n", parameter.name, cell(&holds(&parameter.kind)), cell(parameter.text))
}

/// What a key holds. Tables are linked to their section instead of being spelled out.
fn holds(kind: &Kind) -> String {
    let linked = |what: &str, entry: &Entry| format!("{what} [{}](#{})", entry.name, entry.name);
    match kind {
        Kind::Table(entry) => linked("a table:", entry),
        Kind::Tables(entry) => linked("a list of tables:", entry),
        Kind::OneOrMore(entry) => linked("a table or a list of tables:", entry),
        Kind::Tagged(tagged) => format!("a table with `{}`: {}", tagged.tag, heading_link(tagged)),
        Kind::TaggedTables(tagged) => format!("a list of tables with `{}`: {}", tagged.tag, heading_link(tagged)),
        Kind::TaggedNames(tagged) => format!("a list of names: {}", heading_link(tagged)),
        Kind::WholeOrTagged(min, max, tagged) => {
            format!("a whole number from {min} to {max}, or a table with `{}`: {}", tagged.tag, heading_link(tagged))
        }
        Kind::Dist => "a duration, or a [distribution](#a-distribution)".to_owned(),
        Kind::ExponentialDist => "a duration (the mean of an exponential), or a [distribution](#a-distribution)".to_owned(),
        Kind::OrTable(first, entry) => format!("{}, or a table: [{}](#{})", holds(first), entry.name, entry.name),
        Kind::OneOfTables(entries) => {
            format!("a table: {}", entries.iter().map(|entry| format!("[{0}](#{0})", entry.name)).collect::<Vec<_>>().join(" or "))
        }
        Kind::DistOrPercentile => "a duration, a [distribution](#a-distribution), or a percentile such as \"p95\"".to_owned(),
        Kind::Pairs(first, second) => format!("a list of pairs of {} and {}", brief(first), brief(second)),
        kind => brief(kind),
    }
}

/// Without the examples that a message needs.
fn brief(kind: &Kind) -> String {
    match kind {
        Kind::Share => "a share".to_owned(),
        Kind::Rate => "a rate".to_owned(),
        Kind::Span => "a duration".to_owned(),
        Kind::Period => "a duration above 0".to_owned(),
        Kind::ShareOrSpan => "a share below 1, or a duration".to_owned(),
        Kind::Text => "a text".to_owned(),
        Kind::Name => "a name".to_owned(),
        Kind::Changes => "a table of dotted keys and their values".to_owned(),
        kind => kind.to_string(),
    }
}

fn heading_link(tagged: &Tagged) -> String {
    match tagged.what {
        "a balancer" => "[a balancer](balancers.md)".to_owned(),
        what => format!("[{what}](#{})", what.replace(' ', "-")),
    }
}

const HEAD: &str = "| key | what it holds | default | meaning |\n| --- | --- | --- | --- |\n";

/// A section and all that hang below it, each once.
fn section(entry: &'static Entry, page: &mut String, seen: &mut Vec<&'static str>) {
    if seen.contains(&entry.name) {
        return;
    }
    seen.push(entry.name);
    let known: Vec<&Parameter> = entry.parameters.iter().filter(|parameter| parameter.is_supported()).collect();
    write!(page, "\n## {}\n\n{}.\n\n{HEAD}", entry.name, capital(entry.summary)).expect("a string takes everything");
    page.extend(known.iter().map(|parameter| row(parameter)));
    let later: Vec<String> =
        entry.parameters.iter().filter(|parameter| !parameter.is_supported()).map(|parameter| format!("`{}`", parameter.name)).collect();
    if !later.is_empty() {
        writeln!(page, "\nNot yet supported, and refused as such: {}.", later.join(", ")).expect("a string takes everything");
    }
    for parameter in known {
        match parameter.kind {
            Kind::Table(entry) | Kind::Tables(entry) | Kind::OneOrMore(entry) => section(entry, page, seen),
            Kind::Tagged(tagged) | Kind::WholeOrTagged(_, _, tagged) => choices(tagged, page, seen),
            Kind::TaggedTables(tagged) if tagged.what == "a fault" => choices(tagged, page, seen),
            Kind::OrTable(_, entry) => section(entry, page, seen),
            Kind::OneOfTables(entries) => entries.iter().for_each(|entry| section(entry, page, seen)),
            Kind::Dist | Kind::ExponentialDist => choices(&keys::DISTS, page, seen),
            _ => {}
        }
    }
}

/// All entries of a table that names one.
fn choices(tagged: &'static Tagged, page: &mut String, seen: &mut Vec<&'static str>) {
    if seen.contains(&tagged.what) {
        return;
    }
    seen.push(tagged.what);
    let entries: Vec<&'static Entry> = (tagged.entries)();
    write!(
        page,
        "\n## {}\n\nOne of these, named by `{}`:\n\n| {} | what it is | keys |\n| --- | --- | --- |\n",
        tagged.what, tagged.tag, tagged.tag
    )
    .expect("a string takes everything");
    let shared = shared(&entries);
    for entry in &entries {
        let is_shared = |parameter: &Parameter| shared.iter().any(|other| other.name == parameter.name);
        let own = entry.parameters.iter().filter(|parameter| !is_shared(parameter)).map(described);
        let also: Vec<String> =
            entry.parameters.iter().filter(|parameter| is_shared(parameter)).map(|parameter| format!("`{}`", parameter.name)).collect();
        let keys: Vec<String> = own.chain((!also.is_empty()).then(|| also.join(", "))).collect();
        let keys = if keys.is_empty() { "–".to_owned() } else { keys.join("<br>") };
        writeln!(page, "| `{}` | {} | {keys} |", entry.name, cell(entry.summary)).expect("a string takes everything");
    }
    if !tagged.common.is_empty() {
        write!(page, "\nKeys that all of them take:\n\n{HEAD}").expect("a string takes everything");
        page.extend(tagged.common.iter().map(row));
    }
    if !shared.is_empty() {
        write!(page, "\nKeys that several of them take:\n\n{HEAD}").expect("a string takes everything");
        page.extend(shared.into_iter().map(row));
    }
    for parameter in entries.iter().flat_map(|entry| entry.parameters) {
        match parameter.kind {
            Kind::Table(entry) | Kind::Tables(entry) => section(entry, page, seen),
            Kind::WholeOrTagged(_, _, tagged) => choices(tagged, page, seen),
            Kind::Dist | Kind::ExponentialDist => choices(&keys::DISTS, page, seen),
            _ => {}
        }
    }
}

/// What at least three entries take and mean alike: said once.
fn shared(entries: &[&'static Entry]) -> Vec<&'static Parameter> {
    let mut shared: Vec<&'static Parameter> = Vec::new();
    for parameter in entries.iter().flat_map(|entry| entry.parameters) {
        let count = entries
            .iter()
            .flat_map(|entry| entry.parameters)
            .filter(|other| (other.name, other.text) == (parameter.name, parameter.text))
            .count();
        if count >= 3 && shared.iter().all(|other| other.name != parameter.name) {
            shared.push(parameter);
        }
    }
    shared
}

/// `rate` (a rate): requests per second …
fn described(parameter: &Parameter) -> String {
    let default = parameter.default.map(|default| format!(", default `{default}`")).unwrap_or_default();
    cell(&format!("`{}` ({}{default}): {}", parameter.name, holds(&parameter.kind), parameter.text))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn balancer(entry: &Entry) -> String {
    let mut text = format!("\n## {}\n\n{}.\n\n{}\n", entry.name, capital(entry.summary), entry.text);
    if !entry.parameters.is_empty() {
        text += &format!("\n{HEAD}");
        text.extend(entry.parameters.iter().map(row));
    }
    if !entry.reference.is_empty() {
        text += &format!("\nFrom: {}.\n", entry.reference.trim_end_matches('.'));
    }
    text
}

#[test]
fn the_page_of_scenario_keys_is_the_catalogue() {
    let mut page = String::new();
    section(&keys::ROOT, &mut page, &mut Vec::new());
    blessed::part("docs/src/scenarios.md", &page);
}

#[test]
fn the_page_of_balancers_is_the_catalogue() {
    blessed::part("docs/src/balancers.md", &balance::entries().map(balancer).collect::<String>());
}

/// The scenarios that a page shows.
fn examples(page: &str) -> Vec<String> {
    let blocks = page.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or("").to_owned()).filter(|block| block.contains("[run]")).collect()
}

#[test]
fn whole_scenarios_on_the_pages_load_without_a_warning() {
    let mut count = 0;
    for page in ["docs/src/scenarios.md", "docs/src/failures.md", "docs/src/gate.md"] {
        for text in examples(&blessed::read(page)) {
            let loaded = load(&Source::new(page, text.as_bytes()), &[], &NoFiles).unwrap_or_else(|faults| panic!("{faults}"));
            assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
            count += 1;
        }
    }
    assert_eq!(count, 4);
}

#[test]
fn the_page_of_failures_has_every_kind_of_fault() {
    let page = blessed::read("docs/src/failures.md");
    for entry in (fault::FAULTS.entries)() {
        assert!(page.contains(&format!("| `{}` |", entry.name)), "{}", entry.name);
    }
}
