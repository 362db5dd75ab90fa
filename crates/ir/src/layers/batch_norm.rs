//! Batch normalisation as a layer of its own: a scale and a shift for each channel.

use super::kernel::{ExactRange, exact_sum};
use super::{ResultType, bounded, result_tensor};
use crate::constant::Constant;
use crate::error::Problem;
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

impl BatchNorm {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let channels = input.shape.extents().last().copied().unwrap_or(1);
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
