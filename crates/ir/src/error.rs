//! What can be wrong with a network, where, and what would be right.

use crate::network::{InputId, LayerId};

/// A violated invariant of the graph.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{problem}")]
pub struct VerifyError {
    /// Which part of the network it concerns.
    pub site: Site,
    /// What is wrong there.
    pub problem: Problem,
}

/// A part of the network that an error can point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    /// The network as a whole.
    Network,
    /// One of its inputs.
    Input(InputId),
    /// One of its layers.
    Layer(LayerId),
    /// The output with this position.
    Output(usize),
}

/// What is wrong, with what was found and what is legal.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what its fields are")]
pub enum Problem {
    #[error(
        "`{found}` is not a legal name; use letters, digits and underscores, at most 64, not starting with a digit, e.g. `{suggestion}`"
    )]
    Name { found: String, suggestion: String },
    #[error("the name `{name}` is used twice")]
    DuplicateName { name: String },
    #[error("the network has no {what}")]
    Empty { what: &'static str },
    #[error("{what} reads a layer that does not come before it")]
    ForwardReference { what: String },
    #[error(
        "`{name}` reaches no output; name it under `outputs`, let a later layer read it, or remove it"
    )]
    Dead { name: String },
    #[error("{} layer reads {expected} input(s), found {found}", with_article(kind))]
    InputCount { kind: &'static str, expected: &'static str, found: usize },
    #[error(
        "the weight's shape is {found:?}; a dense layer on an input of {n_in} features needs [{n_in}, units]"
    )]
    WeightInputs { found: Vec<usize>, n_in: usize },
    #[error("the weight's shape is {found:?}; a dense layer's weight has two axes, [n_in, n_out]")]
    WeightRank { found: Vec<usize> },
    #[error(
        "the input's shape is {found:?}; this layer needs {rank} spatial {} and the channels, {}",
        if *.rank == 1 { "axis" } else { "axes" },
        if *.rank == 1 { "[steps, channels]" } else { "[rows, columns, channels]" }
    )]
    ImageRank { found: Vec<usize>, rank: usize },
    #[error(
        "the window spans {kernel} pixels, but the input has only {found} on that axis; choose a smaller kernel or dilation, or `padding: same`"
    )]
    WindowSize { kernel: usize, found: usize },
    #[error("the weight is for {found} input channels, but the input has {channels}")]
    WeightChannels { found: usize, channels: usize },
    #[error("the {what}'s shape is {found:?}; legal here: [{channels}], one number a channel")]
    ChannelConstant { what: &'static str, found: Vec<usize>, channels: usize },
    #[error("the {what}'s shape {found:?} does not broadcast to that of the input, {input}")]
    Broadcast { what: &'static str, found: Vec<usize>, input: String },
    #[error("the inputs' shapes {} do not fit together for {kind}", .shapes.join(" and "))]
    InputShapes { kind: &'static str, shapes: Vec<String> },
    #[error("`dims` is {found:?}; legal is each of the numbers from 1 to {rank} once")]
    Permutation { found: Vec<usize>, rank: usize },
    #[error(
        "axis {found} does not exist in the shape {shape}, before which the batch is axis 0; legal: 1 to {rank}, or -{rank} to -1 from the last"
    )]
    Axis { found: i32, rank: usize, shape: String },
    #[error("cropping {before} before and {after} after leaves nothing of an axis of {found}")]
    Cropping { before: usize, after: usize, found: usize },
    #[error("parallelization_factor {found} does not divide the {positions} positions; {}", near_text(*found, *below, *above))]
    Parallelization { found: u64, positions: u64, below: Option<u64>, above: Option<u64> },
    #[error("the bias's shape is {found:?}; legal here: [{n_out}]")]
    BiasShape { found: Vec<usize>, n_out: usize },
    #[error("{what} has {found} element types for {expected} elements")]
    ElementTypes { what: &'static str, found: usize, expected: usize },
    #[error(
        "the types of {what} have the shape {found:?}, which does not broadcast to {expected}: aligned at the last axis, each extent must be 1 or that of the tensor"
    )]
    BroadcastTypes { what: &'static str, found: Vec<usize>, expected: String },
    #[error("reuse_factor {found} does not divide {n_in} x {n_out}; {}", near_text(*found, *below, *above))]
    ReuseFactor { found: u64, n_in: usize, n_out: usize, below: Option<u64>, above: Option<u64> },
    #[error(
        "strategy `distributed_arithmetic` is fully parallel: reuse_factor must be 1, found {found}; legal with {found}: `strategy: resource`"
    )]
    ReuseWithDistributedArithmetic { found: u64 },
    #[error(
        "{what} has the format {format}; legal are widths of at most {} bits and at most {} integer bits either way",
        crate::fixed::MAX_WIDTH,
        crate::fixed::MAX_INTEGER_BITS
    )]
    Format { what: &'static str, format: crate::fixed::Format },
    #[error(
        "{what} would need {width} bits; at most 64 are supported: choose narrower types or an explicit `accum`"
    )]
    TooWide { what: String, width: u32 },
    #[error(
        "cannot reshape {found} ({found_count} elements) to {}; the element counts must be equal",
        extents_text(.wanted)
    )]
    Reshape { found: String, found_count: usize, wanted: Vec<Option<usize>> },
    #[error(
        "the tensor {extents:?} has more than {} elements or an empty axis",
        crate::tensor::MAX_ELEMENTS
    )]
    TensorSize { extents: Vec<usize> },
    #[error(
        "up to this tensor, those of the network have {found} elements in all; at most {} are supported",
        crate::tensor::MAX_NETWORK_ELEMENTS
    )]
    NetworkElements { found: usize },
    #[error(
        "with this layer, the network does {found} multiplications, steps of pooling counted; at most {} are supported",
        crate::tensor::MAX_NETWORK_PRODUCTS
    )]
    NetworkProducts { found: u64 },
    #[error("the {what} of a contract must be at least 1 clock cycle")]
    Contract { what: &'static str },
    #[error("the budget has {what} {found}, but the part {device} has {available}")]
    Budget { what: &'static str, found: u64, device: String, available: u64 },
    #[error(
        "the table would have {found} entries; legal are 1 to {}",
        crate::layers::MAX_TABLE_SIZE
    )]
    TableSize { found: usize },
    #[error("the table has {found} entries; here it must be a power of two, legal near it: {below}, {}", .below * 2)]
    TablePower { found: usize, below: usize },
    #[error(
        "the sum of exponentials has the format {format}, fewer bits than the index of a table of 2^{bits} reciprocals; choose a wider `inv_inp` or a smaller `table_size`"
    )]
    TableIndex { format: crate::fixed::Format, bits: u32 },
    #[error("{what} is {found}; legal are 1 to {most}")]
    Bits { what: &'static str, found: u32, most: u32 },
    #[error("{what} must have one format for all elements of a softmax")]
    OneFormat { what: &'static str },
    #[error("the output `{name}` is listed twice")]
    DuplicateOutput { name: String },
}

/// A word with the article that it takes.
pub fn with_article(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {word}")
}

/// A shape as a spec writes it, -1 for the extent that is left open.
fn extents_text(extents: &[Option<usize>]) -> String {
    let texts: Vec<String> =
        extents.iter().map(|extent| extent.map_or("-1".to_owned(), |n| n.to_string())).collect();
    format!("[{}]", texts.join(", "))
}

/// The sentence that names the legal values around an illegal one.
fn near_text(found: u64, below: Option<u64>, above: Option<u64>) -> String {
    let near: Vec<String> = [below, above].into_iter().flatten().map(|n| n.to_string()).collect();
    format!("legal near {found}: {}", near.join(", "))
}

impl Problem {
    /// That the shapes of a layer's inputs do not fit together.
    pub(crate) fn shapes_of(kind: &'static str, inputs: &[&crate::tensor::TensorType]) -> Self {
        let shapes = inputs.iter().map(|input| input.shape.to_string()).collect();
        Self::InputShapes { kind, shapes }
    }

    /// The key of the spec that the problem is about, so that a message can point at it.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Name { .. } | Self::DuplicateName { .. } | Self::Dead { .. } => "name",
            Self::Empty { what }
            | Self::Contract { what }
            | Self::Budget { what, .. }
            | Self::ChannelConstant { what, .. }
            | Self::Broadcast { what, .. }
            | Self::Bits { what, .. } => what,
            Self::ForwardReference { .. }
            | Self::InputCount { .. }
            | Self::ImageRank { .. }
            | Self::InputShapes { .. } => "inputs",
            Self::WeightInputs { .. }
            | Self::WeightRank { .. }
            | Self::WeightChannels { .. }
            | Self::NetworkProducts { .. } => "weight",
            Self::WindowSize { .. } => "kernel_size",
            Self::Permutation { .. } => "dims",
            Self::Axis { .. } => "axis",
            Self::Cropping { .. } => "cropping",
            Self::Parallelization { .. } => "parallelization_factor",
            Self::BiasShape { .. } => "bias",
            Self::ElementTypes { .. }
            | Self::BroadcastTypes { .. }
            | Self::Format { .. }
            | Self::TooWide { .. }
            | Self::OneFormat { .. } => "precision",
            Self::ReuseFactor { .. } => "reuse_factor",
            Self::ReuseWithDistributedArithmetic { .. } => "strategy",
            Self::Reshape { .. } | Self::TensorSize { .. } | Self::NetworkElements { .. } => {
                "shape"
            }
            Self::TableSize { .. } | Self::TablePower { .. } | Self::TableIndex { .. } => {
                "table_size"
            }
            Self::DuplicateOutput { .. } => "outputs",
        }
    }
}
