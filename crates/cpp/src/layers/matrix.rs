//! Layers that multiply by weights: dense and convolutions.
//!
//! Guarantees the integers of the definition: the sum in ascending order, each product and each
//! partial sum in the accumulator's type. Where that does not show, because the accumulator wraps or
//! never is full, the sum is taken modulo the width of the machine's integers.

use rtl4ml_ir::layers::{Accumulation, ExactRange, KernelSteps};
use rtl4ml_ir::{Conv, Dense, Kernel, Overflow, Range, Sliding, TensorType};

use super::{Body, Exact, each};
use crate::cast::{Cast, constant};
use crate::number::{Number, integers};

/// Kernels of one shape, ready to be written.
struct Matrices {
    /// Group after group: the weights, input after input.
    weights: Vec<i128>,
    /// Group after group: what the sums start from.
    start: Vec<i128>,
    n_out: usize,
    sum: Sum,
    result: ExactRange,
}

/// How products become a sum.
enum Sum {
    /// Modulo the integers' width: each product is rounded where there is something to round, and the
    /// sum is wrapped at its end.
    Modular { round: Option<Cast>, wrap: Option<Cast> },
    /// Each product and each sum is cast.
    Stepwise { product: Cast, sum: Cast },
}

pub(super) fn dense(
    number: Number,
    dense: &Dense,
    tensor: &TensorType,
    x: ExactRange,
) -> Option<Body> {
    let matrices = Matrices::new(number, std::slice::from_ref(&dense.kernel), x)?;
    let n_in = dense.kernel.shape()?.n_in;
    let n_out = matrices.n_out;
    let positions = tensor.element_count() / n_in;
    let mut code = format!("{}{{\n", each(1, "position", positions));
    code += &matrices.begin("j");
    code += &format!("{}{{\n", each(2, "k", n_in));
    code += &format!("      const T own = in0(position * {n_in} + k);\n");
    code += &matrices.accumulate(3, &format!("k * {n_out} + j"));
    code += "    }\n";
    code += &matrices.end(&format!("position * {n_out} + j"));
    Some(matrices.body(code))
}

pub(super) fn conv(number: Number, conv: &Conv, sliding: &Sliding, x: ExactRange) -> Option<Body> {
    let x = (x.0.union(Range::ZERO), x.1);
    let matrices = Matrices::new(number, &conv.groups, x)?;
    let (groups, n_out) = (conv.groups.len(), matrices.n_out);
    let channels = sliding.channels / groups;
    let n_in = conv.group_shape()?.n_in;
    let mut code = position_loops(sliding);
    code += &format!("{}{{\n", each(3, "group", groups));
    code += &matrices.begin(&format!("group * {n_out} + j"));
    code += &cell_loops(sliding, "continue");
    code += &format!("{}{{\n", each(5, "channel", channels));
    let image = sliding.channels;
    code += &format!(
        "            const T own = in0((row * {} + column) * {image} + group * {channels} + channel);\n",
        sliding.columns.input
    );
    code += &format!(
        "            const int k = ((row_cell * {} + column_cell) * {channels}) + channel;\n",
        sliding.columns.window.kernel
    );
    code += &matrices.accumulate(6, &format!("(group * {n_in} + k) * {n_out} + j"));
    code += "          }\n        }\n      }\n";
    let position = format!("(row_position * {} + column_position)", sliding.columns.output);
    let filters = n_out * groups;
    code += &matrices.end(&format!("{position} * {filters} + group * {n_out} + j"));
    code += "    }\n  }\n";
    Some(matrices.body(code))
}

/// The loops over the positions of a window, and what comes before them.
pub(super) fn position_loops(sliding: &Sliding) -> String {
    format!(
        "{}{{\n{}{{\n",
        each(1, "row_position", sliding.rows.output),
        each(2, "column_position", sliding.columns.output)
    )
}

/// The loops over the cells of a window, `otherwise` where one is beyond the image.
pub(super) fn cell_loops(sliding: &Sliding, otherwise: &str) -> String {
    let axis = |(name, indent): (&str, usize), is_row: bool| {
        let axis = if is_row { sliding.rows } else { sliding.columns };
        let window = axis.window;
        let pad = "  ".repeat(indent + 1);
        let mut text = format!("{}{{\n", each(indent, &format!("{name}_cell"), window.kernel));
        text += &format!(
            "{pad}const int {name} = {name}_position * {} + {name}_cell * {} - {};\n",
            window.stride, window.dilation, axis.pad_before
        );
        if axis.pad_before + axis.pad_after > 0 {
            text += &format!("{pad}if ({name} < 0 || {name} >= {}) {otherwise};\n", axis.input);
        }
        text
    };
    axis(("row", 3), true) + &axis(("column", 4), false)
}

