//! Finagle: power of two choices over node statuses, loads and apertures.

pub mod aperture;
pub mod deterministic_aperture;
pub mod ema;
mod heap;
mod listed;
mod opened;
pub mod p2c;
pub mod peak_ewma;

pub(in crate::balance) use listed::LISTED;
