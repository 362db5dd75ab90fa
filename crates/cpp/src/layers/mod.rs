//! A function of the header for each layer, in the narrowest of the machine's integers that hold
//! all of its steps.
//!
//! What a layer computes before its cast differs from layer to layer, a file for each sort; how
//! inputs are read and results are cast and kept is here, the same for all.

mod elements;
mod matrix;
mod pool;
mod softmax;
mod tables;

use rtl4ml_ir::exact::{of_inputs, targets};
use rtl4ml_ir::layers::ExactRange;
use rtl4ml_ir::{LayerId, Op, Range, Source, TensorType, VerifiedNetwork};

use crate::EmitError;
use crate::cast::{Cast, Casts};
use crate::number::{Number, integers};

/// What a layer computes before its cast.
struct Body {
    /// The declarations of its tables.
    constants: String,
    /// The statements, which read `in0(element)` and give `put(element, exact)`.
    code: String,
    result: Exact,
}

/// What the exact results are.
enum Exact {
    /// All on one grid.
    Uniform(ExactRange),
    /// Of each element.
    Each(Vec<ExactRange>),
    /// The integers of the input, moved.
    Moved,
}

impl Body {
    /// The body, where the integers hold the steps.
    fn checked(self, number: Number, steps: &[Range]) -> Option<Self> {
        let result = match &self.result {
            Exact::Uniform((range, _)) => number.holds(*range),
            Exact::Each(each) => each.iter().all(|(range, _)| number.holds(*range)),
            Exact::Moved => true,
        };
        (result && steps.iter().all(|step| number.holds(*step))).then_some(self)
    }
}

/// The name of a layer's function.
pub(crate) fn function_name(layer: &str) -> String {
    format!("layer_{layer}")
}

/// The function of a layer.
///
/// # Errors
/// When its grids are so far apart that 128 bits do not hold its steps.
pub(crate) fn function(network: &VerifiedNetwork, id: LayerId) -> Result<String, EmitError> {
    let compiled = Number::ALL.into_iter().find_map(|number| compile(network, id, number));
    compiled.ok_or_else(|| {
        let layer = network.network().layers[id.0 as usize].name.clone();
        EmitError::TooWide { layer }
    })
}

fn compile(network: &VerifiedNetwork, id: LayerId, number: Number) -> Option<String> {
    let layer = &network.network().layers[id.0 as usize];
    let output = network.tensor_type(Source::Layer(id));
    let tensors: Vec<&TensorType> =
        layer.inputs.iter().map(|source| network.tensor_type(*source)).collect();
    let as_they_are =
        matches!(&layer.op, Op::Relu(_) | Op::Quantize(_) | Op::Reshape(_) | Op::Rearrange(_));
    let mut readers = String::new();
    let mut ranges = Vec::new();
    if as_they_are {
        let all = tensors[0].ranges.iter().copied().reduce(Range::union)?;
        readers += &reader(0, None);
        ranges.push((all, 0));
    } else {
        ranges = of_inputs(&layer.op, &tensors)?;
        for (index, (tensor, (_, grid))) in tensors.iter().zip(&ranges).enumerate() {
            readers += &reader(index, Some((*tensor, *grid)));
        }
    }
    if !ranges.iter().all(|(range, _)| number.holds(*range)) {
        return None;
    }
    let body = body(number, &layer.op, &tensors, &ranges, output)?;
    let casts = casts(number, &layer.op, &body.result, output)?;
    let mut text = format!("// {}: ", layer.op.kind());
    let described: Vec<String> = tensors.iter().map(ToString::to_string).collect();
    text += &format!("{} to {output}.\n", described.join(", "));
    text += &format!("inline void {}(", function_name(&layer.name));
    for (index, tensor) in tensors.iter().enumerate() {
        text += &format!("const {}* x{index}, ", Number::of_tensor(tensor).name());
    }
    let kept = Number::of_tensor(output).name();
    text += &format!("{kept}* y) {{\n  using T = {};\n", number.name());
    text += &casts.constant("result");
    text += &body.constants;
    text += &readers;
    let value = casts.apply("result", "element", "exact");
    text += &format!(
        "  const auto put = [y](int element, T exact) {{ y[element] = static_cast<{kept}>({value}); }};\n"
    );
    text += &body.code;
    text += "}\n";
    Some(text)
}

