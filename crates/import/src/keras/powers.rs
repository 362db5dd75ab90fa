//! QKeras' `quantized_po2`: weights that are powers of two with a sign.

use super::quantizers::Function;
use crate::error::{Lowered, refuse};
use crate::tensor::Tensor;
use crate::types::exp2;

/// What is nearer to 0 than this counts as 0, which becomes the least power.
const EPSILON: f64 = 1e-7;

/// The numbers that the quantiser makes of weights: the exponent is that nearest to log2 |w|, or
/// the one below, of those that `bits` - 1 bits hold, one of them the exponent's sign unless
/// `max_value` is at most 1.
pub fn apply(function: &Function, x: &Tensor) -> Lowered<Tensor> {
    let bits = function.number("bits", 8.0);
    let max_value = function.parameter("max_value");
    let has_exponent_sign = max_value.is_none_or(|most| most > 1.0);
    let exponent_bits = bits - 1.0 - f64::from(u8::from(has_exponent_sign));
    let is_legal = exponent_bits.fract() == 0.0 && (0.0..=6.0).contains(&exponent_bits);
    if !is_legal || function.number("quadratic_approximation", 0.0) != 0.0 {
        return refuse(format!(
            "quantized_po2 of {bits} bits, or with a quadratic_approximation, is not imported"
        ));
    }
    let round: fn(f64) -> f64 = match function.word("log2_rounding") {
        None | Some("rnd") => f64::round_ties_even,
        Some("floor") => f64::floor,
        Some(other) => return refuse(format!("a log2_rounding `{other}` is not imported")),
    };
    let count = 1 << exponent_bits as i32;
    let power = |w: f64| {
        let magnitude = w.abs().min(max_value.unwrap_or(f64::MAX));
        let exponent = if w.abs() < EPSILON {
            -count
        } else {
            (round(libm::log2(magnitude)) as i32).clamp(-count, count - 1)
        };
        if w < 0.0 { -exp2(exponent) } else { exp2(exponent) }
    };
    Ok(x.map(power))
}
