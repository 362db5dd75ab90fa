//! The types that [`Relu`] and [`Quantize`] infer, against their outputs in rational arithmetic.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use proptest::prelude::*;
use rtl4ml_ir::{
    FixedType, Format, Op, Overflow, Quantize, Range, Relu, ResultType, Shape, TensorType, Types,
};

use crate::oracle;
use crate::strategies::{element, small_type};

/// The input's types, a part of the range of each, and the types of the result.
fn case() -> impl Strategy<Value = (Types, Vec<[u128; 2]>, Types)> {
    (1usize..=4).prop_flat_map(|count| {
        let types = || {
            prop_oneof![
                prop::collection::vec(small_type(5), count).prop_map(Types::PerElement),
                small_type(5).prop_map(Types::PerTensor),
            ]
        };
        let parts = prop::collection::vec(any::<[u128; 2]>(), count);
        (types(), parts, types())
    })
}

/// Sweeps each element and compares what it becomes with the inferred range and format.
fn check(
    op: &Op,
    types: &Types,
    ranges: &[Range],
    result: Option<&Types>,
) -> Result<(), TestCaseError> {
    let shape = Shape::new([ranges.len()]).unwrap();
    let input = TensorType::cast(shape, types, ranges.to_vec());
    let found = op.infer(&[&input]).unwrap();
    prop_assert_eq!(&found.shape, &input.shape);
    for (index, range) in ranges.iter().enumerate() {
        let format = found.format(index);
        let outputs = (range.lo..=range.hi).map(|mantissa| {
            let mut number = oracle::number(mantissa, types.get(index).fraction_bits());
            if matches!(op, Op::Relu(_)) {
                number = number.max(BigRational::zero());
            }
            match result {
                Some(types) => oracle::cast_number(&number, types.get(index)),
                None => number,
            }
        });
        let mantissas: Vec<BigInt> = outputs
            .map(|number| {
                let mantissa = number * oracle::power_of_two(format.fraction_bits());
                assert!(mantissa.is_integer(), "{mantissa} is not on the grid");
                mantissa.to_integer()
            })
            .collect();
        let ends = [mantissas.iter().min().unwrap(), mantissas.iter().max().unwrap()];
        let found = found.ranges[index];
        prop_assert!(found.within(format.range()));
        prop_assert!(BigInt::from(found.lo) <= *ends[0] && *ends[1] <= BigInt::from(found.hi));
        let saturates =
            |types: &Types| matches!(types.get(index).overflow, Overflow::Sat | Overflow::SatSym);
        if result.is_none_or(saturates) {
            prop_assert_eq!(ends, [&BigInt::from(found.lo), &BigInt::from(found.hi)]);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_element_lies_in_the_inferred_range((types, parts, result) in case()) {
        let part = |(index, part): (usize, &[u128; 2])| {
            let ends = part.map(|pick| element(types.get(index).format.range(), pick));
            Range::new(ends[0].min(ends[1]), ends[0].max(ends[1]))
        };
        let ranges: Vec<Range> = parts.iter().enumerate().map(part).collect();
        let quantize = Op::from(Quantize { result: result.clone() });
        check(&quantize, &types, &ranges, Some(&result))?;
        let cast = Op::from(Relu { result: ResultType::Cast(result.clone()) });
        check(&cast, &types, &ranges, Some(&result))?;
        check(&Op::from(Relu::default()), &types, &ranges, None)?;
    }
}

/// An element that is always 0 needs no grid, however fine its own is.
#[test]
fn an_element_without_bits_refines_no_grid() {
    let ty = |text: &str| text.parse::<FixedType>().unwrap();
    let nothing = FixedType::new(Format::unsigned(0, -500));
    let types = Types::PerElement(vec![ty("fixed<4,6>"), nothing]);
    let ranges = [types.get(0).format.range(), Range::ZERO];
    let input = TensorType::cast(Shape::new([2]).unwrap(), &types, ranges.to_vec());
    let found = Op::from(Relu::default()).infer(&[&input]).unwrap();
    assert_eq!(found.common_format(), Some(Format::unsigned(3, 5)));
}
