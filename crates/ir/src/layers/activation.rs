//! Activations whose pieces are straight lines: no table, exact before the cast.

use super::kernel::{ExactRange, exact_sum};
use super::pool::aligned;
use super::{ResultType, bounded, result_tensor};
use crate::constant::Constant;
use crate::error::Problem;
use crate::exact::{at, grid_of, times, up};
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

/// Slopes for negative numbers in the steps of a computation in plain integers: x << up where x is
/// above 0, else its product with the element's slope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactSlopes {
    /// The bits to append to x, by which it comes onto the grid of the products.
    pub up: u32,
    /// For each element what x is multiplied by.
    pub slopes: Vec<i128>,
    /// The exact result of any element.
    pub result: ExactRange,
}

/// A straight line and its bounds in the steps of a computation in plain integers: slope * x +
/// shift, or the bound that it is beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExactLine {
    /// The factor of x, by which the product is on the grid of the others.
    pub slope: i128,
    /// The summand.
    pub shift: i128,
    /// The smallest value.
    pub low: i128,
    /// The largest value.
    pub high: i128,
    /// The exact result.
    pub result: ExactRange,
    /// The ranges of the product and of the sum.
    pub steps: [Range; 2],
}

/// The integer thresholds of a [`Step`]: -1 below `low`, 1 from `high` on, `middle` between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// The first number that does not become -1.
    pub low: i128,
    /// What the numbers between the two thresholds become.
    pub middle: i128,
    /// The first number that becomes 1.
    pub high: i128,
}

impl LeakyRelu {
    /// The arithmetic on elements of a tensor of this shape, which are all in one range; `None`
    /// where 128 bits do not hold it.
    pub fn exact_slopes(&self, shape: &Shape, (range, grid): ExactRange) -> Option<ExactSlopes> {
        let indices = self.alpha_indices(shape)?;
        let alphas = || indices.iter().map(|index| self.alpha.get(*index));
        // A slope's grid may be coarser than that of integers.
        let finest = grid_of(alphas()).max(0);
        let slopes: Vec<i128> = alphas().map(|alpha| at(alpha, finest)).collect::<Option<_>>()?;
        let mut result = up(range.rectified(), finest)?;
        for slope in &slopes {
            result = result.union(times(range.not_above_zero(), *slope)?);
        }
        Some(ExactSlopes { up: finest as u32, slopes, result: (result, grid + finest) })
    }

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
            let product = range.not_above_zero().times(Range::constant(alpha.mantissa));
            let product = bounded(product, "the product with alpha")?;
            // 0 is on both lines.
            let mut lines = Vec::new();
            if range.hi > 0 || range.lo >= 0 {
                lines.push((range.rectified(), fraction));
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
    /// The arithmetic on numbers in a range; `None` where 128 bits do not hold it.
    pub fn exact_line(&self, (range, grid): ExactRange) -> Option<ExactLine> {
        let Line { slope, shift, low, high } = self.kind.line();
        let product_grid = grid + slope.fraction_bits;
        let common = product_grid.max(grid_of([shift, low, high].into_iter()));
        let slope = at(Value { fraction_bits: 0, ..slope }, common - product_grid)?;
        let (shift, low, high) = (at(shift, common)?, at(low, common)?, at(high, common)?);
        let product = times(range, slope)?;
        let line = product.plus(Range::constant(shift))?;
        let first = if line.lo < low { low } else { line.lo.min(high) };
        let result = Range::new(low.min(high), high.max(low)).union(Range::constant(first));
        let steps = [product, line];
        Some(ExactLine { slope, shift, low, high, result: (result, common), steps })
    }

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
    /// The thresholds for numbers in a range; those that lie beyond it are just outside.
    pub fn thresholds(&self, (range, fraction_bits): ExactRange) -> Thresholds {
        let of = |mantissa: i128| self.kind.of(Value { mantissa, fraction_bits });
        // Found by bisection, because the steps only go up.
        let first = |wanted: i128| {
            let (mut below, mut above) = (range.lo - 1, range.hi + 1);
            while above - below > 1 {
                let middle = below + (above - below) / 2;
                if of(middle) >= wanted { above = middle } else { below = middle }
            }
            above
        };
        let middle = match self.kind {
            StepKind::BinaryTanh => -1,
            StepKind::TernaryTanh => 0,
        };
        Thresholds { low: first(0), middle, high: first(1) }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_where_the_steps_are() {
        for kind in [StepKind::BinaryTanh, StepKind::TernaryTanh] {
            let step = Step { kind, result: ResultType::Auto };
            for fraction_bits in [-2, 0, 1, 4] {
                for (lo, hi) in [(-40, 40), (3, 30), (-30, -20), (0, 0)] {
                    let found = step.thresholds((Range::new(lo, hi), fraction_bits));
                    for mantissa in lo..=hi {
                        let by_thresholds = match mantissa {
                            x if x >= found.high => 1,
                            x if x >= found.low => found.middle,
                            _ => -1,
                        };
                        assert_eq!(by_thresholds, kind.of(Value { mantissa, fraction_bits }));
                    }
                }
            }
        }
    }

    #[test]
    fn a_line_keeps_its_bounds_on_the_common_grid() {
        let clamp = Clamp { kind: ClampKind::HardSigmoid, result: ResultType::Auto };
        let line = clamp.exact_line((Range::new(-100, 100), 4)).unwrap();
        assert_eq!((line.slope, line.shift), (13107, 1 << 19));
        assert_eq!((line.low, line.high), (0, 1 << 20));
        assert_eq!(line.result, (Range::new(0, 1 << 20), 20));
        let relu = Clamp { kind: ClampKind::BoundedRelu(line_end()), result: ResultType::Auto };
        let line = relu.exact_line((Range::new(-1, 1), 0)).unwrap();
        assert_eq!((line.slope, line.high, line.result), (4, 25, (Range::new(0, 25), 2)));
    }

    /// 6.25.
    fn line_end() -> Value {
        Value { mantissa: 25, fraction_bits: 2 }
    }
}
