//! `[[service]]`: several services that call each other.

use super::client::CLIENT;
use super::{BACKENDS, optional, preset, section};
use crate::catalogue::{Entry, Kind};

/// `[[service]]`.
pub static SERVICE: Entry = section(
    "service",
    "backends of their own, and whom they call",
    &[
        optional("name", Kind::Name, "how calls, traffic and reports call it"),
        optional("backends", Kind::Tables(&BACKENDS), "its groups of backends, at least one; their names differ over all services"),
        optional(
            "work",
            Kind::Dist,
            "how long a request to it is served at speed 1.0; left out only where nobody calls it and its traffic has work",
        ),
        optional("calls", Kind::Tables(&CALL), "whom it calls for each request, in order; in a circle is refused"),
        preset("holds_worker", Kind::Bool, "true", "the worker waits for the calls; false: it is free meanwhile"),
        optional("balancer", Kind::Balancer, "of the callers of this service; left out: the compared ones"),
        preset(
            "via",
            Kind::Choice(&["callers", "proxy"]),
            "callers",
            "who balances for other services' backends: each of them by itself, or `tier.instances` shared ones",
        ),
        optional("client", Kind::Table(&CLIENT), "how its callers behave, instead of [client] as a whole; left out: [client]"),
    ],
);

/// `service.calls`.
pub static CALL: Entry = section(
    "calls",
    "a call to another service",
    &[
        optional("to", Kind::Name, "the service"),
        preset("share", Kind::Share, "1", "of the requests that make it"),
        preset("count", Kind::Whole(1, 10_000), "1", "how many"),
        preset("parallel", Kind::Bool, "false", "at once, together with its neighbours that are so too; else one after another"),
    ],
);
