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

use rtl4ml_ir::layers::Conv;
use rtl4ml_ir::{Dense, Layer, Op, TensorType};

use crate::circuit::CircuitError;
use crate::delay::DelayModel;
use crate::distributed::Rule;
use crate::kernel;
use crate::layer::{BuiltLayer, Untimed};

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
    pub inputs: &'a [&'a TensorType],
    /// What it computes.
    pub output: &'a TensorType,
    /// The delays and the budget of a stage.
    pub model: &'a DelayModel,
    /// What sums by distributed arithmetic look at first.
    pub rule: Rule,
}

impl<'a> LayerContext<'a> {
    /// The tensor that a layer with one input reads.
    pub fn input(&self) -> &'a TensorType {
        self.inputs[0]
    }

    /// Whether the layer takes an input every cycle and has a circuit for each operation: only then
    /// has it a dataflow from its inputs to its outputs.
    ///
    /// # Panics
    /// When the layer is not verified.
    pub fn is_fully_parallel(&self) -> bool {
        let (dense, conv) = match &self.layer.op {
            Op::Dense(dense) => (Some(dense), None),
            Op::Conv(conv) => (None, Some(conv)),
            _ => return true,
        };
        let extents = self.input().shape.extents();
        let of_dense = |dense: &Dense| {
            let kernel = dense.kernel.shape().expect("a verified layer's kernel has a matrix");
            self.input().element_count() / kernel.n_in
        };
        let of_conv = |conv: &Conv| {
            conv.slide(extents).expect("a verified layer's window fits its input").positions()
        };
        let positions = || dense.map(of_dense).or_else(|| conv.map(of_conv)).unwrap_or(1);
        kernel::is_fully_parallel(&self.layer.implementation, positions)
    }

    /// The dataflow of a layer that is fully parallel; `None` where it is only wires.
    ///
    /// # Errors
    /// What of the layer cannot be built, and what can.
    ///
    /// # Panics
    /// When the layer is not fully parallel.
    pub fn untimed(&self) -> Result<Option<Untimed>, CircuitError> {
        match &self.layer.op {
            Op::Dense(dense) => dense::untimed(self, dense).map(Some),
            Op::Relu(relu) => cast::build_relu(self, relu).map(Some),
            Op::Quantize(quantize) => cast::build_quantize(self, quantize).map(Some),
            Op::LeakyRelu(leaky) => activation::build_leaky_relu(self, leaky).map(Some),
            Op::Clamp(clamp) => activation::build_clamp(self, clamp).map(Some),
            Op::Step(step) => activation::build_step(self, step).map(Some),
            Op::Function(function) => function::build(self, function).map(Some),
            Op::Softmax(softmax) => softmax::build(self, softmax).map(Some),
            Op::Argmax(_) => softmax::build_argmax(self).map(Some),
            Op::Conv(conv) => conv::untimed(self, conv).map(Some),
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

    /// The layer as a module on its own, whose inputs are there so long after the start of a
    /// stage; `None` where it is only wires.
    ///
    /// # Errors
    /// What of the layer cannot be built, and what can.
    pub fn build(&self, arrivals_ps: &[Vec<u32>]) -> Result<Option<BuiltLayer>, CircuitError> {
        if self.is_fully_parallel() {
            let scheduled = |untimed: Untimed| untimed.on_its_own(self, arrivals_ps);
            return Ok(self.untimed()?.map(scheduled));
        }
        match &self.layer.op {
            Op::Dense(dense) => dense::build(self, dense).map(Some),
            Op::Conv(conv) => conv::build(self, conv).map(Some),
            _ => unreachable!("only kernels are shared"),
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
