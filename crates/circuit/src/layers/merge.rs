//! Layers that read several tensors: merges, concatenation, the scalar product.

use rtl4ml_ir::layers::{Concatenate, Dot, Merge, MergeKind};

use super::cast::result;
use super::{LayerContext, Wire};
use crate::circuit::CircuitError;
use crate::dataflow::{Accumulator, Dataflow, Extreme, Term, TooWide};
use crate::kernel::material;
use crate::layer::{Untimed, parallel_layer};
use rtl4ml_ir::{MultiplierStyle, TensorType, Value};

fn tensors<'a>(context: &LayerContext<'a>) -> Vec<&'a TensorType> {
    context.inputs.to_vec()
}

pub(super) fn build(context: &LayerContext, merge: &Merge) -> Result<Untimed, CircuitError> {
    let (_, indices) =
        merge.broadcast(&tensors(context)).expect("a verified layer's inputs have one shape");
    let style = context.layer.implementation.multiplier;
    let mut built = parallel_layer(context, |dataflow, inputs| {
        let merged = |index: usize| {
            let element = |(input, indices): (&Vec<Term>, &Vec<usize>)| input[indices[index]];
            let terms: Vec<Term> = inputs.iter().zip(&indices).map(element).collect();
            let exact = merged(dataflow, merge.kind, terms, style, &format!("merged_{index}"))?;
            result(dataflow, exact, &merge.result, index)
        };
        (0..context.output.element_count()).map(merged).collect()
    })?;
    if merge.kind == MergeKind::Multiply {
        let products = context.output.element_count() * (context.inputs.len() - 1);
        built.statistics.multipliers = products as u64;
    }
    Ok(built)
}

/// One element out of those that meet in it, exact.
fn merged(
    dataflow: &mut Dataflow,
    kind: MergeKind,
    terms: Vec<Term>,
    style: MultiplierStyle,
    name: &str,
) -> Result<Term, TooWide> {
    match kind {
        MergeKind::Add => dataflow.sum(terms, name),
        MergeKind::Subtract => {
            let minus = Term { negative: !terms[1].negative, ..terms[1] };
            dataflow.add(terms[0], minus, name)
        }
        MergeKind::Average => {
            let halvings = terms.len().ilog2() as i32;
            let sum = dataflow.sum(terms, name)?;
            Ok(Term { fraction_bits: sum.fraction_bits + halvings, ..sum })
        }
        MergeKind::Multiply => {
            let (first, rest) = (terms[0], &terms[1..]);
            rest.iter().enumerate().try_fold(first, |product, (index, term)| {
                multiply(dataflow, product, *term, style, &format!("{name}_{index}"))
            })
        }
        MergeKind::Maximum => dataflow.extreme(Extreme::Maximum, terms, name),
        MergeKind::Minimum => dataflow.extreme(Extreme::Minimum, terms, name),
    }
}

fn multiply(
    dataflow: &mut Dataflow,
    a: Term,
    b: Term,
    style: MultiplierStyle,
    name: &str,
) -> Result<Term, TooWide> {
    let material = material(style, dataflow.range(a.node), dataflow.range(b.node));
    dataflow.multiply(a, b, material, name)
}

/// Where each element comes from.
fn sources(context: &LayerContext, concatenate: &Concatenate) -> Vec<(usize, usize)> {
    let sources = concatenate.sources(&tensors(context));
    sources.expect("a verified layer's inputs fit together").1
}

/// The wires of a concatenation that casts nothing.
pub(super) fn concatenate_wires(
    context: &LayerContext,
    concatenate: &Concatenate,
) -> Option<Vec<Wire>> {
    let sources = sources(context, concatenate);
    // A cast that leaves grid and range as they are leaves every value as it is.
    let same = sources.iter().enumerate().all(|(index, (input, element))| {
        let from = context.inputs[*input].exact_range(*element);
        from == context.output.exact_range(index)
    });
    same.then(|| sources.into_iter().map(Some).collect())
}

pub(super) fn build_concatenate(
    context: &LayerContext,
    concatenate: &Concatenate,
) -> Result<Untimed, CircuitError> {
    let sources = sources(context, concatenate);
    parallel_layer(context, |dataflow, inputs| {
        let element = |(index, (input, element)): (usize, &(usize, usize))| {
            result(dataflow, inputs[*input][*element], &concatenate.result, index)
        };
        sources.iter().enumerate().map(element).collect()
    })
}

pub(super) fn build_dot(context: &LayerContext, dot: &Dot) -> Result<Untimed, CircuitError> {
    let style = context.layer.implementation.multiplier;
    let mut built = parallel_layer(context, |dataflow, inputs| {
        let pairs = inputs[0].iter().zip(&inputs[1]).enumerate();
        let products = pairs
            .map(|(k, (a, b))| multiply(dataflow, *a, *b, style, &format!("product_{k}")))
            .collect::<Result<Vec<Term>, TooWide>>()?;
        let zero = dataflow.constant_term(Value::ZERO);
        let accumulator = dot.accum.map_or(Accumulator::Exact, Accumulator::Typed);
        let sum = dataflow.accumulate(accumulator, zero, products, "sum")?;
        Ok(vec![result(dataflow, sum, &dot.result_type(), 0)?])
    })?;
    built.statistics.multipliers = context.input().element_count() as u64;
    Ok(built)
}
