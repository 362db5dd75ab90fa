//! The one definition of a cast: rounding to the grid, then overflow on the rounded mantissa.

use super::{FixedType, Format, Overflow, Rounding, Value};
use crate::range::Range;

/// A number that no fixed-point type can hold: NaN or an infinity.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a finite number")]
pub struct NotFinite(pub f64);

impl FixedType {
    /// Casts an exact value to this type and returns its mantissa in it.
    ///
    /// With f the floor of the value on the type's grid and r the rest (0 <= r < 1), rounding
    /// gives f or f + 1 as the mode says; the overflow mode then acts on that integer. The
    /// mantissa of `value` must be below 2^126 in magnitude.
    pub fn cast(self, value: Value) -> i128 {
        let dropped_bits = value.fraction_bits - self.fraction_bits();
        if self.format.width == 0 || value.mantissa == 0 {
            0
        } else if dropped_bits > 0 {
            let rounded = round(value.mantissa, dropped_bits as u32, self.rounding);
            overflow(rounded, 0, self.format, self.overflow)
        } else {
            overflow(value.mantissa, dropped_bits.unsigned_abs(), self.format, self.overflow)
        }
    }

    /// Whether the overflow mode acts on the value: its rounded mantissa is not one that the mode
    /// leaves as it is.
    pub fn overflows(self, value: Value) -> bool {
        let dropped_bits = value.fraction_bits - self.fraction_bits();
        let (mantissa, shift) = if dropped_bits > 0 {
            (round(value.mantissa, dropped_bits as u32, self.rounding), 0)
        } else {
            (value.mantissa, dropped_bits.unsigned_abs())
        };
        !fits(mantissa, shift, self.overflow.range_of(self.format))
    }

    /// Whether the value is on the grid of this type.
    pub fn is_on_grid(self, value: Value) -> bool {
        let dropped_bits = value.fraction_bits - self.fraction_bits();
        value.mantissa == 0 || dropped_bits <= value.mantissa.trailing_zeros() as i32
    }

    /// Casts a floating-point number to this type and returns its mantissa.
    ///
    /// # Errors
    /// [`NotFinite`] when the number is NaN or infinite.
    pub fn from_f64(self, number: f64) -> Result<i128, NotFinite> {
        Ok(self.cast(from_f64_exact(number)?))
    }
}

/// The exact value of a floating-point number.
///
/// # Errors
/// [`NotFinite`] when the number is NaN or infinite.
pub fn from_f64_exact(number: f64) -> Result<Value, NotFinite> {
    if !number.is_finite() {
        return Err(NotFinite(number));
    }
    let (mantissa, exponent, sign) = num_traits::float::FloatCore::integer_decode(number);
    Ok(Value {
        mantissa: i128::from(sign) * i128::from(mantissa),
        fraction_bits: -i32::from(exponent),
    })
}

/// `mantissa` / 2^`dropped_bits`, rounded by the mode; `dropped_bits` > 0.
fn round(mantissa: i128, dropped_bits: u32, mode: Rounding) -> i128 {
    // Beyond 127 bits the quotient is 0 or -1 and the rest is on the same side of one half,
    // because the mantissa is below 2^126 in magnitude.
    let bits = dropped_bits.min(127);
    let floor = mantissa >> bits;
    let rest = (mantissa as u128) & ((1u128 << bits) - 1);
    let half = 1u128 << (bits - 1);
    let negative = mantissa < 0;
    let up = match mode {
        Rounding::Trn => false,
        Rounding::TrnZero => negative && rest > 0,
        Rounding::Rnd => rest >= half,
        Rounding::RndMinInf => rest > half,
        Rounding::RndZero => rest > half || (rest == half && negative),
        Rounding::RndInf => rest > half || (rest == half && !negative),
        Rounding::RndConv => rest > half || (rest == half && floor & 1 == 1),
    };
    floor + i128::from(up)
}

/// `mantissa` * 2^`shift`, brought into the format's range by the mode.
fn overflow(mantissa: i128, shift: u32, format: Format, mode: Overflow) -> i128 {
    let range = mode.range_of(format);
    if fits(mantissa, shift, range) {
        return mantissa << shift.min(127);
    }
    match mode {
        Overflow::Wrap if shift >= format.width => 0,
        Overflow::Wrap => format.wrap(mantissa << shift),
        Overflow::Sat | Overflow::SatSym => {
            if mantissa < 0 {
                range.lo
            } else {
                range.hi
            }
        }
        Overflow::SatZero => 0,
    }
}

/// Whether `mantissa` * 2^`shift` lies in the range.
fn fits(mantissa: i128, shift: u32, range: Range) -> bool {
    // Comparing on the coarser grid cannot overflow, however large the shift.
    range.before_shift(shift).contains(mantissa)
}

impl Overflow {
    /// The mantissas of `format` that a cast with this mode can produce.
    pub fn range_of(self, format: Format) -> Range {
        let range = format.range();
        if self == Self::SatSym && format.signed { Range::new(-range.hi, range.hi) } else { range }
    }
}

