//! Activations, functions by a table, softmax and argmax: straight from their definitions. Tables
//! are `ir`'s; which entry a value reads is theirs to say as well.

use rtl4ml_ir::layers::{FunctionTables, Line, SoftmaxEntries, Table, difference_type};
use rtl4ml_ir::{
    Clamp, FixedType, Function, LeakyRelu, Op, Softmax, SoftmaxImplementation, SoftmaxTables,
    TensorType, Value,
};

use super::arithmetic::{cast, negative, product, sum};

/// The number 1.
const ONE: Value = Value { mantissa: 1, fraction_bits: 0 };

/// The tables of a layer.
pub(super) enum Tables {
    /// It has none.
    None,
    /// Those of a function.
    Function(FunctionTables),
    /// Those of a softmax.
    Softmax(SoftmaxEntries),
}

impl Tables {
    /// The tables of a verified layer on an input of this type.
    pub fn of(op: &Op, tensor: &TensorType) -> Self {
        match op {
            Op::Function(function) => {
                Self::Function(function.tables(tensor).expect("a verified layer has tables"))
            }
            Op::Softmax(softmax) => {
                let entries = softmax.entries(tensor).expect("a verified layer has tables");
                entries.map_or(Self::None, Self::Softmax)
            }
            _ => Self::None,
        }
    }
}

/// The values of a layer on `values`, whose type is `tensor`, before the cast to the result.
///
/// # Panics
/// When the layer is none of those of this module.
pub(super) fn exact(op: &Op, tables: &Tables, values: &[Value], tensor: &TensorType) -> Vec<Value> {
    match op {
        Op::LeakyRelu(leaky) => leaky_relu(leaky, values, tensor),
        Op::Clamp(clamp) => values.iter().map(|x| clamped(clamp, *x)).collect(),
        Op::Step(step) => {
            let step = |x: &Value| Value { mantissa: step.kind.of(*x), fraction_bits: 0 };
            values.iter().map(step).collect()
        }
        Op::Function(function) => match tables {
            Tables::Function(tables) => by_table(function, tables, values),
            Tables::None | Tables::Softmax(_) => unreachable!("a function has its tables"),
        },
        Op::Softmax(softmax) => softmaxes(softmax, tables, values, tensor),
        Op::Argmax(_) => {
            let index = |slice: &[Value]| Value { mantissa: argmax(slice) as i128, ..ONE };
            slices(values, tensor).map(index).collect()
        }
        _ => unreachable!("another module's layer"),
    }
}

/// The parts of a tensor among which the last axis chooses.
fn slices<'v>(values: &'v [Value], tensor: &TensorType) -> std::slice::Chunks<'v, Value> {
    values.chunks(tensor.shape.last_extent())
}

fn difference(a: Value, b: Value) -> Value {
    sum(a, negative(b))
}

/// Whether a < b.
fn less(a: Value, b: Value) -> bool {
    difference(a, b).mantissa < 0
}

fn leaky_relu(leaky: &LeakyRelu, values: &[Value], tensor: &TensorType) -> Vec<Value> {
    let indices = leaky.alpha_indices(&tensor.shape).expect("the slopes of a verified layer fit");
    let value = |(x, alpha): (&Value, usize)| {
        if x.mantissa > 0 { *x } else { product(leaky.alpha.get(alpha), *x) }
    };
    values.iter().zip(indices).map(value).collect()
}

fn clamped(clamp: &Clamp, x: Value) -> Value {
    let Line { slope, shift, low, high } = clamp.kind.line();
    let line = sum(product(slope, x), shift);
    if less(line, low) {
        low
    } else if less(high, line) {
        high
    } else {
        line
    }
}

fn by_table(function: &Function, tables: &FunctionTables, values: &[Value]) -> Vec<Value> {
    let value = |(index, x): (usize, &Value)| match tables.of(index) {
        _ if function.curve.is_line_from_zero() && x.mantissa >= 0 => {
            product(tables.slope_from_zero(), *x)
        }
        Some(table) => product(function.entry_factor(), table.lookup(*x)),
        None => unreachable!("a value that needs a table has one"),
    };
    values.iter().enumerate().map(value).collect()
}

