//! Layers with several inputs: `add` and its kin, `concatenate`, `dot`.

use rtl4ml_ir::{Concatenate, Dot, Merge, MergeKind};

use super::{LayerSpec, LayerType, Lowered};
use crate::precision::TypeOrAuto;
use crate::reader::{self, Read};

const fn merge(kind: MergeKind, read: fn(&mut LayerSpec) -> Read<Lowered>) -> LayerType {
    LayerType { name: kind.word(), keys: &["precision"], read }
}

pub(super) const ADD: LayerType = merge(MergeKind::Add, |layer| read(layer, MergeKind::Add));
pub(super) const SUBTRACT: LayerType =
    merge(MergeKind::Subtract, |layer| read(layer, MergeKind::Subtract));
pub(super) const MULTIPLY: LayerType =
    merge(MergeKind::Multiply, |layer| read(layer, MergeKind::Multiply));
pub(super) const AVERAGE: LayerType =
    merge(MergeKind::Average, |layer| read(layer, MergeKind::Average));
pub(super) const MAXIMUM: LayerType =
    merge(MergeKind::Maximum, |layer| read(layer, MergeKind::Maximum));
pub(super) const MINIMUM: LayerType =
    merge(MergeKind::Minimum, |layer| read(layer, MergeKind::Minimum));

pub(super) const CONCATENATE: LayerType =
    LayerType { name: "concatenate", keys: &["axis", "precision"], read: read_concatenate };

pub(super) const DOT: LayerType =
    LayerType { name: "dot", keys: &["axes", "precision"], read: read_dot };

fn read(layer: &mut LayerSpec, kind: MergeKind) -> Read<Lowered> {
    let result = layer.precision(&["result"]).result?;
    let result = result.unwrap_or_default();
    Ok(Lowered::plain(Merge { kind, result }))
}

fn read_concatenate(layer: &mut LayerSpec) -> Read<Lowered> {
    let result = layer.precision(&["result"]).result;
    let axis = axis(layer, "axis")?.unwrap_or(-1);
    let result = result?.unwrap_or_default();
    Ok(Lowered::plain(Concatenate { axis, result }))
}

fn read_dot(layer: &mut LayerSpec) -> Read<Lowered> {
    let types = layer.precision(&["accum", "result"]);
    let axis = axis(layer, "axes")?;
    if let Some(node) = layer.fields.get("axes").filter(|_| !matches!(axis, Some(0 | -1))) {
        let found = reader::describe(node);
        return Err(layer.mistakes.add(
            node.span,
            format!("`axes` of a dot must be 1 or -1, the only axis of its inputs; found {found}"),
        ));
    }
    Ok(Lowered::plain(Dot {
        accum: types.accum?.and_then(TypeOrAuto::explicit),
        result: types.result?.unwrap_or_default(),
    }))
}

/// An axis, of which the batch is 0 for the author and none for the graph.
fn axis(layer: &mut LayerSpec, key: &str) -> reader::Setting<i32> {
    let legal = i128::from(i16::MIN)..=i128::from(i16::MAX);
    let Some(node) = layer.fields.get(key) else {
        return Ok(None);
    };
    match reader::integer(node, &format!("`{key}`"), legal, layer.mistakes)? as i32 {
        0 => Err(layer.mistakes.add_with_help(
            node.span,
            format!("`{key}` is 0, which is the batch; the first axis of a tensor is 1"),
            "negative ones count from the last, -1".to_owned(),
        )),
        axis if axis < 0 => Ok(Some(axis)),
        axis => Ok(Some(axis - 1)),
    }
}
