//! What each layer is: its parameters, and the shape, formats and ranges that follow from them.
//!
//! One file a layer. Inference is exact: the range of each output element is derived from the
//! ranges of the inputs and from the actual weights.

mod activation;
mod batch_norm;
mod conv;
mod curve;
mod dense;
mod function;
mod kernel;
mod merge;
mod pool;
mod quantize;
mod rearrange;
mod relu;
mod reshape;
mod softmax;
mod table;

pub use activation::{
    Clamp, ClampKind, ExactLine, ExactSlopes, LeakyRelu, Line, Step, StepKind, Thresholds,
};
pub use batch_norm::{BatchNorm, ExactAffine};
pub use conv::Conv;
pub use dense::{Dense, nearest_divisors};
pub use function::{Curve, Function, FunctionTables, TableChoice};
pub use kernel::{Accumulation, ExactRange, Kernel, KernelShape, KernelSteps};
pub use merge::{Concatenate, Dot, DotSteps, Merge, MergeKind};
pub use pool::{Pool, PoolKind, PoolRule, PoolSteps};
pub use quantize::Quantize;
pub use rearrange::Rearrange;
pub use relu::Relu;
pub use reshape::Reshape;
pub use softmax::{
    Argmax, ExactSoftmax, LegacySoftmax, Softmax, SoftmaxEntries, SoftmaxImplementation,
    SoftmaxQuotients, SoftmaxSteps, SoftmaxTables, difference_type,
};
pub use table::{AUTO_FRACTION_BITS, ExactLookup, IndexRule, MAX_TABLE_SIZE, Table};

use crate::constant::Constant;
use crate::error::Problem;
use crate::fixed::{FixedType, Format, MAX_WIDTH};
use crate::range::Range;
use crate::tensor::{Shape, TensorType, Types};

/// What a layer computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Constant matrix times vector plus bias.
    Dense(Dense),
    /// The same in each window of an image.
    Conv(Conv),
    /// The maximum or average of each window.
    Pool(Pool),
    /// A scale and a shift for each channel.
    BatchNorm(BatchNorm),
    /// max(0, x).
    Relu(Relu),
    /// x, or alpha * x where x is negative.
    LeakyRelu(LeakyRelu),
    /// A straight line between two bounds.
    Clamp(Clamp),
    /// One of a few values, by thresholds.
    Step(Step),
    /// A unary function by a table.
    Function(Function),
    /// Softmax over the last axis.
    Softmax(Softmax),
    /// The index of the maximum over the last axis.
    Argmax(Argmax),
    /// Several tensors element by element.
    Merge(Merge),
    /// Several tensors one after the other.
    Concatenate(Concatenate),
    /// The scalar product of two vectors.
    Dot(Dot),
    /// A cast.
    Quantize(Quantize),
    /// The same elements in another shape.
    Reshape(Reshape),
    /// Elements moved, repeated, dropped, or zeros put between.
    Rearrange(Rearrange),
}

/// The type of a layer's result.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum ResultType {
    /// The smallest format that holds every exact result: nothing is rounded.
    #[default]
    Auto,
    /// The exact result is cast to these types.
    Cast(Types),
}

impl ResultType {
    /// Where the result has no type of its own, that of the accumulator, if it has one.
    pub fn or_accum(self, accum: Option<FixedType>) -> Self {
        match (self, accum) {
            (Self::Auto, Some(accum)) => accum.into(),
            (result, _) => result,
        }
    }
}

impl From<FixedType> for ResultType {
    fn from(ty: FixedType) -> Self {
        Self::Cast(ty.into())
    }
}

