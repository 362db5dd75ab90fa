//! `relu`: max(0, x), with `max_value` also bounded from above.

use rtl4ml_ir::{Clamp, ClampKind, Relu, Value};

use super::{LayerSpec, LayerType, Lowered};
use crate::reader::{self, Read, Setting};

pub(super) const RELU: LayerType =
    LayerType { name: "relu", keys: &["max_value", "precision"], read };

/// A bound on a finer grid would make every value as fine.
const MAX_FRACTION_BITS: i32 = 24;

fn read(layer: &mut LayerSpec) -> Read<Lowered> {
    let max_value = max_value(layer);
    let result = layer.result_type()?;
    Ok(match max_value? {
        Some(high) => Lowered::plain(Clamp { kind: ClampKind::BoundedRelu(high), result }),
        None => Lowered::plain(Relu { result }),
    })
}

/// The upper bound, a positive number with few binary digits.
fn max_value(layer: &mut LayerSpec) -> Setting<Value> {
    let Some(number) = layer.setting("max_value", reader::number)? else {
        return Ok(None);
    };
    let node = layer.fields.get("max_value").unwrap_or(layer.fields.node);
    if number <= 0.0 {
        let message = format!("`max_value` must be above 0, found {number}");
        return Err(layer.mistakes.add(node.span, message));
    }
    let exact = reader::exact(number);
    if exact.fraction_bits <= MAX_FRACTION_BITS {
        return Ok(Some(exact));
    }
    let steps = 2f64.powi(MAX_FRACTION_BITS);
    let near = (number * steps).round().max(1.0) / steps;
    Err(layer.mistakes.add_with_help(
        node.span,
        format!("`max_value` must be a multiple of 2^-{MAX_FRACTION_BITS}, found {number}"),
        format!("the nearest legal value is {near}"),
    ))
}
