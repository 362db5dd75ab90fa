//! Layers of Keras as hls4ml makes them.

use serde_json::Value;

use super::lower::{Known, Lowering};
use super::matrix::{Matrix, Sharing};
use crate::builder::{Pad, Windows};
use crate::draft::{DraftLayer, Setting};
use crate::error::{Lowered, refuse};
use crate::keras::Function;
use crate::tensor::Tensor;

/// Layers that do nothing when a model is used.
pub const DROPOUTS: [&str; 6] = [
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
];

impl Lowering<'_> {
    /// A call of a layer, with its activation.
    pub fn layer(&mut self, index: usize, inputs: &[Known]) -> Lowered<Known> {
        let Some(x) = inputs.first() else {
            return refuse("it reads nothing");
        };
        if self.fused.contains(&index) {
            return Ok(x.clone());
        }
        let architecture = self.architecture;
        let layer = &architecture.layers[architecture.calls[index].layer];
        let (name, class) = (layer.name.as_str(), layer.class.as_str());
        if layer.text("data_format") == Some("channels_first") {
            return refuse("its channels come first; Keras' default is channels_last");
        }
        let is_version_3 = architecture.is_version_3;
        let rank = if class.ends_with("1D") { 1 } else { 2 };
        let y = match class {
            "Add" => self.merge(name, "add", inputs),
            "Subtract" => self.merge(name, "subtract", inputs),
            "Multiply" => self.merge(name, "multiply", inputs),
            "Average" => self.merge(name, "average", inputs),
            "Maximum" => self.merge(name, "maximum", inputs),
            "Minimum" => self.merge(name, "minimum", inputs),
            "Concatenate" => self.concatenate(layer, inputs),
            _ if inputs.len() != 1 => refuse(format!("it reads {} tensors", inputs.len())),
            "Dense" => self.dense(index, x),
            "Conv1D" | "Conv2D" => self.conv(index, x, rank),
            "DepthwiseConv1D" | "DepthwiseConv2D" => self.depthwise(index, x, rank),
            "SeparableConv1D" | "SeparableConv2D" => self.separable(index, x, rank),
            "BatchNormalization" => self.batch_normalization(index, x),
            "MaxPooling1D" | "MaxPooling2D" | "AveragePooling1D" | "AveragePooling2D" => {
                self.pool(layer, x, rank)
            }
            "GlobalMaxPooling1D"
            | "GlobalMaxPooling2D"
            | "GlobalAveragePooling1D"
            | "GlobalAveragePooling2D" => self.global_pool(layer, x, rank),
            "Activation" => match layer.get("activation") {
                Some(value) => {
                    let function = Function::read(value)?;
                    self.activation(name, &function.name, slope(&function), x)
                }
                None => refuse("its activation is missing"),
            },
            "ReLU" => self.relu(layer, x),
            "LeakyReLU" => {
                let slope = layer.number("negative_slope", layer.number("alpha", 0.3));
                self.leaky_relu(name, slope, x)
            }
            "PReLU" => match self.numbers_of(index).get("alpha") {
                Some(alpha) => self.prelu(name, alpha, x),
                None => refuse("its slopes are missing"),
            },
            "ELU" => self.elu(name, layer.number("alpha", 1.0), x),
            "Softmax" => match layer.get("axis").map_or(Some(-1), Value::as_i64) {
                Some(axis) if axis == -1 || axis == x.extents.len() as i64 => self.softmax(name, x),
                _ => refuse("a softmax is over the last axis"),
            },
            "Flatten" | "Reshape" | "Permute" | "ZeroPadding1D" | "ZeroPadding2D"
            | "Cropping1D" | "Cropping2D" | "UpSampling1D" | "UpSampling2D" => {
                self.moved(layer, x, rank)
            }
            // With Keras 3, hls4ml makes a linear activation of these, which casts.
            class if DROPOUTS.contains(&class) && is_version_3 => self.linear(name, x),
            class if DROPOUTS.contains(&class) => Ok(x.clone()),
            _ => refuse("hls4ml's layer for it is not imported"),
        }?;
        let Some(value) = layer.get("activation").filter(|_| class != "Activation") else {
            return Ok(y);
        };
        let function = Function::read(value)?;
        if is_version_3 && function.name == "linear" {
            return Ok(y);
        }
        self.activation(&format!("{name}_{}", function.name), &function.name, slope(&function), &y)
    }

    fn dense(&mut self, index: usize, x: &Known) -> Lowered<Known> {
        let layer = self.called(index);
        let name = layer.name.clone();
        let (weight, bias) = self.kernel(index, "kernel")?;
        let [inputs, outputs] = weight.extents[..] else {
            return refuse(format!("its kernel has the extents {:?}", weight.extents));
        };
        if x.extents.last() != Some(&inputs) {
            return refuse(format!("its kernel is for {inputs} inputs, not for {:?}", x.extents));
        }
        let mut extents = x.extents.clone();
        extents.truncate(extents.len() - 1);
        extents.push(outputs);
        // hls4ml makes a convolution of a dense layer over more than one axis.
        let class = match x.extents.len() {
            1 => "Dense",
            2 => "PointwiseConv1D",
            _ => "PointwiseConv2D",
        };
        let matrix = Matrix {
            name: &name,
            class,
            layer: DraftLayer::new("dense", vec![x.source]),
            weight,
            bias,
            extents,
            sharing: Sharing { sum_of: inputs, products: inputs * outputs, positions: None },
        };
        self.matrix(index, matrix, x)
    }

    fn conv(&mut self, index: usize, x: &Known, rank: usize) -> Lowered<Known> {
        let layer = self.called(index);
        let name = layer.name.clone();
        if layer.number("groups", 1.0) != 1.0 {
            return refuse("convolutions in groups are not imported");
        }
        let windows = layer.windows(rank, layer.lengths("strides", rank, 1)?)?;
        let (weight, bias) = self.kernel(index, "kernel")?;
        self.convolution(index, &name, weight, bias, &windows, x)
    }

    fn convolution(
        &mut self,
        index: usize,
        name: &str,
        weight: Tensor,
        bias: Option<Tensor>,
        windows: &Windows,
        x: &Known,
    ) -> Lowered<Known> {
        let rank = windows.strides.len();
        let (cells, channels, filters) = image_kernel(&weight, rank, x)?;
        let (mut extents, settings) = windowed(cells, windows, &x.extents)?;
        let positions = extents.iter().product();
        extents.push(filters);
        let (kind, class) = [("conv1d", "Conv1D"), ("conv2d", "Conv2D")][rank - 1];
        let mut layer = DraftLayer::new(kind, vec![x.source]);
        layer.settings = settings;
        let sum_of = cells.iter().product::<usize>() * channels;
        let matrix = Matrix {
            name,
            class,
            layer,
            weight,
            bias,
            extents,
            sharing: Sharing { sum_of, products: sum_of * filters, positions: Some(positions) },
        };
        self.matrix(index, matrix, x)
    }

    fn depthwise(&mut self, index: usize, x: &Known, rank: usize) -> Lowered<Known> {
        let layer = self.called(index);
        let name = layer.name.clone();
        let windows = layer.windows(rank, layer.lengths("strides", rank, 1)?)?;
        let (weight, bias) = self.kernel(index, "depthwise_kernel")?;
        self.depthwise_convolution(index, &name, weight, bias, &windows, x)
    }

    fn depthwise_convolution(
        &mut self,
        index: usize,
        name: &str,
        weight: Tensor,
        bias: Option<Tensor>,
        windows: &Windows,
        x: &Known,
    ) -> Lowered<Known> {
        let rank = windows.strides.len();
        let (cells, channels, multiplier) = image_kernel(&weight, rank, x)?;
        if multiplier != 1 {
            return refuse("what hls4ml computes with a depth multiplier above 1 is not known");
        }
        let (mut extents, settings) = windowed(cells, windows, &x.extents)?;
        let positions = extents.iter().product();
        extents.push(channels);
        let (kind, class) =
            [("depthwise_conv1d", "DepthwiseConv1D"), ("depthwise_conv2d", "DepthwiseConv2D")]
                [rank - 1];
        let mut layer = DraftLayer::new(kind, vec![x.source]);
        layer.settings = settings;
        let sum_of = cells.iter().product();
        let sharing = Sharing { sum_of, products: sum_of, positions: Some(positions) };
        let matrix = Matrix { name, class, layer, weight, bias, extents, sharing };
        self.matrix(index, matrix, x)
    }

    fn separable(&mut self, index: usize, x: &Known, rank: usize) -> Lowered<Known> {
        let layer = self.called(index);
        let (name, class) = (layer.name.clone(), layer.class.clone());
        let windows = layer.windows(rank, layer.lengths("strides", rank, 1)?)?;
        let (pointwise, bias) = self.kernel(index, "pointwise_kernel")?;
        let (depthwise, _) = self.kernel(index, "depthwise_kernel")?;
        self.project.derive(&name, &class, "depthwise", "pointwise");
        self.project.derive(&name, &class, "pointwise", "depthwise");
        let first = format!("{name}_depthwise");
        let between =
            self.depthwise_convolution(usize::MAX, &first, depthwise, None, &windows, x)?;
        let plain = Windows { strides: vec![1; rank], dilations: vec![1; rank], pad: Pad::Valid };
        let second = format!("{name}_pointwise");
        self.convolution(index, &second, pointwise, bias, &plain, &between)
    }
}

