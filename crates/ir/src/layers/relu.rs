//! ReLU: max(0, x), cast to the result type.

use super::{ResultType, result_tensor};
use crate::error::Problem;
use crate::tensor::TensorType;

/// y = result( max(0, x) ), element by element.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relu {
    /// The type of the result.
    pub result: ResultType,
}

impl Relu {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let exact: Vec<_> = (0..input.element_count())
            .map(|i| (input.ranges[i].rectified(), input.format(i).fraction_bits()))
            .collect();
        result_tensor(input.shape.clone(), &exact, &self.result)
    }
}
