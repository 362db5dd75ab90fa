//! Dense: the kernel at each position, and the cast of its sums.

use rtl4ml_ir::Dense;

use super::LayerContext;
use crate::circuit::CircuitError;
use crate::kernel::{self, Applied};
use crate::layer::BuiltLayer;

pub(super) fn build(context: &LayerContext, dense: &Dense) -> Result<BuiltLayer, CircuitError> {
    let applied = Applied::dense(dense, context.input().element_count());
    kernel::build(context, &applied, &dense.result_type())
}
