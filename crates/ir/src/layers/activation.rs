//! Activations whose pieces are straight lines: no table, exact before the cast.

use super::ResultType;
use crate::constant::Constant;
use crate::error::Problem;
use crate::fixed::Value;
use crate::tensor::TensorType;

/// y = result( x ) where x > 0, else result( alpha * x ), the product exact: leaky and
/// parametric ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct LeakyRelu {
    /// The slope for negative x: of no axis (one for all), or of shape that broadcasts to that of
    /// the input (aligned at the last axis, extents of 1 serving every index).
    pub alpha: Constant,
    /// The type of the result.
    pub result: ResultType,
}

/// y = result( min(high, max(low, slope * x + shift)) ), exact before the cast.
#[derive(Clone, Debug, PartialEq)]
pub struct Clamp {
    /// Which activation it is.
    pub kind: ClampKind,
    /// The type of the result.
    pub result: ResultType,
}

/// The straight line of a [`Clamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClampKind {
    /// `relu` with a maximum: between 0 and it.
    BoundedRelu(Value),
    /// x * 13107 / 65536 + 1/2 between 0 and 1.
    HardSigmoid,
    /// x between -1 and 1.
    HardTanh,
}

/// y = result( v ), v one of a few values, by comparing x with thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which activation it is.
    pub kind: StepKind,
    /// The type of the result.
    pub result: ResultType,
}

/// The steps of a [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// 1 where x >= 0, else -1.
    BinaryTanh,
    /// 1 where x > 1/2, -1 where x <= -1/2, else 0.
    TernaryTanh,
}

impl LeakyRelu {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        todo!()
    }
}

impl Clamp {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        todo!()
    }
}

impl Step {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        todo!()
    }
}

impl LeakyRelu {
    /// The layer type's word in a spec.
    pub fn kind(&self) -> &'static str {
        if self.alpha.extents.is_empty() { "leaky_relu" } else { "prelu" }
    }
}

impl ClampKind {
    /// The layer type's word in a spec.
    pub fn word(self) -> &'static str {
        match self {
            Self::BoundedRelu(_) => "relu",
            Self::HardSigmoid => "hard_sigmoid",
            Self::HardTanh => "hard_tanh",
        }
    }
}

impl StepKind {
    /// The layer type's word in a spec.
    pub fn word(self) -> &'static str {
        match self {
            Self::BinaryTanh => "binary_tanh",
            Self::TernaryTanh => "ternary_tanh",
        }
    }
}
