//! `separable_conv1d`, `separable_conv2d`: a depthwise convolution without bias, and a
//! convolution of one cell that mixes its channels. They become two layers of the graph.

use rtl4ml_ir::{Conv, Implementation, Padding, ResultType, Window, WindowAxis};

use super::conv::weight_form;
use super::depthwise::channel_weights;
use super::lowered::{Group, Part, Trained};
use super::{LayerSpec, LayerType, Lowered};
use crate::precision::or;
use crate::reader::{self, Read};
use crate::weights::Array;

const KEYS: &[&str] = &[
    "filters",
    "depth_multiplier",
    "kernel_size",
    "strides",
    "padding",
    "dilation",
    "dilation_rate",
    "depthwise",
    "pointwise",
    "use_bias",
    "bias",
    "precision",
    "strategy",
    "depthwise_reuse_factor",
    "reuse_factor",
    "multiplier",
    "parallelization_factor",
];

pub(super) const SEPARABLE_CONV1D: LayerType =
    LayerType { name: "separable_conv1d", keys: KEYS, read };

pub(super) const SEPARABLE_CONV2D: LayerType =
    LayerType { name: "separable_conv2d", keys: KEYS, read };

const PRECISION_KEYS: &[&str] = &[
    "depthwise",
    "depthwise_accum",
    "depthwise_result",
    "pointwise",
    "pointwise_accum",
    "bias",
    "result",
];

fn read(layer: &mut LayerSpec) -> Read<Lowered> {
    let types = layer.precision(PRECISION_KEYS);
    let implementation = layer.implementation();
    let depthwise_reuse_factor = layer.setting("depthwise_reuse_factor", reader::count);
    let depthwise = layer.depthwise_weight("depthwise");
    let pointwise = pointwise(layer);
    let fit = match (&depthwise, &pointwise) {
        (Ok(depthwise), Ok(pointwise)) => check_fit(layer, depthwise, pointwise),
        _ => Ok(()),
    };
    let bias = layer.bias();
    let cells = depthwise.as_ref().map(|weight| &weight.extents[..layer.rank()]);
    let window = layer.window(cells.map_err(|reported| *reported), None);

    let defaults = &layer.defaults.precision;
    let [first_accum, second_accum] = ["depthwise_accum", "pointwise_accum"]
        .map(|key| or(layer.own_type_or_auto(key), defaults.accum));
    let first_result = or(layer.own_result("depthwise_result"), defaults.result.clone());
    let [first_type, second_type] =
        ["depthwise", "pointwise"].map(|key| or(layer.own_type(key), defaults.weight));
    let group = |weight| Group { weight, bias: None };
    let groups = depthwise.map(|weight| channel_weights(&weight).into_iter().map(group).collect());
    let first = layer.trained(groups, "depthwise", first_type, None, first_accum);
    let groups = pointwise.and_then(|Array { extents, numbers }| {
        let n_out = extents[extents.len() - 1];
        let weight = Array { extents: vec![numbers.len() / n_out, n_out], numbers };
        Ok(vec![Group { weight, bias: bias? }])
    });
    let second = layer.trained(groups, "pointwise", second_type, Some(types.bias), second_accum);
    fit?;

    let implementation = implementation?;
    // The layer's own `reuse_factor` is about the other matrix, whose divisors are others.
    let given = depthwise_reuse_factor?.or(layer.defaults.reuse_factor?);
    let reuse_factor = given.unwrap_or(Implementation::default().reuse_factor);
    let reuse_factor_is_fixed = given.is_some();
    let first = part(layer, first?, window?, first_result, true)?;
    let point = WindowAxis { kernel: 1, stride: 1, dilation: 1 };
    let point = Window::new(vec![point; layer.rank()], Padding::Valid);
    let second = part(layer, second?, point, types.result, false)?;
    Ok(Lowered::Layers(vec![
        Part {
            suffix: "_depthwise",
            implementation: Implementation {
                reuse_factor,
                reuse_factor_is_fixed,
                ..implementation
            },
            renamed: &[("weight", "depthwise"), ("reuse_factor", "depthwise_reuse_factor")],
            ..first
        },
        Part { implementation, renamed: &[("weight", "pointwise")], ..second },
    ]))
}

/// The weight of the second layer, which `filters` agrees with.
fn pointwise(layer: &mut LayerSpec) -> Read<Array> {
    let rank = layer.rank();
    let filters = layer.setting("filters", reader::extent);
    let pointwise = layer.shaped_array("pointwise", &weight_form(rank, "channels", "filters"))?;
    let legal = pointwise.extents[rank + 1];
    filters.and_then(|filters| layer.agree("filters", filters, "pointwise", &pointwise, &legal))?;
    Ok(pointwise)
}

/// Tells when the second layer is no convolution of one cell on the channels of the first.
fn check_fit(layer: &mut LayerSpec, depthwise: &Array, pointwise: &Array) -> Read<()> {
    let rank = layer.rank();
    let mut legal = vec![1; rank];
    legal.extend([depthwise.extents[rank..].iter().product(), pointwise.extents[rank + 1]]);
    if pointwise.extents == legal {
        return Ok(());
    }
    let node = layer.fields.get("pointwise").unwrap_or(layer.fields.node);
    let (found, first) = (&pointwise.extents, &depthwise.extents);
    Err(layer.mistakes.add(
        node.span,
        format!(
            "the pointwise's shape is {found:?}; after a depthwise of {first:?} it must be {legal:?}"
        ),
    ))
}

/// One of the two layers.
fn part(
    layer: &mut LayerSpec,
    trained: Trained,
    window: Window,
    result: reader::Setting<ResultType>,
    depthwise: bool,
) -> Read<Part> {
    let result = result?.unwrap_or_default();
    let conv = Conv { window, groups: layer.kernels(&trained)?, depthwise, result };
    Ok(Part { trained: Some(trained), ..Part::new(conv, Implementation::default()) })
}
