//! Handlers.

use super::Handler;

pub(super) fn handler(system: &str, policy: &str, form: &str) -> Option<Handler> {
    let _ = (system, policy, form);
    None
}
