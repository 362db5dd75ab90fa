//! Random types and weights.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rtl4ml_ir::{FixedType, Format, Overflow, Rounding};

/// A format, now and then of one bit or of many.
pub fn format() -> impl Strategy<Value = Format> {
    let width = prop_oneof![3 => 2u32..11, 1 => Just(1u32), 1 => 11u32..20];
    (any::<bool>(), width, -2i32..8).prop_map(|(signed, width, offset)| Format {
        signed,
        width,
        integer_bits: (width as i32 / 2 + offset - 2).clamp(-3, width as i32 + 3),
    })
}

/// A type of any modes.
pub fn fixed_type() -> impl Strategy<Value = FixedType> {
    let modes = (select(&Rounding::ALL[..]), select(&Overflow::ALL[..]));
    (format(), modes).prop_map(|(format, (rounding, overflow))| FixedType {
        format,
        rounding,
        overflow,
    })
}

/// Weights as numbers of quarters, many of them zeros and powers of two.
pub fn weights() -> impl Strategy<Value = Vec<i8>> {
    let some = vec(prop_oneof![Just(0i8), select(&[1i8, 2, 4, 8, -1, -2, -8][..]), -20i8..20], 96);
    let only = vec(select(&[0i8, 4, -4, 8][..]), 96);
    prop_oneof![6 => some, 1 => only, 1 => Just(vec![0; 96])]
}
