//! Operators that multiply and add.

use super::lower::{Call, Value};
use crate::builder::Signal;
use crate::error::{Lowered, refuse};
use crate::tensor::{Tensor, broadcast};
use crate::view::View;

/// The one output of a node.
pub fn one(view: View) -> Vec<Value> {
    vec![Value::View(view)]
}

pub fn gemm(call: &mut Call) -> Lowered<Vec<Value>> {
    let attributes = &call.node.attributes;
    let (alpha, beta) = (attributes.float("alpha", 1.0), attributes.float("beta", 1.0));
    let (trans_a, trans_b) = (attributes.flag("transA", false), attributes.flag("transB", false));
    let mut x = call.view(0)?;
    if trans_a {
        x = x.transposed(&[1, 0], call.builder)?;
    }
    let mut weight = call.required(1)?;
    if weight.extents.len() != 2 || x.extents.len() != 2 {
        return refuse(format!(
            "its inputs have the extents {:?} and {:?}",
            x.extents, weight.extents
        ));
    }
    if trans_b {
        weight = weight.transposed(&[1, 0]);
    }
    if alpha != 1.0 {
        weight = weight.map(|w| alpha * w);
    }
    let mut bias = call.constant(2)?;
    if beta != 1.0 {
        bias = bias.map(|bias| bias.map(|b| beta * b));
    }
    let outputs = weight.extents[1];
    let bias = match bias {
        Some(bias) => {
            match bias.broadcast_to(&[1, outputs]).and_then(|b| b.reshaped(vec![outputs])) {
                Some(bias) => Some(bias),
                None => return refuse(format!("its bias has the extents {:?}", bias.extents)),
            }
        }
        None => None,
    };
    Ok(one(product(call, &x, &weight, bias.as_ref())?))
}

pub fn mat_mul(call: &mut Call) -> Lowered<Vec<Value>> {
    if let Some(Some(Value::Constant(weight))) = call.inputs.first() {
        // W x is the transpose of x' W'.
        let weight = weight.clone();
        let x = call.view(1)?;
        let rank = x.extents.len();
        if weight.extents.len() != 2 || rank < 2 {
            return refuse("its first input is a constant that is no matrix");
        }
        let mut swapped: Vec<usize> = (0..rank).collect();
        swapped.swap(rank - 2, rank - 1);
        let x = x.transposed(&swapped, call.builder)?;
        let y = product(call, &x, &weight.transposed(&[1, 0]), None)?;
        return Ok(one(y.transposed(&swapped, call.builder)?));
    }
    let x = call.view(0)?;
    if matches!(call.inputs.get(1), Some(Some(Value::View(_)))) {
        return refuse(
            "both of its inputs are computed; only products with trained weights are imported",
        );
    }
    let weight = call.required(1)?;
    let inner = weight.extents.len().saturating_sub(2);
    if weight.extents[..inner].iter().any(|extent| *extent != 1) {
        return refuse(format!(
            "its weight has the extents {:?}: one matrix a position",
            weight.extents
        ));
    }
    let matrix = match weight.extents[inner..] {
        [inputs] => weight.reshaped(vec![inputs, 1]),
        [inputs, outputs] => weight.reshaped(vec![inputs, outputs]),
        _ => None,
    };
    let Some(matrix) = matrix else {
        return refuse("its weight is no matrix");
    };
    let mut y = product(call, &x, &matrix, None)?;
    if weight.extents.len() == 1 {
        let rank = y.extents.len() - 1;
        y = y.reshaped(y.extents[..rank].to_vec());
    }
    Ok(one(y))
}

