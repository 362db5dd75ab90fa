//! Division by a constant, rounded towards zero, as a multiplication by its reciprocal.

use rtl4ml_ir::{FixedType, Format, MultiplierStyle, Overflow, Range, Rounding, Value};

use super::{Dataflow, Term, TooWide};
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
        let largest = mantissas.hi.abs().max(mantissas.lo.abs());
        let (multiplier, shift) = reciprocal(divisor, largest).ok_or_else(too_wide)?;
        let factor = Value { mantissa: multiplier, fraction_bits: shift as i32 };
        let material = material(style, range, Range::constant(multiplier));
        let product = self.multiply_constant(a, factor, material)?;
        let quotients = Range::new(mantissas.lo / divisor, mantissas.hi / divisor);
        if let Some(mantissa) = quotients.as_constant() {
            return Ok(self.constant_term(Value { mantissa, fraction_bits: grid }));
        }
        let to = FixedType {
            format: Format::holding(quotients, grid),
            rounding: Rounding::TrnZero,
            overflow: Overflow::Wrap,
        };
        self.cast(product, to, name)
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
