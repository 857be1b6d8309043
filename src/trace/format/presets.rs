//! Tables that are known by name: which of their columns hold what.

use super::columns::{Meaning, Role};
use crate::trace::stamp::Unit;

/// A column of a known table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) role: Role,
    /// Its name in the header, or its number where there is none.
    pub(crate) name: &'static str,
    /// Whether all versions of the table have it.
    pub(crate) needed: bool,
}

/// Looks at a column before all others: `Some` says why the row is no request.
pub(crate) type Guard = fn(&[u8]) -> Option<&'static str>;

/// A table that is known by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) has_header: bool,
    pub(crate) columns: &'static [Known],
    pub(crate) meaning: Meaning,
    pub(crate) guard: Option<(&'static str, Guard)>,
}

const fn needed(role: Role, name: &'static str) -> Known {
    Known { role, name, needed: true }
}

const fn maybe(role: Role, name: &'static str) -> Known {
    Known { role, name, needed: false }
}

const fn units(time: Option<Unit>, span: Unit, ends: bool) -> Meaning {
    Meaning { time, span: Some(span), ends }
}

/// The known tables, the more special before the more general.
pub(crate) const PRESETS: [Preset; 9] = [
    // Azure LLM inference 2023 and 2024, and LMM 2025, which has NumImages besides. Stamps are dates of 100 ns without a zone.
    Preset {
        name: "azure-llm",
        has_header: true,
        columns: &[needed(Role::Time, "TIMESTAMP"), needed(Role::Input, "ContextTokens"), needed(Role::Output, "GeneratedTokens")],
        meaning: units(None, Unit::Seconds, false),
        guard: None,
    },
    // Azure Functions 2021: seconds of the trace; the stamp is the end.
    Preset {
        name: "azure-functions-2021",
        has_header: true,
        columns: &[
            needed(Role::Time, "end_timestamp"),
            needed(Role::Work, "duration"),
            needed(Role::Class, "app"),
            needed(Role::Key, "func"),
        ],
        meaning: units(Some(Unit::Seconds), Unit::Seconds, true),
        guard: None,
    },
    // BurstGPT: old files have neither session nor elapsed time.
    Preset {
        name: "burstgpt",
        has_header: true,
        columns: &[
            needed(Role::Time, "Timestamp"),
            needed(Role::Input, "Request tokens"),
            needed(Role::Output, "Response tokens"),
            maybe(Role::Class, "Model"),
            maybe(Role::Key, "Session ID"),
            maybe(Role::Client, "Session ID"),
            maybe(Role::Duration, "Elapsed time"),
        ],
        meaning: units(Some(Unit::Seconds), Unit::Seconds, false),
        guard: None,
    },
    // k6: a row for each metric of a request. The sample's time is its end; http_req_duration leaves out connecting and waiting for a
    // connection. http_req_waiting is a row of its own, which nothing safely ties to its request, so there is no service time.
    Preset {
        name: "k6-csv",
        has_header: true,
        columns: &[
            needed(Role::Time, "timestamp"),
            needed(Role::Duration, "metric_value"),
            maybe(Role::Key, "url"),
            maybe(Role::Class, "scenario"),
            maybe(Role::Status, "status"),
        ],
        meaning: units(None, Unit::Milliseconds, true),
        guard: Some(("metric_name", of_k6)),
    },
    // Alibaba's generative AI trace of 2026: dates without a zone.
    Preset {
        name: "alibaba-genai",
        has_header: true,
        columns: &[
            needed(Role::Time, "gmt_create"),
            needed(Role::Work, "exec_time_seconds"),
            maybe(Role::Status, "predict_status"),
            maybe(Role::Key, "groupId"),
            maybe(Role::Class, "checkpoint_model_version_id"),
            maybe(Role::Input, "prompt_length"),
        ],
        meaning: units(None, Unit::Seconds, false),
        guard: None,
    },
    // Alibaba microservices 2022: the one that says which instance was chosen.
    Preset {
        name: "alibaba-microservices-2022",
        has_header: true,
        columns: &[
            needed(Role::Time, "timestamp"),
            needed(Role::Duration, "rt"),
            needed(Role::Backend, "dminstanceid"),
            needed(Role::Class, "dm"),
            maybe(Role::Client, "uminstanceid"),
            maybe(Role::Key, "interface"),
        ],
        meaning: units(Some(Unit::Milliseconds), Unit::Milliseconds, false),
        guard: Some(("rt", of_caller)),
    },
    // Alibaba microservices 2021. Remote calls stand in it twice: with a positive time by the caller, a negative one by the callee.
    Preset {
        name: "alibaba-microservices-2021",
        has_header: true,
        columns: &[
            needed(Role::Time, "timestamp"),
            needed(Role::Duration, "rt"),
            needed(Role::Class, "dm"),
            maybe(Role::Client, "um"),
            maybe(Role::Key, "interface"),
        ],
        meaning: units(Some(Unit::Milliseconds), Unit::Milliseconds, false),
        guard: Some(("rt", of_caller)),
    },
    // vegeta encode --to csv: stamp, status, latency, bytes out, bytes in, error, body, attack, number, method, URL, headers.
    Preset {
        name: "vegeta-csv",
        has_header: false,
        columns: &[
            needed(Role::Time, "1"),
            needed(Role::Status, "2"),
            needed(Role::Duration, "3"),
            needed(Role::Bytes, "5"),
            needed(Role::Class, "8"),
            needed(Role::Key, "11"),
        ],
        meaning: units(Some(Unit::Nanoseconds), Unit::Nanoseconds, false),
        guard: None,
    },
    // Twitter cache: stamp in seconds, key, its size, the value's size, client, operation, time to live.
    Preset {
        name: "twitter-cache",
        has_header: false,
        columns: &[
            needed(Role::Time, "1"),
            needed(Role::Key, "2"),
            needed(Role::Bytes, "4"),
            needed(Role::Client, "5"),
            needed(Role::Class, "6"),
        ],
        meaning: units(Some(Unit::Seconds), Unit::Seconds, false),
        guard: None,
    },
];

