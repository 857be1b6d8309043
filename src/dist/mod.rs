//! Distributions of durations, as written; sampling is in `sampler`.

/// A distribution of lengths of time; every number in nanoseconds (shapes without unit).
///
/// Constructors check nothing: the scenario decoder has, and says where in the file a value is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// `constant value`.
    Constant(f64),
    /// `uniform min max`.
    Uniform {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// `exponential mean`.
    Exponential {
        /// The mean, above zero.
        mean: f64,
    },
    /// `erlang k mean`: the sum of `k` exponentials.
    Erlang {
        /// How many stages.
        k: u32,
        /// The mean of the sum.
        mean: f64,
    },
    /// `gamma mean cv`.
    Gamma {
        /// The mean.
        mean: f64,
        /// The coefficient of variation, above zero.
        cv: f64,
    },
    /// `hyperexponential`: an exponential chosen by share (`mean cv` means balanced means).
    Hyperexponential {
        /// Share and mean of each; the shares add up to 1.
        parts: Vec<(f64, f64)>,
    },
    /// `lognormal`: exp of a normal.
    Lognormal {
        /// The mean of the logarithm (of nanoseconds).
        mu: f64,
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
    /// `normal mean stddev`, cut at 0 (a negative draw counts as 0).
    Normal {
        /// The mean before the cut.
        mean: f64,
        /// The standard deviation before the cut.
        stddev: f64,
    },
    /// `pareto alpha min` with an optional `max` (bounded: conditioned on being below it).
    Pareto {
        /// The tail's exponent, above zero.
        alpha: f64,
        /// The least.
        min: f64,
        /// The bound.
        max: Option<f64>,
    },
    /// `weibull shape mean`.
    Weibull {
        /// The shape, above zero.
        shape: f64,
        /// The mean.
        mean: f64,
    },
    /// `mixture`: a distribution chosen by share; the shares add up to 1.
    Mixture(Vec<(f64, Dist)>),
    /// `empirical quantiles`: pairs of probability and value, ascending from 0 to 1, straight in between.
    Empirical(Vec<(f64, f64)>),
}

mod exponential;
pub mod math;
mod sampler;
pub use sampler::Sampler;
pub(crate) mod portable;
