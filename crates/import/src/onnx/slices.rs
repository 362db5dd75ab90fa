//! Operators that take parts of a tensor.

use std::rc::Rc;

use super::arithmetic::one;
use super::graph::Node;
use super::images::image_order;
use super::lower::{Call, Value};
use super::shapes::axis;
use crate::error::{Lowered, refuse};
use crate::tensor::{Tensor, element_count, strides, walk};
use crate::view::View;

/// Which elements of an axis a Slice takes, in their order.
fn sliced(extent: usize, start: i64, end: i64, step: i64) -> Lowered<Vec<usize>> {
    let extent = extent as i64;
    if step == 0 {
        return refuse("its step is 0");
    }
    let bound = |value: i64, lo: i64, hi: i64| {
        (if value < 0 { value.saturating_add(extent) } else { value }).clamp(lo, hi)
    };
    let mut indices = Vec::new();
    let (mut place, stop) = if step > 0 {
        (bound(start, 0, extent), bound(end, 0, extent))
    } else {
        (bound(start, 0, extent - 1), bound(end, -1, extent - 1))
    };
    while (step > 0 && place < stop) || (step < 0 && place > stop) {
        indices.push(place as usize);
        place = place.saturating_add(step);
    }
    Ok(indices)
}

/// The parameters of a Slice: an axis with the elements that are taken of it, for each that it cuts.
fn slices(
    call_inputs: &[Option<Tensor>],
    node: &Node,
    extents: &[usize],
) -> Lowered<Vec<(usize, Vec<usize>)>> {
    let list = |name: &str, input: usize| -> Lowered<Option<Vec<i64>>> {
        if let Some(values) = node.attributes.integers(name) {
            return Ok(Some(values.to_vec()));
        }
        match call_inputs.get(input) {
            Some(Some(tensor)) => match tensor.as_integers() {
                Some(values) => Ok(Some(values)),
                None => refuse(format!("`{name}` holds numbers that are no integers")),
            },
            _ => Ok(None),
        }
    };
    let (Some(starts), Some(ends)) = (list("starts", 1)?, list("ends", 2)?) else {
        return refuse("where it starts and ends is missing");
    };
    let axes = list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return refuse("its starts, ends, axes and steps are not as many as each other");
    }
    let mut all = Vec::new();
    for index in 0..starts.len() {
        let axis = axis(axes[index], extents.len())?;
        all.push((axis, sliced(extents[axis], starts[index], ends[index], steps[index])?));
    }
    Ok(all)
}

pub fn slice(call: &mut Call) -> Lowered<Vec<Value>> {
    let mut x = call.view(0)?;
    let inputs: Vec<Option<Tensor>> = std::iter::once(Ok(None))
        .chain((1..call.inputs.len()).map(|index| call.constant(index)))
        .collect::<Lowered<_>>()?;
    for (axis, indices) in slices(&inputs, call.node, &x.extents)? {
        x = taken(call, &x, axis, &indices)?;
    }
    Ok(one(x))
}

pub fn split(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let axis = axis(call.node.attributes.integer("axis").unwrap_or(0), x.extents.len())?;
    let extent = x.extents[axis];
    let parts = call.node.outputs.len();
    let sizes: Vec<usize> = if let Some(sizes) = call.integers("split", 1)? {
        sizes.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect()
    } else {
        let size = extent.div_ceil(parts.max(1));
        (0..parts).map(|part| size.min(extent.saturating_sub(part * size))).collect()
    };
    let all = sizes.iter().try_fold(0usize, |sum, size| sum.checked_add(*size));
    if all != Some(extent) || sizes.len() != parts {
        return refuse(format!("its parts {sizes:?} are not the {extent} elements of its axis"));
    }
    let mut start = 0;
    let mut values = Vec::new();
    for size in sizes {
        let indices: Vec<usize> = (start..start + size).collect();
        values.push(Value::View(taken(call, &x, axis, &indices)?));
        start += size;
    }
    Ok(values)
}

pub fn gather(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let indices = call.required(1)?;
    let axis = axis(call.node.attributes.integer("axis").unwrap_or(0), x.extents.len())?;
    let places = gathered(&indices, x.extents[axis])?;
    let y = taken(call, &x, axis, &places)?;
    let extents = [&x.extents[..axis], &indices.extents, &x.extents[axis + 1..]].concat();
    Ok(one(y.reshaped(extents)))
}

