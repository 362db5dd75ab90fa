//! Numbers, ranges and attributes as Verilog text.

use crate::design::{MemoryStyle, MultiplierHint, Type};

/// The word for a memory's style in an attribute.
pub(super) fn style_word(style: MemoryStyle) -> &'static str {
    match style {
        MemoryStyle::Distributed => "distributed",
        MemoryStyle::Block => "block",
    }
}

/// The attribute by which a multiplier's material reaches synthesis.
pub(super) fn hint_attribute(hint: MultiplierHint) -> &'static str {
    match hint {
        MultiplierHint::Dsp => "(* use_dsp = \"yes\" *) ",
        MultiplierHint::Lut => "(* use_dsp = \"no\" *) ",
    }
}

/// `[7:0] `, or nothing for one bit.
pub(super) fn range(width: u64) -> String {
    if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}

pub(super) fn typed_range(ty: Type) -> String {
    let sign = if ty.signed { "signed " } else { "" };
    format!("{sign}{}", range(u64::from(ty.width)))
}

pub(super) fn bit_range(high: u64, low: u64) -> String {
    if high == low { format!("[{low}]") } else { format!("[{high}:{low}]") }
}

/// The low `width` bits of a value as a literal: decimal where it is small, else hexadecimal.
pub(super) fn literal(value: i64, width: u32) -> String {
    let bits = value as u64 & (u64::MAX >> (64 - width));
    if width == 1 {
        format!("1'b{bits}")
    } else if bits < 10 {
        format!("{width}'d{bits}")
    } else {
        format!("{width}'h{bits:x}")
    }
}

/// The fewest bits that hold a constant, with a sign bit where it is to be signed.
pub(super) fn constant_width(value: i64, signed: bool) -> u32 {
    let magnitude = if value < 0 { !value } else { value };
    (64 - magnitude.leading_zeros() + u32::from(signed)).max(1)
}

/// A constant factor as a signed literal of the fewest bits.
pub(super) fn signed_literal(value: i64) -> String {
    let width = constant_width(value, true);
    if value >= 0 {
        format!("{width}'sd{value}")
    } else if value == -(1 << (width - 1)) {
        // The magnitude of the most negative value is no literal of its width.
        format!("$signed({})", literal(value, width))
    } else {
        format!("-{width}'sd{}", value.unsigned_abs())
    }
}

/// A word of a bus as one hexadecimal literal, lane 0 in the low bits.
pub(super) fn packed_literal(lanes: &[Type], word: &[i64], width: u64) -> String {
    let mut digits = vec![0u8; width.div_ceil(4) as usize];
    let mut low = 0usize;
    for (ty, value) in lanes.iter().zip(word) {
        for bit in 0..ty.width as usize {
            let set = (value >> bit) & 1;
            digits[(low + bit) / 4] |= (set as u8) << ((low + bit) % 4);
        }
        low += ty.width as usize;
    }
    let hex: String = digits
        .iter()
        .rev()
        .map(|digit| char::from_digit(u32::from(*digit), 16).unwrap_or('0'))
        .collect();
    format!("{width}'h{hex}")
}

/// A comma-separated list, broken into lines of a readable length.
pub(super) fn wrap_list(values: &[String]) -> String {
    const LINE: usize = 88;
    let mut text = String::new();
    let mut column = 0;
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
            if column + value.len() > LINE {
                text.push_str("\n        ");
                column = 0;
            } else {
                text.push(' ');
            }
        }
        text.push_str(value);
        column += value.len() + 2;
    }
    text
}
