//! A scheduled dataflow as the statements and registers of a Rust-HDL module.

use std::collections::HashMap;

use rtl4ml_hdl::names::Namer;
use rtl4ml_hdl::{BitOf, Expr, Module, MultiplierHint, Operand, SignalId, Type};
use rtl4ml_ir::{FixedType, Format, Overflow, Range, Rounding};

use crate::dataflow::{Dataflow, NodeId, NodeOp, Shifted};
use crate::delay::table_style;
use crate::schedule::Schedule;

/// The type of a signal whose integers lie in `range`.
pub fn signal_type(range: Range) -> Type {
    Type { width: range.width().max(1), signed: range.lo < 0 }
}

/// The operand of an integer constant.
pub fn constant(mantissa: i128) -> Operand {
    // Constants are at most 64 bits wide; an unsigned one of 64 is given by its bits.
    Operand::Constant(mantissa as i64)
}

const BIT: Type = Type { width: 1, signed: false };

/// Writes one dataflow into a module.
pub struct Lowering<'a> {
    module: &'a mut Module,
    namer: &'a mut Namer,
    dataflow: &'a Dataflow,
    schedule: &'a Schedule,
    /// For each node and stage, the signal that holds it there.
    held: HashMap<(NodeId, u32), SignalId>,
}

/// Writes the operations and the registers between them; returns the outputs, each in the
/// schedule's last stage. `inputs` are the inputs' values at the moments that the schedule
/// was made for.
pub fn lower(
    module: &mut Module,
    namer: &mut Namer,
    dataflow: &Dataflow,
    schedule: &Schedule,
    inputs: &[Operand],
) -> Vec<Operand> {
    let mut lowering = Lowering { module, namer, dataflow, schedule, held: HashMap::new() };
    lowering.operations(inputs);
    lowering.outputs()
}

