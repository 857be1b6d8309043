//! `evenkeel balancers`: what there is, and what each does.

use super::Code;
use super::args::{BalancersArgs, ListFormat};
use super::terminal::Terminal;
use crate::balance::{self, Law, Listed};
use crate::catalogue::Parameter;
use crate::report::neutral;
use serde_json::{Value, json};
use std::fmt::Write;

/// How wide texts are set.
const WIDTH: usize = 78;

pub(super) fn balancers(args: &BalancersArgs, terminal: &Terminal) -> Code {
    let Some(name) = &args.name else {
        return terminal.result(&match args.format {
            ListFormat::Json => format!("{:#}\n", Value::from_iter(balance::listed().into_iter().map(brief))),
            ListFormat::Table => table(),
        });
    };
    match balance::find(name) {
        Some(listed) => terminal.result(&match args.format {
            ListFormat::Json => format!("{:#}\n", whole(listed)),
            ListFormat::Table => explained(listed),
        }),
        None => {
            let names: Vec<&str> = balance::listed().iter().map(|listed| listed.entry.name).collect();
            // A part of a name lists those that have it.
            let with: Vec<&str> = names.iter().copied().filter(|known| known.contains(name.as_str())).collect();
            let meant = crate::scenario::nearest(name, names.iter().copied());
            let hint = match (meant, &with[..]) {
                (_, [_, ..]) => format!("those with it in their name: {}", with.join(", ")),
                (Some(meant), _) => format!("did you mean {meant}?"),
                (None, _) => "see `evenkeel balancers` for all".to_owned(),
            };
            terminal.error(&format!("there is no balancer {}; {hint}", neutral::plain(name)));
            Code::Invalid
        }
    }
}

/// The product's name alone, from `nginx 1.22.1`; of nobody in particular: `None`.
fn product(listed: &Listed) -> Option<&'static str> {
    (!listed.product.is_empty()).then_some(listed.product)
}

fn brief(listed: &'static Listed) -> Value {
    let parameters: Vec<Value> = listed
        .entry
        .parameters
        .iter()
        .map(|parameter| json!({"name": parameter.name, "type": parameter.kind.to_string(), "default": parameter.default, "text": parameter.text}))
        .collect();
    json!({"name": listed.entry.name, "summary": listed.entry.summary, "product": product(listed), "parameters": parameters})
}

fn whole(listed: &'static Listed) -> Value {
    let mut value = brief(listed);
    let breaks: Vec<Value> = listed.breaks.iter().map(|(law, why)| json!({"law": law.words(), "why": why})).collect();
    let or_null = |text: &'static str| if text.is_empty() { Value::Null } else { json!(text) };
    value["text"] = json!(listed.entry.text);
    value["reference"] = or_null(listed.entry.reference);
    value["by_key"] = json!(listed.by_key);
    value["approximate"] = or_null(listed.approximate);
    value["breaks"] = json!(breaks);
    value
}

/// General ones first, then product by product.
fn table() -> String {
    let all = balance::listed();
    let width = all.iter().map(|listed| listed.entry.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut group = "";
    for listed in &all {
        let of = listed.entry.name.split_once('/').map_or("general", |(product, _)| product);
        if of != group {
            group = of;
            let _ = writeln!(text, "{}{of}", if text.is_empty() { "" } else { "\n" });
        }
        let mark = if listed.approximate.is_empty() { "" } else { " (approximate)" };
        let _ = writeln!(text, "  {:<width$}  {}{mark}", listed.entry.name, listed.entry.summary);
    }
    let _ = writeln!(text, "\n{} balancers; `evenkeel balancers NAME` explains one.", all.len());
    text
}

fn explained(listed: &'static Listed) -> String {
    let entry = &listed.entry;
    let mut text = format!("{}: {}\n\n{}\n", entry.name, entry.summary, wrapped(entry.text, ""));
    let mut fact = |what: &str, said: &str| {
        if !said.is_empty() {
            let _ = write!(text, "\n{what}\n{}\n", wrapped(said, "  "));
        }
    };
    fact("Product", listed.product);
    fact("Approximate", listed.approximate);
    fact("Reference", entry.reference);
    if !entry.parameters.is_empty() {
        let _ = write!(text, "\nParameters\n");
        entry.parameters.iter().for_each(|parameter| text.push_str(&explained_parameter(parameter)));
    }
    let _ = write!(text, "\nLaws\n");
    for law in Law::ALL {
        if law == Law::OnlyOwnKeysMove && !listed.by_key {
            continue;
        }
        let _ = match listed.broken(law) {
            None => writeln!(text, "  kept    {}", law.words()),
            Some(why) => writeln!(text, "  broken  {}\n{}", law.words(), wrapped(why, "          ")),
        };
    }
    let _ = write!(text, "\nIn a scenario\n  balancers = [\"{}\"]\n", entry.name);
    text
}

fn explained_parameter(parameter: &Parameter) -> String {
    let default = parameter.default.map_or_else(|| "no default".to_owned(), |default| format!("default {default}"));
    let head = wrapped(&format!("{} ({default}): {}", parameter.name, parameter.kind), "  ");
    format!("{head}\n{}\n", wrapped(parameter.text, "      "))
}

/// Lines of at most [`WIDTH`] characters, each after this indent.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        if line.len() > indent.len() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(format!("{indent}{word}"));
        } else {
            if line.len() > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
