//! Layers that compute each element on its own, merges, and moves.

use rtl4ml_ir::layers::{DotSteps, ExactAffine, ExactLine, ExactRange, ExactSlopes, Thresholds};
use rtl4ml_ir::{
    BatchNorm, Clamp, Concatenate, Dot, LeakyRelu, Merge, MergeKind, Range, Step, TensorType,
};

use super::{Body, Exact, each};
use crate::cast::{Cast, constant};
use crate::number::{Number, integers, literal};

/// A statement for each element.
fn for_each(count: usize, value: &str) -> String {
    format!("{}put(element, {value});\n", each(1, "element", count))
}

/// A constant of the layer's integers.
fn scalar(name: &str, integer: i128) -> String {
    format!("  constexpr T {name} = {};\n", literal(integer))
}

/// The elements' own ranges: one for all where they are on one grid.
fn own(tensor: &TensorType, of: impl Fn(Range) -> Range) -> Exact {
    let union = tensor.ranges.iter().copied().reduce(Range::union).unwrap_or(Range::ZERO);
    match tensor.common_format() {
        Some(format) => Exact::Uniform((of(union), format.fraction_bits())),
        None => Exact::Each(tensor.exact_ranges().map(|(range, grid)| (of(range), grid)).collect()),
    }
}

pub(super) fn relu(tensor: &TensorType) -> Body {
    let code = for_each(tensor.element_count(), "maximum(in0(element), static_cast<T>(0))");
    Body { constants: String::new(), code, result: own(tensor, Range::rectified) }
}

pub(super) fn quantize(tensor: &TensorType) -> Body {
    let code = for_each(tensor.element_count(), "in0(element)");
    Body { constants: String::new(), code, result: own(tensor, |range| range) }
}

/// Elements of the input, or zeros where there is none; all of them in their order without sources.
pub(super) fn moved(count: usize, sources: Option<&[Option<usize>]>) -> Body {
    let Some(sources) = sources else {
        let code = for_each(count, "in0(element)");
        return Body { constants: String::new(), code, result: Exact::Moved };
    };
    let places: Vec<i128> = sources.iter().map(|s| s.map_or(-1, |index| index as i128)).collect();
    let value = if places.contains(&-1) {
        "from[element] < 0 ? static_cast<T>(0) : in0(from[element])"
    } else {
        "in0(from[element])"
    };
    let constants = integers("from", &places);
    Body { constants, code: for_each(count, value), result: Exact::Moved }
}

pub(super) fn leaky_relu(
    number: Number,
    leaky: &LeakyRelu,
    tensor: &TensorType,
    x: ExactRange,
) -> Option<Body> {
    let ExactSlopes { up, slopes, result } = leaky.exact_slopes(&tensor.shape, x)?;
    if up >= number.bits() {
        return None;
    }
    let slope_ranges: Vec<Range> = slopes.iter().map(|slope| Range::constant(*slope)).collect();
    let constants = integers("slopes", &slopes);
    let mut code = format!("{}{{\n", each(1, "element", slopes.len()));
    code += "    const T own = in0(element);\n";
    code += &format!(
        "    put(element, own > 0 ? shift_left(own, {up}) : multiply(own, static_cast<T>(slopes[element])));\n  }}\n"
    );
    Body { constants, code, result: Exact::Uniform(result) }.checked(number, &slope_ranges)
}

pub(super) fn clamp(
    number: Number,
    clamp: &Clamp,
    tensor: &TensorType,
    x: ExactRange,
) -> Option<Body> {
    let ExactLine { slope, shift, low, high, result, steps } = clamp.exact_line(x)?;
    let constants = [("slope", slope), ("shift", shift), ("low", low), ("high", high)];
    let ranges = constants.map(|(_, integer)| Range::constant(integer));
    let constants = constants.map(|(name, integer)| scalar(name, integer)).concat();
    let mut code = format!("{}{{\n", each(1, "element", tensor.element_count()));
    code += "    const T line = add(multiply(in0(element), slope), shift);\n";
    code += "    put(element, line < low ? low : minimum(line, high));\n  }\n";
    let body = Body { constants, code, result: Exact::Uniform(result) };
    body.checked(number, &[&ranges[..], &steps].concat())
}

pub(super) fn step(
    number: Number,
    step: &Step,
    tensor: &TensorType,
    x: ExactRange,
) -> Option<Body> {
    let Thresholds { low, middle, high } = step.thresholds(x);
    let constants = [scalar("low", low), scalar("high", high)].concat();
    let mut code = format!("{}{{\n", each(1, "element", tensor.element_count()));
    code += "    const T own = in0(element);\n";
    code += &format!("    put(element, own >= high ? 1 : own >= low ? {middle} : -1);\n  }}\n");
    let body = Body { constants, code, result: Exact::Uniform((Range::new(-1, 1), 0)) };
    body.checked(number, &[Range::constant(low), Range::constant(high)])
}

