//! Our own softmax: its tables and their error.

use super::SoftmaxEntries;
use crate::error::Problem;
use crate::fixed::Value;
use crate::layers::bounded;
use crate::layers::pool::aligned;
use crate::layers::table::{Intervals, MAX_TABLE_SIZE, Table};
use crate::range::Range;
use crate::tensor::TensorType;

/// The most bits after the binary point of the exponentials: a product has twice as many.
const MAX_EXP_BITS: u32 = 30;

/// The tables, and the error of their quotient.
pub(super) struct ExactTables {
    pub entries: SoftmaxEntries,
    /// How far e * v is at most from the softmax, before it is cast to the result.
    pub error_bound: f64,
}

pub(super) fn tables(
    (exp_bits, reciprocal_bits): (u32, u32),
    max_table_size: usize,
    input: &TensorType,
) -> Result<ExactTables, Problem> {
    let most_reciprocal = MAX_TABLE_SIZE.trailing_zeros();
    for (what, found, most) in [
        ("exp_bits", exp_bits, MAX_EXP_BITS),
        ("reciprocal_bits", reciprocal_bits, most_reciprocal),
    ] {
        if !(1..=most).contains(&found) {
            return Err(Problem::Bits { what, found, most });
        }
    }
    let classes = input.shape.last_extent();
    let one = 1i128 << exp_bits;
    let Exponentials { table: exp, rounding, half_length } =
        exponentials(exp_bits, max_table_size, input)?;

    let sums = (Range::new(one, one * classes as i128), exp_bits as i32);
    let intervals = Intervals::new(sums, 1 << reciprocal_bits, true);
    let fraction_bits = exp_bits as i32 + 1;
    let entry = |sum: f64| (2f64.powi(fraction_bits) / sum).round() as i128;
    let entries: Vec<i128> = intervals.middles().map(entry).collect();
    let half_step = 2f64.powi(-fraction_bits) / 2.0;
    // The slope of 1 / s is at most 1, because the winner alone makes s 1.
    let reciprocal_error = half_step + intervals.half_length();

    let reciprocal = intervals.table(entries, fraction_bits);
    // The rounding of every e but the winner's enters the sum, and its own the product. Reading
    // the middle of an interval moves each x by at most half of it; a class' share changes most
    // where it is one half, with all others moved the other way: from 1 / (1 + exp(-h)) to
    // 1 / (1 + exp(h)), h half the length.
    let moved = libm::tanh(half_length / 2.0);
    let error_bound = classes as f64 * rounding + moved + reciprocal_error;
    Ok(ExactTables { entries: SoftmaxEntries { exp, reciprocal }, error_bound })
}

/// The table of exp(-d).
struct Exponentials {
    table: Table,
    /// The largest error of an entry at the middle of its interval.
    rounding: f64,
    /// Half the length of an interval.
    half_length: f64,
}

/// The table of exp(-d) for the range of d.
fn exponentials(
    exp_bits: u32,
    max_table_size: usize,
    input: &TensorType,
) -> Result<Exponentials, Problem> {
    let elements: Vec<_> = input.exact_ranges().collect();
    let (ranges, fraction_bits) = aligned(&elements)?;
    // One table serves all positions, whose classes may be anywhere in the tensor's range: so a
    // position can be computed without knowing which it is.
    let top = ranges.iter().map(|range| range.hi).max().unwrap_or_default();
    let bottom = ranges.iter().map(|range| range.lo).min().unwrap_or_default();
    let largest = bounded(Some(Range::new(0, top - bottom)), "the difference of two x")?.hi;
    // Beyond this difference every exponential is rounded to 0.
    let vanishing = f64::from(exp_bits + 1) * std::f64::consts::LN_2;
    let vanishing = vanishing * 2f64.powi(fraction_bits);
    let last = (vanishing.ceil() as i128).clamp(0, largest);
    let intervals = Intervals::new((Range::new(0, last), fraction_bits), max_table_size, true);
    let one = 1i128 << exp_bits;
    let step = 2f64.powi(-(exp_bits as i32));
    let mut worst = step / 2.0;
    let mut entries: Vec<i128> = Vec::new();
    for difference in intervals.middles() {
        let exact = libm::exp(-difference);
        let rounded = (exact / step).round() as i128;
        let entry = if difference > 0.0 { rounded.min(one - 1) } else { one };
        worst = worst.max((entry as f64 * step - exact).abs());
        entries.push(entry);
    }
    let mut table = intervals.table(entries, exp_bits as i32);
    if last < largest {
        table.entries.push(0);
    }
    debug_assert_eq!(table.lookup(Value { mantissa: 0, fraction_bits }).mantissa, one);
    Ok(Exponentials { table, rounding: worst, half_length: intervals.half_length() })
}
