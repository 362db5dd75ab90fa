//! Outputs that somebody else computed, and how the network's compare with them.

use rtl4ml_ir::VerifiedNetwork;

use crate::failure::Failure;
use crate::tensor_files::{EXPECTED, OpenRows, open};
use crate::tensors::{Tensor, TensorError, outputs, position};

/// The expected outputs of some samples, and the comparison so far.
#[derive(Debug)]
pub struct Expected {
    outputs: Vec<(Tensor, OpenRows)>,
    /// The numbers of the piece that is compared now, one entry an output.
    piece: Vec<Vec<f64>>,
    /// The number of its first sample.
    first_sample: usize,
    differ: usize,
    compared: usize,
    first: Option<String>,
}

impl Expected {
    /// Opens the expected outputs of `samples`.
    ///
    /// # Errors
    /// What of the files is not as it should be.
    pub fn open(
        network: &VerifiedNetwork,
        arguments: &[String],
        samples: usize,
    ) -> Result<Self, Failure> {
        let tensors = outputs(network);
        let rows = open(arguments, &tensors, EXPECTED)?;
        if let Some((rows, tensor)) = rows.iter().zip(&tensors).find(|(r, _)| r.count != samples) {
            let (name, found) = (tensor.name.clone(), rows.count);
            let other = "the input".to_owned();
            return Err(Failure::Tensor {
                file: rows.file.clone(),
                source: TensorError::Samples { name, found, expected: samples, other },
            });
        }
        let outputs = tensors.into_iter().zip(rows).collect();
        let (piece, first_sample) = (Vec::new(), 0);
        Ok(Self { outputs, piece, first_sample, differ: 0, compared: 0, first: None })
    }

    /// Reads the outputs of the next samples, with which those are compared that follow.
    ///
    /// # Errors
    /// When a file is not as its header says, or a number is not finite.
    pub fn next_piece(&mut self, first_sample: usize, samples: usize) -> Result<(), Failure> {
        self.first_sample = first_sample;
        let take = |(_, rows): &mut (Tensor, OpenRows)| rows.take(samples);
        self.piece = self.outputs.iter_mut().map(take).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Compares the network's numbers for one sample and one output.
    ///
    /// Where a number has more than the 53 bits of a floating-point number, the nearest one must
    /// be expected.
    #[allow(clippy::float_cmp, reason = "outputs are exact: equal means equal")]
    pub fn compare(&mut self, sample: usize, output: usize, found: &[f64]) {
        let tensor = &self.outputs[output].0;
        let at = (sample - self.first_sample) * found.len();
        let expected = &self.piece[output][at..][..found.len()];
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
