//! Samples: what a network is fed with.
//!
//! Guarantees: each number is cast to the network's input type by the type's modes, and what that
//! changed is counted.

use rayon::prelude::*;
use rtl4ml_ir::fixed::{NotFinite, from_f64_exact};
use rtl4ml_ir::network::Input;
use rtl4ml_ir::{FixedType, Types, VerifiedNetwork};
use rtl4ml_sim::reference::Mantissas;
use serde::Serialize;

use crate::failure::Failure;
use crate::tensor_files::{INPUTS, Rows, inputs, read};

/// Samples for a network, in the formats of its inputs.
#[derive(Debug)]
pub struct Samples {
    /// How many there are.
    pub count: usize,
    /// What casting them to the input types changed, one entry an input.
    pub casts: Vec<Cast>,
    /// The integers of each input, all samples in a row.
    mantissas: Vec<Mantissas>,
}

/// What casting the samples of one input to its type changed.
#[derive(Debug, Serialize)]
pub struct Cast {
    /// The input.
    pub input: String,
    /// The file that the samples are from.
    pub file: String,
    /// How many numbers there are.
    pub count: usize,
    /// How many of them the type does not hold exactly.
    pub changed: usize,
    /// How many of those are outside of its range.
    pub overflowed: usize,
}

impl Samples {
    /// Reads samples, at most `most` of them.
    ///
    /// # Errors
    /// What of the files is not as it should be.
    pub fn read(
        network: &VerifiedNetwork,
        arguments: &[String],
        most: Option<usize>,
    ) -> Result<Self, Failure> {
        let rows = read(arguments, &inputs(network), INPUTS)?;
        let there = rows.first().map_or(0, |rows| rows.count);
        let count = most.map_or(there, |most| most.min(there));
        let mut casts = Vec::new();
        let mut mantissas = Vec::new();
        for (Rows { file, count: there, numbers }, input) in
            rows.into_iter().zip(&network.network().inputs)
        {
            let elements = numbers.len() / there;
            let numbers = &numbers[..count * elements];
            let mut cast = Cast::new(input, file);
            mantissas.push(cast.apply(&input.types, elements, numbers)?);
            casts.push(cast);
        }
        Ok(Self { count, casts, mantissas })
    }

    /// One sample: a tensor an input.
    pub fn get(&self, index: usize) -> Vec<Mantissas> {
        let sample = |mantissas: &Mantissas| {
            let elements = mantissas.len() / self.count;
            mantissas[index * elements..][..elements].to_vec()
        };
        self.mantissas.iter().map(sample).collect()
    }

    /// The samples in order.
    pub fn iter(&self) -> impl Iterator<Item = Vec<Mantissas>> {
        (0..self.count).map(|index| self.get(index))
    }

    /// What was read, a line an input.
    pub fn texts(&self) -> Vec<String> {
        self.casts.iter().map(Cast::text).collect()
    }
}

impl Cast {
    /// Nothing yet, of an input's file.
    pub fn new(input: &Input, file: String) -> Self {
        Self { input: input.name.clone(), file, count: 0, changed: 0, overflowed: 0 }
    }

    /// Casts numbers of whole samples of so many elements.
    ///
    /// # Errors
    /// When a number is not finite.
    pub fn apply(
        &mut self,
        types: &Types,
        elements: usize,
        numbers: &[f64],
    ) -> Result<Mantissas, Failure> {
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
        let failed =
            |error: NotFinite| Failure::Tensor { file: self.file.clone(), source: error.into() };
        let found = found.map_err(failed)?;
        self.count += found.len();
        self.changed += found.iter().filter(|(_, changed, _)| *changed).count();
        self.overflowed += found.iter().filter(|(.., overflows)| *overflows).count();
        Ok(found.into_iter().map(|(mantissa, ..)| mantissa).collect())
    }

    /// What was read, in a line.
    pub fn text(&self) -> String {
        let Self { input, file, count, changed, overflowed } = self;
        let changed = match (changed, overflowed) {
            (0, _) => "all on the grid of its type".to_owned(),
            (changed, 0) => format!("{changed} of {count} numbers rounded to its type"),
            (changed, overflowed) => format!(
                "{changed} of {count} numbers changed by its type, {overflowed} of them out of its range"
            ),
        };
        format!("{input} from {file}, {changed}")
    }
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
