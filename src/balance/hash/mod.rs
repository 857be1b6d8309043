//! Hash functions as products use them: one a file, each exact to the bit, none of them for security.
//!
//! A key's backend is a function of these bits, so a cache stays warm across proxies only where all of them hash alike. That is why each
//! product's own function is here, whatever one may think of its quality.

mod combine;
mod mt19937;
mod murmur2;

pub use combine::{Part, combine};
pub use mt19937::Mt19937;
pub use murmur2::{STD_HASH_SEED, murmur2_64a};
/// XXH64: what Envoy, gRPC and newer Caddys hash with, and what [`super::ring_hash`] does.
pub use xxhash_rust::xxh64::xxh64;

mod avalanche;
mod djb2;
mod fnv;
mod golden;
mod md5;
mod sdbm;
mod siphash;
mod wt6;

pub use avalanche::avalanche;
pub use crc32fast::hash as crc32;
pub use djb2::djb2;
pub use fnv::{fnv1_32, fnv1_64, fnv1a_32, fnv1a_64};
pub use golden::hash_32;
pub use md5::md5;
pub use sdbm::sdbm;
pub use siphash::{hsiphash_u32, siphash_1_3};
pub use wt6::wt6;
