//! `dense`: a matrix of weights times the input, plus a bias.

use rtl4ml_ir::Dense;

use super::lowered::{Group, Part};
use super::{LayerSpec, LayerType, Lowered};
use crate::reader::{self, Read};

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
    let weight = layer.required_array("weight");
    let mut agreed = Ok(());
    if let (Ok(units), Ok(weight)) = (units, &weight)
        && let [_, n_out] = weight.extents[..]
    {
        agreed = layer.agree("units", units, "weight", weight, &n_out);
    }
    let bias = layer.bias();
    let groups = weight.and_then(|weight| Ok(vec![Group { weight, bias: bias? }]));
    let trained = layer.trained(groups, "weight", types.weight, Some(types.bias), types.accum)?;
    agreed?;
    units?;
    let result = types.result?.unwrap_or_default();
    let kernel = layer.kernels(&trained)?.swap_remove(0);
    let part = Part::new(Dense { kernel, result }, implementation?);
    Ok(Part { trained: Some(trained), ..part }.into())
}
