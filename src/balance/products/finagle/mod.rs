//! Finagle: power of two choices over node statuses, loads and apertures.

pub mod aperture;
pub mod deterministic_aperture;
pub mod ema;
pub mod p2c;
pub mod peak_ewma;
