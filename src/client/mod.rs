//! What a caller does about slow and failed attempts, to protect itself and others: timeouts, retries and their budgets, hedging, breakers.
//!
//! [`Caller`] is what a scenario says under `[client]`. Beside it, rules of products as plain values: time and chance are arguments, nothing
//! here has a clock or knows a balancer.

pub mod breaker;
pub mod budget;
mod rules;

pub use rules::{Backoff, Budget, Caller, Conditions, Hedge, HedgeAfter, Jitter, Limits, Retry, Throttling};
