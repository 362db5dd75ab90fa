//! Softmax and argmax over the last axis: ours, and those of hls4ml.

use rtl4ml_ir::layers::{SoftmaxEntries, difference_type};
use rtl4ml_ir::{
    FixedType, Range, ResultType, Softmax, SoftmaxImplementation, SoftmaxTables, Value,
};

use super::LayerContext;
use super::cast::result;
use crate::circuit::CircuitError;
use crate::dataflow::{BitOf, Dataflow, Term, TooWide};
use crate::kernel::material;
use crate::layer::{Untimed, parallel_layer};

/// Applies `slice` to the elements at each position; it gives the results there in order.
fn along_last_axis(
    context: &LayerContext,
    result_type: &ResultType,
    slice: impl Fn(&mut Dataflow, &[Term], &str) -> Result<Vec<Term>, TooWide>,
) -> Result<Untimed, CircuitError> {
    let classes = context.input().shape.last_extent();
    parallel_layer(context, |dataflow, inputs| {
        let inputs = &inputs[0];
        let mut results = Vec::with_capacity(context.output.element_count());
        let positions = inputs.len() / classes;
        for (position, inputs) in inputs.chunks(classes).enumerate() {
            let prefix = if positions == 1 { String::new() } else { format!("p{position}_") };
            for exact in slice(dataflow, inputs, &prefix)? {
                let index = results.len();
                results.push(result(dataflow, exact, result_type, index)?);
            }
        }
        Ok(results)
    })
}

pub(super) fn build_argmax(context: &LayerContext) -> Result<Untimed, CircuitError> {
    along_last_axis(context, &ResultType::Auto, |dataflow, x, prefix| {
        Ok(vec![dataflow.winner(x, &format!("{prefix}top"))?.index])
    })
}

pub(super) fn build(context: &LayerContext, softmax: &Softmax) -> Result<Untimed, CircuitError> {
    let entries = softmax.entries(context.input()).expect("a verified layer has tables");
    let circuit = Circuit { context, softmax };
    along_last_axis(context, &softmax.result, |dataflow, x, prefix| {
        match (softmax.implementation, &entries) {
            (SoftmaxImplementation::Exact { exp_bits, .. }, Some(entries)) => {
                circuit.exact(dataflow, entries, exp_bits, x, prefix)
            }
            (SoftmaxImplementation::Stable(tables), Some(entries)) => {
                let format = context.input().common_format();
                let ty = difference_type(format.expect("a verified softmax has one format"));
                let differences = differences(dataflow, x, prefix)?;
                let cast = |(i, d): (usize, Term)| {
                    dataflow.cast(d, ty, &format!("{prefix}difference_{i}_cast"))
                };
                let arguments: Vec<Term> =
                    differences.into_iter().enumerate().map(cast).collect::<Result<_, _>>()?;
                circuit.quotients(dataflow, tables, entries, &arguments, prefix)
            }
            (SoftmaxImplementation::Latency(tables), Some(entries)) => {
                circuit.quotients(dataflow, tables, entries, x, prefix)
            }
            (SoftmaxImplementation::Legacy { table, .. }, Some(entries)) => {
                (0..x.len()).map(|i| legacy(dataflow, table, entries, x, i, prefix)).collect()
            }
            (SoftmaxImplementation::Argmax, _) | (_, None) => {
                Ok(dataflow.winner(x, &format!("{prefix}top"))?.flags)
            }
        }
    })
}

/// max(x) - x\[i\], exactly.
fn differences(dataflow: &mut Dataflow, x: &[Term], prefix: &str) -> Result<Vec<Term>, TooWide> {
    let top = dataflow.winner(x, &format!("{prefix}top"))?.value;
    let mut difference = |(i, x): (usize, &Term)| {
        if top == *x {
            return Ok(dataflow.constant_term(Value::ZERO));
        }
        let minus = Term { negative: !x.negative, ..*x };
        let name = format!("{prefix}difference_{i}");
        let difference = dataflow.add(top, minus, &name)?;
        let difference = dataflow.positive(difference, &format!("{name}_positive"))?;
        // No x is above the maximum.
        let range = dataflow.range(difference.node);
        Ok(dataflow.proven(difference, range.rectified()))
    };
    x.iter().enumerate().map(&mut difference).collect()
}

/// The softmax of a layer.
struct Circuit<'a> {
    context: &'a LayerContext<'a>,
    softmax: &'a Softmax,
}