/// How the elements of an input are read; on a grid, where one is given.
fn reader(index: usize, aligned: Option<(&TensorType, i32)>) -> String {
    let ups: Vec<i128> = aligned.map_or(Vec::new(), |(tensor, grid)| {
        let up = |(range, own): ExactRange| {
            if range == Range::ZERO { 0 } else { i128::from(grid - own) }
        };
        tensor.exact_ranges().map(up).collect()
    });
    let read = format!("static_cast<T>(x{index}[element])");
    let mut constants = String::new();
    // Elements that are always 0 may be on any grid.
    let in_use = || ups.iter().zip(aligned.map(|(t, _)| &t.ranges).into_iter().flatten());
    let mut others = in_use().filter(|(_, range)| **range != Range::ZERO).map(|(up, _)| *up);
    let first = others.next().unwrap_or(0);
    let value = if others.all(|up| up == first) {
        if first == 0 { read } else { format!("shift_left({read}, {first})") }
    } else {
        constants = integers(&format!("up{index}"), &ups);
        format!("shift_left({read}, up{index}[element])")
    };
    format!("{constants}  const auto in{index} = [x{index}](int element) {{ return {value}; }};\n")
}

fn body(
    number: Number,
    op: &Op,
    tensors: &[&TensorType],
    ranges: &[ExactRange],
    output: &TensorType,
) -> Option<Body> {
    let (tensor, x) = (tensors[0], ranges[0]);
    let extents = tensor.shape.extents();
    match op {
        Op::Dense(dense) => matrix::dense(number, dense, tensor, x),
        Op::Conv(conv) => matrix::conv(number, conv, &conv.slide(extents).ok()?, x),
        Op::Pool(pool) => pool::pool(number, pool, tensor, x),
        Op::Function(function) => tables::function(number, function, tensor, x),
        Op::Softmax(softmax) => softmax::softmax(number, softmax, tensor, x),
        Op::Argmax(_) => softmax::argmax(number, tensor, x),
        Op::BatchNorm(norm) => elements::batch_norm(number, norm, tensor, x),
        Op::Relu(_) => Some(elements::relu(tensor)),
        Op::Quantize(_) => Some(elements::quantize(tensor)),
        Op::LeakyRelu(leaky) => elements::leaky_relu(number, leaky, tensor, x),
        Op::Clamp(clamp) => elements::clamp(number, clamp, tensor, x),
        Op::Step(step) => elements::step(number, step, tensor, x),
        Op::Merge(merge) => elements::merge(number, merge, tensors, ranges),
        Op::Concatenate(concatenate) => elements::concatenate(number, concatenate, tensors, ranges),
        Op::Dot(dot) => elements::dot(number, dot, tensor, ranges),
        Op::Reshape(_) => Some(elements::moved(tensor.element_count(), None)),
        Op::Rearrange(rearrange) => {
            let sources = rearrange.sources(extents, output.shape.extents());
            Some(elements::moved(sources.len(), Some(&sources)))
        }
    }
}

/// The casts of exact results to the types of a layer's tensor.
fn casts(number: Number, op: &Op, exact: &Exact, output: &TensorType) -> Option<Casts> {
    let of = |element: usize| match exact {
        Exact::Uniform(exact) => *exact,
        Exact::Each(each) => each[element],
        Exact::Moved => (Range::ZERO, 0),
    };
    if matches!(exact, Exact::Moved) {
        let bit = (Range::new(0, 1), 0);
        return Some(Casts::new(vec![Cast::to_grid(number, bit, 0, bit.0)?]));
    }
    let targets = targets(&op.result_type(), output, matches!(exact, Exact::Uniform(_)));
    let cast = |(element, target)| Cast::to(number, of(element), target);
    targets.into_iter().enumerate().map(cast).collect::<Option<_>>().map(Casts::new)
}

/// A loop over `count` numbers.
fn each(indent: usize, name: &str, count: usize) -> String {
    format!("{}for (int {name} = 0; {name} < {count}; ++{name}) ", "  ".repeat(indent))
}
