//! What a caller does to protect itself and others: budgets for retries, breakers, and the ejection of backends that fail.
//!
//! Rules of products as plain values: time and chance are arguments, nothing here has a clock or knows a balancer.

pub mod breaker;
pub mod budget;
pub mod ejection;
pub mod outlier;
