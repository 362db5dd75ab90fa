//! A layer's arithmetic as an arena of pure operations, without time.
//!
//! What this module guarantees:
//! - nodes are plain integers with their exact range, at most 64 bits wide; the binary point
//!   lives in the [`Term`]s that refer to them, so that a multiplication by a power of two is no
//!   operation at all;
//! - an operation on the same operands exists once, and one whose result is always the same
//!   integer is a constant;
//! - nodes come after the nodes that they read.

#![allow(
    clippy::missing_errors_doc,
    reason = "what fails here fails with TooWide, whose own words say when"
)]

mod compare;
mod compress;
mod divide;
mod lookup;
mod print;
mod product;
pub(crate) mod sum;

use std::collections::HashMap;
use std::sync::Arc;

use rtl4ml_hdl::Compression;
use rtl4ml_ir::{FixedType, Range, Value};

pub use compare::{Extreme, Winner};
pub use sum::Accumulator;

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
    depth: u32,
}

/// A dataflow needs more bits than a signal may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the intermediate `{name}` would need more than 64 bits")]
pub struct TooWide {
    /// The intermediate's name.
    pub name: String,
}

/// Pure operations from inputs to outputs.
#[derive(Clone, Debug, Default)]
pub struct Dataflow {
    nodes: Vec<Node>,
    known: HashMap<NodeOp, NodeId>,
    input_count: u32,
    /// The results, in order, each on the grid that the reader expects.
    pub outputs: Vec<Shifted>,
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
    fn own_depth(&self) -> u32 {
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

impl Dataflow {
    /// The node with this id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// All nodes with their ids, operands first.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(index as u32), node))
    }

    /// The range of a node.
    pub fn range(&self, id: NodeId) -> Range {
        self.node(id).range
    }

    /// How many nodes an operation of this kind needs hardware for.
    pub fn count(&self, kind: impl Fn(&NodeOp) -> bool) -> usize {
        self.nodes.iter().filter(|node| kind(&node.op)).count()
    }

    /// Adds an input; a range of one integer makes it that constant.
    pub fn input(&mut self, name: impl Into<String>, range: Range) -> NodeId {
        let index = self.input_count;
        self.input_count += 1;
        match range.as_constant() {
            Some(constant) => self.constant(constant),
            None => self.push(NodeOp::Input(index), range, name.into()),
        }
    }

    /// The number of inputs, those that are constants included.
    pub fn input_count(&self) -> usize {
        self.input_count as usize
    }

    /// The widths of the inputs; `None` where one is a constant.
    pub fn input_widths(&self) -> Vec<Option<u32>> {
        let mut widths = vec![None; self.input_count()];
        for node in &self.nodes {
            if let NodeOp::Input(index) = node.op {
                widths[index as usize] = Some(node.range.width());
            }
        }
        widths
    }

    /// For each node, whether an output depends on it.
    pub fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        for output in &self.outputs {
            needed[output.node.0 as usize] = true;
        }
        for (index, node) in self.nodes.iter().enumerate().rev() {
            if needed[index] {
                node.op.operands().for_each(|operand| needed[operand.0 as usize] = true);
            }
        }
        needed
    }

    /// An integer.
    pub fn constant(&mut self, mantissa: i128) -> NodeId {
        let op = NodeOp::Constant(mantissa);
        match self.known.get(&op) {
            Some(id) => *id,
            None => {
                self.push(op, Range::constant(mantissa), format!("constant_{}", self.nodes.len()))
            }
        }
    }

    /// A real constant; the node is its odd part, so that equal odd parts are one node.
    pub fn constant_term(&mut self, value: Value) -> Term {
        let zeros = if value.mantissa == 0 { 0 } else { value.mantissa.trailing_zeros() };
        let node = self.constant((value.mantissa >> zeros).abs());
        let fraction_bits = value.fraction_bits - zeros as i32;
        Term { node, fraction_bits, negative: value.mantissa < 0 }
    }

    /// max(0, a).
    pub fn rectify(&mut self, a: NodeId, name: &str) -> Result<NodeId, TooWide> {
        let range = self.range(a);
        if range.lo >= 0 {
            return Ok(a);
        }
        self.operation(NodeOp::Rectify(a), Some(range.rectified()), name)
    }

