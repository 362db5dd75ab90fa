//! Batch normalisations as hls4ml makes them: layers of their own, or parts of those before.

use serde_json::Value;

use super::config::Declared;
use super::infer;
use super::lower::{Known, Lowering};
use super::numbers::trained;
use crate::draft::{DraftLayer, Numbers, Setting};
use crate::error::{Lowered, refuse};
use crate::keras::Function;
use crate::tensor::Tensor;

impl Lowering<'_> {
    /// The batch normalisation that hls4ml makes a part of a layer whose type is derived.
    pub fn fusible(&self, index: usize) -> Option<usize> {
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
    pub fn scale_and_shift(
        &self,
        index: usize,
        extents: &[usize],
    ) -> Lowered<(Vec<f64>, Vec<f64>)> {
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

    /// A batch normalisation as a layer of its own.
    pub fn batch_normalization(&mut self, index: usize, x: &Known) -> Lowered<Known> {
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
                infer::affine(x.seen, scale_type, shift_type, self.project.widest_type())?
            }
        };
        self.push(&name, layer, x.extents.clone(), ty, declared == Declared::Auto)
    }
}

/// Weights and bias with a scale and a shift behind them, in single precision.
pub fn fuse(
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
