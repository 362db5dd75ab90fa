//! Division by a constant, rounded towards zero, as a multiplication by its reciprocal.

use rtl4ml_ir::fixed::MAX_WIDTH;
use rtl4ml_ir::{FixedType, Format, MultiplierStyle, Overflow, Range, Rounding, Value};

use super::{BitOf, Dataflow, Material, Term, TooWide};
use crate::kernel::material;

/// A multiplier and a shift for which trunc(n * multiplier / 2^shift) is trunc(n / divisor), for
/// every n whose magnitude is at most `largest`; `None` where these leave 126 bits.
///
/// With e = multiplier * divisor - 2^shift, which is not negative, n * multiplier / 2^shift
/// exceeds n / divisor by n * e / (divisor * 2^shift). A quotient's fraction is at most
/// (divisor - 1) / divisor, so that its whole part stays while n * e < 2^shift. Both roundings are
/// towards zero, so that what holds for n holds for -n.
fn reciprocal(divisor: i128, largest: i128) -> Option<(i128, u32)> {
    (0..126).find_map(|shift| {
        let power = 1i128 << shift;
        let multiplier = (power + divisor - 1) / divisor;
        let excess = multiplier * divisor - power;
        let is_exact = largest.checked_mul(excess)? < power;
        is_exact.then_some((multiplier, shift))
    })
}

impl Dataflow {
    /// The mantissa of a term on the grid 2^-`grid`, which is no coarser than the term's own,
    /// divided by `divisor` and rounded towards zero, on the same grid.
    pub fn divide(
        &mut self,
        a: Term,
        divisor: usize,
        grid: i32,
        style: MultiplierStyle,
        name: &str,
    ) -> Result<Term, TooWide> {
        let too_wide = || TooWide { name: name.to_owned() };
        let a = self.positive(a, &format!("{name}_dividend"))?;
        let range = self.range(a.node);
        if range == Range::ZERO {
            return Ok(a);
        }
        let divisor = divisor as i128;
        let mantissas = range.shifted_left((grid - a.fraction_bits) as u32).ok_or_else(too_wide)?;
        let quotients = Range::new(mantissas.lo / divisor, mantissas.hi / divisor);
        if let Some(mantissa) = quotients.as_constant() {
            return Ok(self.constant_term(Value { mantissa, fraction_bits: grid }));
        }
        let largest = mantissas.hi.abs().max(mantissas.lo.abs());
        let fits = |(multiplier, _): &(i128, u32)| {
            let product = range.times(Range::constant(*multiplier));
            product.is_some_and(|product| product.width() <= MAX_WIDTH)
        };
        let Some((multiplier, shift)) = reciprocal(divisor, largest).filter(fits) else {
            return if range.lo < 0 {
                self.divide_by_sign(a, divisor as usize, grid, style, name)
            } else {
                self.divide_in_halves(a, mantissas, divisor, grid, style, name)
            };
        };
        let factor = Value { mantissa: multiplier, fraction_bits: shift as i32 };
        let material = material(style, range, Range::constant(multiplier));
        let product = self.multiply_constant(a, factor, material)?;
        let to = FixedType {
            format: Format::holding(quotients, grid),
            rounding: Rounding::TrnZero,
            overflow: Overflow::Wrap,
        };
        self.cast(product, to, name)
    }

    /// A division of the magnitude, which then gets its sign back.
    fn divide_by_sign(
        &mut self,
        a: Term,
        divisor: usize,
        grid: i32,
        style: MultiplierStyle,
        name: &str,
    ) -> Result<Term, TooWide> {
        let range = self.range(a.node);
        let sign = BitOf { node: a.node, bit: range.width() - 1 };
        let minus = Term { negative: true, ..a };
        let magnitude = self.select(sign, minus, a, &format!("{name}_magnitude"))?;
        self.restrict(magnitude.node, Range::new(0, range.hi.max(-range.lo)));
        let quotient = self.divide(magnitude, divisor, grid, style, &format!("{name}_unsigned"))?;
        let minus = Term { negative: !quotient.negative, ..quotient };
        self.select(sign, minus, quotient, name)
    }

    /// A division whose product with the reciprocal would be too wide, digit by digit of two
    /// digits: the high one, then its remainder with the low one. The dividend is not negative.
    fn divide_in_halves(
        &mut self,
        a: Term,
        mantissas: Range,
        divisor: i128,
        grid: i32,
        style: MultiplierStyle,
        name: &str,
    ) -> Result<Term, TooWide> {
        let low_bits = mantissas.width() / 2;
        let high_grid = grid - low_bits as i32;
        let rest_limit = (divisor << low_bits) - 1;
        if rest_limit >= mantissas.hi {
            return Err(TooWide { name: name.to_owned() });
        }
        let digit = |range: Range, grid: i32| FixedType::new(Format::holding(range, grid));
        let high_range = Range::new(0, mantissas.hi >> low_bits);
        let high = self.cast(a, digit(high_range, high_grid), &format!("{name}_high"))?;
        let low_range = Range::new(0, (1 << low_bits) - 1);
        let low = self.cast(a, digit(low_range, grid), &format!("{name}_low"))?;
        let high_name = format!("{name}_high_quotient");
        let quotient = self.divide(high, divisor as usize, high_grid, style, &high_name)?;
        let whole = Value { mantissa: divisor, fraction_bits: 0 };
        let divided = self.multiply_constant(quotient, whole, Material::Lut)?;
        let divided = Term { negative: !divided.negative, ..divided };
        let remainder = self.add(high, divided, &format!("{name}_high_remainder"))?;
        let rest = self.add(remainder, low, &format!("{name}_rest"))?;
        let rest = self.positive(rest, &format!("{name}_rest_positive"))?;
        let unshifted = rest_limit >> (grid - rest.fraction_bits);
        self.restrict(rest.node, Range::new(0, unshifted));
        let low_name = format!("{name}_low_quotient");
        let rest = self.divide(rest, divisor as usize, grid, style, &low_name)?;
        self.add(quotient, rest, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reciprocals_divide_every_number_of_their_range() {
        for divisor in 1..=40i128 {
            for largest in [1, 5, 100, 1000, 4095] {
                let (multiplier, shift) = reciprocal(divisor, largest).unwrap();
                for n in -largest..=largest {
                    assert_eq!(n * multiplier / (1 << shift), n / divisor, "{n} / {divisor}");
                }
            }
        }
    }

    #[test]
    fn a_power_of_two_is_a_shift() {
        assert_eq!(reciprocal(8, 1 << 40), Some((1, 3)));
        assert_eq!(reciprocal(1, 1 << 60), Some((1, 0)));
    }
}
