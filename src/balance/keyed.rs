//! What a hash balancer hashes of a request: its key or its client, as one 64-bit number.

use super::{Ctx, Digits, Request};
use crate::balance::hash::xxh64;
use crate::catalogue::{Kind, Parameter, Values};

/// The parameter that says what is hashed.
pub(super) const BY: Parameter =
    Parameter::with_default("by", Kind::Choice(&["key", "client"]), "key", "what is hashed: the request's key, or its client's address");

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Key,
    Client,
}

impl By {
    pub(super) fn of(values: &Values) -> Self {
        if values.text("by") == "client" { Self::Client } else { Self::Key }
    }

    /// The xxHash64 of its text; a request without a key has any.
    #[inline]
    pub(super) fn hash(self, request: &Request<'_>, ctx: &mut Ctx<'_>) -> u64 {
        match self {
            Self::Key => request.key(&mut Digits::default()).map_or_else(|| ctx.chance.bits(), |key| xxh64(key, 0)),
            Self::Client => client(request),
        }
    }
}

/// The hash of a client: of its address' bytes, so that nothing is written out; of its name where it has no address.
fn client(request: &Request<'_>) -> u64 {
    match request.client_ip() {
        Some(std::net::IpAddr::V4(address)) => xxh64(&address.octets(), 0),
        Some(std::net::IpAddr::V6(address)) => xxh64(&address.octets(), 0),
        None => xxh64(request.client(&mut String::new()).as_bytes(), 0),
    }
}
