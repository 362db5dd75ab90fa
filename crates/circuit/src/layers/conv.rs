//! Convolution: the kernels of all groups in each window, and the cast of their sums.

use rtl4ml_ir::layers::Conv;

use super::LayerContext;
use crate::circuit::CircuitError;
use crate::kernel::{self, Applied};
use crate::layer::BuiltLayer;

pub(super) fn build(context: &LayerContext, conv: &Conv) -> Result<BuiltLayer, CircuitError> {
    let applied = Applied::conv(conv, context.input().shape.extents());
    kernel::build(context, &applied, &conv.result_type())
}
