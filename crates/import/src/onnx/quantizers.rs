//! Quantisers of QONNX and of ONNX.

use std::rc::Rc;

use rtl4ml_ir::{Format, Rounding};

use super::arithmetic::{of_channels, one};
use super::graph::Node;
use super::lower::{Call, Value};
use crate::builder::{Quantizer, RoundingMode};
use crate::error::{Lowered, refuse};
use crate::tensor::{Grid, Tensor};
use crate::types::{MAX_NUMBER, log2_exact};
use crate::view::View;

/// The widest integers of a quantiser: those of more bits are exact in no single precision.
const MAX_BITS: f64 = 32.0;

/// The rounding of a quantiser, by QONNX's words in any case.
fn rounding_mode(node: &Node, default: &str) -> Lowered<RoundingMode> {
    let word = node.attributes.text("rounding_mode").unwrap_or(default).to_uppercase();
    Ok(match word.as_str() {
        "ROUND" | "HALF_EVEN" | "ROUND_HALF_EVEN" => RoundingMode::Cast(Rounding::RndConv),
        "CEIL" => RoundingMode::Ceil,
        "FLOOR" => RoundingMode::Cast(Rounding::Trn),
        "UP" => RoundingMode::Up,
        "DOWN" | "ROUND_TO_ZERO" => RoundingMode::Cast(Rounding::TrnZero),
        "HALF_UP" => RoundingMode::Cast(Rounding::RndInf),
        "HALF_DOWN" => RoundingMode::Cast(Rounding::RndZero),
        _ => return refuse(format!("its rounding mode `{word}` is unknown")),
    })
}

/// The integers of so many bits.
fn integers(bits: f64, signed: bool) -> Lowered<Format> {
    if bits.fract() != 0.0 || !(1.0..=MAX_BITS).contains(&bits) {
        return refuse(format!("its width of {bits} bits is no integer from 1 to {MAX_BITS}"));
    }
    let width = bits as u32;
    Ok(Format { signed, width, integer_bits: width as i32 })
}

fn required(inputs: &[Option<Tensor>], index: usize) -> Lowered<Tensor> {
    match inputs.get(index) {
        Some(Some(tensor)) => Ok(tensor.clone()),
        _ => refuse(format!("its input {index} is no constant")),
    }
}

/// A number that all elements of a tensor are.
fn common(tensor: &Tensor, what: &str) -> Lowered<f64> {
    match tensor.numbers.split_first() {
        Some((first, rest)) if rest.iter().all(|number| number == first) => Ok(*first),
        _ => refuse(format!("its {what} is not the same for all elements")),
    }
}

fn checked_scale(scale: Tensor) -> Lowered<Tensor> {
    let is_legal = |scale: &f64| *scale > 0.0 && *scale < MAX_NUMBER && scale.is_normal();
    match scale.numbers.iter().find(|scale| !is_legal(scale)) {
        Some(scale) => refuse(format!("its scale {scale} is not positive")),
        None => Ok(scale),
    }
}

/// The quantiser that a node of the type Quant is.
pub fn quantizer(node: &Node, inputs: &[Option<Tensor>]) -> Lowered<Quantizer> {
    let scale = checked_scale(required(inputs, 1)?)?;
    let zero_point = common(&required(inputs, 2)?, "zero point")?;
    let given = required(inputs, 3)?;
    let signed = node.attributes.flag("signed", true);
    for bits in given.numbers.iter() {
        integers(*bits, signed)?;
    }
    let bits = given.numbers.iter().copied().fold(1.0, f64::max);
    let is_common = given.numbers.iter().all(|other| *other == bits);
    if zero_point.fract() != 0.0 || zero_point.abs() > f64::from(u32::MAX) {
        return refuse(format!("its zero point {zero_point} is no integer"));
    }
    Ok(Quantizer {
        scale,
        zero_point,
        integers: integers(bits, signed)?,
        widths: (!is_common).then_some(given),
        is_narrow: node.attributes.flag("narrow", false),
        rounding: rounding_mode(node, "ROUND")?,
    })
}

/// The quantiser that gives the sign, times a scale.
pub fn bipolar(inputs: &[Option<Tensor>]) -> Lowered<Quantizer> {
    Ok(Quantizer {
        scale: checked_scale(required(inputs, 1)?)?,
        zero_point: 0.0,
        integers: Format::signed(1, 1),
        widths: None,
        is_narrow: false,
        rounding: RoundingMode::Cast(Rounding::RndConv),
    })
}

