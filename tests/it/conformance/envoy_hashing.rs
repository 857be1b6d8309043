//! Envoy: hashes, rings, Maglev tables and bounded load.

use super::Handler;
use super::vector::{Field, Vector, digits};
use evenkeel::balance::BackendId;
use evenkeel::balance::hash::{Mt19937, Part, STD_HASH_SEED, combine, murmur2_64a, xxh64};
use evenkeel::balance::maglev::{Preference, Table, retry_hash};
use evenkeel::balance::products::envoy::bounded_load::{Probe, overload, slots, total_slots};
use evenkeel::balance::products::envoy::normalized::{by_locality, flat};
use evenkeel::balance::products::envoy::ring::{Dealt, deal};
use serde_json::{Map, Value, json};

pub(super) fn handler(policy: &str, form: &str) -> Option<Handler> {
    Some(match (policy, form) {
        ("hash.xxh64", "value") => xxh64_value,
        ("hash.murmurhash2_64a", "value") => murmur2_value,
        ("hash.mt19937", "first_outputs") => mt19937_outputs,
        ("hash.policy_combine", "value") => combined,
        ("ring_hash", "ring") => ring,
        ("ring_hash", "histogram") => ring_histogram,
        ("ring_hash", "attempts") => ring_attempts,
        ("maglev", "table") => maglev_table,
        ("maglev", "table_locality") => maglev_localities,
        ("maglev", "default_size") => maglev_default_size,
        ("maglev", "disruption") => maglev_disruption,
        ("maglev", "attempts") => maglev_attempts,
        ("bounded_load", "slots") => bounded_slots,
        ("bounded_load", "pick") => bounded_pick,
        _ => return None,
    })
}

fn xxh64_value(vector: &Vector<'_>) -> Result<Value, String> {
    Ok(json!({ "u64": digits(xxh64(vector.input.get("text").text()?.as_bytes(), vector.config.get("seed").u64_or(0)?)) }))
}

fn murmur2_value(vector: &Vector<'_>) -> Result<Value, String> {
    let seed = vector.config.get("seed").u64_or(STD_HASH_SEED)?;
    Ok(json!({ "u64": digits(murmur2_64a(vector.input.get("text").text()?.as_bytes(), seed)) }))
}

fn mt19937_outputs(vector: &Vector<'_>) -> Result<Value, String> {
    // The low 32 bits of a seed count.
    let mut generator = Mt19937::new(vector.config.get("seed").u64()? as u32);
    Ok(json!({ "u32": (0..vector.input.get("count").u64()?).map(|_| generator.next_u32()).collect::<Vec<_>>() }))
}

fn combined(vector: &Vector<'_>) -> Result<Value, String> {
    let parts = vector.input.get("policies").each(|of| {
        let hash = of.get("value").maybe().map(Field::text).transpose()?.map(|text| xxh64(text.as_bytes(), 0));
        Ok(Part { hash, terminal: of.get("terminal").bool_or(false)? })
    })?;
    Ok(json!({ "u64": combine(parts).map(digits) }))
}

/// Hosts with their keys and their shares.
struct Hosts<'a> {
    keys: Vec<&'a str>,
    shares: Vec<Option<f64>>,
}

impl<'a> Hosts<'a> {
    fn flat(hosts: Field<'a>) -> Result<Self, String> {
        let (keys, weights): (Vec<_>, Vec<_>) = hosts.each(host)?.into_iter().unzip();
        let shares = flat(&weights).into_iter().map(Some).collect();
        Ok(Self { keys, shares })
    }

    fn by_locality(localities: Field<'a>) -> Result<Self, String> {
        let mut keys = Vec::new();
        let mut weights = Vec::new();
        for locality in localities.list()? {
            let hosts = locality.get("hosts").each_or_none(host)?;
            keys.extend(hosts.iter().map(|&(key, _)| key));
            weights.push((locality.get("weight").f64_or(0.0)?, hosts.into_iter().map(|(_, weight)| weight).collect()));
        }
        Ok(Self { keys, shares: by_locality(&weights) })
    }

    /// Localities whose weights do not count.
    fn of_all(localities: Field<'a>) -> Result<Self, String> {
        let mut all = Vec::new();
        for locality in localities.list()? {
            all.extend(locality.get("hosts").each_or_none(host)?);
        }
        let (keys, weights): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        Ok(Self { keys, shares: flat(&weights).into_iter().map(Some).collect() })
    }

