//! [`FixedType::cast`] and [`FixedType::from_f64`] against rational arithmetic, in all modes.

use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;
use rtl4ml_ir::fixed::from_f64_exact;
use rtl4ml_ir::{Format, Value};

use crate::oracle;
use crate::strategies::{corners, declared_format, declared_type, mantissa, with_all_modes};

/// Compares all 28 pairs of modes on one value.
fn check(value: Value, format: Format) -> Result<(), TestCaseError> {
    let number = oracle::exact(value);
    for ty in with_all_modes(format) {
        let found = BigInt::from(ty.cast(value));
        let expected = oracle::cast(&number, ty);
        prop_assert_eq!(found, expected, "{} of {:?}", ty, value);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn corners_are_cast_as_the_definition_says(
        format in declared_format(), dropped_bits in prop_oneof![-70i32..=0, 1i32..=58, 1i32..=3],
    ) {
        let fraction_bits = format.fraction_bits() + dropped_bits;
        for mantissa in corners(format, dropped_bits) {
            check(Value { mantissa, fraction_bits }, format)?;
        }
    }

    /// Narrow types are swept: every mantissa of twice the range, with two and with no more bits.
    #[test]
    fn every_value_around_a_narrow_type_is_cast_as_the_definition_says(
        signed: bool, width in 1u32..=4, integer_bits in -5i32..=9, dropped_bits in -2i32..=2,
    ) {
        let format = Format { signed, width, integer_bits };
        let fraction_bits = format.fraction_bits() + dropped_bits;
        let beyond = 2i128 << (width + 2);
        for mantissa in -beyond..=beyond {
            check(Value { mantissa, fraction_bits }, format)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_value_is_cast_as_the_definition_says(
        format in declared_format(), mantissa in mantissa(126),
        dropped_bits in prop_oneof![4 => -130i32..=130, 1 => -1100i32..=1100],
    ) {
        let fraction_bits = format.fraction_bits() + dropped_bits;
        check(Value { mantissa, fraction_bits }, format)?;
    }

    #[test]
    fn a_value_of_the_type_passes_unchanged_but_for_what_symmetry_forbids(
        ty in declared_type(), pick: u128,
    ) {
        let mantissa = crate::strategies::element(ty.overflow.range_of(ty.format), pick);
        let value = Value { mantissa, fraction_bits: ty.fraction_bits() };
        prop_assert_eq!(ty.cast(value), mantissa);
    }

    #[test]
    fn a_float_is_decoded_exactly(bits: u64) {
        let number = f64::from_bits(bits);
        match BigRational::from_float(number) {
            Some(expected) => {
                let value = from_f64_exact(number).unwrap();
                prop_assert_eq!(oracle::exact(value), expected);
            }
            None => prop_assert!(from_f64_exact(number).is_err()),
        }
    }

    #[test]
    fn any_float_is_cast_as_the_definition_says(format in declared_format(), bits: u64) {
        let number = f64::from_bits(bits);
        let Some(exact) = BigRational::from_float(number) else {
            return Ok(());
        };
        for ty in with_all_modes(format) {
            let found = ty.from_f64(number).map(BigInt::from);
            prop_assert_eq!(found, Ok(oracle::cast(&exact, ty)), "{} of {}", ty, number);
        }
    }

    /// A float with a few bits below the grid, and its neighbours: next to a half, not on it.
    #[test]
    fn floats_near_the_grid_are_cast_as_the_definition_says(
        format in declared_format(), mantissa in mantissa(52), dropped_bits in 0i32..=3,
    ) {
        let step = 2f64.powi(-format.fraction_bits() - dropped_bits);
        let number = mantissa as f64 * step;
        for number in [number.next_down(), number, number.next_up()] {
            let exact = BigRational::from_float(number).unwrap();
            for ty in with_all_modes(format) {
                let found = ty.from_f64(number).map(BigInt::from);
                prop_assert_eq!(found, Ok(oracle::cast(&exact, ty)), "{} of {}", ty, number);
            }
        }
    }
}

/// Grids so far apart that the floor is 0 or -1 and the rest hides the whole mantissa.
#[test]
fn the_longest_mantissas_round_to_the_nearer_side() {
    for width in [1, 8, 64] {
        let format = Format::signed(width, width as i32);
        for fraction_bits in 120..=135 {
            for magnitude in [1i128 << 124, 1 << 125, (1 << 125) + 1, (1 << 126) - 1] {
                for mantissa in [-magnitude, magnitude] {
                    check(Value { mantissa, fraction_bits }, format).unwrap();
                }
            }
        }
    }
}

/// In a type of one bit every end of the range, zero and the modulus are neighbours.
#[test]
fn one_bit_is_swept_in_all_modes() {
    for signed in [false, true] {
        for integer_bits in [-2, 0, 1, 3] {
            let format = Format { signed, width: 1, integer_bits };
            for mantissa in -40..=40 {
                let fraction_bits = format.fraction_bits() + 3;
                check(Value { mantissa, fraction_bits }, format).unwrap();
            }
        }
    }
}