/// A tensor times a matrix, over the last axis.
fn product(call: &mut Call, x: &View, weight: &Tensor, bias: Option<&Tensor>) -> Lowered<View> {
    let Some((inputs, before)) = x.extents.split_last() else {
        return refuse("its input has no axes");
    };
    let extents = [before, &[weight.extents[1]]].concat();
    if weight.extents[0] != *inputs {
        return refuse(format!(
            "its weight is for {} inputs, but there are {inputs}",
            weight.extents[0]
        ));
    }
    if before.iter().all(|extent| *extent == 1) {
        // The weights' rows go where the elements are.
        let signal = call.builder.reshape(&x.signal, &[*inputs])?;
        let rows = rows_in_place(x, weight);
        let y = call.builder.dense(&signal, &rows, bias)?;
        return Ok(View::plain(y, extents));
    }
    let last = x.extents.len() - 1;
    let order: Vec<usize> = x
        .layout()
        .into_iter()
        .filter(|axis| *axis != last && x.extents[*axis] > 1)
        .chain([last])
        .collect();
    let signal = x.in_order(&order, call.builder)?;
    let y = call.builder.dense(&signal, weight, bias)?;
    Ok(View::ordered(y, extents, &order))
}

/// A matrix whose rows are in the order in which the tensor of the draft has the elements.
pub fn rows_in_place(x: &View, weight: &Tensor) -> Tensor {
    let columns = weight.extents[1];
    let mut rows = vec![0; weight.extents[0]];
    for (row, place) in x.indices().into_iter().enumerate() {
        rows[place] = row;
    }
    let indices: Vec<usize> =
        rows.iter().flat_map(|row| row * columns..(row + 1) * columns).collect();
    weight.gathered(weight.extents.clone(), &indices)
}

/// scale * x + shift, with constants that broadcast to x.
fn affine(call: &mut Call, x: &View, scale: &Tensor, shift: &Tensor) -> Lowered<View> {
    let both = broadcast(&scale.extents, &shift.extents);
    let Some(extents) = both.and_then(|both| broadcast(&both, &x.extents)) else {
        return refuse(format!(
            "constants of the extents {:?} are not for {:?}",
            scale.extents, x.extents
        ));
    };
    let count = |extents: &[usize]| extents.iter().product::<usize>();
    if count(&extents) != count(&x.extents) {
        return refuse(format!("the constants make {extents:?} of {:?}", x.extents));
    }
    let view = x.reshaped(extents);
    if let (Some(scale), Some(shift)) = (scale.single(), shift.single()) {
        let y = call.builder.affine(&view.signal, &[scale], &[shift])?;
        return Ok(view.with(y));
    }
    let channels = view.signal.channels();
    if let (Some(scale), Some(shift)) =
        (of_channels(&view, scale, channels), of_channels(&view, shift, channels))
    {
        let y = call.builder.affine(&view.signal, &scale, &shift)?;
        return Ok(view.with(y));
    }
    // A number for each element: the tensor is looked at as one of channels alone.
    let elements = count(&view.extents);
    let own = view.signal.extents.clone();
    let flat = call.builder.reshape(&view.signal, &[elements])?;
    let (Some(scale), Some(shift)) =
        (of_channels(&view, scale, elements), of_channels(&view, shift, elements))
    else {
        return refuse("its constants do not broadcast");
    };
    let y = call.builder.affine(&flat, &scale, &shift)?;
    let y = call.builder.reshape(&y, &own)?;
    Ok(view.with(y))
}

/// The numbers of each channel of the draft's tensor, where all elements of one have the same.
pub fn of_channels(view: &View, numbers: &Tensor, channels: usize) -> Option<Vec<f64>> {
    if let Some(number) = numbers.single() {
        return Some(vec![number; channels]);
    }
    let all = numbers.broadcast_to(&view.extents)?;
    let mut of: Vec<Option<f64>> = vec![None; channels];
    for (number, place) in all.numbers.iter().zip(view.indices()) {
        let channel = &mut of[place % channels];
        if channel.is_some_and(|before| before != *number) {
            return None;
        }
        *channel = Some(*number);
    }
    of.into_iter().collect()
}

fn single(number: f64) -> Tensor {
    Tensor {
        extents: Vec::new(),
        numbers: std::rc::Rc::new(vec![number]),
        grid: None,
        is_integer: false,
    }
}

