//! Softmax and argmax over the last axis.

use rtl4ml_ir::layers::{ExactRange, ExactSoftmax, LegacySoftmax, SoftmaxQuotients, SoftmaxSteps};
use rtl4ml_ir::{Range, Softmax, TensorType};

use super::tables::Lookup;
use super::{Body, Exact, each};
use crate::cast::{Cast, constant};
use crate::number::{Number, literal};

/// The loops over slices; their end is `END`.
fn begin(tensor: &TensorType) -> (usize, String) {
    let classes = tensor.shape.last_extent();
    let slices = tensor.element_count() / classes;
    let mut code = format!("{}{{\n", each(1, "slice", slices));
    code += &format!("    const int first = slice * {classes};\n");
    (classes, code)
}

/// The first maximum of a slice, as `winner`, and its number as `top`.
fn first_maximum(classes: usize) -> String {
    let mut code = "    int winner = 0;\n    T top = in0(first);\n".to_owned();
    if classes > 1 {
        code += &format!("    for (int i = 1; i < {classes}; ++i) {{\n");
        code += "      const T own = in0(first + i);\n";
        code += "      if (own > top) {\n        top = own;\n        winner = i;\n      }\n    }\n";
    }
    code
}

/// The largest number of a slice, as `top`.
fn top(classes: usize) -> String {
    let mut code = "    T top = in0(first);\n".to_owned();
    if classes > 1 {
        code += &format!(
            "    for (int i = 1; i < {classes}; ++i) top = maximum(top, in0(first + i));\n"
        );
    }
    code
}

pub(super) fn argmax(number: Number, tensor: &TensorType, x: ExactRange) -> Option<Body> {
    let (classes, mut code) = begin(tensor);
    code += &first_maximum(classes);
    code += "    static_cast<void>(top);\n    put(slice, winner);\n  }\n";
    let result = Exact::Uniform((Range::new(0, classes as i128 - 1), 0));
    Body { constants: String::new(), code, result }.checked(number, &[x.0])
}

pub(super) fn softmax(
    number: Number,
    softmax: &Softmax,
    tensor: &TensorType,
    x: ExactRange,
) -> Option<Body> {
    let spread = Range::new(x.0.lo - x.0.hi, x.0.hi - x.0.lo);
    let (classes, code) = begin(tensor);
    let body = match softmax.exact_steps(tensor, x)? {
        SoftmaxSteps::Exact(steps) => exact(number, steps, (classes, code)),
        SoftmaxSteps::Quotients(steps) => quotients(number, steps, (classes, code)),
        SoftmaxSteps::Legacy(steps) => legacy(number, steps, (classes, code)),
        SoftmaxSteps::Winner => {
            let code = code
                + &first_maximum(classes)
                + "    static_cast<void>(top);\n"
                + &format!("{}put(first + i, i == winner ? 1 : 0);\n  }}\n", each(2, "i", classes));
            let result = Exact::Uniform((Range::new(0, 1), 0));
            Some(Body { constants: String::new(), code, result })
        }
    };
    body?.checked(number, &[spread])
}

fn exact(
    number: Number,
    steps: ExactSoftmax,
    (classes, mut code): (usize, String),
) -> Option<Body> {
    let ExactSoftmax { exp, sum, reciprocal, product, ty } = steps;
    let (exp, reciprocal) = (Lookup::of(number, exp)?, Lookup::of(number, reciprocal)?);
    let constants = exp.constants("exponential")
        + &reciprocal.constants("reciprocal")
        + &constant("of_winner", &Cast::new(number, reciprocal.result, ty)?)
        + &constant("of_others", &Cast::new(number, product, ty)?);
    code += &top(classes);
    code +=
        &format!("    T exponentials[{classes}];\n    T sum = 0;\n{}{{\n", each(2, "i", classes));
    code += &format!(
        "      exponentials[i] = {};\n      sum = add(sum, exponentials[i]);\n    }}\n",
        Lookup::read("exponential", "subtract(top, in0(first + i))")
    );
    code += &format!("    const T inverse = {};\n", Lookup::read("reciprocal", "sum"));
    code += "    const T largest = cast(of_winner, inverse);\n";
    code += "    const T most = maximum(static_cast<T>(largest - 1), static_cast<T>(0));\n";
    code += &format!("{}{{\n", each(2, "i", classes));
    code +=
        "      const T own = minimum(cast(of_others, multiply(exponentials[i], inverse)), most);\n";
    code += "      put(first + i, in0(first + i) == top ? largest : own);\n    }\n  }\n";
    // A result that would be less than 0 is 0 for the winner alone.
    let result = Exact::Uniform((ty.format.range().union(Range::ZERO), ty.fraction_bits()));
    Body { constants, code, result }.checked(number, &[sum])
}