impl Circuit<'_> {
    /// Ours: see [`SoftmaxImplementation::Exact`].
    fn exact(
        &self,
        dataflow: &mut Dataflow,
        entries: &SoftmaxEntries,
        exp_bits: u32,
        x: &[Term],
        prefix: &str,
    ) -> Result<Vec<Term>, TooWide> {
        let differences = differences(dataflow, x, prefix)?;
        let mut exponentials = Vec::with_capacity(x.len());
        for (i, difference) in differences.into_iter().enumerate() {
            let name = format!("{prefix}exp_{i}");
            exponentials.push(dataflow.lookup(difference, &entries.exp, &name)?);
        }
        let sum = dataflow.sum(exponentials.clone(), &format!("{prefix}sum"))?;
        // One class is at the maximum, and none is above it.
        let one = 1i128 << exp_bits;
        let sum = dataflow.proven(sum, Range::new(one, one * x.len() as i128));
        let reciprocal =
            dataflow.lookup(sum, &entries.reciprocal, &format!("{prefix}reciprocal"))?;

        let ty = self.softmax.exact_result_type();
        let winner = dataflow.cast(reciprocal, ty, &format!("{prefix}winner"))?;
        let step = Value { mantissa: -1, fraction_bits: ty.fraction_bits() };
        let step = dataflow.constant_term(step);
        let below = dataflow.add(winner, step, &format!("{prefix}below_winner"))?;
        let below = dataflow.positive(below, &format!("{prefix}below_winner_positive"))?;
        let zero = dataflow.constant_term(Value::ZERO);
        let below = dataflow.maximum(below, zero, &format!("{prefix}limit"))?;
        let value = |(i, exponential): (usize, Term)| {
            let name = format!("{prefix}quotient_{i}");
            let product = self.product(dataflow, exponential, reciprocal, &name)?;
            let own = dataflow.cast(product, ty, &format!("{name}_cast"))?;
            let own = dataflow.minimum(own, below, &format!("{name}_below_winner"))?;
            if dataflow.range(exponential.node).hi < one {
                return Ok(own);
            }
            // Of all entries, only that of the maximum itself has this bit.
            let is_winner = BitOf { node: exponential.node, bit: exp_bits };
            dataflow.select(is_winner, winner, own, &format!("{name}_or_winner"))
        };
        exponentials.into_iter().enumerate().map(value).collect()
    }

    /// hls4ml's `stable` and `latency`, from the arguments of the exponentials on.
    fn quotients(
        &self,
        dataflow: &mut Dataflow,
        tables: SoftmaxTables,
        entries: &SoftmaxEntries,
        arguments: &[Term],
        prefix: &str,
    ) -> Result<Vec<Term>, TooWide> {
        let mut exponentials = Vec::with_capacity(arguments.len());
        for (i, x) in arguments.iter().enumerate() {
            let name = format!("{prefix}exp_{i}");
            let entry = dataflow.lookup(*x, &entries.exp, &name)?;
            exponentials.push(dataflow.cast(entry, tables.accum, &format!("{name}_cast"))?);
        }
        let sum = tree_sum(dataflow, &exponentials, tables.accum, &format!("{prefix}sum"))?;
        let sum = dataflow.cast(sum, tables.inv_inp, &format!("{prefix}sum_cast"))?;
        let reciprocal =
            dataflow.lookup(sum, &entries.reciprocal, &format!("{prefix}reciprocal"))?;
        let product = |(i, exponential): (usize, Term)| {
            self.product(dataflow, exponential, reciprocal, &format!("{prefix}quotient_{i}"))
        };
        exponentials.into_iter().enumerate().map(product).collect()
    }

    /// e * v.
    fn product(
        &self,
        dataflow: &mut Dataflow,
        exponential: Term,
        reciprocal: Term,
        name: &str,
    ) -> Result<Term, TooWide> {
        let style = self.context.layer.implementation.multiplier;
        let ranges = [exponential, reciprocal].map(|term| dataflow.range(term.node));
        let material = material(style, ranges[0], ranges[1]);
        dataflow.multiply(exponential, reciprocal, material, name)
    }
}

/// The sum by halves, each cast: as many terms in the first part as the largest power of two that
/// leaves some for the second.
fn tree_sum(
    dataflow: &mut Dataflow,
    terms: &[Term],
    accum: FixedType,
    name: &str,
) -> Result<Term, TooWide> {
    if let [term] = terms {
        return Ok(*term);
    }
    let (left, right) = terms.split_at(terms.len().next_power_of_two() / 2);
    let left = tree_sum(dataflow, left, accum, &format!("{name}_l"))?;
    let right = tree_sum(dataflow, right, accum, &format!("{name}_r"))?;
    let sum = dataflow.add(left, right, &format!("{name}_exact"))?;
    dataflow.cast(sum, accum, name)
}

/// hls4ml's `legacy`: the reciprocal of the sum of exp(x\[j\] - x\[i\]) over j.
fn legacy(
    dataflow: &mut Dataflow,
    ty: FixedType,
    entries: &SoftmaxEntries,
    x: &[Term],
    i: usize,
    prefix: &str,
) -> Result<Term, TooWide> {
    let mut sum = dataflow.constant_term(Value::ZERO);
    for (j, other) in x.iter().enumerate() {
        let name = format!("{prefix}exp_{i}_{j}");
        let term = if i == j {
            dataflow.constant_term(Value { mantissa: 1, fraction_bits: 0 })
        } else {
            let minus = Term { negative: !x[i].negative, ..x[i] };
            let difference = dataflow.add(*other, minus, &format!("{name}_difference"))?;
            dataflow.lookup(difference, &entries.exp, &name)?
        };
        let exact = dataflow.add(sum, term, &format!("{name}_exact"))?;
        sum = dataflow.cast(exact, ty, &format!("{name}_sum"))?;
    }
    dataflow.lookup(sum, &entries.reciprocal, &format!("{prefix}reciprocal_{i}"))
}
