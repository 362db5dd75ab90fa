//! Every softmax in the steps of a computation in plain integers.

use super::{Softmax, SoftmaxEntries, SoftmaxImplementation, SoftmaxTables, difference_type};
use crate::exact::{times, up};
use crate::fixed::{FixedType, Value};
use crate::layers::ExactRange;
use crate::layers::table::ExactLookup;
use crate::range::Range;
use crate::tensor::TensorType;

/// How a softmax is computed of numbers in a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoftmaxSteps {
    /// 1 at the first maximum, 0 elsewhere.
    Winner,
    /// [`SoftmaxImplementation::Exact`].
    Exact(ExactSoftmax),
    /// [`SoftmaxImplementation::Stable`] and [`SoftmaxImplementation::Latency`].
    Quotients(SoftmaxQuotients),
    /// [`SoftmaxImplementation::Legacy`].
    Legacy(LegacySoftmax),
}

/// The steps of our own softmax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactSoftmax {
    /// The exponential of the negative difference to the maximum.
    pub exp: ExactLookup,
    /// The sum of all exponentials, on their grid.
    pub sum: Range,
    /// The reciprocal of the sum.
    pub reciprocal: ExactLookup,
    /// An exponential times the reciprocal.
    pub product: ExactRange,
    /// The type of the results.
    pub ty: FixedType,
}

/// The steps of hls4ml's `stable` and `latency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftmaxQuotients {
    /// The difference to the maximum, and the type that it is cast to; none in `latency`.
    pub difference: Option<(ExactRange, FixedType)>,
    /// The exponential of what is left.
    pub exp: ExactLookup,
    /// The type of the exponentials and of their sums.
    pub accum: FixedType,
    /// The sum of any two numbers of that type.
    pub sums: ExactRange,
    /// The type of the sum as it is looked up.
    pub argument: FixedType,
    /// The reciprocal of the sum.
    pub reciprocal: ExactLookup,
    /// An exponential times the reciprocal.
    pub result: ExactRange,
}

/// The steps of hls4ml's `legacy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacySoftmax {
    /// The exponential of a difference.
    pub exp: ExactLookup,
    /// The bits to append to an exponential, and to the sum: they and the number 1 meet on the
    /// finest of their grids.
    pub entry_up: u32,
    /// The bits to append to the sum.
    pub sum_up: u32,
    /// The number 1 on that grid.
    pub one: i128,
    /// The sum of any number of the type and a term.
    pub sums: ExactRange,
    /// The type of the sum.
    pub ty: FixedType,
    /// The reciprocal of the sum, which is the result.
    pub reciprocal: ExactLookup,
}

const ONE: Value = Value { mantissa: 1, fraction_bits: 0 };

/// Every number of a type.
fn all(ty: FixedType) -> ExactRange {
    (ty.format.range(), ty.fraction_bits())
}

impl Softmax {
    /// The steps on a tensor whose numbers are all in one range; `None` where 128 bits do not hold
    /// one of them.
    pub fn exact_steps(&self, tensor: &TensorType, x: ExactRange) -> Option<SoftmaxSteps> {
        let Some(entries) = self.entries(tensor).ok()? else {
            return Some(SoftmaxSteps::Winner);
        };
        Some(match self.implementation {
            SoftmaxImplementation::Argmax => SoftmaxSteps::Winner,
            SoftmaxImplementation::Exact { .. } => {
                let classes = tensor.shape.last_extent();
                let ty = self.exact_result_type();
                SoftmaxSteps::Exact(ExactSoftmax::new(&entries, ty, x, classes)?)
            }
            SoftmaxImplementation::Stable(tables) => {
                let ty = Some(difference_type(tensor.common_format()?));
                SoftmaxSteps::Quotients(SoftmaxQuotients::new(&entries, tables, x, ty)?)
            }
            SoftmaxImplementation::Latency(tables) => {
                SoftmaxSteps::Quotients(SoftmaxQuotients::new(&entries, tables, x, None)?)
            }
            SoftmaxImplementation::Legacy { table, .. } => {
                SoftmaxSteps::Legacy(LegacySoftmax::new(&entries, table, x)?)
            }
        })
    }
}

impl ExactSoftmax {
    fn new(
        entries: &SoftmaxEntries,
        ty: FixedType,
        (range, grid): ExactRange,
        classes: usize,
    ) -> Option<Self> {
        let difference = (Range::new(0, range.hi - range.lo), grid);
        let exp = entries.exp.exact_lookup(difference, ONE)?;
        let (exponential, exp_grid) = exp.result;
        let sum = times(exponential.union(Range::ZERO), classes as i128)?;
        let reciprocal = entries.reciprocal.exact_lookup((sum, exp_grid), ONE)?;
        let (reciprocals, reciprocal_grid) = reciprocal.result;
        let product = (exponential.times(reciprocals)?, exp_grid + reciprocal_grid);
        Some(Self { exp, sum, reciprocal, product, ty })
    }
}

impl SoftmaxQuotients {
    fn new(
        entries: &SoftmaxEntries,
        tables: SoftmaxTables,
        (range, grid): ExactRange,
        ty: Option<FixedType>,
    ) -> Option<Self> {
        let difference = ty.map(|ty| ((Range::new(0, range.hi - range.lo), grid), ty));
        let exponent = match difference {
            None => (range, grid),
            Some(((difference, grid), ty)) => (difference.cast(grid, ty), ty.fraction_bits()),
        };
        let (accum, argument) = (tables.accum, tables.inv_inp);
        let exp = entries.exp.exact_lookup(exponent, ONE)?;
        let exponentials = exp.result.0.cast(exp.result.1, accum);
        let (sum, grid) = all(accum);
        let reciprocal = entries.reciprocal.exact_lookup(all(argument), ONE)?;
        let (reciprocals, reciprocal_grid) = reciprocal.result;
        let result = (exponentials.times(reciprocals)?, grid + reciprocal_grid);
        let sums = (sum.plus(sum)?, grid);
        Some(Self { difference, exp, accum, sums, argument, reciprocal, result })
    }
}

impl LegacySoftmax {
    fn new(entries: &SoftmaxEntries, ty: FixedType, (range, grid): ExactRange) -> Option<Self> {
        let spread = range.hi - range.lo;
        let exp = entries.exp.exact_lookup((Range::new(-spread, spread), grid), ONE)?;
        let (terms, entry_grid) = exp.result;
        let (sum, sum_grid) = all(ty);
        let fine = sum_grid.max(entry_grid).max(0);
        let (entry_up, sum_up) = (fine - entry_grid, fine - sum_grid);
        let one = 1i128.checked_shl(fine as u32).filter(|one| *one > 0)?;
        let terms = up(terms, entry_up)?.union(Range::new(0, one));
        let sums = (terms.plus(up(sum, sum_up)?)?, fine);
        let reciprocal = entries.reciprocal.exact_lookup(all(ty), ONE)?;
        let (entry_up, sum_up) = (entry_up as u32, sum_up as u32);
        Some(Self { exp, entry_up, sum_up, one, sums, ty, reciprocal })
    }
}
