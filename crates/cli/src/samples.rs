//! Samples: what a network is fed with.
//!
//! Guarantees: each number is cast to the type of its input, and what that changed is counted.

use rtl4ml_ir::fixed::NotFinite;
use rtl4ml_ir::network::Input;
use rtl4ml_ir::{Types, VerifiedNetwork};
use rtl4ml_sim::reference::Mantissas;
use serde::Serialize;

use crate::failure::Failure;
use crate::numbers::Changes;
use crate::tensor_files::{INPUTS, Rows, read};
use crate::tensors::inputs;

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
    /// What that changed.
    #[serde(flatten)]
    pub changes: Changes,
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
        Self { input: input.name.clone(), file, changes: Changes::default() }
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
        self.changes.cast(types, elements, numbers).map_err(|error: NotFinite| Failure::Tensor {
            file: self.file.clone(),
            source: error.into(),
        })
    }

    /// What was read, in a line.
    pub fn text(&self) -> String {
        let Self { input, file, changes: Changes { count, changed, overflowed } } = self;
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
