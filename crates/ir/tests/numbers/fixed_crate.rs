//! [`FixedType::cast`](rtl4ml_ir::FixedType::cast) against the `fixed` crate.
//!
//! That crate's conversions round towards minus infinity (from fixed point) or to nearest, half to
//! even (from floats), and wrap, saturate or report the overflow. Its other roundings are to
//! integers, so that the source is moved left by the destination's fraction bits, rounded, and
//! moved back, all in a type with room for it.

use fixed::traits::Fixed;
use fixed::types::extra::{U0, U1, U3, U4, U7, U8, U15, U16, U20, U31, U32, U40, U60, U62, U63};
use fixed::{
    FixedI8, FixedI16, FixedI32, FixedI64, FixedI128, FixedU8, FixedU16, FixedU32, FixedU64,
};
use proptest::prelude::*;
use rtl4ml_ir::{FixedType, Format, Overflow, Rounding, Value};

use crate::strategies::corners;

/// The format that a type of the crate has.
fn format_of<F: Fixed>() -> Format {
    Format {
        signed: F::IS_SIGNED,
        width: F::INT_NBITS + F::FRAC_NBITS,
        integer_bits: F::INT_NBITS as i32,
    }
}

/// The mantissa of a number of the crate.
fn mantissa_of<F: Fixed<Bits: Into<i128>>>(number: F) -> i128 {
    number.to_bits().into()
}

/// What the crate says of each overflow mode that it has; it has no symmetric one.
fn conversions<D: Fixed<Bits: Into<i128>>>(
    source: impl fixed::traits::ToFixed + Copy,
) -> [(Overflow, i128); 3] {
    let (wrapped, overflowed) = D::overflowing_from_num(source);
    let wrapped = mantissa_of(wrapped);
    assert_eq!(wrapped, mantissa_of(D::wrapping_from_num(source)));
    [
        (Overflow::Wrap, wrapped),
        (Overflow::Sat, mantissa_of(D::saturating_from_num(source))),
        (Overflow::SatZero, if overflowed { 0 } else { wrapped }),
    ]
}

/// The crate's way of rounding to an integer by each mode. The modes that it lacks follow from
/// its floor and ceiling: half towards plus infinity is the floor of one half more.
fn round_to_integer<W: Fixed>(number: W, mode: Rounding) -> W {
    // On a grid without halves there is nothing to round, and this is 0.
    let half = W::from_num(0.5);
    match mode {
        Rounding::Trn => number.floor(),
        Rounding::TrnZero => number.round_to_zero(),
        Rounding::Rnd => (number + half).floor(),
        Rounding::RndZero if number < 0 => (number + half).floor(),
        Rounding::RndMinInf | Rounding::RndZero => (number - half).ceil(),
        Rounding::RndInf => number.round(),
        Rounding::RndConv => number.round_ties_even(),
    }
}

/// Compares every mode on one number of a type of the crate.
///
/// `W` has the fraction bits of the source and 128 bits.
fn check<W: Fixed, D: Fixed<Bits: Into<i128>>>(
    source: W,
    mantissa: i128,
) -> Result<(), TestCaseError> {
    let value = Value { mantissa, fraction_bits: W::FRAC_NBITS as i32 };
    let ty = FixedType::new(format_of::<D>());
    for rounding in Rounding::ALL {
        let rounded = round_to_integer(source << D::FRAC_NBITS, rounding) >> D::FRAC_NBITS;
        for (overflow, expected) in conversions::<D>(rounded) {
            let ty = ty.with_modes(rounding, overflow);
            prop_assert_eq!(ty.cast(value), expected, "{} of {:?}", ty, value);
        }
    }
    Ok(())
}

/// Compares the conversion from a float, which rounds to nearest, half to even.
fn check_float<D: Fixed<Bits: Into<i128>>>(number: f64) -> Result<(), TestCaseError> {
    let ty = FixedType::new(format_of::<D>());
    for (overflow, expected) in conversions::<D>(number) {
        let ty = ty.with_modes(Rounding::RndConv, overflow);
        prop_assert_eq!(ty.from_f64(number), Ok(expected), "{} of {}", ty, number);
    }
    Ok(())
}

