//! A cast in the steps that a computation in integers of the machine takes.

use crate::fixed::{FixedType, Overflow, Value};
use crate::layers::{ExactRange, ResultType};
use crate::range::Range;
use crate::tensor::TensorType;

/// A cast of numbers on one grid to one type: bits are dropped as the type rounds or zeros are
/// appended, and what the type does not hold becomes what its overflow mode says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CastSteps {
    /// The bits to drop.
    pub down: u32,
    /// The bits to append; never as well as `down`.
    pub up: u32,
    /// Whether the type does not hold some of the rounded numbers.
    pub overflows: bool,
    /// Whether every number becomes 0, so that no other step is needed.
    pub vanishes: bool,
    /// The rounded mantissas, before bits are appended, that the type holds.
    pub limits: Range,
    /// The ends of the type, which the others become where it saturates.
    pub ends: Range,
    /// What the numbers become.
    pub result: Range,
}

impl CastSteps {
    /// The cast of numbers in a range.
    pub fn new((range, fraction_bits): ExactRange, ty: FixedType) -> Self {
        let format = ty.format;
        let (down, up) = moved(fraction_bits, ty.fraction_bits());
        let overflows = [range.lo, range.hi]
            .into_iter()
            .any(|mantissa| ty.overflows(Value { mantissa, fraction_bits }));
        let wraps_away = overflows && ty.overflow == Overflow::Wrap && up >= format.width;
        let ends = ty.overflow.range_of(format);
        Self {
            down,
            up,
            overflows,
            vanishes: format.width == 0 || range == Range::ZERO || wraps_away,
            limits: ends.before_shift(up),
            ends,
            result: range.cast(fraction_bits, ty),
        }
    }
}

/// What the exact result of a layer becomes in its tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// It is cast to a type.
    Type(FixedType),
    /// It moves to a grid that has it, with so many bits after the binary point; there it lies in
    /// this range.
    Grid(i32, Range),
}

/// What the exact results of a layer become in its tensor: one target for all elements where the
/// results are `alike` (on one grid, in one range) and the elements are, else one for each.
pub fn targets(result: &ResultType, output: &TensorType, alike: bool) -> Vec<Target> {
    let each = |of: &dyn Fn(usize) -> Target| (0..output.element_count()).map(of).collect();
    match (result, output.common_format().filter(|_| alike)) {
        (ResultType::Cast(types), _) if alike && types.len_per_element().is_none() => {
            vec![Target::Type(types.get(0))]
        }
        (ResultType::Cast(types), _) => each(&|index| Target::Type(types.get(index))),
        (ResultType::Auto, Some(format)) => {
            let union = output.ranges.iter().copied().reduce(Range::union).unwrap_or(Range::ZERO);
            vec![Target::Grid(format.fraction_bits(), union)]
        }
        (ResultType::Auto, None) => {
            each(&|index| Target::Grid(output.format(index).fraction_bits(), output.ranges[index]))
        }
    }
}

/// The bits that a number drops and those that are appended to it on the way from one grid to
/// another; one of the two is 0.
pub fn moved(from: i32, to: i32) -> (u32, u32) {
    let dropped = from - to;
    (dropped.max(0) as u32, (-dropped).max(0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Format;
    use crate::tensor::{Shape, Types};

    fn steps(lo: i128, hi: i128, fraction_bits: i32, ty: &str) -> CastSteps {
        CastSteps::new((Range::new(lo, hi), fraction_bits), ty.parse().unwrap())
    }

    #[test]
    fn limits_are_before_bits_are_appended() {
        // fixed<8,6> has two bits after the point: what is above 127 / 4 overflows.
        let found = steps(-40, 40, 0, "fixed<8,6,RND,SAT>");
        assert_eq!((found.down, found.up, found.overflows), (0, 2, true));
        assert_eq!((found.limits, found.ends), (Range::new(-32, 31), Range::new(-128, 127)));
        assert_eq!(found.result, Range::new(-128, 127));
        assert_eq!(steps(-40, 40, 0, "fixed<8,6,RND,SAT_SYM>").limits, Range::new(-31, 31));
        let found = steps(-124, 124, 4, "fixed<8,6,RND,SAT>");
        assert_eq!((found.down, found.up, found.overflows), (2, 0, false));
        assert_eq!(found.result, Range::new(-31, 31));
    }

    #[test]
    fn elements_that_are_alike_have_one_target() {
        let shape = || Shape::new([2]).unwrap();
        let (ty, ranges) = (Format::signed(6, 3), vec![Range::new(0, 9), Range::new(-4, 2)]);
        let uniform = TensorType::uniform(shape(), ty, ranges.clone());
        let auto = |tensor, alike| targets(&ResultType::Auto, tensor, alike);
        let [first, second] = [Target::Grid(3, ranges[0]), Target::Grid(3, ranges[1])];
        assert_eq!(auto(&uniform, true), [Target::Grid(3, Range::new(-4, 9))]);
        assert_eq!(auto(&uniform, false), [first, second]);
        let types = Types::PerElement(vec![ty.into(), Format::signed(6, 4).into()]);
        let mixed = TensorType::cast(shape(), &types, ranges.clone());
        assert_eq!(auto(&mixed, true), [first, Target::Grid(2, ranges[1])]);
        let cast = ResultType::from(FixedType::new(ty));
        assert_eq!(targets(&cast, &uniform, true), [Target::Type(ty.into())]);
        assert_eq!(targets(&cast, &uniform, false), [Target::Type(ty.into()); 2]);
        assert_eq!(targets(&ResultType::Cast(types), &mixed, true).len(), 2);
    }

    #[test]
    fn numbers_vanish_where_nothing_of_them_is_left() {
        assert!(steps(0, 0, 3, "fixed<8,6>").vanishes);
        // All of the type's bits are below those of an integer.
        assert!(steps(0, 5, 0, "ufixed<3,-1>").vanishes);
        assert!(!steps(0, 5, 0, "ufixed<3,-1,TRN,SAT>").vanishes);
        assert!(!steps(0, 5, 0, "ufixed<3,1>").vanishes);
    }
}
