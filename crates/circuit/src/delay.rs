//! The delay model: how long each operation takes on a part, in picoseconds.
//!
//! A stage of the pipeline holds as many operations as fit the clock period less a margin. The
//! numbers are estimates of placed and routed logic, a net included in each operation; they
//! decide where registers go and are no promise of what a router achieves.

use rtl4ml_hdl::MemoryStyle;
use rtl4ml_ir::target::{Family, SpeedGrade};
use rtl4ml_ir::{Range, Target};

use crate::dataflow::{Dataflow, Node, NodeId, NodeOp};

/// The delays of one fabric at one speed grade, in picoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fabric {
    /// Clock to output of a register, and its set-up.
    pub register_ps: u32,
    /// A net between two neighbours, at low fan-out.
    pub net_ps: u32,
    /// A look-up table.
    pub lut_ps: u32,
    /// Into and out of a carry chain.
    pub carry_ps: u32,
    /// Each 8 bits along a carry chain.
    pub carry_per_8_bits_ps: u32,
    /// A multiplication in a DSP block without registers inside.
    pub dsp_multiply_ps: u32,
    /// Each further DSP block of a wider multiplication.
    pub dsp_cascade_ps: u32,
    /// Clock to output of a block RAM without output register, beyond that of a register.
    pub block_ram_ps: u32,
}

/// The share of the clock period that is kept free for what the model does not see.
pub const MARGIN: f64 = 0.125;

/// The delays of every fabric and speed grade.
const FABRICS: [(Family, SpeedGrade, Fabric); 6] = [
    (Family::UltraScalePlus, SpeedGrade::One, fabric(125, 430, 125, 260, 26, 2650, 750, 1050)),
    (Family::UltraScalePlus, SpeedGrade::Two, fabric(105, 360, 100, 220, 22, 2200, 620, 900)),
    (Family::UltraScalePlus, SpeedGrade::Three, fabric(95, 320, 88, 195, 20, 1950, 550, 800)),
    (Family::UltraScale, SpeedGrade::One, fabric(160, 520, 150, 320, 32, 3100, 900, 1300)),
    (Family::UltraScale, SpeedGrade::Two, fabric(135, 450, 125, 275, 28, 2650, 770, 1150)),
    (Family::UltraScale, SpeedGrade::Three, fabric(120, 400, 110, 245, 25, 2350, 690, 1000)),
];

#[allow(clippy::too_many_arguments, reason = "a row of the table above")]
const fn fabric(
    register_ps: u32,
    net_ps: u32,
    lut_ps: u32,
    carry_ps: u32,
    carry_per_8_bits_ps: u32,
    dsp_multiply_ps: u32,
    dsp_cascade_ps: u32,
    block_ram_ps: u32,
) -> Fabric {
    Fabric {
        register_ps,
        net_ps,
        lut_ps,
        carry_ps,
        carry_per_8_bits_ps,
        dsp_multiply_ps,
        dsp_cascade_ps,
        block_ram_ps,
    }
}

/// The signed operand widths of a DSP48E2's multiplier.
const DSP_WIDTHS: (u32, u32) = (27, 18);

/// The delays of a target and the time that a stage has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayModel {
    /// The fabric.
    pub fabric: Fabric,
    /// What the operations of a stage may take together.
    pub budget_ps: u32,
}

impl DelayModel {
    /// The model of a part and its clock.
    pub fn new(target: &Target) -> Self {
        let part = &target.part;
        let fabric = FABRICS
            .iter()
            .find(|(family, grade, _)| *family == part.device.family && *grade == part.speed_grade)
            .map_or(FABRICS[0].2, |(_, _, fabric)| *fabric);
        let period = target.clock.period_ps as f64 * (1.0 - MARGIN);
        let budget_ps = (period as u32).saturating_sub(fabric.register_ps).max(1);
        Self { fabric, budget_ps }
    }

    /// An adder whose carry chain is `width` bits long.
    pub fn adder_ps(&self, width: u32) -> u32 {
        let fabric = &self.fabric;
        fabric.net_ps + fabric.carry_ps + width.div_ceil(8) * fabric.carry_per_8_bits_ps
    }

    /// `levels` look-up tables in a row.
    pub fn logic_ps(&self, levels: u32) -> u32 {
        levels * (self.fabric.net_ps + self.fabric.lut_ps)
    }

