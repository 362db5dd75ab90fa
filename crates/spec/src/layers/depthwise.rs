//! `depthwise_conv1d`, `depthwise_conv2d`: a kernel of its own for each channel.

use rtl4ml_ir::Conv;

use super::conv::weight_form;
use super::lowered::{Group, Part};
use super::{LayerSpec, LayerType, Lowered};
use crate::reader::{self, Read};
use crate::weights::Array;

const KEYS: &[&str] = &[
    "depth_multiplier",
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

/// The most channels, each of which costs a kernel of its own.
const MAX_CHANNELS: usize = 1 << 16;

pub(super) const DEPTHWISE_CONV1D: LayerType =
    LayerType { name: "depthwise_conv1d", keys: KEYS, read };

pub(super) const DEPTHWISE_CONV2D: LayerType =
    LayerType { name: "depthwise_conv2d", keys: KEYS, read };

fn read(layer: &mut LayerSpec) -> Read<Lowered> {
    let types = layer.precision(&["weight", "bias", "accum", "result"]);
    let implementation = layer.implementation();
    let weight = layer.depthwise_weight("weight");
    let bias = layer.bias();
    let groups = groups(layer, weight.as_ref().map_err(|reported| *reported), bias);
    let cells = weight.as_ref().map(|weight| &weight.extents[..layer.rank()]);
    let window = layer.window(cells.map_err(|reported| *reported), None);
    let trained = layer.trained(groups, "weight", types.weight, Some(types.bias), types.accum)?;
    let result = types.result?.unwrap_or_default();
    let conv = Conv { window: window?, groups: layer.kernels(&trained)?, depthwise: true, result };
    Ok(Part { trained: Some(trained), ..Part::new(conv, implementation?) }.into())
}

impl LayerSpec<'_> {
    /// The weight of a depthwise convolution, which `kernel_size` and `depth_multiplier` agree
    /// with.
    pub(super) fn depthwise_weight(&mut self, key: &str) -> Read<Array> {
        let rank = self.rank();
        let depth = self.setting("depth_multiplier", reader::extent);
        let weight = self.shaped_array(key, &weight_form(rank, "channels", "multiplier"))?;
        let channels = weight.extents[rank];
        if channels > MAX_CHANNELS {
            let node = self.fields.get(key).unwrap_or(self.fields.node);
            let message = format!(
                "the {key} is for {channels} channels; at most {MAX_CHANNELS} are supported"
            );
            return Err(self.mistakes.add(node.span, message));
        }
        let legal = weight.extents[rank + 1];
        let agreed =
            depth.and_then(|depth| self.agree("depth_multiplier", depth, key, &weight, &legal));
        self.agree_kernel_size(key, &weight)?;
        agreed?;
        Ok(weight)
    }
}

/// The weights of each channel: its cells, row-major, by its outputs.
pub(super) fn channel_weights(weight: &Array) -> Vec<Array> {
    let [.., channels, multiplier] = weight.extents[..] else {
        unreachable!("the weight's axes have been counted")
    };
    let cells = weight.numbers.len() / (channels * multiplier);
    let of_channel = |channel: usize| {
        let of_cell = |cell: usize| {
            let first = (cell * channels + channel) * multiplier;
            weight.numbers[first..first + multiplier].iter().copied()
        };
        let numbers = (0..cells).flat_map(of_cell).collect();
        Array { extents: vec![cells, multiplier], numbers }
    };
    (0..channels).map(of_channel).collect()
}

/// A kernel a channel; output channel c * multiplier + m is output m of channel c.
fn groups(
    layer: &mut LayerSpec,
    weight: Read<&Array>,
    bias: reader::Setting<Array>,
) -> Read<Vec<Group>> {
    let (weight, bias) = (weight?, bias?);
    let [.., channels, multiplier] = weight.extents[..] else {
        unreachable!("the weight's axes have been counted")
    };
    layer.check_bias(bias.as_ref(), channels * multiplier)?;
    let of_channel = |channel: usize| {
        let first = channel * multiplier;
        let numbers = bias.as_ref()?.numbers[first..first + multiplier].to_vec();
        Some(Array { extents: vec![multiplier], numbers })
    };
    let group = |(channel, weight)| Group { weight, bias: of_channel(channel) };
    Ok(channel_weights(weight).into_iter().enumerate().map(group).collect())
}
