//! Softmax and argmax over the last axis.

mod exact;
mod hls4ml;
mod steps;

pub use steps::{ExactSoftmax, LegacySoftmax, SoftmaxQuotients, SoftmaxSteps};

use super::kernel::ExactRange;
use super::pool::aligned;
use super::table::{AUTO_FRACTION_BITS, Table};
use super::{ResultType, result_tensor};
use crate::error::Problem;
use crate::fixed::{FixedType, Format, Overflow, Rounding, Value};
use crate::range::Range;
use crate::tensor::{Shape, TensorType};

/// y = result( exp(x\[i\]) / sum over j of exp(x\[j\]) ) over the last axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    /// How it is computed.
    pub implementation: SoftmaxImplementation,
    /// The type of the result.
    pub result: ResultType,
}

/// How softmax is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftmaxImplementation {
    /// Ours: never changes the winner. With d\[i\] = max(x) - x\[i\], exactly:
    ///
    /// - e\[i\] = exp(-d\[i\]) by a table over the range that d can take. The entry of d = 0 is
    ///   1, alone in its interval; every other is less.
    /// - s = the sum of e, exactly: from 1 to the number of classes.
    /// - v = 1 / s by a table over that range; the entry of s = 1 is 1.
    /// - The result of a class at the maximum is v, in the result's type; that of any other
    ///   is e\[i\] * v in that type, but at least a step less than the winner's, unless that is 0.
    ///
    /// [`Softmax::error_bound`] says how far it is from softmax.
    Exact {
        /// The bits after the binary point of the exponentials.
        exp_bits: u32,
        /// The bits of the index of the table of reciprocals.
        reciprocal_bits: u32,
        /// The most entries of the table of exponentials, but for the 0 after the last.
        max_table_size: usize,
    },
    /// hls4ml's `stable`: subtracts the maximum.
    Stable(SoftmaxTables),
    /// hls4ml's `latency`: does not.
    Latency(SoftmaxTables),
    /// hls4ml's `legacy`: differences of all pairs.
    Legacy {
        /// The number of entries of both tables.
        table_size: usize,
        /// The type of both tables and of the sums.
        table: FixedType,
    },
    /// The result's 1 at the first maximum, 0 elsewhere.
    Argmax,
}

/// The tables of hls4ml's `stable` and `latency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftmaxTables {
    /// The most entries of each table; a power of two.
    pub table_size: usize,
    /// The type of the exponentials.
    pub exp_table: FixedType,
    /// The type of the reciprocals.
    pub inv_table: FixedType,
    /// The type of the sum as the index of the reciprocals.
    pub inv_inp: FixedType,
    /// The type of the exponentials as they are summed.
    pub accum: FixedType,
}

/// The index of the first maximum over the last axis, whose extent becomes 1; an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Argmax;

/// The two tables of a softmax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftmaxEntries {
    /// The exponentials: of -d, d the maximum minus x (ours and `stable`); of x (`latency`); of
    /// the difference of two x (`legacy`).
    pub exp: Table,
    /// The reciprocals of the sum of exponentials.
    pub reciprocal: Table,
}

impl Softmax {
    /// The tables for an input; none for the argmax, which needs none.
    ///
    /// # Errors
    /// When the parameters and the input do not give tables.
    pub fn entries(&self, input: &TensorType) -> Result<Option<SoftmaxEntries>, Problem> {
        match self.implementation {
            SoftmaxImplementation::Exact { exp_bits, reciprocal_bits, max_table_size } => {
                exact::tables((exp_bits, reciprocal_bits), max_table_size, input)
                    .map(|tables| Some(tables.entries))
            }
            SoftmaxImplementation::Stable(tables) => {
                let ty = difference_type(common_format(input)?);
                hls4ml::entries(tables, input, ty.format, true).map(Some)
            }
            SoftmaxImplementation::Latency(tables) => {
                hls4ml::entries(tables, input, common_format(input)?, false).map(Some)
            }
            SoftmaxImplementation::Legacy { table_size, table } => {
                hls4ml::legacy_entries(table_size, table).map(Some)
            }
            SoftmaxImplementation::Argmax => Ok(None),
        }
    }

