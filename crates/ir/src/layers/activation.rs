//! Activations whose pieces are straight lines: no table, exact before the cast.

use super::kernel::{ExactRange, exact_sum};
use super::pool::aligned;
use super::{ResultType, bounded, result_tensor};
use crate::constant::Constant;
use crate::error::Problem;
use crate::fixed::Value;
use crate::range::Range;
use crate::tensor::{Shape, TensorType, broadcast_indices, broadcasts};

/// y = result( x ) where x > 0, else result( alpha * x ), the product exact: leaky and
/// parametric ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct LeakyRelu {
    /// The slope for negative x: of no axis (one for all), or of shape that broadcasts to that of
    /// the input (aligned at the last axis, extents of 1 serving every index).
    pub alpha: Constant,
    /// The type of the result.
    pub result: ResultType,
}

/// y = result( min(high, max(low, slope * x + shift)) ), exact before the cast.
#[derive(Clone, Debug, PartialEq)]
pub struct Clamp {
    /// Which activation it is.
    pub kind: ClampKind,
    /// The type of the result.
    pub result: ResultType,
}

/// The straight line of a [`Clamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClampKind {
    /// `relu` with a maximum: between 0 and it.
    BoundedRelu(Value),
    /// x * 13107 / 65536 + 1/2 between 0 and 1.
    HardSigmoid,
    /// x between -1 and 1.
    HardTanh,
}

/// y = result( v ), v one of a few values, by comparing x with thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which activation it is.
    pub kind: StepKind,
    /// The type of the result.
    pub result: ResultType,
}

/// The steps of a [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// 1 where x >= 0, else -1.
    BinaryTanh,
    /// 1 where x > 1/2, -1 where x <= -1/2, else 0.
    TernaryTanh,
}

impl LeakyRelu {
    /// For each element of a tensor of this shape, the index of its slope; `None` where the
    /// slopes do not broadcast to the shape.
    pub fn alpha_indices(&self, shape: &Shape) -> Option<Vec<usize>> {
        let (own, whole) = (&self.alpha.extents, shape.extents());
        broadcasts(own, whole).then(|| broadcast_indices(own, whole))
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let indices = self.alpha_indices(&input.shape).ok_or_else(|| Problem::Broadcast {
            what: "alpha",
            found: self.alpha.extents.clone(),
            input: input.shape.to_string(),
        })?;
        let exact = |((range, fraction), alpha): (ExactRange, usize)| {
            let alpha = self.alpha.get(alpha);
            let negative = Range::new(range.lo.min(0), range.hi.min(0));
            let product = negative.times(Range::constant(alpha.mantissa));
            let product = bounded(product, "the product with alpha")?;
            // 0 is on both lines.
            let mut lines = Vec::new();
            if range.hi > 0 || range.lo >= 0 {
                lines.push((Range::new(range.lo.max(0), range.hi), fraction));
            }
            if range.lo < 0 {
                lines.push((product, fraction + alpha.fraction_bits));
            }
            union(&lines)
        };
        let exact = input.exact_ranges().zip(indices).map(exact).collect::<Result<Vec<_>, _>>()?;
        result_tensor(input.shape.clone(), &exact, &self.result)
    }
}

impl Clamp {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let Line { slope, shift, low, high } = self.kind.line();
        let exact = |(range, fraction): ExactRange| {
            let product = range.times(Range::constant(slope.mantissa));
            let product = bounded(product, "the product with the slope")?;
            let constant = |value: Value| (Range::constant(value.mantissa), value.fraction_bits);
            let terms = [(product, fraction + slope.fraction_bits), constant(shift)];
            let line = exact_sum(terms.into_iter(), "the straight line")?;
            let (cells, grid) = aligned(&[line, constant(low), constant(high)])?;
            let [line, low, high] = cells[..] else { unreachable!("three went in") };
            let clamp = |mantissa: i128| mantissa.clamp(low.lo, high.hi.max(low.lo));
            Ok((Range::new(clamp(line.lo), clamp(line.hi)), grid))
        };
        let exact = input.exact_ranges().map(exact).collect::<Result<Vec<_>, _>>()?;
        result_tensor(input.shape.clone(), &exact, &self.result)
    }
}

impl Step {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let step = |(range, fraction_bits): ExactRange| {
            let step = |mantissa| self.kind.of(Value { mantissa, fraction_bits });
            // The steps go up, so the ends of the input reach the ends of the output.
            (Range::new(step(range.lo), step(range.hi)), 0)
        };
        let exact: Vec<ExactRange> = input.exact_ranges().map(step).collect();
        result_tensor(input.shape.clone(), &exact, &self.result)
    }
}

/// The range of a number that lies in one of several, on the finest grid among them.
pub(super) fn union(cells: &[ExactRange]) -> Result<ExactRange, Problem> {
    let (ranges, grid) = aligned(cells)?;
    let union = ranges.into_iter().reduce(Range::union).unwrap_or(Range::ZERO);
    Ok((union, grid))
}

impl LeakyRelu {
    /// The layer type's word in a spec.
    pub fn kind(&self) -> &'static str {
        if self.alpha.extents.is_empty() { "leaky_relu" } else { "prelu" }
    }
}

/// min( high, max( low, slope * x + shift ) ); low is at most high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The factor.
    pub slope: Value,
    /// The summand.
    pub shift: Value,
    /// The smallest value.
    pub low: Value,
    /// The largest value.
    pub high: Value,
}

impl ClampKind {
    /// The line and its bounds.
    pub fn line(self) -> Line {
        let value = |mantissa, fraction_bits| Value { mantissa, fraction_bits };
        let (zero, one) = (Value::ZERO, value(1, 0));
        match self {
            Self::BoundedRelu(high) => Line { slope: one, shift: zero, low: zero, high },
            Self::HardSigmoid => {
                Line { slope: value(13107, 16), shift: value(1, 1), low: zero, high: one }
            }
            Self::HardTanh => Line { slope: one, shift: zero, low: value(-1, 0), high: one },
        }
    }

    /// The layer type's word in a spec.
    pub fn word(self) -> &'static str {
        match self {
            Self::BoundedRelu(_) => "relu",
            Self::HardSigmoid => "hard_sigmoid",
            Self::HardTanh => "hard_tanh",
        }
    }
}

impl StepKind {
    /// The integer that x becomes.
    pub fn of(self, x: Value) -> i128 {
        // The mantissa of 1/2. On a grid of integers only 0 lies between the halves; on one so
        // fine that 2^126 is below 1/2, every mantissa of 64 bits does.
        let half = if x.fraction_bits < 1 { 1 } else { 1 << (x.fraction_bits - 1).min(126) };
        match self {
            Self::BinaryTanh if x.mantissa >= 0 => 1,
            Self::BinaryTanh => -1,
            Self::TernaryTanh if x.mantissa <= -half => -1,
            Self::TernaryTanh if x.fraction_bits < 1 => x.mantissa.min(1),
            Self::TernaryTanh => i128::from(x.mantissa > half),
        }
    }

    /// The layer type's word in a spec.
    pub fn word(self) -> &'static str {
        match self {
            Self::BinaryTanh => "binary_tanh",
            Self::TernaryTanh => "ternary_tanh",
        }
    }
}
