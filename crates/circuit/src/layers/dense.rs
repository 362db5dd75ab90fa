//! Dense: the kernel at each position, and the cast of its sums.

use rtl4ml_ir::{Dense, ResultType, Strategy, Types};

use super::LayerContext;
use super::cast::result;
use crate::circuit::CircuitError;
use crate::kernel::{Kernel, Tiling, parallel, shared};
use crate::layer::{BuiltLayer, parallel_layer};

pub(super) fn build(context: &LayerContext, dense: &Dense) -> Result<BuiltLayer, CircuitError> {
    let implementation = context.layer.implementation;
    if implementation.strategy == Strategy::DistributedArithmetic {
        return Err(CircuitError::StrategyNotBuilt {
            layer: context.layer.name.clone(),
            strategy: implementation.strategy.word(),
        });
    }
    let kernel = Kernel::of(&dense.kernel);
    if implementation.reuse_factor == 1 {
        return build_parallel(context, dense, &kernel);
    }
    let tiling = Tiling::new(kernel.shape, implementation.reuse_factor);
    if let ResultType::Cast(Types::PerElement(_)) = dense.result
        && tiling.output_steps > 1
    {
        let layer = context.layer.name.clone();
        return Err(CircuitError::PerElementResult { layer, n_in: kernel.shape.n_in });
    }
    shared::build(context, &kernel, tiling, &dense.result_type())
        .map_err(|error| CircuitError::too_wide(context.layer, error))
}

fn build_parallel(
    context: &LayerContext,
    dense: &Dense,
    kernel: &Kernel,
) -> Result<BuiltLayer, CircuitError> {
    let LayerContext { layer, output, .. } = *context;
    let (n_in, n_out) = (kernel.shape.n_in, kernel.shape.n_out);
    let positions = context.input().element_count() / n_in;
    let built = parallel_layer(context, |dataflow, inputs| {
        let mut results = Vec::with_capacity(output.element_count());
        for (position, inputs) in inputs[0].chunks(n_in).enumerate() {
            let prefix =
                if positions == 1 { "sum_".to_owned() } else { format!("sum_{position}_") };
            let style = layer.implementation.multiplier;
            let sums = parallel::sums(dataflow, kernel, inputs, style, &prefix)?;
            for (j, sum) in sums.into_iter().enumerate() {
                let index = position * n_out + j;
                results.push(result(dataflow, sum, &dense.result_type(), index)?);
            }
        }
        Ok(results)
    });
    let mut built = built?;
    built.statistics.multipliers = kernel.product_count() * positions as u64;
    Ok(built)
}