impl Lowering<'_> {
    fn operations(&mut self, inputs: &[Operand]) {
        let needed = self.dataflow.needed();
        for (id, node) in self.dataflow.nodes() {
            if !needed[id.0 as usize] {
                continue;
            }
            let signal = match &node.op {
                NodeOp::Constant(_) => continue,
                NodeOp::Input(index) => match inputs[*index as usize] {
                    Operand::Signal(signal) => signal,
                    Operand::Constant(_) => {
                        unreachable!("an input of one value is a constant node")
                    }
                },
                NodeOp::Lookup { index, entries } => {
                    // The output register is the memory's own.
                    let signal = self.table(id, *index, entries);
                    self.held.insert((id, self.schedule.ready(id).stage), signal);
                    continue;
                }
                op => self.operation(id, op),
            };
            let start = self.schedule.start_stage(id);
            self.held.insert((id, start), signal);
            // A multiplication of several parts is registered between them.
            let end = self.schedule.ready(id).stage;
            if end > start {
                self.held_at(id, end);
            }
        }
    }

    /// The signal that holds a node in a stage, behind as many registers as it takes.
    fn held_at(&mut self, id: NodeId, stage: u32) -> SignalId {
        if let Some(signal) = self.held.get(&(id, stage)) {
            return *signal;
        }
        let before = self.held_at(id, stage - 1);
        let name = self.namer.name(&format!("{}_s{stage}", self.dataflow.node(id).name));
        let signal = self.module.register(name, before);
        self.held.insert((id, stage), signal);
        signal
    }

    fn operand_at(&mut self, id: NodeId, stage: u32) -> Operand {
        match self.dataflow.range(id).as_constant() {
            Some(mantissa) => constant(mantissa),
            None => self.held_at(id, stage).into(),
        }
    }

    /// Writes a node's operation, in its start stage.
    fn operation(&mut self, id: NodeId, op: &NodeOp) -> SignalId {
        let node = self.dataflow.node(id);
        let stage = self.schedule.start_stage(id);
        let ty = signal_type(node.range);
        let shifted = |this: &mut Self, operand: Shifted| {
            (this.operand_at(operand.node, stage), operand.shift)
        };
        let expr = match *op {
            NodeOp::Compress(ref sum, _) => Expr::Compress(Box::new(
                sum.map(|of| BitOf { signal: self.held_at(of.node, stage), bit: of.bit }),
            )),
            NodeOp::Input(_) | NodeOp::Constant(_) | NodeOp::Lookup { .. } => {
                unreachable!("handled by the caller")
            }
            NodeOp::Add(a, b) => {
                let ((a, shift_a), (b, shift_b)) = (shifted(self, a), shifted(self, b));
                Expr::Add { a, shift_a, b, shift_b }
            }
            NodeOp::Sub(a, b) => {
                let ((a, shift_a), (b, shift_b)) = (shifted(self, a), shifted(self, b));
                Expr::Sub { a, shift_a, b, shift_b }
            }
            NodeOp::MultiplyConstant(a, factor) => {
                let a = self.operand_at(a, stage);
                Expr::Mul { a, b: Operand::Constant(factor), hint: MultiplierHint::Dsp }
            }
            NodeOp::Multiply(a, b) => {
                let (a, b) = (self.operand_at(a, stage), self.operand_at(b, stage));
                Expr::Mul { a, b, hint: MultiplierHint::Dsp }
            }
            NodeOp::Select { condition, then, otherwise } => {
                let condition =
                    BitOf { signal: self.held_at(condition.node, stage), bit: condition.bit };
                let then = self.shifted_operand(then, stage, &format!("{}_then", node.name));
                let name = format!("{}_else", node.name);
                let otherwise = self.shifted_operand(otherwise, stage, &name);
                Expr::Select { condition, then, otherwise }
            }
            NodeOp::Rectify(a) => {
                let a = self.held_at(a, stage);
                Expr::Select {
                    condition: self.sign(a),
                    then: Operand::Constant(0),
                    otherwise: a.into(),
                }
            }
            NodeOp::Cast { a, fraction_bits, to } => {
                let a_range = self.dataflow.range(a);
                let a = self.held_at(a, stage);
                return self.cast(a, a_range, fraction_bits, to, id);
            }
        };
        let name = self.namer.name(&node.name);
        self.module.assign(name, ty, expr)
    }

    /// The memory of a table, read in the node's start stage.
    fn table(&mut self, id: NodeId, index: NodeId, entries: &[i128]) -> SignalId {
        let node = self.dataflow.node(id);
        let address = self.held_at(index, self.schedule.start_stage(id));
        let memory = self.namer.name(&format!("{}_table", node.name));
        let name = self.namer.name(&node.name);
        // Entries below the least index are not read, and may lie beyond the node's range.
        let ty = signal_type(node.range);
        let lowest = self.dataflow.range(index).lo as usize;
        let entry = |(i, entry): (usize, &i128)| if i < lowest { 0 } else { *entry as i64 };
        let words = entries.iter().enumerate().map(|word| vec![entry(word)]).collect();
        let style = table_style(entries.len());
        let bus = self.module.rom(&memory, [(name, ty)], address, words, style);
        self.module.bus(bus).first
    }

    /// node * 2^shift as an operand of its own.
    fn shifted_operand(&mut self, operand: Shifted, stage: u32, name: &str) -> Operand {
        let range = self.dataflow.shifted_range(operand);
        if let Some(mantissa) = range.as_constant() {
            return constant(mantissa);
        }
        let signal = self.held_at(operand.node, stage);
        if operand.shift == 0 {
            return signal.into();
        }
        let name = self.namer.name(name);
        let expr = Expr::ShiftLeft { a: signal, shift: operand.shift };
        self.module.assign(name, signal_type(range), expr).into()
    }

    /// The sign bit of a signal.
    fn sign(&self, a: SignalId) -> BitOf {
        BitOf { signal: a, bit: self.module.ty(a).width - 1 }
    }

    /// Rounds and overflows `a`, whose integers lie in `range`.
    fn cast(
        &mut self,
        a: SignalId,
        range: Range,
        fraction_bits: i32,
        to: FixedType,
        id: NodeId,
    ) -> SignalId {
        let name = self.dataflow.node(id).name.clone();
        let result = signal_type(self.dataflow.range(id));
        let dropped = fraction_bits - to.fraction_bits();
        if dropped > 0 {
            let wide = FixedType {
                // One bit more than the quotient holds every rounded value.
                format: Format::signed(66, 66 - to.fraction_bits()),
                rounding: to.rounding,
                overflow: Overflow::Sat,
            };
            let rounded_range = range.cast(fraction_bits, wide);
            let rounded = self.round(a, dropped as u32, to.rounding, rounded_range, &name);
            return self.overflow(rounded, rounded_range, 0, to, result, &name);
        }
        self.overflow(a, range, dropped.unsigned_abs(), to, result, &name)
    }

    /// a / 2^dropped, rounded; its integers lie in `range`.
    fn round(
        &mut self,
        a: SignalId,
        dropped: u32,
        mode: Rounding,
        range: Range,
        name: &str,
    ) -> SignalId {
        let ty = signal_type(range);
        let floor_expr = Expr::ShiftRight { a, shift: dropped };
        let increment = self.increment(a, dropped, mode, name);
        let floor_name = if increment.is_some() { "floor" } else { "rounded" };
        let floor_name = self.namer.name(&format!("{name}_{floor_name}"));
        let floor = self.module.assign(floor_name, ty, floor_expr);
        let Some(increment) = increment else {
            return floor;
        };
        let name = self.namer.name(&format!("{name}_rounded"));
        let expr = Expr::Add { a: floor.into(), shift_a: 0, b: increment.into(), shift_b: 0 };
        self.module.assign(name, ty, expr)
    }

    /// The bit that rounding adds to the floor; `None` where it adds nothing.
    fn increment(
        &mut self,
        a: SignalId,
        dropped: u32,
        mode: Rounding,
        name: &str,
    ) -> Option<SignalId> {
        let ty = self.module.ty(a);
        let bit = |this: &mut Self, suffix: &str, expr: Expr| {
            let name = this.namer.name(&format!("{name}_{suffix}"));
            this.module.assign(name, BIT, expr)
        };
        // Beyond the operand's width all bits are its sign.
        let half = |this: &mut Self| bit(this, "half", Expr::ShiftRight { a, shift: dropped - 1 });
        let below_half = |this: &mut Self| {
            let count = (dropped - 1).min(ty.width);
            (count > 0).then(|| bit(this, "below_half", Expr::AnyBit { a, count }))
        };
        let negative = |this: &mut Self| {
            ty.signed.then(|| bit(this, "negative", Expr::ShiftRight { a, shift: ty.width - 1 }))
        };
        let or = |this: &mut Self, x: Option<SignalId>, y: Option<SignalId>| match (x, y) {
            (Some(x), Some(y)) => Some(bit(this, "tie_up", Expr::Or { a: x, b: y })),
            (one, other) => one.or(other),
        };
        match mode {
            Rounding::Trn => None,
            Rounding::TrnZero => {
                let negative = negative(self)?;
                let count = dropped.min(ty.width);
                let rest = bit(self, "rest", Expr::AnyBit { a, count });
                Some(bit(self, "up", Expr::And { a: negative, b: rest }))
            }
            Rounding::Rnd => Some(half(self)),
            Rounding::RndMinInf | Rounding::RndZero | Rounding::RndInf | Rounding::RndConv => {
                // Exactly one half goes up or not as the mode says; more goes up always.
                let tie_up = match mode {
                    Rounding::RndZero => negative(self),
                    Rounding::RndInf => match negative(self) {
                        None => return Some(half(self)),
                        Some(negative) => Some(bit(self, "positive", Expr::Not { a: negative })),
                    },
                    Rounding::RndConv => {
                        Some(bit(self, "odd", Expr::ShiftRight { a, shift: dropped }))
                    }
                    _ => None,
                };
                let below = below_half(self);
                let up = or(self, below, tie_up)?;
                let half = half(self);
                Some(bit(self, "up", Expr::And { a: half, b: up }))
            }
        }
    }

    /// a * 2^shift brought into the type; its integers lie in `range`.
    fn overflow(
        &mut self,
        a: SignalId,
        range: Range,
        shift: u32,
        to: FixedType,
        result: Type,
        name: &str,
    ) -> SignalId {
        let format = to.format;
        let kept = if shift == 0 {
            Expr::ShiftRight { a, shift: 0 }
        } else {
            Expr::ShiftLeft { a, shift }
        };
        let final_name = self.namer.name(name);
        // The largest integers that stay in range after the shift.
        let legal = to.overflow.range_of(format);
        let unshifted = legal.before_shift(shift);
        if to.overflow == Overflow::Wrap || range.within(unshifted) {
            return self.module.assign(final_name, result, kept);
        }
        let kept_name = self.namer.name(&format!("{name}_kept"));
        let kept = self.module.assign(kept_name, signal_type(format.range()), kept);
        let mut value: Operand = kept.into();
        if to.overflow == Overflow::SatSym && format.signed && range.lo < unshifted.lo {
            // Values of the format's range but the lowest are kept by the test of the upper bits
            // below; the lowest has a test of its own.
            let lowest_name = self.namer.name(&format!("{name}_lowest"));
            let lowest = Expr::Equal { a: kept, constant: format.range().lo as i64 };
            let lowest = self.module.assign(lowest_name, BIT, lowest);
            let name = self.namer.name(&format!("{name}_symmetric"));
            let then = constant(legal.lo);
            let expr = Expr::Select { condition: lowest.into(), then, otherwise: kept.into() };
            value = self.module.assign(name, signal_type(format.range()), expr).into();
        }
        let fits_name = self.namer.name(&format!("{name}_fits"));
        let width = format.width.saturating_sub(shift);
        let fits = if width == 0 {
            self.module.assign(fits_name, BIT, Expr::Equal { a, constant: 0 })
        } else {
            let ty = Type { width, signed: format.signed };
            self.module.assign(fits_name, BIT, Expr::Fits { a, ty })
        };
        let otherwise = match to.overflow {
            Overflow::SatZero => Operand::Constant(0),
            _ if range.lo >= unshifted.lo => constant(legal.hi),
            _ if range.hi <= unshifted.hi => constant(legal.lo),
            _ => {
                let end_name = self.namer.name(&format!("{name}_end"));
                let (then, otherwise) = (constant(legal.lo), constant(legal.hi));
                let expr = Expr::Select { condition: self.sign(a), then, otherwise };
                self.module.assign(end_name, signal_type(format.range()), expr).into()
            }
        };
        let expr = Expr::Select { condition: fits.into(), then: value, otherwise };
        self.module.assign(final_name, result, expr)
    }

    fn outputs(&mut self) -> Vec<Operand> {
        let last = self.schedule.last_stage;
        let outputs = self.dataflow.outputs.clone();
        outputs
            .into_iter()
            .map(|output| {
                let name = format!("{}_aligned", self.dataflow.node(output.node).name);
                self.shifted_operand(output, last, &name)
            })
            .collect()
    }
}
