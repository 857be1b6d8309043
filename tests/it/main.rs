//! Laws, acceptance and agreement with theory: one binary, so that it links once.

mod bad_input;
mod cli;
mod determinism;
