//! The fully parallel core: each product has hardware of its own, a DSP block or the digits of its
//! weight in a sum by distributed arithmetic.

use rtl4ml_ir::{MultiplierStyle, Range, ResultType, Strategy, Value};

use super::{Applied, Kernel, material, needs_multiplier, varies};
use crate::circuit::CircuitError;
use crate::dataflow::sum::{order_is_free, start_value};
use crate::dataflow::{Accumulator, Dataflow, Material, Term, TooWide};
use crate::distributed::{self, Rule, Sum};
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
    let style = match context.layer.implementation.strategy {
        Strategy::DistributedArithmetic => MultiplierStyle::Lut,
        // What `auto` stands for was chosen before.
        Strategy::Latency | Strategy::Resource | Strategy::Auto => {
            context.layer.implementation.multiplier
        }
    };
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
            for sum in sums(dataflow, kernel, &terms, style, context.rule, &prefix)? {
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
    rule: Rule,
    prefix: &str,
) -> Result<Vec<Term>, TooWide> {
    let mut sums = vec![None; kernel.shape.n_out];
    let mut distributed = Vec::new();
    let mut columns = Vec::new();
    for (j, built) in sums.iter_mut().enumerate() {
        let name = format!("{prefix}{j}");
        if is_linear(dataflow, kernel, inputs, j) {
            columns.push(j);
            distributed.push(distributed_sum(dataflow, kernel, inputs, style, j, name)?);
        } else {
            *built = Some(sum_of_casts(dataflow, kernel, inputs, style, j, &name)?);
        }
    }
    let exact = distributed::sums(dataflow, inputs, &distributed, rule)?;
    for (j, exact) in columns.into_iter().zip(exact) {
        sums[j] = Some(match kernel.accumulator {
            Accumulator::Exact => exact,
            Accumulator::Typed(accum) => dataflow.cast(exact, accum, &format!("{prefix}{j}"))?,
        });
    }
    Ok(sums.into_iter().flatten().collect())
}

/// Whether the sum of an output is that of its exact products, cast once at most.
fn is_linear(dataflow: &Dataflow, kernel: &Kernel, inputs: &[Term], j: usize) -> bool {
    let Accumulator::Typed(accum) = kernel.accumulator else {
        return true;
    };
    let start = start_value(kernel.accumulator, kernel.bias[j]);
    let start = (Range::constant(start.mantissa), start.fraction_bits);
    let products = inputs.iter().enumerate().map(|(k, input)| {
        let weight = kernel.weight(k, j);
        let range = dataflow.range(input.node).times(Range::constant(weight.mantissa));
        let range = range.unwrap_or(Range::new(i128::MIN / 2, i128::MAX / 2));
        let zeros = weight.mantissa.trailing_zeros();
        let odd = Range::new(range.lo >> zeros.min(126), range.hi >> zeros.min(126));
        let range = if input.negative { odd.negated() } else { odd };
        (range, input.fraction_bits + weight.fraction_bits - zeros as i32)
    });
    let products: Vec<(Range, i32)> = products.filter(|(range, _)| *range != Range::ZERO).collect();
    let legal = accum.overflow.range_of(accum.format);
    // A product is not changed by the accumulator's type, but for bits that wrap away.
    let kept = |(range, fraction_bits): &(Range, i32)| {
        let shift = u32::try_from(accum.fraction_bits() - fraction_bits).ok();
        shift
            .and_then(|shift| range.shifted_left(shift))
            .is_some_and(|range| accum.overflow == rtl4ml_ir::Overflow::Wrap || range.within(legal))
    };
    products.iter().all(kept) && order_is_free(accum, [start].into_iter().chain(products))
}

/// A sum by distributed arithmetic, but for the products that are worth a DSP block.
fn distributed_sum(
    dataflow: &mut Dataflow,
    kernel: &Kernel,
    inputs: &[Term],
    style: MultiplierStyle,
    j: usize,
    name: String,
) -> Result<Sum, TooWide> {
    let mut weights = Vec::with_capacity(inputs.len());
    let mut terms = Vec::new();
    for (k, input) in inputs.iter().enumerate() {
        let weight = kernel.weight(k, j);
        let material = product_material(dataflow, *input, weight, style);
        if material == Material::Dsp && needs_multiplier(weight) {
            terms.push(dataflow.multiply_constant(*input, weight, material)?);
            weights.push(Value::ZERO);
        } else {
            weights.push(weight);
        }
    }
    let constant = start_value(kernel.accumulator, kernel.bias[j]);
    Ok(Sum { weights, terms, constant, name })
}

/// A sum whose products are cast before they are added, or whose order matters.
fn sum_of_casts(
    dataflow: &mut Dataflow,
    kernel: &Kernel,
    inputs: &[Term],
    style: MultiplierStyle,
    j: usize,
    name: &str,
) -> Result<Term, TooWide> {
    let product = |(k, input): (usize, &Term)| {
        let weight = kernel.weight(k, j);
        let material = product_material(dataflow, *input, weight, style);
        dataflow.multiply_constant(*input, weight, material)
    };
    let products =
        inputs.iter().enumerate().map(product).collect::<Result<Vec<Term>, TooWide>>()?;
    let start = dataflow.constant_term(start_value(kernel.accumulator, kernel.bias[j]));
    dataflow.accumulate(kernel.accumulator, start, products, name)
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
