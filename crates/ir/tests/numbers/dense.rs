//! The types that [`Dense`] infers, against its outputs computed in rational arithmetic.
//!
//! The outputs follow the definition: the bias and each exact product are cast to the accumulator
//! and added in it, inputs ascending; without an accumulator type the sum is exact. Whatever the
//! inputs are, an output must lie in the inferred range; where sums are exact, the ends of that
//! range must be reached.

use std::collections::BTreeSet;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use proptest::prelude::*;
use rtl4ml_ir::{
    Constant, Dense, FixedType, Format, Kernel, Network, Op, Overflow, Range, ResultType, Shape,
    TensorType, Types, verify,
};

use crate::oracle;
use crate::strategies::{element, small_type};

/// The most combinations of inputs that are all tried; of more, the ends and some others are.
const SWEPT_COMBINATIONS: usize = 128;

/// A layer with its input, described by what the layer is made of.
#[derive(Clone, Debug)]
struct Case {
    positions: usize,
    n_in: usize,
    n_out: usize,
    /// The types of the input's elements.
    inputs: Types,
    /// The range of each element of the input.
    ranges: Vec<Range>,
    weights: Vec<f64>,
    weight_types: Types,
    biases: Option<(Vec<f64>, Types)>,
    accum: Option<FixedType>,
    result: ResultType,
    /// Selects inputs where not all are tried.
    picks: Vec<u128>,
}

/// One type for each of `count` elements, or one for all.
fn types(count: usize, most_bits: u32) -> impl Strategy<Value = Types> {
    let per_element = prop::collection::vec(small_type(most_bits), count);
    prop_oneof![
        per_element.prop_map(Types::PerElement),
        small_type(most_bits).prop_map(Types::PerTensor),
    ]
}

fn weights(count: usize) -> impl Strategy<Value = Vec<f64>> {
    let quarters = (-16i32..=16).prop_map(|m| f64::from(m) / 4.0);
    let weight = prop_oneof![2 => Just(0.0), 3 => -4f64..4.0, 3 => quarters];
    prop::collection::vec(weight, count)
}

/// A part of the format's range, mostly all of it.
fn part_of(format: Format, picks: [u128; 3]) -> Range {
    let range = format.range();
    let ends = [element(range, picks[0]), element(range, picks[1])];
    match picks[2] % 4 {
        0 => Range::new(ends[0].min(ends[1]), ends[0].max(ends[1])),
        _ => range,
    }
}

fn case() -> impl Strategy<Value = Case> {
    (1usize..=2, 1usize..=4, 1usize..=3).prop_flat_map(|(positions, n_in, n_out)| {
        let (n_x, n_w, n_y) = (positions * n_in, n_in * n_out, positions * n_out);
        let inputs = (types(n_x, 4), prop::collection::vec(any::<[u128; 3]>(), n_x));
        let kernel = (weights(n_w), types(n_w, 6));
        let biases = prop::option::of((weights(n_out), types(n_out, 6)));
        let accum = prop::option::of(small_type(9));
        let result = prop_oneof![
            1 => Just(ResultType::Auto),
            1 => types(n_y, 8).prop_map(ResultType::Cast),
        ];
        let picks = prop::collection::vec(any::<u128>(), SWEPT_COMBINATIONS);
        (inputs, kernel, biases, accum, result, picks).prop_map(
            move |((inputs, parts), (weights, weight_types), biases, accum, result, picks)| {
                let ranges = parts
                    .into_iter()
                    .enumerate()
                    .map(|(i, part)| part_of(inputs.get(i).format, part))
                    .collect();
                Case {
                    positions,
                    n_in,
                    n_out,
                    inputs,
                    ranges,
                    weights,
                    weight_types,
                    biases,
                    accum,
                    result,
                    picks,
                }
            },
        )
    })
}

impl Case {
    fn dense(&self) -> Dense {
        let weight =
            Constant::quantize([self.n_in, self.n_out], &self.weights, self.weight_types.clone());
        let bias = self.biases.as_ref().map(|(numbers, types)| {
            Constant::quantize([self.n_out], numbers, types.clone()).unwrap()
        });
        let kernel = Kernel { weight: weight.unwrap(), bias, accum: self.accum };
        Dense { kernel, result: self.result.clone() }
    }

    /// The input's shape: one axis where there is one position.
    fn extents(&self) -> Vec<usize> {
        match self.positions {
            1 => vec![self.n_in],
            positions => vec![positions, self.n_in],
        }
    }

    fn input(&self) -> TensorType {
        let shape = Shape::new(self.extents()).unwrap();
        TensorType::cast(shape, &self.inputs, self.ranges.clone())
    }

