//! Hash functions as products use them: one a file, each exact to the bit, none of them for security.
//!
//! A key's backend is a function of these bits, so a cache stays warm across proxies only where all of them hash alike. That is why each
//! product's own function is here, whatever one may think of its quality.

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
/// XXH64: what Caddy hashes with since 2.8.
pub use xxhash_rust::xxh64::xxh64;
