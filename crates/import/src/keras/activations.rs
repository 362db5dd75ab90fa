//! Activations: Keras' words, and QKeras' quantisers in their place.

use serde_json::Value;

use super::quantizers::Function;
use crate::builder::{Builder, Curve, Signal};
use crate::error::{Lowered, refuse};

/// What functions mean in a model.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// Whether it is of Keras 3, some of whose functions differ.
    pub is_version_3: bool,
    /// Whether the inputs of functions have few enough values for a table that has them all.
    pub is_granular: bool,
}

impl Dialect {
    /// The slope of `hard_sigmoid`.
    fn slope(self) -> f64 {
        if self.is_version_3 { 1.0 / 6.0 } else { 0.2 }
    }
}

/// An activation on a signal.
pub fn lower(
    builder: &mut Builder,
    x: &Signal,
    value: &Value,
    dialect: Dialect,
) -> Lowered<Signal> {
    let function = Function::read(value)?;
    if let Some(lowered) = function.lower(builder, x) {
        return lowered;
    }
    if let Some(curve) = curve(&function, dialect) {
        let is_granular = dialect.is_granular;
        return if is_granular { builder.whole_curve(x, curve) } else { builder.curve(x, curve) };
    }
    match function.name.as_str() {
        "linear" => Ok(x.clone()),
        "relu" => builder.relu(x, None),
        "relu6" => builder.relu(x, Some(6.0)),
        "leaky_relu" => builder.leaky_relu(x, function.number("negative_slope", 0.2)),
        "hard_tanh" => builder.clip(x, Some(-1.0), Some(1.0)),
        "hard_sigmoid" => builder.hard_sigmoid(x, dialect.slope(), 0.5),
        "hard_silu" | "hard_swish" => builder.hard_swish(x),
        "softmax" => builder.softmax(x),
        other => refuse(format!("the activation `{other}` is not imported")),
    }
}

/// A function that is no straight line, or that needs a table to be exact.
fn curve(function: &Function, dialect: Dialect) -> Option<Curve> {
    let curve = match function.name.as_str() {
        "sigmoid" => Curve::Sigmoid,
        "tanh" => Curve::Tanh,
        "softplus" => Curve::Softplus,
        "softsign" => Curve::Softsign,
        "elu" => Curve::Elu(function.number("alpha", 1.0)),
        "selu" => Curve::Selu,
        "exponential" => Curve::Exp,
        "gelu" => {
            Curve::Other(|x| 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)))
        }
        "silu" | "swish" => Curve::Other(|x| x / (1.0 + libm::exp(-x))),
        "mish" => Curve::MISH,
        "hard_sigmoid" if dialect.is_granular && dialect.is_version_3 => {
            Curve::Other(|x| ((x + 3.0) / 6.0).clamp(0.0, 1.0))
        }
        "hard_sigmoid" if dialect.is_granular => Curve::Other(|x| (0.2 * x + 0.5).clamp(0.0, 1.0)),
        _ => return None,
    };
    Some(curve)
}
