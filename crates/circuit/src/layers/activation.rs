//! Activations without a table: selections between straight lines and constants.

use rtl4ml_ir::layers::Line;
use rtl4ml_ir::{Clamp, LeakyRelu, MultiplierStyle, Range, Step, StepKind, Value};

use super::LayerContext;
use super::cast::{elementwise, result};
use crate::circuit::CircuitError;
use crate::dataflow::{Dataflow, Term, TooWide};
use crate::kernel::material;
use crate::layer::Untimed;

pub(super) fn build_leaky_relu(
    context: &LayerContext,
    leaky: &LeakyRelu,
) -> Result<Untimed, CircuitError> {
    let alphas =
        leaky.alpha_indices(&context.input().shape).expect("the slopes of a verified layer fit");
    let style = context.layer.implementation.multiplier;
    elementwise(context, |dataflow, x, index| {
        let alpha = leaky.alpha.get(alphas[index]);
        let line = times(dataflow, style, x, alpha)?;
        let range = dataflow.range(x.node);
        let negative = range.not_above_zero().times(Range::constant(alpha.mantissa));
        let pieces = [
            (line, negative, x.fraction_bits + alpha.fraction_bits),
            (x, Some(range.rectified()), x.fraction_bits),
        ];
        let exact = by_sign(dataflow, x, pieces, &format!("x_{index}_leaky"))?;
        result(dataflow, exact, &leaky.result, index)
    })
}

/// x * factor, in what the style says.
pub(super) fn times(
    dataflow: &mut Dataflow,
    style: MultiplierStyle,
    x: Term,
    factor: Value,
) -> Result<Term, TooWide> {
    let zeros = if factor.mantissa == 0 { 0 } else { factor.mantissa.trailing_zeros() };
    let odd = Range::constant((factor.mantissa >> zeros).abs());
    let material = material(style, dataflow.range(x.node), odd);
    dataflow.multiply_constant(x, factor, material)
}

/// The first piece where x < 0, else the second. Each comes with the range that it has for the x
/// that choose it, and the bits after the point of that range.
pub(super) fn by_sign(
    dataflow: &mut Dataflow,
    x: Term,
    pieces: [(Term, Option<Range>, i32); 2],
    name: &str,
) -> Result<Term, TooWide> {
    let zero = dataflow.constant_term(Value::ZERO);
    let negative = dataflow.less(x, zero, &format!("{name}_sign"))?;
    // A piece of one value is that constant, which may be on a coarser grid than the piece.
    let [below, above] = pieces.map(|(piece, range, fraction_bits)| {
        let constant = range.and_then(Range::as_constant);
        constant.map_or(piece, |mantissa| dataflow.constant_term(Value { mantissa, fraction_bits }))
    });
    let chosen = dataflow.select(negative, below, above, name)?;
    if dataflow.range(negative.node).as_constant().is_some() {
        return Ok(chosen);
    }
    // The grid of what was chosen may be coarser: the bits below it are all 0.
    let on_grid = |(_, range, fraction_bits): (Term, Option<Range>, i32)| {
        range.and_then(|range| range.shifted(chosen.fraction_bits - fraction_bits))
    };
    match on_grid(pieces[0]).zip(on_grid(pieces[1])) {
        Some((negative, positive)) => Ok(dataflow.proven(chosen, negative.union(positive))),
        None => Ok(chosen),
    }
}

pub(super) fn build_clamp(context: &LayerContext, clamp: &Clamp) -> Result<Untimed, CircuitError> {
    let Line { slope, shift, low, high } = clamp.kind.line();
    let style = context.layer.implementation.multiplier;
    elementwise(context, |dataflow, x, index| {
        let line = times(dataflow, style, x, slope)?;
        let [shift, low, high] = [shift, low, high].map(|value| dataflow.constant_term(value));
        let line = dataflow.add(line, shift, &format!("x_{index}_line"))?;
        let line = dataflow.maximum(line, low, &format!("x_{index}_not_below"))?;
        let line = dataflow.minimum(line, high, &format!("x_{index}_clamped"))?;
        result(dataflow, line, &clamp.result, index)
    })
}

pub(super) fn build_step(context: &LayerContext, step: &Step) -> Result<Untimed, CircuitError> {
    let half = |mantissa| Value { mantissa, fraction_bits: 1 };
    elementwise(context, |dataflow, x, index| {
        let mut constant = |mantissa| dataflow.constant_term(half(mantissa));
        let [minus_one, minus_half, zero, plus_half, one] = [-2, -1, 0, 1, 2].map(&mut constant);
        let name = format!("x_{index}_step");
        let step_value = match step.kind {
            StepKind::BinaryTanh => {
                let negative = dataflow.less(x, zero, &format!("x_{index}_sign"))?;
                dataflow.select(negative, minus_one, one, &name)?
            }
            StepKind::TernaryTanh => {
                let high = dataflow.less(plus_half, x, &format!("x_{index}_from_half"))?;
                let middle = dataflow.less(minus_half, x, &format!("x_{index}_from_minus_half"))?;
                let low = dataflow.select(middle, zero, minus_one, &format!("{name}_low"))?;
                dataflow.select(high, one, low, &name)?
            }
        };
        result(dataflow, step_value, &step.result, index)
    })
}
