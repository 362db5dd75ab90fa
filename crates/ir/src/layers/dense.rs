//! Dense: constant matrix times vector plus bias, over the last axis.

use super::{KernelShape, ResultType, bounded, result_tensor};
use crate::constant::Constant;
use crate::error::Problem;
use crate::fixed::{FixedType, Value};
use crate::range::Range;
use crate::tensor::{Shape, TensorType};

/// y\[j\] = result( bias\[j\] + sum over k of x\[k\] * weight\[k\]\[j\] ).
///
/// With an explicit accumulator type the bias and each exact product are cast to it first and the
/// sums are taken in it, k ascending; without one the sum is exact. On an input of more than one
/// axis the product is over the last axis, at every position with the same weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// The weights, \[n_in, n_out\].
    pub weight: Constant,
    /// The bias, \[n_out\]; without one the sums start at 0.
    pub bias: Option<Constant>,
    /// The accumulator's type; exact where there is none.
    pub accum: Option<FixedType>,
    /// The type of the result. `Auto` is the accumulator's type where that is explicit.
    pub result: ResultType,
}

impl Dense {
    /// A dense layer with exact sums and an exact result.
    pub fn new(weight: Constant, bias: Option<Constant>) -> Self {
        Self { weight, bias, accum: None, result: ResultType::Auto }
    }

    /// The same layer with another type of result.
    pub fn with_result(self, result: impl Into<ResultType>) -> Self {
        Self { result: result.into(), ..self }
    }

    /// The same layer with an explicit accumulator type.
    pub fn with_accum(self, accum: FixedType) -> Self {
        Self { accum: Some(accum), ..self }
    }

    /// The matrix, unless the weight has not two axes.
    pub fn kernel_shape(&self) -> Option<KernelShape> {
        match *self.weight.extents.as_slice() {
            [n_in, n_out] if n_in > 0 && n_out > 0 => Some(KernelShape { n_in, n_out }),
            _ => None,
        }
    }

    /// The weight from input feature `k` to output feature `j`.
    pub fn weight_at(&self, k: usize, j: usize) -> Value {
        self.weight.get(k * self.weight.extents[1] + j)
    }

    /// The bias of output feature `j`; 0 where there is none.
    pub fn bias_at(&self, j: usize) -> Value {
        self.bias.as_ref().map_or(Value::ZERO, |bias| bias.get(j))
    }

    /// How the exact result of a sum becomes the layer's result.
    pub fn result_type(&self) -> ResultType {
        match (&self.result, self.accum) {
            (ResultType::Auto, Some(accum)) => accum.into(),
            (result, _) => result.clone(),
        }
    }

    pub(super) fn check(&self) -> Vec<Problem> {
        let Some(KernelShape { n_out, .. }) = self.kernel_shape() else {
            return vec![Problem::WeightRank { found: self.weight.extents.clone() }];
        };
        self.bias
            .as_ref()
            .filter(|bias| bias.extents != [n_out])
            .map(|bias| Problem::BiasShape { found: bias.extents.clone(), n_out })
            .into_iter()
            .collect()
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let KernelShape { n_in, n_out } = self
            .kernel_shape()
            .ok_or_else(|| Problem::WeightRank { found: self.weight.extents.clone() })?;
        let extents = input.shape.extents();
        if extents.last() != Some(&n_in) {
            let n_in = extents.last().copied().unwrap_or(1);
            return Err(Problem::WeightInputs { found: self.weight.extents.clone(), n_in });
        }
        let mut out_extents = extents.to_vec();
        out_extents[extents.len() - 1] = n_out;
        let shape =
            Shape::new(out_extents.clone()).ok_or(Problem::TensorSize { extents: out_extents })?;
        let positions = input.element_count() / n_in;
        let mut exact = Vec::with_capacity(shape.element_count());
        for position in 0..positions {
            for j in 0..n_out {
                exact.push(self.sum_range(input, position * n_in, j)?);
            }
        }
        result_tensor(shape, &exact, &self.result_type())
    }

    /// The range of output feature `j` before the cast to the result, for the inputs from `first`
    /// on, and the bits after its binary point.
    fn sum_range(
        &self,
        input: &TensorType,
        first: usize,
        j: usize,
    ) -> Result<(Range, i32), Problem> {
        let n_in = self.weight.extents[0];
        let product = |k: usize| {
            let weight = self.weight_at(k, j);
            let range = input.ranges[first + k].times(Range::constant(weight.mantissa));
            let fraction = input.format(first + k).fraction_bits() + weight.fraction_bits;
            bounded(range, &format!("the product with weight [{k}, {j}]"))
                .map(|range| (range, fraction))
        };
        let bias = self.bias_at(j);
        let too_wide = format!("the sum of output {j}");
        if let Some(accum) = self.accum {
            let mut sum = Range::constant(accum.cast(bias));
            for k in 0..n_in {
                let (range, fraction) = product(k)?;
                let exact = sum.plus(range.cast(fraction, accum));
                sum = bounded(exact, &too_wide)?.cast(accum.fraction_bits(), accum);
            }
            return Ok((sum, accum.fraction_bits()));
        }
        let products = (0..n_in).map(product).collect::<Result<Vec<_>, _>>()?;
        let terms = || {
            let bias = (Range::constant(bias.mantissa), bias.fraction_bits);
            products.iter().copied().chain([bias]).filter(|(range, _)| *range != Range::ZERO)
        };
        let grid = terms().map(|(_, fraction)| fraction).max().unwrap_or_default();
        let sum = terms().try_fold(Range::ZERO, |sum, (range, fraction)| {
            sum.plus(range.shifted_left((grid - fraction) as u32)?)
        });
        Ok((bounded(sum, &too_wide)?, grid))
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