/// The inputs of a node after the first, which must be known.
fn parameters(call: &Call) -> Lowered<Vec<Option<Tensor>>> {
    let known = (1..call.inputs.len()).map(|index| call.constant(index));
    std::iter::once(Ok(None)).chain(known).collect()
}

pub fn quant(call: &mut Call) -> Lowered<Vec<Value>> {
    let quantizer = quantizer(call.node, &parameters(call)?)?;
    let x = call.view(0)?;
    Ok(one(quantized(call, &x, &quantizer)?))
}

pub fn bipolar_quant(call: &mut Call) -> Lowered<Vec<Value>> {
    let quantizer = bipolar(&parameters(call)?)?;
    let x = call.view(0)?;
    Ok(one(quantized(call, &x, &quantizer)?))
}

/// A quantiser on a view, whose scale may be one number, one a channel or one an element.
fn quantized(call: &mut Call, x: &View, quantizer: &Quantizer) -> Lowered<View> {
    let bits = quantizer.integers.width;
    let scale = quantizer.scale.single();
    let step = match scale {
        Some(scale) => {
            log2_exact(scale).map_or_else(|| scale.to_string(), |log2| format!("2^{log2}"))
        }
        None => "one for each channel".to_owned(),
    };
    let signed = if quantizer.integers.signed { "signed" } else { "unsigned" };
    let name = call.node.name.clone();
    let bits = match &quantizer.widths {
        Some(_) => format!("up to {bits}"),
        None => bits.to_string(),
    };
    call.builder.comment(format!("{name}: {bits} bits {signed}, scale {step}"));
    let elements: usize = x.signal.extents.iter().product();
    if let (Some(scales), Some(widths)) =
        (of_channels(x, &quantizer.scale, elements), widths_of(x, quantizer, elements))
    {
        let is_cast = || quantizer.element_types(&scales, &widths).is_some();
        if quantizer.widths.is_some() || scale.is_none() && is_cast() {
            let y = call.builder.quantize_elements(&x.signal, quantizer, &scales, &widths)?;
            return Ok(x.with(y));
        }
    } else if let Some(widths) = &quantizer.widths {
        return refuse(format!("its widths {:?} are not for {:?}", widths.extents, x.extents));
    }
    if let Some(scale) = scale {
        let y = call.builder.quantize(&x.signal, quantizer, &[scale])?;
        return Ok(x.with(y));
    }
    let channels = x.signal.channels();
    if let Some(scales) = of_channels(x, &quantizer.scale, channels) {
        let y = call.builder.quantize(&x.signal, quantizer, &scales)?;
        return Ok(x.with(y));
    }
    let own = x.signal.extents.clone();
    let Some(scales) = of_channels(x, &quantizer.scale, elements) else {
        return refuse(format!(
            "its scale {:?} is not for {:?}",
            quantizer.scale.extents, x.extents
        ));
    };
    let flat = call.builder.reshape(&x.signal, &[elements])?;
    let y = call.builder.quantize(&flat, quantizer, &scales)?;
    let y = call.builder.reshape(&y, &own)?;
    Ok(x.with(y))
}

/// The width of each element of the draft's tensor.
fn widths_of(x: &View, quantizer: &Quantizer, elements: usize) -> Option<Vec<u32>> {
    match &quantizer.widths {
        None => Some(vec![quantizer.integers.width; elements]),
        Some(widths) => {
            let widths = of_channels(x, widths, elements)?;
            Some(widths.into_iter().map(|width| width as u32).collect())
        }
    }
}

/// Trunc: integers whose low bits are dropped. Version 1 of the set does not give the magnitude
/// back; version 2 has the scale and the width of the result as inputs.
pub fn trunc(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let parameters = parameters(call)?;
    let scale = common(&checked_scale(required(&parameters, 1)?)?, "scale")?;
    let zero_point = common(&required(&parameters, 2)?, "zero point")?;
    if zero_point != 0.0 {
        return refuse(format!("its zero point is {zero_point}; only 0 is imported"));
    }
    let rounding = rounding_mode(call.node, "FLOOR")?;
    let in_bits = common(&required(&parameters, 3)?, "width")?;
    if call.inputs.len() > 5 {
        let out_scale = checked_scale(required(&parameters, 4)?)?;
        let bits = common(&required(&parameters, 5)?, "width")?;
        let quantizer = Quantizer {
            scale: out_scale,
            zero_point: 0.0,
            integers: integers(bits, call.node.attributes.flag("signed", true))?,
            widths: None,
            is_narrow: call.node.attributes.flag("narrow", false),
            rounding,
        };
        return Ok(one(quantized(call, &x, &quantizer)?));
    }
    let out_bits = common(&required(&parameters, 4)?, "width")?;
    let dropped = in_bits - out_bits;
    if dropped.fract() != 0.0 || !(0.0..=MAX_BITS).contains(&dropped) {
        return refuse(format!("it drops {dropped} bits"));
    }
    let y = call.builder.shift_right(&x.signal, scale, dropped as u32, rounding)?;
    Ok(one(x.with(y)))
}

