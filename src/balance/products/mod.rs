//! What products ship, by their own rules: one folder or file a product.
//!
//! The general policies beside this folder are what a paper or a textbook says. Here is what a product really does: how it hashes, breaks
//! ties, counts and starts. Each rule is a function or a type of plain values, held to recorded behaviour by the vectors of
//! `tests/data/vectors`, and each policy of the catalogue is made of these.

pub mod brpc;
pub mod caddy;
pub mod dubbo;
pub mod envoy;
pub mod finagle;
pub mod grpc;
pub mod haproxy;
pub mod ipvs;
pub mod kube_proxy;
pub mod linkerd;
pub mod micro;
pub mod nginx;
pub mod pingora;
mod plain;
pub mod registries;
pub mod remembered;
pub mod ribbon;
pub mod tower;
pub mod traefik;

use super::Listed;

/// The balancers of products with one each.
pub(super) const MESHES: &[&Listed] = &[&linkerd::LISTED, &tower::LISTED, &super::c3::ELASTICSEARCH];

/// A weight as products take it that know only whole ones: rounded, at least 1 while it is above zero.
#[must_use]
pub(crate) fn whole(weight: f64) -> u32 {
    if weight > 0.0 { weight.round().clamp(1.0, f64::from(u32::MAX)) as u32 } else { 0 }
}

/// The greatest common divisor; of 0 and a number, that number.
pub(crate) fn gcd<T: Copy + Default + PartialEq + std::ops::Rem<Output = T>>(a: T, b: T) -> T {
    if b == T::default() { a } else { gcd(b, a % b) }
}