impl Op {
    /// The layer type's word in a spec.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dense(_) => "dense",
            Self::Conv(conv) => conv.kind(),
            Self::Pool(pool) => pool.kind(),
            Self::BatchNorm(_) => "batch_norm",
            Self::Relu(_) => "relu",
            Self::LeakyRelu(leaky) => leaky.kind(),
            Self::Clamp(clamp) => clamp.kind.word(),
            Self::Step(step) => step.kind.word(),
            Self::Function(function) => function.curve.word(),
            Self::Softmax(_) => "softmax",
            Self::Argmax(_) => "argmax",
            Self::Merge(merge) => merge.kind.word(),
            Self::Concatenate(_) => "concatenate",
            Self::Dot(_) => "dot",
            Self::Quantize(_) => "quantize",
            Self::Reshape(reshape) => reshape.kind(),
            Self::Rearrange(rearrange) => rearrange.kind(),
        }
    }

    /// The kernels that multiply by trained weights, all of one shape; none for most layers.
    pub fn kernels(&self) -> &[Kernel] {
        match self {
            Self::Dense(dense) => std::slice::from_ref(&dense.kernel),
            Self::Conv(conv) => &conv.groups,
            _ => &[],
        }
    }

    /// The trained numbers, each with its key in a spec; one key may come several times.
    pub fn constants(&self) -> Vec<(&'static str, &Constant)> {
        match self {
            Self::BatchNorm(norm) => vec![("scale", &norm.scale), ("shift", &norm.shift)],
            Self::LeakyRelu(leaky) => vec![("alpha", &leaky.alpha)],
            Self::Function(function) => {
                function.curve.entries().map(|entries| ("values", entries)).into_iter().collect()
            }
            _ => {
                let weights = self.kernels().iter().map(|kernel| ("weight", &kernel.weight));
                let biases = self.kernels().iter().filter_map(|kernel| kernel.bias.as_ref());
                weights.chain(biases.map(|bias| ("bias", bias))).collect()
            }
        }
    }

    /// The constant matrix that the reuse factor is about, if the layer has one.
    pub fn kernel_shape(&self) -> Option<KernelShape> {
        self.kernels().first().and_then(Kernel::shape)
    }

    /// How often an input of these extents makes the layer apply its kernels.
    pub fn positions(&self, input: &[usize]) -> usize {
        match self {
            Self::Dense(_) => input.split_last().map_or(1, |(_, before)| before.iter().product()),
            Self::Conv(conv) => conv.window.slide(input).map_or(1, |sliding| sliding.positions()),
            _ => 1,
        }
    }

    /// How the layer's exact result becomes its output.
    pub fn result_type(&self) -> ResultType {
        match self {
            Self::Dense(dense) => dense.result_type(),
            Self::Conv(conv) => conv.result_type(),
            Self::Pool(pool) => pool.result_type(),
            Self::BatchNorm(norm) => norm.result.clone(),
            Self::Relu(relu) => relu.result.clone(),
            Self::LeakyRelu(leaky) => leaky.result.clone(),
            Self::Clamp(clamp) => clamp.result.clone(),
            Self::Step(step) => step.result.clone(),
            Self::Function(function) => function.result.clone(),
            Self::Softmax(softmax) => softmax.result.clone(),
            Self::Merge(merge) => merge.result.clone(),
            Self::Concatenate(concatenate) => concatenate.result.clone(),
            Self::Dot(dot) => dot.result_type(),
            Self::Quantize(quantize) => ResultType::Cast(quantize.result.clone()),
            Self::Argmax(_) | Self::Reshape(_) | Self::Rearrange(_) => ResultType::Auto,
        }
    }

    /// Gives the layer's result other types, where it has any.
    pub fn set_result_types(&mut self, types: Types) {
        let result = match self {
            Self::Dense(dense) => &mut dense.result,
            Self::Conv(conv) => &mut conv.result,
            Self::Pool(pool) => &mut pool.result,
            Self::BatchNorm(norm) => &mut norm.result,
            Self::Relu(relu) => &mut relu.result,
            Self::LeakyRelu(leaky) => &mut leaky.result,
            Self::Clamp(clamp) => &mut clamp.result,
            Self::Step(step) => &mut step.result,
            Self::Function(function) => &mut function.result,
            Self::Softmax(softmax) => &mut softmax.result,
            Self::Merge(merge) => &mut merge.result,
            Self::Concatenate(concatenate) => &mut concatenate.result,
            Self::Dot(dot) => &mut dot.result,
            Self::Quantize(quantize) => {
                quantize.result = types;
                return;
            }
            Self::Argmax(_) | Self::Reshape(_) | Self::Rearrange(_) => return,
        };
        *result = ResultType::Cast(types);
    }

    /// The problems of the layer's parameters that show without knowing its inputs.
    pub fn check(&self) -> Vec<Problem> {
        match self {
            Self::Conv(conv) => conv.check(),
            _ => self.kernels().iter().find_map(Kernel::check).into_iter().collect(),
        }
    }

    /// The type of the layer's result on inputs of these types.
    ///
    /// # Errors
    /// Every problem of the layer on these inputs.
    pub fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, Vec<Problem>> {
        let several = match self {
            Self::Merge(merge) => Some(merge.infer(inputs)),
            Self::Concatenate(concatenate) => Some(concatenate.infer(inputs)),
            Self::Dot(dot) => Some(dot.infer(inputs)),
            _ => None,
        };
        if let Some(result) = several {
            return result.map_err(|problem| vec![problem]);
        }
        let [input] = inputs else {
            let (kind, found) = (self.kind(), inputs.len());
            return Err(vec![Problem::InputCount { kind, expected: "1", found }]);
        };
        match self {
            Self::Dense(dense) => dense.infer(input),
            Self::Conv(conv) => conv.infer(input),
            Self::Pool(pool) => pool.infer(input),
            Self::BatchNorm(norm) => norm.infer(input),
            Self::Relu(relu) => relu.infer(input),
            Self::LeakyRelu(leaky) => leaky.infer(input),
            Self::Clamp(clamp) => clamp.infer(input),
            Self::Step(step) => step.infer(input),
            Self::Function(function) => function.infer(input),
            Self::Softmax(softmax) => softmax.infer(input),
            Self::Argmax(Argmax) => Argmax::infer(input),
            Self::Quantize(quantize) => quantize.infer(input),
            Self::Reshape(reshape) => reshape.infer(input),
            Self::Rearrange(rearrange) => rearrange.infer(input),
            Self::Merge(_) | Self::Concatenate(_) | Self::Dot(_) => unreachable!("handled above"),
        }
        .map_err(|problem| vec![problem])
    }
}

