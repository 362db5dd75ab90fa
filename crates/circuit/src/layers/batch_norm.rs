//! Batch normalisation: a product with a constant and a sum, for each element.

use rtl4ml_ir::Range;
use rtl4ml_ir::layers::BatchNorm;

use super::LayerContext;
use super::cast::{elementwise, result};
use crate::circuit::CircuitError;
use crate::kernel::{material, needs_multiplier};
use crate::layer::Untimed;

pub(super) fn build(context: &LayerContext, norm: &BatchNorm) -> Result<Untimed, CircuitError> {
    let channels = norm.scale.len();
    let style = context.layer.implementation.multiplier;
    let mut built = elementwise(context, |dataflow, x, index| {
        let channel = index % channels;
        let scale = norm.scale.get(channel);
        let magnitude = Range::constant(scale.mantissa.abs());
        let material = material(style, dataflow.range(x.node), magnitude);
        let product = dataflow.multiply_constant(x, scale, material)?;
        let shift = dataflow.constant_term(norm.shift.get(channel));
        let sum = dataflow.add(product, shift, &format!("shifted_{index}"))?;
        result(dataflow, sum, &norm.result, index)
    })?;
    let positions = context.output.element_count() / channels;
    let needed = (0..channels).filter(|c| needs_multiplier(norm.scale.get(*c))).count();
    built.statistics.multipliers = (needed * positions) as u64;
    Ok(built)
}
