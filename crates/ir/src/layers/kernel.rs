//! The kernel: constant matrix times vector plus bias, the arithmetic of dense layers and of each
//! window of a convolution.

use super::bounded;
use crate::constant::Constant;
use crate::error::Problem;
use crate::fixed::{FixedType, Value};
use crate::range::Range;

/// sum\[j\] = bias\[j\] + sum over k of x\[k\] * weight\[k\]\[j\].
///
/// With an explicit accumulator type the bias and each exact product are cast to it first and the
/// sums are taken in it, k ascending; without one the sum is exact.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// The weights, \[n_in, n_out\].
    pub weight: Constant,
    /// The bias, \[n_out\]; without one the sums start at 0.
    pub bias: Option<Constant>,
    /// The accumulator's type; exact where there is none.
    pub accum: Option<FixedType>,
}

/// The size of a constant matrix, whose products the reuse factor shares out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelShape {
    /// The rows: features that enter one matrix-vector product.
    pub n_in: usize,
    /// The columns: features that leave it.
    pub n_out: usize,
}

/// An exact number that is not known yet: the range of its mantissa, and the bits after its
/// binary point.
pub type ExactRange = (Range, i32);

impl Kernel {
    /// A kernel with exact sums.
    pub fn new(weight: Constant, bias: Option<Constant>) -> Self {
        Self { weight, bias, accum: None }
    }

    /// The matrix, unless the weight has not two axes.
    pub fn shape(&self) -> Option<KernelShape> {
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

    /// What the sum of output feature `j` starts from: its bias, in the accumulator's type.
    pub fn start_value(&self, j: usize) -> Value {
        match self.accum {
            None => self.bias_at(j),
            Some(accum) => Value {
                mantissa: accum.cast(self.bias_at(j)),
                fraction_bits: accum.fraction_bits(),
            },
        }
    }

    pub(super) fn check(&self) -> Option<Problem> {
        let Some(KernelShape { n_out, .. }) = self.shape() else {
            return Some(Problem::WeightRank { found: self.weight.extents.clone() });
        };
        let bias = self.bias.as_ref().filter(|bias| bias.extents != [n_out]);
        bias.map(|bias| Problem::BiasShape { found: bias.extents.clone(), n_out })
    }

    /// The range of the sum of output feature `j` on inputs with these ranges.
    pub(super) fn sum_range(&self, inputs: &[ExactRange], j: usize) -> Result<ExactRange, Problem> {
        let product = |k: usize| {
            let weight = self.weight_at(k, j);
            let (input, input_fraction) = inputs[k];
            let range = input.times(Range::constant(weight.mantissa));
            let fraction = input_fraction + weight.fraction_bits;
            bounded(range, &format!("the product with weight [{k}, {j}]"))
                .map(|range| (range, fraction))
        };
        let too_wide = format!("the sum of output {j}");
        if let Some(accum) = self.accum {
            let mut sum = Range::constant(self.start_value(j).mantissa);
            for k in 0..inputs.len() {
                let (range, fraction) = product(k)?;
                let exact = sum.plus(range.cast(fraction, accum));
                sum = bounded(exact, &too_wide)?.cast(accum.fraction_bits(), accum);
            }
            return Ok((sum, accum.fraction_bits()));
        }
        let bias = self.bias_at(j);
        let products = (0..inputs.len()).map(product).collect::<Result<Vec<_>, _>>()?;
        let bias = (Range::constant(bias.mantissa), bias.fraction_bits);
        exact_sum(products.iter().copied().chain([bias]), &too_wide)
    }
}

/// The range of an exact sum, on the finest grid among its terms.
pub(super) fn exact_sum(
    terms: impl Iterator<Item = ExactRange> + Clone,
    what: &str,
) -> Result<ExactRange, Problem> {
    let terms = terms.filter(|(range, _)| *range != Range::ZERO);
    let grid = terms.clone().map(|(_, fraction)| fraction).max().unwrap_or_default();
    let mut terms = terms;
    let sum = terms.try_fold(Range::ZERO, |sum, (range, fraction)| {
        sum.plus(range.shifted_left((grid - fraction) as u32)?)
    });
    Ok((bounded(sum, what)?, grid))
}
