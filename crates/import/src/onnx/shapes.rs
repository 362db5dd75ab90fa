//! Operators that move elements, and those that only look at extents.

use super::arithmetic::one;
use super::graph::Node;
use super::lower::{Call, Value};
use super::slices::{gathered_constant, sliced_constant};
use crate::error::{Lowered, refuse};
use crate::tensor::{Tensor, element_count};
use crate::view::View;

/// An axis, which may be counted from the end.
pub fn axis(axis: i64, rank: usize) -> Lowered<usize> {
    let from_start = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    match usize::try_from(from_start) {
        Ok(axis) if axis < rank => Ok(axis),
        _ => refuse(format!("its axis {axis} is none of {rank}")),
    }
}

/// The extents of a tensor as a tensor.
pub fn shape_of(node: &Node, extents: &[usize]) -> Tensor {
    let rank = extents.len() as i64;
    let end = |name: &str, default: i64| {
        let value = node.attributes.integer(name).unwrap_or(default);
        (if value < 0 { value.saturating_add(rank) } else { value }).clamp(0, rank) as usize
    };
    let (start, stop) = (end("start", 0), end("end", rank));
    let part = extents.get(start..stop.max(start)).unwrap_or_default();
    Tensor::integers(part.iter().map(|extent| *extent as f64).collect())
}

pub fn shape(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    Ok(vec![Value::Constant(shape_of(call.node, &x.extents))])
}

pub fn identity(call: &mut Call) -> Lowered<Vec<Value>> {
    Ok(one(call.view(0)?))
}

pub fn cast(call: &mut Call) -> Lowered<Vec<Value>> {
    match call.node.attributes.integer("to") {
        Some(1 | 10 | 11 | 16) => identity(call),
        _ => refuse("a cast of computed values to integers is not imported; use Quant"),
    }
}

/// The extents that a Reshape gives.
fn reshaped_extents(node: &Node, from: &[usize], wanted: &[i64]) -> Lowered<Vec<usize>> {
    let keeps_zero = !node.attributes.flag("allowzero", false);
    let mut extents = Vec::new();
    let mut open = None;
    for (index, extent) in wanted.iter().enumerate() {
        let extent = match extent {
            0 if keeps_zero => from.get(index).copied(),
            -1 if open.is_none() => {
                open = Some(index);
                Some(1)
            }
            extent => usize::try_from(*extent).ok(),
        };
        match extent {
            Some(extent) => extents.push(extent),
            None => return refuse(format!("it cannot become {wanted:?}")),
        }
    }
    let count: usize = from.iter().product();
    let known = element_count(&extents).filter(|known| *known > 0);
    let Some(known) = known else {
        return refuse(format!("it cannot become {wanted:?}"));
    };
    if let Some(open) = open {
        extents[open] = count / known;
    }
    if extents.iter().product::<usize>() == count {
        Ok(extents)
    } else {
        refuse(format!("{from:?} cannot become {wanted:?}"))
    }
}

fn flattened_extents(node: &Node, from: &[usize]) -> Lowered<Vec<usize>> {
    let rank = from.len();
    let given = node.attributes.integer("axis").unwrap_or(1);
    let at = if given == rank as i64 { rank } else { axis(given, rank)? };
    Ok(vec![from[..at].iter().product(), from[at..].iter().product()])
}

fn squeezed_extents(from: &[usize], axes: Option<&[i64]>) -> Lowered<Vec<usize>> {
    let gone: Vec<usize> = match axes {
        Some(axes) => axes.iter().map(|a| axis(*a, from.len())).collect::<Lowered<_>>()?,
        None => (0..from.len()).filter(|axis| from[*axis] == 1).collect(),
    };
    if gone.iter().any(|axis| from[*axis] != 1) {
        return refuse(format!("axes {gone:?} of {from:?} are not all of extent 1"));
    }
    Ok((0..from.len()).filter(|axis| !gone.contains(axis)).map(|axis| from[axis]).collect())
}

fn unsqueezed_extents(from: &[usize], axes: &[i64]) -> Lowered<Vec<usize>> {
    let rank = from.len() + axes.len();
    let new: Vec<usize> = axes.iter().map(|a| axis(*a, rank)).collect::<Lowered<_>>()?;
    let mut old = from.iter().copied();
    let extents = (0..rank).map(|axis| if new.contains(&axis) { Some(1) } else { old.next() });
    match extents.collect::<Option<Vec<usize>>>() {
        Some(extents) if old.next().is_none() => Ok(extents),
        _ => refuse(format!("its axes {axes:?} are not all different")),
    }
}

