//! The text of a dataflow, for people (`--dump dataflow`).

use std::fmt;

use rtl4ml_hdl::Addend;

use super::{Dataflow, NodeId, NodeOp, Shifted};

impl Dataflow {
    fn shifted(&self, operand: Shifted) -> String {
        let name = &self.node(operand.node).name;
        if operand.shift == 0 { name.clone() } else { format!("({name} << {})", operand.shift) }
    }

    /// One node as text, without its name and range.
    pub fn operation_text(&self, id: NodeId) -> String {
        let name = |id: NodeId| &self.node(id).name;
        match &self.node(id).op {
            NodeOp::Input(index) => format!("input {index}"),
            NodeOp::Constant(constant) => format!("{constant}"),
            NodeOp::Add(a, b) => format!("{} + {}", self.shifted(*a), self.shifted(*b)),
            NodeOp::Sub(a, b) => format!("{} - {}", self.shifted(*a), self.shifted(*b)),
            NodeOp::MultiplyConstant(a, constant) => format!("{} * {constant}", name(*a)),
            NodeOp::Multiply(a, b) => format!("{} * {}", name(*a), name(*b)),
            NodeOp::Select { condition, then, otherwise } => format!(
                "{}[{}] ? {} : {}",
                name(condition.node),
                condition.bit,
                self.shifted(*then),
                self.shifted(*otherwise)
            ),
            NodeOp::Rectify(a) => format!("max(0, {})", name(*a)),
            NodeOp::Cast { a, fraction_bits, to } => {
                format!("cast {} / 2^{fraction_bits} to {to}", name(*a))
            }
            NodeOp::Compress(sum, _) => {
                let bits = sum.addends().filter_map(|(column, addend)| {
                    let of = addend.bit()?;
                    let inverse = if addend == Addend::Inverse(of) { "~" } else { "" };
                    let name = name(of.node);
                    Some(format!("{inverse}{name}[{}] << {column}", of.bit))
                });
                let ones = sum.addends().filter(|(_, addend)| *addend == Addend::One);
                let constant: u128 = ones.map(|(column, _)| 1 << column).sum();
                let bits: Vec<String> = bits.chain([constant.to_string()]).collect();
                bits.join(" + ")
            }
            NodeOp::Lookup { index, entries } => {
                format!("entry {} of {}", name(*index), entries.len())
            }
        }
    }
}

impl fmt::Display for Dataflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, node) in self.nodes() {
            let (text, range) = (self.operation_text(id), node.range);
            writeln!(f, "  {} = {text}    in [{}, {}]", node.name, range.lo, range.hi)?;
        }
        let outputs: Vec<String> = self.outputs.iter().map(|out| self.shifted(*out)).collect();
        writeln!(f, "  -> {}", outputs.join(", "))
    }
}
