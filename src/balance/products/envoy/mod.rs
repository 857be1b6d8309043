//! Envoy: priorities and panic, localities, and the policies that choose within them.
//!
//! A pick goes through levels: which priority, by how much of each is healthy ([`priority`]); which zone or locality of it ([`zone`],
//! [`locality`]); which backend, by the policy. Rules as of `source/extensions/load_balancing_policies` in 2025.

pub mod bounded_load;
pub mod client_side_weights;
pub mod cost;
pub mod least_request;
pub mod locality;
pub mod normalized;
pub mod priority;
pub mod random;
pub mod ring;
pub mod schedule;
pub mod slow_start;
pub mod subset;
pub mod zone;