    /// The stages of a node: one delay for each, with a register between two of them.
    ///
    /// Only a multiplication in DSP blocks and a table have more than one: the registers become
    /// those inside the block, and the table's output register.
    pub fn node_stages(&self, dataflow: &Dataflow, id: NodeId) -> Vec<u32> {
        let node = dataflow.node(id);
        let width = |id: NodeId| dataflow.range(id).width();
        match &node.op {
            NodeOp::Input(_) | NodeOp::Constant(_) => vec![0],
            NodeOp::Add(..) | NodeOp::Sub(..) => vec![self.adder_ps(node.range.width())],
            NodeOp::Compress(sum, _) if sum.counters.is_empty() => vec![0],
            NodeOp::Compress(..) => vec![self.adder_ps(node.range.width())],
            NodeOp::Select { .. } | NodeOp::Rectify(_) => vec![self.logic_ps(1)],
            NodeOp::Cast { a, fraction_bits, to } => {
                vec![self.cast_ps(width(*a), node, *fraction_bits, *to)]
            }
            NodeOp::MultiplyConstant(a, constant) => {
                let constant_width = 64 - constant.leading_zeros() + 1;
                self.multiply_stages(factor_width(dataflow.range(*a)), constant_width)
            }
            NodeOp::Multiply(a, b) => {
                let widths = [*a, *b].map(|id| factor_width(dataflow.range(id)));
                self.multiply_stages(widths[0], widths[1])
            }
            NodeOp::Lookup { entries, .. } => self.table_stages(entries.len()).to_vec(),
        }
    }

    /// The path to a table's output register and the one from it. Look-up tables of six inputs
    /// hold 64 words, multiplexers beside them join four; further ones are logic.
    fn table_stages(&self, words: usize) -> [u32; 2] {
        match table_style(words) {
            MemoryStyle::Block => [self.fabric.net_ps, self.fabric.block_ram_ps],
            MemoryStyle::Distributed => {
                let levels = 1 + words.div_ceil(256).next_power_of_two().ilog2().div_ceil(2);
                [self.logic_ps(levels), 0]
            }
        }
    }

    /// A multiplication of signed operands in DSP blocks, in as few stages as the clock allows.
    fn multiply_stages(&self, a_width: u32, b_width: u32) -> Vec<u32> {
        let blocks = dsp_blocks(a_width, b_width);
        let total = self.fabric.dsp_multiply_ps + (blocks - 1) * self.fabric.dsp_cascade_ps;
        let stages = total.div_ceil(self.budget_ps);
        vec![total.div_ceil(stages); stages as usize]
    }

    /// Rounding is an increment (or nothing), saturation a test of the upper bits and a choice.
    fn cast_ps(
        &self,
        width: u32,
        node: &Node,
        fraction_bits: i32,
        to: rtl4ml_ir::FixedType,
    ) -> u32 {
        use rtl4ml_ir::{Overflow, Rounding};
        let dropped = fraction_bits - to.fraction_bits();
        let increments = dropped > 0 && to.rounding != Rounding::Trn;
        let rounding =
            if increments { self.adder_ps(width.saturating_sub(dropped as u32)) } else { 0 };
        let saturation = match to.overflow {
            Overflow::Wrap => 0,
            _ => self.logic_ps(2) + self.fabric.carry_per_8_bits_ps * node.range.width() / 8,
        };
        rounding + saturation
    }
}

/// The most words of a table in look-up tables; a deeper one takes block RAM.
const DISTRIBUTED_TABLE_WORDS: usize = 1024;

/// The memory that holds a table of so many words.
pub fn table_style(words: usize) -> MemoryStyle {
    if words > DISTRIBUTED_TABLE_WORDS { MemoryStyle::Block } else { MemoryStyle::Distributed }
}

/// The bits of a factor as a DSP block takes it: signed, so that unsigned ones have one more.
pub fn factor_width(range: Range) -> u32 {
    range.width() + u32::from(range.lo >= 0)
}

/// The DSP blocks that a multiplication of two signed operands takes.
pub fn dsp_blocks(a_width: u32, b_width: u32) -> u32 {
    let (wide, narrow) = (a_width.max(b_width), a_width.min(b_width));
    // All but the top part of a split operand are unsigned and lose the sign bit.
    let parts = |width: u32, fits: u32| {
        if width <= fits { 1 } else { (width - 1).div_ceil(fits - 1) }
    };
    parts(wide, DSP_WIDTHS.0) * parts(narrow, DSP_WIDTHS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_products_take_several_blocks() {
        assert_eq!(dsp_blocks(17, 17), 1);
        assert_eq!(dsp_blocks(18, 27), 1);
        assert_eq!(dsp_blocks(28, 18), 2);
        assert_eq!(dsp_blocks(35, 35), 4);
    }

    #[test]
    fn a_faster_clock_splits_a_multiplication() {
        let model = |clock: &str| {
            let clock = clock.parse().unwrap();
            DelayModel::new(&Target { clock, ..Target::default() }).multiply_stages(17, 17).len()
        };
        assert_eq!((model("200 MHz"), model("360 MHz"), model("480 MHz")), (1, 1, 2));
    }
}