fn of_k6(metric: &[u8]) -> Option<&'static str> {
    (metric != b"http_req_duration").then_some("another metric of k6")
}

fn of_caller(time: &[u8]) -> Option<&'static str> {
    time.starts_with(b"-").then_some("a call as its callee logged it, which the caller logged too")
}

/// Finds a table by its name.
pub(crate) fn by_name(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The names of all known tables.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

/// Which known table a file is, by its first bytes.
#[must_use]
pub fn recognise(head: &[u8]) -> Option<&'static str> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let line = head.split(|&byte| byte == b'\n').next()?.trim_ascii_end();
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b',').take(100).map(<[u8]>::trim_ascii).collect();
    let found = PRESETS.iter().find(|preset| match preset.name {
        "vegeta-csv" => is_vegeta(&fields),
        "twitter-cache" => is_twitter(&fields),
        _ => {
            let needed = preset.columns.iter().filter(|column| column.needed).map(|column| column.name);
            needed.chain(preset.guard.map(|(name, _)| name)).all(|name| fields.contains(&name.as_bytes()))
        }
    });
    found.map(|preset| preset.name)
}

fn is_vegeta(fields: &[&[u8]]) -> bool {
    let number = |index: usize| fields.get(index).is_some_and(|field| !field.is_empty() && field.iter().all(u8::is_ascii_digit));
    fields.len() >= 12 && number(0) && fields[0].len() == 19 && (1..5).all(number) && number(8)
}

fn is_twitter(fields: &[&[u8]]) -> bool {
    const OPERATIONS: [&[u8]; 12] =
        [b"get", b"gets", b"set", b"add", b"replace", b"append", b"prepend", b"cas", b"delete", b"incr", b"decr", b"touch"];
    fields.len() == 7 && OPERATIONS.contains(&fields[5]) && [0, 2, 3, 6].iter().all(|&at| fields[at].iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_known_by_their_first_line() {
        for (head, name) in [
            ("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-1", Some("azure-llm")),
            ("\u{feff}TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\r\n", Some("azure-llm")),
            ("app,func,end_timestamp,duration\n", Some("azure-functions-2021")),
            ("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n", Some("burstgpt")),
            ("metric_name,timestamp,metric_value,check,error\n", Some("k6-csv")),
            ("timestamp,traceid,service,rpc_id,um,uminstanceid,rpctype,interface,dm,dminstanceid,rt\n", Some("alibaba-microservices-2022")),
            (",timestamp,traceid,rpcid,um,rpctype,interface,dm,rt\n", Some("alibaba-microservices-2021")),
            ("gmt_create,predict_type,predict_status,exec_time_seconds,groupId\n", Some("alibaba-genai")),
            ("1453136958000000000,200,1500000,0,13,,aGVsbG8=,attack,0,GET,http://a/,\n", Some("vegeta-csv")),
            ("0,a,13,7,3,get,0\n", Some("twitter-cache")),
            ("time,work\n1,2\n", None),
            ("", None),
        ] {
            assert_eq!(recognise(head.as_bytes()), name, "{head}");
        }
    }

    #[test]
    fn every_name_finds_its_table() {
        assert!(names().all(|name| by_name(name).is_some_and(|preset| preset.name == name)));
        for preset in PRESETS {
            assert!(preset.columns.iter().any(|column| column.role == Role::Time && column.needed), "{}", preset.name);
        }
    }
}
