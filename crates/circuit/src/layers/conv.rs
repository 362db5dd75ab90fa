//! Convolution: the kernels of all groups in each window, and the cast of their sums.

use rtl4ml_ir::layers::Conv;

use super::LayerContext;
use crate::circuit::CircuitError;
use crate::kernel::{self, Applied};
use crate::layer::{BuiltLayer, Untimed};

pub(super) fn untimed(context: &LayerContext, conv: &Conv) -> Result<Untimed, CircuitError> {
    kernel::untimed(context, &applied(context, conv), &conv.result_type())
}

pub(super) fn build(context: &LayerContext, conv: &Conv) -> Result<BuiltLayer, CircuitError> {
    kernel::build(context, &applied(context, conv), &conv.result_type())
}

fn applied(context: &LayerContext, conv: &Conv) -> Applied {
    Applied::conv(conv, context.input().shape.extents())
}
