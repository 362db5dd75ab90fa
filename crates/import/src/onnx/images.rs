//! Operators on images: convolutions, pooling, padding, resizing.

use super::arithmetic::one;
use super::lower::{Call, Value};
use super::shapes::axis;
use crate::builder::{Pad, PoolKind, Windows};
use crate::error::{Lowered, refuse};
use crate::types::is_power_of_two;
use crate::view::View;

/// The axes of an image in the draft's order: the spatial ones, then the channels.
fn image_axes(call: &Call, x: &View) -> Lowered<Vec<usize>> {
    let rank = x.extents.len();
    if !(3..=4).contains(&rank) {
        return refuse(format!("its input {:?} is no image of one or two axes", x.extents));
    }
    Ok(if call.is_channels_last { (1..rank).collect() } else { (2..rank).chain([1]).collect() })
}

/// The extents of the model's tensor for an image of the draft.
fn model_extents(rank: usize, order: &[usize], extents: &[usize]) -> Vec<usize> {
    let mut all = vec![1; rank];
    for (axis, extent) in order.iter().zip(extents) {
        all[*axis] = *extent;
    }
    all
}

/// How the windows of a convolution or a pooling of `cells` move.
fn windows(call: &Call, image: &[usize], cells: &[usize]) -> Lowered<Windows> {
    let rank = cells.len();
    let attributes = &call.node.attributes;
    let sizes = |name: &str| -> Lowered<Vec<usize>> {
        let Some(values) = attributes.integers(name) else {
            return Ok(vec![1; rank]);
        };
        let size = |value: &i64| usize::try_from(*value).ok().filter(|v| (1..=65536).contains(v));
        match values.iter().map(size).collect::<Option<Vec<usize>>>() {
            Some(sizes) if sizes.len() == rank => Ok(sizes),
            _ => refuse(format!("its {name} are {values:?}")),
        }
    };
    let (strides, dilations) = (sizes("strides")?, sizes("dilations")?);
    let mut windows = Windows { strides, dilations, pad: Pad::Valid };
    match attributes.text("auto_pad").unwrap_or("NOTSET") {
        "VALID" => return Ok(windows),
        "SAME_UPPER" => {
            windows.pad = Pad::Same;
            return Ok(windows);
        }
        "SAME_LOWER" => {
            windows.pad = Pad::Same;
            let ends = (0..rank).map(|axis| windows.ends(axis, image[axis], cells[axis]));
            windows.pad = Pad::Explicit(ends.map(|(before, after)| (after, before)).collect());
            return Ok(windows);
        }
        "NOTSET" => {}
        other => return refuse(format!("its auto_pad is `{other}`")),
    }
    let Some(pads) = attributes.integers("pads") else {
        return Ok(windows);
    };
    let pads: Option<Vec<usize>> =
        pads.iter().map(|pad| usize::try_from(*pad).ok().filter(|pad| *pad <= 65536)).collect();
    match pads {
        Some(pads) if pads.len() == 2 * rank => {
            let ends: Vec<(usize, usize)> =
                (0..rank).map(|axis| (pads[axis], pads[rank + axis])).collect();
            if ends.iter().any(|ends| *ends != (0, 0)) {
                windows.pad = Pad::Explicit(ends);
            }
            Ok(windows)
        }
        _ => refuse("its pads are not two natural numbers for each axis"),
    }
}

pub fn conv(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let mut weight = call.required(1)?;
    let bias = call.constant(2)?;
    let order = image_axes(call, &x)?;
    if call.is_channels_last && weight.extents.len() == x.extents.len() {
        // Here the channels are the weight's last axis, too.
        let rank = weight.extents.len();
        let first: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
        weight = weight.transposed(&first);
    }
    let rank = order.len() - 1;
    if weight.extents.len() != rank + 2 || weight.extents.contains(&0) {
        return refuse(format!("its weight has the extents {:?}", weight.extents));
    }
    let image: Vec<usize> = order[..rank].iter().map(|axis| x.extents[*axis]).collect();
    let windows = windows(call, &image, &weight.extents[2..])?;
    let groups = call.node.attributes.integer("group").unwrap_or(1);
    let groups = usize::try_from(groups).unwrap_or(0);
    let signal = x.in_order(&order, call.builder)?;
    let last: Vec<usize> = (2..rank + 2).chain([1, 0]).collect();
    let weight = weight.transposed(&last);
    let y = call.builder.conv(&signal, &weight, bias.as_ref(), &windows, groups)?;
    let extents = model_extents(x.extents.len(), &order, &y.extents);
    Ok(one(View::ordered(y, extents, &order)))
}