/// The scale and zero point of ONNX's own quantisers, with extents that broadcast to those of
/// their input.
fn onnx_scale(node: &Node, inputs: &[Option<Tensor>], rank: usize) -> Lowered<(Tensor, Tensor)> {
    let scale = checked_scale(required(inputs, 1)?)?;
    let zero_point = inputs.get(2).cloned().flatten();
    let zero_point = zero_point.unwrap_or_else(|| scale.map(|_| 0.0));
    if scale.extents.len() != 1 || scale.numbers.len() == 1 {
        let flat = |tensor: Tensor| tensor.reshaped(Vec::new()).unwrap_or(tensor);
        return Ok((flat(scale), flat(zero_point)));
    }
    let axis = super::shapes::axis(node.attributes.integer("axis").unwrap_or(1), rank)?;
    let mut extents = vec![1; rank];
    extents[axis] = scale.numbers.len();
    match (scale.reshaped(extents.clone()), zero_point.reshaped(extents)) {
        (Some(scale), Some(zero_point)) => Ok((scale, zero_point)),
        _ => refuse("its zero points are not as many as its scales"),
    }
}

/// (q - zero point) * scale of numbers.
pub fn dequantized(node: &Node, inputs: &[Option<Tensor>]) -> Lowered<Tensor> {
    let q = required(inputs, 0)?;
    let (scale, zero_point) = onnx_scale(node, inputs, q.extents.len())?;
    let (Some(scale), Some(zero_point)) =
        (scale.broadcast_to(&q.extents), zero_point.broadcast_to(&q.extents))
    else {
        return refuse("its scale does not broadcast");
    };
    let integers: Vec<f64> =
        q.numbers.iter().zip(zero_point.numbers.iter()).map(|(q, zero)| q - zero).collect();
    let numbers = integers.iter().zip(scale.numbers.iter()).map(|(q, scale)| q * scale);
    let most = integers.iter().fold(1.0f64, |most, q| most.max(q.abs()));
    let width = libm::log2(most) as u32 + 2;
    let grid =
        Some(Grid { steps: scale.numbers.clone(), integers: Format::signed(width, width as i32) });
    Ok(Tensor {
        extents: q.extents.clone(),
        numbers: Rc::new(numbers.collect()),
        grid,
        is_integer: false,
    })
}

/// q = clamp( round( x / scale ) + zero point ).
pub fn quantize_linear(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let parameters = parameters(call)?;
    let (scale, zero_point) = onnx_scale(call.node, &parameters, x.extents.len())?;
    let zero = common(&zero_point, "zero point")?;
    // The type of the zero point is that of the result; without one it is of unsigned bytes.
    let given = zero_point.grid.map(|grid| grid.integers);
    let integers = given.unwrap_or(Format::unsigned(8, 8));
    if scale.single().is_none() {
        return refuse("a scale for each channel of an activation is not imported");
    }
    let quantizer = Quantizer {
        scale: scale.clone(),
        zero_point: zero,
        integers,
        widths: None,
        is_narrow: false,
        rounding: RoundingMode::Cast(Rounding::RndConv),
    };
    let y = quantized(call, &x, &quantizer)?;
    // In integers, which the factor undoes for nothing.
    let signal = call.builder.affine(&y.signal, &[1.0 / scale.numbers[0]], &[zero])?;
    Ok(one(y.with(signal)))
}

/// (q - zero point) * scale.
pub fn dequantize_linear(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let parameters = parameters(call)?;
    let (scale, zero_point) = onnx_scale(call.node, &parameters, x.extents.len())?;
    let (scale, zero) = (common(&scale, "scale")?, common(&zero_point, "zero point")?);
    let signal = call.builder.affine(&x.signal, &[1.0], &[-zero])?;
    let signal = call.builder.affine(&signal, &[scale], &[0.0])?;
    Ok(one(x.with(signal)))
}
