//! Where integers can be, for the choice of the machine's integers that hold them.

use rtl4ml_ir::layers::ExactRange;
use rtl4ml_ir::{Range, TensorType, Value};

/// The number on a grid; `None` beyond 126 bits, or where the grid is too coarse.
pub(crate) fn at(value: Value, fraction_bits: i32) -> Option<i128> {
    if value.mantissa == 0 {
        return Some(0);
    }
    let up = u32::try_from(fraction_bits - value.fraction_bits).ok().filter(|up| *up < 126)?;
    value.mantissa.checked_mul(1 << up)
}

/// The finest grid of numbers other than 0.
pub(crate) fn grid_of(values: impl Iterator<Item = Value>) -> i32 {
    let others = values.filter(|value| value.mantissa != 0);
    others.map(|value| value.fraction_bits).max().unwrap_or_default()
}

/// The range times a number.
pub(crate) fn times(range: Range, factor: i128) -> Option<Range> {
    range.times(Range::constant(factor))
}

/// The range on a finer grid.
pub(crate) fn up(range: Range, bits: i32) -> Option<Range> {
    range.shifted_left(u32::try_from(bits).ok()?)
}

/// All elements of a tensor on their finest grid.
pub(crate) fn of_tensor(tensor: &TensorType) -> Option<ExactRange> {
    let others = || tensor.exact_ranges().filter(|(range, _)| *range != Range::ZERO);
    let grid = others().map(|(_, fraction_bits)| fraction_bits).max().unwrap_or_default();
    let mut union: Option<Range> = None;
    for (range, fraction_bits) in tensor.exact_ranges() {
        let range = if range == Range::ZERO { range } else { up(range, grid - fraction_bits)? };
        union = Some(union.map_or(range, |union| union.union(range)));
    }
    Some((union.unwrap_or(Range::ZERO), grid))
}
