//! The circuit of each layer, one file a layer.

mod activation;
mod cast;
mod dense;
mod function;
mod softmax;

pub(crate) use cast::result;

use rtl4ml_ir::{Layer, Op, TensorType};

use crate::circuit::CircuitError;
use crate::delay::DelayModel;
use crate::layer::BuiltLayer;

/// What a layer's circuit is built from.
#[derive(Clone, Copy, Debug)]
pub struct LayerContext<'a> {
    /// The module's name.
    pub module_name: &'a str,
    /// The layer.
    pub layer: &'a Layer,
    /// What it reads.
    pub input: &'a TensorType,
    /// What it computes.
    pub output: &'a TensorType,
    /// When each input element is there within its stage.
    pub arrivals_ps: &'a [u32],
    /// The delays and the budget of a stage.
    pub model: &'a DelayModel,
}

impl LayerContext<'_> {
    /// The layer as a module; `None` where it is only wires.
    ///
    /// # Errors
    /// What of the layer cannot be built, and what can.
    pub fn build(&self) -> Result<Option<BuiltLayer>, CircuitError> {
        match &self.layer.op {
            Op::Dense(dense) => dense::build(self, dense).map(Some),
            Op::Relu(relu) => cast::build_relu(self, relu).map(Some),
            Op::Quantize(quantize) => cast::build_quantize(self, quantize).map(Some),
            Op::LeakyRelu(leaky) => activation::build_leaky_relu(self, leaky).map(Some),
            Op::Clamp(clamp) => activation::build_clamp(self, clamp).map(Some),
            Op::Step(step) => activation::build_step(self, step).map(Some),
            Op::Function(function) => function::build(self, function).map(Some),
            Op::Softmax(softmax) => softmax::build(self, softmax).map(Some),
            Op::Argmax(_) => softmax::build_argmax(self).map(Some),
            Op::Reshape(_) => Ok(None),
            _ => todo!(),
        }
    }
}
