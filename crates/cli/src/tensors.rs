//! A network's inputs and outputs, and the arrays that hold samples of them.
//!
//! Guarantees: an array is taken for samples only where its shape says so.

use rtl4ml_ir::fixed::NotFinite;
use rtl4ml_ir::{Source, VerifiedNetwork};
use rtl4ml_spec::ArrayError;

use crate::page::samples_text;

/// An input or an output of a network, as its users name it.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Its name in the spec.
    pub name: String,
    /// Its extents.
    pub shape: Vec<usize>,
}

/// Why an array holds no samples of a tensor.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what its fields are")]
pub enum TensorError {
    #[error(transparent)]
    Array(#[from] ArrayError),
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    #[error("the shape is {found:?}; legal for `{name}`: {legal}")]
    Shape { name: String, found: Vec<usize>, legal: String },
    #[error("{} of `{name}`, but {} of {other}", samples_text(*found), samples_text(*expected))]
    Samples { name: String, found: usize, expected: usize, other: String },
}

impl TensorError {
    /// How to repair it, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Array(error) => error.help(),
            Self::NotFinite(_) | Self::Shape { .. } | Self::Samples { .. } => None,
        }
    }
}

/// The inputs of a network.
pub fn inputs(network: &VerifiedNetwork) -> Vec<Tensor> {
    let inputs = network.network().inputs.iter();
    inputs.map(|input| Tensor { name: input.name.clone(), shape: input.extents.clone() }).collect()
}

/// The outputs of a network.
pub fn outputs(network: &VerifiedNetwork) -> Vec<Tensor> {
    let tensor = |source: &Source| Tensor {
        name: network.network().source_name(*source).to_owned(),
        shape: network.tensor_type(*source).shape.extents().to_vec(),
    };
    network.network().outputs.iter().map(tensor).collect()
}

/// All tensors have as many samples as the first.
///
/// # Errors
/// When this one has another number.
pub fn same_count(
    first: Option<usize>,
    found: usize,
    tensor: &Tensor,
    tensors: &[Tensor],
) -> Result<(), TensorError> {
    match first {
        Some(expected) if expected != found => {
            let other = tensors.first().map_or_else(String::new, |t| format!("`{}`", t.name));
            Err(TensorError::Samples { name: tensor.name.clone(), found, expected, other })
        }
        _ => Ok(()),
    }
}

/// How many samples of a tensor an array holds: one, where it has the tensor's own shape.
///
/// # Errors
/// When the array has another shape.
pub fn sample_count(extents: &[usize], tensor: &Tensor) -> Result<usize, TensorError> {
    let shape = tensor.shape.as_slice();
    let elements: usize = shape.iter().product();
    match extents {
        found if found == shape => Ok(1),
        [count, rest @ ..] if rest == shape || rest == [elements] => Ok(*count),
        // Single numbers need no axis of their own.
        [count] if elements == 1 => Ok(*count),
        found => {
            let extents: Vec<String> = shape.iter().map(ToString::to_string).collect();
            let extents = extents.join(", ");
            let flat = match (shape.len(), elements) {
                (_, 1) => " or [N]".to_owned(),
                (1, _) => String::new(),
                _ => format!(" or [N, {elements}]"),
            };
            Err(TensorError::Shape {
                name: tensor.name.clone(),
                found: found.to_vec(),
                legal: format!("[N, {extents}]{flat} for N samples, [{extents}] for one"),
            })
        }
    }
}

/// The position, one index an axis, of a row-major index.
pub fn position(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut position = vec![0; shape.len()];
    for (place, extent) in position.iter_mut().zip(shape).rev() {
        *place = index % extent;
        index /= extent;
    }
    position
}
