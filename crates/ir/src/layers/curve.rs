//! The functions behind the tables: in double precision, and step by step as hls4ml rounds them.

use super::function::Curve;
use super::table::{IndexRule, Table, cast_number};
use crate::fixed::{FixedType, Rounding, Value};

/// SELU's factors, lambda and alpha.
const SELU: (f64, f64) = (1.050_700_987_355_480_5, 1.673_263_242_354_377_2);

impl Curve {
    /// Whether the function is a straight line for x >= 0, where it needs no table.
    pub fn is_line_from_zero(&self) -> bool {
        matches!(self, Self::Elu { .. } | Self::Selu)
    }

    /// The slope of that line, 1 or SELU's lambda, rounded to `fraction_bits` (fewer than 32).
    pub(super) fn slope_from_zero(&self, fraction_bits: i32) -> Value {
        match self {
            Self::Selu => {
                let steps = f64::from(1u32 << fraction_bits);
                Value { mantissa: (SELU.0 * steps).round() as i128, fraction_bits }
            }
            _ => Value { mantissa: 1, fraction_bits: 0 },
        }
    }

    /// The same as hls4ml holds it, truncated to 15 bits after the point.
    pub(super) fn hls4ml_slope_from_zero(&self) -> Value {
        match self {
            Self::Selu => Value { mantissa: 34429, fraction_bits: 15 },
            _ => Value { mantissa: 1, fraction_bits: 0 },
        }
    }

    /// The function in double precision; for ELU and SELU the part for x < 0. The author's own
    /// table has no other value than its entries, and is 0 here.
    pub(super) fn real(&self, x: f64) -> f64 {
        match self {
            Self::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Self::Tanh => libm::tanh(x),
            // The exponential is of a number that is not positive, so that it cannot overflow.
            Self::Softplus => x.max(0.0) + libm::log1p(libm::exp(-x.abs())),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Elu { alpha } => alpha.to_f64() * libm::expm1(x),
            Self::Selu => SELU.0 * SELU.1 * libm::expm1(x),
            Self::Given { .. } => 0.0,
        }
    }

    /// The largest magnitude of the derivative of [`Curve::real`] (for ELU and SELU at x < 0).
    pub(super) fn steepest_slope(&self) -> f64 {
        match self {
            Self::Sigmoid => 0.25,
            Self::Tanh | Self::Softplus | Self::Softsign => 1.0,
            Self::Elu { alpha } => alpha.to_f64().abs(),
            Self::Selu => SELU.0 * SELU.1,
            Self::Given { .. } => 0.0,
        }
    }

    /// hls4ml's entry for u, with its roundings to single precision.
    fn hls4ml(&self, u: f32) -> f64 {
        let single = |number: f64| number as f32;
        let exp = |x: f32| single(libm::exp(f64::from(x)));
        let entry = match self {
            Self::Sigmoid => single(1.0 / f64::from(1.0 + exp(-u))),
            Self::Tanh => single(libm::tanh(f64::from(u))),
            Self::Softplus => single(libm::log(f64::from(exp(u)) + 1.0)),
            Self::Softsign => single(f64::from(u) / (f64::from(u.abs()) + 1.0)),
            Self::Elu { .. } => single(f64::from(exp(u)) - 1.0),
            Self::Selu => single(SELU.0 * (SELU.1 * (f64::from(exp(u)) - 1.0))),
            Self::Given { .. } => 0.0,
        };
        f64::from(entry)
    }
}

/// hls4ml's table of `size` entries: over [-8, 8), for tanh over [-4, 4), and for ELU and SELU over
/// (-8, 0], from 0 downwards.
pub(super) fn fixed_table(curve: &Curve, size: usize, ty: FixedType) -> Table {
    let downwards = curve.is_line_from_zero();
    let log2_span = if downwards || *curve == Curve::Tanh { 3 } else { 4 };
    let span = f64::from(1 << log2_span);
    let n = size as f64;
    let entry = |index: usize| {
        let steps = if downwards { -(index as f64) } else { index as f64 - n / 2.0 };
        cast_number(ty, curve.hls4ml((span * steps / n) as f32))
    };
    let scale = Value { mantissa: size as i128, fraction_bits: log2_span };
    let index = if downwards {
        let scale = Value { mantissa: -scale.mantissa, ..scale };
        IndexRule { origin: Value::ZERO, scale, rounding: Rounding::Trn, offset: 0 }
    } else {
        let offset = (size / 2) as i128;
        IndexRule { origin: Value::ZERO, scale, rounding: Rounding::TrnZero, offset }
    };
    let entries = (0..size).map(entry).collect();
    Table { entries, fraction_bits: ty.fraction_bits(), index }
}