    /// The mantissa of a term in a type. Where every value is in the type already, nothing is
    /// built: the term comes back as it is.
    pub fn cast(&mut self, a: Term, to: FixedType, name: &str) -> Result<Term, TooWide> {
        let a = self.positive(a, &format!("{name}_negated"))?;
        let range = self.range(a.node);
        let exact = a.fraction_bits <= to.fraction_bits();
        let fits = exact
            && range
                .shifted_left((to.fraction_bits() - a.fraction_bits) as u32)
                .is_some_and(|range| range.within(to.overflow.range_of(to.format)));
        if fits {
            return Ok(a);
        }
        let op = NodeOp::Cast { a: a.node, fraction_bits: a.fraction_bits, to };
        let node = self.operation(op, Some(range.cast(a.fraction_bits, to)), name)?;
        Ok(Term { node, fraction_bits: to.fraction_bits(), negative: false })
    }

    /// `then` where the condition is 1, else `otherwise`, on one grid.
    pub fn select(
        &mut self,
        condition: BitOf,
        then: Term,
        otherwise: Term,
        name: &str,
    ) -> Result<Term, TooWide> {
        let then = self.positive(then, &format!("{name}_then"))?;
        let otherwise = self.positive(otherwise, &format!("{name}_else"))?;
        match self.range(condition.node).as_constant().map(|m| (m >> condition.bit) & 1) {
            Some(0) => return Ok(otherwise),
            Some(_) => return Ok(then),
            None => {}
        }
        let (then, otherwise, fraction_bits) = self.aligned(then, otherwise);
        let ranges = [then, otherwise].map(|s| self.range(s.node).shifted_left(s.shift));
        let range = ranges[0].zip(ranges[1]).map(|(a, b)| a.union(b));
        let node = self.operation(NodeOp::Select { condition, then, otherwise }, range, name)?;
        Ok(Term { node, fraction_bits, negative: false })
    }

    /// a + b.
    pub fn add(&mut self, a: Term, b: Term, name: &str) -> Result<Term, TooWide> {
        if self.range(a.node) == Range::ZERO {
            return Ok(b);
        }
        if self.range(b.node) == Range::ZERO {
            return Ok(a);
        }
        // Two negatives make a negative sum; with one, the positive number comes first.
        let (a, b) = if a.negative && !b.negative { (b, a) } else { (a, b) };
        let (left, right, fraction_bits) = self.aligned(a, b);
        let ranges = [left, right].map(|s| self.range(s.node).shifted_left(s.shift));
        let subtract = a.negative != b.negative;
        let range = ranges[0]
            .zip(ranges[1])
            .and_then(|(a, b)| a.plus(if subtract { b.negated() } else { b }));
        let op = if subtract {
            NodeOp::Sub(left, right)
        } else if left <= right {
            NodeOp::Add(left, right)
        } else {
            NodeOp::Add(right, left)
        };
        let node = self.operation(op, range, name)?;
        Ok(Term { node, fraction_bits, negative: a.negative && b.negative })
    }

    /// The same number as a term that is not negative.
    pub fn positive(&mut self, a: Term, name: &str) -> Result<Term, TooWide> {
        if !a.negative {
            return Ok(a);
        }
        if let Some(constant) = self.range(a.node).as_constant() {
            let node = self.constant(-constant);
            return Ok(Term { node, negative: false, ..a });
        }
        let zero = Shifted { node: self.constant(0), shift: 0 };
        let range = self.range(a.node).negated();
        let op = NodeOp::Sub(zero, Shifted { node: a.node, shift: 0 });
        let node = self.operation(op, Some(range), name)?;
        Ok(Term { node, negative: false, ..a })
    }

    /// Adds a result: the term's mantissa on the grid 2^-`fraction_bits`, which is no coarser
    /// than the term's own.
    pub fn output(&mut self, term: Term, fraction_bits: i32, name: &str) -> Result<(), TooWide> {
        let term = self.positive(term, name)?;
        let is_zero = self.range(term.node) == Range::ZERO;
        let shift = if is_zero { 0 } else { (fraction_bits - term.fraction_bits) as u32 };
        self.outputs.push(Shifted { node: term.node, shift });
        Ok(())
    }

    /// The range of a shifted node; it is in 64 bits because what reads it is.
    pub fn shifted_range(&self, operand: Shifted) -> Range {
        let range = self.range(operand.node);
        range.shifted_left(operand.shift).unwrap_or(range)
    }

