//! Nodes, what they compute, and how they are referred to.

use std::sync::Arc;

use rtl4ml_hdl::Compression;
use rtl4ml_ir::{FixedType, Range};

/// Names a node of a dataflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// A node as an operand: its integer times 2^`shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shifted {
    /// The node.
    pub node: NodeId,
    /// The shift to the left, in bits.
    pub shift: u32,
}

/// One bit of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BitOf {
    /// The node; its two's complement where it can be negative.
    pub node: NodeId,
    /// The bit, counted from the low end.
    pub bit: u32,
}

impl From<NodeId> for BitOf {
    /// The low bit: the node itself where that is 0 or 1.
    fn from(node: NodeId) -> Self {
        Self { node, bit: 0 }
    }
}

/// A real number that a node stands for: ± node * 2^-`fraction_bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// The node.
    pub node: NodeId,
    /// The bits after the binary point.
    pub fraction_bits: i32,
    /// Whether the number is the negative of the node.
    pub negative: bool,
}

/// What a multiplication is built of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Material {
    /// DSP blocks.
    Dsp,
    /// Look-up tables and carry chains.
    Lut,
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NodeOp {
    /// The value that enters at this position.
    Input(u32),
    /// An integer.
    Constant(i128),
    /// a + b.
    Add(Shifted, Shifted),
    /// a - b.
    Sub(Shifted, Shifted),
    /// a * constant, in a DSP block; the constant is odd, positive and above 1.
    MultiplyConstant(NodeId, i64),
    /// a * b, in a DSP block.
    Multiply(NodeId, NodeId),
    /// `then` where the condition is 1, else `otherwise`.
    Select {
        /// What decides.
        condition: BitOf,
        /// The value for 1.
        then: Shifted,
        /// The value for 0.
        otherwise: Shifted,
    },
    /// max(0, a).
    Rectify(NodeId),
    /// The mantissa of a * 2^-`fraction_bits` in the type.
    Cast {
        /// The operand.
        a: NodeId,
        /// The bits after its binary point.
        fraction_bits: i32,
        /// The type.
        to: FixedType,
    },
    /// An entry of a table, from a memory with a registered output.
    Lookup {
        /// Which entry; from 0 on, and never beyond the last.
        index: NodeId,
        /// The entries.
        entries: Arc<[i128]>,
    },
    /// A sum of single bits, modulo two to the width of the range: the integer of the range that
    /// it is congruent to.
    Compress(Box<Compression<BitOf>>, Range),
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it computes.
    pub op: NodeOp,
    /// Every integer that it can be lies in this range.
    pub range: Range,
    /// What to call it in the Verilog.
    pub name: String,
    /// The longest chain of operations before it, each counted as so many adders.
    pub(super) depth: u32,
}

/// A dataflow needs more bits than a signal may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the intermediate `{name}` would need more than 64 bits")]
pub struct TooWide {
    /// The intermediate's name.
    pub name: String,
}

impl NodeOp {
    /// The nodes that the operation reads.
    pub fn operands(&self) -> impl Iterator<Item = NodeId> + '_ {
        let operands = match *self {
            Self::Input(_) | Self::Constant(_) | Self::Compress(..) => [None, None, None],
            Self::Add(a, b) | Self::Sub(a, b) => [Some(a.node), Some(b.node), None],
            Self::Multiply(a, b) => [Some(a), Some(b), None],
            Self::MultiplyConstant(a, _)
            | Self::Rectify(a)
            | Self::Cast { a, .. }
            | Self::Lookup { index: a, .. } => [Some(a), None, None],
            Self::Select { condition, then, otherwise } => {
                [Some(condition.node), Some(then.node), Some(otherwise.node)]
            }
        };
        let bits = match self {
            Self::Compress(sum, _) => Some(sum.addends()),
            _ => None,
        };
        let bits = bits.into_iter().flatten().filter_map(|(_, addend)| addend.bit());
        operands.into_iter().flatten().chain(bits.map(|bit| bit.node))
    }

    /// How many adders deep the operation is, for balancing sums.
    pub(super) fn own_depth(&self) -> u32 {
        match self {
            Self::Input(_) | Self::Constant(_) => 0,
            Self::Add(..)
            | Self::Sub(..)
            | Self::Cast { .. }
            | Self::Rectify(_)
            | Self::Select { .. } => 1,
            Self::Compress(sum, _) => u32::from(!sum.counters.is_empty()),
            Self::Multiply(..) | Self::MultiplyConstant(..) | Self::Lookup { .. } => 3,
        }
    }
}
