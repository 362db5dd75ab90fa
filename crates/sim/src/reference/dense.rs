//! The sums of a dense layer.

use rtl4ml_ir::{Dense, Value};

/// The sum of each output at each position, before the cast to the result.
pub(super) fn sums(dense: &Dense, inputs: &[Value]) -> Vec<Value> {
    let [n_in, n_out] = dense.weight.extents[..] else {
        unreachable!("a verified dense layer's weight has two axes")
    };
    let mut sums = Vec::new();
    for position in inputs.chunks(n_in) {
        for j in 0..n_out {
            let products = position.iter().enumerate().map(|(k, x)| {
                let weight = dense.weight_at(k, j);
                Value {
                    mantissa: x.mantissa * weight.mantissa,
                    fraction_bits: x.fraction_bits + weight.fraction_bits,
                }
            });
            let bias = dense.bias_at(j);
            sums.push(match dense.accum {
                Some(accum) => {
                    let value = |mantissa| Value { mantissa, fraction_bits: accum.fraction_bits() };
                    let start = value(accum.cast(bias));
                    // Each product is cast, then each sum, inputs in ascending order.
                    products.fold(start, |sum, product| {
                        value(accum.cast(value(sum.mantissa + accum.cast(product))))
                    })
                }
                None => products.fold(bias, exact_sum),
            });
        }
    }
    sums
}

/// The sum of two numbers on the finer of their grids.
fn exact_sum(a: Value, b: Value) -> Value {
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
