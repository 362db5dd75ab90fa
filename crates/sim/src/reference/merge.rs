//! Layers that read several tensors, and those that only move elements.

use rtl4ml_ir::{Dot, Merge, MergeKind, Value};

use super::arithmetic::{accumulate, larger, negative, product, sum};

/// The merged elements, before the cast to the result; `indices` gives for each input the element
/// that meets each element of the output.
pub(super) fn merge(merge: &Merge, inputs: &[Vec<Value>], indices: &[Vec<usize>]) -> Vec<Value> {
    let count = indices.first().map_or(0, Vec::len);
    let element = |element: usize| {
        let terms = inputs.iter().zip(indices).map(|(values, indices)| values[indices[element]]);
        merged(merge.kind, &terms.collect::<Vec<_>>())
    };
    (0..count).map(element).collect()
}

fn merged(kind: MergeKind, terms: &[Value]) -> Value {
    let all = || terms.iter().copied();
    let folded = match kind {
        MergeKind::Add => all().reduce(sum),
        MergeKind::Subtract => all().reduce(|a, b| sum(a, negative(b))),
        MergeKind::Multiply => all().reduce(product),
        MergeKind::Average => {
            // A verified average is of a power of two of terms, so dividing moves the point.
            let more = terms.len().ilog2() as i32;
            let halved = |sum: Value| Value { fraction_bits: sum.fraction_bits + more, ..sum };
            all().reduce(sum).map(halved)
        }
        MergeKind::Maximum => all().reduce(larger),
        MergeKind::Minimum => all().map(negative).reduce(larger).map(negative),
    };
    folded.unwrap_or(Value::ZERO)
}

/// The elements that `sources` names, each by its input and its index there.
pub(super) fn concatenate(inputs: &[Vec<Value>], sources: &[(usize, usize)]) -> Vec<Value> {
    sources.iter().map(|(input, index)| inputs[*input][*index]).collect()
}

/// The scalar product of two vectors, before the cast to the result.
pub(super) fn dot(dot: &Dot, a: &[Value], b: &[Value]) -> Vec<Value> {
    let products = a.iter().zip(b).map(|(a, b)| product(*a, *b));
    vec![accumulate(Value::ZERO, products, dot.accum)]
}

/// The elements at `sources`, and zeros where there is none.
pub(super) fn gather(inputs: &[Value], sources: &[Option<usize>]) -> Vec<Value> {
    sources.iter().map(|source| source.map_or(Value::ZERO, |index| inputs[index])).collect()
}
