//! Quantize: a cast, element by element.

use super::{ResultType, result_tensor};
use crate::error::Problem;
use crate::tensor::{TensorType, Types};

/// y = result( x ), element by element.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantize {
    /// The types that the elements are cast to.
    pub result: Types,
}

impl Quantize {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let exact: Vec<_> = (0..input.element_count())
            .map(|i| (input.ranges[i], input.format(i).fraction_bits()))
            .collect();
        result_tensor(input.shape.clone(), &exact, &ResultType::Cast(self.result.clone()))
    }
}
