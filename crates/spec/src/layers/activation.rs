//! Activations without a table: `leaky_relu`, `prelu`, `hard_sigmoid`, `hard_tanh`, `binary_tanh`
//! and `ternary_tanh`.

use rtl4ml_ir::{Clamp, ClampKind, LeakyRelu, Step, StepKind};

use super::{LayerSpec, LayerType, Lowered};
use crate::reader::{self, Read};
use crate::weights::Array;

pub(super) const LEAKY_RELU: LayerType =
    LayerType { name: "leaky_relu", keys: &["alpha", "precision"], read: leaky_relu };

pub(super) const PRELU: LayerType =
    LayerType { name: "prelu", keys: &["alpha", "precision"], read: prelu };

pub(super) const HARD_SIGMOID: LayerType = LayerType {
    name: "hard_sigmoid",
    keys: &["precision"],
    read: |layer| clamp(layer, ClampKind::HardSigmoid),
};

pub(super) const HARD_TANH: LayerType = LayerType {
    name: "hard_tanh",
    keys: &["precision"],
    read: |layer| clamp(layer, ClampKind::HardTanh),
};

pub(super) const BINARY_TANH: LayerType = LayerType {
    name: "binary_tanh",
    keys: &["precision"],
    read: |layer| step(layer, StepKind::BinaryTanh),
};

pub(super) const TERNARY_TANH: LayerType = LayerType {
    name: "ternary_tanh",
    keys: &["precision"],
    read: |layer| step(layer, StepKind::TernaryTanh),
};

fn clamp(layer: &mut LayerSpec, kind: ClampKind) -> Read<Lowered> {
    let result = layer.result_type()?;
    Ok(Lowered::plain(Clamp { kind, result }))
}

fn step(layer: &mut LayerSpec, kind: StepKind) -> Read<Lowered> {
    let result = layer.result_type()?;
    Ok(Lowered::plain(Step { kind, result }))
}

/// One slope, a number.
fn leaky_relu(layer: &mut LayerSpec) -> Read<Lowered> {
    let alpha = match layer.setting("alpha", reader::number) {
        Ok(None) => Err(layer.missing("alpha", "alpha: 0.3")),
        Ok(Some(number)) => Ok(Array { extents: Vec::new(), numbers: vec![number] }),
        Err(reported) => Err(reported),
    };
    slopes(layer, alpha)
}

/// A slope for each element, or for each index of some of the axes.
fn prelu(layer: &mut LayerSpec) -> Read<Lowered> {
    let alpha = match layer.array("alpha") {
        Ok(None) => Err(layer.missing("alpha", "alpha: weights.npz:prelu.alpha")),
        Ok(Some(array)) => Ok(array),
        Err(reported) => Err(reported),
    };
    slopes(layer, alpha)
}

fn slopes(layer: &mut LayerSpec, alpha: Read<Array>) -> Read<Lowered> {
    let types = layer.precision(&["alpha", "result"]);
    let ty = layer.own_type("alpha");
    let ty = if let Ok(None) = ty { types.weight } else { ty };
    let alpha = alpha.and_then(|array| layer.constant("alpha", array, ty));
    let result = types.result?.unwrap_or_default();
    Ok(Lowered::plain(LeakyRelu { alpha: alpha?, result }))
}
