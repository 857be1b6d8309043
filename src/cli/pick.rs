//! `evenkeel pick`: asks one balancer directly.

use super::Code;
use super::args::PickArgs;
use super::files::{self, Beside};
use super::terminal::Terminal;
use crate::pick::{Question, answer};
use crate::report::neutral;
use crate::scenario::{PickScript, Source, load_pick_script};
use serde_json::{Map, Value, json};

/// The largest script that is read.
const MOST_BYTES: usize = 256 << 20;

pub(super) fn pick(args: &PickArgs, terminal: &Terminal) -> Code {
    let outcome = match (&args.balancer, &args.file) {
        (Some(kind), None) => ask(args, kind, terminal),
        _ => script(args.file.as_deref().unwrap_or("-"), terminal),
    };
    match outcome {
        Ok(answer) if args.file.is_none() && args.balancer.is_some() => terminal.result(&format!("{answer:#}\n")),
        Ok(answer) => terminal.result(&format!("{answer}\n")),
        Err(code) => code,
    }
}

/// Does a script.
fn script(name: &str, terminal: &Terminal) -> Result<Value, Code> {
    let bytes = read(name, "script", terminal)?;
    let called = if name == "-" { "standard input" } else { name };
    let script = load(called, &bytes, &Beside::of(name), terminal)?;
    answer(&script).map_err(|found| {
        terminal.diagnostics(&found);
        Code::Invalid
    })
}

fn read(name: &str, what: &str, terminal: &Terminal) -> Result<Vec<u8>, Code> {
    files::read_or_say(name, what, name, MOST_BYTES, String::new, terminal)
}

fn load(name: &str, bytes: &[u8], files: &Beside, terminal: &Terminal) -> Result<PickScript, Code> {
    load_pick_script(&Source::new(name, bytes).with_limit(MOST_BYTES), files).map_err(|found| {
        terminal.diagnostics(&found);
        Code::Invalid
    })
}

/// Answers the short form.
fn ask(args: &PickArgs, kind: &str, terminal: &Terminal) -> Result<Value, Code> {
    let wrong = |why: String| {
        terminal.error(&why);
        Code::Invalid
    };
    let mut balancer = Map::from_iter([("kind".to_owned(), json!(kind))]);
    for set in &args.sets {
        let (key, value) = set.split_once('=').ok_or_else(|| wrong(format!("--set {}: write KEY=VALUE", neutral::plain(set))))?;
        balancer.insert(key.trim().to_owned(), value_of(value.trim()));
    }
    let mut members = Vec::new();
    for said in &args.backends {
        members.push(backend(said).map_err(wrong)?);
    }
    let start = members.len();
    for said in &args.add {
        members.push(backend(said).map_err(wrong)?);
    }
    if start == 0 {
        return Err(wrong("name the backends to choose from: --backends a=10.0.0.1:80,b=10.0.0.2:80*2 (NAME=ADDRESS*WEIGHT)".into()));
    }
    let document = json!({"balancer": balancer, "backends": members, "seed": args.seed});
    let mut script = load("the command line", document.to_string().as_bytes(), &Beside::of("-"), terminal)?;
    let add = script.members.split_off(start);
    let mut remove = Vec::new();
    for name in &args.remove {
        let at = script.members.iter().position(|member| member.name == *name);
        remove.push(at.ok_or_else(|| wrong(format!("--remove {0}: there is no backend {0} in --backends", neutral::plain(name))))?);
    }
    let mut keys = args.keys_said.clone();
    if let Some(file) = &args.keys {
        let bytes = read(file, "keys", terminal)?;
        let text = String::from_utf8(bytes).map_err(|_| wrong(format!("{}: keys are text, one on each line", neutral::plain(file))))?;
        keys.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    }
    let question = Question { script: &script, keys, clients: args.clients.clone(), count: args.count, remove, add };
    question.answer().map_err(|error| wrong(error.to_string()))
}

/// A parameter's value: read as TOML, else as text.
fn value_of(text: &str) -> Value {
    let parsed: Result<toml::Table, _> = toml::from_str(&format!("value = {text}"));
    let value = parsed.ok().and_then(|table| serde_json::to_value(table.get("value")?).ok());
    value.unwrap_or_else(|| json!(text))
}

/// `NAME=ADDRESS*WEIGHT`, of which only the name must be there.
fn backend(said: &str) -> Result<Value, String> {
    let (rest, weight) = match said.rsplit_once('*') {
        Some((rest, weight)) => {
            let weight: f64 = weight.parse().ok().filter(|weight: &f64| weight.is_finite()).ok_or_else(|| {
                format!("{}: the weight after * is not a number; write NAME=ADDRESS*WEIGHT, such as b=10.0.0.2:80*2", neutral::plain(said))
            })?;
            (rest, weight)
        }
        None => (said, 1.0),
    };
    let (name, address) = rest.split_once('=').map_or((rest, None), |(name, address)| (name, Some(address)));
    if name.is_empty() || address == Some("") {
        return Err(format!("{}: write NAME=ADDRESS*WEIGHT, such as b=10.0.0.2:80*2", neutral::plain(said)));
    }
    let mut member = json!({"name": name, "weight": weight});
    if let Some(address) = address {
        member["address"] = json!(address);
    }
    Ok(member)
}
