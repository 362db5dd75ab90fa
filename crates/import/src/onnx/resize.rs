//! Operators that give an image other extents: padding, and repeating elements.

use super::arithmetic::one;
use super::images::image_order;
use super::lower::{Call, Value};
use super::shapes::axis;
use crate::error::{Lowered, refuse};
use crate::view::View;

pub fn pad(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let rank = x.extents.len();
    if call.node.attributes.text("mode").is_some_and(|mode| mode != "constant") {
        return refuse("only padding with zeros is imported");
    }
    let value = call.constant(2)?.and_then(|value| value.single());
    if value.unwrap_or_else(|| call.node.attributes.float("value", 0.0)) != 0.0 {
        return refuse("only padding with zeros is imported");
    }
    let Some(pads) = call.integers("pads", 1)? else {
        return refuse("its pads are missing");
    };
    let axes: Vec<usize> = match call.constant(3)?.and_then(|axes| axes.as_integers()) {
        Some(axes) => axes.iter().map(|a| axis(*a, rank)).collect::<Lowered<_>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return refuse("its pads are not two for each axis");
    }
    let mut padding = Vec::new();
    let mut cropping = Vec::new();
    let mut extents = x.extents.clone();
    for (index, axis) in axes.iter().enumerate() {
        let (before, after) = (pads[index], pads[axes.len() + index]);
        if (before, after) == (0, 0) {
            continue;
        }
        if before.abs().max(after.abs()) > 65536 {
            return refuse("its pads are larger than 65,536");
        }
        let extent = extents[*axis] as i64 + before + after;
        if extent < 1 {
            return refuse("its pads leave nothing of the image");
        }
        extents[*axis] = extent as usize;
        padding.push((*axis, (before.max(0) as usize, after.max(0) as usize)));
        cropping.push((*axis, ((-before).max(0) as usize, (-after).max(0) as usize)));
    }
    if padding.is_empty() {
        return Ok(one(x));
    }
    let touched: Vec<usize> = padding.iter().map(|(axis, _)| *axis).collect();
    let order = image_order(&x, &touched)?;
    let ends = |of: &[(usize, (usize, usize))]| -> Vec<(usize, usize)> {
        let ends = |axis: &usize| of.iter().find(|(a, _)| a == axis).map_or((0, 0), |(_, e)| *e);
        order[..order.len() - 1].iter().map(ends).collect()
    };
    let signal = x.in_order(&order, call.builder)?;
    let signal = call.builder.cropping(&signal, &ends(&cropping))?;
    let y = call.builder.zero_padding(&signal, &ends(&padding))?;
    Ok(one(View::ordered(y, extents, &order)))
}

pub fn resize(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let attributes = &call.node.attributes;
    let mode = attributes.text("mode").unwrap_or("nearest").to_owned();
    if mode != "nearest" {
        return refuse(format!("its mode is `{mode}`; only `nearest` is imported"));
    }
    let is_old = call.node.operator == "Upsample" || call.version < 11;
    let how = attributes.text("coordinate_transformation_mode");
    let how = how.unwrap_or(if is_old { "asymmetric" } else { "half_pixel" }).to_owned();
    let rounding = attributes.text("nearest_mode");
    let rounding =
        rounding.unwrap_or(if is_old { "floor" } else { "round_prefer_floor" }).to_owned();
    let scales =
        call.constant(if is_old { 1 } else { 2 })?.filter(|scales| !scales.numbers.is_empty());
    let sizes = if is_old { None } else { call.constant(3)?.and_then(|sizes| sizes.as_integers()) };
    let factors: Vec<f64> = match (&scales, &sizes) {
        (Some(scales), _) => scales.numbers.to_vec(),
        (None, Some(sizes)) => {
            sizes.iter().zip(&x.extents).map(|(n, extent)| *n as f64 / *extent as f64).collect()
        }
        (None, None) => return refuse("its scales are missing"),
    };
    if factors.len() != x.extents.len() {
        return refuse("its scales are not one for each axis");
    }
    let mut extents = x.extents.clone();
    let mut touched = Vec::new();
    for (axis, factor) in factors.iter().enumerate().filter(|(_, factor)| **factor != 1.0) {
        if factor.fract() != 0.0 || !(1.0..=1024.0).contains(factor) {
            return refuse(format!("its scale {factor} is no small integer"));
        }
        let factor = *factor as usize;
        let repeats = (0..2 * factor)
            .all(|place| source(place, factor, &how, &rounding) == Some(place / factor));
        if !repeats {
            return refuse(format!(
                "`{how}` with `{rounding}` does not repeat each pixel {factor} times"
            ));
        }
        extents[axis] *= factor;
        touched.push(axis);
    }
    if touched.is_empty() {
        return Ok(one(x));
    }
    let order = image_order(&x, &touched)?;
    let signal = x.in_order(&order, call.builder)?;
    let own: Vec<usize> =
        order[..order.len() - 1].iter().map(|axis| factors[*axis] as usize).collect();
    let y = call.builder.up_sampling(&signal, &own)?;
    Ok(one(View::ordered(y, extents, &order)))
}

/// Which pixel of two is taken for a place of an axis that becomes `factor` times as long.
fn source(place: usize, factor: usize, how: &str, rounding: &str) -> Option<usize> {
    let (place, factor) = (place as f64, factor as f64);
    let exact = match how {
        "asymmetric" => place / factor,
        "half_pixel" | "half_pixel_symmetric" | "pytorch_half_pixel" => {
            (place + 0.5) / factor - 0.5
        }
        _ => return None,
    };
    let pixel = match rounding {
        "floor" => exact.floor(),
        "ceil" => exact.ceil(),
        "round_prefer_floor" => (exact - 0.5).ceil(),
        "round_prefer_ceil" => (exact + 0.5).floor(),
        _ => return None,
    };
    Some(pixel.clamp(0.0, 1.0) as usize)
}
