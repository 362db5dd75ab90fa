//! From layers of Keras to layers of a spec.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::activations;
use super::config::{Architecture, Call, Layer};
use super::quantizers::Function;
use super::weights::Weights;
use crate::builder::{Builder, Options, Pad, PoolKind, Signal, Windows};
use crate::error::{ImportError, Lowered, Refused, refuse};
use crate::imported::{Imported, Port, finish};
use crate::tensor::{MAX_TOTAL, Tensor};
use crate::view::View;

/// Lowers a model.
///
/// # Errors
/// All layers that are not imported.
pub fn lower(
    architecture: &Architecture,
    weights: &Weights,
    path: &Path,
    options: &Options,
) -> Result<Imported, ImportError> {
    let mut builder = Builder::new(options.clone());
    let mut refused = Vec::new();
    let mut ports = Vec::new();
    let mut signals: HashMap<(String, usize), Option<Signal>> = HashMap::new();
    for ((name, call), extents) in &architecture.inputs {
        builder.begin("");
        let known: Option<Vec<usize>> = extents.iter().copied().collect();
        let signal = match known {
            Some(known) => builder.input(name, known),
            None => refuse(format!("its extents {extents:?} are not all known")),
        };
        match signal {
            Ok(signal) => {
                let view = View::plain(signal.clone(), [&[1], &signal.extents[..]].concat());
                ports.push(Port::new(name, &view));
                signals.insert((name.clone(), *call), Some(signal));
            }
            Err(reason) => {
                refused.push(Refused {
                    node: name.clone(),
                    operator: "InputLayer".to_owned(),
                    reason: reason.0,
                });
                signals.insert((name.clone(), *call), None);
            }
        }
    }
    let mut total = 0;
    let groups = groups(architecture);
    for call in &architecture.calls {
        let layer = &architecture.layers[call.layer];
        let inputs = call.inputs.iter().map(|input| signals.get(input).cloned().flatten());
        let lowered = match inputs.collect::<Option<Vec<Signal>>>() {
            // That an input is lost has been told.
            None => None,
            Some(inputs) => {
                builder.begin(&layer.name);
                let mut lowering = Lowering {
                    layer,
                    weights: trained(weights, layer, &groups[call.layer]),
                    builder: &mut builder,
                    is_version_3: architecture.is_version_3,
                };
                match lowering.run(call, &inputs) {
                    Ok(signal) => Some(signal),
                    Err(reason) => {
                        let (node, operator) = (layer.name.clone(), layer.class.clone());
                        refused.push(Refused { node, operator, reason: reason.0 });
                        None
                    }
                }
            }
        };
        let extents = lowered.as_ref().map_or(&[][..], |signal| &signal.extents);
        total += extents.iter().fold(1, |product: usize, extent| product.saturating_mul(*extent));
        if total > MAX_TOTAL {
            let (node, operator) = (layer.name.clone(), layer.class.clone());
            let reason = format!("the tensors up to it have more than {MAX_TOTAL} elements");
            refused.push(Refused { node, operator, reason });
            return Err(ImportError::Unsupported(refused));
        }
        signals.insert(call.output.clone(), lowered);
    }
    let mut outputs = Vec::new();
    for output in &architecture.outputs {
        match signals.get(output) {
            Some(Some(signal)) => {
                let extents = [&[1], &signal.extents[..]].concat();
                outputs.push((output.0.clone(), View::plain(signal.clone(), extents)));
            }
            Some(None) => {}
            None => refused.push(Refused {
                node: output.0.clone(),
                operator: "output".to_owned(),
                reason: "nothing makes it".to_owned(),
            }),
        }
    }
    let origin = if architecture.is_version_3 { "Keras 3" } else { "Keras 2" };
    finish(builder, ports, &outputs, refused, path, origin)
}

/// The group of each layer in a file of version 3: its class in small letters, numbered.
fn groups(architecture: &Architecture) -> Vec<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let group = |layer: &Layer| {
        let name = snake_case(&layer.class);
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}_{}", *count - 1) }
    };
    architecture.layers.iter().map(group).collect()
}

