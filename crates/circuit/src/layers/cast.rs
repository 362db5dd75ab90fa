//! Layers that are a cast of each element: relu and quantize.

use rtl4ml_ir::{Quantize, Relu, ResultType};

use super::LayerContext;
use crate::circuit::CircuitError;
use crate::dataflow::{Dataflow, Term, TooWide};
use crate::layer::{Untimed, parallel_layer};

/// The result of an exact value: cast to the element's type, or as it is.
pub(crate) fn result(
    dataflow: &mut Dataflow,
    exact: Term,
    result: &ResultType,
    index: usize,
) -> Result<Term, TooWide> {
    match result {
        ResultType::Auto => Ok(exact),
        ResultType::Cast(types) => dataflow.cast(exact, types.get(index), &format!("y_{index}")),
    }
}

pub(super) fn build_relu(context: &LayerContext, relu: &Relu) -> Result<Untimed, CircuitError> {
    elementwise(context, |dataflow, x, index| {
        let node = dataflow.rectify(x.node, &format!("x_{index}_rectified"))?;
        result(dataflow, Term { node, ..x }, &relu.result, index)
    })
}

pub(super) fn build_quantize(
    context: &LayerContext,
    quantize: &Quantize,
) -> Result<Untimed, CircuitError> {
    let types = ResultType::Cast(quantize.result.clone());
    elementwise(context, |dataflow, x, index| result(dataflow, x, &types, index))
}

/// A layer each of whose outputs depends on the input at the same place alone.
pub(super) fn elementwise(
    context: &LayerContext,
    element: impl Fn(&mut Dataflow, Term, usize) -> Result<Term, TooWide>,
) -> Result<Untimed, CircuitError> {
    parallel_layer(context, |dataflow, inputs| {
        inputs[0].iter().enumerate().map(|(index, x)| element(dataflow, *x, index)).collect()
    })
}
