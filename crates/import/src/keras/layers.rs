//! From layers of Keras to layers of a spec.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::activations::{self, Dialect};
use super::config::{Architecture, Call, Layer, Package};
use super::trained::{groups, trained};
use super::weights::Weights;
use super::{hgq, hgq1};
use crate::builder::{Builder, Options, PoolKind, Signal};
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
    let dialect = Dialect {
        is_version_3: architecture.is_version_3,
        is_granular: architecture.is_granular(),
    };
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
                    file: weights,
                    group: &groups[call.layer],
                    builder: &mut builder,
                    dialect,
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
    let is_measured = !builder.options.measured.is_empty();
    if !is_measured && architecture.layers.iter().any(hgq1::has_no_range) {
        let text = format!(
            "HGQ's files do not hold what trace_minmax found: types hold all that can come of inputs of {}; save what to_proxy_model makes of the model for its types, or give data by `--calibrate`",
            builder.options.input_type
        );
        builder.notes.push(text);
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

/// A layer while it is lowered.
pub struct Lowering<'a> {
    pub layer: &'a Layer,
    pub weights: HashMap<String, Tensor>,
    /// All numbers of the file, and where in it those of the layer are.
    pub file: &'a Weights,
    pub group: &'a str,
    pub builder: &'a mut Builder,
    pub dialect: Dialect,
}

impl Lowering<'_> {
    fn run(&mut self, call: &Call, inputs: &[Signal]) -> Lowered<Signal> {
        match self.layer.package {
            Package::Keras => return self.operation(&self.layer.class, call, inputs),
            Package::Hgq => return self.of_hgq(call, inputs),
            Package::Hgq2 => {}
        }
        let class = hgq::plain_class(&self.layer.class)?;
        let inputs = self.quantized_inputs(inputs)?;
        let y = match (class, &inputs[..]) {
            ("Quantizer", [x]) => self.quantized(x, "config", "quantizer")?,
            _ => self.operation(class, call, &inputs)?,
        };
        let is_quantized = self.layer.flag("enable_oq", false);
        if is_quantized { self.quantized(&y, "oq_conf", "oq/quantizer") } else { Ok(y) }
    }

    /// The operation of a class, with its activation.
    pub fn operation(&mut self, class: &str, call: &Call, inputs: &[Signal]) -> Lowered<Signal> {
        let y = self.without_activation(class, call, inputs)?;
        let is_function = matches!(class, "Activation" | "QActivation");
        if is_function { Ok(y) } else { self.activated(&y) }
    }

    /// The activation of a layer that is something else.
    pub fn activated(&mut self, y: &Signal) -> Lowered<Signal> {
        match self.layer.get("activation") {
            Some(value) => activations::lower(self.builder, y, value, self.dialect),
            None => Ok(y.clone()),
        }
    }

    /// The operation of a class.
    pub fn without_activation(
        &mut self,
        class: &str,
        call: &Call,
        inputs: &[Signal],
    ) -> Lowered<Signal> {
        let Some(x) = inputs.first() else {
            return refuse("it reads nothing");
        };
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
            "EinsumDense" => self.einsum(x),
            "BatchNormDense" => self.normalised_dense(x),
            "BatchNormalization" if self.layer.package == Package::Hgq2 => {
                self.quantized_normalization(x)
            }
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
                Some(value) => activations::lower(self.builder, x, value, self.dialect),
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
            "Softmax" if self.layer.package == Package::Hgq2 => self.quantized_softmax(x),
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
                let ends = self.layer.ends("padding", rank)?;
                self.builder.zero_padding(x, &ends)
            }
            "Cropping1D" | "Cropping2D" => {
                let ends = self.layer.ends("cropping", rank)?;
                self.builder.cropping(x, &ends)
            }
            "UpSampling1D" | "UpSampling2D" => {
                if self.layer.text("interpolation").is_some_and(|how| how != "nearest") {
                    return refuse("only nearest up-sampling is imported");
                }
                let size = self.layer.lengths("size", rank, 2)?;
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
        Ok(y)
    }

    fn pool(&mut self, x: &Signal, kind: PoolKind, rank: usize) -> Lowered<Signal> {
        let (cells, strides) = self.layer.pool_windows(rank)?;
        let windows = self.layer.windows(rank, strides)?;
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
        let rank = inputs.first().map_or(0, |input| input.extents.len());
        let axis = self.layer.axis_of_tensor(rank)?;
        self.builder.concatenate(inputs, axis)
    }

    fn reshape(&mut self, x: &Signal) -> Lowered<Signal> {
        let extents = self.layer.target_shape(x.extents.iter().product())?;
        self.builder.reshape(x, &extents)
    }

    fn permute(&mut self, x: &Signal) -> Lowered<Signal> {
        let axes = self.layer.order_of_axes(x.extents.len())?;
        self.builder.permute(x, &axes)
    }
}