impl Matrices {
    /// Kernels for inputs that are all in one range.
    fn new(number: Number, kernels: &[Kernel], x: ExactRange) -> Option<Self> {
        let steps = KernelSteps::new(kernels, x, i32::MIN)?;
        let n_out = kernels.first()?.shape()?.n_out;
        let result = |range: Range| (range, steps.sum_grid);
        let Some(accum) = kernels.first()?.accum else {
            let whole = steps.whole.filter(|whole| number.holds(*whole))?;
            let weights = steps.weights_of_sums()?;
            let weights = weights.into_iter().map(|weight| number.low_bits(weight)).collect();
            let sum = Sum::Modular { round: None, wrap: None };
            let result = result(whole);
            return Some(Self { weights, start: steps.start, n_out, sum, result }.low(number));
        };
        let product = Cast::new(number, steps.product, accum)?;
        let Accumulation { never_leaves, result: all, sums } = steps.accumulated(accum)?;
        if !number.holds(sums) {
            return None;
        }
        let sum = if never_leaves || accum.overflow == Overflow::Wrap {
            let wrap = if never_leaves { None } else { Some(Cast::wrap(number, accum)?) };
            Sum::Modular { round: Some(product.without_ends()), wrap }
        } else {
            Sum::Stepwise { product, sum: Cast::new(number, (sums, steps.sum_grid), accum)? }
        };
        let result = result(all);
        let KernelSteps { weights, start, .. } = steps;
        let fits =
            weights.iter().chain(&start).all(|weight| number.holds(Range::constant(*weight)));
        fits.then_some(Self { weights, start, n_out, sum, result }.folded(number))
    }

    /// The starts modulo the integers' width.
    fn low(self, number: Number) -> Self {
        let start = self.start.into_iter().map(|start| number.low_bits(start)).collect();
        Self { start, ..self }
    }

    /// Where rounding is only a shift to the left, the weights take it.
    fn folded(mut self, number: Number) -> Self {
        let Sum::Modular { round, .. } = &mut self.sum else { return self };
        if let Some(up) = round.as_ref().and_then(Cast::appended_bits) {
            for weight in &mut self.weights {
                *weight = number.low_bits(weight.wrapping_shl(up));
            }
            *round = None;
        }
        self
    }

    fn constants(&self) -> String {
        let mut text = integers("weights", &self.weights) + &integers("start", &self.start);
        match &self.sum {
            Sum::Modular { round, wrap } => {
                text += &round.map_or(String::new(), |cast| constant("product", &cast));
                text += &wrap.map_or(String::new(), |cast| constant("wrap", &cast));
            }
            Sum::Stepwise { product, sum } => {
                text += &constant("product", product);
                text += &constant("total", sum);
            }
        }
        text
    }

    fn begin(&self, start: &str) -> String {
        let n_out = self.n_out;
        format!(
            "    T sums[{n_out}];\n{}sums[j] = static_cast<T>(start[{start}]);\n",
            each(2, "j", n_out)
        )
    }

    /// Adds the products of `own` with the weights `at`.
    fn accumulate(&self, indent: usize, at: &str) -> String {
        let product = format!("multiply(own, static_cast<T>(weights[{at}]))");
        let sum = match &self.sum {
            Sum::Modular { round: None, .. } => format!("add(sums[j], {product})"),
            Sum::Modular { .. } => format!("add(sums[j], cast(product, {product}))"),
            Sum::Stepwise { .. } => format!("cast(total, add(sums[j], cast(product, {product})))"),
        };
        format!("{}sums[j] = {sum};\n", each(indent, "j", self.n_out))
    }

    /// Gives the sums away, and closes the loop.
    fn end(&self, element: &str) -> String {
        let sum = match &self.sum {
            Sum::Modular { wrap: Some(_), .. } => "cast(wrap, sums[j])",
            _ => "sums[j]",
        };
        format!("{}put({element}, {sum});\n  }}\n", each(2, "j", self.n_out))
    }

    fn body(self, code: String) -> Body {
        Body { constants: self.constants(), code, result: Exact::Uniform(self.result) }
    }
}