macro_rules! pairs {
    ($($name:ident: $source:ident<$source_fraction:ident> of $bits:ty => $destination:ty;)+) => {$(
        mod $name {
            use super::*;

            type Source = $source<$source_fraction>;
            type Wide = FixedI128<$source_fraction>;

            fn check_bits(bits: $bits) -> Result<(), TestCaseError> {
                let source = Source::from_bits(bits);
                // The crate's own conversion, which truncates, needs no detour.
                let value = Value {
                    mantissa: bits.into(),
                    fraction_bits: Source::FRAC_NBITS as i32,
                };
                for (overflow, expected) in conversions::<$destination>(source) {
                    let ty = FixedType::new(format_of::<$destination>())
                        .with_modes(Rounding::Trn, overflow);
                    prop_assert_eq!(ty.cast(value), expected, "{} of {:?}", ty, value);
                }
                check::<Wide, $destination>(Wide::from_num(source), bits.into())
            }

            proptest! {
                #[test]
                fn any_bits(bits: $bits) {
                    check_bits(bits)?;
                }

                #[test]
                fn any_float(bits: u64) {
                    let number = f64::from_bits(bits);
                    if number.is_finite() {
                        check_float::<$destination>(number)?;
                    }
                }

                /// Halves and quarters of the destination's grid, within twice its range.
                #[test]
                fn floats_on_quarters(quarters in -2f64..2f64) {
                    let format = format_of::<$destination>();
                    let step = 2f64.powi(-format.fraction_bits() - 2);
                    let range = 2f64.powi(format.integer_bits);
                    check_float::<$destination>((quarters * range / step).floor() * step)?;
                }
            }

            #[test]
            fn corners_of_both_types() {
                let format = format_of::<$destination>();
                let dropped_bits = Source::FRAC_NBITS as i32 - format.fraction_bits();
                let of_source = [<$bits>::MIN, <$bits>::MAX].map(i128::from);
                for mantissa in corners(format, dropped_bits).into_iter().chain(of_source) {
                    if let Ok(bits) = <$bits>::try_from(mantissa) {
                        check_bits(bits).unwrap();
                    }
                }
            }
        }
    )+};
}

pairs! {
    i8_to_its_own_width: FixedI8<U4> of i8 => FixedI8<U3>;
    i8_to_all_fraction: FixedI8<U4> of i8 => FixedU8<U8>;
    i16_to_i8_of_halves: FixedI16<U8> of i16 => FixedI8<U7>;
    i16_to_integers: FixedI16<U15> of i16 => FixedI8<U0>;
    u16_to_i8: FixedU16<U16> of u16 => FixedI8<U7>;
    u16_to_u8: FixedU16<U8> of u16 => FixedU8<U4>;
    i32_to_i16: FixedI32<U20> of i32 => FixedI16<U8>;
    i32_to_unsigned: FixedI32<U16> of i32 => FixedU16<U15>;
    i32_integers_to_fractions: FixedI32<U0> of i32 => FixedI32<U16>;
    i32_one_bit_finer: FixedI32<U4> of i32 => FixedI8<U3>;
    u32_to_i32: FixedU32<U31> of u32 => FixedI32<U20>;
    u32_to_u64: FixedU32<U32> of u32 => FixedU64<U40>;
    i64_to_i8: FixedI64<U40> of i64 => FixedI8<U4>;
    i64_to_i32: FixedI64<U63> of i64 => FixedI32<U31>;
    i64_to_i64_coarser: FixedI64<U32> of i64 => FixedI64<U1>;
    i64_to_i64_finer: FixedI64<U32> of i64 => FixedI64<U60>;
    i64_to_u64: FixedI64<U60> of i64 => FixedU64<U60>;
    u64_to_i64: FixedU64<U62> of u64 => FixedI64<U62>;
    u64_to_u32: FixedU64<U62> of u64 => FixedU32<U31>;
    u64_integers_to_i16: FixedU64<U0> of u64 => FixedI16<U15>;
}
