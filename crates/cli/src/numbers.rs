//! Floating-point numbers as a network's integers, and the integers as numbers.
//!
//! Guarantees: a number is cast to its input's type by the type's modes, and what that changed is
//! counted; a result is exact up to 53 significant bits, the nearest number beyond, and counted.

use rayon::prelude::*;
use rtl4ml_ir::fixed::{NotFinite, from_f64_exact};
use rtl4ml_ir::{FixedType, Source, TensorType, Types, VerifiedNetwork};
use rtl4ml_sim::reference::Mantissas;
use serde::Serialize;

use crate::overview::input_sources;

/// The significant bits of a float64.
pub const FLOAT_BITS: u32 = f64::MANTISSA_DIGITS;

/// About how many numbers of all tensors that are kept go through memory at a time.
const PIECE: usize = 1 << 20;

/// What casting numbers to a type changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// How many numbers there are.
    pub count: usize,
    /// How many of them the type does not hold exactly.
    pub changed: usize,
    /// How many of those are outside of its range.
    pub overflowed: usize,
}

impl Changes {
    /// Casts the numbers of whole samples of so many elements, and counts what that changes.
    ///
    /// # Errors
    /// When a number is not finite.
    pub fn cast(
        &mut self,
        types: &Types,
        elements: usize,
        numbers: &[f64],
    ) -> Result<Mantissas, NotFinite> {
        let cast = |(index, number): (usize, &f64)| {
            let ty = types.get(index % elements);
            if let Some(mantissa) = on_grid(ty, *number) {
                return Ok((mantissa, false, false));
            }
            let exact = from_f64_exact(*number)?;
            let overflows = ty.overflows(exact);
            Ok((ty.cast(exact), overflows || !ty.is_on_grid(exact), overflows))
        };
        let found: Result<Vec<_>, NotFinite> = numbers.par_iter().enumerate().map(cast).collect();
        let found = found?;
        self.count += found.len();
        self.changed += found.iter().filter(|(_, changed, _)| *changed).count();
        self.overflowed += found.iter().filter(|(.., overflows)| *overflows).count();
        Ok(found.into_iter().map(|(mantissa, ..)| mantissa).collect())
    }
}

/// The numbers that mantissas of whole samples of a tensor stand for.
pub fn numbers(tensor: &TensorType, mantissas: &[i128]) -> Vec<f64> {
    let of_sample = |sample: &[i128]| {
        let number = |(index, mantissa): (usize, &i128)| tensor.format(index).to_f64(*mantissa);
        sample.iter().enumerate().map(number).collect::<Vec<_>>()
    };
    let elements = tensor.element_count().max(1);
    if mantissas.len() <= elements {
        return of_sample(mantissas);
    }
    mantissas.par_chunks(elements).flat_map_iter(of_sample).collect()
}

/// How many of the mantissas a float64 does not hold exactly.
pub fn count_inexact(mantissas: &[i128]) -> usize {
    let is_exact = |mantissa: &&i128| {
        let magnitude = mantissa.unsigned_abs();
        magnitude == 0
            || u128::BITS - magnitude.leading_zeros() - magnitude.trailing_zeros() <= FLOAT_BITS
    };
    mantissas.len() - mantissas.iter().filter(is_exact).count()
}

/// The warning that so many of a tensor's numbers are not exact, where there are any.
pub fn inexact_warning(of: &str, inexact: usize, count: usize) -> Option<String> {
    let text = || {
        format!(
            "{of}: {inexact} of {count} numbers have more than {FLOAT_BITS} significant bits and are rounded to float64"
        )
    };
    (inexact > 0).then(text)
}

/// How many samples go through memory at a time, where these tensors are kept of each.
pub fn samples_together(network: &VerifiedNetwork, wanted: &[Source]) -> usize {
    let elements = |source: Source| network.tensor_type(source).element_count();
    let each: usize = input_sources(network).chain(wanted.iter().copied()).map(elements).sum();
    // Whole blocks, enough of them for all threads.
    (PIECE / each.max(1)).next_multiple_of(64).max(64)
}

/// The mantissa of a number that a type holds exactly, where floating point finds it: most samples
/// are such, and the general way takes many times as long.
fn on_grid(ty: FixedType, number: f64) -> Option<i128> {
    /// Up to here a floating-point number without fraction is an integer of 64 bits.
    const EXACT: f64 = (1u64 << 52) as f64;
    // A power of two changes only the exponent.
    let scaled = number * 2f64.powi(ty.fraction_bits());
    let vanished = scaled == 0.0 && number != 0.0;
    if vanished || scaled.abs() >= EXACT || scaled.fract() != 0.0 {
        return None;
    }
    let mantissa = i128::from(scaled as i64);
    let range = ty.overflow.range_of(ty.format);
    range.contains(mantissa).then_some(mantissa)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What floating point finds is what the definition gives.
    #[test]
    fn numbers_on_the_grid_are_found_and_no_others() {
        let mut found = 0;
        for text in
            ["fixed<8,4,RND,SAT>", "ufixed<5,9>", "fixed<12,-3,TRN,SAT_SYM>", "fixed<64,32>"]
        {
            let ty: FixedType = text.parse().unwrap();
            let numbers = (-600..600)
                .map(|i| f64::from(i) / 32.0)
                .chain((0..80).map(|i| f64::from(i - 40) * 2f64.powi(i - 60)));
            for number in numbers.chain([5e-324, -0.0, 1e300]) {
                let exact = from_f64_exact(number).unwrap();
                let unchanged = !ty.overflows(exact) && ty.is_on_grid(exact);
                if let Some(mantissa) = on_grid(ty, number) {
                    found += 1;
                    assert!(unchanged, "{number} {text}");
                    assert_eq!(mantissa, ty.cast(exact), "{number} {text}");
                }
            }
        }
        assert!(found > 100, "only {found} were found");
    }
}
