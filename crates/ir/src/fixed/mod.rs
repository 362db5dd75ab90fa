//! Fixed-point formats and types, with the meaning of `ap_fixed`.
//!
//! A [`Format`] says which values exist: signedness, width W and integer bits I (the sign bit
//! included; I may be negative or exceed W). A value is an integer mantissa m that stands for
//! m * 2^-(W-I). A [`FixedType`] adds what happens to a value that is not in the format: a
//! [`Rounding`] and an [`Overflow`] mode.

mod cast;
mod text;

pub use cast::{NotFinite, from_f64_exact};
pub use text::ParseTypeError;

use crate::range::Range;

/// The widest format that can be declared, in bits.
pub const MAX_WIDTH: u32 = 64;

/// The largest magnitude of the integer bits, so that every grid is a normal `f64`.
pub const MAX_INTEGER_BITS: i32 = 512;

/// Which values a tensor element or a signal can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Format {
    /// Two's complement when true, else unsigned.
    pub signed: bool,
    /// Total bits W. Zero means that the only value is 0.
    pub width: u32,
    /// Integer bits I, the sign bit included.
    pub integer_bits: i32,
}

/// How a value between two grid points is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rounding {
    /// Towards minus infinity (truncation of the two's complement bits).
    #[default]
    Trn,
    /// Towards zero.
    TrnZero,
    /// To nearest, half towards plus infinity.
    Rnd,
    /// To nearest, half towards zero.
    RndZero,
    /// To nearest, half away from zero.
    RndInf,
    /// To nearest, half towards minus infinity.
    RndMinInf,
    /// To nearest, half to even.
    RndConv,
}

/// What happens to a rounded value outside the format's range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Overflow {
    /// The low W bits are kept.
    #[default]
    Wrap,
    /// The nearest end of the range.
    Sat,
    /// Zero.
    SatZero,
    /// The nearest end of the symmetric range: the most negative value is never produced.
    SatSym,
}

impl Rounding {
    /// Every mode, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Trn,
        Self::TrnZero,
        Self::Rnd,
        Self::RndZero,
        Self::RndInf,
        Self::RndMinInf,
        Self::RndConv,
    ];
}

impl Overflow {
    /// Every mode, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Wrap, Self::Sat, Self::SatZero, Self::SatSym];
}

/// A format together with the modes by which other values are cast into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FixedType {
    /// The values that exist.
    pub format: Format,
    /// How a cast rounds.
    pub rounding: Rounding,
    /// What a cast does with a value out of range.
    pub overflow: Overflow,
}

/// An exact number: `mantissa` * 2^-`fraction_bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value {
    /// The integer mantissa.
    pub mantissa: i128,
    /// The number of bits after the binary point; may be negative.
    pub fraction_bits: i32,
}

impl Format {
    /// A signed format of `width` bits, `integer_bits` of them (sign included) before the point.
    pub const fn signed(width: u32, integer_bits: i32) -> Self {
        Self { signed: true, width, integer_bits }
    }

    /// An unsigned format of `width` bits, `integer_bits` of them before the point.
    pub const fn unsigned(width: u32, integer_bits: i32) -> Self {
        Self { signed: false, width, integer_bits }
    }

    /// The bits after the binary point, W - I: negative when the grid is coarser than 1.
    pub const fn fraction_bits(self) -> i32 {
        self.width as i32 - self.integer_bits
    }

    /// The mantissas that the format holds.
    pub fn range(self) -> Range {
        match (self.signed, self.width) {
            (_, 0) => Range::ZERO,
            (true, w) => Range::new(-(1 << (w - 1)), (1 << (w - 1)) - 1),
            (false, w) => Range::new(0, (1 << w) - 1),
        }
    }

    /// The smallest format on the grid 2^-`fraction_bits` whose mantissas include `range`:
    /// unsigned where no value is negative, width 0 where the only value is 0.
    pub fn holding(range: Range, fraction_bits: i32) -> Self {
        let width = range.width();
        Self { signed: range.lo < 0, width, integer_bits: width as i32 - fraction_bits }
    }

    /// Whether the format can be declared: neither its width nor its grid is beyond the limits.
    pub fn is_legal(self) -> bool {
        self.width <= MAX_WIDTH && self.integer_bits.abs() <= MAX_INTEGER_BITS
    }

    /// Whether `mantissa` lies in the format's range.
    pub fn contains(self, mantissa: i128) -> bool {
        self.range().contains(mantissa)
    }

    /// The mantissa as a floating-point number; exact while the mantissa has at most 53 bits.
    pub fn to_f64(self, mantissa: i128) -> f64 {
        Value { mantissa, fraction_bits: self.fraction_bits() }.to_f64()
    }
}

impl Value {
    /// The number 0.
    pub const ZERO: Self = Self { mantissa: 0, fraction_bits: 0 };

    /// The value as a floating-point number; exact while the mantissa has at most 53 bits.
    pub fn to_f64(self) -> f64 {
        self.mantissa as f64 * 2f64.powi(-self.fraction_bits)
    }

    /// The mantissa on the finer or equal grid 2^-`fraction_bits`.
    ///
    /// The caller has proven that the result fits (see [`Range::shifted_left`]).
    pub fn mantissa_at(self, fraction_bits: i32) -> i128 {
        if self.mantissa == 0 {
            return 0;
        }
        debug_assert!(fraction_bits >= self.fraction_bits, "the grid must not become coarser");
        self.mantissa << (fraction_bits - self.fraction_bits)
    }
}

impl FixedType {
    /// The type with the default modes: truncation and wrap-around.
    pub const fn new(format: Format) -> Self {
        Self { format, rounding: Rounding::Trn, overflow: Overflow::Wrap }
    }

    /// The same format with other modes.
    pub const fn with_modes(self, rounding: Rounding, overflow: Overflow) -> Self {
        Self { format: self.format, rounding, overflow }
    }

    /// The bits after the binary point.
    pub const fn fraction_bits(self) -> i32 {
        self.format.fraction_bits()
    }
}

impl From<Format> for FixedType {
    fn from(format: Format) -> Self {
        Self::new(format)
    }
}
