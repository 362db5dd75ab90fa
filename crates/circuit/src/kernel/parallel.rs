//! The fully parallel kernel: a multiplier for each product.

use rtl4ml_ir::{MultiplierStyle, Range};

use super::{Kernel, material};
use crate::dataflow::sum::start_value;
use crate::dataflow::{Dataflow, Term, TooWide};

/// Adds the sums of a kernel to a dataflow: one term for each output, before the result's cast.
/// `prefix` starts the names of the sums.
///
/// # Errors
/// When an intermediate needs more than 64 bits.
pub fn sums(
    dataflow: &mut Dataflow,
    kernel: &Kernel,
    inputs: &[Term],
    style: MultiplierStyle,
    prefix: &str,
) -> Result<Vec<Term>, TooWide> {
    (0..kernel.shape.n_out)
        .map(|j| {
            let products = inputs
                .iter()
                .enumerate()
                .map(|(k, input)| {
                    let weight = kernel.weight(k, j);
                    let odd = Range::constant(odd_part(weight.mantissa));
                    let material = material(style, dataflow.range(input.node), odd);
                    dataflow.multiply_constant(*input, weight, material)
                })
                .collect::<Result<Vec<Term>, TooWide>>()?;
            let start = dataflow.constant_term(start_value(kernel.accumulator, kernel.bias[j]));
            dataflow.accumulate(kernel.accumulator, start, products, &format!("{prefix}{j}"))
        })
        .collect()
}

/// The positive odd factor of an integer: what is left to multiply by after shift and negation.
fn odd_part(mantissa: i128) -> i128 {
    if mantissa == 0 { 0 } else { (mantissa >> mantissa.trailing_zeros()).abs() }
}
