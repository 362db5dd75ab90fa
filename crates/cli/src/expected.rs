//! Outputs that somebody else computed, and how the network's compare with them.

use rtl4ml_ir::VerifiedNetwork;

use crate::failure::Failure;
use crate::tensor_files::{EXPECTED, Tensor, TensorError, outputs, read};

/// The expected outputs of some samples, and the comparison so far.
#[derive(Debug)]
pub struct Expected {
    outputs: Vec<(Tensor, Vec<f64>)>,
    differ: usize,
    compared: usize,
    first: Option<String>,
}

impl Expected {
    /// Reads the expected outputs of `samples`.
    ///
    /// # Errors
    /// What of the files is not as it should be.
    pub fn read(
        network: &VerifiedNetwork,
        arguments: &[String],
        samples: usize,
    ) -> Result<Self, Failure> {
        let tensors = outputs(network);
        let rows = read(arguments, &tensors, EXPECTED)?;
        if let Some((rows, tensor)) = rows.iter().zip(&tensors).find(|(r, _)| r.count != samples) {
            let (name, found) = (tensor.name.clone(), rows.count);
            let other = "the input".to_owned();
            return Err(Failure::Tensor {
                file: rows.file.clone(),
                source: TensorError::Samples { name, found, expected: samples, other },
            });
        }
        let numbers = rows.into_iter().map(|rows| rows.numbers);
        let outputs = tensors.into_iter().zip(numbers).collect();
        Ok(Self { outputs, differ: 0, compared: 0, first: None })
    }

    /// Compares the network's numbers for one sample and one output.
    ///
    /// Where a number has more than the 53 bits of a floating-point number, the nearest one must
    /// be expected.
    #[allow(clippy::float_cmp, reason = "outputs are exact: equal means equal")]
    pub fn compare(&mut self, sample: usize, output: usize, found: &[f64]) {
        let (tensor, numbers) = &self.outputs[output];
        let expected = &numbers[sample * found.len()..][..found.len()];
        for (element, (found, expected)) in found.iter().zip(expected).enumerate() {
            if found != expected {
                self.differ += 1;
                self.first.get_or_insert_with(|| {
                    format!(
                        "sample {sample}, output `{}`, element {:?}: found {found}, expected {expected}",
                        tensor.name,
                        position(element, &tensor.shape)
                    )
                });
            }
        }
        self.compared += found.len();
    }

    /// How many elements differ, of how many.
    pub fn counts(&self) -> (usize, usize) {
        (self.differ, self.compared)
    }

    /// The failure, if there was a difference.
    pub fn failure(&self) -> Option<Failure> {
        let first = self.first.clone()?;
        Some(Failure::Differ { differ: self.differ, count: self.compared, first })
    }
}

/// The position, one index an axis, of a row-major index.
fn position(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut position = vec![0; shape.len()];
    for (place, extent) in position.iter_mut().zip(shape).rev() {
        *place = index % extent;
        index /= extent;
    }
    position
}
