//! `[[expect]]`: rules for `evenkeel gate`.

use super::{optional, preset, section};
use crate::catalogue::{Entry, Kind};

/// `[[expect]]`.
pub static EXPECT: Entry = section(
    "expect",
    "a rule that `evenkeel gate` judges",
    &[
        optional(
            "rule",
            Kind::Text,
            "METRIC OP VALUE, such as \"latency.p99 < 250ms\" or \"success_rate >= 99.9%\"; OP is <, <=, > or >=; VALUE has the metric's unit. A count with a percent sign is a share of the offered requests. With `than` or `than_variant` VALUE is a percentage of the other's",
        ),
        optional("balancer", Kind::Name, "whom it is about; left out: every balancer"),
        optional("variant", Kind::Name, "in which variant; left out: in every one"),
        optional("than", Kind::Name, "relative to this balancer on the same requests"),
        optional("than_variant", Kind::Name, "relative to this variant on the same requests"),
        optional("service", Kind::Name, "only requests and calls to this service"),
        optional("class", Kind::Name, "only requests of this class"),
        optional("during", Kind::Name, "only requests that arrive while this fault is on"),
        optional("after", Kind::Name, "only requests that arrive after this fault, until it comes again"),
        preset(
            "when_empty",
            Kind::Choice(&["fail", "pass"]),
            "fail",
            "what there is nothing to measure for: fail: the rule does not hold; pass: it is left out",
        ),
    ],
);
