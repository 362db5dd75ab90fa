//! Dense: the kernel at each position, and the cast of its sums.

use rtl4ml_ir::Dense;

use super::LayerContext;
use crate::circuit::CircuitError;
use crate::kernel::{self, Applied};
use crate::layer::{BuiltLayer, Untimed};

pub(super) fn untimed(context: &LayerContext, dense: &Dense) -> Result<Untimed, CircuitError> {
    kernel::untimed(context, &applied(context, dense), &dense.result_type())
}

pub(super) fn build(context: &LayerContext, dense: &Dense) -> Result<BuiltLayer, CircuitError> {
    kernel::build(context, &applied(context, dense), &dense.result_type())
}

fn applied(context: &LayerContext, dense: &Dense) -> Applied {
    Applied::dense(dense, context.input().element_count())
}
