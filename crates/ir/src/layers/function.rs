//! Unary functions by a table.

use super::ResultType;
use crate::constant::Constant;
use crate::error::Problem;
use crate::fixed::{FixedType, Value};
use crate::tensor::TensorType;

/// y = result( f( x ) ), f by a table whose integers are computed here and nowhere else.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// The function.
    pub curve: Curve,
    /// The table.
    pub table: TableChoice,
    /// The type of the result. `Auto` is that of the exact value that the table gives.
    pub result: ResultType,
}

/// A unary function.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// tanh(x).
    Tanh,
    /// ln(1 + exp(x)).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// x where x >= 0, else alpha * (exp(x) - 1).
    Elu {
        /// The factor.
        alpha: Value,
    },
    /// 1.0507.. * x where x >= 0, else 1.0507.. * 1.6732.. * (exp(x) - 1).
    Selu,
    /// The author's own table: entry floor((x - low) / step), clamped to the first and the last.
    Given {
        /// The entries.
        entries: Constant,
        /// The x at which the first entry's interval begins.
        low: Value,
        /// The binary logarithm of the length of each entry's interval.
        log2_step: i32,
    },
}

/// How a function's table is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableChoice {
    /// As hls4ml does: `size` entries over a fixed interval.
    Fixed {
        /// The number of entries.
        size: usize,
        /// The type of the entries.
        ty: FixedType,
    },
    /// Over the actual range of the input: an entry for each value that it can take, or, where
    /// these are more than `max_size`, for each interval of 2^n of them.
    Ranged {
        /// The most entries.
        max_size: usize,
        /// The type of the entries; the result's, with rounding to nearest, where there is none.
        ty: Option<FixedType>,
    },
}

impl Function {
    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        todo!()
    }
}

impl Curve {
    /// The author's own table, where that is what gives the function.
    pub fn entries(&self) -> Option<&Constant> {
        match self {
            Self::Given { entries, .. } => Some(entries),
            _ => None,
        }
    }

    /// The layer type's word in a spec.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Softplus => "softplus",
            Self::Softsign => "softsign",
            Self::Elu { .. } => "elu",
            Self::Selu => "selu",
            Self::Given { .. } => "table",
        }
    }
}
