//! Laws, acceptance and agreement with theory: one binary, so that it links once.

mod architecture;
mod bad_input;
mod blessed;
mod cli;
mod determinism;
mod pages;
mod readme;
mod svg;
