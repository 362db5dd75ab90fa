//! The network as its author described it: a graph of layers, with integer weights.
//!
//! A [`Network`] is plain data and may be wrong; [`verify`](crate::verify()) turns it into a
//! [`VerifiedNetwork`](crate::VerifiedNetwork), which is what everything else takes.

use crate::budget::Budget;
use crate::layers::Op;
use crate::target::Target;
use crate::tensor::Types;

/// A network of layers between inputs and outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The network's name, and that of the top module.
    pub name: String,
    /// The part and its clock.
    pub target: Target,
    /// What the built circuit must keep.
    pub contract: Contract,
    /// What the built circuit may take of the part.
    pub budget: Budget,
    /// How data enters and leaves.
    pub io: Io,
    /// The input tensors, in the order of the ports.
    pub inputs: Vec<Input>,
    /// The layers; each reads inputs and layers before it.
    pub layers: Vec<Layer>,
    /// The output tensors, in the order of the ports.
    pub outputs: Vec<Source>,
}

/// An input tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its extents, channels last.
    pub extents: Vec<usize>,
    /// The types that the user's numbers are cast to.
    pub types: Types,
}

/// A layer: one operation on the tensors that it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its name, and that of its module.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<Source>,
    /// How it is built; this never changes what it computes.
    pub implementation: Implementation,
}

/// Names an input of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InputId(pub u32);

/// Names a layer of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayerId(pub u32);

/// A tensor of the graph: an input, or what a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// An input of the network.
    Input(InputId),
    /// The result of a layer.
    Layer(LayerId),
}

/// How data enters and leaves the circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// All elements of a tensor at once.
    #[default]
    Parallel,
    /// One pixel (all channels) a transfer.
    Stream,
}

/// What the circuit of a layer looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Strategy {
    /// A multiplier for each product, fully pipelined; with a reuse factor above 1, weights are
    /// kept in logic.
    #[default]
    Latency,
    /// Multipliers shared over time, weights in ROMs (distributed or block RAM by depth).
    Resource,
    /// Shifted adders with shared subexpressions, no multiplier; reuse factor 1.
    DistributedArithmetic,
    /// The cheapest of the others, their multipliers and reuse factors that keeps contract and
    /// budget; it is chosen when the network is built.
    Auto,
}

/// What a multiplier is built of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MultiplierStyle {
    /// DSP blocks where both operands are wide enough to be worth one, else logic.
    #[default]
    Auto,
    /// DSP blocks.
    Dsp,
    /// Look-up tables and carry chains.
    Lut,
}

/// How a layer is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Implementation {
    /// The circuit's shape.
    pub strategy: Strategy,
    /// How many multiplications each multiplier does per inference.
    pub reuse_factor: u64,
    /// Whether the reuse factor was asked for, so that strategy `auto` keeps it; it means nothing
    /// to the others.
    pub reuse_factor_is_fixed: bool,
    /// What a multiplier is built of.
    pub multiplier: MultiplierStyle,
    /// How many positions of a convolution are computed at once with `io: parallel`; all of them
    /// where nothing is said.
    pub parallelization_factor: Option<u64>,
}

impl Default for Implementation {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            reuse_factor: 1,
            reuse_factor_is_fixed: false,
            multiplier: MultiplierStyle::default(),
            parallelization_factor: None,
        }
    }
}

/// What the build must keep, or fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    /// The most clock cycles between two accepted inputs.
    pub initiation_interval_cycles: Option<u64>,
    /// The most time from an input to its output.
    pub latency: Option<LatencyBound>,
}

/// A bound on the latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatencyBound {
    /// In clock cycles.
    Cycles(u64),
    /// In picoseconds; a partial cycle does not count.
    Picoseconds(u64),
}

impl LatencyBound {
    /// The whole clock cycles of `period_ps` that the bound leaves.
    pub fn cycles(self, period_ps: u64) -> u64 {
        match self {
            Self::Cycles(cycles) => cycles,
            Self::Picoseconds(ps) => ps / period_ps,
        }
    }
}

/// Gives the variants of an enum the words that stand for them in a spec and in a report.
macro_rules! words_of {
    ($ty:ty: $($variant:ident = $word:literal),+) => {
        impl $ty {
            /// Every variant, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that stands for the variant in a spec and in a report.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The variant that a word stands for.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|variant| variant.word() == word)
            }
        }
    };
}

pub(crate) use words_of;

words_of!(Io: Parallel = "parallel", Stream = "stream");
words_of!(Strategy: Latency = "latency", Resource = "resource", DistributedArithmetic = "distributed_arithmetic", Auto = "auto");
words_of!(MultiplierStyle: Auto = "auto", Dsp = "dsp", Lut = "lut");

impl Network {
    /// A network without inputs, layers and outputs, for the default target.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            target: Target::default(),
            contract: Contract::default(),
            budget: Budget::default(),
            io: Io::default(),
            inputs: Vec::new(),
            layers: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Adds an input.
    pub fn input(
        &mut self,
        name: impl Into<String>,
        extents: impl Into<Vec<usize>>,
        types: impl Into<Types>,
    ) -> Source {
        let id = InputId(self.inputs.len() as u32);
        self.inputs.push(Input { name: name.into(), extents: extents.into(), types: types.into() });
        Source::Input(id)
    }

    /// Adds a layer with the default implementation.
    pub fn layer(
        &mut self,
        name: impl Into<String>,
        op: impl Into<Op>,
        inputs: impl Into<Vec<Source>>,
    ) -> Source {
        self.layer_with(name, op, inputs, Implementation::default())
    }

    /// Adds a layer that is built as `implementation` says.
    pub fn layer_with(
        &mut self,
        name: impl Into<String>,
        op: impl Into<Op>,
        inputs: impl Into<Vec<Source>>,
        implementation: Implementation,
    ) -> Source {
        let id = LayerId(self.layers.len() as u32);
        let (name, op, inputs) = (name.into(), op.into(), inputs.into());
        self.layers.push(Layer { name, op, inputs, implementation });
        Source::Layer(id)
    }

    /// The name of a tensor: that of the input, or of the layer that computes it.
    pub fn source_name(&self, source: Source) -> &str {
        match source {
            Source::Input(id) => &self.inputs[id.0 as usize].name,
            Source::Layer(id) => &self.layers[id.0 as usize].name,
        }
    }

    /// The layers with their ids, in order.
    pub fn layers_with_ids(&self) -> impl Iterator<Item = (LayerId, &Layer)> {
        (0..).map(LayerId).zip(&self.layers)
    }
}