fn quotients(
    number: Number,
    steps: SoftmaxQuotients,
    (classes, mut code): (usize, String),
) -> Option<Body> {
    let SoftmaxQuotients { difference, exp, accum, sums, argument, reciprocal, result } = steps;
    let (exp, reciprocal) = (Lookup::of(number, exp)?, Lookup::of(number, reciprocal)?);
    let mut constants = String::new();
    let own = if let Some((difference, ty)) = difference {
        code += &top(classes);
        constants += &constant("difference", &Cast::new(number, difference, ty)?);
        "cast(difference, subtract(top, in0(first + i)))"
    } else {
        "in0(first + i)"
    };
    let all = (accum.format.range(), accum.fraction_bits());
    constants += &exp.constants("exponential");
    constants += &reciprocal.constants("reciprocal");
    constants += &constant("of_exponential", &Cast::new(number, exp.result, accum)?);
    constants += &constant("of_sum", &Cast::new(number, sums, accum)?);
    constants += &constant("of_argument", &Cast::new(number, all, argument)?);
    code += &format!(
        "    T exponentials[{classes}];\n    T partial[{classes}];\n{}{{\n",
        each(2, "i", classes)
    );
    code += &format!(
        "      exponentials[i] = cast(of_exponential, {});\n      partial[i] = exponentials[i];\n    }}\n",
        Lookup::read("exponential", own)
    );
    code += &tree_sum(classes);
    code += &format!(
        "    const T inverse = {};\n",
        Lookup::read("reciprocal", "cast(of_argument, partial[0])")
    );
    code += &format!(
        "{}put(first + i, multiply(exponentials[i], inverse));\n  }}\n",
        each(2, "i", classes)
    );
    Body { constants, code, result: Exact::Uniform(result) }.checked(number, &[sums.0])
}

/// The sum by halves, each sum cast; the first part has as many terms as the largest power of two
/// that is less than their number. From the leaves up, that is neighbours at twice the distance each
/// time: a part without a neighbour goes up as it is.
fn tree_sum(classes: usize) -> String {
    format!(
        "    for (int distance = 1; distance < {classes}; distance *= 2)\n      \
         for (int i = 0; i + distance < {classes}; i += 2 * distance)\n        \
         partial[i] = cast(of_sum, add(partial[i], partial[i + distance]));\n"
    )
}

fn legacy(
    number: Number,
    steps: LegacySoftmax,
    (classes, mut code): (usize, String),
) -> Option<Body> {
    let LegacySoftmax { exp, entry_up, sum_up, one, sums, ty, reciprocal } = steps;
    let (exp, reciprocal) = (Lookup::of(number, exp)?, Lookup::of(number, reciprocal)?);
    if entry_up.max(sum_up) >= number.bits() {
        return None;
    }
    let constants = exp.constants("exponential")
        + &reciprocal.constants("reciprocal")
        + &constant("of_sum", &Cast::new(number, sums, ty)?)
        + &format!("  constexpr T one = {};\n", literal(one));
    code += &format!("{}{{\n      T sum = 0;\n", each(2, "i", classes));
    code += &format!("{}{{\n", each(3, "j", classes));
    code += &format!(
        "        const T term = i == j ? one : shift_left({}, {entry_up});\n",
        Lookup::read("exponential", "subtract(in0(first + j), in0(first + i))")
    );
    code +=
        &format!("        sum = cast(of_sum, add(shift_left(sum, {sum_up}), term));\n      }}\n");
    code +=
        &format!("      put(first + i, {});\n    }}\n  }}\n", Lookup::read("reciprocal", "sum"));
    Body { constants, code, result: Exact::Uniform(reciprocal.result) }.checked(number, &[sums.0])
}
