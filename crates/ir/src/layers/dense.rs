//! Dense: constant matrix times vector plus bias, over the last axis.

use super::kernel::{ExactRange, Kernel};
use super::{KernelShape, ResultType, result_tensor};
use crate::constant::Constant;
use crate::error::Problem;
use crate::fixed::FixedType;
use crate::tensor::{Shape, TensorType};

/// y = result( kernel( x ) ) over the last axis.
///
/// On an input of more than one axis the product is over the last axis, at every position with
/// the same weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// The weights, bias and accumulator.
    pub kernel: Kernel,
    /// The type of the result. `Auto` is the accumulator's type where that is explicit.
    pub result: ResultType,
}

impl Dense {
    /// A dense layer with exact sums and an exact result.
    pub fn new(weight: Constant, bias: Option<Constant>) -> Self {
        Self { kernel: Kernel::new(weight, bias), result: ResultType::Auto }
    }

    /// The same layer with another type of result.
    pub fn with_result(self, result: impl Into<ResultType>) -> Self {
        Self { result: result.into(), ..self }
    }

    /// The same layer with an explicit accumulator type.
    pub fn with_accum(self, accum: FixedType) -> Self {
        Self { kernel: Kernel { accum: Some(accum), ..self.kernel }, ..self }
    }

    /// How the exact result of a sum becomes the layer's result.
    pub fn result_type(&self) -> ResultType {
        self.result.clone().or_accum(self.kernel.accum)
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let weight_rank = || Problem::WeightRank { found: self.kernel.weight.extents.clone() };
        let KernelShape { n_in, n_out } = self.kernel.shape().ok_or_else(weight_rank)?;
        let extents = input.shape.extents();
        if extents.last() != Some(&n_in) {
            let n_in = input.shape.last_extent();
            return Err(Problem::WeightInputs { found: self.kernel.weight.extents.clone(), n_in });
        }
        let mut out_extents = extents.to_vec();
        out_extents[extents.len() - 1] = n_out;
        let shape =
            Shape::new(out_extents.clone()).ok_or(Problem::TensorSize { extents: out_extents })?;
        let elements: Vec<ExactRange> = input.exact_ranges().collect();
        let mut exact = Vec::with_capacity(shape.element_count());
        for position in elements.chunks(n_in) {
            for j in 0..n_out {
                exact.push(self.kernel.sum_range(position, j)?);
            }
        }
        result_tensor(shape, &exact, &self.result_type())
    }
}

/// The divisors of `product` next below and next above `n`.
pub fn nearest_divisors(product: u64, n: u64) -> (Option<u64>, Option<u64>) {
    let mut below = None;
    let mut above = None;
    let mut consider = |divisor: u64| {
        if divisor <= n {
            below = below.max(Some(divisor));
        } else if above.is_none_or(|above| divisor < above) {
            above = Some(divisor);
        }
    };
    for small in (1..).take_while(|small| small * small <= product) {
        if product.is_multiple_of(small) {
            consider(small);
            consider(product / small);
        }
    }
    (below, above)
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::Range;
    use crate::fixed::Format;

    fn dense(weights: &[f64], extents: [usize; 2]) -> Dense {
        let ty: FixedType = "fixed<6,3>".parse().unwrap();
        Dense::new(Constant::quantize(extents, weights, ty).unwrap(), None)
    }

    fn input(n: usize) -> TensorType {
        let format = Format::unsigned(4, 4);
        TensorType::uniform(Shape::new([n]).unwrap(), format, vec![format.range(); n])
    }

    #[test]
    fn auto_result_is_the_exact_range_of_the_actual_weights() {
        // The weights 1 and -0.5 are 8 and -4 eighths; inputs reach 15.
        let found = dense(&[1.0, -0.5], [2, 1]).infer(&input(2)).unwrap();
        assert_eq!(found.ranges, [Range::new(-60, 120)]);
        assert_eq!(found.common_format(), Some(Format::signed(8, 5)));
    }

    #[test]
    fn saturating_accumulator_bounds_every_step() {
        let accum = "fixed<5,5,TRN,SAT>".parse().unwrap();
        let found = dense(&[3.0, 3.0], [2, 1]).with_accum(accum).infer(&input(2)).unwrap();
        assert_eq!(found.ranges, [Range::new(0, 15)]);
        assert_eq!(found.common_format(), Some(Format::signed(5, 5)));
    }

    #[test]
    fn nearest_divisors_surround_the_number() {
        assert_eq!(nearest_divisors(16 * 64, 7), (Some(4), Some(8)));
        assert_eq!(nearest_divisors(12, 0), (None, Some(1)));
        assert_eq!(nearest_divisors(12, 100), (Some(12), None));
    }
}