/// The computed and the constant input of an operator with two, and which of them is first.
enum Operands {
    Views(View, View),
    ViewFirst(View, Tensor),
    ConstantFirst(Tensor, View),
}

fn operands(call: &Call) -> Lowered<Operands> {
    match (call.inputs.first(), call.inputs.get(1)) {
        (Some(Some(Value::View(a))), Some(Some(Value::View(b)))) => {
            Ok(Operands::Views(a.clone(), b.clone()))
        }
        (Some(Some(Value::View(a))), Some(Some(Value::Constant(b)))) => {
            Ok(Operands::ViewFirst(a.clone(), b.clone()))
        }
        (Some(Some(Value::Constant(a))), Some(Some(Value::View(b)))) => {
            Ok(Operands::ConstantFirst(a.clone(), b.clone()))
        }
        _ => refuse("it needs two inputs"),
    }
}

pub fn add(call: &mut Call) -> Lowered<Vec<Value>> {
    match operands(call)? {
        Operands::Views(a, b) => merged(call, "add", &[a, b]),
        Operands::ViewFirst(x, shift) | Operands::ConstantFirst(shift, x) => {
            Ok(one(affine(call, &x, &single(1.0), &shift)?))
        }
    }
}

pub fn sub(call: &mut Call) -> Lowered<Vec<Value>> {
    match operands(call)? {
        Operands::Views(a, b) => merged(call, "subtract", &[a, b]),
        Operands::ViewFirst(x, shift) => {
            Ok(one(affine(call, &x, &single(1.0), &shift.map(|s| -s))?))
        }
        Operands::ConstantFirst(shift, x) => Ok(one(affine(call, &x, &single(-1.0), &shift)?)),
    }
}

pub fn mul(call: &mut Call) -> Lowered<Vec<Value>> {
    match operands(call)? {
        Operands::Views(a, b) => merged(call, "multiply", &[a, b]),
        Operands::ViewFirst(x, scale) | Operands::ConstantFirst(scale, x) => {
            Ok(one(affine(call, &x, &scale, &single(0.0))?))
        }
    }
}

pub fn div(call: &mut Call) -> Lowered<Vec<Value>> {
    match operands(call)? {
        Operands::ViewFirst(x, scale) => {
            Ok(one(affine(call, &x, &scale.map(|s| 1.0 / s), &single(0.0))?))
        }
        _ => refuse("there is no layer that divides by a computed tensor"),
    }
}

pub fn neg(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    Ok(one(affine(call, &x, &single(-1.0), &single(0.0))?))
}

pub fn sum(call: &mut Call) -> Lowered<Vec<Value>> {
    several(call, "add")
}

pub fn mean(call: &mut Call) -> Lowered<Vec<Value>> {
    let count = call.inputs.len() as f64;
    let all = several(call, "add")?;
    match all.first() {
        Some(Value::View(view)) => {
            Ok(one(affine(call, &view.clone(), &single(1.0 / count), &single(0.0))?))
        }
        _ => Ok(all),
    }
}

pub fn max(call: &mut Call) -> Lowered<Vec<Value>> {
    bound(call, "maximum")
}

pub fn min(call: &mut Call) -> Lowered<Vec<Value>> {
    bound(call, "minimum")
}

fn bound(call: &mut Call, kind: &'static str) -> Lowered<Vec<Value>> {
    if call.inputs.len() != 2 {
        return several(call, kind);
    }
    match operands(call)? {
        Operands::Views(a, b) => merged(call, kind, &[a, b]),
        Operands::ViewFirst(x, bound) | Operands::ConstantFirst(bound, x) => {
            let Some(bound) = bound.single() else {
                return refuse("its constant is not one number");
            };
            let (least, most) =
                if kind == "maximum" { (Some(bound), None) } else { (None, Some(bound)) };
            let y = call.builder.clip(&x.signal, least, most)?;
            Ok(one(x.with(y)))
        }
    }
}