    /// A constant as the definition says: the float cast to its type.
    fn constant(numbers: &[f64], types: &Types, index: usize) -> BigRational {
        let exact = BigRational::from_float(numbers[index]).unwrap();
        oracle::cast_number(&exact, types.get(index))
    }

    /// What enters the cast to the result, for output feature `j` of one position.
    fn sum(&self, x: &[BigRational], j: usize) -> BigRational {
        let to_accum = |number: BigRational| match self.accum {
            Some(accum) => oracle::cast_number(&number, accum),
            None => number,
        };
        let bias = self
            .biases
            .as_ref()
            .map_or_else(BigRational::zero, |(numbers, types)| Self::constant(numbers, types, j));
        let mut sum = to_accum(bias);
        for (k, x) in x.iter().enumerate() {
            let weight = Self::constant(&self.weights, &self.weight_types, k * self.n_out + j);
            sum = to_accum(sum + to_accum(x * weight));
        }
        sum
    }

    /// The mantissas of inputs to try at one position: all, or all ends and some others.
    fn samples(&self, position: usize) -> Vec<Vec<i128>> {
        let ranges = &self.ranges[position * self.n_in..][..self.n_in];
        let count = |range: &Range| (range.hi - range.lo) as usize + 1;
        let combinations: usize = ranges.iter().map(count).product();
        if combinations <= SWEPT_COMBINATIONS {
            return (0..combinations)
                .map(|mut index| {
                    let digit = |range: &Range| {
                        let digit = index % count(range);
                        index /= count(range);
                        range.lo + digit as i128
                    };
                    ranges.iter().map(digit).collect()
                })
                .collect();
        }
        let ends = (0..1usize << self.n_in).map(|choice| {
            let end = |(k, range): (usize, &Range)| {
                if choice >> k & 1 == 0 { range.lo } else { range.hi }
            };
            ranges.iter().enumerate().map(end).collect()
        });
        let others = self.picks.iter().map(|pick| {
            let other = |(k, range): (usize, &Range)| element(*range, pick >> (16 * k));
            ranges.iter().enumerate().map(other).collect()
        });
        ends.chain(others).collect()
    }

    /// The numbers that mantissas of one position's inputs stand for.
    fn numbers(&self, position: usize, mantissas: &[i128]) -> Vec<BigRational> {
        let number = |(k, mantissa): (usize, &i128)| {
            let ty = self.inputs.get(position * self.n_in + k);
            oracle::number(*mantissa, ty.fraction_bits())
        };
        mantissas.iter().enumerate().map(number).collect()
    }

    /// Whether the output grows with every term, so that all ends together reach the range's ends:
    /// rounding and saturation keep the order, wrapping and zeroing do not.
    fn is_exact(&self, index: usize) -> bool {
        let keeps_order = |ty: FixedType| matches!(ty.overflow, Overflow::Sat | Overflow::SatSym);
        let result_keeps_order = match &self.result {
            ResultType::Auto => true,
            ResultType::Cast(types) => keeps_order(types.get(index)),
        };
        self.accum.is_none_or(keeps_order) && result_keeps_order
    }

    /// Asserts everything that an inferred type promises about the outputs.
    fn check(&self, found: &TensorType) -> Result<(), TestCaseError> {
        prop_assert_eq!(found.element_count(), self.positions * self.n_out);
        prop_assert_eq!(found.shape.extents().last(), Some(&self.n_out));
        prop_assert_eq!(found.shape.rank(), self.extents().len());
        self.check_formats(found)?;
        for position in 0..self.positions {
            let samples: Vec<_> = self
                .samples(position)
                .iter()
                .map(|mantissas| self.numbers(position, mantissas))
                .collect();
            for j in 0..self.n_out {
                let index = position * self.n_out + j;
                let outputs = samples
                    .iter()
                    .map(|x| self.output(&self.sum(x, j), found, index))
                    .collect::<Result<BTreeSet<BigInt>, _>>()?;
                let range = found.ranges[index];
                let ends = [outputs.first(), outputs.last()].map(Option::unwrap);
                prop_assert!(
                    BigInt::from(range.lo) <= *ends[0] && *ends[1] <= BigInt::from(range.hi),
                    "output {} reaches {:?}, inferred {:?}",
                    index,
                    ends,
                    range
                );
                if self.is_exact(index) {
                    prop_assert_eq!(ends, [&BigInt::from(range.lo), &BigInt::from(range.hi)]);
                }
            }
        }
        Ok(())
    }

