//! `dense`: a matrix of weights times the input, plus a bias.

use rtl4ml_ir::{Dense, Kernel, ResultType};

use super::{LayerSpec, LayerType, Lowered};
use crate::precision::TypeOrAuto;
use crate::reader::{self, Read};
use crate::weights::Array;

pub(super) const DENSE: LayerType = LayerType {
    name: "dense",
    keys: &[
        "units",
        "weight",
        "use_bias",
        "bias",
        "precision",
        "strategy",
        "reuse_factor",
        "multiplier",
    ],
    read,
};

fn read(layer: &mut LayerSpec) -> Read<Lowered> {
    let types = layer.precision(&["weight", "bias", "accum", "result"]);
    let implementation = layer.implementation();
    let units = layer.setting("units", reader::extent);
    let weight = match layer.array("weight") {
        Ok(None) => Err(layer.missing("weight", "weight: weights.npz:fc1.weight")),
        Ok(Some(array)) => Ok(array),
        Err(reported) => Err(reported),
    };
    if let (Ok(Some(units)), Ok(weight)) = (units, &weight) {
        check_units(layer, units, weight)?;
    }
    let weight = weight.and_then(|array| layer.constant("weight", array, types.weight));
    let bias = bias(layer)
        .and_then(|array| array.map(|array| layer.constant("bias", array, types.bias)).transpose());
    units?;
    Ok(Lowered {
        op: Dense {
            kernel: Kernel {
                weight: weight?,
                bias: bias?,
                accum: types.accum?.and_then(TypeOrAuto::explicit),
            },
            result: types.result?.map(ResultType::from).unwrap_or_default(),
        }
        .into(),
        implementation: implementation?,
    })
}

/// Compares `units` with the weight, which says the same.
fn check_units(layer: &mut LayerSpec, units: usize, weight: &Array) -> Read<()> {
    match *weight.extents.as_slice() {
        [n_in, n_out] if n_out != units => {
            let node = layer.fields.get("units").unwrap_or(layer.fields.node);
            Err(layer.mistakes.add(
                node.span,
                format!(
                    "`units` is {units}, but the weight's shape is [{n_in}, {n_out}]; legal here: {n_out}"
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// The bias, which `use_bias` must not contradict.
fn bias(layer: &mut LayerSpec) -> Read<Option<Array>> {
    let bias = layer.array("bias");
    let use_bias = layer.setting("use_bias", reader::boolean)?;
    let place = layer.fields.get("use_bias").unwrap_or(layer.fields.node).span;
    match (use_bias, layer.fields.get("bias")) {
        (Some(false), Some(_)) => Err(layer.mistakes.add_with_help(
            place,
            "`use_bias` is false, but there is a `bias`",
            "remove one of the two".to_owned(),
        )),
        (Some(true), None) => Err(layer.mistakes.add_with_help(
            place,
            "`use_bias` is true, but there is no `bias`",
            "write e.g. `bias: weights.npz:fc1.bias`".to_owned(),
        )),
        _ => bias,
    }
}
