//! Layers of Keras as hls4ml makes them.

use rtl4ml_ir::{FixedType, Format, Overflow};
use serde_json::Value;

use super::config::{Declared, parse_type};
use super::functions::{natural, text_of};
use super::infer;
use super::lower::{Known, Lowering};
use super::numbers::{as_multiplied, nearest_divisor, trained};
use crate::builder::{Pad, Windows};
use crate::draft::{DraftLayer, Numbers, Setting};
use crate::error::{Lowered, Refusal, refuse};
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

/// A layer with weights.
struct Matrix<'n> {
    name: &'n str,
    class: &'static str,
    layer: DraftLayer,
    weight: Tensor,
    bias: Option<Tensor>,
    /// The products of a sum.
    sum_of: usize,
    /// The products that share multipliers.
    products: usize,
    /// The extents of the result.
    extents: Vec<usize>,
    /// The number of windows, of a convolution.
    positions: Option<usize>,
}

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
            sum_of: inputs,
            products: inputs * outputs,
            extents,
            positions: None,
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
        let [cells @ .., channels, filters] = &weight.extents[..] else {
            return refuse(format!("its kernel has the extents {:?}", weight.extents));
        };
        let (channels, filters) = (*channels, *filters);
        if cells.len() != rank || x.extents.len() != rank + 1 || x.extents[rank] != channels {
            return refuse(format!(
                "its kernel has the extents {:?} for {:?}",
                weight.extents, x.extents
            ));
        }
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
            sum_of,
            products: sum_of * filters,
            extents,
            positions: Some(positions),
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
        let [cells @ .., channels, multiplier] = &weight.extents[..] else {
            return refuse(format!("its kernel has the extents {:?}", weight.extents));
        };
        let (channels, multiplier) = (*channels, *multiplier);
        if cells.len() != rank || x.extents.len() != rank + 1 || x.extents[rank] != channels {
            return refuse(format!(
                "its kernel has the extents {:?} for {:?}",
                weight.extents, x.extents
            ));
        }
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
        let positions = Some(positions);
        let matrix = Matrix {
            name,
            class,
            layer,
            weight,
            bias,
            sum_of,
            products: sum_of,
            extents,
            positions,
        };
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

    /// The kernel and the bias of a layer.
    fn kernel(&self, index: usize, key: &str) -> Lowered<(Tensor, Option<Tensor>)> {
        let numbers = self.numbers_of(index);
        let found = |name: &str| {
            let other = name.trim_start_matches("depthwise_");
            let tensor = numbers.get(name).or_else(|| numbers.get(other)).cloned();
            tensor.ok_or_else(|| Refusal::new(format!("its {name} is missing in the weights")))
        };
        let uses_bias = self.called(index).flag("use_bias", true);
        Ok((found(key)?, if uses_bias { Some(found("bias")?) } else { None }))
    }

    /// A layer with weights; a batch normalisation behind it may become part of it.
    fn matrix(&mut self, index: usize, matrix: Matrix, x: &Known) -> Lowered<Known> {
        let Matrix { name, class, mut layer, mut weight, mut bias, sum_of, .. } = matrix;
        let declared = |tensor| self.declared(name, class, tensor);
        let is_derived = declared("result") == Declared::Auto;
        let fused = if is_derived && index != usize::MAX { self.fusible(index) } else { None };
        if let Some(normalization) = fused {
            if layer.kind.starts_with("depthwise") {
                return refuse(
                    "hls4ml would make the batch normalization behind it a part of it: give its result a type",
                );
            }
            let (scale, shift) = self.scale_and_shift(normalization, &matrix.extents)?;
            (weight, bias) = fuse(&weight, bias.as_ref(), &scale, &shift);
            self.fused.insert(normalization);
        }
        let weight_type = self.type_of(name, class, "weight");
        let bias_type = match &bias {
            Some(_) => self.type_of(name, class, "bias"),
            None => Format::unsigned(1, 1).into(),
        };
        let is_decimal = self.builder.options.decimal_weights;
        let numbers = trained("weight", weight.extents, &weight.numbers, weight_type, is_decimal)?;
        layer.numbers.push(as_multiplied(numbers, self.declared(name, class, "weight")));
        if let Some(bias) = bias {
            let numbers = trained("bias", bias.extents, &bias.numbers, bias_type, is_decimal)?;
            layer.numbers.push(numbers);
        }
        let most = self.project.widest_type();
        let whole = || infer::sum(x.ty, weight_type, bias_type, sum_of, most);
        let accum = match self.accumulator(name, class)? {
            Declared::Type { ty, .. } => Some(ty),
            // What the inputs allow is never wider: the sum is exact.
            Declared::Auto if most.is_none() => None,
            Declared::Auto => Some(whole()?),
        };
        layer.types.extend(accum.map(|accum| ("accum", accum)));
        let ty = match self.declared(name, class, "result") {
            Declared::Type { ty, .. } => ty,
            Declared::Auto => whole()?,
        };
        self.share(name, class, &mut layer, &matrix.positions, matrix.products, accum, sum_of)?;
        self.push(name, layer, matrix.extents, ty, is_derived)
    }

    fn accumulator(&self, name: &str, class: &str) -> Lowered<Declared> {
        match self.project.attribute(name, class, "accumt") {
            Some(other) => parse_type(text_of(other)?).map_err(|reason| {
                Refusal::new(format!("line {}: `{}`: {reason}", other.line, other.key))
            }),
            None => Ok(self.declared(name, class, "accum")),
        }
    }

    /// How a layer shares its multipliers.
    #[allow(clippy::too_many_arguments, reason = "they are what a layer with weights has")]
    fn share(
        &mut self,
        name: &str,
        class: &str,
        layer: &mut DraftLayer,
        positions: &Option<usize>,
        products: usize,
        accum: Option<FixedType>,
        sum_of: usize,
    ) -> Lowered<()> {
        self.builder.begin(name);
        let strategy = match self.project.value(name, class, "strategy") {
            None => "latency",
            Some(other) => match text_of(other)?.to_lowercase().replace('_', "").as_str() {
                "latency" => "latency",
                "resource" | "unrolled" | "resourceunrolled" => "resource",
                "distributedarithmetic" | "da" => "distributed_arithmetic",
                word => {
                    return refuse(format!(
                        "line {}: `{}`: the strategy `{word}` is not imported; Latency, Resource and distributed_arithmetic are",
                        other.line, other.key
                    ));
                }
            },
        };
        let reuse = self.project.value(name, class, "reusefactor").map_or(Ok(1), natural)?;
        let legal = nearest_divisor(products, reuse);
        if strategy != "latency" {
            layer.settings.push(("strategy", Setting::Word(strategy)));
        }
        if strategy != "distributed_arithmetic" && legal > 1 {
            if legal != reuse {
                self.builder.note(&format!(
                    "the reuse factor is {legal}, the nearest to {reuse} that divides {products}"
                ));
            }
            layer.settings.push(("reuse_factor", Setting::Integer(legal as i64)));
        }
        let saturates = accum.is_some_and(|ty| ty.overflow != Overflow::Wrap);
        if strategy == "resource" && saturates && reuse > 1 && reuse <= sum_of {
            self.builder.note(
                "hls4ml adds in another order with this strategy and reuse factor: where the accumulator saturates, outputs may differ",
            );
        }
        if let Some(positions) = positions.filter(|_| !self.project.is_stream)
            && let Some(other) = self.project.attribute(name, class, "parallelizationfactor")
        {
            let factor = nearest_divisor(positions, natural(other)?);
            layer.settings.push(("parallelization_factor", Setting::Integer(factor as i64)));
        }
        Ok(())
    }

    /// The batch normalisation that hls4ml makes a part of a layer whose type is derived.
    fn fusible(&self, index: usize) -> Option<usize> {
        let call = &self.architecture.calls[index];
        let layer = self.called(index);
        let activation = layer.get("activation").map(|value| Function::read(value).ok());
        let is_linear = match activation {
            None => true,
            Some(function) => function.is_some_and(|function| function.name == "linear"),
        };
        let reader = self.only_reader(&call.output).filter(|_| is_linear)?;
        (self.called(reader).class == "BatchNormalization").then_some(reader)
    }

    /// A batch normalisation's scale and shift, in single precision as hls4ml computes them.
    fn scale_and_shift(&self, index: usize, extents: &[usize]) -> Lowered<(Vec<f64>, Vec<f64>)> {
        let layer = self.called(index);
        let channels = extents.last().copied().unwrap_or(1);
        let axis = match layer.get("axis") {
            Some(Value::Array(axes)) => axes.first().and_then(Value::as_i64),
            Some(value) => value.as_i64(),
            None => Some(-1),
        };
        if axis.is_none_or(|axis| axis != -1 && axis != extents.len() as i64) {
            return refuse("a batch normalization that is not over the channels, the last axis");
        }
        let trained = self.numbers_of(index);
        let numbers = |name: &str, default: f32, is_there: bool| -> Lowered<Vec<f32>> {
            if !is_there {
                return Ok(vec![default; channels]);
            }
            match trained.get(name).filter(|tensor| tensor.numbers.len() == channels) {
                Some(tensor) => Ok(tensor.numbers.iter().map(|n| *n as f32).collect()),
                None => refuse(format!("its {name} is not there for {channels} channels")),
            }
        };
        let gamma = numbers("gamma", 1.0, layer.flag("scale", true))?;
        let beta = numbers("beta", 0.0, layer.flag("center", true))?;
        let mean = numbers("moving_mean", 0.0, true)?;
        let variance = numbers("moving_variance", 1.0, true)?;
        let epsilon = layer.number("epsilon", 1e-3) as f32;
        let scale: Vec<f32> =
            gamma.iter().zip(&variance).map(|(gamma, v)| gamma / (v + epsilon).sqrt()).collect();
        let shift = beta.iter().zip(&mean).zip(&scale).map(|((beta, mean), s)| beta - s * mean);
        let shift = shift.map(f64::from).collect();
        Ok((scale.into_iter().map(f64::from).collect(), shift))
    }

    fn batch_normalization(&mut self, index: usize, x: &Known) -> Lowered<Known> {
        let name = self.called(index).name.clone();
        let class = "BatchNormalization";
        let (scale, shift) = self.scale_and_shift(index, &x.extents)?;
        let (scale_type, shift_type) =
            (self.type_of(&name, class, "scale"), self.type_of(&name, class, "bias"));
        let is_decimal = self.builder.options.decimal_weights;
        let numbers = |key, values: &[f64], ty| -> Lowered<Numbers> {
            trained(key, vec![values.len()], values, ty, is_decimal)
        };
        let mut layer = DraftLayer::new("batch_norm", vec![x.source]);
        layer.numbers =
            vec![numbers("scale", &scale, scale_type)?, numbers("shift", &shift, shift_type)?];
        // hls4ml keeps it as it is; the spec would fold it where no bit changes.
        layer.settings.push(("fold", Setting::Word("false")));
        let declared = self.declared(&name, class, "result");
        let ty = match declared {
            Declared::Type { ty, .. } => ty,
            Declared::Auto => {
                infer::affine(x.ty, scale_type, shift_type, self.project.widest_type())?
            }
        };
        self.push(&name, layer, x.extents.clone(), ty, declared == Declared::Auto)
    }
}

