//! The delay model: how long each operation takes on a part, in picoseconds.
//!
//! A stage of the pipeline holds as many operations as fit the clock period less a margin. The
//! numbers are the data of [`rtl4ml_ir::fabric`]; they decide where registers go and are no
//! promise of what a router achieves.

use rtl4ml_hdl::{Compression, MemoryStyle};
use rtl4ml_ir::{Fabric, Range, Target};

use crate::dataflow::{BitOf, Dataflow, Node, NodeId, NodeOp};

/// The signed operand widths of a DSP48E2's multiplier.
const DSP_WIDTHS: (u32, u32) = (27, 18);

/// How long a part of an operation takes that has no register inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Every bit of the result is there so long after the last bit of the operands.
    Whole(u32),
    /// A sum: a bit is there so long after the operands' bits at its place, and the highest no
    /// earlier than the ripple of the carry after the lowest.
    Carry {
        /// From a bit of an operand to the bit of the sum at its place.
        through_ps: u32,
        /// From the lowest bit of the sum to the highest.
        ripple_ps: u32,
    },
}

impl Step {
    /// From operands that are there as a whole to the whole result.
    pub fn total_ps(self) -> u32 {
        match self {
            Self::Whole(ps) => ps,
            Self::Carry { through_ps, ripple_ps } => through_ps.saturating_add(ripple_ps),
        }
    }
}

/// The delays of a target and the time that a stage has.
#[derive(Clone, Debug, PartialEq)]
pub struct DelayModel {
    /// The fabric.
    pub fabric: Fabric,
    /// What the operations of a stage may take together.
    pub budget_ps: u32,
}

impl DelayModel {
    /// The model of a part and its clock.
    pub fn new(target: &Target) -> Self {
        let fabric = target.fabric().clone();
        let period = target.clock.period_ps as f64 * (1.0 - fabric.margin_percent / 100.0);
        let budget_ps = (period as u32).saturating_sub(fabric.register_ps).max(1);
        Self { fabric, budget_ps }
    }

    /// An adder whose carry chain is `width` bits long.
    pub fn adder_ps(&self, width: u32) -> u32 {
        self.carry_step(width).total_ps()
    }

    /// Each bit of a sum waits for the bits of the operands at its place and for the carry from
    /// below: adders in a row ripple one behind the other, not one after the other.
    fn carry_step(&self, width: u32) -> Step {
        let fabric = &self.fabric;
        let blocks = width.div_ceil(fabric.carry_bits).max(1);
        let through_ps = fabric.net_ps + fabric.carry_ps + fabric.carry_block_ps;
        Step::Carry { through_ps, ripple_ps: (blocks - 1) * fabric.carry_block_ps }
    }

    /// A sum of single bits: wires, an adder, or one whose tables count.
    fn compress_step(&self, sum: &Compression<BitOf>, width: u32) -> Step {
        let first = sum.counters.first().map_or(width, |counter| counter.column);
        let Step::Carry { through_ps, ripple_ps } = self.carry_step(width - first) else {
            return Step::Whole(0);
        };
        match sum.counters.iter().map(|counter| counter.bits().count()).max() {
            None => Step::Whole(0),
            Some(1) => Step::Carry { through_ps, ripple_ps },
            Some(_) => Step::Carry { through_ps: through_ps + self.fabric.counter_ps, ripple_ps },
        }
    }

    /// `levels` look-up tables in a row.
    pub fn logic_ps(&self, levels: u32) -> u32 {
        levels * (self.fabric.net_ps + self.fabric.lut_ps)
    }

    /// The stages of a node: a step for each, with a register between two of them.
    ///
    /// Only a multiplication in DSP blocks and a table have more than one: the registers become
    /// those inside the block, and the table's output register.
    pub fn node_steps(&self, dataflow: &Dataflow, id: NodeId) -> Vec<Step> {
        let whole = |stages: Vec<u32>| stages.into_iter().map(Step::Whole).collect();
        let node = dataflow.node(id);
        let width = |id: NodeId| dataflow.range(id).width();
        match &node.op {
            NodeOp::Input(_) | NodeOp::Constant(_) => vec![Step::Whole(0)],
            NodeOp::Add(..) | NodeOp::Sub(..) => vec![self.carry_step(node.range.width())],
            NodeOp::Compress(sum, _) => vec![self.compress_step(sum, node.range.width())],
            NodeOp::Select { .. } | NodeOp::Rectify(_) => vec![Step::Whole(self.logic_ps(1))],
            NodeOp::Cast { a, fraction_bits, to } => {
                vec![Step::Whole(self.cast_ps(width(*a), node, *fraction_bits, *to))]
            }
            NodeOp::MultiplyConstant(a, constant) => {
                let constant_width = 64 - constant.leading_zeros() + 1;
                whole(self.multiply_stages(factor_width(dataflow.range(*a)), constant_width))
            }
            NodeOp::Multiply(a, b) => {
                let widths = [*a, *b].map(|id| factor_width(dataflow.range(id)));
                whole(self.multiply_stages(widths[0], widths[1]))
            }
            NodeOp::Lookup { entries, .. } => whole(self.table_stages(entries.len()).to_vec()),
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
            _ => {
                self.logic_ps(2)
                    + self.fabric.carry_block_ps * node.range.width() / self.fabric.carry_bits
            }
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

    /// `sta_ps` of the flow that the fabric `yosys` is named after, of small designs between
    /// registers, and what the model says of them: it may be 12 % too careful, and 4 % too bold.
    #[test]
    fn the_delays_of_yosys_are_near_what_it_measures() {
        let delays = Fabric::named("yosys").cloned();
        let model = DelayModel::new(&Target { delays, ..Target::default() });
        let (adder, step) = (|width| model.adder_ps(width), model.adder_ps(1));
        let cast = |width| model.logic_ps(2) + model.fabric.carry_block_ps * width / 4;
        let measured = [
            (adder(5), 1403),
            (adder(9), 1517),
            (adder(17), 1745),
            (adder(33), 2201),
            (adder(49), 2657),
            // Sums of three, four, five and six terms of 16 bits, one after the other.
            (step + adder(18), 2731),
            (2 * step + adder(19), 3717),
            (3 * step + adder(20), 4703),
            (4 * step + adder(21), 5692),
            // A tree of 16 terms of 16 bits.
            (3 * step + adder(20), 4703),
            (model.logic_ps(1), 707),
            (adder(17) + model.logic_ps(1), 2037),
            // A sum of 17 bits saturated to 8, rectified or not.
            (adder(17) + cast(8), 2669),
            (adder(17) + model.logic_ps(1) + cast(8), 2659),
        ];
        for (modelled, measured) in measured {
            let modelled = modelled + model.fabric.register_ps;
            let ratio = f64::from(modelled) / f64::from(measured);
            assert!((0.92..=1.15).contains(&ratio), "{modelled} ps modelled, {measured} measured");
        }
    }
}
