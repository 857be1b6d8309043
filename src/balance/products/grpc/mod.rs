//! gRPC: the policies of its channels, as proposals (A6, A42, A48, A58, A68, A113) and the implementations have them.
//!
//! A channel has no priorities to spread over and no panic: it uses who is connected. C++ and Go differ where it is said.

pub mod least_request;
pub mod pick_first;
pub mod random_subsetting;
pub mod ring_hash;
pub mod stride;
pub mod weights;
