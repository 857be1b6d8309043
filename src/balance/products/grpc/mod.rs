//! gRPC: the policies of its channels, as proposals (A6, A42, A48, A58, A68, A113) and the implementations have them.
//!
//! A channel has no priorities to spread over and no panic: it uses who is connected. C++ and Go differ where it is said.

pub mod least_request;
mod listed;
pub mod pick_first;
mod picked_first;
pub mod random_subsetting;
pub mod ring_hash;
mod ringed;
pub mod stride;
mod turns;
mod weighted;
pub mod weights;

pub(in crate::balance) use listed::LISTED;
pub(in crate::balance) use weighted::Weighted;
