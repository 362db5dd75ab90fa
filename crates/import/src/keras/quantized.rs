//! Layers of HGQ2: what its quantisers and its normalisations make of Keras' layers.

use serde_json::Value;

use super::hgq::Quantizer;
use super::layers::Lowering;
use super::trained::numbered;
use crate::builder::Signal;
use crate::error::{Lowered, refuse};
use crate::tensor::Tensor;

impl Lowering<'_> {
    /// The quantiser with a configuration, whose numbers are below a group of the layer.
    pub fn quantizer(&self, config: Option<&Value>, inner: &str) -> Lowered<Quantizer> {
        let Some(config) = config else {
            return refuse("the configuration of its quantiser is missing");
        };
        let found = numbered(self.file, self.layer, self.group, &format!("{inner}/vars"));
        let numbers: Vec<Tensor> = found.into_iter().map(|(_, tensor)| tensor.clone()).collect();
        Quantizer::read(config, &numbers)
    }

    /// A signal through the quantiser under a key of the layer.
    pub fn quantized(&mut self, x: &Signal, key: &str, inner: &str) -> Lowered<Signal> {
        let quantizer = self.quantizer(self.layer.get(key), inner)?;
        quantizer.lower(self.builder, x)
    }

    /// The layer's inputs through its quantisers.
    pub fn quantized_inputs(&mut self, inputs: &[Signal]) -> Lowered<Vec<Signal>> {
        if !self.layer.flag("enable_iq", false) {
            return Ok(inputs.to_vec());
        }
        let name = self.layer.name.clone();
        self.builder.begin(&format!("{name}_iq"));
        let quantized = match (self.layer.get("iq_confs"), inputs) {
            (None, [x]) => vec![self.quantized(x, "iq_conf", "iq/quantizer")?],
            (Some(Value::Array(configs)), _) if configs.len() == inputs.len() => {
                let mut quantized = Vec::new();
                for (index, (x, config)) in inputs.iter().zip(configs).enumerate() {
                    let number = if index == 0 { String::new() } else { format!("_{index}") };
                    let inner = format!("iq/quantizers/quantizer{number}/quantizer");
                    let quantizer = self.quantizer(Some(config), &inner)?;
                    quantized.push(quantizer.lower(self.builder, x)?);
                }
                quantized
            }
            _ => return refuse("it has not one quantiser for each of its inputs"),
        };
        self.builder.begin(&name);
        Ok(quantized)
    }

    /// A normalisation of each channel, whose scale and shift are quantised.
    pub fn quantized_normalization(&mut self, x: &Signal) -> Lowered<Signal> {
        let scale = self.input_scale(x.channels())?;
        let mean = self.statistics("moving_mean")?;
        // Without a shift, HGQ2 adds 1.
        let has_beta = self.layer.flag("center", true);
        let beta = if has_beta { self.statistics("beta")? } else { vec![1.0; x.channels()] };
        if [&mean, &beta].iter().any(|numbers| numbers.len() != scale.len()) {
            return refuse("its statistics are not one for each channel");
        }
        let products = mean.iter().zip(&scale).map(|(mean, scale)| mean * scale);
        let shift = beta.iter().zip(products).map(|(beta, product)| beta - product).collect();
        let scale =
            self.quantizer(self.layer.get("kq_conf"), "kq/quantizer")?.apply(&vector(scale))?;
        let shift =
            self.quantizer(self.layer.get("bq_conf"), "bq/quantizer")?.apply(&vector(shift))?;
        self.builder.affine(x, &scale.numbers, &shift.numbers)
    }

    /// A dense layer whose weights are scaled by what normalises its inputs before they are
    /// quantised.
    pub fn normalised_dense(&mut self, x: &Signal) -> Lowered<Signal> {
        let scale = self.input_scale(x.channels())?;
        let mean = self.statistics("moving_mean")?;
        let (Some(kernel), Some(bias)) = (self.weights.get("kernel"), self.weights.get("bias"))
        else {
            return refuse("its kernel or its bias is missing in the weights");
        };
        let [inputs, outputs] = kernel.extents[..] else {
            return refuse("its kernel is no matrix");
        };
        if scale.len() != inputs || mean.len() != inputs || bias.numbers.len() != outputs {
            return refuse("its statistics are not one for each input");
        }
        let scaled =
            |(index, number): (usize, &f64)| f64::from(scale[index / outputs] * *number as f32);
        let numbers = kernel.numbers.iter().enumerate().map(scaled).collect();
        let offset = |output: usize| {
            let products =
                (0..inputs).map(|k| f64::from(mean[k]) * kernel.numbers[k * outputs + output]);
            f64::from(bias.numbers[output] as f32 - products.sum::<f64>() as f32)
        };
        let bias = Tensor::new(vec![outputs], (0..outputs).map(offset).collect());
        let kernel = Tensor::new(kernel.extents.clone(), numbers);
        let (Some(kernel), Some(bias)) = (kernel, bias) else {
            return refuse("its kernel or its bias has other extents than numbers");
        };
        let kernel = self.quantizer(self.layer.get("kq_conf"), "kq/quantizer")?.apply(&kernel)?;
        let bias = self.quantizer(self.layer.get("bq_conf"), "bq/quantizer")?.apply(&bias)?;
        self.builder.dense(x, &kernel, Some(&bias))
    }

    /// gamma / sqrt( variance + epsilon ), in single precision as HGQ2 computes it.
    fn input_scale(&self, channels: usize) -> Lowered<Vec<f32>> {
        let has_gamma = self.layer.flag("scale", true);
        let gamma = if has_gamma { self.statistics("gamma")? } else { vec![1.0; channels] };
        let variance = self.statistics("moving_variance")?;
        if gamma.len() != variance.len() {
            return refuse("its statistics are not one for each channel");
        }
        let epsilon = self.layer.number("epsilon", 1e-3) as f32;
        Ok(gamma.iter().zip(&variance).map(|(gamma, v)| gamma / (v + epsilon).sqrt()).collect())
    }

    fn statistics(&self, name: &str) -> Lowered<Vec<f32>> {
        match self.weights.get(name) {
            Some(tensor) => Ok(tensor.numbers.iter().map(|number| *number as f32).collect()),
            None => refuse(format!("its {name} is missing in the weights")),
        }
    }
}

fn vector(numbers: Vec<f32>) -> Tensor {
    let extents = vec![numbers.len()];
    let numbers = std::rc::Rc::new(numbers.into_iter().map(f64::from).collect());
    Tensor { extents, numbers, grid: None, is_integer: false }
}
