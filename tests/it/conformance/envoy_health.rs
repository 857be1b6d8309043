//! Handlers.

use super::Handler;

pub(super) fn handler(policy: &str, form: &str) -> Option<Handler> {
    let _ = (policy, form);
    None
}