    /// The type into which our own softmax brings its results before it compares them with the
    /// winner's: the result's, saturating whatever its overflow mode, because a result that
    /// wraps would change the winner. Without a type of the result: 10 bits after the binary
    /// point, rounded to nearest.
    pub fn exact_result_type(&self) -> FixedType {
        match &self.result {
            ResultType::Auto => {
                let format = Format::unsigned(AUTO_FRACTION_BITS as u32 + 1, 1);
                FixedType::new(format).with_modes(Rounding::Rnd, Overflow::Sat)
            }
            ResultType::Cast(types) => {
                let ty = types.get(0);
                let overflow =
                    if ty.overflow == Overflow::SatSym { ty.overflow } else { Overflow::Sat };
                FixedType { overflow, ..ty }
            }
        }
    }

    /// How far a result of our own softmax is at most from the softmax of its input; `None` for
    /// the other implementations. The terms of the sum, n the number of classes:
    /// - n times the rounding of an exponential: half its step, a step just below 1;
    /// - tanh(h / 2), h half the length of an interval of the table of exponentials;
    /// - the error of a reciprocal: half its step, and half an interval of its table;
    /// - two steps of the result: its rounding, and the step that keeps a class below the winner;
    /// - what the result's largest value lacks to 1.
    ///
    /// # Errors
    /// When the parameters and the input do not give tables.
    pub fn error_bound(&self, input: &TensorType) -> Result<Option<f64>, Problem> {
        let SoftmaxImplementation::Exact { exp_bits, reciprocal_bits, max_table_size } =
            self.implementation
        else {
            return Ok(None);
        };
        let tables = exact::tables((exp_bits, reciprocal_bits), max_table_size, input)?;
        let format = self.exact_result_type().format;
        let largest = format.to_f64(format.range().hi);
        Ok(Some(tables.error_bound + 2.0 * format.to_f64(1) + (1.0 - largest).max(0.0)))
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let entries = self.entries(input)?;
        let n = input.shape.last_extent();
        let elements: Vec<ExactRange> = input.exact_ranges().collect();
        let mut exact = Vec::with_capacity(elements.len());
        for slice in elements.chunks(n) {
            match (self.implementation, &entries) {
                (SoftmaxImplementation::Exact { .. }, _) => {
                    if let ResultType::Cast(types) = &self.result
                        && types.len_per_element().is_some()
                    {
                        return Err(Problem::OneFormat { what: "the result" });
                    }
                    let ty = self.exact_result_type();
                    let one = ty.cast(Value { mantissa: 1, fraction_bits: 0 });
                    let range = Range::new(0, one.max(0));
                    exact.extend(slice.iter().map(|_| (range, ty.fraction_bits())));
                }
                (SoftmaxImplementation::Argmax, _) | (_, None) => {
                    exact.extend(slice.iter().map(|_| (Range::new(0, 1), 0)));
                }
                (SoftmaxImplementation::Stable(tables), Some(entries)) => {
                    let ty = difference_type(common_format(input)?);
                    let differences = hls4ml::differences(slice, ty)?;
                    exact.extend(hls4ml::products(tables, entries, &differences)?);
                }
                (SoftmaxImplementation::Latency(tables), Some(entries)) => {
                    exact.extend(hls4ml::products(tables, entries, slice)?);
                }
                (SoftmaxImplementation::Legacy { table, .. }, Some(entries)) => {
                    exact.extend(hls4ml::legacy_reciprocals(table, entries, slice)?);
                }
            }
        }
        result_tensor(input.shape.clone(), &exact, &self.result)
    }
}

impl Argmax {
    pub(super) fn infer(input: &TensorType) -> Result<TensorType, Problem> {
        let n = input.shape.last_extent();
        let mut extents = input.shape.extents().to_vec();
        if let Some(last) = extents.last_mut() {
            *last = 1;
        }
        let shape = Shape::new(extents.clone()).ok_or(Problem::TensorSize { extents })?;
        let elements: Vec<ExactRange> = input.exact_ranges().collect();
        // The circuit compares the numbers on their common grid.
        for slice in elements.chunks(n) {
            aligned(slice)?;
        }
        let exact = vec![(Range::new(0, n as i128 - 1), 0); shape.element_count()];
        result_tensor(shape, &exact, &ResultType::Auto)
    }
}

/// The type of the difference to the maximum in hls4ml's `stable`, for an input of this format. It
/// wraps: differences of half the range of a signed input and more come out too small.
pub fn difference_type(input: Format) -> FixedType {
    let sign_bits = u32::from(input.signed);
    let width = input.width.saturating_sub(sign_bits);
    FixedType::new(Format::unsigned(width, input.integer_bits - sign_bits as i32))
}

fn common_format(input: &TensorType) -> Result<Format, Problem> {
    input.common_format().ok_or(Problem::OneFormat { what: "the input" })
}