pub fn max_pool(call: &mut Call) -> Lowered<Vec<Value>> {
    if call.node.outputs.len() > 1 && !call.node.outputs[1].is_empty() {
        return refuse("the indices of the maxima are not imported");
    }
    pool(call, PoolKind::Max)
}

pub fn average_pool(call: &mut Call) -> Lowered<Vec<Value>> {
    let counts_pad = call.node.attributes.flag("count_include_pad", false);
    pool(call, if counts_pad { PoolKind::AverageWithPad } else { PoolKind::Average })
}

fn pool(call: &mut Call, kind: PoolKind) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let order = image_axes(call, &x)?;
    let rank = order.len() - 1;
    let cells = call.node.attributes.integers("kernel_shape").unwrap_or_default();
    let cells: Option<Vec<usize>> = cells
        .iter()
        .map(|c| usize::try_from(*c).ok().filter(|c| (1..=65536).contains(c)))
        .collect();
    let Some(cells) = cells.filter(|cells| cells.len() == rank) else {
        return refuse("its kernel_shape is not one number for each axis");
    };
    let image: Vec<usize> = order[..rank].iter().map(|axis| x.extents[*axis]).collect();
    let mut windows = windows(call, &image, &cells)?;
    let mut signal = x.in_order(&order, call.builder)?;
    let mut kind = kind;
    if call.node.attributes.flag("ceil_mode", false) {
        let (declared, more) = ceiled(&windows, &image, &cells);
        let mut ends = declared.clone();
        if kind == PoolKind::AverageWithPad && more.iter().any(|more| *more > 0) {
            // The pads that it declares count, and those that rounding up adds do not.
            signal = call.builder.zero_padding(&signal, &declared)?;
            ends = vec![(0, 0); rank];
            kind = PoolKind::Average;
        }
        for (ends, more) in ends.iter_mut().zip(more) {
            ends.1 += more;
        }
        let has_none = ends.iter().all(|ends| *ends == (0, 0));
        windows.pad = if has_none { Pad::Valid } else { Pad::Explicit(ends) };
    }
    let y = call.builder.pool(&signal, kind, &cells, &windows)?;
    let extents = model_extents(x.extents.len(), &order, &y.extents);
    Ok(one(View::ordered(y, extents, &order)))
}

/// What lies before and after each axis, and what a number of windows that is rounded up adds after
/// it.
fn ceiled(
    windows: &Windows,
    image: &[usize],
    cells: &[usize],
) -> (Vec<(usize, usize)>, Vec<usize>) {
    let axis = |(axis, (extent, cells)): (usize, (&usize, &usize))| {
        let (before, after) = windows.ends(axis, *extent, *cells);
        let stride = windows.strides[axis];
        let padded = extent + before + after;
        let last = padded.saturating_sub(*cells).next_multiple_of(stride);
        // A window that would begin beyond the image and its first pad is left out.
        let is_left_out = last >= extent + before;
        let more = if is_left_out { 0 } else { (last + cells).saturating_sub(padded) };
        ((before, after), more)
    };
    image.iter().zip(cells).enumerate().map(axis).unzip()
}

pub fn global_max_pool(call: &mut Call) -> Lowered<Vec<Value>> {
    global_pool(call, PoolKind::Max)
}

pub fn global_average_pool(call: &mut Call) -> Lowered<Vec<Value>> {
    global_pool(call, PoolKind::Average)
}

fn global_pool(call: &mut Call, kind: PoolKind) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let order = image_axes(call, &x)?;
    let signal = x.in_order(&order, call.builder)?;
    let y = call.builder.global_pool(&signal, kind)?;
    let extents = model_extents(x.extents.len(), &order, &y.extents);
    Ok(one(View::ordered(y, extents, &order)))
}

pub fn reduce_mean(call: &mut Call) -> Lowered<Vec<Value>> {
    reduce(call, "mean")
}

pub fn reduce_max(call: &mut Call) -> Lowered<Vec<Value>> {
    reduce(call, "max")
}