/// A class name as Keras turns it into the name of a variable.
fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let after_small = index > 0 && letters[index - 1].is_lowercase();
        let before_small = index > 0 && letters.get(index + 1).is_some_and(|l| l.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// The names of a layer's numbers in the order in which version 3 numbers them.
fn order(layer: &Layer) -> Vec<&'static str> {
    let class = layer.class.trim_start_matches('Q');
    match class {
        "BatchNormalization" => {
            let mut names = Vec::new();
            if layer.flag("scale", true) {
                names.push("gamma");
            }
            if layer.flag("center", true) {
                names.push("beta");
            }
            names.extend(["moving_mean", "moving_variance"]);
            names
        }
        "SeparableConv1D" | "SeparableConv2D" => {
            vec!["depthwise_kernel", "pointwise_kernel", "bias"]
        }
        "DepthwiseConv1D" | "DepthwiseConv2D" => vec!["depthwise_kernel", "bias"],
        "PReLU" => vec!["alpha"],
        _ => vec!["kernel", "bias"],
    }
}

/// A layer's numbers by their names.
fn trained(weights: &Weights, layer: &Layer, group: &str) -> HashMap<String, Tensor> {
    let mut found = HashMap::new();
    if weights.is_version_3() {
        let roots = ["layers", "_layer_checkpoint_dependencies"];
        // Newer files have the layers' own names.
        let names = [group, &layer.name];
        let places = roots.iter().flat_map(|root| names.map(|name| format!("{root}/{name}/vars")));
        let numbered = places.map(|place| weights.below(&place)).find(|found| !found.is_empty());
        for (number, tensor) in numbered.unwrap_or_default() {
            let name = number.parse::<usize>().ok().and_then(|n| order(layer).get(n).copied());
            if let Some(name) = name {
                found.insert(name.to_owned(), tensor.clone());
            }
        }
        return found;
    }
    for root in ["model_weights/", ""] {
        for (path, tensor) in weights.below(&format!("{root}{}", layer.name)) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let name = name.split(':').next().unwrap_or(name);
            found.insert(name.to_owned(), tensor.clone());
        }
    }
    found
}

/// A layer while it is lowered.
struct Lowering<'a> {
    layer: &'a Layer,
    weights: HashMap<String, Tensor>,
    builder: &'a mut Builder,
    is_version_3: bool,
}

