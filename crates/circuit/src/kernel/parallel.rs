//! The fully parallel core: a multiplier for each product.

use rtl4ml_ir::{MultiplierStyle, Range, ResultType, Value};

use super::{Applied, Kernel, material, needs_multiplier, varies};
use crate::circuit::CircuitError;
use crate::dataflow::sum::start_value;
use crate::dataflow::{Dataflow, Material, Term, TooWide};
use crate::layer::{Untimed, parallel_layer};
use crate::layers::{LayerContext, result};

/// The dataflow of all positions of a layer.
///
/// # Errors
/// When an intermediate needs more than 64 bits.
pub fn untimed(
    context: &LayerContext,
    applied: &Applied,
    result_type: &ResultType,
) -> Result<Untimed, CircuitError> {
    let style = context.layer.implementation.multiplier;
    let mut multipliers = 0;
    let mut untimed = parallel_layer(context, |dataflow, inputs| {
        let mut results = Vec::with_capacity(context.output.element_count());
        let zero = dataflow.constant_term(Value::ZERO);
        for (index, window) in applied.windows.iter().enumerate() {
            let kernel = applied.kernel(index);
            let term = |element: &Option<usize>| element.map_or(zero, |index| inputs[0][index]);
            let terms: Vec<Term> = window.iter().map(term).collect();
            let prefix = match applied.windows.len() {
                1 => "sum_".to_owned(),
                _ => format!("sum_{index}_"),
            };
            multipliers += multiplier_count(dataflow, kernel, &terms, style);
            for sum in sums(dataflow, kernel, &terms, style, &prefix)? {
                let sum = result(dataflow, sum, result_type, results.len())?;
                results.push(sum);
            }
        }
        Ok(results)
    })?;
    untimed.statistics.multipliers = multipliers;
    Ok(untimed)
}

/// The sums of a kernel: one term for each output, before the result's cast. `prefix` starts the
/// names of the sums.
fn sums(
    dataflow: &mut Dataflow,
    kernel: &Kernel,
    inputs: &[Term],
    style: MultiplierStyle,
    prefix: &str,
) -> Result<Vec<Term>, TooWide> {
    (0..kernel.shape.n_out)
        .map(|j| {
            let products = inputs
                .iter()
                .enumerate()
                .map(|(k, input)| {
                    let weight = kernel.weight(k, j);
                    let material = product_material(dataflow, *input, weight, style);
                    dataflow.multiply_constant(*input, weight, material)
                })
                .collect::<Result<Vec<Term>, TooWide>>()?;
            let start = dataflow.constant_term(start_value(kernel.accumulator, kernel.bias[j]));
            dataflow.accumulate(kernel.accumulator, start, products, &format!("{prefix}{j}"))
        })
        .collect()
}

fn product_material(
    dataflow: &Dataflow,
    input: Term,
    weight: Value,
    style: MultiplierStyle,
) -> Material {
    material(style, dataflow.range(input.node), Range::constant(odd_part(weight.mantissa)))
}

/// How many products of a kernel need a multiplier.
fn multiplier_count(
    dataflow: &Dataflow,
    kernel: &Kernel,
    inputs: &[Term],
    style: MultiplierStyle,
) -> u64 {
    let needed = |(k, input): (usize, &Term)| {
        let weights = (0..kernel.shape.n_out).map(|j| kernel.weight(k, j));
        let weights = weights.filter(|weight| {
            let material = product_material(dataflow, *input, *weight, style);
            needs_multiplier(*weight) && varies(dataflow.range(input.node), material)
        });
        weights.count() as u64
    };
    inputs.iter().enumerate().map(needed).sum()
}

/// The positive odd factor of an integer: what is left to multiply by after shift and negation.
fn odd_part(mantissa: i128) -> i128 {
    if mantissa == 0 { 0 } else { (mantissa >> mantissa.trailing_zeros()).abs() }
}
