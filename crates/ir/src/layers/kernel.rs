//! The kernel: constant matrix times vector plus bias, the arithmetic of dense layers and of each
//! window of a convolution.

use super::bounded;
use crate::constant::Constant;
use crate::error::Problem;
use crate::exact::{CastSteps, at, grid_of, times};
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

/// Kernels of one shape in the steps of a computation in plain integers: the sum of the products,
/// each with its weight, and of what is at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelSteps {
    /// Kernel after kernel: the weights, input after input.
    pub weights: Vec<i128>,
    /// Kernel after kernel: what the sums start from, on their grid.
    pub start: Vec<i128>,
    /// A product.
    pub product: ExactRange,
    /// The bits after the binary point of the sums.
    pub sum_grid: i32,
    /// Without a type of the accumulator: the sums.
    pub whole: Option<Range>,
    /// Every partial sum, those of the order in which nothing cancels included, with up to one
    /// step lost by each rounding; where 126 bits hold it.
    pub reach: Option<Range>,
}

/// Sums in the type of an accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accumulation {
    /// Whether the type holds every product and every partial sum, so that its ends do not show.
    pub never_leaves: bool,
    /// What the sums can be.
    pub result: Range,
    /// Any of them and a product that was cast to the type, before their sum is.
    pub sums: Range,
}

impl KernelSteps {
    /// The steps on inputs that are all in one range, with sums on a grid that is no coarser than
    /// `least_grid`, unless the accumulator has a type; `None` where 128 bits do not hold one of
    /// them.
    pub fn new(kernels: &[Kernel], (range, grid): ExactRange, least_grid: i32) -> Option<Self> {
        let first = kernels.first()?;
        let KernelShape { n_in, n_out } = first.shape()?;
        let count = n_in * n_out;
        let weights = kernels.iter().flat_map(|kernel| (0..count).map(|i| kernel.weight.get(i)));
        let weights: Vec<Value> = weights.collect();
        let starts = kernels.iter().flat_map(|kernel| (0..n_out).map(|j| kernel.start_value(j)));
        let starts: Vec<Value> = starts.collect();
        let weight_grid = grid_of(weights.iter().copied());
        let products = grid + weight_grid;
        let sum_grid = match first.accum {
            Some(accum) => accum.fraction_bits(),
            None => products.max(grid_of(starts.iter().copied())).max(least_grid),
        };
        let weights: Vec<i128> =
            weights.into_iter().map(|weight| at(weight, weight_grid)).collect::<Option<_>>()?;
        let start: Vec<i128> =
            starts.into_iter().map(|start| at(start, sum_grid)).collect::<Option<_>>()?;
        let up = sum_grid - products;
        let mut reach = Some(Range::ZERO);
        let mut result: Option<Range> = None;
        let mut product = Range::ZERO;
        for (output, start) in start.iter().enumerate() {
            let (kernel, j) = (output / n_out, output % n_out);
            let (mut whole, mut partial) = (Range::ZERO, Range::ZERO);
            for k in 0..n_in {
                let term = times(range, weights[kernel * count + k * n_out + j])?;
                product = product.union(term);
                whole = whole.plus(term)?;
                partial = partial.plus(term.union(Range::ZERO))?;
            }
            let slack = if up < 0 { n_in as i128 } else { 0 };
            let plus_start = |range: Range| range.shifted(up)?.plus(Range::constant(*start));
            reach = reach.zip(plus_start(partial)).map(|(reach, partial)| {
                let (lo, hi) = (partial.lo.min(*start) - slack, partial.hi.max(*start) + slack);
                reach.union(Range::new(lo, hi))
            });
            if first.accum.is_none() {
                let whole = plus_start(whole)?;
                result = Some(result.map_or(whole, |result| result.union(whole)));
            }
        }
        let product = (product, products);
        Some(Self { weights, start, product, sum_grid, whole: result, reach })
    }

    /// The bits to append to a product so that it is on the grid of the sums; below 0 where that
    /// is the coarser one.
    pub fn up(&self) -> i32 {
        self.sum_grid - self.product.1
    }

    /// The weights whose products are on the grid of the sums, where that is no coarser.
    pub fn weights_of_sums(&self) -> Option<Vec<i128>> {
        let weight = |weight: &i128| at(Value { mantissa: *weight, fraction_bits: 0 }, self.up());
        self.weights.iter().map(weight).collect()
    }

    /// The sums in the type of the accumulator.
    pub fn accumulated(&self, accum: FixedType) -> Option<Accumulation> {
        let holds = accum.overflow.range_of(accum.format);
        let reach = self.reach.filter(|reach| reach.within(holds) && accum.format.width > 0);
        let reach = reach.filter(|_| !CastSteps::new(self.product, accum).overflows);
        let result = reach.unwrap_or(accum.format.range());
        let (product, grid) = self.product;
        let sums = result.plus(product.cast(grid, accum))?;
        Some(Accumulation { never_leaves: reach.is_some(), result, sums })
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(text: &str) -> FixedType {
        text.parse().unwrap()
    }

    fn kernel(weights: &[f64], bias: f64, accum: Option<&str>) -> Kernel {
        let weight = Constant::quantize([weights.len(), 1], weights, ty("fixed<6,5>")).unwrap();
        let bias = Constant::quantize([1], &[bias], ty("fixed<6,4>")).unwrap();
        Kernel { accum: accum.map(ty), ..Kernel::new(weight, Some(bias)) }
    }

    #[test]
    fn weights_and_starts_are_on_the_grids_of_products_and_sums() {
        let kernel = kernel(&[1.5, -0.5], 0.25, None);
        let steps = KernelSteps::new(&[kernel], (Range::new(-4, 3), 0), i32::MIN).unwrap();
        assert_eq!((steps.weights.clone(), steps.start.clone()), (vec![3, -1], vec![1]));
        assert_eq!((steps.product, steps.sum_grid), ((Range::new(-12, 9), 1), 2));
        // (-12 - 3) * 2 + 1 and (9 + 4) * 2 + 1; no order of the terms reaches further.
        assert_eq!((steps.whole, steps.reach), (Some(Range::new(-29, 27)), steps.whole));
        assert_eq!(steps.weights_of_sums(), Some(vec![6, -2]));
    }

    #[test]
    fn sums_leave_an_accumulator_only_where_a_step_can() {
        let accumulated = |accum: &str| {
            let kernel = kernel(&[1.5, -0.5], 0.25, Some(accum));
            let steps = KernelSteps::new(&[kernel], (Range::new(-4, 3), 0), i32::MIN).unwrap();
            steps.accumulated(ty(accum)).unwrap()
        };
        let wide = accumulated("fixed<6,4>");
        assert!(wide.never_leaves);
        assert_eq!(wide.result, Range::new(-29, 27));
        assert_eq!(wide.sums, Range::new(-29 - 24, 27 + 18));
        let narrow = accumulated("fixed<5,3,TRN,SAT>");
        assert!(!narrow.never_leaves);
        assert_eq!(narrow.result, Range::new(-16, 15));
        // A coarser sum: each of the two products may lose a step.
        let coarse = accumulated("fixed<5,5>");
        assert!(coarse.never_leaves);
        assert_eq!(coarse.result, Range::new(-8 - 2, 6 + 2));
    }
}