    /// Who has a share, with it.
    fn entries(&self) -> Vec<(BackendId, &'a str, f64)> {
        let share = |(id, (&key, share)): (u32, (&&'a str, &Option<f64>))| share.map(|share| (BackendId(id), key, share));
        (0..).zip(self.keys.iter().zip(&self.shares)).filter_map(share).filter(|&(_, _, share)| share > 0.0).collect()
    }

    fn table(&self, size: u64) -> Table {
        Table::of_keys(size, &self.entries())
    }

    fn name(&self, backend: Option<BackendId>) -> Option<&'a str> {
        backend.map(|backend| self.keys[backend.index()])
    }

    fn count(&self, backends: impl IntoIterator<Item = BackendId>) -> Vec<u64> {
        let mut counts = vec![0; self.keys.len()];
        backends.into_iter().for_each(|backend| counts[backend.index()] += 1);
        counts
    }
}

/// A host's key and weight, or a key alone.
fn host<'a>(of: Field<'a>) -> Result<(&'a str, f64), String> {
    if of.value.is_string() { Ok((of.text()?, 1.0)) } else { Ok((of.get("key").text()?, of.get("weight").f64_or(1.0)?)) }
}

fn dealt(vector: &Vector<'_>, hosts: &Hosts<'_>) -> Result<Dealt, String> {
    let config = vector.config;
    let (least, most) = (config.get("minimum_ring_size").u64_or(1024)?, config.get("maximum_ring_size").u64_or(8_388_608)?);
    let hash: fn(&[u8]) -> u64 = match config.get("hash_function").maybe().map_or(Ok("xx_hash"), Field::text)?.to_lowercase().as_str() {
        "xx_hash" => |name| xxh64(name, 0),
        "murmur_hash_2" | "murmur_hash2" => |name| murmur2_64a(name, STD_HASH_SEED),
        other => return Err(format!("the hash function {other} is unknown")),
    };
    Ok(deal(&hosts.entries(), least, most, hash))
}

fn hosts_of_ring<'a>(vector: &Vector<'a>) -> Result<Hosts<'a>, String> {
    let localities = vector.input.get("localities");
    if vector.config.get("locality_weighted").bool_or(false)? { Hosts::by_locality(localities) } else { Hosts::of_all(localities) }
}

fn ring(vector: &Vector<'_>) -> Result<Value, String> {
    let hosts = hosts_of_ring(vector)?;
    let dealt = dealt(vector, &hosts)?;
    let picks = vector.input.get("queries").each_or_none(|query| Ok(hosts.name(dealt.ring.find(query.u64()?))))?;
    let points = dealt.ring.points().iter().map(|&(at, backend)| json!([digits(at), hosts.keys[backend.index()]]));
    Ok(json!({
        "ring_size": dealt.size, "min_hashes_per_host": dealt.fewest, "max_hashes_per_host": dealt.most,
        "picks": picks, "ring": points.collect::<Vec<_>>(),
    }))
}

fn ring_histogram(vector: &Vector<'_>) -> Result<Value, String> {
    let hosts = hosts_of_ring(vector)?;
    let dealt = dealt(vector, &hosts)?;
    let requests = vector.input.get("requests").u64()?;
    let step = u64::MAX.checked_div(requests).unwrap_or(0);
    let counts = hosts.count((0..requests).filter_map(|request| dealt.ring.find(request.wrapping_mul(step))));
    let by_key: Map<String, Value> = hosts.keys.iter().zip(counts).map(|(key, count)| ((*key).to_owned(), count.into())).collect();
    Ok(json!({
        "ring_size": dealt.size, "min_hashes_per_host": dealt.fewest, "max_hashes_per_host": dealt.most, "counts": by_key,
    }))
}

fn ring_attempts(vector: &Vector<'_>) -> Result<Value, String> {
    let hosts = Hosts::flat(vector.config.get("hosts"))?;
    let dealt = dealt(vector, &hosts)?;
    let place = dealt.ring.place(vector.input.get("hash").u64()?);
    let pick = |attempt: Field<'_>| Ok(hosts.name(place.and_then(|place| dealt.ring.after(place, attempt.usize().unwrap_or(0)))));
    Ok(json!({ "picks": vector.input.get("attempts").each(pick)? }))
}

fn size(vector: &Vector<'_>) -> Result<u64, String> {
    vector.config.get("table_size").u64_or(65_537)
}

