//! Activations: Keras' words, and QKeras' quantisers in their place.

use serde_json::Value;

use super::quantizers::Function;
use crate::builder::{Builder, Curve, Signal};
use crate::error::{Lowered, refuse};

/// An activation on a signal.
pub fn lower(
    builder: &mut Builder,
    x: &Signal,
    value: &Value,
    is_version_3: bool,
) -> Lowered<Signal> {
    let function = Function::read(value)?;
    if let Some(lowered) = function.lower(builder, x) {
        return lowered;
    }
    match function.name.as_str() {
        "linear" => Ok(x.clone()),
        "relu" => builder.relu(x, None),
        "relu6" => builder.relu(x, Some(6.0)),
        "leaky_relu" => builder.leaky_relu(x, function.number("negative_slope", 0.2)),
        "sigmoid" => builder.curve(x, Curve::Sigmoid),
        "tanh" => builder.curve(x, Curve::Tanh),
        "softplus" => builder.curve(x, Curve::Softplus),
        "softsign" => builder.curve(x, Curve::Softsign),
        "elu" => builder.curve(x, Curve::Elu(function.number("alpha", 1.0))),
        "selu" => builder.curve(x, Curve::Selu),
        "exponential" => builder.curve(x, Curve::Exp),
        "gelu" => builder.curve(
            x,
            Curve::Other(|x| 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2))),
        ),
        "silu" | "swish" => builder.curve(x, Curve::Other(|x| x / (1.0 + libm::exp(-x)))),
        "hard_tanh" => builder.clip(x, Some(-1.0), Some(1.0)),
        "hard_sigmoid" => {
            // Keras 3 has another slope than Keras 2.
            let slope = if is_version_3 { 1.0 / 6.0 } else { 0.2 };
            builder.hard_sigmoid(x, slope, 0.5)
        }
        "softmax" => builder.softmax(x),
        other => refuse(format!("the activation `{other}` is not imported")),
    }
}
