//! A double whose mathematics is `libm`'s, so that `rand_distr`'s generic distributions become portable.
//!
//! rand_distr takes its functions from `num_traits::Float`, which silently means the platform's library as soon as any crate in
//! the tree turns on `num-traits/std`; its Exp1 and StandardNormal use the platform's `ln` in their tails whatever is turned on.
//! Sampling `Gamma<Portable>` and `Zipf<Portable>` instead takes every function from here. The three helper distributions that they
//! need are drawn by inversion.

use super::math::{neg_ln, normal_quantile};
use crate::random::unit;
use num_traits::{Float, Num, NumCast, One, ToPrimitive, Zero};
use rand::Rng;
use rand::distr::{Distribution, Open01, StandardUniform};
use rand_distr::{Exp1, StandardNormal};
use std::num::FpCategory;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

/// A double that computes with `libm`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Portable(pub(crate) f64);

impl Distribution<Portable> for StandardUniform {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Portable {
        Portable(unit(rng.next_u64()))
    }
}

impl Distribution<Portable> for Open01 {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Portable {
        Portable(unit(rng.next_u64()))
    }
}

impl Distribution<Portable> for Exp1 {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Portable {
        Portable(neg_ln(unit(rng.next_u64())))
    }
}

impl Distribution<Portable> for StandardNormal {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Portable {
        Portable(normal_quantile(unit(rng.next_u64())))
    }
}

macro_rules! operators {
    ($($operator:ident $name:ident),*) => {
        $(impl $operator for Portable {
            type Output = Self;
            fn $name(self, other: Self) -> Self {
                Self(self.0.$name(other.0))
            }
        })*
    };
}
operators!(Add add, Sub sub, Mul mul, Div div, Rem rem);

impl Neg for Portable {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Zero for Portable {
    fn zero() -> Self {
        Self(0.0)
    }
    fn is_zero(&self) -> bool {
        self.0 == 0.0
    }
}

impl One for Portable {
    fn one() -> Self {
        Self(1.0)
    }
}

impl Num for Portable {
    type FromStrRadixErr = num_traits::ParseFloatError;
    fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
        f64::from_str_radix(text, radix).map(Self)
    }
}

impl ToPrimitive for Portable {
    fn to_i64(&self) -> Option<i64> {
        self.0.to_i64()
    }
    fn to_u64(&self) -> Option<u64> {
        self.0.to_u64()
    }
    fn to_f64(&self) -> Option<f64> {
        Some(self.0)
    }
}

impl NumCast for Portable {
    fn from<T: ToPrimitive>(value: T) -> Option<Self> {
        value.to_f64().map(Self)
    }
}

macro_rules! constants {
    ($($name:ident $value:expr),*) => { $(fn $name() -> Self { Self($value) })* };
}
macro_rules! questions {
    ($($name:ident),*) => { $(fn $name(self) -> bool { self.0.$name() })* };
}
macro_rules! exact {
    ($($name:ident),*) => { $(fn $name(self) -> Self { Self(self.0.$name()) })* };
}
macro_rules! through_libm {
    ($($name:ident $function:ident),*) => { $(fn $name(self) -> Self { Self(libm::$function(self.0)) })* };
}
macro_rules! through_libm_of_two {
    ($($name:ident $function:ident),*) => { $(fn $name(self, other: Self) -> Self { Self(libm::$function(self.0, other.0)) })* };
}

impl Float for Portable {
    constants!(nan f64::NAN, infinity f64::INFINITY, neg_infinity f64::NEG_INFINITY, neg_zero -0.0,
               min_value f64::MIN, min_positive_value f64::MIN_POSITIVE, max_value f64::MAX);
    questions!(is_nan, is_infinite, is_finite, is_normal, is_sign_positive, is_sign_negative);
    exact!(abs, signum, recip);
    through_libm!(floor floor, ceil ceil, round round, trunc trunc, sqrt sqrt, cbrt cbrt, exp exp, exp2 exp2, exp_m1 expm1, ln log, ln_1p log1p,
                  log2 log2, log10 log10, sin sin, cos cos, tan tan, asin asin, acos acos, atan atan, sinh sinh, cosh cosh, tanh tanh,
                  asinh asinh, acosh acosh, atanh atanh);
    through_libm_of_two!(powf pow, hypot hypot, atan2 atan2, max fmax, min fmin, abs_sub fdim);
    fn classify(self) -> FpCategory {
        self.0.classify()
    }
    fn fract(self) -> Self {
        self - self.trunc()
    }
    fn mul_add(self, a: Self, b: Self) -> Self {
        self * a + b
    }
    fn powi(self, n: i32) -> Self {
        self.powf(Self(<f64 as From<i32>>::from(n)))
    }
    fn log(self, base: Self) -> Self {
        self.ln() / base.ln()
    }
    fn sin_cos(self) -> (Self, Self) {
        (self.sin(), self.cos())
    }
    fn integer_decode(self) -> (u64, i16, i8) {
        self.0.integer_decode()
    }
}
