//! Softmax and argmax over the last axis.

use rtl4ml_ir::exact::{times, up};
use rtl4ml_ir::layers::{ExactRange, SoftmaxEntries, difference_type};
use rtl4ml_ir::{FixedType, Range, Softmax, SoftmaxImplementation, SoftmaxTables, TensorType};

use super::tables::{Lookup, ONE};
use super::{Body, Exact, each};
use crate::cast::{Cast, constant};
use crate::number::{Number, literal};

/// The loops over slices; their end is `END`.
fn begin(tensor: &TensorType) -> (usize, String) {
    let classes = tensor.shape.extents().last().copied().unwrap_or(1);
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
    let entries = softmax.entries(tensor).ok()?;
    let spread = Range::new(x.0.lo - x.0.hi, x.0.hi - x.0.lo);
    let (classes, code) = begin(tensor);
    let body = match (softmax.implementation, &entries) {
        (SoftmaxImplementation::Exact { .. }, Some(entries)) => {
            exact(number, entries, softmax.exact_result_type(), x, (classes, code))
        }
        (SoftmaxImplementation::Stable(tables), Some(entries)) => {
            let ty = difference_type(tensor.common_format()?);
            quotients(number, tables, entries, x, Some(ty), (classes, code))
        }
        (SoftmaxImplementation::Latency(tables), Some(entries)) => {
            quotients(number, tables, entries, x, None, (classes, code))
        }
        (SoftmaxImplementation::Legacy { table, .. }, Some(entries)) => {
            legacy(number, entries, table, x, (classes, code))
        }
        (_, None) | (SoftmaxImplementation::Argmax, _) => {
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
    entries: &SoftmaxEntries,
    ty: FixedType,
    (range, grid): ExactRange,
    (classes, mut code): (usize, String),
) -> Option<Body> {
    let exp = Lookup::new(number, &entries.exp, (Range::new(0, range.hi - range.lo), grid), ONE)?;
    let (exponential, exp_grid) = exp.result;
    let sum = times(exponential.union(Range::ZERO), classes as i128)?;
    let reciprocal = Lookup::new(number, &entries.reciprocal, (sum, exp_grid), ONE)?;
    let (reciprocals, reciprocal_grid) = reciprocal.result;
    let product = (exponential.times(reciprocals)?, exp_grid + reciprocal_grid);
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
    tables: SoftmaxTables,
    entries: &SoftmaxEntries,
    (range, grid): ExactRange,
    difference: Option<FixedType>,
    (classes, mut code): (usize, String),
) -> Option<Body> {
    let mut constants = String::new();
    let (argument, own) = match difference {
        None => ((range, grid), "in0(first + i)".to_owned()),
        Some(ty) => {
            code += &top(classes);
            let spread = Range::new(0, range.hi - range.lo);
            constants += &constant("difference", &Cast::new(number, (spread, grid), ty)?);
            let argument = (spread.cast(grid, ty), ty.fraction_bits());
            (argument, "cast(difference, subtract(top, in0(first + i)))".to_owned())
        }
    };
    let (accum, read) = (tables.accum, tables.inv_inp);
    let exp = Lookup::new(number, &entries.exp, argument, ONE)?;
    let exponentials = exp.result.0.cast(exp.result.1, accum);
    let all = accum.format.range();
    let sums = all.plus(all)?;
    let grid = accum.fraction_bits();
    let arguments = (read.format.range(), read.fraction_bits());
    let reciprocal = Lookup::new(number, &entries.reciprocal, arguments, ONE)?;
    let products = exponentials.times(reciprocal.result.0)?;
    constants += &exp.constants("exponential");
    constants += &reciprocal.constants("reciprocal");
    constants += &constant("of_exponential", &Cast::new(number, exp.result, accum)?);
    constants += &constant("of_sum", &Cast::new(number, (sums, grid), accum)?);
    constants += &constant("of_argument", &Cast::new(number, (all, grid), read)?);
    code += &format!(
        "    T exponentials[{classes}];\n    T partial[{classes}];\n{}{{\n",
        each(2, "i", classes)
    );
    code += &format!(
        "      exponentials[i] = cast(of_exponential, {});\n      partial[i] = exponentials[i];\n    }}\n",
        Lookup::read("exponential", &own)
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
    let result = Exact::Uniform((products, grid + reciprocal.result.1));
    Body { constants, code, result }.checked(number, &[sums])
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
    entries: &SoftmaxEntries,
    ty: FixedType,
    (range, grid): ExactRange,
    (classes, mut code): (usize, String),
) -> Option<Body> {
    let spread = range.hi - range.lo;
    let exp = Lookup::new(number, &entries.exp, (Range::new(-spread, spread), grid), ONE)?;
    // Entries, the number 1 and the sum meet on the finest of their grids.
    let (terms, entry_grid) = exp.result;
    let fine = ty.fraction_bits().max(entry_grid).max(0);
    let (entry_up, sum_up) = (fine - entry_grid, fine - ty.fraction_bits());
    let one = 1i128.checked_shl(fine as u32).filter(|one| *one > 0)?;
    let terms = up(terms, entry_up)?.union(Range::new(0, one));
    let sums = terms.plus(up(ty.format.range(), sum_up)?)?;
    let all = (ty.format.range(), ty.fraction_bits());
    let reciprocal = Lookup::new(number, &entries.reciprocal, all, ONE)?;
    if entry_up.max(sum_up) as u32 >= number.bits() || !number.holds(terms) {
        return None;
    }
    let constants = exp.constants("exponential")
        + &reciprocal.constants("reciprocal")
        + &constant("of_sum", &Cast::new(number, (sums, fine), ty)?)
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
    Body { constants, code, result: Exact::Uniform(reciprocal.result) }.checked(number, &[sums])
}
