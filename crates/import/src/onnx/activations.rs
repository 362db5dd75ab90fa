//! Operators on each element by itself, and those over classes.

use super::arithmetic::{of_channels, one};
use super::lower::{Call, Value};
use crate::builder::{Builder, Curve, Signal};
use crate::error::{Lowered, refuse};
use crate::tensor::Tensor;
use crate::view::View;

/// An operator that changes each element on its own.
fn each(
    call: &mut Call,
    f: impl FnOnce(&mut Builder, &Signal) -> Lowered<Signal>,
) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let y = f(call.builder, &x.signal)?;
    Ok(one(x.with(y)))
}

pub fn relu(call: &mut Call) -> Lowered<Vec<Value>> {
    each(call, |builder, x| builder.relu(x, None))
}

pub fn leaky_relu(call: &mut Call) -> Lowered<Vec<Value>> {
    let alpha = call.node.attributes.float("alpha", f64::from(0.01f32));
    each(call, |builder, x| builder.leaky_relu(x, alpha))
}

pub fn prelu(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let slopes = call.required(1)?;
    if let Some(slope) = slopes.single() {
        return each(call, |builder, x| builder.leaky_relu(x, slope));
    }
    let channels = x.signal.channels();
    let alpha = if let Some(numbers) = of_channels(&x, &slopes, channels) {
        Tensor::new(vec![channels], numbers)
    } else {
        let Some(all) = slopes.broadcast_to(&x.extents) else {
            return refuse(format!("its slopes {:?} are not for {:?}", slopes.extents, x.extents));
        };
        let mut placed = vec![0.0; all.numbers.len()];
        for (number, place) in all.numbers.iter().zip(x.indices()) {
            placed[place] = *number;
        }
        Tensor::new(x.signal.extents.clone(), placed)
    };
    match alpha {
        Some(alpha) => each(call, |builder, x| builder.prelu(x, &alpha)),
        None => refuse("its slopes do not fit its input"),
    }
}

pub fn clip(call: &mut Call) -> Lowered<Vec<Value>> {
    let attributes = &call.node.attributes;
    let (least, most) = if call.version < 11 {
        (attributes.float("min", f64::MIN), attributes.float("max", f64::MAX))
    } else {
        let single = |tensor: Option<Tensor>| tensor.as_ref().and_then(Tensor::single);
        (
            single(call.constant(1)?).unwrap_or(f64::MIN),
            single(call.constant(2)?).unwrap_or(f64::MAX),
        )
    };
    each(call, |builder, x| builder.clip(x, Some(least), Some(most)))
}

pub fn hard_sigmoid(call: &mut Call) -> Lowered<Vec<Value>> {
    let alpha = call.node.attributes.float("alpha", f64::from(0.2f32));
    let beta = call.node.attributes.float("beta", 0.5);
    each(call, |builder, x| builder.hard_sigmoid(x, alpha, beta))
}

pub fn abs(call: &mut Call) -> Lowered<Vec<Value>> {
    each(call, Builder::absolute)
}

fn curve(call: &mut Call, curve: Curve) -> Lowered<Vec<Value>> {
    each(call, |builder, x| builder.curve(x, curve))
}

pub fn elu(call: &mut Call) -> Lowered<Vec<Value>> {
    let alpha = call.node.attributes.float("alpha", 1.0);
    curve(call, Curve::Elu(alpha))
}

pub fn selu(call: &mut Call) -> Lowered<Vec<Value>> {
    let alpha = call.node.attributes.float("alpha", 1.673_263_2);
    let gamma = call.node.attributes.float("gamma", 1.050_701);
    if (alpha - 1.673_263_2).abs() > 1e-5 || (gamma - 1.050_701).abs() > 1e-5 {
        return refuse(format!(
            "its alpha {alpha} and gamma {gamma} are not the standard ones; use Elu and Mul"
        ));
    }
    curve(call, Curve::Selu)
}

pub fn sigmoid(call: &mut Call) -> Lowered<Vec<Value>> {
    curve(call, Curve::Sigmoid)
}

pub fn tanh(call: &mut Call) -> Lowered<Vec<Value>> {
    curve(call, Curve::Tanh)
}

pub fn softplus(call: &mut Call) -> Lowered<Vec<Value>> {
    curve(call, Curve::Softplus)
}

pub fn softsign(call: &mut Call) -> Lowered<Vec<Value>> {
    curve(call, Curve::Softsign)
}

pub fn exp(call: &mut Call) -> Lowered<Vec<Value>> {
    curve(call, Curve::Exp)
}

pub fn erf(call: &mut Call) -> Lowered<Vec<Value>> {
    curve(call, Curve::Erf)
}

pub fn gelu(call: &mut Call) -> Lowered<Vec<Value>> {
    if call.node.attributes.text("approximate").is_some_and(|how| how != "none") {
        return refuse("only the exact Gelu is imported");
    }
    curve(call, Curve::Other(|x| 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2))))
}

pub fn hard_swish(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let y = call.builder.hard_swish(&x.signal)?;
    Ok(one(x.with(y)))
}

pub fn mish(call: &mut Call) -> Lowered<Vec<Value>> {
    curve(call, Curve::MISH)
}

pub fn softmax(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let rank = x.extents.len();
    let default = if call.version < 13 { 1 } else { -1 };
    let given = call.node.attributes.integer("axis").unwrap_or(default);
    let first = super::shapes::axis(given, rank)?;
    // Before opset 13 all axes from the given one on are one.
    let together: Vec<usize> =
        if call.version < 13 { (first..rank).collect() } else { vec![first] };
    let long: Vec<usize> = together.iter().copied().filter(|axis| x.extents[*axis] > 1).collect();
    let (_, order) = with_last(&x, &long);
    let signal = x.in_order(&order, call.builder)?;
    let own = signal.extents.clone();
    let positions = own.len() - long.len().max(1);
    let merged = [&own[..positions], &[own[positions..].iter().product()]].concat();
    let signal = call.builder.reshape(&signal, &merged)?;
    let y = call.builder.softmax(&signal)?;
    let y = call.builder.reshape(&y, &own)?;
    Ok(one(View::ordered(y, x.extents.clone(), &order)))
}

/// The axes of a view in the order in which the draft has them, but for `last` at the end; those
/// of extent 1 are left out, unless there would be none. Also the axes before `last`.
fn with_last(x: &View, last: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let before: Vec<usize> = x
        .layout()
        .into_iter()
        .filter(|axis| x.extents[*axis] > 1 && !last.contains(axis))
        .collect();
    let mut order = [before.clone(), last.to_vec()].concat();
    if last.is_empty() {
        // Something over one element: an axis of extent 1 stands for it.
        order.extend((0..x.extents.len()).rev().find(|axis| x.extents[*axis] == 1));
    }
    (before, order)
}

pub fn arg_max(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    if call.node.attributes.flag("select_last_index", false) {
        return refuse("of equal maxima the layer takes the first, not the last");
    }
    let axis =
        super::shapes::axis(call.node.attributes.integer("axis").unwrap_or(0), x.extents.len())?;
    let (before, order) = with_last(&x, &[axis]);
    let signal = x.in_order(&order, call.builder)?;
    let y = call.builder.argmax(&signal)?;
    let mut extents = x.extents.clone();
    extents[axis] = 1;
    let mut y =
        if before.is_empty() { View::plain(y, extents) } else { View::ordered(y, extents, &order) };
    if !call.node.attributes.flag("keepdims", true) {
        let mut extents = y.extents.clone();
        extents.remove(axis);
        y = y.reshaped(extents);
    }
    Ok(one(y))
}
