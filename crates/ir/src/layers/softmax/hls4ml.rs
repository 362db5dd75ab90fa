//! hls4ml's softmax: its tables, and the ranges that its steps give.

use super::{SoftmaxEntries, SoftmaxTables, common_format};
use crate::error::Problem;
use crate::fixed::{FixedType, Format, Rounding, Value};
use crate::layers::kernel::{ExactRange, exact_sum};
use crate::layers::pool::{aligned, maximum};
use crate::layers::table::{IndexRule, Table, cast_number, check_size};
use crate::layers::{MAX_TABLE_SIZE, bounded};
use crate::range::Range;
use crate::tensor::TensorType;

/// The exponential, rounded to single precision.
fn exp32(x: f64) -> f64 {
    f64::from(libm::exp(x) as f32)
}

/// The table of the values that the top bits of a format stand for.
fn table_of_top_bits(format: Format, bits: u32, ty: FixedType, f: impl Fn(f64) -> f64) -> Table {
    let index = IndexRule::top_bits(format, bits);
    let entry = |entry: i128| {
        let value = Value { mantissa: entry - index.offset, ..index.scale };
        // An entry stands for the inverse of the index: its integer divided by the scale.
        let value = value.mantissa as f64 * 2f64.powi(index.scale.fraction_bits);
        cast_number(ty, f(value))
    };
    let entries = (0..1i128 << bits).map(entry).collect();
    Table { entries, fraction_bits: ty.fraction_bits(), index }
}

/// The tables of `stable` (of the negative of `argument`) and `latency` (of `argument` itself).
pub(super) fn entries(
    tables: SoftmaxTables,
    input: &TensorType,
    argument: Format,
    negated: bool,
) -> Result<SoftmaxEntries, Problem> {
    let size = tables.table_size;
    check_size(size)?;
    if !size.is_power_of_two() {
        return Err(Problem::TablePower { found: size, below: 1 << size.ilog2() });
    }
    let input_width = common_format(input)?.width;
    let bits = size.ilog2().min(input_width).min(tables.inv_table.format.width);
    let format = tables.inv_inp.format;
    if format.width < bits {
        return Err(Problem::TableIndex { format, bits });
    }
    let exp = |x: f64| exp32(if negated { -x } else { x });
    let reciprocal = |x: f64| f64::from(1.0 / x as f32);
    Ok(SoftmaxEntries {
        exp: table_of_top_bits(argument, bits.min(argument.width), tables.exp_table, exp),
        reciprocal: table_of_top_bits(format, bits, tables.inv_table, reciprocal),
    })
}

/// The tables of `legacy`.
pub(super) fn legacy_entries(size: usize, ty: FixedType) -> Result<SoftmaxEntries, Problem> {
    check_size(size)?;
    debug_assert!(size <= MAX_TABLE_SIZE);
    let n = size as f64;
    let exp = |index: usize| {
        let x = (16.0 * (index as f64 - n / 2.0) / n) as f32;
        cast_number(ty, exp32(f64::from(x)))
    };
    let reciprocal = |index: usize| {
        if index == 0 { 0 } else { cast_number(ty, n / (64.0 * index as f64)) }
    };
    let rule = |log2_span, offset| IndexRule {
        origin: Value::ZERO,
        scale: Value { mantissa: size as i128, fraction_bits: log2_span },
        rounding: Rounding::TrnZero,
        offset,
    };
    let fraction_bits = ty.fraction_bits();
    Ok(SoftmaxEntries {
        exp: Table {
            entries: (0..size).map(exp).collect(),
            fraction_bits,
            index: rule(4, (size / 2) as i128),
        },
        reciprocal: Table {
            entries: (0..size).map(reciprocal).collect(),
            fraction_bits,
            index: rule(6, 0),
        },
    })
}

/// The ranges of max(x) - x\[i\], cast to `ty`.
pub(super) fn differences(slice: &[ExactRange], ty: FixedType) -> Result<Vec<ExactRange>, Problem> {
    let (top, grid) = maximum(slice)?;
    let (ranges, _) = aligned(slice)?;
    let difference = |x: Range| {
        let difference = Range::new((top.lo - x.hi).max(0), top.hi - x.lo);
        let difference = bounded(Some(difference), "the difference to the maximum")?;
        Ok((difference.cast(grid, ty), ty.fraction_bits()))
    };
    ranges.into_iter().map(difference).collect()
}

/// The ranges of e\[i\] * v on arguments of the exponentials with these ranges.
pub(super) fn products(
    tables: SoftmaxTables,
    entries: &SoftmaxEntries,
    arguments: &[ExactRange],
) -> Result<Vec<ExactRange>, Problem> {
    let accum = tables.accum;
    let cast = |(range, fraction): ExactRange, ty: FixedType| {
        (range.cast(fraction, ty), ty.fraction_bits())
    };
    let exponential = |x: &ExactRange| Ok(cast(entries.exp.range(*x)?, accum));
    let exponentials = arguments.iter().map(exponential).collect::<Result<Vec<_>, _>>()?;
    let sum = cast(tree_sum(&exponentials, accum)?, tables.inv_inp);
    let (reciprocal, reciprocal_fraction) = entries.reciprocal.range(sum)?;
    let product = |(range, fraction): &ExactRange| {
        let product = bounded(range.times(reciprocal), "the product with the reciprocal")?;
        Ok((product, fraction + reciprocal_fraction))
    };
    exponentials.iter().map(product).collect()
}

/// The range of the sum by halves, each sum cast to `accum`: the first part is the largest power
/// of two that leaves something for the second.
fn tree_sum(terms: &[ExactRange], accum: FixedType) -> Result<ExactRange, Problem> {
    if let [term] = terms {
        return Ok(*term);
    }
    let (left, right) = terms.split_at(terms.len().next_power_of_two() / 2);
    let parts = [tree_sum(left, accum)?, tree_sum(right, accum)?];
    let (range, fraction) = exact_sum(parts.into_iter(), "the sum of exponentials")?;
    Ok((range.cast(fraction, accum), accum.fraction_bits()))
}

/// The ranges of the reciprocals that `legacy` gives.
pub(super) fn legacy_reciprocals(
    ty: FixedType,
    entries: &SoftmaxEntries,
    slice: &[ExactRange],
) -> Result<Vec<ExactRange>, Problem> {
    let (ranges, grid) = aligned(slice)?;
    let fraction = ty.fraction_bits();
    let one = (Range::constant(1), 0);
    let reciprocal = |i: usize| {
        let mut sum = (Range::ZERO, fraction);
        for (j, x) in ranges.iter().enumerate() {
            let term = if i == j {
                one
            } else {
                let difference = bounded(x.plus(ranges[i].negated()), "the difference of two x")?;
                entries.exp.range((difference, grid))?
            };
            let (range, finest) = exact_sum([sum, term].into_iter(), "the sum of exponentials")?;
            sum = (range.cast(finest, ty), fraction);
        }
        entries.reciprocal.range(sum)
    };
    (0..slice.len()).map(reciprocal).collect()
}
