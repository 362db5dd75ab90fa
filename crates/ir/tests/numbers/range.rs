//! [`Range`]: every operation holds every result, and no end is looser than it must be.

use num_bigint::BigInt;
use num_traits::One;
use proptest::prelude::*;
use rtl4ml_ir::{FixedType, Format, Overflow, Range, Value};

use crate::oracle;
use crate::strategies::{corners, declared_format, declared_type, element, range, with_all_modes};

/// The range from the exact ends, or `None` where one of them leaves 126 bits.
fn checked(low: BigInt, high: BigInt) -> Option<Range> {
    let limit = BigInt::one() << 126;
    (low > -&limit && high < limit).then(|| {
        let end = |end: BigInt| i128::try_from(end).unwrap();
        Range::new(end(low), end(high))
    })
}

/// Whether the format has the mantissa.
fn holds(format: Format, mantissa: i128) -> bool {
    let (low, high) = oracle::ends(format);
    (low..=high).contains(&BigInt::from(mantissa))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn sums_are_exact(a in range(125), b in range(125), picks: [u128; 2]) {
        let big = BigInt::from;
        let found = a.plus(b);
        prop_assert_eq!(found, checked(big(a.lo) + b.lo, big(a.hi) + b.hi));
        if let Some(sum) = found {
            prop_assert!(sum.contains(element(a, picks[0]) + element(b, picks[1])));
        }
    }

    #[test]
    fn products_are_exact(a in range(80), b in range(80), picks: [u128; 2]) {
        let ends = [(a.lo, b.lo), (a.lo, b.hi), (a.hi, b.lo), (a.hi, b.hi)]
            .map(|(a, b)| BigInt::from(a) * b);
        let low = ends.iter().min().unwrap().clone();
        let high = ends.iter().max().unwrap().clone();
        let found = a.times(b);
        prop_assert_eq!(found, checked(low, high));
        if let Some(product) = found {
            prop_assert!(product.contains(element(a, picks[0]) * element(b, picks[1])));
        }
    }

    #[test]
    fn shifts_are_exact(a in range(125), bits in prop_oneof![0u32..=200, Just(u32::MAX)]) {
        let found = a.shifted_left(bits);
        if a == Range::ZERO {
            prop_assert_eq!(found, Some(a));
        } else if bits > 200 {
            prop_assert_eq!(found, None);
        } else {
            prop_assert_eq!(found, checked(BigInt::from(a.lo) << bits, BigInt::from(a.hi) << bits));
        }
    }

    #[test]
    fn negation_rectification_and_union_are_exact(a in range(125), b in range(125), pick: u128) {
        let x = element(a, pick);
        prop_assert!(a.negated().contains(-x));
        prop_assert_eq!(a.negated().negated(), a);
        prop_assert!(a.rectified().contains(x.max(0)));
        prop_assert_eq!((a.rectified().lo, a.rectified().hi), (a.lo.max(0), a.hi.max(0)));
        let union = a.union(b);
        prop_assert!(union.contains(x) && a.within(union) && b.within(union));
        prop_assert!([a.lo, b.lo].contains(&union.lo) && [a.hi, b.hi].contains(&union.hi));
    }

    #[test]
    fn the_width_holds_the_range_and_no_narrower_one_does(
        a in range(100), fraction_bits in -70i32..=70,
    ) {
        let format = Format::holding(a, fraction_bits);
        prop_assert_eq!(format.fraction_bits(), fraction_bits);
        prop_assert_eq!(format.signed, a.lo < 0);
        prop_assert_eq!(format.width, a.width());
        prop_assert!(holds(format, a.lo) && holds(format, a.hi));
        if format.width == 0 {
            prop_assert_eq!(a, Range::ZERO);
        } else {
            let narrower = Format { width: format.width - 1, ..format };
            prop_assert!(!holds(narrower, a.lo) || !holds(narrower, a.hi));
        }
    }

    #[test]
    fn a_cast_range_holds_every_cast(
        a in range(100), to in declared_type(), dropped_bits in -70i32..=70,
        picks: [u128; 8],
    ) {
        let fraction_bits = to.fraction_bits() + dropped_bits;
        let found = a.cast(fraction_bits, to);
        let cast = |mantissa| to.cast(Value { mantissa, fraction_bits });
        prop_assert!(found.within(to.overflow.range_of(to.format)));
        for pick in picks {
            prop_assert!(found.contains(cast(element(a, pick))));
        }
        // A mode that keeps the order reaches its ends at those of the argument.
        let overflows = [a.lo, a.hi]
            .map(|end| oracle::overflows(&oracle::number(end, fraction_bits), to))
            .contains(&true);
        if !overflows || matches!(to.overflow, Overflow::Sat | Overflow::SatSym) {
            prop_assert_eq!(found, Range::new(cast(a.lo), cast(a.hi)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Ranges that end just where the type's range ends: a wrap or a zero that shows only there.
    #[test]
    fn a_cast_range_holds_every_cast_at_the_corners(
        format in declared_format(), dropped_bits in -5i32..=40, picks: [prop::sample::Index; 2],
    ) {
        let fraction_bits = format.fraction_bits() + dropped_bits;
        let corners = corners(format, dropped_bits);
        let [a, b] = picks.map(|pick| *pick.get(&corners));
        let range = Range::new(a.min(b), a.max(b));
        for to in with_all_modes(format) {
            let found = range.cast(fraction_bits, to);
            for mantissa in corners.iter().copied().filter(|m| range.contains(*m)) {
                let mantissa = to.cast(Value { mantissa, fraction_bits });
                prop_assert!(found.contains(mantissa), "{} of {:?}", to, range);
            }
        }
    }
}

/// Without bits there is one value, whatever is cast.
#[test]
fn a_type_without_bits_holds_nothing_but_zero() {
    for to in with_all_modes(Format::signed(0, 0)) {
        assert_eq!(Range::new(-5, 9).cast(1, to), Range::ZERO, "{to}");
        assert_eq!(to.from_f64(-7.5), Ok(0));
    }
    assert_eq!(FixedType::new(Format::unsigned(0, 3)).format.range(), Range::ZERO);
}
