//! Exact arithmetic on values of any grid.

use rtl4ml_ir::{FixedType, Value};

/// The sum of two numbers on the finer of their grids.
pub(super) fn sum(a: Value, b: Value) -> Value {
    let is_zero = |value: Value| value.mantissa == 0;
    if is_zero(a) {
        return b;
    }
    if is_zero(b) {
        return a;
    }
    let fraction_bits = a.fraction_bits.max(b.fraction_bits);
    let mantissa = a.mantissa_at(fraction_bits) + b.mantissa_at(fraction_bits);
    Value { mantissa, fraction_bits }
}

/// The product of two numbers.
pub(super) fn product(a: Value, b: Value) -> Value {
    Value { mantissa: a.mantissa * b.mantissa, fraction_bits: a.fraction_bits + b.fraction_bits }
}

/// The number times -1.
pub(super) fn negative(a: Value) -> Value {
    Value { mantissa: -a.mantissa, ..a }
}

/// The larger of two numbers.
pub(super) fn larger(a: Value, b: Value) -> Value {
    if sum(a, negative(b)).mantissa >= 0 { a } else { b }
}

/// The number cast to a type.
pub(super) fn cast(value: Value, ty: FixedType) -> Value {
    Value { mantissa: ty.cast(value), fraction_bits: ty.fraction_bits() }
}

/// The sum of `start` and the terms in their order: exact, or, with an accumulator's type, with
/// `start`, each term and each sum cast to it.
pub(super) fn accumulate(
    start: Value,
    terms: impl Iterator<Item = Value>,
    accum: Option<FixedType>,
) -> Value {
    match accum {
        None => terms.fold(start, sum),
        Some(accum) => {
            terms.fold(cast(start, accum), |total, term| cast(sum(total, cast(term, accum)), accum))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(mantissa: i128, fraction_bits: i32) -> Value {
        Value { mantissa, fraction_bits }
    }

    #[test]
    fn numbers_of_different_grids_are_compared_and_added_exactly() {
        // 3/2 and 5/4.
        assert_eq!(sum(value(3, 1), value(5, 2)), value(11, 2));
        assert_eq!(larger(value(3, 1), value(5, 2)), value(3, 1));
        assert_eq!(larger(value(-3, 1), value(-5, 2)), value(-5, 2));
        assert_eq!(product(value(3, 1), value(5, 2)), value(15, 3));
    }

    /// 1/4 + 1/4 + 1/4: each term is 0 in integers, and the exact sum is not 0 before the cast.
    #[test]
    fn an_accumulator_casts_each_term() {
        let terms = || [value(1, 2); 3].into_iter();
        assert_eq!(accumulate(Value::ZERO, terms(), None), value(3, 2));
        let integers: FixedType = "fixed<4,4>".parse().unwrap();
        assert_eq!(accumulate(value(1, 0), terms(), Some(integers)), value(1, 0));
        let rounding: FixedType = "fixed<4,3,RND,SAT>".parse().unwrap();
        // In halves, rounded up: three times 1/2, starting from 1 + 1/2 = 3/2, saturating at 7/2.
        let found = accumulate(value(6, 2), terms(), Some(rounding));
        assert_eq!(found, value(6, 1));
        let found = accumulate(value(12, 2), terms(), Some(rounding));
        assert_eq!(found, value(7, 1));
    }
}
