//! The weights that a multiplier is given, step by step, and the ROM that they come from.

use rtl4ml_hdl::{MemoryStyle, Operand, SignalId};
use rtl4ml_ir::{Range, Value};

use super::super::needs_multiplier;
use super::{Builder, common_grid};
use crate::dataflow::sum::start_value;
use crate::dataflow::{Dataflow, NodeId, Term, TooWide};
use crate::lower::signal_type;

/// The weights that one multiplier is given, step by step.
pub(super) enum Weights {
    /// None but zeros: there is no multiplier.
    Zero,
    /// The same weight in every step.
    Constant(Value),
    /// Zeros and powers of two, at most so many different ones: a choice instead of a product.
    Choice(Vec<Value>),
    /// A field of the ROM, on this grid.
    Field {
        /// The bits after the binary point.
        fraction_bits: i32,
        /// The range of the field's integers.
        range: Range,
    },
}

/// A field of the ROM: its name, type, and value in each step.
pub(super) struct Field {
    /// The dataflow input that it is.
    pub input: usize,
    pub name: String,
    pub range: Range,
    pub values: Vec<i128>,
}

impl Builder<'_> {
    /// The weights of one multiplier over the steps.
    pub(super) fn weights(
        &self,
        group: usize,
        unit: usize,
        lane: usize,
    ) -> Result<Weights, TooWide> {
        let (tiling, kernel) = (self.tiling, &self.applied.kernels[group]);
        let at = |step| kernel.weight(tiling.input(step, lane), tiling.output(step, unit));
        let all = (0..tiling.steps()).map(at);
        let first = at(0);
        if all.clone().all(|weight| weight.mantissa == 0) {
            Ok(Weights::Zero)
        } else if all.clone().all(|weight| weight == first) {
            Ok(Weights::Constant(first))
        } else if !all.clone().any(needs_multiplier) {
            let mut choices: Vec<Value> = Vec::new();
            for weight in all.filter(|weight| weight.mantissa != 0) {
                if !choices.contains(&weight) {
                    choices.push(weight);
                }
            }
            choices.sort_by_key(|choice| (choice.fraction_bits, choice.mantissa));
            Ok(Weights::Choice(choices))
        } else {
            let ranges = all.map(|w| (Range::constant(w.mantissa), w.fraction_bits));
            let (fraction_bits, range) = common_grid(ranges, || {
                format!("weight_{}", self.group_name(group, &[unit, lane]))
            })?;
            Ok(Weights::Field { fraction_bits, range })
        }
    }

    /// A field of the ROM as an input of the dataflow; a constant where all steps agree.
    fn field(
        &mut self,
        dataflow: &mut Dataflow,
        name: &str,
        range: Range,
        value: impl Fn(usize) -> i128,
    ) -> NodeId {
        let name = self.draft.name(name);
        let input = dataflow.input_count();
        let node = dataflow.input(name.clone(), range);
        if range.as_constant().is_none() {
            let values = (0..self.tiling.steps()).map(value).collect();
            self.fields.push(Field { input, name, range, values });
        }
        node
    }

    /// The variable factors of a multiplier: its field of the ROM, or one bit a choice.
    pub(super) fn factor(
        &mut self,
        dataflow: &mut Dataflow,
        weights: &Weights,
        group: usize,
        unit: usize,
        lane: usize,
    ) -> Vec<NodeId> {
        let (tiling, kernel) = (self.tiling, &self.applied.kernels[group]);
        let at = |step| kernel.weight(tiling.input(step, lane), tiling.output(step, unit));
        match weights {
            Weights::Zero | Weights::Constant(_) => Vec::new(),
            Weights::Field { fraction_bits, range } => {
                let grid = *fraction_bits;
                let name = format!("weight_{}", self.group_name(group, &[unit, lane]));
                vec![self.field(dataflow, &name, *range, |step| at(step).mantissa_at(grid))]
            }
            Weights::Choice(choices) => choices
                .iter()
                .enumerate()
                .map(|(index, choice)| {
                    let name = format!("choose_{}", self.group_name(group, &[unit, lane, index]));
                    let range = Range::new(0, 1);
                    self.field(dataflow, &name, range, |step| i128::from(at(step) == *choice))
                })
                .collect(),
        }
    }

    /// The start value of each unit's sum, group by group: a constant, or a field where the steps
    /// differ.
    pub(super) fn bias_fields(&mut self, dataflow: &mut Dataflow) -> Result<Vec<Term>, TooWide> {
        let (tiling, applied) = (self.tiling, self.applied);
        let mut terms = Vec::with_capacity(applied.groups() * tiling.units);
        for (group, kernel) in applied.kernels.iter().enumerate() {
            for unit in 0..tiling.units {
                let bias = |step: usize| {
                    start_value(kernel.accumulator, kernel.bias[tiling.output(step, unit)])
                };
                let all = (0..tiling.steps()).map(bias);
                if all.clone().all(|value| value == bias(0)) {
                    terms.push(dataflow.constant_term(bias(0)));
                    continue;
                }
                let name = format!("bias_{}", self.group_name(group, &[unit]));
                let ranges = all.map(|bias| (Range::constant(bias.mantissa), bias.fraction_bits));
                let (grid, range) = common_grid(ranges, || name.clone())?;
                let node = self.field(dataflow, &name, range, |step| bias(step).mantissa_at(grid));
                terms.push(Term { node, fraction_bits: grid, negative: false });
            }
        }
        Ok(terms)
    }

    /// The place of a unit's start value among those of all groups.
    pub(super) fn bias_index(&self, window: usize, unit: usize) -> usize {
        window % self.applied.groups() * self.tiling.units + unit
    }

    /// The ROM of all fields; returns each with the dataflow input that it is.
    pub(super) fn rom(&mut self, step: SignalId, style: MemoryStyle) -> Vec<(usize, Operand)> {
        let fields = std::mem::take(&mut self.fields);
        if fields.is_empty() {
            return Vec::new();
        }
        let words = (0..self.tiling.steps())
            .map(|step| fields.iter().map(|field| field.values[step] as i64).collect())
            .collect();
        let inputs: Vec<usize> = fields.iter().map(|field| field.input).collect();
        let lanes = fields.into_iter().map(|field| (field.name, signal_type(field.range)));
        let name = self.draft.name("weights");
        let bus = self.draft.module.rom(&name, lanes, step, words, style);
        self.statistics.rom_bits = self.draft.module.bus_width(bus) * self.tiling.steps() as u64;
        inputs.into_iter().zip(self.draft.module.lanes(bus).map(Operand::Signal)).collect()
    }
}