fn table_of(hosts: &Hosts<'_>, size: u64) -> Value {
    let table = hosts.table(size);
    let counts = hosts.count(table.slots().iter().copied());
    let counted: Vec<u64> = hosts.entries().iter().map(|(backend, _, _)| counts[backend.index()]).collect();
    let preference = |key: &&str| {
        let preference = Preference::of(key, size, 1.0);
        ((*key).to_owned(), json!([preference.offset, preference.skip]))
    };
    json!({
        "table": table.slots().iter().map(|&backend| hosts.name(Some(backend))).collect::<Vec<_>>(),
        "min_entries_per_host": counted.iter().min(), "max_entries_per_host": counted.iter().max(),
        "offset_skip": hosts.keys.iter().map(preference).collect::<Map<_, _>>(),
    })
}

fn maglev_table(vector: &Vector<'_>) -> Result<Value, String> {
    Ok(table_of(&Hosts::flat(vector.input.get("hosts"))?, size(vector)?))
}

fn maglev_localities(vector: &Vector<'_>) -> Result<Value, String> {
    Ok(table_of(&Hosts::by_locality(vector.input.get("localities"))?, size(vector)?))
}

fn maglev_default_size(vector: &Vector<'_>) -> Result<Value, String> {
    let hosts = Hosts::flat(vector.input.get("hosts"))?;
    let table = hosts.table(size(vector)?);
    let counts = hosts.count(table.slots().iter().copied());
    // Many hosts are summed up in the recording.
    let entries = match vector.expected().get("entries_per_host").value {
        Value::Object(_) => json!({ "min": counts.iter().min(), "max": counts.iter().max() }),
        _ => json!(counts),
    };
    let picks = vector.input.get("hashes").each_or_none(|hash| Ok(hosts.name(table.find(hash.u64()?))))?;
    Ok(json!({ "entries_per_host": entries, "picks": picks }))
}

fn maglev_disruption(vector: &Vector<'_>) -> Result<Value, String> {
    let size = size(vector)?;
    let hosts = Hosts::flat(vector.input.get("hosts"))?;
    let removed = vector.input.get("removed").text()?;
    let keys: Vec<&str> = hosts.keys.iter().copied().filter(|key| *key != removed).collect();
    let fewer = Hosts { shares: flat(&vec![1.0; keys.len()]).into_iter().map(Some).collect(), keys };
    let (before, after) = (hosts.table(size), fewer.table(size));
    let names = |hosts: &Hosts<'_>, table: &Table| table.slots().iter().map(|&of| hosts.keys[of.index()].to_owned()).collect::<Vec<_>>();
    let (before, after) = (names(&hosts, &before), names(&fewer, &after));
    let of_removed = before.iter().filter(|key| *key == removed).count();
    let moved = before.iter().zip(&after).filter(|(before, after)| *before != removed && before != after).count();
    Ok(json!({ "entries_of_removed": of_removed, "other_entries_that_moved": moved }))
}

fn maglev_attempts(vector: &Vector<'_>) -> Result<Value, String> {
    let hosts = Hosts::flat(vector.config.get("hosts"))?;
    let table = hosts.table(size(vector)?);
    let hash = vector.input.get("hash").u64()?;
    let pick = |attempt: Field<'_>| Ok(hosts.name(table.find(retry_hash(hash, attempt.u32()?))));
    Ok(json!({ "picks": vector.input.get("attempts").each(pick)? }))
}

fn bounded_slots(vector: &Vector<'_>) -> Result<Value, String> {
    let total = total_slots(vector.input.get("cluster_rq_active").u64()?, vector.config.get("hash_balance_factor").u64()?);
    Ok(json!({ "total_slots": total, "slots": slots(total, vector.input.get("normalized_weight").f64()?) }))
}

fn bounded_pick(vector: &Vector<'_>) -> Result<Value, String> {
    let input = vector.input;
    let loads = match input.get("overload_factors").maybe() {
        Some(given) => given.each(Field::f64)?,
        None => {
            let total = total_slots(input.get("cluster_rq_active").u64()?, vector.config.get("hash_balance_factor").u64()?);
            let (active, shares) = (input.get("rq_active").each(Field::u64)?, input.get("weights").each(Field::f64)?);
            active.iter().zip(shares).map(|(&active, share)| overload(active, slots(total, share))).collect()
        }
    };
    let (hash, n) = (input.get("hash").u64()?, loads.len() as u32);
    let mut probe = Probe::default();
    let pick = probe.choose(hash, input.get("hash_pick").u32()?, n, |at| loads[at as usize]);
    Ok(json!({ "pick": pick, "probe_order": probe.order(hash, n) }))
}
