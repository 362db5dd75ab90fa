//! Nodes that depend on no input: what they compute, as a number.

use std::rc::Rc;

use super::graph::Node;
use super::{quantizers, shapes};
use crate::error::{Lowered, refuse};
use crate::tensor::{Tensor, broadcast, element_count};

/// What a node computes of constants; `None` where it is not one of those that are folded.
pub fn evaluate(
    node: &Node,
    inputs: &[Option<Tensor>],
    version: i64,
) -> Option<Lowered<Vec<Tensor>>> {
    let first = inputs.first().cloned().flatten();
    let second = inputs.get(1).cloned().flatten();
    let one = |tensor: Lowered<Tensor>| Some(tensor.map(|tensor| vec![tensor]));
    let unary = |f: fn(f64) -> f64| first.as_ref().map(|x| Ok(vec![rounded(x.map(f))]));
    let binary = |f: fn(f64, f64) -> f64| {
        let (a, b) = first.as_ref().zip(second.as_ref())?;
        one(both(a, b, f))
    };
    match node.operator.as_str() {
        "Constant" => one(match node.attributes.constant() {
            Some(tensor) => Ok(tensor),
            None => refuse("it gives no numbers"),
        }),
        "Identity" | "Dropout" => first.map(|x| Ok(vec![x])),
        "Cast" => first.map(|x| Ok(vec![cast(x, node.attributes.integer("to").unwrap_or(1))])),
        "ConstantOfShape" => {
            one(first.map_or_else(|| refuse("it has no shape"), |shape| filled(node, &shape)))
        }
        "Shape" => first.map(|x| Ok(vec![shapes::shape_of(node, &x.extents)])),
        "Neg" => unary(|x| -x),
        "Abs" => unary(f64::abs),
        "Sqrt" => unary(f64::sqrt),
        "Exp" => unary(libm::exp),
        "Log" => unary(libm::log),
        "Floor" => unary(f64::floor),
        "Ceil" => unary(f64::ceil),
        "Round" => unary(libm::rint),
        "Reciprocal" => unary(|x| 1.0 / x),
        "Relu" => unary(|x| x.max(0.0)),
        "Add" => binary(|a, b| a + b),
        "Sub" => binary(|a, b| a - b),
        "Mul" => binary(|a, b| a * b),
        "Div" => binary(|a, b| a / b),
        "Pow" => binary(libm::pow),
        "Max" => binary(f64::max),
        "Min" => binary(f64::min),
        "Quant" | "IntQuant" => one(quantizers::quantizer(node, inputs).and_then(|quantizer| {
            first.map_or_else(|| refuse("it has no input"), |x| quantizer.apply(&x))
        })),
        "BipolarQuant" => one(quantizers::bipolar(inputs).and_then(|quantizer| {
            first.map_or_else(|| refuse("it has no input"), |x| quantizer.apply(&x))
        })),
        "DequantizeLinear" => one(quantizers::dequantized(node, inputs)),
        "Concat" => one(concatenated(node, inputs)),
        _ => shapes::moved_constant(node, inputs, version),
    }
}

/// Numbers as single precision keeps them, in which models compute.
fn rounded(tensor: Tensor) -> Tensor {
    if tensor.is_integer { tensor } else { tensor.map(|number| f64::from(number as f32)) }
}

fn both(a: &Tensor, b: &Tensor, f: fn(f64, f64) -> f64) -> Lowered<Tensor> {
    let Some(extents) = broadcast(&a.extents, &b.extents).filter(|e| element_count(e).is_some())
    else {
        return refuse(format!("{:?} and {:?} do not broadcast", a.extents, b.extents));
    };
    let is_integer = a.is_integer && b.is_integer;
    let (Some(a), Some(b)) = (a.broadcast_to(&extents), b.broadcast_to(&extents)) else {
        return refuse("its inputs do not broadcast");
    };
    let pairs = a.numbers.iter().zip(b.numbers.iter());
    let number = |(a, b): (&f64, &f64)| {
        let exact = f(*a, *b);
        if is_integer { exact.trunc() } else { exact }
    };
    let numbers = Rc::new(pairs.map(number).collect());
    Ok(rounded(Tensor { extents, numbers, grid: None, is_integer }))
}

fn cast(x: Tensor, to: i64) -> Tensor {
    let is_integer = !matches!(to, 1 | 10 | 11 | 16);
    if is_integer && !x.is_integer {
        return Tensor { is_integer, ..x.map(f64::trunc) };
    }
    Tensor { is_integer, ..x }
}

fn filled(node: &Node, shape: &Tensor) -> Lowered<Tensor> {
    let extents: Option<Vec<usize>> = shape
        .as_integers()
        .and_then(|extents| extents.iter().map(|extent| usize::try_from(*extent).ok()).collect());
    let Some((extents, count)) = extents.and_then(|e| element_count(&e).map(|count| (e, count)))
    else {
        return refuse("its shape is none");
    };
    let value = node.attributes.constant();
    let number = value.as_ref().and_then(Tensor::single).unwrap_or(0.0);
    let is_integer = value.is_some_and(|value| value.is_integer);
    Ok(Tensor { extents, numbers: Rc::new(vec![number; count]), grid: None, is_integer })
}

fn concatenated(node: &Node, inputs: &[Option<Tensor>]) -> Lowered<Tensor> {
    let parts: Vec<&Tensor> = inputs.iter().flatten().collect();
    let Some(first) = parts.first() else {
        return refuse("it has no inputs");
    };
    let axis = shapes::axis(node.attributes.integer("axis").unwrap_or(0), first.extents.len())?;
    let mut extents = first.extents.clone();
    extents[axis] = 0;
    for part in &parts {
        let mut rest = part.extents.clone();
        if rest.len() != extents.len() {
            return refuse("its inputs have different axes");
        }
        let own = std::mem::replace(&mut rest[axis], extents[axis]);
        if rest != extents {
            return refuse("its inputs have different extents");
        }
        extents[axis] += own;
    }
    if element_count(&extents).is_none() {
        return refuse(format!("its result would have the extents {extents:?}"));
    }
    let outer: usize = extents[..axis].iter().product();
    let mut numbers = Vec::new();
    for index in 0..outer {
        for part in &parts {
            let inner = part.numbers.len() / outer.max(1);
            numbers.extend_from_slice(&part.numbers[index * inner..][..inner]);
        }
    }
    let is_integer = parts.iter().all(|part| part.is_integer);
    Ok(Tensor { extents, numbers: Rc::new(numbers), grid: None, is_integer })
}
