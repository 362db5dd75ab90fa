//! A cast, prepared for one type and applied to many samples at once.
//!
//! Guarantees the integers of [`FixedType::cast`], which is the definition; what of its work no
//! value of the range needs is left out.

#![allow(clippy::inline_always, reason = "see `lanes::Work`")]

use rtl4ml_ir::exact::{CastSteps, Target, moved};
use rtl4ml_ir::layers::ExactRange;
use rtl4ml_ir::{FixedType, Overflow, Range, Rounding};

use crate::lanes::{Int, Lanes, map};

/// A cast of numbers on one grid to one type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cast<T> {
    /// The bits to drop, and how.
    down: u32,
    rounding: Rounding,
    /// The bits to append; never as well as `down`.
    up: u32,
    /// What becomes of numbers outside of the limits; `None` where there are none.
    overflow: Option<Overflow>,
    /// The rounded mantissas, before bits are appended, that the type holds.
    limits: [T; 2],
    /// What the others become where they saturate.
    ends: [T; 2],
    /// The bits of `T` above the type's.
    unused_bits: u32,
    signed: bool,
    /// Whether every number becomes 0.
    vanishes: bool,
}

impl<T: Int> Cast<T> {
    /// The cast of numbers in a range; `None` where `T` is too narrow for its steps.
    pub fn new(from: ExactRange, ty: FixedType) -> Option<Self> {
        let CastSteps { down, up, overflows, vanishes, limits, ends, result } =
            CastSteps::new(from, ty);
        if !T::holds(from.0) || !T::holds(result) || (down > T::BITS - 2 && !vanishes) {
            return None;
        }
        let saturated = |range: Range| [T::saturated(range.lo), T::saturated(range.hi)];
        Some(Self {
            down,
            rounding: ty.rounding,
            up: up.min(T::BITS - 1),
            overflow: overflows.then_some(ty.overflow),
            limits: saturated(limits),
            ends: saturated(ends),
            unused_bits: T::BITS.saturating_sub(ty.format.width).min(T::BITS - 1),
            signed: ty.format.signed,
            vanishes,
        })
    }

    /// The cast of numbers in a range to what they become in a tensor.
    pub fn to(from: ExactRange, target: Target) -> Option<Self> {
        match target {
            Target::Type(ty) => Self::new(from, ty),
            Target::Grid(fraction_bits, to) => Self::to_grid(from, fraction_bits, to),
        }
    }

    /// A move to a grid that holds every number of the range, whose result is in `to`.
    pub fn to_grid(from: ExactRange, fraction_bits: i32, to: Range) -> Option<Self> {
        let (down, up) = moved(from.1, fraction_bits);
        let vanishes = to == Range::ZERO;
        let fits = T::holds(from.0) && T::holds(to) && down.max(up) < T::BITS;
        (fits || vanishes).then_some(Self {
            down: down.min(T::BITS - 1),
            rounding: Rounding::Trn,
            up: up.min(T::BITS - 1),
            overflow: None,
            limits: [T::MIN, T::MAX],
            ends: [T::MIN, T::MAX],
            unused_bits: 0,
            signed: true,
            vanishes,
        })
    }

    /// Whether the result is the low bits of the number's times a power of two, so that it may be
    /// taken once of a sum as well as of each of its terms.
    pub fn is_modular(&self) -> bool {
        self.down == 0 && self.overflow.is_none_or(|mode| mode == Overflow::Wrap)
    }

    /// How many bits are dropped, where that is only rounding down.
    pub fn truncated_bits(&self) -> Option<u32> {
        let rounds_down = self.rounding == Rounding::Trn && !self.vanishes;
        let no_end = self.overflow.is_none_or(|mode| mode == Overflow::Wrap);
        (self.down > 0 && rounds_down && no_end).then_some(self.down)
    }

    /// The cast numbers.
    #[inline(always)]
    pub fn apply(&self, x: &Lanes<T>) -> Lanes<T> {
        self.settle(&self.round(x))
    }

    /// How many of rounded numbers the type does not hold.
    #[inline(always)]
    pub fn outside(&self, rounded: &Lanes<T>) -> [bool; crate::lanes::LANES] {
        let [low, high] = self.limits;
        rounded.map(|x| self.overflow.is_some() && (x < low || x > high))
    }

    /// The number that a rounded one is, as a mantissa of the type's grid.
    pub fn on_grid(&self, rounded: T) -> i128 {
        if self.vanishes { 0 } else { rounded.widened() << self.up }
    }

