//! Trained numbers as hls4ml's circuit has them.
//!
//! hls4ml writes each number as decimal text, with as many digits after the point as its type has
//! bits there, and the C++ casts what it reads: 0.7 in a type of no fraction bits is 1.

use rtl4ml_ir::fixed::from_f64_exact;
use rtl4ml_ir::{FixedType, Format};

use super::config::Declared;
use crate::draft::Numbers;
use crate::error::{Lowered, refuse};
use crate::types::MAX_NUMBER;

/// A number through its decimal text with `digits` after the point.
pub fn through_decimal(number: f64, digits: usize) -> f64 {
    // Text and number are the nearest to each other; what was finite is read back.
    format!("{number:.digits$}").parse().unwrap_or(number)
}

/// Numbers on the grid of their type.
///
/// # Errors
/// When one is no number that a type can hold.
pub fn trained(
    key: &'static str,
    extents: Vec<usize>,
    values: &[f64],
    ty: FixedType,
    is_decimal: bool,
) -> Lowered<Numbers> {
    let digits = ty.fraction_bits().max(0) as usize;
    let mut cast = Vec::with_capacity(values.len());
    for value in values {
        let text = if is_decimal { through_decimal(*value, digits) } else { *value };
        let exact = from_f64_exact(text).ok().filter(|_| text.abs() <= MAX_NUMBER);
        let Some(exact) = exact else {
            return refuse(format!("its {key} holds {value}, which no fixed-point type does"));
        };
        cast.push(ty.format.to_f64(ty.cast(exact)));
    }
    Ok(Numbers { key, extents, values: cast, ty })
}

/// hls4ml multiplies by weights of `int<2>` with a choice between 0, -x and x: -2 counts as 1.
pub fn as_multiplied(mut numbers: Numbers, declared: Declared) -> Numbers {
    let Declared::Type { ty, is_integer: true } = declared else {
        return numbers;
    };
    if ty.format == Format::signed(2, 2) {
        for value in numbers.values.iter_mut().filter(|value| **value == -2.0) {
            *value = 1.0;
        }
    }
    numbers
}

/// The divisor of `count` that is nearest to `asked`, the smaller of two.
pub fn nearest_divisor(count: usize, asked: usize) -> usize {
    let divisors = (1..=count).take_while(|d| d * d <= count).filter(|d| count.is_multiple_of(*d));
    let all = divisors.flat_map(|d| [d, count / d]);
    all.min_by_key(|d| (d.abs_diff(asked), *d)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(numbers: &[f64], ty: &str, is_decimal: bool) -> Vec<f64> {
        let ty = ty.parse().unwrap();
        trained("weight", vec![numbers.len()], numbers, ty, is_decimal).unwrap().values
    }

    #[test]
    fn decimal_text_comes_before_the_cast() {
        assert_eq!(values(&[0.7, -0.4, 1.49], "fixed<4,4>", true), [1.0, 0.0, 1.0]);
        assert_eq!(values(&[0.7, -0.4, 1.49], "fixed<4,4>", false), [0.0, -1.0, 1.0]);
        // 0.46 becomes 0.5 with one digit.
        assert_eq!(values(&[0.46], "fixed<4,3>", true), [0.5]);
        assert_eq!(values(&[0.46], "fixed<4,3>", false), [0.0]);
        assert_eq!(values(&[0.3125], "fixed<8,2>", true), [0.3125]);
        assert!(
            trained("bias", vec![1], &[f64::NAN], "fixed<8,2>".parse().unwrap(), true).is_err()
        );
    }

    #[test]
    fn minus_two_of_two_bits_counts_as_one() {
        let declared = super::super::config::parse_type("int<2>").unwrap();
        let ty = "fixed<2,2>".parse().unwrap();
        let numbers = trained("weight", vec![4], &[-2.0, -1.0, 0.0, 1.0], ty, true).unwrap();
        assert_eq!(as_multiplied(numbers.clone(), declared).values, [1.0, -1.0, 0.0, 1.0]);
        assert_eq!(as_multiplied(numbers, Declared::Auto).values[0], -2.0);
    }

    #[test]
    fn reuse_factors_are_divisors() {
        let near = |asked| nearest_divisor(12, asked);
        assert_eq!([near(1), near(5), near(9), near(100)], [1, 4, 6, 12]);
        assert_eq!(nearest_divisor(1 << 24, 64), 64);
    }
}
