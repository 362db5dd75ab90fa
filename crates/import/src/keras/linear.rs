//! Layers of Keras with weights.

use serde_json::Value;

use super::config::Package;
use super::hgq1;
use super::layers::Lowering;
use super::quantizers::Function;
use crate::builder::{Pad, Signal, Windows};
use crate::error::{Lowered, refuse};
use crate::tensor::Tensor;

impl Lowering<'_> {
    /// Trained numbers, through their quantiser where there is one.
    pub(super) fn numbers(&self, name: &str, quantizer: &str) -> Lowered<Tensor> {
        if self.layer.package == Package::Hgq {
            return self.deployed(name);
        }
        let other = name.trim_start_matches("depthwise_");
        let Some(tensor) = self.weights.get(name).or_else(|| self.weights.get(other)) else {
            return refuse(format!("its {name} is missing in the weights"));
        };
        let of_hgq = match name {
            _ if self.layer.package != Package::Hgq2 => None,
            "kernel" => Some(("kq_conf", "kq/quantizer")),
            "bias" => Some(("bq_conf", "bq/quantizer")),
            _ => None,
        };
        if let Some((key, inner)) = of_hgq {
            return self.quantizer(self.layer.get(key), inner)?.apply(tensor);
        }
        match self.layer.get(quantizer) {
            Some(value) => Function::read(value)?.apply(tensor),
            None if self.dialect.is_granular => Ok(hgq1::as_trained(tensor)),
            None => Ok(tensor.clone()),
        }
    }

    /// The bias, where there is one.
    pub(super) fn bias(&self) -> Lowered<Option<Tensor>> {
        if self.layer.flag("use_bias", true) {
            self.numbers("bias", "bias_quantizer").map(Some)
        } else {
            Ok(None)
        }
    }

    /// A dense layer.
    pub(super) fn dense(&mut self, x: &Signal) -> Lowered<Signal> {
        let (weight, bias) = (self.numbers("kernel", "kernel_quantizer")?, self.bias()?);
        self.builder.dense(x, &weight, bias.as_ref())
    }

    /// A convolution.
    pub(super) fn conv(&mut self, x: &Signal, rank: usize) -> Lowered<Signal> {
        let groups = self.layer.number("groups", 1.0) as usize;
        let (weight, bias) = (self.numbers("kernel", "kernel_quantizer")?, self.bias()?);
        let windows = self.layer.windows(rank, self.layer.lengths("strides", rank, 1)?)?;
        self.builder.conv(x, &weight, bias.as_ref(), &windows, groups)
    }

    /// A convolution of each channel on its own.
    pub(super) fn depthwise(&mut self, x: &Signal, rank: usize) -> Lowered<Signal> {
        let (weight, bias) =
            (self.numbers("depthwise_kernel", "depthwise_quantizer")?, self.bias()?);
        let windows = self.layer.windows(rank, self.layer.lengths("strides", rank, 1)?)?;
        self.builder.depthwise(x, &weight, bias.as_ref(), &windows)
    }

    /// Such a convolution, and then one of cells alone.
    pub(super) fn separable(&mut self, x: &Signal, rank: usize) -> Lowered<Signal> {
        let depthwise = self.numbers("depthwise_kernel", "depthwise_quantizer")?;
        let pointwise = self.numbers("pointwise_kernel", "pointwise_quantizer")?;
        let bias = self.bias()?;
        let windows = self.layer.windows(rank, self.layer.lengths("strides", rank, 1)?)?;
        let name = self.layer.name.clone();
        self.builder.begin(&format!("{name}_depthwise"));
        let between = self.builder.depthwise(x, &depthwise, None, &windows)?;
        self.builder.begin(&name);
        let plain = Windows { strides: vec![1; rank], dilations: vec![1; rank], pad: Pad::Valid };
        self.builder.conv(&between, &pointwise, bias.as_ref(), &plain, 1)
    }

    /// A scale and a shift of each channel.
    pub(super) fn batch_normalization(&mut self, x: &Signal) -> Lowered<Signal> {
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
}
