//! `conv1d`, `conv2d`: a kernel at each position of a window.

use rtl4ml_ir::Conv;

use super::lowered::{Group, Part};
use super::{LayerSpec, LayerType, Lowered};
use crate::reader::{self, Read};
use crate::weights::Array;

const KEYS: &[&str] = &[
    "filters",
    "kernel_size",
    "strides",
    "padding",
    "dilation",
    "dilation_rate",
    "weight",
    "use_bias",
    "bias",
    "precision",
    "strategy",
    "reuse_factor",
    "multiplier",
    "parallelization_factor",
];

pub(super) const CONV1D: LayerType = LayerType { name: "conv1d", keys: KEYS, read };

pub(super) const CONV2D: LayerType = LayerType { name: "conv2d", keys: KEYS, read };

/// The axes of a convolution's weight of a rank, the last two by their names.
pub(super) fn weight_form(rank: usize, n_in: &str, n_out: &str) -> String {
    match rank {
        1 => format!("[steps, {n_in}, {n_out}]"),
        _ => format!("[rows, columns, {n_in}, {n_out}]"),
    }
}

fn read(layer: &mut LayerSpec) -> Read<Lowered> {
    let rank = layer.rank();
    let types = layer.precision(&["weight", "bias", "accum", "result"]);
    let implementation = layer.implementation();
    let filters = layer.setting("filters", reader::extent);
    let weight = layer.shaped_array("weight", &weight_form(rank, "channels", "filters"));
    let agreed = weight.as_ref().map_err(|reported| *reported).and_then(|weight| {
        let agreed = layer.agree_filters(filters, weight);
        layer.agree_kernel_size("weight", weight).and(agreed)
    });
    let bias = layer.bias();
    let cells = weight.as_ref().map(|weight| &weight.extents[..rank]);
    let window = layer.window(cells.map_err(|reported| *reported), None);
    // A window is read cell by cell, and in each cell channel by channel, as the weight is stored.
    let groups = weight.and_then(|Array { extents, numbers }| {
        let n_out = extents[rank + 1];
        let weight = Array { extents: vec![numbers.len() / n_out, n_out], numbers };
        Ok(vec![Group { weight, bias: bias? }])
    });
    let trained = layer.trained(groups, "weight", types.weight, Some(types.bias), types.accum)?;
    agreed?;
    let result = types.result?.unwrap_or_default();
    let conv = Conv { window: window?, groups: layer.kernels(&trained)?, depthwise: false, result };
    Ok(Part { trained: Some(trained), ..Part::new(conv, implementation?) }.into())
}

impl LayerSpec<'_> {
    /// Compares `kernel_size` with the weight, which says the same.
    pub(super) fn agree_kernel_size(&mut self, key: &str, weight: &Array) -> Read<()> {
        let kernel_size = self.per_axis("kernel_size")?;
        let legal = weight.extents[..self.rank()].to_vec();
        self.agree("kernel_size", kernel_size, key, weight, &legal)
    }

    /// Compares `filters` with the weight, which says the same.
    fn agree_filters(&mut self, filters: reader::Setting<usize>, weight: &Array) -> Read<()> {
        let legal = weight.extents[self.rank() + 1];
        self.agree("filters", filters?, "weight", weight, &legal)
    }
}