pub(super) fn batch_norm(
    number: Number,
    norm: &BatchNorm,
    tensor: &TensorType,
    x: ExactRange,
) -> Option<Body> {
    let channels = norm.scale.len();
    let ExactAffine { scales, shifts, result } = norm.exact_affine(x)?;
    // Sums are modulo the integers' width, of which the result is within.
    let low_bits =
        |integers: &[i128]| integers.iter().map(|i| number.low_bits(*i)).collect::<Vec<_>>();
    let constants =
        integers("scales", &low_bits(&scales)) + &integers("shifts", &low_bits(&shifts));
    let mut code = format!("{}{{\n", each(1, "element", tensor.element_count()));
    code += &format!("    const int channel = element % {channels};\n");
    code += "    const T product = multiply(in0(element), static_cast<T>(scales[channel]));\n";
    code += "    put(element, add(product, static_cast<T>(shifts[channel])));\n  }\n";
    Body { constants, code, result: Exact::Uniform(result) }.checked(number, &[])
}

/// All inputs are on one grid, but for products.
pub(super) fn merge(
    number: Number,
    merge: &Merge,
    tensors: &[&TensorType],
    x: &[ExactRange],
) -> Option<Body> {
    let (shape, indices) = merge.broadcast(tensors).ok()?;
    let result = merge.exact_result(x)?;
    let word = match merge.kind {
        MergeKind::Add | MergeKind::Average => "add",
        MergeKind::Subtract => "subtract",
        MergeKind::Multiply => "multiply",
        MergeKind::Maximum => "maximum",
        MergeKind::Minimum => "minimum",
    };
    let mut constants = String::new();
    let mut value = String::new();
    for (input, indices) in indices.iter().enumerate() {
        let in_order = indices.iter().enumerate().all(|(element, index)| element == *index);
        let own = if in_order {
            format!("in{input}(element)")
        } else {
            let places: Vec<i128> = indices.iter().map(|index| *index as i128).collect();
            constants += &integers(&format!("from{input}"), &places);
            format!("in{input}(from{input}[element])")
        };
        value = if input == 0 { own } else { format!("{word}({value}, {own})") };
    }
    let code = for_each(shape.element_count(), &value);
    Body { constants, code, result: Exact::Uniform(result) }.checked(number, &[])
}

/// All inputs are on one grid.
pub(super) fn concatenate(
    number: Number,
    concatenate: &Concatenate,
    tensors: &[&TensorType],
    x: &[ExactRange],
) -> Option<Body> {
    let (_, sources) = concatenate.sources(tensors).ok()?;
    let union = x.iter().map(|(range, _)| *range).reduce(Range::union)?;
    let mut code = String::new();
    // Runs of neighbours of one input.
    let mut first = 0;
    while first < sources.len() {
        let (input, index) = sources[first];
        let next = |(place, source): (usize, &(usize, usize))| *source == (input, index + place);
        let count = sources[first..].iter().enumerate().take_while(|it| next(*it)).count();
        code += &format!(
            "{}put({first} + element, in{input}({index} + element));\n",
            each(1, "element", count)
        );
        first += count;
    }
    let result = Exact::Uniform((union, x[0].1));
    Body { constants: String::new(), code, result }.checked(number, &[])
}

pub(super) fn dot(
    number: Number,
    dot: &Dot,
    tensor: &TensorType,
    x: &[ExactRange],
) -> Option<Body> {
    let count = tensor.element_count();
    let DotSteps { product, sums, result } = dot.exact_steps(x, count)?;
    let mut code = format!("  T sum = 0;\n{}", each(1, "k", count));
    let product_text = "multiply(in0(k), in1(k))";
    let mut constants = String::new();
    if let Some((accum, sums)) = sums {
        constants += &constant("term", &Cast::new(number, product, accum)?);
        constants += &constant("total", &Cast::new(number, sums, accum)?);
        code +=
            &format!("sum = cast(total, add(sum, cast(term, {product_text})));\n  put(0, sum);\n");
    } else {
        code += &format!("sum = add(sum, {product_text});\n  put(0, sum);\n");
    }
    // Without a type the result is the widest step.
    let steps: Vec<Range> = sums.iter().map(|(_, (sums, _))| *sums).collect();
    Body { constants, code, result: Exact::Uniform(result) }.checked(number, &steps)
}
