//! Layers that combine several tensors element by element, and their concatenation.

use super::ResultType;
use crate::error::Problem;
use crate::network::words_of;
use crate::tensor::TensorType;

/// How elements at the same place become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MergeKind {
    /// Their sum.
    Add,
    /// The first less the second; two inputs only.
    Subtract,
    /// Their product.
    Multiply,
    /// Their sum divided by their number, which is a power of two.
    Average,
    /// The largest.
    Maximum,
    /// The smallest.
    Minimum,
}

words_of!(MergeKind: Add = "add", Subtract = "subtract", Multiply = "multiply", Average = "average",
    Maximum = "maximum", Minimum = "minimum");

/// y = result( merge( inputs ) ), exact before the cast.
///
/// The inputs have one shape, or shapes that broadcast to one: aligned at the last axis, an
/// extent of 1 (or an axis that is not there) serves every index of the others' axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// How elements become one.
    pub kind: MergeKind,
    /// The type of the result.
    pub result: ResultType,
}

/// The inputs one after the other along an axis, each element cast to the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Concatenate {
    /// The axis, counted from 0; negative ones from the last: -1 is the channels.
    pub axis: i32,
    /// The type of the result.
    pub result: ResultType,
}

/// The scalar product of two tensors with one axis: y\[0\] = result( sum over k of a\[k\] * b\[k\] ).
///
/// With an explicit accumulator type each exact product is cast to it and the sums are taken in
/// it, k ascending; without one the sum is exact.
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    /// The accumulator's type.
    pub accum: Option<crate::fixed::FixedType>,
    /// The type of the result. `Auto` is the accumulator's type where that is explicit.
    pub result: ResultType,
}

impl Merge {
    pub(super) fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, Problem> {
        todo!()
    }
}

impl Concatenate {
    pub(super) fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, Problem> {
        todo!()
    }
}

impl Dot {
    pub(super) fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, Problem> {
        todo!()
    }
}

impl Dot {
    /// How the sum becomes the layer's result.
    pub fn result_type(&self) -> ResultType {
        self.result.clone().or_accum(self.accum)
    }
}
