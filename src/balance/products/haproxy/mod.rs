//! HAProxy.
use crate::balance::Listed;
pub(in crate::balance) const LISTED: &[&Listed] = &[];