    /// Rounded to the type's grid, unless that is finer.
    #[inline(always)]
    pub fn round(&self, x: &Lanes<T>) -> Lanes<T> {
        let bits = self.down;
        if bits == 0 {
            return *x;
        }
        let zero = T::default();
        let one = T::from_bool(true);
        let mask = one.up(bits).minus(one);
        let half = one.up(bits - 1);
        let rest = |x: T| x.and(mask);
        let down = |x: T, up: bool| x.down(bits).plus(T::from_bool(up));
        match self.rounding {
            Rounding::Trn => map(x, |x| x.down(bits)),
            Rounding::TrnZero => map(x, |x| down(x, x < zero && rest(x) != zero)),
            // The last dropped bit is the carry: nothing to add beyond the type's end.
            Rounding::Rnd => map(x, |x| x.down(bits).plus(x.down(bits - 1).and(one))),
            Rounding::RndMinInf => map(x, |x| down(x, rest(x) > half)),
            Rounding::RndZero => {
                map(x, |x| down(x, rest(x) > half || (rest(x) == half && x < zero)))
            }
            Rounding::RndInf => {
                map(x, |x| down(x, rest(x) > half || (rest(x) == half && x >= zero)))
            }
            Rounding::RndConv => map(x, |x| {
                let odd = x.down(bits).and(one) == one;
                down(x, rest(x) > half || (rest(x) == half && odd))
            }),
        }
    }

    /// Rounded numbers in the type.
    #[inline(always)]
    pub fn settle(&self, x: &Lanes<T>) -> Lanes<T> {
        let up = self.up;
        let zero = T::default();
        if self.vanishes {
            return map(x, |_| zero);
        }
        let ([low, high], [lowest, highest]) = (self.limits, self.ends);
        match self.overflow {
            None if up == 0 => *x,
            None => map(x, |x| x.up(up)),
            Some(Overflow::Wrap) if self.signed => {
                map(x, |x| x.up(up).up(self.unused_bits).down(self.unused_bits))
            }
            Some(Overflow::Wrap) => {
                let mask = T::MAX.down(self.unused_bits - 1);
                map(x, |x| x.up(up).and(mask))
            }
            Some(Overflow::Sat | Overflow::SatSym) if up == 0 => map(x, |x| x.max(low).min(high)),
            Some(Overflow::Sat | Overflow::SatSym) => map(x, |x| {
                if x < low {
                    lowest
                } else if x > high {
                    highest
                } else {
                    x.up(up)
                }
            }),
            Some(Overflow::SatZero) => {
                map(x, |x| if x < low || x > high { zero } else { x.up(up) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::LANES;
    use proptest::prelude::*;
    use rtl4ml_ir::{Format, Value};

    /// The definition and the prepared cast on the numbers of a range.
    fn compare<T: Int>(from: ExactRange, ty: FixedType, mantissas: &[i128]) -> bool {
        let Some(cast) = Cast::<T>::new(from, ty) else { return false };
        for mantissa in mantissas {
            let value = Value { mantissa: *mantissa, fraction_bits: from.1 };
            let x = [T::exactly(*mantissa).unwrap(); LANES];
            let found = cast.apply(&x)[0].widened();
            assert_eq!(found, ty.cast(value), "{mantissa} of {from:?} to {ty:?}");
            let rounded = cast.round(&x);
            if !cast.vanishes {
                assert_eq!(cast.outside(&rounded)[0], ty.overflows(value), "{value:?} {ty:?}");
            }
        }
        true
    }

    proptest! {
        #[test]
        fn every_number_is_cast_as_the_definition_says(
            lo in -3000i128..3000, span in 0i128..2000, fraction_bits in -6i32..12,
            width in 0u32..20, integer_bits in -12i32..24, signed: bool,
            rounding in proptest::sample::select(&Rounding::ALL[..]),
            overflow in proptest::sample::select(&Overflow::ALL[..]),
        ) {
            let ty = FixedType { format: Format { signed, width, integer_bits }, rounding, overflow };
            let from = (Range::new(lo, lo + span), fraction_bits);
            let mantissas: Vec<i128> = (lo..=lo + span).collect();
            prop_assert!(compare::<i64>(from, ty, &mantissas));
            // Integers of 32 bits have no room to drop as many.
            let has_room = fraction_bits - ty.fraction_bits() <= 30;
            prop_assert!(compare::<i32>(from, ty, &mantissas) || !has_room);
        }
    }

    /// Where the integers end.
    #[test]
    fn numbers_at_the_ends_of_the_integers_are_cast_as_the_definition_says() {
        let mantissas = [i32::MIN, i32::MIN + 1, -5, 0, 7, i32::MAX - 1, i32::MAX].map(i128::from);
        let from = |fraction_bits| (Range::new(mantissas[0], mantissas[6]), fraction_bits);
        let mut prepared = 0;
        for rounding in Rounding::ALL {
            for overflow in Overflow::ALL {
                for format in
                    [Format::signed(32, 30), Format::unsigned(31, 4), Format::signed(8, 8)]
                {
                    for fraction_bits in [0, 2, 20, 30] {
                        let ty = FixedType { format, rounding, overflow };
                        let fits = compare::<i32>(from(fraction_bits), ty, &mantissas);
                        prepared += usize::from(fits);
                        assert!(compare::<i64>(from(fraction_bits), ty, &mantissas));
                    }
                }
            }
        }
        assert!(prepared > 200, "only {prepared} casts fit 32 bits");
    }
}
