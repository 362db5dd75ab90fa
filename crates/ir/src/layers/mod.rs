//! What each layer is: its parameters, and the shape, formats and ranges that follow from them.
//!
//! One file a layer. Inference is exact: the range of each output element is derived from the
//! ranges of the inputs and from the actual weights.

mod dense;
mod quantize;
mod relu;
mod reshape;

pub use dense::{Dense, nearest_divisors};
pub use quantize::Quantize;
pub use relu::Relu;
pub use reshape::Reshape;

use crate::error::Problem;
use crate::fixed::{FixedType, Format, MAX_WIDTH};
use crate::range::Range;
use crate::tensor::{Shape, TensorType, Types};

/// What a layer computes.
#[allow(clippy::large_enum_variant, reason = "a network has few layers, and one copy of each")]
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Constant matrix times vector plus bias.
    Dense(Dense),
    /// max(0, x).
    Relu(Relu),
    /// A cast.
    Quantize(Quantize),
    /// The same elements in another shape.
    Reshape(Reshape),
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

impl From<FixedType> for ResultType {
    fn from(ty: FixedType) -> Self {
        Self::Cast(ty.into())
    }
}

/// The constant matrix of a layer, whose products the reuse factor shares out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelShape {
    /// The rows: features that enter one matrix-vector product.
    pub n_in: usize,
    /// The columns: features that leave it.
    pub n_out: usize,
}

impl Op {
    /// The layer type's word in a spec.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dense(_) => "dense",
            Self::Relu(_) => "relu",
            Self::Quantize(_) => "quantize",
            Self::Reshape(reshape) => reshape.kind(),
        }
    }

    /// The constant matrix that the reuse factor is about, if the layer has one.
    pub fn kernel_shape(&self) -> Option<KernelShape> {
        match self {
            Self::Dense(dense) => dense.kernel_shape(),
            Self::Relu(_) | Self::Quantize(_) | Self::Reshape(_) => None,
        }
    }

    /// How the layer's exact result becomes its output.
    pub fn result_type(&self) -> ResultType {
        match self {
            Self::Dense(dense) => dense.result_type(),
            Self::Relu(relu) => relu.result.clone(),
            Self::Quantize(quantize) => ResultType::Cast(quantize.result.clone()),
            Self::Reshape(_) => ResultType::Auto,
        }
    }

    /// The problems of the layer's parameters that show without knowing its inputs.
    pub fn check(&self) -> Vec<Problem> {
        match self {
            Self::Dense(dense) => dense.check(),
            Self::Relu(_) | Self::Quantize(_) | Self::Reshape(_) => Vec::new(),
        }
    }

    /// The type of the layer's result on inputs of these types.
    ///
    /// # Errors
    /// Every problem of the layer on these inputs.
    pub fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, Vec<Problem>> {
        let [input] = inputs else {
            let (kind, found) = (self.kind(), inputs.len());
            return Err(vec![Problem::InputCount { kind, expected: 1, found }]);
        };
        match self {
            Self::Dense(dense) => dense.infer(input),
            Self::Relu(relu) => relu.infer(input),
            Self::Quantize(quantize) => quantize.infer(input),
            Self::Reshape(reshape) => reshape.infer(input),
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
    exact: &[(Range, i32)],
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
            let cast = |(index, (range, fraction)): (usize, &(Range, i32))| {
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

op_from!(Dense, Relu, Quantize, Reshape);
