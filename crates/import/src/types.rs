//! Which fixed-point type holds given numbers.
//!
//! Guarantees: a type that is called exact holds every number; any other is off by at most half
//! of its step, and never saturates.

use rtl4ml_ir::fixed::from_f64_exact;
use rtl4ml_ir::range::Range;
use rtl4ml_ir::{FixedType, Format, Overflow, Rounding};

/// Types of trained numbers up to this width are taken where they are exact, whatever the
/// fraction bits that were asked for: constants cost by their values, not by their type.
const EXACT_WIDTH: u32 = 20;

/// The widest type of trained numbers that is chosen for being exact.
const MAX_EXACT_WIDTH: u32 = 32;

/// The finest and the coarsest grid that is considered.
const MAX_FRACTION_BITS: i32 = 200;

/// The largest magnitude of a trained number, 2^100: far above what fits 64 bits.
pub const MAX_NUMBER: f64 = 1_267_650_600_228_229_401_496_703_205_376.0;

/// A type for some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// The type.
    pub ty: FixedType,
    /// The largest distance of a number to what the type makes of it.
    pub error: f64,
}

/// The bits after the binary point that a number needs; `None` for zero.
pub fn fraction_bits(number: f64) -> Option<i32> {
    let value = from_f64_exact(number).ok().filter(|value| value.mantissa != 0)?;
    Some(value.fraction_bits - value.mantissa.trailing_zeros() as i32)
}

/// The bits after the binary point that all of the numbers need.
pub fn common_fraction_bits(numbers: &[f64]) -> i32 {
    numbers.iter().filter_map(|number| fraction_bits(*number)).max().unwrap_or(0)
}

/// Whether a number is a power of two.
pub fn is_power_of_two(number: f64) -> bool {
    number > 0.0 && log2_exact(number).is_some()
}

/// The binary logarithm of a power of two.
pub fn log2_exact(number: f64) -> Option<i32> {
    let value = from_f64_exact(number).ok()?;
    let zeros = value.mantissa.trailing_zeros() as i32;
    (value.mantissa > 0 && value.mantissa >> zeros == 1).then(|| zeros - value.fraction_bits)
}

/// 2 to the power of `exponent`, which is that of a format.
pub fn exp2(exponent: i32) -> f64 {
    libm::scalbn(1.0, exponent)
}

/// The smallest format with a grid of 2^-`fraction_bits` that holds all numbers from `lo` to `hi`
/// rounded to it; `None` where that would take more than `most` bits.
pub fn format_holding(lo: f64, hi: f64, fraction_bits: i32, most: u32) -> Option<Format> {
    if fraction_bits.abs() > MAX_FRACTION_BITS {
        return None;
    }
    let scale = exp2(fraction_bits);
    let (low, high) = ((lo.min(0.0) * scale).round(), (hi.max(0.0) * scale).round());
    if low.abs().max(high) > exp2(most as i32) {
        return None;
    }
    let range = Range::new(low as i128, high as i128);
    // Formats of all zeros have a bit all the same.
    let range = if range == Range::ZERO { Range::new(0, 1) } else { range };
    let format = Format::holding(range, fraction_bits);
    (format.width <= most).then_some(format)
}

/// The least and the greatest of the numbers and 0.
pub fn extremes(numbers: &[f64]) -> (f64, f64) {
    numbers.iter().fold((0.0, 0.0), |(lo, hi), number| (number.min(lo), number.max(hi)))
}

/// A type for trained numbers: the one of their quantiser, where that holds them; else one that
/// holds them exactly, where that is not much wider than asked for; else one with
/// `fraction_bits` significant bits after the first. The numbers are at most [`MAX_NUMBER`].
pub fn choose(numbers: &[f64], declared: Option<Format>, fraction_bits: u32) -> Chosen {
    let needed = common_fraction_bits(numbers);
    let (lo, hi) = extremes(numbers);
    let exact = format_holding(lo, hi, needed, MAX_EXACT_WIDTH);
    if let Some(exact) = exact {
        let fits = |declared: &Format| {
            let scale = exp2(declared.fraction_bits());
            let range = declared.range();
            needed <= declared.fraction_bits()
                && lo * scale >= range.lo as f64
                && hi * scale <= range.hi as f64
        };
        if let Some(declared) = declared.filter(fits) {
            return Chosen { ty: declared.into(), error: 0.0 };
        }
        if exact.width <= EXACT_WIDTH || needed <= fraction_bits as i32 {
            return Chosen { ty: exact.into(), error: 0.0 };
        }
    }
    let largest = hi.max(-lo);
    // Numbers that all are small keep their significant bits.
    let leading_zeros = (-libm::floor(libm::log2(largest)) as i32 - 1).max(0);
    let most = (fraction_bits as i32 + leading_zeros).min(needed).min(MAX_FRACTION_BITS);
    let mut fractions = (-MAX_FRACTION_BITS..=most).rev();
    let found = fractions
        .find_map(|fraction| Some((fraction, format_holding(lo, hi, fraction, MAX_EXACT_WIDTH)?)));
    // Numbers below MAX_NUMBER always have one.
    let (fraction, format) = found.unwrap_or((0, Format::signed(MAX_EXACT_WIDTH, 0)));
    let ty = FixedType::from(format).with_modes(Rounding::RndConv, Overflow::Sat);
    let scale = exp2(fraction);
    let off = |number: &f64| (number - libm::rint(number * scale) / scale).abs();
    Chosen { ty, error: numbers.iter().map(off).fold(0.0, f64::max) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(numbers: &[f64], declared: Option<Format>, bits: u32) -> (String, f64) {
        let Chosen { ty, error } = choose(numbers, declared, bits);
        (ty.to_string(), error)
    }

    #[test]
    fn types_are_exact_where_they_can_be() {
        assert_eq!(text(&[0.5, -1.0], None, 16), ("fixed<2,1>".to_owned(), 0.0));
        assert_eq!(text(&[0.5, 0.25], None, 16), ("ufixed<2,0>".to_owned(), 0.0));
        assert_eq!(text(&[0.0], None, 16), ("ufixed<1,1>".to_owned(), 0.0));
        let declared = Some(Format::signed(6, 2));
        assert_eq!(text(&[0.5, -1.0], declared, 16), ("fixed<6,2>".to_owned(), 0.0));
        assert_eq!(text(&[0.5, -5.0], declared, 16), ("fixed<5,4>".to_owned(), 0.0));
    }

    #[test]
    fn other_numbers_are_off_by_less_than_half_a_step() {
        let (ty, error) = text(&[0.1, -0.7, 1.3], None, 8);
        assert_eq!(ty, "fixed<10,2,RND_CONV,SAT>");
        assert!(error > 0.0 && error <= exp2(-9), "{error}");
        // Small numbers keep their bits.
        assert_eq!(text(&[0.1 / 1024.0], None, 8).0, "ufixed<8,-13,RND_CONV,SAT>");
    }

    #[test]
    fn powers_of_two_are_known() {
        assert_eq!(log2_exact(0.125), Some(-3));
        assert_eq!(log2_exact(8.0), Some(3));
        assert_eq!(log2_exact(-8.0), None);
        assert_eq!(log2_exact(3.0), None);
        assert_eq!(fraction_bits(0.75), Some(2));
        assert_eq!(fraction_bits(12.0), Some(-2));
    }
}