pub fn reduce_sum(call: &mut Call) -> Lowered<Vec<Value>> {
    reduce(call, "sum")
}

fn reduce(call: &mut Call, what: &str) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let rank = x.extents.len();
    let given = call.integers("axes", 1)?;
    let reduced: Vec<usize> = match given {
        Some(axes) if !axes.is_empty() => {
            axes.iter().map(|a| axis(*a, rank)).collect::<Lowered<_>>()?
        }
        _ if call.node.attributes.flag("noop_with_empty_axes", false) => return Ok(one(x)),
        _ => (0..rank).collect(),
    };
    let is_long = |axis: &usize| x.extents[*axis] > 1;
    let layout: Vec<usize> = x.layout().into_iter().filter(is_long).collect();
    let (over, rest): (Vec<usize>, Vec<usize>) =
        layout.into_iter().partition(|axis| reduced.contains(axis));
    let order = [over.clone(), rest.clone()].concat();
    let mut extents: Vec<usize> =
        (0..rank).map(|a| if reduced.contains(&a) { 1 } else { x.extents[a] }).collect();
    let mut y = if over.is_empty() {
        x.signal.clone()
    } else {
        let signal = x.in_order(&order, call.builder)?;
        let channels: usize = rest.iter().map(|axis| x.extents[*axis]).product();
        let cells: Vec<usize> = over.iter().map(|axis| x.extents[*axis]).collect();
        let count: usize = cells.iter().product();
        let image = if cells.len() <= 2 {
            [&cells[..], &[channels]].concat()
        } else {
            vec![count, channels]
        };
        let signal = call.builder.reshape(&signal, &image)?;
        match what {
            "max" => call.builder.global_pool(&signal, PoolKind::Max)?,
            "mean" if is_power_of_two(count as f64) => {
                call.builder.global_pool(&signal, PoolKind::Average)?
            }
            _ => {
                // The sum is exact, and a scale of 1/n waits for a layer that takes it.
                let cells = signal.extents[..signal.extents.len() - 1].to_vec();
                let ones = vec![1; cells.len()];
                let windows = Windows { strides: ones.clone(), dilations: ones, pad: Pad::Valid };
                let sum = call.builder.sums(&signal, &cells, &windows)?;
                let scale = if what == "mean" { 1.0 / count as f64 } else { 1.0 };
                call.builder.affine(&sum, &[scale], &[0.0])?
            }
        }
    };
    let mut own: Vec<usize> = rest.iter().map(|axis| x.extents[*axis]).collect();
    if own.is_empty() {
        own = vec![1];
    }
    if !over.is_empty() {
        y = call.builder.reshape(&y, &own)?;
    }
    let view = match (over.is_empty(), rest.is_empty()) {
        (true, _) => x.with(y),
        (false, true) => View::plain(y, extents.clone()),
        (false, false) => View::ordered(y, extents.clone(), &rest),
    };
    if !call.node.attributes.flag("keepdims", true) {
        let mut axis = 0;
        extents.retain(|_| {
            axis += 1;
            !reduced.contains(&(axis - 1))
        });
    }
    Ok(one(view.reshaped(extents)))
}

/// The axes of a view as an image, of which those in `touched` are spatial: at most two.
pub fn image_order(x: &View, touched: &[usize]) -> Lowered<Vec<usize>> {
    let long = |axis: &usize| x.extents[*axis] > 1 || touched.contains(axis);
    let layout: Vec<usize> = x.layout();
    let others: Vec<usize> =
        layout.into_iter().filter(|axis| long(axis) && !touched.contains(axis)).collect();
    let mut spatial = touched.to_vec();
    spatial.sort_unstable();
    let channel = others.last().copied();
    // An axis that is not touched may be spatial, too.
    spatial.extend(others.iter().rev().skip(1));
    let positions = |axis: &usize| x.layout().iter().position(|other| other == axis);
    spatial.sort_by_key(positions);
    let channel = channel.or_else(|| (0..x.extents.len()).find(|axis| !spatial.contains(axis)));
    match channel {
        Some(channel) if spatial.len() <= 2 => Ok([spatial, vec![channel]].concat()),
        _ => refuse(format!("axes {touched:?} of {:?} are not those of an image", x.extents)),
    }
}
