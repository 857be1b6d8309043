//! `[health]`: what balancers believe of backends.

use super::{optional, preset, section};
use crate::catalogue::{Entry, Kind};

/// `[health]`.
pub static HEALTH: Entry = section(
    "health",
    "what balancers believe of backends; left out: every backend is believed to be up",
    &[
        preset("panic_below", Kind::Share, "0", "with a smaller share than this believed healthy, all are used again; 0: never"),
        optional(
            "slow_start",
            Kind::OrTable(&Kind::Period, &SLOW_START),
            "for how long the weight of a backend that joins or returns rises; left out: it has its whole weight at once",
        ),
        optional("active", Kind::Table(&ACTIVE), "probes; left out: none"),
        optional("outlier", Kind::Table(&OUTLIER), "ejection by real traffic; left out: none"),
    ],
);

/// `health.slow_start`.
pub static SLOW_START: Entry = section(
    "slow_start",
    "the weight of a backend that joins or returns is multiplied by max(min, (time ÷ window)^(1 ÷ aggression)) until the window is over",
    &[
        optional("window", Kind::Period, "how long"),
        preset("aggression", Kind::Above(0.0, 1000.0), "1.0", "1 is linear; above, it rises fast at first"),
        preset("min", Kind::Share, "10%", "the least factor"),
    ],
);

/// `health.active`.
pub static ACTIVE: Entry = section(
    "active",
    "each balancer instance probes each backend",
    &[
        preset("interval", Kind::Period, "5s", "from one probe to the next; the first comes anywhere in the first interval"),
        optional(
            "fast_interval",
            Kind::Period,
            "the same while some probes have failed or passed, but not enough to change the verdict; left out: interval",
        ),
        preset("jitter", Kind::Share, "0", "a share of the interval that is added at random"),
        preset("timeout", Kind::Period, "1s", "no answer after this is a failure"),
        preset("takes", Kind::Dist, "0s", "what a probe takes at the backend, beside the network and the queue"),
        preset("unhealthy_after", Kind::Whole(1, 1_000_000), "3", "failures in a row until it gets nothing"),
        preset("healthy_after", Kind::Whole(1, 1_000_000), "2", "passes in a row until it is used again"),
    ],
);

/// `health.outlier`.
pub static OUTLIER: Entry = section(
    "outlier",
    "backends that real traffic shows to be worse than others get nothing for a while",
    &[
        preset("rules", Kind::Choice(&["envoy", "grpc"]), "envoy", "whose rules, where products differ"),
        optional("consecutive_errors", Kind::Whole(1, u32::MAX as u64), "so many failures in a row; left out, and no other rule given: 5"),
        optional("success_rate", Kind::Table(&SUCCESS_RATE), "a success rate far below that of the others"),
        optional("failure_percentage", Kind::Table(&FAILURE_PERCENTAGE), "too great a share of failures"),
        preset("interval", Kind::Period, "10s", "how often rates are judged and ejections end"),
        preset("ejection", Kind::Period, "30s", "the first ejection; each is longer by as much"),
        preset("max_ejection", Kind::Period, "300s", "the longest ejection"),
        preset("max_ejected", Kind::Share, "10%", "the share that may be out at once"),
        preset("always_one", Kind::Bool, "false", "one may be out whatever the share"),
    ],
);

/// `outlier.success_rate`.
pub static SUCCESS_RATE: Entry = section(
    "success_rate",
    "a success rate so many standard deviations below the mean of all",
    &[
        preset("deviations", Kind::Number(0.0, 1000.0), "1.9", "how many"),
        preset("min_backends", Kind::Whole(1, u32::MAX as u64), "5", "judged with at least so many backends"),
        preset("min_requests", Kind::Whole(1, u32::MAX as u64), "100", "of at least so many requests each in the interval"),
    ],
);

/// `outlier.failure_percentage`.
pub static FAILURE_PERCENTAGE: Entry = section(
    "failure_percentage",
    "too great a share of failures",
    &[
        preset("above", Kind::Share, "85%", "from this share on (rules = \"grpc\": above it)"),
        preset("min_backends", Kind::Whole(1, u32::MAX as u64), "5", "judged with at least so many backends"),
        preset("min_requests", Kind::Whole(1, u32::MAX as u64), "50", "of at least so many requests each in the interval"),
    ],
);
