//! [`Constant::quantize`]: the mantissas, and what its report says of the changes.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use proptest::prelude::*;
use rtl4ml_ir::constant::ConstantError;
use rtl4ml_ir::{Constant, FixedType, Types};

use crate::oracle;
use crate::strategies::{declared_type, small_type};

/// Numbers as networks have them, and some that no narrow type holds.
fn weight() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10f64..10.0,
        4 => (-200i32..200, 0i32..6).prop_map(|(m, f)| f64::from(m) * 2f64.powi(-f)),
        1 => Just(0.0),
        1 => (-1f64..1.0).prop_map(|x| x * 1e-20),
        1 => -1e6f64..1e6,
    ]
}

/// Numbers with one type for all or one for each.
fn weights() -> impl Strategy<Value = (Vec<f64>, Types)> {
    let ty = || prop_oneof![3 => small_type(10), 1 => declared_type()];
    let per_element = prop::collection::vec((weight(), ty()), 0..12).prop_map(|pairs| {
        let (numbers, types) = pairs.into_iter().unzip();
        (numbers, Types::PerElement(types))
    });
    let per_tensor = (prop::collection::vec(weight(), 0..12), ty())
        .prop_map(|(numbers, ty)| (numbers, Types::PerTensor(ty)));
    prop_oneof![per_element, per_tensor]
}

/// The exact change of each number, and whether the overflow mode acted on it.
fn changes(numbers: &[f64], types: &Types) -> Vec<(BigRational, bool)> {
    let change = |(index, number): (usize, &f64)| {
        let ty = types.get(index);
        let exact = BigRational::from_float(*number).unwrap();
        let change = (oracle::cast_number(&exact, ty) - &exact).abs();
        (change, oracle::overflows(&exact, ty))
    };
    numbers.iter().enumerate().map(change).collect()
}

/// Whether a float is the rational number but for its own rounding.
fn close(found: f64, exact: &BigRational) -> bool {
    let expected = exact.to_f64().unwrap();
    (found - expected).abs() <= 1e-12 * expected
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn mantissas_and_values_are_those_of_the_cast((numbers, types) in weights()) {
        let constant = Constant::quantize([numbers.len()], &numbers, types.clone()).unwrap();
        prop_assert_eq!(constant.len(), numbers.len());
        prop_assert_eq!(constant.is_empty(), numbers.is_empty());
        let range = constant.range();
        for (index, number) in numbers.iter().enumerate() {
            let ty = types.get(index);
            let value = constant.get(index);
            let exact = BigRational::from_float(*number).unwrap();
            prop_assert_eq!(BigInt::from(value.mantissa), oracle::cast(&exact, ty));
            prop_assert_eq!(value.fraction_bits, ty.fraction_bits());
            if let Some(range) = range {
                let aligned = oracle::exact(value) * oracle::power_of_two(constant.fraction_bits());
                prop_assert!(aligned.is_integer());
                let aligned = i128::try_from(aligned.to_integer()).unwrap();
                prop_assert!(range.contains(aligned));
            }
        }
    }

    #[test]
    fn the_report_measures_every_change((numbers, types) in weights()) {
        let report = Constant::quantize([numbers.len()], &numbers, types.clone()).unwrap().report;
        let changes = changes(&numbers, &types);
        let sizes = || changes.iter().map(|(change, _)| change.clone());
        prop_assert_eq!(report.count, numbers.len());
        prop_assert_eq!(report.changed, sizes().filter(|change| !change.is_zero()).count());
        let largest = sizes().max().unwrap_or_else(BigRational::zero);
        prop_assert!(close(report.max_error, &largest), "{} {}", report.max_error, largest);
        let count = BigRational::from_integer(numbers.len().max(1).into());
        let mean = sizes().sum::<BigRational>() / count;
        prop_assert!(close(report.mean_error, &mean), "{} {}", report.mean_error, mean);
    }

    #[test]
    fn the_report_counts_the_overflows((numbers, types) in weights()) {
        let report = Constant::quantize([numbers.len()], &numbers, types.clone()).unwrap().report;
        let changes = changes(&numbers, &types);
        let expected = changes.iter().filter(|(_, overflowed)| *overflowed).count();
        prop_assert_eq!(report.overflowed, expected);
    }

    #[test]
    fn what_does_not_fit_together_is_refused(
        (numbers, types) in weights(), rows in 0usize..5, columns in 0usize..5,
    ) {
        let found = Constant::quantize([rows, columns], &numbers, types);
        if rows * columns == numbers.len() {
            prop_assert!(found.is_ok());
        } else {
            let refused = matches!(found, Err(ConstantError::Count { .. }));
            prop_assert!(refused);
        }
    }

    #[test]
    fn the_first_number_that_is_not_finite_is_located(
        rows in 1usize..5, columns in 1usize..5, place: prop::sample::Index, ty in declared_type(),
        wrong in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ) {
        let mut numbers = vec![0.25; rows * columns];
        let place = place.index(numbers.len());
        numbers[place] = wrong;
        let found = Constant::quantize([rows, columns], &numbers, ty);
        let expected = vec![place / columns, place % columns];
        let Err(ConstantError::NotFinite { index, .. }) = found else {
            return Err(TestCaseError::fail("the number was taken"));
        };
        prop_assert_eq!(index, expected);
    }
}

/// What the report says of one number in one type: how many changed, how many overflowed.
fn report(text: &str, number: f64) -> (usize, usize) {
    let ty: FixedType = text.parse().unwrap();
    let report = Constant::quantize([1], &[number], ty).unwrap().report;
    (report.changed, report.overflowed)
}

/// A pruned weight is a tiny number of either sign; truncating it costs a step, not an overflow.
#[test]
fn a_tiny_negative_number_is_rounded_not_overflowed() {
    assert_eq!(report("fixed<8,2>", -1e-20), (1, 0));
}

/// Overflow is judged after rounding, even where the saturated value is less than a step away.
#[test]
fn rounding_up_into_saturation_is_an_overflow() {
    assert_eq!(report("fixed<4,2,RND,SAT>", 1.9), (1, 1));
    assert_eq!(report("ufixed<4,2,TRN,SAT>", -0.1), (1, 1));
    assert_eq!(report("fixed<4,2,TRN,SAT_SYM>", -1.9), (1, 1));
}

/// 2^63 saturates to 2^63 - 1, which a double cannot tell from it.
#[test]
fn a_change_below_the_precision_of_a_double_is_counted() {
    assert_eq!(report("fixed<64,64,TRN,SAT>", 2f64.powi(63)), (1, 1));
}