fn gathered(indices: &Tensor, extent: usize) -> Lowered<Vec<usize>> {
    match indices.as_integers() {
        Some(indices) => indices.iter().map(|index| axis(*index, extent)).collect(),
        None => refuse("its indices are no integers"),
    }
}

/// The elements `indices` of an axis.
fn taken(call: &mut Call, x: &View, axis: usize, indices: &[usize]) -> Lowered<View> {
    let extent = x.extents[axis];
    if indices.len() == extent && indices.iter().enumerate().all(|(to, from)| to == *from) {
        return Ok(x.clone());
    }
    let Some((first, last)) = indices.first().zip(indices.last()) else {
        return refuse("it takes nothing of its input");
    };
    let mut extents = x.extents.clone();
    extents[axis] = indices.len();
    let is_run = indices.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let is_last = x.layout().last() == Some(&axis);
    if is_run
        && !is_last
        && let Ok(order) = image_order(x, &[axis])
    {
        let signal = x.in_order(&order, call.builder)?;
        let ends = |a: &usize| if *a == axis { (*first, extent - last - 1) } else { (0, 0) };
        let ends: Vec<(usize, usize)> = order[..order.len() - 1].iter().map(ends).collect();
        let y = call.builder.cropping(&signal, &ends)?;
        return Ok(View::ordered(y, extents, &order));
    }
    // Weights of 1 and 0 are wires.
    let Some(count) = element_count(&[extent, indices.len()]) else {
        return refuse("it is over too many elements");
    };
    let mut numbers = vec![0.0; count];
    for (to, from) in indices.iter().enumerate() {
        numbers[from * indices.len() + to] = 1.0;
    }
    let Some(selection) = Tensor::new(vec![extent, indices.len()], numbers) else {
        return refuse("it is over too many elements");
    };
    let name = call.node.name.clone();
    call.builder.comment(format!("{name}: takes some elements; weights of 1 and 0 are wires"));
    let order: Vec<usize> = x
        .layout()
        .into_iter()
        .filter(|other| *other != axis && x.extents[*other] > 1)
        .chain([axis])
        .collect();
    let signal = x.in_order(&order, call.builder)?;
    let y = call.builder.dense(&signal, &selection, None)?;
    Ok(View::ordered(y, extents, &order))
}

/// The elements `indices` of an axis of a constant.
fn taken_constant(x: &Tensor, axis: usize, indices: &[usize]) -> Lowered<Tensor> {
    let mut extents = x.extents.clone();
    extents[axis] = indices.len();
    if element_count(&extents).is_none() {
        return refuse(format!("its result would have the extents {extents:?}"));
    }
    let own = strides(&x.extents);
    let mut offsets = walk(&x.extents[..axis], &own[..axis]);
    offsets = offsets
        .iter()
        .flat_map(|o| indices.iter().map(|i| o + i * own[axis]).collect::<Vec<_>>())
        .collect();
    let inner = walk(&x.extents[axis + 1..], &own[axis + 1..]);
    let all: Vec<usize> = offsets.iter().flat_map(|o| inner.iter().map(move |i| o + i)).collect();
    Ok(x.gathered(extents, &all))
}

pub fn gathered_constant(node: &Node, x: &Tensor, indices: &Tensor) -> Lowered<Vec<Tensor>> {
    let axis = axis(node.attributes.integer("axis").unwrap_or(0), x.extents.len())?;
    let places = gathered(indices, x.extents[axis])?;
    let y = taken_constant(x, axis, &places)?;
    let extents = [&x.extents[..axis], &indices.extents, &x.extents[axis + 1..]].concat();
    Ok(vec![Tensor { extents, numbers: Rc::clone(&y.numbers), ..y }])
}

pub fn sliced_constant(node: &Node, x: &Tensor, inputs: &[Option<Tensor>]) -> Lowered<Vec<Tensor>> {
    let mut y = x.clone();
    for (axis, indices) in slices(inputs, node, &x.extents)? {
        y = taken_constant(&y, axis, &indices)?;
    }
    Ok(vec![y])
}
