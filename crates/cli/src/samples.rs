//! Samples: what a network is fed with.
//!
//! Guarantees: each number is cast to the network's input type by the type's modes, and what that
//! changed is counted.

use rtl4ml_ir::VerifiedNetwork;
use rtl4ml_ir::fixed::{NotFinite, from_f64_exact};
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
            let (mut changed, mut overflowed) = (0, 0);
            let cast = |(index, number): (usize, &f64)| {
                let ty = input.types.get(index % elements);
                let exact = from_f64_exact(*number)?;
                let overflows = ty.overflows(exact);
                overflowed += usize::from(overflows);
                changed += usize::from(overflows || !ty.is_on_grid(exact));
                Ok(ty.cast(exact))
            };
            let cast: Result<Mantissas, NotFinite> = numbers.iter().enumerate().map(cast).collect();
            let failed =
                |error: NotFinite| Failure::Tensor { file: file.clone(), source: error.into() };
            mantissas.push(cast.map_err(failed)?);
            let (input, count) = (input.name.clone(), numbers.len());
            casts.push(Cast { input, file, count, changed, overflowed });
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
        let text = |Cast { input, file, count, changed, overflowed }: &Cast| {
            let changed = match (changed, overflowed) {
                (0, _) => "all on the grid of its type".to_owned(),
                (changed, 0) => format!("{changed} of {count} numbers rounded to its type"),
                (changed, overflowed) => format!(
                    "{changed} of {count} numbers changed by its type, {overflowed} of them out of its range"
                ),
            };
            format!("{input} from {file}, {changed}")
        };
        self.casts.iter().map(text).collect()
    }
}
