//! The sums of a kernel, and of the layers that apply one.

use rtl4ml_ir::{Dense, Kernel, Value};

/// The sum of output feature `j`, before the cast to the result.
pub(super) fn sum(kernel: &Kernel, inputs: &[Value], j: usize) -> Value {
    let products = inputs.iter().enumerate().map(|(k, x)| {
        let weight = kernel.weight_at(k, j);
        Value {
            mantissa: x.mantissa * weight.mantissa,
            fraction_bits: x.fraction_bits + weight.fraction_bits,
        }
    });
    let bias = kernel.bias_at(j);
    match kernel.accum {
        Some(accum) => {
            let value = |mantissa| Value { mantissa, fraction_bits: accum.fraction_bits() };
            let start = value(accum.cast(bias));
            // Each product is cast, then each sum, inputs in ascending order.
            products.fold(start, |sum, product| {
                value(accum.cast(value(sum.mantissa + accum.cast(product))))
            })
        }
        None => products.fold(bias, exact_sum),
    }
}

/// The sum of each output at each position.
pub(super) fn dense_sums(dense: &Dense, inputs: &[Value]) -> Vec<Value> {
    let [n_in, n_out] = dense.kernel.weight.extents[..] else {
        unreachable!("a verified dense layer's weight has two axes")
    };
    let sums = |position| (0..n_out).map(move |j| sum(&dense.kernel, position, j));
    inputs.chunks(n_in).flat_map(sums).collect()
}

/// The sum of two numbers on the finer of their grids.
pub(super) fn exact_sum(a: Value, b: Value) -> Value {
    let is_zero = |value: Value| value.mantissa == 0;
    if is_zero(a) {
        return b;
    }
    if is_zero(b) {
        return a;
    }
    let fraction_bits = a.fraction_bits.max(b.fraction_bits);
    let mantissa = a.mantissa_at(fraction_bits) + b.mantissa_at(fraction_bits);
    Value { mantissa, fraction_bits }
}
