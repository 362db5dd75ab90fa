//! What the numbers of each layer did to their types: how often each element left its range, what
//! range would have held it, and where in their format the numbers lie.

use rtl4ml_ir::{Format, Overflow, Range};

/// The counters of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    /// One entry an element of its result.
    pub elements: Vec<ElementCounters>,
    /// How many results had so many significant bits: 0 has none, -1 and 1 have one. Counted are the
    /// numbers as they are before those outside of the type's range wrap or saturate.
    pub significant_bits: Vec<u64>,
}

/// The counters of one element of a layer's result, over all samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ElementCounters {
    /// How many results were outside of the type's range.
    pub outside: u64,
    /// Where the results were, as mantissas of the result's grid, before they wrapped or saturated.
    pub range: Option<Range>,
    /// How many sums left the accumulator's type on the way.
    pub left_accumulator: u64,
    /// Where the sums were that were looked at, on the accumulator's grid.
    pub sums: Option<Range>,
}

/// The significant bits that are told apart.
const MOST_BITS: usize = 127;

impl Counters {
    pub(super) fn new(elements: usize) -> Self {
        let significant_bits = vec![0; MOST_BITS + 1];
        Self { elements: vec![ElementCounters::default(); elements], significant_bits }
    }

    pub(super) fn result(&mut self, element: usize, wanted: &[i128], outside: &[bool]) {
        let own = &mut self.elements[element];
        own.outside += outside.iter().filter(|outside| **outside).count() as u64;
        for mantissa in wanted {
            extend(&mut own.range, *mantissa);
            let bits = u128::BITS - mantissa.unsigned_abs().leading_zeros();
            self.significant_bits[(bits as usize).min(MOST_BITS)] += 1;
        }
    }

    pub(super) fn reach(&mut self, element: usize, sums: &[i128]) {
        let own = &mut self.elements[element];
        sums.iter().for_each(|sum| extend(&mut own.sums, *sum));
    }

    pub(super) fn left_accumulator(&mut self, element: usize, outside: &[bool]) {
        let count = outside.iter().filter(|outside| **outside).count();
        self.elements[element].left_accumulator += count as u64;
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (own, other) in self.elements.iter_mut().zip(&other.elements) {
            own.outside += other.outside;
            own.left_accumulator += other.left_accumulator;
            own.range = union(own.range, other.range);
            own.sums = union(own.sums, other.sums);
        }
        for (own, other) in self.significant_bits.iter_mut().zip(&other.significant_bits) {
            *own += other;
        }
    }
}

fn extend(range: &mut Option<Range>, mantissa: i128) {
    *range = union(*range, Some(Range::constant(mantissa)));
}

fn union(a: Option<Range>, b: Option<Range>) -> Option<Range> {
    a.zip(b).map(|(a, b)| a.union(b)).or(a).or(b)
}

/// The format with the fewest integer bits that holds a range on the grid of `format`, and all
/// that `format` holds of its signedness.
pub fn holding(range: Range, format: Format, overflow: Overflow) -> Format {
    let fits = |candidate: Format| range.within(overflow.range_of(candidate));
    let signed = format.signed || range.lo < 0;
    let wider = |more: u32| Format {
        signed,
        width: format.width + more,
        integer_bits: format.integer_bits + more as i32,
    };
    (0..64).map(wider).find(|candidate| fits(*candidate)).unwrap_or(wider(64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggested_format_is_the_narrowest_on_the_same_grid() {
        let range = Range::new(-300, 40);
        let found = holding(range, Format::signed(8, 4), Overflow::Wrap);
        assert_eq!(found, Format::signed(10, 6));
        assert_eq!(holding(range, Format::unsigned(9, 5), Overflow::Wrap), Format::signed(10, 6));
        // A symmetric type does not hold its most negative mantissa.
        let edge = Range::new(-512, 0);
        assert_eq!(holding(edge, Format::signed(8, 4), Overflow::Sat), Format::signed(10, 6));
        assert_eq!(holding(edge, Format::signed(8, 4), Overflow::SatSym), Format::signed(11, 7));
    }
}
