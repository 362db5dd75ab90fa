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
mod node;
mod operations;
mod print;
mod product;
pub(crate) mod sum;

use std::collections::HashMap;

use rtl4ml_ir::{Range, Value};

pub use compare::{Extreme, Winner};
pub use node::{BitOf, Material, Node, NodeId, NodeOp, Shifted, Term, TooWide};
pub use sum::Accumulator;

/// Pure operations from inputs to outputs.
#[derive(Clone, Debug, Default)]
pub struct Dataflow {
    nodes: Vec<Node>,
    known: HashMap<NodeOp, NodeId>,
    input_count: u32,
    /// The results, in order, each on the grid that the reader expects.
    pub outputs: Vec<Shifted>,
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
