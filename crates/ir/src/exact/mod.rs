//! Constants and ranges on one grid, for who computes a layer in integers of the machine: `sim`'s
//! emulator and the C++ header choose by them the narrowest integers that hold every step.
//!
//! What this module guarantees: a result is exact, and `None` where 128 bits do not hold it.
//!
//! Who gets `None` leaves the layer to the reference, or refuses it; no integer follows from where
//! that limit is. It is high, because the C++ header computes in up to 128 bits, so every number
//! below it is worth having. The emulator has at most 64: what they do not hold it refuses a step
//! later, and where it takes only the low bits of a constant, it has checked that they suffice.

mod cast;

pub use cast::{CastSteps, Target, moved, targets};

use crate::fixed::Value;
use crate::layers::{ExactRange, MergeKind, Op};
use crate::range::Range;
use crate::tensor::TensorType;

/// By how many bits a number may move to a finer grid, exclusive: that of the ends of a [`Range`],
/// so that the power of two itself could be one.
const LIMIT_BITS: u32 = 126;

/// The number on a grid; `None` where it moves by 126 bits or more, does not fit 128, or lies
/// between two points of the grid as it is written.
pub fn at(value: Value, fraction_bits: i32) -> Option<i128> {
    if value.mantissa == 0 {
        return Some(0);
    }
    let up = u32::try_from(fraction_bits - value.fraction_bits).ok();
    value.mantissa.checked_mul(1 << up.filter(|up| *up < LIMIT_BITS)?)
}

/// The finest grid of numbers other than 0.
pub fn grid_of(values: impl Iterator<Item = Value>) -> i32 {
    let others = values.filter(|value| value.mantissa != 0);
    others.map(|value| value.fraction_bits).max().unwrap_or_default()
}

/// The range times a number.
pub fn times(range: Range, factor: i128) -> Option<Range> {
    range.times(Range::constant(factor))
}

/// The range on a grid that is finer by so many bits; `None` for a coarser one.
pub fn up(range: Range, bits: i32) -> Option<Range> {
    range.shifted_left(u32::try_from(bits).ok()?)
}

/// All elements of a tensor on their finest grid.
pub fn of_tensor(tensor: &TensorType) -> Option<ExactRange> {
    let others = || tensor.exact_ranges().filter(|(range, _)| *range != Range::ZERO);
    let grid = others().map(|(_, fraction_bits)| fraction_bits).max().unwrap_or_default();
    let mut union: Option<Range> = None;
    for (range, fraction_bits) in tensor.exact_ranges() {
        let range = if range == Range::ZERO { range } else { up(range, grid - fraction_bits)? };
        union = Some(union.map_or(range, |union| union.union(range)));
    }
    Some((union.unwrap_or(Range::ZERO), grid))
}

/// The inputs of a layer, each with all of its elements on one grid: the same for all of them where
/// its elements meet those of the others as they are.
pub fn of_inputs(op: &Op, tensors: &[&TensorType]) -> Option<Vec<ExactRange>> {
    let ranges = tensors.iter().map(|tensor| of_tensor(tensor));
    let mut ranges: Vec<ExactRange> = ranges.collect::<Option<_>>()?;
    let meet = match op {
        Op::Concatenate(_) => true,
        Op::Merge(merge) => merge.kind != MergeKind::Multiply,
        _ => false,
    };
    if meet {
        let grid = ranges.iter().map(|(_, grid)| *grid).max()?;
        for (range, own) in &mut ranges {
            *range = up(*range, grid - *own)?;
            *own = grid;
        }
    }
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Format;
    use crate::tensor::{Shape, Types};

    #[test]
    fn numbers_move_to_finer_grids_only_and_by_less_than_126_bits() {
        let value = |mantissa, fraction_bits| Value { mantissa, fraction_bits };
        assert_eq!(at(value(-3, 2), 5), Some(-24));
        assert_eq!(at(value(8, 2), 1), None);
        assert_eq!(at(value(0, 2), -900), Some(0));
        assert_eq!(at(value(1, 0), 125), Some(1 << 125));
        assert_eq!(at(value(1, 0), 126), None);
        assert_eq!(at(value(4, 0), 125), None);
    }

    #[test]
    fn elements_that_are_always_zero_are_on_any_grid() {
        let types = [Format::signed(4, 2), Format::unsigned(3, 0), Format::unsigned(0, -400)];
        let ranges = types.iter().map(|format| format.range()).collect();
        let types = Types::PerElement(types.map(Into::into).to_vec());
        let tensor = TensorType::cast(Shape::new([3]).unwrap(), &types, ranges);
        assert_eq!(of_tensor(&tensor), Some((Range::new(-16, 14), 3)));
        let values =
            [Value { mantissa: 0, fraction_bits: 9 }, Value { mantissa: 1, fraction_bits: 4 }];
        assert_eq!(grid_of(values.into_iter()), 4);
    }
}
