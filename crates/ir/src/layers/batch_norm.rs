//! Batch normalisation as a layer of its own: a scale and a shift for each channel.

use super::kernel::{ExactRange, exact_sum};
use super::{ResultType, bounded, result_tensor};
use crate::constant::Constant;
use crate::error::Problem;
use crate::exact::{at, grid_of, times};
use crate::range::Range;
use crate::tensor::TensorType;

/// y = result( x * scale\[c\] + shift\[c\] ), c the index on the last axis; exact before the cast.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// The factors, one a channel.
    pub scale: Constant,
    /// The summands, one a channel.
    pub shift: Constant,
    /// The type of the result.
    pub result: ResultType,
}

/// What multiplies and what is added, a number a channel, so that both terms are on one grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactAffine {
    /// The factors of mantissas.
    pub scales: Vec<i128>,
    /// The summands on the grid of the result.
    pub shifts: Vec<i128>,
    /// The exact result of any channel.
    pub result: ExactRange,
}

impl BatchNorm {
    /// The exact arithmetic on numbers in a range; `None` where 128 bits do not hold it.
    pub fn exact_affine(&self, (range, grid): ExactRange) -> Option<ExactAffine> {
        let of = |constant: &Constant| {
            (0..constant.len()).map(|channel| constant.get(channel)).collect::<Vec<_>>()
        };
        let (scales, shifts) = (of(&self.scale), of(&self.shift));
        let product_grid = grid + grid_of(scales.iter().copied());
        let common = product_grid.max(grid_of(shifts.iter().copied()));
        let scales: Vec<i128> =
            scales.into_iter().map(|scale| at(scale, common - grid)).collect::<Option<_>>()?;
        let shifts: Vec<i128> =
            shifts.into_iter().map(|shift| at(shift, common)).collect::<Option<_>>()?;
        let mut result: Option<Range> = None;
        for (scale, shift) in scales.iter().zip(&shifts) {
            let own = times(range, *scale)?.plus(Range::constant(*shift))?;
            result = Some(result.map_or(own, |result| result.union(own)));
        }
        Some(ExactAffine { scales, shifts, result: (result?, common) })
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let channels = input.shape.last_extent();
        for (what, constant) in [("scale", &self.scale), ("shift", &self.shift)] {
            if constant.extents != [channels] {
                let found = constant.extents.clone();
                return Err(Problem::ChannelConstant { what, found, channels });
            }
        }
        let exact = |(index, (range, fraction)): (usize, ExactRange)| {
            let (scale, shift) =
                (self.scale.get(index % channels), self.shift.get(index % channels));
            let product = range.times(Range::constant(scale.mantissa));
            let product =
                bounded(product, &format!("the product with scale [{}]", index % channels))?;
            let terms = [
                (product, fraction + scale.fraction_bits),
                (Range::constant(shift.mantissa), shift.fraction_bits),
            ];
            exact_sum(terms.into_iter(), &format!("channel {}", index % channels))
        };
        let exact = input.exact_ranges().enumerate().map(exact).collect::<Result<Vec<_>, _>>()?;
        result_tensor(input.shape.clone(), &exact, &self.result)
    }
}
