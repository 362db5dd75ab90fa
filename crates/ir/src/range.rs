//! Exact intervals of integer mantissas, from which every internal width follows.

use crate::fixed::{FixedType, Overflow, Value};

/// All integers from `lo` to `hi`, both included.
///
/// Arithmetic is checked: `None` means that an end leaves 126 bits, far beyond the 64 bits that
/// a signal may have, and the caller reports the layer whose intermediate is too wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// The smallest mantissa.
    pub lo: i128,
    /// The largest mantissa.
    pub hi: i128,
}

/// The magnitude that no end of a range reaches, so that a later addition cannot overflow.
const LIMIT: i128 = 1 << 126;

impl Range {
    /// The range of the constant 0.
    pub const ZERO: Self = Self { lo: 0, hi: 0 };

    /// The range from `lo` to `hi`.
    ///
    /// # Panics
    /// When `lo` is above `hi`, which is a mistake of the caller.
    pub const fn new(lo: i128, hi: i128) -> Self {
        assert!(lo <= hi, "a range's ends are in order");
        Self { lo, hi }
    }

    /// The range of one mantissa.
    pub const fn constant(mantissa: i128) -> Self {
        Self { lo: mantissa, hi: mantissa }
    }

    /// Whether the range is one mantissa, and which.
    pub fn as_constant(self) -> Option<i128> {
        (self.lo == self.hi).then_some(self.lo)
    }

    /// Whether `mantissa` lies in the range.
    pub fn contains(self, mantissa: i128) -> bool {
        (self.lo..=self.hi).contains(&mantissa)
    }

    /// Whether every mantissa of `self` lies in `other`.
    pub fn within(self, other: Self) -> bool {
        other.lo <= self.lo && self.hi <= other.hi
    }

    /// The bits that the range needs: two's complement if `lo` < 0, else unsigned; 0 for {0}.
    pub fn width(self) -> u32 {
        let magnitude_bits = |m: i128| 128 - m.leading_zeros();
        if self.lo < 0 {
            // -2^n needs as many magnitude bits as 2^n - 1.
            1 + magnitude_bits(-(self.lo + 1)).max(magnitude_bits(self.hi.max(0)))
        } else {
            magnitude_bits(self.hi)
        }
    }

