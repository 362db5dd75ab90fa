//! Random formats, types, mantissas and ranges, with the corners drawn far more often than their
//! share.

use proptest::prelude::*;
use rtl4ml_ir::{FixedType, Format, Overflow, Range, Rounding};

pub fn rounding() -> impl Strategy<Value = Rounding> {
    prop::sample::select(&Rounding::ALL[..])
}

pub fn overflow() -> impl Strategy<Value = Overflow> {
    prop::sample::select(&Overflow::ALL[..])
}

/// A type of the given format with each of the 28 pairs of modes.
pub fn with_all_modes(format: Format) -> impl Iterator<Item = FixedType> {
    Rounding::ALL.into_iter().flat_map(move |rounding| {
        Overflow::ALL
            .map(|overflow| FixedType::new(format).with_modes(rounding, overflow))
            .into_iter()
    })
}

/// Any format that can be declared.
pub fn declared_format() -> impl Strategy<Value = Format> {
    let width = prop_oneof![
        3 => 1u32..=64,
        2 => 1u32..=8,
        1 => Just(1u32),
        1 => 63u32..=64,
    ];
    (any::<bool>(), width)
        .prop_flat_map(|(signed, width)| {
            let w = width as i32;
            let integer_bits = prop_oneof![
                4 => 0..=w,
                2 => -70..0,
                2 => w..=w + 70,
                1 => Just(0),
                1 => Just(w),
                1 => prop::sample::select(vec![-512, 512]),
            ];
            (Just(signed), Just(width), integer_bits)
        })
        .prop_map(|(signed, width, integer_bits)| Format { signed, width, integer_bits })
}

/// Any type that can be declared.
pub fn declared_type() -> impl Strategy<Value = FixedType> {
    (declared_format(), rounding(), overflow()).prop_map(|(format, rounding, overflow)| {
        FixedType::new(format).with_modes(rounding, overflow)
    })
}

/// A format of at most `most_bits` bits near the binary point; no bits at all now and then.
pub fn small_format(most_bits: u32) -> impl Strategy<Value = Format> {
    let width = prop_oneof![6 => 1..=most_bits, 1 => Just(0), 1 => Just(1)];
    (any::<bool>(), width, -3i32..=6).prop_map(|(signed, width, integer_bits)| Format {
        signed,
        width,
        integer_bits,
    })
}

/// A type of a [`small_format`] with any modes.
pub fn small_type(most_bits: u32) -> impl Strategy<Value = FixedType> {
    (small_format(most_bits), rounding(), overflow()).prop_map(|(format, rounding, overflow)| {
        FixedType::new(format).with_modes(rounding, overflow)
    })
}

/// An integer of at most `most_bits` bits and a sign, all magnitudes equally likely.
pub fn mantissa(most_bits: u32) -> impl Strategy<Value = i128> {
    (any::<u128>(), 0..=most_bits, any::<bool>()).prop_map(|(bits, width, negative)| {
        let magnitude = bits.checked_shr(128 - width).unwrap_or_default() as i128;
        if negative { -magnitude } else { magnitude }
    })
}

/// A range whose ends have at most `most_bits` bits; often with an end at a power of two or 0.
pub fn range(most_bits: u32) -> impl Strategy<Value = Range> {
    let end = move || {
        let power =
            (0..most_bits, -1i128..=1, any::<bool>()).prop_map(|(bit, offset, negative)| {
                let end = (1i128 << bit) + offset;
                if negative { -end } else { end }
            });
        prop_oneof![3 => mantissa(most_bits), 2 => power, 1 => Just(0i128)]
    };
    (end(), end()).prop_map(|(a, b)| Range::new(a.min(b), a.max(b)))
}

/// The element of a range that `pick` selects.
pub fn element(range: Range, pick: u128) -> i128 {
    let count = (range.hi - range.lo) as u128 + 1;
    range.lo + (pick % count) as i128
}

/// The mantissas around which a cast into `format` can go wrong, for a source with `dropped_bits`
/// more bits after the binary point (fewer, where negative): the ends of the range, one beyond,
/// multiples of the modulus, plus and minus one and zero, each exactly and a half, almost a half
/// and a little beside it.
pub fn corners(format: Format, dropped_bits: i32) -> Vec<i128> {
    let range = format.range();
    let modulus = 1i128 << format.width;
    let grid_points = [
        range.lo - 1,
        range.lo,
        range.lo + 1,
        -range.hi - 1,
        -range.hi,
        -2,
        -1,
        0,
        1,
        2,
        range.hi - 1,
        range.hi,
        range.hi + 1,
        -modulus,
        modulus,
        modulus + range.hi,
    ];
    if dropped_bits <= 0 {
        let up = dropped_bits.unsigned_abs().min(127);
        return grid_points.iter().flat_map(|point| [point >> up, (point >> up) + 1]).collect();
    }
    let half = 1i128 << (dropped_bits - 1);
    let offsets = [0, 1, half - 1, half, half + 1];
    grid_points
        .iter()
        .flat_map(|point| offsets.map(|offset| (point << dropped_bits, offset)))
        .flat_map(|(point, offset)| [point - offset, point + offset])
        .collect()
}