fn several(call: &mut Call, kind: &'static str) -> Lowered<Vec<Value>> {
    let views =
        (0..call.inputs.len()).map(|index| call.view(index)).collect::<Lowered<Vec<_>>>()?;
    match &views[..] {
        [] => refuse("it has no inputs"),
        [only] => Ok(one(only.clone())),
        _ => merged(call, kind, &views),
    }
}

/// Several tensors element by element.
fn merged(call: &mut Call, kind: &'static str, views: &[View]) -> Lowered<Vec<Value>> {
    let first = &views[0];
    if views.iter().all(|view| view.lies_as(first)) {
        let signals: Vec<Signal> = views.iter().map(|view| view.signal.clone()).collect();
        let y = call.builder.merge(kind, &signals)?;
        return Ok(one(first.with(y)));
    }
    let mut extents = Vec::new();
    for view in views {
        match broadcast(&extents, &view.extents) {
            Some(both) => extents = both,
            None => return refuse(format!("{extents:?} and {:?} do not broadcast", view.extents)),
        }
    }
    // All in the order of the one with the most elements, without the axes of extent 1.
    let rank = extents.len();
    let widened: Vec<View> = views
        .iter()
        .map(|view| {
            let ones = vec![1; rank - view.extents.len()];
            view.reshaped([&ones[..], &view.extents].concat())
        })
        .collect();
    let size = |view: &&View| view.extents.iter().product::<usize>();
    let largest = widened.iter().max_by_key(size).unwrap_or(&widened[0]);
    let layout = largest.layout();
    let mut order: Vec<usize> = layout.into_iter().filter(|axis| extents[*axis] > 1).collect();
    if order.is_empty() {
        order = vec![rank - 1];
    }
    let mut signals = Vec::new();
    for view in &widened {
        signals.push(view.in_order(&order, call.builder)?);
    }
    let y = call.builder.merge(kind, &signals)?;
    Ok(one(View::ordered(y, extents, &order)))
}

pub fn batch_normalization(call: &mut Call) -> Lowered<Vec<Value>> {
    let x = call.view(0)?;
    let [scale, bias, mean, variance] = [1, 2, 3, 4].map(|index| call.required(index));
    let (scale, bias, mean, variance) = (scale?, bias?, mean?, variance?);
    let channels = scale.numbers.len();
    if [&bias, &mean, &variance].iter().any(|numbers| numbers.numbers.len() != channels) {
        return refuse("its numbers are not as many as each other");
    }
    // In single precision, as the model computes.
    let epsilon = call.node.attributes.float("epsilon", 1e-5) as f32;
    let mut factors = Vec::new();
    let mut shifts = Vec::new();
    for channel in 0..channels {
        let number = |tensor: &Tensor| tensor.numbers[channel] as f32;
        let factor = number(&scale) / (number(&variance) + epsilon).sqrt();
        factors.push(f64::from(factor));
        shifts.push(number(&bias) as f64 - f64::from(number(&mean)) * f64::from(factor));
    }
    let rank = x.extents.len();
    let standard = if call.is_channels_last { rank - 1 } else { 1 };
    let is_for = |axis: &usize| x.extents.get(*axis) == Some(&channels);
    let mut axes = [standard].into_iter().chain(0..rank);
    let Some(axis) = axes.find(is_for) else {
        return refuse(format!("its {channels} numbers are not for {:?}", x.extents));
    };
    if axis != standard {
        let name = call.node.name.clone();
        call.builder.notes.push(format!(
            "{name} is for {channels} channels, which are on axis {axis} of {:?}: taken there",
            x.extents
        ));
    }
    let mut extents = vec![1; rank];
    extents[axis] = channels;
    let tensor = |numbers: Vec<f64>| Tensor::new(extents.clone(), numbers);
    match (tensor(factors), tensor(shifts)) {
        (Some(factors), Some(shifts)) => Ok(one(affine(call, &x, &factors, &shifts)?)),
        _ => refuse("it has no numbers"),
    }
}