/// The slope or the alpha of an activation that has one.
fn slope(function: &Function) -> Option<f64> {
    ["negative_slope", "alpha"].iter().find_map(|key| function.parameter(key))
}

/// The spatial extents of a convolution's result, and the settings of its windows.
pub fn windowed(
    cells: &[usize],
    windows: &Windows,
    extents: &[usize],
) -> Lowered<(Vec<usize>, Vec<(&'static str, Setting)>)> {
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

/// Weights and bias with a scale and a shift behind them, in single precision.
fn fuse(
    weight: &Tensor,
    bias: Option<&Tensor>,
    scale: &[f64],
    shift: &[f64],
) -> (Tensor, Option<Tensor>) {
    let single = |a: f64, b: f64| a as f32 * b as f32;
    let columns = scale.len();
    let values = weight.numbers.iter().enumerate();
    let values = values.map(|(i, w)| f64::from(single(scale[i % columns], *w))).collect();
    let sum = |column: usize| {
        let before = bias.map_or(0.0, |bias| bias.numbers[column]);
        f64::from(single(scale[column], before) + shift[column] as f32)
    };
    let sums = (0..columns).map(sum).collect();
    let plain = |extents: Vec<usize>, numbers: Vec<f64>| Tensor {
        extents,
        numbers: std::rc::Rc::new(numbers),
        grid: None,
        is_integer: false,
    };
    (plain(weight.extents.clone(), values), Some(plain(vec![columns], sums)))
}
