//! The circuit of each layer, one file a layer.

mod activation;
mod batch_norm;
mod cast;
mod conv;
mod dense;
mod function;
mod merge;
mod pool;
mod softmax;

pub(crate) use cast::result;

use rtl4ml_ir::{Layer, Op, TensorType};

use crate::circuit::CircuitError;
use crate::delay::DelayModel;
use crate::layer::BuiltLayer;

/// A tensor that a layer reads.
#[derive(Clone, Copy, Debug)]
pub struct LayerInput<'a> {
    /// The tensor.
    pub tensor: &'a TensorType,
    /// When each element is there within the stage in which the layer starts.
    pub arrivals_ps: &'a [u32],
}

/// Where an element comes from: an input of the layer and an element of it; `None` is a zero.
pub type Wire = Option<(usize, usize)>;

/// What a layer's circuit is built from.
#[derive(Clone, Copy, Debug)]
pub struct LayerContext<'a> {
    /// The module's name.
    pub module_name: &'a str,
    /// The layer.
    pub layer: &'a Layer,
    /// What it reads.
    pub inputs: &'a [LayerInput<'a>],
    /// What it computes.
    pub output: &'a TensorType,
    /// The delays and the budget of a stage.
    pub model: &'a DelayModel,
}

impl<'a> LayerContext<'a> {
    /// The tensor that a layer with one input reads.
    pub fn input(&self) -> &'a TensorType {
        self.inputs[0].tensor
    }

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
            Op::Conv(conv) => conv::build(self, conv).map(Some),
            Op::Pool(pool) => pool::build(self, pool).map(Some),
            Op::BatchNorm(norm) => batch_norm::build(self, norm).map(Some),
            Op::Merge(merge) => merge::build(self, merge).map(Some),
            Op::Concatenate(concatenate) => match self.wires() {
                Some(_) => Ok(None),
                None => merge::build_concatenate(self, concatenate).map(Some),
            },
            Op::Dot(dot) => merge::build_dot(self, dot).map(Some),
            Op::Reshape(_) | Op::Rearrange(_) => Ok(None),
        }
    }

    /// Where the elements of the result come from, where the layer is only wires.
    pub fn wires(&self) -> Option<Vec<Wire>> {
        match &self.layer.op {
            Op::Reshape(_) => {
                Some((0..self.output.element_count()).map(|i| Some((0, i))).collect())
            }
            Op::Rearrange(rearrange) => {
                let extents = [self.input(), self.output].map(|tensor| tensor.shape.extents());
                let sources = rearrange.sources(extents[0], extents[1]).into_iter();
                Some(sources.map(|source| source.map(|index| (0, index))).collect())
            }
            Op::Concatenate(concatenate) => merge::concatenate_wires(self, concatenate),
            _ => None,
        }
    }
}
