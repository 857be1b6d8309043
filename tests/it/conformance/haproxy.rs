//! HAProxy: lines of a `backend` section, with the servers among them or beside them.

use super::Handler;
use super::drive::{Drive, Set, picks, servers, statistical};
use super::vector::Vector;
use evenkeel::balance::{Member, State};
use evenkeel::catalogue::Value as Parameter;
use serde_json::{Value, json};

pub(super) fn handler(policy: &str) -> Option<Handler> {
    Some(match policy {
        "roundrobin-dynamic" => changes,
        "random" => |vector| statistical(&mut drive(vector)?, vector, "ring_share_single_draw"),
        queue if queue.ends_with("-queue") || queue.starts_with("queue-") => queued,
        "roundrobin" | "static-rr" | "leastconn" | "first" | "roundrobin-maxconn" | "hash-missing-input-fallback" => plain,
        hash if hash.contains("-hash-") => plain,
        backup if backup.ends_with("-backup") => plain,
        _ => return None,
    })
}

fn plain(vector: &Vector<'_>) -> Result<Value, String> {
    picks(&mut drive(vector)?, vector)
}

fn drive(vector: &Vector<'_>) -> Result<Drive, String> {
    let lines = vector.config.get("lines").each(|line| line.text())?;
    let (mut kind, mut set, mut members) = ("haproxy/roundrobin", Set::new(), Vec::new());
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["balance", name, ref rest @ ..] => kind = balance(name, rest, &mut set)?,
            ["hash-type", of, ref rest @ ..] => hash_type(of, rest, &mut set),
            ["hash-balance-factor", factor] => set.push(("balance_factor", Parameter::Whole(number(factor)?))),
            ["option", "allbackups"] => set.push(("all_backups", Parameter::Bool(true))),
            ["server", name, address, ref rest @ ..] => members.push(server(name, address, rest)?),
            ["timeout", ..] | ["http-request", "set-priority-class", ..] => {}
            _ => return Err(format!("unknown line {line}")),
        }
    }
    if !vector.config.get("servers").is_null() {
        members.extend(servers(vector)?);
    }
    let takes = |name: &str| evenkeel::balance::find(kind).is_some_and(|listed| listed.entry.parameters.iter().any(|one| one.name == name));
    // As HAProxy itself, which takes a hash-type beside a balance that has no use for it.
    set.retain(|&(name, _)| takes(name));
    let mut drive = Drive::new(kind, set, members)?;
    drive.set_states(vector.input.get("in_maintenance"), State::Maintenance)?;
    Ok(drive)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

fn balance(name: &str, rest: &[&str], set: &mut Set) -> Result<&'static str, String> {
    if let Some(draws) = name.strip_prefix("random(").and_then(|rest| rest.strip_suffix(')')) {
        set.push(("draws", Parameter::Whole(number(draws)?)));
        return Ok("haproxy/random");
    }
    Ok(match name {
        "roundrobin" => "haproxy/roundrobin",
        "static-rr" => "haproxy/static-rr",
        "leastconn" => "haproxy/leastconn",
        "first" => "haproxy/first",
        "source" => "haproxy/source",
        "uri" => {
            uri(rest, set)?;
            "haproxy/uri"
        }
        "url_param" => "haproxy/url-param",
        "hash" => "haproxy/hash",
        "random" => "haproxy/random",
        header if header.starts_with("hdr(") => "haproxy/hdr",
        _ => return Err(format!("unknown balance {name}")),
    })
}

fn uri(mut words: &[&str], set: &mut Set) -> Result<(), String> {
    loop {
        words = match *words {
            [] => return Ok(()),
            ["whole", ref rest @ ..] => {
                set.push(("whole", Parameter::Bool(true)));
                rest
            }
            ["path-only", ref rest @ ..] => {
                set.push(("path_only", Parameter::Bool(true)));
                rest
            }
            ["len", len, ref rest @ ..] => {
                set.push(("len", Parameter::Whole(number(len)?)));
                rest
            }
            ["depth", depth, ref rest @ ..] => {
                set.push(("depth", Parameter::Whole(number(depth)?)));
                rest
            }
            [other, ..] => return Err(format!("unknown word {other} after `balance uri`")),
        }
    }
}

/// Without a function there is nothing to set: what that means is the balancer's to know.
fn hash_type(of: &str, rest: &[&str], set: &mut Set) {
    set.push(("hash_type", Parameter::Text(of.to_owned())));
    let function = rest.iter().find(|&&word| word != "avalanche");
    if let Some(function) = function {
        set.push(("function", Parameter::Text((*function).to_owned())));
        set.push(("avalanche", Parameter::Bool(rest.contains(&"avalanche"))));
    } else if rest.contains(&"avalanche") {
        set.push(("avalanche", Parameter::Bool(true)));
    }
}

fn server(name: &str, address: &str, mut words: &[&str]) -> Result<Member, String> {
    let mut member = Member { name: name.to_owned(), ..Member::new(address) };
    let limit = |text: &str| number(text).map(|limit| Some(limit).filter(|&limit: &u32| limit > 0));
    loop {
        words = match *words {
            [] => return Ok(member),
            ["backup", ref rest @ ..] => {
                member.backup = true;
                rest
            }
            ["disabled", ref rest @ ..] => {
                member.state = State::Maintenance;
                rest
            }
            ["weight", weight, ref rest @ ..] => {
                member.weight = number(weight)?;
                rest
            }
            ["maxconn", most, ref rest @ ..] => {
                member.max_in_flight = limit(most)?;
                rest
            }
            ["maxqueue", most, ref rest @ ..] => {
                member.max_waiting = limit(most)?;
                rest
            }
            ["id", id, ref rest @ ..] => {
                member.id = Some(number(id)?);
                rest
            }
            [other, ..] => return Err(format!("unknown word {other} of server {name}")),
        }
    }
}

/// Requests with weights changed and servers put into and out of maintenance between them.
fn changes(vector: &Vector<'_>) -> Result<Value, String> {
    let mut drive = drive(vector)?;
    let mut picks = Vec::new();
    for step in vector.input.get("steps").list()? {
        let step = step.list()?;
        let word = |at: usize| step.get(at).ok_or("a step that is too short")?.text();
        match word(0)? {
            "req" => {
                let count = step.get(1).ok_or("a number of requests is missing")?.usize()?;
                (0..count).for_each(|_| picks.push(drive.one(Default::default())));
            }
            "weight" => {
                let (backend, weight) = (drive.backend(word(1)?)?, step.get(2).ok_or("a weight is missing")?.f64()?);
                drive.desk.set_weight(backend, weight);
            }
            what @ ("maint" | "ready") => {
                let backend = drive.backend(word(1)?)?;
                drive.desk.set_state(backend, if what == "maint" { State::Maintenance } else { State::Up });
            }
            other => return Err(format!("unknown step {other}")),
        }
    }
    Ok(json!({"picks": picks}))
}

/// The order in which requests reach servers.
fn queued(vector: &Vector<'_>) -> Result<Value, String> {
    let mut drive = drive(vector)?;
    let order = drive.reached(vector.input.get("ops"))?;
    Ok(json!({"dispatch_order_request_server": order}))
}