    /// The smallest range that includes both.
    pub fn union(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// The range of a + b.
    pub fn plus(self, other: Self) -> Option<Self> {
        Self { lo: self.lo + other.lo, hi: self.hi + other.hi }.checked()
    }

    /// The range of -a.
    pub fn negated(self) -> Self {
        Self { lo: -self.hi, hi: -self.lo }
    }

    /// The range of a * b.
    pub fn times(self, other: Self) -> Option<Self> {
        let products = [
            self.lo.checked_mul(other.lo)?,
            self.lo.checked_mul(other.hi)?,
            self.hi.checked_mul(other.lo)?,
            self.hi.checked_mul(other.hi)?,
        ];
        let lo = products.into_iter().min()?;
        let hi = products.into_iter().max()?;
        Self { lo, hi }.checked()
    }

    /// The range of a * 2^`bits`.
    pub fn shifted_left(self, bits: u32) -> Option<Self> {
        if self == Self::ZERO {
            return Some(self);
        }
        let factor = 1i128.checked_shl(bits).filter(|factor| *factor > 0)?;
        self.times(Self::constant(factor))
    }

    /// The range of the floor of a / 2^`bits`.
    pub fn shifted_right(self, bits: u32) -> Self {
        let bits = bits.min(127);
        Self { lo: self.lo >> bits, hi: self.hi >> bits }
    }

    /// The range of the floor of a * 2^`bits`, where `bits` may be below 0.
    pub fn shifted(self, bits: i32) -> Option<Self> {
        match u32::try_from(bits) {
            Ok(left) => self.shifted_left(left),
            Err(_) => Some(self.shifted_right(bits.unsigned_abs())),
        }
    }

    /// The integers whose product with 2^`bits` lies in this range, which has 0.
    pub fn before_shift(self, bits: u32) -> Self {
        let bits = bits.min(127);
        Self { lo: -(-self.lo >> bits), hi: self.hi >> bits }
    }

    /// The range of max(a, 0).
    pub fn rectified(self) -> Self {
        Self { lo: self.lo.max(0), hi: self.hi.max(0) }
    }

    /// The range of min(a, 0).
    pub fn not_above_zero(self) -> Self {
        Self { lo: self.lo.min(0), hi: self.hi.min(0) }
    }

    /// The range of the mantissas that [`FixedType::cast`] makes of this range of mantissas with
    /// `fraction_bits` bits after the binary point.
    pub fn cast(self, fraction_bits: i32, to: FixedType) -> Self {
        let cast = |mantissa| to.cast(Value { mantissa, fraction_bits });
        if let Some(constant) = self.as_constant() {
            return Self::constant(cast(constant));
        }
        // Rounding keeps the order, so the ends overflow if anything does.
        let overflows = || {
            let ends = [self.lo, self.hi].into_iter();
            ends.map(|mantissa| Value { mantissa, fraction_bits }).any(|end| to.overflows(end))
        };
        match to.overflow {
            // Saturation is monotonic as well.
            Overflow::Sat | Overflow::SatSym => Self::new(cast(self.lo), cast(self.hi)),
            _ if !overflows() => Self::new(cast(self.lo), cast(self.hi)),
            Overflow::Wrap => to.format.range(),
            Overflow::SatZero => {
                let saturated =
                    self.cast(fraction_bits, FixedType { overflow: Overflow::Sat, ..to });
                saturated.union(Self::ZERO)
            }
        }
    }

    fn checked(self) -> Option<Self> {
        (self.lo > -LIMIT && self.hi < LIMIT).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::{Format, Rounding};
    use proptest::prelude::*;

    #[test]
    fn widths_are_minimal_at_the_powers_of_two() {
        let width = |lo, hi| Range::new(lo, hi).width();
        assert_eq!(width(0, 0), 0);
        assert_eq!(width(0, 1), 1);
        assert_eq!(width(0, 255), 8);
        assert_eq!(width(0, 256), 9);
        assert_eq!(width(-1, 0), 1);
        assert_eq!(width(-1, 1), 2);
        assert_eq!(width(-128, 127), 8);
        assert_eq!(width(-128, 128), 9);
        assert_eq!(width(-129, 0), 9);
        assert_eq!(width(-4, -3), 3);
    }

    #[test]
    fn shifts_to_the_right_round_down_and_those_before_a_shift_stay_inside() {
        let range = Range::new(-13, 13);
        assert_eq!(range.shifted_right(2), Range::new(-4, 3));
        assert_eq!(range.shifted(-2), Some(Range::new(-4, 3)));
        assert_eq!(range.shifted(2), Some(Range::new(-52, 52)));
        assert_eq!(range.shifted_right(500), Range::new(-1, 0));
        assert_eq!(range.before_shift(2), Range::new(-3, 3));
        assert_eq!(range.before_shift(500), Range::ZERO);
        for mantissa in -20..=20 {
            assert_eq!(range.before_shift(2).contains(mantissa), range.contains(mantissa * 4));
        }
    }

    #[test]
    fn arithmetic_beyond_126_bits_is_refused() {
        let big = Range::new(0, (1 << 100) - 1);
        assert_eq!(big.times(big), None);
        assert_eq!(big.shifted_left(30), None);
        assert_eq!(Range::constant(1).shifted_left(500), None);
        assert_eq!(Range::ZERO.shifted_left(500), Some(Range::ZERO));
    }

    proptest! {
        /// The range of a cast holds the cast of every mantissa, and is reached at both ends
        /// unless the mode is not monotonic.
        #[test]
        fn cast_ranges_hold_every_cast(
            lo in -300i128..300, span in 0i128..300, fraction_bits in -3i32..6,
            width in 1u32..8, integer_bits in -3i32..8, signed: bool,
            rounding in proptest::sample::select(&Rounding::ALL[..]),
            overflow in proptest::sample::select(&Overflow::ALL[..]),
        ) {
            let to = FixedType { format: Format { signed, width, integer_bits }, rounding, overflow };
            let range = Range::new(lo, lo + span);
            let found = range.cast(fraction_bits, to);
            let casts: Vec<i128> = (range.lo..=range.hi)
                .map(|mantissa| to.cast(Value { mantissa, fraction_bits }))
                .collect();
            prop_assert!(casts.iter().all(|mantissa| found.contains(*mantissa)));
            prop_assert!(found.within(to.format.range()));
            if matches!(overflow, Overflow::Sat | Overflow::SatSym) {
                prop_assert!(casts.contains(&found.lo) && casts.contains(&found.hi));
            }
        }
    }
}
