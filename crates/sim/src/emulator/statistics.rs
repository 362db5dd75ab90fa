//! What the numbers of each layer did to their types: how often each element left its range, what
//! range would have held it, and where in their format the numbers lie.

use rtl4ml_ir::{Format, Overflow, Range};

/// The counters of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    /// One entry an element of its result.
    pub elements: Vec<ElementCounters>,
    /// How many results had so many significant bits: 0 has none, -1 and 1 have one, and the most
    /// negative number of a type has as many as its largest. Counted are the numbers as they are
    /// before those outside of the type's range wrap or saturate.
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
    /// Where sums and terms were, on the accumulator's grid, had none of them wrapped or saturated;
    /// known where they may.
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
            self.significant_bits[significant_bits(*mantissa)] += 1;
        }
    }

    pub(super) fn reach(&mut self, element: usize, sums: &[i128]) {
        let own = &mut self.elements[element];
        for sum in sums {
            extend(&mut own.sums, *sum);
        }
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

fn significant_bits(mantissa: i128) -> usize {
    let ones = if mantissa < 0 { (-(mantissa + 1)).max(1) } else { mantissa };
    ((i128::BITS - ones.leading_zeros()) as usize).min(MOST_BITS)
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
    use crate::emulator::Emulator;
    use crate::vectors::{Random, corners_and_random};
    use rtl4ml_ir::{Constant, Dense, FixedType, Network, Value, VerifiedNetwork, verify};

    #[test]
    fn the_ends_of_a_type_have_as_many_bits() {
        let found = [-129, -128, -2, -1, 0, 1, 127, 128].map(significant_bits);
        assert_eq!(found, [8, 7, 1, 1, 0, 1, 7, 8]);
    }

    /// A layer whose accumulator and whose result are too narrow, and what it computes step by
    /// step in 128 bits.
    #[test]
    fn what_leaves_its_type_is_counted_and_the_suggested_types_hold_it() {
        let ty = |text: &str| text.parse::<FixedType>().unwrap();
        let numbers = [1.5, -2.25, 0.75, 3.0, -0.5, 1.25];
        let count = 500;
        let build = |accum: FixedType, result: FixedType| {
            let mut network = Network::new("narrow");
            let x = network.input("x", [3], ty("fixed<6,3>"));
            let weight = Constant::quantize([3, 2], &numbers, ty("fixed<6,3>")).unwrap();
            let dense = Dense::new(weight, None).with_accum(accum).with_result(result);
            let y = network.layer("fc", dense, [x]);
            network.outputs = vec![y];
            verify(network).unwrap()
        };
        let count_in = |network: &VerifiedNetwork| {
            let samples = corners_and_random(network, count, &mut Random::new(9));
            let inputs = vec![samples.iter().flat_map(|s| s[0].iter().copied()).collect()];
            let found = Emulator::new(network).run(&inputs, count, &[], true);
            (samples, found.counters)
        };
        for (accum, result) in [
            (ty("fixed<9,4>"), ty("fixed<6,3,RND>")),
            (ty("fixed<12,4,TRN,SAT>"), ty("fixed<6,3,TRN,SAT>")),
            (ty("fixed<14,8>"), ty("ufixed<7,3,RND,SAT_ZERO>")),
        ] {
            let (samples, counters) = count_in(&build(accum, result));
            for (j, found) in counters[0].elements.iter().enumerate() {
                let (mut outside, mut left) = (0, 0);
                for sample in &samples {
                    let (mut sum, mut narrow) = (0, false);
                    for (k, x) in sample[0].iter().enumerate() {
                        let weight = (numbers[2 * k + j] * 8.0) as i128;
                        let product = Value { mantissa: weight * x, fraction_bits: 6 };
                        let fraction_bits = accum.fraction_bits();
                        let exact = Value { mantissa: sum + accum.cast(product), fraction_bits };
                        narrow |= accum.overflows(product) || accum.overflows(exact);
                        sum = accum.cast(exact);
                    }
                    let sum = Value { mantissa: sum, fraction_bits: accum.fraction_bits() };
                    outside += u64::from(result.overflows(sum));
                    left += u64::from(narrow);
                }
                assert_eq!((found.outside, found.left_accumulator), (outside, left), "{accum:?}");
            }
            let all = |of: fn(&ElementCounters) -> Option<Range>| {
                counters[0].elements.iter().filter_map(of).reduce(Range::union)
            };
            let sums = all(|own| own.sums).unwrap_or(Range::ZERO);
            let wide = |range, ty: FixedType| FixedType {
                format: holding(range, ty.format, ty.overflow),
                ..ty
            };
            let accum = wide(sums, accum);
            let (_, counters) = count_in(&build(accum, result));
            let range = all_of(&counters[0]);
            assert!(counters[0].elements.iter().all(|own| own.left_accumulator == 0));
            let (_, counters) = count_in(&build(accum, wide(range, result)));
            assert!(counters[0].elements.iter().all(|own| own.outside == 0));
        }
    }

    fn all_of(counters: &Counters) -> Range {
        counters.elements.iter().filter_map(|own| own.range).reduce(Range::union).unwrap()
    }

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