    /// The mantissa of an output in the inferred format.
    fn output(
        &self,
        sum: &BigRational,
        found: &TensorType,
        index: usize,
    ) -> Result<BigInt, TestCaseError> {
        match (&self.result, self.accum) {
            (ResultType::Cast(types), _) => Ok(oracle::cast(sum, types.get(index))),
            (ResultType::Auto, Some(accum)) => Ok(oracle::cast(sum, accum)),
            (ResultType::Auto, None) => {
                let grid = found.format(index).fraction_bits();
                let mantissa = sum * oracle::power_of_two(grid);
                prop_assert!(mantissa.is_integer(), "{} is not on the grid {}", sum, grid);
                Ok(mantissa.to_integer())
            }
        }
    }

    /// The most bits after the binary point that any term of any sum has, of those not always 0.
    fn finest_term(&self) -> i32 {
        let mut finest = None;
        for index in 0..self.positions * self.n_out {
            let (position, j) = (index / self.n_out, index % self.n_out);
            for k in 0..self.n_in {
                let (x, w) = (position * self.n_in + k, k * self.n_out + j);
                let weight = Self::constant(&self.weights, &self.weight_types, w);
                if self.ranges[x] != Range::ZERO && !weight.is_zero() {
                    let term = self.inputs.get(x).fraction_bits()
                        + self.weight_types.get(w).fraction_bits();
                    finest = finest.max(Some(term));
                }
            }
            if let Some((numbers, types)) = &self.biases
                && !Self::constant(numbers, types, j).is_zero()
            {
                finest = finest.max(Some(types.get(j).fraction_bits()));
            }
        }
        finest.unwrap_or_default()
    }

    fn check_formats(&self, found: &TensorType) -> Result<(), TestCaseError> {
        for (index, range) in found.ranges.iter().enumerate() {
            let format = found.format(index);
            prop_assert!(range.within(format.range()));
            match (&self.result, self.accum) {
                (ResultType::Cast(types), _) => prop_assert_eq!(format, types.get(index).format),
                (ResultType::Auto, Some(accum)) => prop_assert_eq!(format, accum.format),
                // One format for all elements, as narrow as their ranges together allow.
                (ResultType::Auto, None) => {
                    let all = found.ranges.iter().fold(Range::ZERO, |all, r| all.union(*r));
                    // A tensor of zeros has a bit all the same.
                    let all = if all == Range::ZERO { Range::new(0, 1) } else { all };
                    prop_assert_eq!(format, Format::holding(all, format.fraction_bits()));
                    prop_assert!(format.fraction_bits() <= self.finest_term());
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_output_lies_in_the_inferred_range_whose_ends_are_reached(case in case()) {
        let found = Op::from(case.dense()).infer(&[&case.input()]).unwrap();
        case.check(&found)?;
    }

    /// The same through the verifier, whose inputs take their formats' whole range.
    #[test]
    fn a_verified_network_has_the_inferred_type(mut case in case()) {
        let format = |index| case.inputs.get(index).format;
        case.ranges = (0..case.ranges.len()).map(|index| format(index).range()).collect();
        let mut network = Network::new("one");
        let x = network.input("x", case.extents(), case.inputs.clone());
        let y = network.layer("fc", case.dense(), [x]);
        network.outputs = vec![y];
        let verified = verify(network).unwrap();
        prop_assert_eq!(verified.tensor_type(x), &case.input());
        case.check(verified.tensor_type(y))?;
    }

    /// A type that rounds and overflows nothing changes nothing: only then may `auto` mean exact.
    #[test]
    fn an_accumulator_that_holds_everything_is_the_automatic_one(mut case in case()) {
        let wide = "fixed<60,30>".parse().unwrap();
        case.accum = None;
        let automatic = Op::from(case.dense()).infer(&[&case.input()]).unwrap();
        case.accum = Some(wide);
        let explicit = Op::from(case.dense()).infer(&[&case.input()]).unwrap();
        for index in 0..automatic.element_count() {
            let number = |found: &TensorType, end: i128| {
                oracle::number(end, found.format(index).fraction_bits())
            };
            let (a, e) = (automatic.ranges[index], explicit.ranges[index]);
            prop_assert_eq!(number(&automatic, a.lo), number(&explicit, e.lo));
            prop_assert_eq!(number(&automatic, a.hi), number(&explicit, e.hi));
        }
    }
}

/// Most negative times most negative is the one product of its size, and the widest.
#[test]
fn most_negative_times_most_negative_reaches_its_own_bit() {
    let ty: FixedType = "fixed<8,8>".parse().unwrap();
    let weight = Constant::quantize([1, 1], &[-128.0], ty).unwrap();
    let shape = Shape::new([1]).unwrap();
    let input = TensorType::uniform(shape, ty.format, vec![ty.format.range()]);
    let found = Op::from(Dense::new(weight, None)).infer(&[&input]).unwrap();
    assert_eq!(found.ranges, [Range::new(-127 * 128, 128 * 128)]);
    assert_eq!(found.common_format(), Some(Format::signed(16, 16)));
}