impl Lowering<'_> {
    fn run(&mut self, call: &Call, inputs: &[Signal]) -> Lowered<Signal> {
        let Some(x) = inputs.first() else {
            return refuse("it reads nothing");
        };
        let class = self.layer.class.as_str();
        if self.layer.text("data_format") == Some("channels_first") {
            return refuse("its channels come first; Keras' default is channels_last");
        }
        let rank = if class.ends_with("1D") { 1 } else { 2 };
        let before = self.builder.draft.layers.len();
        let y = match class {
            "Add" => self.merge("add", inputs),
            "Subtract" => self.merge("subtract", inputs),
            "Multiply" => self.merge("multiply", inputs),
            "Average" => self.merge("average", inputs),
            "Maximum" => self.merge("maximum", inputs),
            "Minimum" => self.merge("minimum", inputs),
            "Concatenate" => self.concatenate(inputs),
            _ if inputs.len() != 1 => refuse(format!("it reads {} tensors", call.inputs.len())),
            "Dense" | "QDense" => self.dense(x),
            "Conv1D" | "Conv2D" | "QConv1D" | "QConv2D" => self.conv(x, rank),
            "DepthwiseConv1D" | "DepthwiseConv2D" | "QDepthwiseConv2D" => self.depthwise(x, rank),
            "SeparableConv1D" | "SeparableConv2D" | "QSeparableConv1D" | "QSeparableConv2D" => {
                self.separable(x, rank)
            }
            "BatchNormalization" | "QBatchNormalization" => self.batch_normalization(x),
            "MaxPooling1D" | "MaxPooling2D" => self.pool(x, PoolKind::Max, rank),
            "AveragePooling1D" | "AveragePooling2D" => self.pool(x, PoolKind::Average, rank),
            "GlobalMaxPooling1D" | "GlobalMaxPooling2D" => self.global_pool(x, PoolKind::Max),
            "GlobalAveragePooling1D" | "GlobalAveragePooling2D" => {
                self.global_pool(x, PoolKind::Average)
            }
            "Activation" | "QActivation" => match self.layer.get("activation") {
                Some(value) => activations::lower(self.builder, x, value, self.is_version_3),
                None => refuse("its activation is missing"),
            },
            "ReLU" => self.relu(x),
            "LeakyReLU" => {
                let slope = self.layer.number("negative_slope", self.layer.number("alpha", 0.3));
                self.builder.leaky_relu(x, slope)
            }
            "PReLU" => match self.weights.get("alpha") {
                Some(alpha) => self.builder.prelu(x, alpha),
                None => refuse("its slopes are missing"),
            },
            "ELU" => {
                let alpha = self.layer.number("alpha", 1.0);
                self.builder.curve(x, crate::builder::Curve::Elu(alpha))
            }
            "Softmax" => match self.layer.get("axis").map_or(Some(-1), Value::as_i64) {
                Some(axis) if axis == -1 || axis == x.extents.len() as i64 => {
                    self.builder.softmax(x)
                }
                _ => refuse("a softmax is over the last axis"),
            },
            "Flatten" => self.builder.reshape(x, &[x.extents.iter().product()]),
            "Reshape" => self.reshape(x),
            "Permute" => self.permute(x),
            "ZeroPadding1D" | "ZeroPadding2D" => {
                let ends = self.ends("padding", rank)?;
                self.builder.zero_padding(x, &ends)
            }
            "Cropping1D" | "Cropping2D" => {
                let ends = self.ends("cropping", rank)?;
                self.builder.cropping(x, &ends)
            }
            "UpSampling1D" | "UpSampling2D" => {
                if self.layer.text("interpolation").is_some_and(|how| how != "nearest") {
                    return refuse("only nearest up-sampling is imported");
                }
                let size = self.sizes("size", rank, 2)?;
                self.builder.up_sampling(x, &size)
            }
            "Rescaling" => {
                let (scale, offset) =
                    (self.layer.number("scale", 1.0), self.layer.number("offset", 0.0));
                self.builder.affine(x, &[scale], &[offset])
            }
            // These do nothing when a model is used.
            "Dropout"
            | "SpatialDropout1D"
            | "SpatialDropout2D"
            | "GaussianNoise"
            | "GaussianDropout"
            | "AlphaDropout"
            | "ActivityRegularization"
            | "Identity" => Ok(x.clone()),
            _ => refuse("there is no layer for it"),
        }?;
        self.builder.name_last(before);
        let has_own = !matches!(class, "Activation" | "QActivation");
        match self.layer.get("activation").filter(|_| has_own) {
            Some(value) => activations::lower(self.builder, &y, value, self.is_version_3),
            None => Ok(y),
        }
    }

    /// Trained numbers, through their quantiser where there is one.
    fn numbers(&self, name: &str, quantizer: &str) -> Lowered<Tensor> {
        let other = name.trim_start_matches("depthwise_");
        let Some(tensor) = self.weights.get(name).or_else(|| self.weights.get(other)) else {
            return refuse(format!("its {name} is missing in the weights"));
        };
        match self.layer.get(quantizer) {
            Some(value) => Function::read(value)?.apply(tensor),
            None => Ok(tensor.clone()),
        }
    }

    fn bias(&self) -> Lowered<Option<Tensor>> {
        if self.layer.flag("use_bias", true) {
            self.numbers("bias", "bias_quantizer").map(Some)
        } else {
            Ok(None)
        }
    }

    fn sizes(&self, key: &str, rank: usize, default: usize) -> Lowered<Vec<usize>> {
        match self.layer.sizes(key, rank, default) {
            Some(sizes) => Ok(sizes),
            None => refuse(format!("its {key} is not a number for each of {rank} axes")),
        }
    }

    fn windows(&self, rank: usize, strides: Vec<usize>) -> Lowered<Windows> {
        let dilations = self.sizes("dilation_rate", rank, 1)?;
        let pad = match self.layer.text("padding").unwrap_or("valid") {
            "same" => Pad::Same,
            "valid" => Pad::Valid,
            "causal" => Pad::Causal,
            other => return refuse(format!("its padding is `{other}`")),
        };
        Ok(Windows { strides, dilations, pad })
    }

    fn dense(&mut self, x: &Signal) -> Lowered<Signal> {
        let (weight, bias) = (self.numbers("kernel", "kernel_quantizer")?, self.bias()?);
        self.builder.dense(x, &weight, bias.as_ref())
    }

    fn conv(&mut self, x: &Signal, rank: usize) -> Lowered<Signal> {
        if self.layer.number("groups", 1.0) != 1.0 {
            return refuse("convolutions in groups are not imported from Keras");
        }
        let (weight, bias) = (self.numbers("kernel", "kernel_quantizer")?, self.bias()?);
        let windows = self.windows(rank, self.sizes("strides", rank, 1)?)?;
        self.builder.conv(x, &weight, bias.as_ref(), &windows)
    }

    fn depthwise(&mut self, x: &Signal, rank: usize) -> Lowered<Signal> {
        let (weight, bias) =
            (self.numbers("depthwise_kernel", "depthwise_quantizer")?, self.bias()?);
        let windows = self.windows(rank, self.sizes("strides", rank, 1)?)?;
        self.builder.depthwise(x, &weight, bias.as_ref(), &windows)
    }

    fn separable(&mut self, x: &Signal, rank: usize) -> Lowered<Signal> {
        let depthwise = self.numbers("depthwise_kernel", "depthwise_quantizer")?;
        let pointwise = self.numbers("pointwise_kernel", "pointwise_quantizer")?;
        let bias = self.bias()?;
        let windows = self.windows(rank, self.sizes("strides", rank, 1)?)?;
        let name = self.layer.name.clone();
        self.builder.begin(&format!("{name}_depthwise"));
        let between = self.builder.depthwise(x, &depthwise, None, &windows)?;
        self.builder.begin(&name);
        let plain = Windows { strides: vec![1; rank], dilations: vec![1; rank], pad: Pad::Valid };
        self.builder.conv(&between, &pointwise, bias.as_ref(), &plain)
    }

    fn batch_normalization(&mut self, x: &Signal) -> Lowered<Signal> {
        let channels = x.channels();
        let axis = match self.layer.get("axis") {
            Some(Value::Array(axes)) => axes.first().and_then(Value::as_i64),
            Some(value) => value.as_i64(),
            None => Some(-1),
        };
        if axis.is_none_or(|axis| axis != -1 && axis != x.extents.len() as i64) {
            return refuse("it is not over the channels, the last axis");
        }
        let numbers = |name: &str, quantizer: &str, default: f64, is_there: bool| {
            if !is_there {
                return Ok(vec![default; channels]);
            }
            let numbers = self.numbers(name, quantizer)?.numbers.to_vec();
            if numbers.len() == channels {
                Ok(numbers)
            } else {
                refuse(format!("its {name} is not for {channels} channels"))
            }
        };
        let gamma = numbers("gamma", "gamma_quantizer", 1.0, self.layer.flag("scale", true))?;
        let beta = numbers("beta", "beta_quantizer", 0.0, self.layer.flag("center", true))?;
        let mean = numbers("moving_mean", "mean_quantizer", 0.0, true)?;
        let variance = numbers("moving_variance", "variance_quantizer", 1.0, true)?;
        let epsilon = self.layer.number("epsilon", 1e-3);
        let scale: Vec<f64> =
            gamma.iter().zip(&variance).map(|(gamma, v)| gamma / (v + epsilon).sqrt()).collect();
        let shift: Vec<f64> =
            beta.iter().zip(&mean).zip(&scale).map(|((beta, mean), s)| beta - mean * s).collect();
        self.builder.affine(x, &scale, &shift)
    }

    fn pool(&mut self, x: &Signal, kind: PoolKind, rank: usize) -> Lowered<Signal> {
        let cells = self.sizes("pool_size", rank, 2)?;
        let strides = match self.layer.get("strides") {
            Some(_) => self.sizes("strides", rank, 1)?,
            None => cells.clone(),
        };
        let windows = self.windows(rank, strides)?;
        self.builder.pool(x, kind, &cells, &windows)
    }

    fn global_pool(&mut self, x: &Signal, kind: PoolKind) -> Lowered<Signal> {
        let y = self.builder.global_pool(x, kind)?;
        if self.layer.flag("keepdims", false) {
            return Ok(y);
        }
        self.builder.reshape(&y, &[x.channels()])
    }

    fn relu(&mut self, x: &Signal) -> Lowered<Signal> {
        let slope = self.layer.number("negative_slope", 0.0);
        if self.layer.number("threshold", 0.0) != 0.0 {
            return refuse("a threshold other than 0 is not imported");
        }
        let most = self.layer.get("max_value").and_then(Value::as_f64);
        match (slope == 0.0, most) {
            (true, most) => self.builder.relu(x, most),
            (false, None) => self.builder.leaky_relu(x, slope),
            (false, Some(_)) => refuse("a slope together with a largest value is not imported"),
        }
    }

    fn merge(&mut self, kind: &'static str, inputs: &[Signal]) -> Lowered<Signal> {
        match (kind, inputs.len()) {
            ("subtract", 2) => {}
            ("subtract", count) => return refuse(format!("it reads {count} tensors instead of 2")),
            (_, 0 | 1) => return refuse("it reads fewer than two tensors"),
            _ => {}
        }
        if kind == "average" && !inputs.len().is_power_of_two() {
            let sum = self.builder.merge("add", inputs)?;
            return self.builder.affine(&sum, &[1.0 / inputs.len() as f64], &[0.0]);
        }
        self.builder.merge(kind, inputs)
    }

    fn concatenate(&mut self, inputs: &[Signal]) -> Lowered<Signal> {
        let rank = inputs.first().map_or(0, |input| input.extents.len()) as i64;
        let axis = self.layer.get("axis").map_or(Some(-1), Value::as_i64).unwrap_or(0);
        let axis = if axis < 0 { axis + rank } else { axis - 1 };
        match usize::try_from(axis) {
            Ok(axis) => self.builder.concatenate(inputs, axis),
            Err(_) => refuse("it puts samples of a batch together"),
        }
    }

    fn reshape(&mut self, x: &Signal) -> Lowered<Signal> {
        let count: usize = x.extents.iter().product();
        let Some(target) = self.layer.get("target_shape").and_then(Value::as_array) else {
            return refuse("its target_shape is missing");
        };
        let target: Vec<i64> = target.iter().map(|extent| extent.as_i64().unwrap_or(-1)).collect();
        let known: i64 = target.iter().filter(|extent| **extent > 0).product();
        if known < 1 || target.iter().filter(|extent| **extent <= 0).count() > 1 {
            return refuse(format!("its target_shape is {target:?}"));
        }
        let extent =
            |extent: &i64| if *extent > 0 { *extent as usize } else { count / known as usize };
        let extents: Vec<usize> = target.iter().map(extent).collect();
        self.builder.reshape(x, &extents)
    }

    fn permute(&mut self, x: &Signal) -> Lowered<Signal> {
        let dims = self.layer.get("dims").and_then(Value::as_array);
        let axes: Option<Vec<usize>> = dims.and_then(|dims| {
            dims.iter().map(|dim| (dim.as_u64()? as usize).checked_sub(1)).collect()
        });
        let is_order = |axes: &Vec<usize>| {
            let mut sorted = axes.clone();
            sorted.sort_unstable();
            sorted.into_iter().eq(0..x.extents.len())
        };
        match axes.filter(is_order) {
            Some(axes) => self.builder.permute(x, &axes),
            None => refuse("its dims are no order of the axes"),
        }
    }

    /// Two numbers for each spatial axis, in the forms that Keras has.
    fn ends(&self, key: &str, rank: usize) -> Lowered<Vec<(usize, usize)>> {
        let number = |value: &Value| value.as_u64().filter(|n| *n <= 65536).map(|n| n as usize);
        let pair = |value: &Value| match value {
            Value::Array(items) => match &items[..] {
                [before, after] => Some((number(before)?, number(after)?)),
                [both] => number(both).map(|both| (both, both)),
                _ => None,
            },
            value => number(value).map(|both| (both, both)),
        };
        let ends = match (self.layer.get(key), rank) {
            (Some(value), 1) => pair(value).map(|ends| vec![ends]),
            (Some(Value::Array(items)), _) if items.len() == rank => {
                items.iter().map(pair).collect()
            }
            (Some(value), _) => pair(value).map(|ends| vec![ends; rank]),
            (None, _) => Some(vec![(1, 1); rank]),
        };
        match ends {
            Some(ends) => Ok(ends),
            None => refuse(format!("its {key} is not two numbers for each axis")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_as_keras_names_them() {
        let classes = ["Conv2D", "ReLU", "PReLU", "QDense", "UpSampling2D", "SeparableConv1D"];
        let expected =
            ["conv2d", "re_lu", "p_re_lu", "q_dense", "up_sampling2d", "separable_conv1d"];
        assert_eq!(classes.map(snake_case), expected);
    }
}