/// The slope or the alpha of an activation that has one.
fn slope(function: &Function) -> Option<f64> {
    ["negative_slope", "alpha"].iter().find_map(|key| function.parameter(key))
}

/// Keys and their values.
type Settings = Vec<(&'static str, Setting)>;

/// The cells of the window of a kernel on an image with `rank` spatial axes, the channels that it
/// reads, and its last extent.
fn image_kernel<'k>(
    kernel: &'k Tensor,
    rank: usize,
    x: &Known,
) -> Lowered<(&'k [usize], usize, usize)> {
    match &kernel.extents[..] {
        [cells @ .., channels, last]
            if cells.len() == rank
                && x.extents.len() == rank + 1
                && x.extents[rank] == *channels =>
        {
            Ok((cells, *channels, *last))
        }
        extents => refuse(format!("its kernel has the extents {extents:?} for {:?}", x.extents)),
    }
}

/// The spatial extents of a convolution's result, and the settings of its windows.
pub fn windowed(
    cells: &[usize],
    windows: &Windows,
    extents: &[usize],
) -> Lowered<(Vec<usize>, Settings)> {
    if windows.dilations.iter().any(|dilation| *dilation != 1) {
        return refuse("what hls4ml computes with dilation is not known");
    }
    let counts = cells.iter().enumerate();
    let counts: Option<Vec<usize>> =
        counts.map(|(axis, cells)| windows.count(axis, extents[axis], *cells)).collect();
    let Some(counts) = counts.filter(|_| cells.iter().all(|cells| *cells > 0)) else {
        return refuse(format!("windows of {cells:?} do not fit on an image of {extents:?}"));
    };
    let mut settings = Vec::new();
    if windows.strides.iter().any(|stride| *stride != 1) {
        settings.push(("strides", Setting::Integers(windows.strides.clone())));
    }
    match windows.pad {
        Pad::Same => settings.push(("padding", Setting::Word("same"))),
        Pad::Causal => settings.push(("padding", Setting::Word("causal"))),
        Pad::Valid | Pad::Explicit(_) => {}
    }
    Ok((counts, settings))
}