/// The index of the first maximum.
fn argmax(slice: &[Value]) -> usize {
    let mut best = 0;
    for (index, x) in slice.iter().enumerate() {
        if less(slice[best], *x) {
            best = index;
        }
    }
    best
}

fn softmaxes(
    softmax: &Softmax,
    tables: &Tables,
    values: &[Value],
    tensor: &TensorType,
) -> Vec<Value> {
    let entries = if let Tables::Softmax(entries) = tables { Some(entries) } else { None };
    let slice = |slice: &[Value]| match (softmax.implementation, entries) {
        (SoftmaxImplementation::Exact { .. }, Some(entries)) => {
            never_changes_the_winner(entries, softmax.exact_result_type(), slice)
        }
        (SoftmaxImplementation::Stable(tables), Some(entries)) => {
            let format = tensor.common_format().expect("a verified softmax has one format");
            let ty = difference_type(format);
            let top = slice[argmax(slice)];
            let differences = slice.iter().map(|x| cast(difference(top, *x), ty));
            quotients(tables, entries, &differences.collect::<Vec<_>>())
        }
        (SoftmaxImplementation::Latency(tables), Some(entries)) => {
            quotients(tables, entries, slice)
        }
        (SoftmaxImplementation::Legacy { table, .. }, Some(entries)) => {
            (0..slice.len()).map(|i| legacy(table, entries, slice, i)).collect()
        }
        (_, None) | (SoftmaxImplementation::Argmax, _) => {
            let winner = argmax(slice);
            (0..slice.len()).map(|i| if i == winner { ONE } else { Value::ZERO }).collect()
        }
    };
    slices(values, tensor).flat_map(slice).collect()
}

/// Our own softmax, each value in the result's type already.
fn never_changes_the_winner(
    entries: &SoftmaxEntries,
    result: FixedType,
    slice: &[Value],
) -> Vec<Value> {
    let top = slice[argmax(slice)];
    let exponentials: Vec<Value> =
        slice.iter().map(|x| entries.exp.lookup(difference(top, *x))).collect();
    let sum = exponentials.iter().copied().fold(Value::ZERO, sum);
    let reciprocal = entries.reciprocal.lookup(sum);
    let winner = cast(reciprocal, result);
    let value = |(x, exponential): (&Value, &Value)| {
        if difference(top, *x).mantissa == 0 {
            return winner;
        }
        let own = cast(product(*exponential, reciprocal), result);
        Value { mantissa: own.mantissa.min((winner.mantissa - 1).max(0)), ..own }
    };
    slice.iter().zip(&exponentials).map(value).collect()
}

/// hls4ml's `stable` and `latency`, from the arguments of the exponentials on.
fn quotients(tables: SoftmaxTables, entries: &SoftmaxEntries, arguments: &[Value]) -> Vec<Value> {
    let exponential = |x: &Value| cast(entries.exp.lookup(*x), tables.accum);
    let exponentials: Vec<Value> = arguments.iter().map(exponential).collect();
    let sum = cast(tree_sum(&exponentials, tables.accum), tables.inv_inp);
    let reciprocal = entries.reciprocal.lookup(sum);
    exponentials.into_iter().map(|exponential| product(exponential, reciprocal)).collect()
}

/// The sum by halves, each sum cast; the first part has as many terms as the largest power of two
/// that is less than their number.
fn tree_sum(terms: &[Value], accum: FixedType) -> Value {
    if let [term] = terms {
        return *term;
    }
    let mut first = 1;
    while first * 2 < terms.len() {
        first *= 2;
    }
    let (left, right) = terms.split_at(first);
    cast(sum(tree_sum(left, accum), tree_sum(right, accum)), accum)
}

