//! Sums of single bits, whose counters stand in the look-up tables in front of a carry chain.

use rtl4ml_hdl::Compression;
use rtl4ml_ir::Range;

use super::{BitOf, Dataflow, NodeId, NodeOp, TooWide};

impl Dataflow {
    /// The sum of bits as an integer of this range, which the caller has proven: the sum modulo
    /// two to the range's width.
    pub fn compress(
        &mut self,
        sum: Compression<BitOf>,
        range: Range,
        name: &str,
    ) -> Result<NodeId, TooWide> {
        self.operation(NodeOp::Compress(Box::new(sum), range), Some(range), name)
    }

    /// How deep a node is: the longest chain of operations before it, in adders.
    pub fn depth(&self, id: NodeId) -> u32 {
        self.node(id).depth
    }
}
