//! Pingora, Caddy, Traefik, IPVS and kube-proxy: servers, requests, and who is down.

use super::Handler;
use super::drive::{Drive, Set, from_client, picks, servers};
use super::vector::{Field, Vector};
use evenkeel::balance::State;
use evenkeel::balance::products::ipvs::MaglevTable;
use evenkeel::catalogue::Value as Parameter;
use serde_json::{Map, Value, json};
use std::net::Ipv4Addr;

pub(super) fn handler(system: &str, policy: &str) -> Option<Handler> {
    Some(match (system, policy) {
        ("pingora", "ketama" | "ketama-failover" | "ketama-unit") => |vector| pingora(vector, "pingora/ketama"),
        ("pingora", "fnv-weighted" | "fnv-weighted-failover") => |vector| pingora(vector, "pingora/fnv-hash"),
        ("pingora", "round-robin" | "round-robin-failover") => |vector| pingora(vector, "pingora/round-robin"),
        ("caddy", "weighted_round_robin") => |vector| caddy(vector, "caddy/weighted-round-robin"),
        ("caddy", "round_robin") => |vector| caddy(vector, "caddy/round-robin"),
        ("caddy", "first") => |vector| caddy(vector, "caddy/first"),
        ("caddy", "uri_hash") => |vector| caddy(vector, "caddy/uri-hash"),
        ("caddy", "header") => |vector| caddy(vector, "caddy/header"),
        ("caddy", "ip_hash") => |vector| caddy(vector, "caddy/ip-hash"),
        ("traefik", "wrr-edf") => |vector| picks(&mut drive(vector, "traefik/wrr", Set::new())?, vector),
        ("traefik", "hrw") => hrw,
        ("ipvs", "rr") => |vector| picks(&mut drive(vector, "ipvs/rr", Set::new())?, vector),
        ("ipvs", "wrr") => |vector| picks(&mut drive(vector, "ipvs/wrr", Set::new())?, vector),
        ("ipvs", "lc") => |vector| picks(&mut drive(vector, "ipvs/lc", Set::new())?, vector),
        ("ipvs", "wlc") => |vector| picks(&mut drive(vector, "ipvs/wlc", Set::new())?, vector),
        ("ipvs", "sed") => |vector| picks(&mut drive(vector, "ipvs/sed", Set::new())?, vector),
        ("ipvs", "nq") => |vector| picks(&mut drive(vector, "ipvs/nq", Set::new())?, vector),
        ("ipvs", "ovf") => |vector| picks(&mut drive(vector, "ipvs/ovf", Set::new())?, vector),
        ("ipvs", "fo") => |vector| picks(&mut drive(vector, "ipvs/fo", Set::new())?, vector),
        ("ipvs", "sh") => |vector| source_hash(vector, "multiplied"),
        ("ipvs", "sh-hash32") => |vector| source_hash(vector, "hash-32"),
        ("ipvs", "mh") => maglev,
        ("kube-proxy", "random") => kube_proxy,
        _ => return None,
    })
}

/// The vector's servers, those that it calls so being down.
fn drive(vector: &Vector<'_>, kind: &str, set: Set) -> Result<Drive, String> {
    let mut drive = Drive::of(kind, set, vector)?;
    drive.set_states(vector.input.get("unavailable"), State::Down)?;
    drive.set_states(vector.input.get("down"), State::Down)?;
    Ok(drive)
}

fn pingora(vector: &Vector<'_>, kind: &str) -> Result<Value, String> {
    let most = vector.config.get("max_iterations").maybe().map(Field::u64).transpose()?;
    let set = most.map(|most| ("max_iterations", Parameter::Whole(most))).into_iter().collect();
    picks(&mut drive(vector, kind, set)?, vector)
}

fn caddy(vector: &Vector<'_>, kind: &str) -> Result<Value, String> {
    picks(&mut drive(vector, kind, Set::new())?, vector)
}

/// Keys are clients' addresses.
fn hrw(vector: &Vector<'_>) -> Result<Value, String> {
    let mut drive = drive(vector, "traefik/hrw", Set::new())?;
    let clients = vector.input.get("keys").each(|key| Ok(from_client(key.text()?)))?;
    Ok(json!({"picks": drive.sequence(clients)}))
}

fn has_flag(vector: &Vector<'_>, flag: &str) -> Result<bool, String> {
    let flags = vector.config.get("flags").maybe().map(Field::text).transpose()?.unwrap_or("none");
    Ok(!flags.starts_with("none") && flags.contains(flag))
}

fn source_hash(vector: &Vector<'_>, form: &str) -> Result<Value, String> {
    let fallback = has_flag(vector, "sh-fallback")?;
    let set = vec![("form", Parameter::Text(form.to_owned())), ("fallback", Parameter::Bool(fallback))];
    picks(&mut drive(vector, "ipvs/sh", set)?, vector)
}

/// Where clients go, and how many places of the table each server has.
fn maglev(vector: &Vector<'_>) -> Result<Value, String> {
    let size = vector.config.get("table_size").maybe().map_or(Ok(4093), Field::u32)?;
    let fallback = has_flag(vector, "mh-fallback")?;
    let set = vec![("table_size", Parameter::Text(size.to_string())), ("fallback", Parameter::Bool(fallback))];
    let mut got: Map<String, Value> = match picks(&mut drive(vector, "ipvs/mh", set)?, vector)? {
        Value::Object(got) => got,
        other => return Err(format!("picks are {other}")),
    };
    let mut destinations = Vec::new();
    for server in servers(vector)? {
        let (ip, port) = server.address.split_once(':').unwrap_or((&server.address, "0"));
        let ip: Ipv4Addr = ip.parse().map_err(|_| format!("{ip} is no address"))?;
        destinations.push((u32::from(ip), port.parse().map_err(|_| format!("{port} is no port"))?, server.weight as u32));
    }
    let slots = MaglevTable::new(size, &destinations).slots(destinations.len());
    got.insert("table_slots".to_owned(), json!(slots));
    Ok(got.into())
}

/// The rules' probabilities, as they are written.
fn kube_proxy(vector: &Vector<'_>) -> Result<Value, String> {
    let n = vector.config.get("endpoints").usize()?;
    let rules = (0..n).map(|rule| evenkeel::balance::products::kube_proxy::probability(rule, n));
    Ok(json!({"rule_probabilities": rules.collect::<Vec<_>>()}))
}
