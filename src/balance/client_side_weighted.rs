//! Client-side weights: turns in proportion to what backends say they can carry.
//!
//! **Rule.** A backend's answers carry how much it serves and how busy that makes it. Weight = requests per second ÷ (utilisation + errors per request), what it would
//! serve if it were fully used; who has said nothing counts as the mean. Every update period the weights go into a [static stride](super::stride). **Cost.**
//! O(mean ÷ heaviest weight) steps per pick. **Who ships it.** gRPC and Envoy, by rules of their own. **Where it shines.** Backends of different speeds
//! that nobody measured. **Where it fails.** Weights are not loads: it follows in seconds, not in milliseconds, and utilisation that does not
//! grow with requests misleads it.

use super::products::grpc::Weighted;
use super::{Law, Listed};
use crate::catalogue::{Entry, Kind, Parameter};

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "client-side-weighted",
        summary: "each in turn, in proportion to requests a second ÷ utilisation as reported",
        text: "Weight = requests per second ÷ (utilisation + errors per request) of a backend's last report; who has said nothing counts as the mean. Every update period the weights \
               go into a static stride. Without reports it goes round. O(mean ÷ heaviest weight) steps per pick.",
        parameters: &[
            Parameter::with_default("blackout_period", Kind::Span, "10s", "reports count only after this: first ones mislead"),
            Parameter::with_default("weight_expiration_period", Kind::Span, "3m", "a report older than this does not count"),
            Parameter::with_default("weight_update_period", Kind::Period, "1s", "how often weights are taken over"),
            Parameter::with_default("error_utilization_penalty", Kind::Number(0.0, 1e6), "1", "how much an error counts as utilisation"),
        ],
        reference: "gRPC A58",
    },
    |values| Box::new(Weighted::new(values)),
)
.breaks(&[
    (Law::AnswersAtOnce, "requests wait while nobody is connected and somebody is being connected to"),
    (Law::ZeroWeight, "weights are what backends report, not what is configured"),
    (Law::Weights, "weights are what backends report, not what is configured"),
]);
