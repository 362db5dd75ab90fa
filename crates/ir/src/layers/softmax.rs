//! Softmax and argmax over the last axis.

use super::ResultType;
use crate::error::Problem;
use crate::fixed::FixedType;
use crate::tensor::TensorType;

/// y = result( exp(x\[i\]) / sum over j of exp(x\[j\]) ) over the last axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    /// How it is computed.
    pub implementation: SoftmaxImplementation,
    /// The type of the result.
    pub result: ResultType,
}

/// How softmax is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftmaxImplementation {
    /// Ours: never changes the winner.
    Exact {
        /// The bits after the binary point of the exponentials.
        exp_bits: u32,
        /// The bits of the index of the table of reciprocals.
        reciprocal_bits: u32,
    },
    /// hls4ml's `stable`: subtracts the maximum.
    Stable(SoftmaxTables),
    /// hls4ml's `latency`: does not.
    Latency(SoftmaxTables),
    /// hls4ml's `legacy`: differences of all pairs.
    Legacy {
        /// The number of entries of both tables.
        table_size: usize,
        /// The type of both tables and of the sums.
        table: FixedType,
    },
    /// The result's 1 at the first maximum, 0 elsewhere.
    Argmax,
}

/// The tables of hls4ml's `stable` and `latency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftmaxTables {
    /// The most entries of each table; a power of two.
    pub table_size: usize,
    /// The type of the exponentials.
    pub exp_table: FixedType,
    /// The type of the reciprocals.
    pub inv_table: FixedType,
    /// The type of the sum as the index of the reciprocals.
    pub inv_inp: FixedType,
    /// The type of the exponentials as they are summed.
    pub accum: FixedType,
}

/// The index of the first maximum over the last axis, whose extent becomes 1; an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Argmax;

impl Softmax {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        todo!()
    }
}

impl Argmax {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        todo!()
    }
}
