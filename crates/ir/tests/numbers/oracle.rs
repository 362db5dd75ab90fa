//! The cast, on rational numbers, from the definitions of the modes.
//!
//! Nothing is shifted or masked cleverly here: a rational number is rounded by comparing its rest
//! with one half, and brought into range by comparing integers, as a reader of the definition
//! would do by hand.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use rtl4ml_ir::{FixedType, Format, Overflow, Rounding, Value};

/// 2^`exponent`, which may be negative.
pub fn power_of_two(exponent: i32) -> BigRational {
    let power = BigRational::from_integer(BigInt::one() << exponent.unsigned_abs());
    if exponent < 0 { power.recip() } else { power }
}

/// The number that a mantissa with `fraction_bits` bits after the binary point stands for.
pub fn number(mantissa: impl Into<BigInt>, fraction_bits: i32) -> BigRational {
    BigRational::from_integer(mantissa.into()) * power_of_two(-fraction_bits)
}

/// The number that a value stands for.
pub fn exact(value: Value) -> BigRational {
    number(value.mantissa, value.fraction_bits)
}

/// The lowest and the highest mantissa of a format; both 0 for one without bits.
pub fn ends(format: Format) -> (BigInt, BigInt) {
    let two_to = |bits: u32| BigInt::one() << bits;
    match (format.width, format.signed) {
        (0, _) => (BigInt::zero(), BigInt::zero()),
        (width, true) => (-two_to(width - 1), two_to(width - 1) - 1),
        (width, false) => (BigInt::zero(), two_to(width) - 1),
    }
}

/// The integer that the number becomes on the type's grid, before overflow is looked at.
pub fn rounded(number: &BigRational, ty: FixedType) -> BigInt {
    let scaled = number * power_of_two(ty.fraction_bits());
    let floor = scaled.floor();
    let rest = &scaled - &floor;
    let half = BigRational::new(1.into(), 2.into());
    let floor = floor.to_integer();
    let odd = floor.bit(0);
    let up = match ty.rounding {
        Rounding::Trn => false,
        Rounding::TrnZero => number.is_negative() && rest.is_positive(),
        Rounding::Rnd => rest >= half,
        Rounding::RndMinInf => rest > half,
        Rounding::RndZero => rest > half || (rest == half && number.is_negative()),
        Rounding::RndInf => rest > half || (rest == half && !number.is_negative()),
        Rounding::RndConv => rest > half || (rest == half && odd),
    };
    floor + u8::from(up)
}

/// Whether the overflow mode has to act on the rounded number.
pub fn overflows(number: &BigRational, ty: FixedType) -> bool {
    let (mut low, high) = ends(ty.format);
    if ty.overflow == Overflow::SatSym && ty.format.signed {
        low = -&high;
    }
    let rounded = rounded(number, ty);
    rounded < low || rounded > high
}

/// The mantissa that the number becomes in the type.
pub fn cast(number: &BigRational, ty: FixedType) -> BigInt {
    let (low, high) = ends(ty.format);
    let rounded = rounded(number, ty);
    match ty.overflow {
        _ if ty.format.width == 0 => BigInt::zero(),
        Overflow::Wrap => {
            let count = BigInt::one() << ty.format.width;
            // The remainder of a division takes the dividend's sign, hence the second one.
            let low_bits = ((rounded % &count) + &count) % &count;
            if low_bits > high { low_bits - count } else { low_bits }
        }
        Overflow::SatZero if rounded < low || rounded > high => BigInt::zero(),
        Overflow::SatZero => rounded,
        Overflow::SatSym if ty.format.signed => rounded.clamp(-high.clone(), high),
        Overflow::Sat | Overflow::SatSym => rounded.clamp(low, high),
    }
}

/// The number that a number becomes by a cast.
pub fn cast_number(number: &BigRational, ty: FixedType) -> BigRational {
    self::number(cast(number, ty), ty.fraction_bits())
}