    /// States that a node's integers lie in `range` as well, which the caller has proven.
    pub fn restrict(&mut self, id: NodeId, range: Range) {
        let node = &mut self.nodes[id.0 as usize];
        let (lo, hi) = (node.range.lo.max(range.lo), node.range.hi.min(range.hi));
        node.range = Range::new(lo, hi);
    }

    /// Two terms on the finer of their grids: their shifts, and the bits after its point.
    fn aligned(&self, a: Term, b: Term) -> (Shifted, Shifted, i32) {
        let is_zero = |t: Term| self.range(t.node) == Range::ZERO;
        let fraction_bits = match (is_zero(a), is_zero(b)) {
            (true, _) => b.fraction_bits,
            (_, true) => a.fraction_bits,
            _ => a.fraction_bits.max(b.fraction_bits),
        };
        let shifted = |t: Term| Shifted {
            node: t.node,
            shift: if is_zero(t) { 0 } else { (fraction_bits - t.fraction_bits) as u32 },
        };
        (shifted(a), shifted(b), fraction_bits)
    }

    /// The node of an operation: the one that exists, a constant, or a new one.
    fn operation(
        &mut self,
        op: NodeOp,
        range: Option<Range>,
        name: &str,
    ) -> Result<NodeId, TooWide> {
        let range = range
            .filter(|range| range.width() <= rtl4ml_ir::fixed::MAX_WIDTH)
            .ok_or_else(|| TooWide { name: name.to_owned() })?;
        if let Some(constant) = range.as_constant() {
            return Ok(self.constant(constant));
        }
        match self.known.get(&op) {
            Some(id) => Ok(*id),
            None => Ok(self.push(op, range, name.to_owned())),
        }
    }

    fn push(&mut self, op: NodeOp, range: Range, name: String) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        let before = op.operands().map(|operand| self.node(operand).depth).max().unwrap_or(0);
        let depth = before + op.own_depth();
        self.known.insert(op.clone(), id);
        self.nodes.push(Node { op, range, name, depth });
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x(dataflow: &mut Dataflow) -> Term {
        let node = dataflow.input("x", Range::new(-128, 127));
        Term { node, fraction_bits: 4, negative: false }
    }

    fn value(mantissa: i128) -> Value {
        Value { mantissa, fraction_bits: 3 }
    }

    #[test]
    fn powers_of_two_and_zero_are_no_operations() {
        let mut dataflow = Dataflow::default();
        let x = x(&mut dataflow);
        let times = |d: &mut Dataflow, m| d.multiply_constant(x, value(m), Material::Lut).unwrap();
        assert_eq!(times(&mut dataflow, -8), Term { fraction_bits: 4, negative: true, ..x });
        assert_eq!(times(&mut dataflow, 2), Term { fraction_bits: 6, ..x });
        let zero = times(&mut dataflow, 0);
        assert_eq!(dataflow.range(zero.node), Range::ZERO);
        assert_eq!(dataflow.count(|op| matches!(op, NodeOp::Add(..) | NodeOp::Sub(..))), 0);
    }

    #[test]
    fn equal_products_are_one_node_whatever_their_sign_and_shift() {
        let mut dataflow = Dataflow::default();
        let x = x(&mut dataflow);
        for material in [Material::Lut, Material::Dsp] {
            let a = dataflow.multiply_constant(x, value(5), material).unwrap();
            let b = dataflow.multiply_constant(x, value(-20), material).unwrap();
            assert_eq!(a.node, b.node);
            assert_eq!((b.fraction_bits, b.negative), (a.fraction_bits - 2, true));
            assert_eq!(dataflow.range(a.node), Range::new(-640, 635));
        }
    }

    #[test]
    fn casts_that_change_nothing_are_not_built() {
        let mut dataflow = Dataflow::default();
        let x = x(&mut dataflow);
        let wide: FixedType = "fixed<20,10,RND,SAT>".parse().unwrap();
        assert_eq!(dataflow.cast(x, wide, "y"), Ok(x));
        let narrow: FixedType = "fixed<6,3,RND,SAT>".parse().unwrap();
        let y = dataflow.cast(x, narrow, "y").unwrap();
        assert_eq!(dataflow.range(y.node), Range::new(-32, 31));
    }
}
