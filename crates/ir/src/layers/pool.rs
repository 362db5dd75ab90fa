//! Pooling: the maximum or the average of each channel over a window.

use super::kernel::{ExactRange, exact_sum};
use super::{ResultType, result_tensor};
use crate::error::Problem;
use crate::fixed::FixedType;
use crate::tensor::{Shape, TensorType};
use crate::window::{Sliding, Window};

/// What becomes of the cells of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// The largest.
    Max,
    /// Their sum divided by their number.
    Average,
}

/// y = result( pool( window of x ) ), channel by channel. Cells beyond the image do not count.
///
/// - The maximum is cast to the accumulator's type, where there is one, and then to the result.
/// - The cells of an average are summed in row-major order, each sum cast to the accumulator's
///   type; the sum's mantissa is divided by their number, rounded towards zero, and then cast to
///   the result. Without an accumulator's type the sum is exact and
///   has [`Pool::guard_bits`] more bits after the binary point than x, so that the quotient is
///   off by less than 2^-guard_bits of a step of x.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// What becomes of the cells.
    pub kind: PoolKind,
    /// The window; without one it covers the whole image, and the result has one axis.
    pub window: Option<Window>,
    /// The accumulator's type.
    pub accum: Option<FixedType>,
    /// The type of the result. `Auto` is the accumulator's type where that is explicit.
    pub result: ResultType,
}

impl Pool {
    /// The layer type's word in a spec.
    pub fn kind(&self) -> &'static str {
        match (self.kind, self.window.as_ref().map(|window| window.axes.len())) {
            (PoolKind::Max, Some(1)) => "max_pool1d",
            (PoolKind::Max, Some(_)) => "max_pool2d",
            (PoolKind::Max, None) => "global_max_pool",
            (PoolKind::Average, Some(1)) => "average_pool1d",
            (PoolKind::Average, Some(_)) => "average_pool2d",
            (PoolKind::Average, None) => "global_average_pool",
        }
    }

    /// How the accumulator becomes the layer's result.
    pub fn result_type(&self) -> ResultType {
        self.result.clone().or_accum(self.accum)
    }

    /// The window on an input with these extents.
    ///
    /// # Errors
    /// When the input has other axes than the window.
    pub fn slide(&self, extents: &[usize]) -> Result<Sliding, Problem> {
        match &self.window {
            Some(window) => window.slide(extents),
            None => Window::whole(extents).slide(extents),
        }
    }

    /// The bits after the binary point that an exact average of so many cells has beyond those of
    /// its input.
    pub fn guard_bits(cells: usize) -> u32 {
        usize::BITS - (cells.max(1) - 1).leading_zeros()
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        todo!()
    }
}