/// The tensor that exact results become.
///
/// `exact` gives for each element the range of its exact mantissa and the bits after its binary
/// point.
fn result_tensor(
    shape: Shape,
    exact: &[ExactRange],
    result: &ResultType,
) -> Result<TensorType, Problem> {
    match result {
        ResultType::Auto => {
            let grid = exact
                .iter()
                .filter(|(range, _)| *range != Range::ZERO)
                .map(|(_, fraction)| *fraction)
                .max()
                .unwrap_or_default();
            let ranges = exact
                .iter()
                .map(|(range, fraction)| {
                    let aligned = range.shifted_left((grid - fraction) as u32);
                    bounded(aligned, "the exact result (`result: auto`)")
                })
                .collect::<Result<Vec<_>, _>>()?;
            let union = ranges.iter().fold(Range::ZERO, |union, range| union.union(*range));
            // A tensor of zeros has a bit all the same, so that it can be a port.
            let held = if union == Range::ZERO { Range::new(0, 1) } else { union };
            let format = Format::holding(held, grid);
            Ok(TensorType::uniform(shape, format, ranges))
        }
        ResultType::Cast(types) => {
            if let Some(found) = types.len_per_element().filter(|n| *n != exact.len()) {
                let expected = exact.len();
                return Err(Problem::ElementTypes { what: "the result", found, expected });
            }
            let cast = |(index, (range, fraction)): (usize, &ExactRange)| {
                range.cast(*fraction, types.get(index))
            };
            let ranges = exact.iter().enumerate().map(cast).collect();
            Ok(TensorType::cast(shape, types, ranges))
        }
    }
}

/// The range, unless it needs more bits than a signal may have.
fn bounded(range: Option<Range>, what: &str) -> Result<Range, Problem> {
    let too_wide = |width| Problem::TooWide { what: what.to_owned(), width };
    let range = range.ok_or_else(|| too_wide(127))?;
    if range.width() > MAX_WIDTH { Err(too_wide(range.width())) } else { Ok(range) }
}

macro_rules! op_from {
    ($($layer:ident),+) => {
        $(impl From<$layer> for Op {
            fn from(layer: $layer) -> Self {
                Self::$layer(layer)
            }
        })+
    };
}

op_from!(
    Dense,
    Conv,
    Pool,
    BatchNorm,
    Relu,
    LeakyRelu,
    Clamp,
    Step,
    Function,
    Softmax,
    Argmax,
    Merge,
    Concatenate,
    Dot,
    Quantize,
    Reshape,
    Rearrange
);