impl Format {
    /// The low W bits of a two's complement mantissa, read in this format.
    pub fn wrap(self, mantissa: i128) -> i128 {
        if self.width == 0 {
            return 0;
        }
        let unused_bits = 128 - self.width;
        if self.signed {
            (mantissa << unused_bits) >> unused_bits
        } else {
            (((mantissa as u128) << unused_bits) >> unused_bits) as i128
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every mode on the halves around zero, from the table of the modes' definitions.
    #[test]
    fn halves_and_quarters_round_as_the_table_says() {
        // The inputs are -1.5, -1.25, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.5 and 2.5.
        let quarters = [-6, -5, -3, -2, -1, 1, 2, 3, 6, 10];
        let expected: [(Rounding, [i128; 10]); 7] = [
            (Rounding::Trn, [-2, -2, -1, -1, -1, 0, 0, 0, 1, 2]),
            (Rounding::TrnZero, [-1, -1, 0, 0, 0, 0, 0, 0, 1, 2]),
            (Rounding::Rnd, [-1, -1, -1, 0, 0, 0, 1, 1, 2, 3]),
            (Rounding::RndZero, [-1, -1, -1, 0, 0, 0, 0, 1, 1, 2]),
            (Rounding::RndInf, [-2, -1, -1, -1, 0, 0, 1, 1, 2, 3]),
            (Rounding::RndMinInf, [-2, -1, -1, -1, 0, 0, 0, 1, 1, 2]),
            (Rounding::RndConv, [-2, -1, -1, 0, 0, 0, 0, 1, 2, 2]),
        ];
        for (mode, mantissas) in expected {
            let ty = FixedType::new(Format::signed(8, 8)).with_modes(mode, Overflow::Sat);
            let found = quarters.map(|mantissa| ty.cast(Value { mantissa, fraction_bits: 2 }));
            assert_eq!(found, mantissas, "{mode:?}");
        }
    }

    /// Every overflow mode just inside and outside of a signed and an unsigned range.
    #[test]
    fn ends_of_the_range_overflow_as_the_mode_says() {
        let cast = |format: Format, mode, mantissa| {
            FixedType::new(format)
                .with_modes(Rounding::Trn, mode)
                .cast(Value { mantissa, fraction_bits: 0 })
        };
        let signed = Format::signed(4, 4);
        let inputs = [-17, -9, -8, -7, 7, 8, 100];
        assert_eq!(inputs.map(|m| cast(signed, Overflow::Wrap, m)), [-1, 7, -8, -7, 7, -8, 4]);
        assert_eq!(inputs.map(|m| cast(signed, Overflow::Sat, m)), [-8, -8, -8, -7, 7, 7, 7]);
        assert_eq!(inputs.map(|m| cast(signed, Overflow::SatZero, m)), [0, 0, -8, -7, 7, 0, 0]);
        assert_eq!(inputs.map(|m| cast(signed, Overflow::SatSym, m)), [-7, -7, -7, -7, 7, 7, 7]);
        let unsigned = Format::unsigned(4, 4);
        let inputs = [-17, -1, 0, 15, 16];
        assert_eq!(inputs.map(|m| cast(unsigned, Overflow::Wrap, m)), [15, 15, 0, 15, 0]);
        for mode in [Overflow::Sat, Overflow::SatSym] {
            assert_eq!(inputs.map(|m| cast(unsigned, mode, m)), [0, 0, 0, 15, 15]);
        }
        assert_eq!(inputs.map(|m| cast(unsigned, Overflow::SatZero, m)), [0, 0, 0, 15, 0]);
    }

    /// Grids a thousand bits apart neither panic nor lose the sign.
    #[test]
    fn far_apart_grids_saturate_and_round_to_the_right_side() {
        let fine = Format::signed(8, -500);
        let one = Value { mantissa: 1, fraction_bits: 0 };
        let minus = Value { mantissa: -1, fraction_bits: 0 };
        let sat = |format| FixedType::new(format).with_modes(Rounding::Trn, Overflow::Sat);
        assert_eq!(sat(fine).cast(one), 127);
        assert_eq!(sat(fine).cast(minus), -128);
        assert_eq!(FixedType::new(fine).cast(one), 0);
        let tiny = Value { mantissa: -1, fraction_bits: 1000 };
        assert_eq!(sat(Format::signed(8, 8)).cast(tiny), -1);
        let nearest = sat(Format::signed(8, 8)).with_modes(Rounding::Rnd, Overflow::Sat);
        assert_eq!(nearest.cast(tiny), 0);
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        let ty = FixedType::new(Format::signed(8, 4));
        assert!(ty.from_f64(f64::NAN).is_err());
        assert!(ty.from_f64(f64::NEG_INFINITY).is_err());
        assert_eq!(ty.from_f64(-0.0), Ok(0));
        assert_eq!(ty.from_f64(f64::MIN_POSITIVE), Ok(0));
        assert_eq!(ty.from_f64(1.0625), Ok(17));
    }
}