fn order_of(node: &Node, rank: usize) -> Lowered<Vec<usize>> {
    let Some(perm) = node.attributes.integers("perm") else {
        return Ok((0..rank).rev().collect());
    };
    let order: Vec<usize> = perm.iter().map(|a| axis(*a, rank)).collect::<Lowered<_>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return refuse(format!("its perm {perm:?} is no order of {rank} axes"));
    }
    Ok(order)
}

pub fn reshape(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let Some(wanted) = call.integers("shape", 1)? else {
        return refuse("its shape is missing");
    };
    let extents = reshaped_extents(call.node, &x.extents, &wanted)?;
    Ok(one(x.reshaped(extents)))
}

pub fn flatten(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let extents = flattened_extents(call.node, &x.extents)?;
    Ok(one(x.reshaped(extents)))
}

pub fn squeeze(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let axes = call.integers("axes", 1)?;
    let extents = squeezed_extents(&x.extents, axes.as_deref())?;
    Ok(one(x.reshaped(extents)))
}

pub fn unsqueeze(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let axes = call.integers("axes", 1)?.unwrap_or_default();
    let extents = unsqueezed_extents(&x.extents, &axes)?;
    Ok(one(x.reshaped(extents)))
}

pub fn transpose(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let order = order_of(call.node, x.extents.len())?;
    Ok(one(x.transposed(&order, call.builder)?))
}

pub fn concat(call: &mut Call) -> Lowered<Vec<Value>> {
    let views =
        (0..call.inputs.len()).map(|index| call.view(index)).collect::<Lowered<Vec<_>>>()?;
    let Some(first) = views.first() else {
        return refuse("it has no inputs");
    };
    let rank = first.extents.len();
    if views.iter().any(|view| view.extents.len() != rank) {
        return refuse("its inputs have different axes");
    }
    let axis = axis(call.node.attributes.integer("axis").unwrap_or(1), rank)?;
    let mut extents = first.extents.clone();
    extents[axis] = views.iter().map(|view| view.extents[axis]).sum();
    let largest = views.iter().max_by_key(|view| view.layout().len()).unwrap_or(first);
    let layout = largest.layout();
    let order: Vec<usize> =
        layout.into_iter().filter(|other| *other == axis || extents[*other] > 1).collect();
    let Some(place) = order.iter().position(|other| *other == axis) else {
        return refuse("its axis is none");
    };
    let mut signals = Vec::new();
    for view in &views {
        signals.push(view.in_order(&order, call.builder)?);
    }
    let y = call.builder.concatenate(&signals, place)?;
    Ok(one(View::ordered(y, extents, &order)))
}

/// What a node that moves elements makes of constants; `None` where it is none of these.
pub fn moved_constant(
    node: &Node,
    inputs: &[Option<Tensor>],
    _version: i64,
) -> Option<Lowered<Vec<Tensor>>> {
    let x = inputs.first()?.clone()?;
    let list = |name: &str| -> Option<Vec<i64>> {
        let given = node.attributes.integers(name).map(<[i64]>::to_vec);
        given.or_else(|| inputs.get(1)?.as_ref()?.as_integers())
    };
    let extents = match node.operator.as_str() {
        "Reshape" => reshaped_extents(node, &x.extents, &list("shape")?),
        "Flatten" => flattened_extents(node, &x.extents),
        "Squeeze" => squeezed_extents(&x.extents, list("axes").as_deref()),
        "Unsqueeze" => unsqueezed_extents(&x.extents, &list("axes")?),
        "Transpose" => {
            return Some(order_of(node, x.extents.len()).map(|order| vec![x.transposed(&order)]));
        }
        "Gather" => return Some(gathered_constant(node, &x, inputs.get(1)?.as_ref()?)),
        "Slice" => return Some(sliced_constant(node, &x, inputs)),
        _ => return None,
    };
    Some(extents.and_then(|extents| match x.reshaped(extents) {
        Some(x) => Ok(vec![x]),
        None => refuse("its extents do not fit"),
    }))
}