/// hls4ml's `legacy`: the reciprocal of the sum of exp(x\[j\] - x\[i\]) over j.
fn legacy(ty: FixedType, entries: &SoftmaxEntries, slice: &[Value], i: usize) -> Value {
    let exp: &Table = &entries.exp;
    let mut total = Value::ZERO;
    for (j, x) in slice.iter().enumerate() {
        let term = if i == j { ONE } else { exp.lookup(difference(*x, slice[i])) };
        total = cast(sum(total, term), ty);
    }
    entries.reciprocal.lookup(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtl4ml_ir::{Format, ResultType, Shape};

    use crate::vectors::Random;

    /// A softmax of ours on inputs of a format.
    struct Ours {
        op: Op,
        tables: Tables,
        input: TensorType,
        result: FixedType,
        bound: f64,
    }

    fn ours(classes: usize, format: Format, bits: (u32, u32), result: &str) -> Ours {
        let ty: FixedType = result.parse().unwrap();
        let (exp_bits, reciprocal_bits) = bits;
        let implementation =
            SoftmaxImplementation::Exact { exp_bits, reciprocal_bits, max_table_size: 4096 };
        let softmax = Softmax { implementation, result: ResultType::from(ty) };
        let shape = Shape::new([classes]).unwrap();
        let input = TensorType::uniform(shape, format, vec![format.range(); classes]);
        let bound = softmax.error_bound(&input).unwrap().unwrap();
        let op = Op::from(softmax);
        let tables = Tables::of(&op, &input);
        Ours { op, tables, input, result: ty, bound }
    }

    impl Ours {
        /// Checks the promises for one input; gives the largest error.
        fn check(&self, mantissas: &[i128]) -> f64 {
            let fraction_bits = self.input.format(0).fraction_bits();
            let x: Vec<Value> =
                mantissas.iter().map(|m| Value { mantissa: *m, fraction_bits }).collect();
            let y: Vec<i128> = exact(&self.op, &self.tables, &x, &self.input)
                .into_iter()
                .map(|y| self.result.cast(y))
                .collect();
            let top = x.iter().map(|x| x.to_f64()).fold(f64::MIN, f64::max);
            let winner = y[mantissas.iter().enumerate().max_by_key(|(_, m)| **m).unwrap().0];
            let sum: f64 = x.iter().map(|x| (x.to_f64() - top).exp()).sum();
            let mut worst = 0.0f64;
            for (x, y) in x.iter().zip(&y) {
                if x.to_f64() < top {
                    assert!(*y < winner || winner == 0, "{mantissas:?} gives {y:?}, {winner}");
                } else {
                    assert_eq!(*y, winner, "{mantissas:?}");
                }
                let softmax = (x.to_f64() - top).exp() / sum;
                worst = worst.max((self.result.format.to_f64(*y) - softmax).abs());
            }
            assert!(worst <= self.bound, "{mantissas:?}: {worst} > {}", self.bound);
            worst
        }
    }

    #[test]
    fn every_small_input_keeps_its_winner_and_the_bound() {
        for result in ["ufixed<8,0,RND,SAT>", "fixed<8,1>", "ufixed<3,1,TRN_ZERO>", "fixed<10,2>"] {
            let ours = ours(3, Format::signed(5, 3), (10, 8), result);
            for code in 0..32i128.pow(3) {
                let mantissa = |axis: u32| code / 32i128.pow(axis) % 32 - 16;
                ours.check(&[mantissa(0), mantissa(1), mantissa(2)]);
            }
        }
    }

    /// Wide logits, where types that are too narrow make every class equal.
    #[test]
    fn random_wide_inputs_keep_their_winner_and_the_bound() {
        let mut random = Random::new(5);
        for (format, bits) in [
            (Format::signed(38, 18), (14, 12)),
            (Format::signed(16, 6), (14, 12)),
            (Format::unsigned(20, 3), (12, 10)),
            (Format::signed(12, 2), (9, 6)),
        ] {
            let ours = ours(5, format, bits, "ufixed<11,1,RND,SAT>");
            let range = format.range();
            let mut any = || range.lo + i128::from(random.below((range.hi - range.lo) as u64 + 1));
            for _ in 0..2000 {
                // Near the first, equal to it, and anywhere.
                let (first, second, last) = (any(), any(), any());
                let near = |distance: i128| (first + distance).clamp(range.lo, range.hi);
                ours.check(&[first, near(second % 3000), near(last % 50), first, last]);
            }
        }
    }

    /// The default parameters for a result of 10 bits err by few of its steps.
    #[test]
    fn the_default_parameters_are_as_fine_as_the_result() {
        let ours = ours(5, Format::signed(16, 6), (14, 12), "ufixed<11,1,RND,SAT>");
        let steps = ours.bound * 1024.0;
        assert!(steps < 4.0, "{steps} steps");
    }
}
