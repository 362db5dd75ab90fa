//! The kernel with shared multipliers: each does `reuse_factor` products per inference.
//!
//! The module of a shared layer:
//! - the inputs are loaded into registers with `in_valid`, and shift by one chunk a step, so
//!   that each lane of the array always reads the same register;
//! - a controller counts the steps; the weights of a step are one word of a ROM;
//! - in each step an array of multipliers works on one chunk of inputs for one group of outputs
//!   (see [`Tiling`]), pipelined as the delay model says;
//! - an accumulator for each unit starts from the bias and takes the sum of each step;
//! - with the last chunk of a group the accumulators are cast into the output registers.
//!
//! A new input can be taken every `reuse_factor` cycles; the module relies on not being given one
//! earlier. Reset clears the controller; data in flight is then never flagged as valid.

use rtl4ml_hdl::names::Namer;
use rtl4ml_hdl::{Expr, MemoryStyle, Module, Operand, Register, SignalId, Type};
use rtl4ml_ir::{MultiplierStyle, Overflow, Range, ResultType, Strategy, TensorType, Value};

use super::{Kernel, Tiling, material, needs_multiplier};
use crate::dataflow::sum::start_value;
use crate::dataflow::{Accumulator, Dataflow, NodeId, Term, TooWide};
use crate::delay::DelayModel;
use crate::layer::{
    BIT, BuiltLayer, Part, Statistics, add_input_bus, add_output_bus, add_valid_input, port_namer,
};
use crate::layers::LayerContext;
use crate::layers::result;
use crate::lower::{constant, lower, signal_type};
use crate::schedule::{Moment, Schedule};

/// ROMs of `resource` layers deeper than this go to block RAM.
const DISTRIBUTED_ROM_WORDS: usize = 64;

/// The weights that one multiplier is given, step by step.
enum Weights {
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
struct Field {
    /// The dataflow input that it is.
    input: usize,
    name: String,
    range: Range,
    values: Vec<i128>,
}

/// What a lane reads: a value, its range, and the bits after its binary point.
type LaneInput = (Operand, Range, i32);

/// Where a unit's products are summed.
struct Unit {
    position: usize,
    index: usize,
    /// The sum of a step, or its products where they must be added one by one.
    partial: Vec<Term>,
}

struct Builder<'a> {
    kernel: &'a Kernel,
    tiling: Tiling,
    input: &'a TensorType,
    output: &'a TensorType,
    result: &'a ResultType,
    style: MultiplierStyle,
    model: &'a DelayModel,
    positions: usize,
    module: Module,
    namer: Namer,
    fields: Vec<Field>,
    statistics: Statistics,
    parts: Vec<Part>,
}

/// The controller's signals, as they are while a step is worked on.
struct Controller {
    start: SignalId,
    step: SignalId,
    /// The step begins a group; `None` where every step does.
    first: Option<SignalId>,
    /// The step ends a group.
    last: SignalId,
    /// The step ends the inference.
    done: SignalId,
}

/// Builds the module of a layer whose kernel shares its multipliers.
///
/// # Errors
/// When an intermediate needs more than 64 bits.
pub fn build(
    context: &LayerContext,
    kernel: &Kernel,
    tiling: Tiling,
    result: &ResultType,
) -> Result<BuiltLayer, TooWide> {
    let implementation = context.layer.implementation;
    let mut builder = Builder {
        kernel,
        tiling,
        input: context.input,
        output: context.output,
        result,
        style: implementation.multiplier,
        model: context.model,
        positions: context.input.element_count() / kernel.shape.n_in,
        module: Module::new(context.module_name),
        namer: port_namer(),
        fields: Vec::new(),
        statistics: Statistics::default(),
        parts: Vec::new(),
    };
    let start = add_valid_input(&mut builder.module);
    let elements = add_input_bus(&mut builder.module, &mut builder.namer, context.input);
    let controller = builder.controller(start);
    let lanes = builder.input_registers(controller.start, &elements)?;
    let deep = tiling.steps() > DISTRIBUTED_ROM_WORDS;
    let style = if implementation.strategy == Strategy::Resource && deep {
        MemoryStyle::Block
    } else {
        MemoryStyle::Distributed
    };
    let last_stage = builder.array(&controller, &lanes, style)?;

    let done = builder.delayed_flag("done", controller.done, last_stage, true);
    let out_valid = builder.module.register_with_reset("out_valid", done);
    builder.module.add_output(out_valid);
    let ports = &mut builder.module.ports;
    // The data comes after its flag, as in every other module.
    let data = ports.iter().position(|port| port.direction == rtl4ml_hdl::Direction::Output);
    if let Some(data) = data.filter(|data| *data + 1 < ports.len()) {
        ports[data..].rotate_right(1);
    }

    builder.statistics.register_bits = builder.module.register_bits();
    Ok(BuiltLayer {
        has_valid: true,
        latency_cycles: tiling.steps() as u32 + last_stage + 1,
        initiation_interval_cycles: tiling.steps() as u64,
        arrivals_ps: vec![0; context.output.element_count()],
        statistics: builder.statistics,
        parts: builder.parts,
        module: builder.module,
    })
}

/// The bits of a counter that counts `states` states.
fn counter_type(states: usize) -> Type {
    Type { width: (usize::BITS - (states - 1).leading_zeros()).max(1), signed: false }
}

/// The fraction bits of the finest and the union of the ranges on that grid.
fn common_grid(
    values: impl Iterator<Item = (Range, i32)> + Clone,
    name: impl Fn() -> String,
) -> Result<(i32, Range), TooWide> {
    let nonzero = values.filter(|(range, _)| *range != Range::ZERO);
    let grid = nonzero.clone().map(|(_, fraction)| fraction).max().unwrap_or(0);
    let union = nonzero
        .map(|(range, fraction)| range.shifted_left((grid - fraction) as u32))
        .try_fold(Range::ZERO, |union, range| Some(union.union(range?)))
        .filter(|union| union.width() <= rtl4ml_ir::fixed::MAX_WIDTH);
    union.map(|union| (grid, union)).ok_or_else(|| TooWide { name: name() })
}

impl Builder<'_> {
    fn name(&mut self, wanted: &str) -> String {
        self.namer.name(wanted)
    }

    fn assign(&mut self, name: &str, ty: Type, expr: Expr) -> SignalId {
        let name = self.name(name);
        self.module.assign(name, ty, expr)
    }

    /// A register whose next value is not known yet.
    fn open_register(&mut self, name: &str, ty: Type) -> SignalId {
        let name = self.name(name);
        self.module.add_signal(name, ty)
    }

    fn close_register(&mut self, q: SignalId, d: SignalId, enable: Option<SignalId>, reset: bool) {
        self.module.registers.push(Register { q, d: d.into(), enable, reset });
    }

    /// A counter that `start` sets to zero and that counts through its states.
    fn counter(&mut self, name: &str, start: SignalId, states: usize) -> (SignalId, SignalId) {
        let ty = counter_type(states);
        let count = self.open_register(name, ty);
        let is_last = Expr::Equal { a: count, constant: states as i64 - 1 };
        let is_last = self.assign(&format!("{name}_is_last"), BIT, is_last);
        let restart =
            self.assign(&format!("{name}_restart"), BIT, Expr::Or { a: start, b: is_last });
        let one = Operand::Constant(1);
        let plus_one = Expr::Add { a: count.into(), shift_a: 0, b: one, shift_b: 0 };
        let plus_one = self.assign(&format!("{name}_plus_one"), ty, plus_one);
        let zero = Operand::Constant(0);
        let next =
            Expr::Select { condition: restart.into(), then: zero, otherwise: plus_one.into() };
        let next = self.assign(&format!("{name}_next"), ty, next);
        self.close_register(count, next, None, true);
        (count, is_last)
    }

    fn controller(&mut self, start: SignalId) -> Controller {
        let Tiling { input_steps, output_steps, .. } = self.tiling;
        self.module.comment(format!(
            "Controller: {} steps, chunks of inputs {input_steps} times groups of outputs {output_steps}.",
            self.tiling.steps(),
        ));
        let (step, step_is_last) = self.counter("step", start, self.tiling.steps());
        let busy = self.open_register("busy", BIT);
        let done = self.assign("done", BIT, Expr::And { a: busy, b: step_is_last });
        let not_done = self.assign("not_done", BIT, Expr::Not { a: step_is_last });
        let stay = self.assign("stay_busy", BIT, Expr::And { a: busy, b: not_done });
        let next = self.assign("busy_next", BIT, Expr::Or { a: start, b: stay });
        self.close_register(busy, next, None, true);
        let (first, last) = if input_steps == 1 {
            (None, busy)
        } else if output_steps == 1 {
            let first = self.assign("first_chunk", BIT, Expr::Equal { a: step, constant: 0 });
            (Some(first), done)
        } else {
            let (chunk, chunk_is_last) = self.counter("chunk", start, input_steps);
            let first = self.assign("first_chunk", BIT, Expr::Equal { a: chunk, constant: 0 });
            let last = self.assign("last_chunk", BIT, Expr::And { a: busy, b: chunk_is_last });
            (Some(first), last)
        };
        Controller { start, step, first, last, done }
    }

    /// A controller's flag, so many stages later.
    fn delayed_flag(&mut self, name: &str, flag: SignalId, stages: u32, reset: bool) -> SignalId {
        (1..=stages).fold(flag, |flag, stage| {
            let name = self.name(&format!("{name}_s{stage}"));
            if reset {
                self.module.register_with_reset(name, flag)
            } else {
                self.module.register(name, flag)
            }
        })
    }

    /// The registers that hold the inputs: loaded at the start, then shifted by one chunk a step.
    /// Returns what each lane reads at each position: value, range and bits after the point.
    fn input_registers(
        &mut self,
        start: SignalId,
        elements: &[Operand],
    ) -> Result<Vec<Vec<LaneInput>>, TooWide> {
        let n_in = self.kernel.shape.n_in;
        let Tiling { lanes, output_steps, .. } = self.tiling;
        self.module.comment("Inputs: loaded at the start, then shifted by one chunk a step.");
        let mut all = Vec::with_capacity(self.positions);
        for position in 0..self.positions {
            let first = position * n_in;
            // What a lane reads has one type, so all elements that pass through it share a grid.
            let of_lane: Vec<(i32, Range)> = (0..lanes)
                .map(|lane| {
                    let elements = (lane..n_in).step_by(lanes).map(|k| {
                        (self.input.ranges[first + k], self.input.format(first + k).fraction_bits())
                    });
                    common_grid(elements, || format!("lane_{lane}"))
                })
                .collect::<Result<_, _>>()?;
            let held: Vec<Option<SignalId>> = (0..n_in)
                .map(|k| {
                    let (_, range) = of_lane[k % lanes];
                    let name = format!("held_{}", first + k);
                    (range != Range::ZERO).then(|| self.open_register(&name, signal_type(range)))
                })
                .collect();
            for k in 0..n_in {
                let Some(q) = held[k] else { continue };
                let (grid, range) = of_lane[k % lanes];
                let shift = (grid - self.input.format(first + k).fraction_bits()).max(0) as u32;
                let load = self.load_value(first + k, elements[first + k], shift, range);
                // With one group of outputs nothing is read twice; else the chunks come round.
                let next = if output_steps > 1 {
                    held[(k + lanes) % n_in]
                } else {
                    held.get(k + lanes).copied().flatten()
                };
                let next = next.filter(|next| *next != q);
                let ty = self.module.ty(q);
                match next {
                    None => {
                        let name = format!("load_{}", first + k);
                        let d = self.copy(&name, load, ty);
                        self.close_register(q, d, Some(start), false);
                    }
                    Some(next) => {
                        let name = format!("held_{}_next", first + k);
                        let expr = Expr::Select {
                            condition: start.into(),
                            then: load,
                            otherwise: next.into(),
                        };
                        let d = self.assign(&name, ty, expr);
                        self.close_register(q, d, None, false);
                    }
                }
            }
            let read = (0..lanes)
                .map(|lane| {
                    let (grid, range) = of_lane[lane];
                    let value = held[lane].map_or(Operand::Constant(0), Operand::Signal);
                    (value, range, grid)
                })
                .collect();
            all.push(read);
        }
        Ok(all)
    }

    /// An input element on its lane's grid.
    fn load_value(&mut self, index: usize, element: Operand, shift: u32, range: Range) -> Operand {
        match element {
            Operand::Constant(value) => Operand::Constant(value << shift),
            Operand::Signal(_) if shift == 0 => element,
            Operand::Signal(a) => {
                let expr = Expr::ShiftLeft { a, shift };
                self.assign(&format!("aligned_{index}"), signal_type(range), expr).into()
            }
        }
    }

    /// The operand as a signal of this type.
    fn copy(&mut self, name: &str, value: Operand, ty: Type) -> SignalId {
        match value {
            Operand::Signal(a) if self.module.ty(a) == ty => a,
            value => {
                let zero = Operand::Constant(0);
                self.assign(name, ty, Expr::Add { a: value, shift_a: 0, b: zero, shift_b: 0 })
            }
        }
    }

    /// The weights of one multiplier over the steps.
    fn weights(&self, unit: usize, lane: usize) -> Result<Weights, TooWide> {
        let tiling = self.tiling;
        let at = |step| self.kernel.weight(tiling.input(step, lane), tiling.output(step, unit));
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
            let (fraction_bits, range) = common_grid(ranges, || format!("weight_{unit}_{lane}"))?;
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
        let name = self.name(name);
        let input = dataflow.input_count();
        let node = dataflow.input(name.clone(), range);
        if range.as_constant().is_none() {
            let values = (0..self.tiling.steps()).map(value).collect();
            self.fields.push(Field { input, name, range, values });
        }
        node
    }

    /// The array of multipliers, the accumulators and the output registers. Returns the stage in
    /// which the output registers are written, counted from the one in which a step is counted.
    fn array(
        &mut self,
        controller: &Controller,
        lanes: &[Vec<LaneInput>],
        style: MemoryStyle,
    ) -> Result<u32, TooWide> {
        let mut dataflow = Dataflow::default();
        let mut values: Vec<Operand> = Vec::new();
        let mut lane_terms = Vec::with_capacity(lanes.len());
        for (position, lanes) in lanes.iter().enumerate() {
            let mut terms = Vec::with_capacity(lanes.len());
            for (lane, (value, range, fraction_bits)) in lanes.iter().enumerate() {
                let name = format!("lane_{}", index_name(position, self.positions, &[lane]));
                let node = dataflow.input(name, *range);
                terms.push(Term { node, fraction_bits: *fraction_bits, negative: false });
                values.push(*value);
            }
            lane_terms.push(terms);
        }
        let units = self.units(&mut dataflow, &lane_terms)?;
        let biases = self.bias_fields(&mut dataflow)?;
        // A step's word of the ROM is there one stage after the step is counted.
        let arrival_ps =
            if style == MemoryStyle::Block { self.model.fabric.block_ram_ps } else { 0 };
        let mut inputs: Vec<(Operand, Moment)> =
            values.into_iter().map(|value| (value, Moment::default())).collect();
        inputs.resize(dataflow.input_count(), (Operand::Constant(0), Moment::default()));
        for (input, field) in self.rom(controller.step, style) {
            inputs[input] = (field, Moment { stage: 1, arrival_ps });
        }

        let sums = if controller.first.is_some() {
            self.accumulate(controller, dataflow, &inputs, &units, &biases)?
        } else {
            self.add_bias(dataflow, &inputs, &units, &biases)?
        };
        self.output_registers(controller, &sums);
        Ok(sums.stage)
    }

    /// The products of each unit, and their sum where that may be taken at once.
    #[allow(clippy::needless_range_loop, reason = "the unit is an index of the kernel as well")]
    fn units(
        &mut self,
        dataflow: &mut Dataflow,
        lanes: &[Vec<Term>],
    ) -> Result<Vec<Unit>, TooWide> {
        let tiling = self.tiling;
        // One list of products a position and unit.
        let mut products: Vec<Vec<Vec<Term>>> =
            vec![vec![Vec::new(); tiling.units]; self.positions];
        for unit in 0..tiling.units {
            for lane in 0..tiling.lanes {
                let weights = self.weights(unit, lane)?;
                let needs = match &weights {
                    Weights::Zero | Weights::Choice(_) => false,
                    Weights::Constant(weight) => needs_multiplier(*weight),
                    Weights::Field { .. } => true,
                };
                self.statistics.multipliers += u64::from(needs) * self.positions as u64;
                let factor = self.factor(dataflow, &weights, unit, lane);
                for (position, lanes) in lanes.iter().enumerate() {
                    let name =
                        format!("product_{}", index_name(position, self.positions, &[unit, lane]));
                    let x = lanes[lane];
                    let product = self.product(dataflow, x, &weights, &factor, &name)?;
                    products[position][unit].push(product);
                }
            }
        }
        let mut units = Vec::new();
        for (position, products) in products.into_iter().enumerate() {
            for (unit, products) in products.into_iter().enumerate() {
                let name = format!("partial_{}", index_name(position, self.positions, &[unit]));
                let partial = match self.kernel.accumulator {
                    Accumulator::Exact => vec![dataflow.sum(products, &name)?],
                    Accumulator::Typed(accum) => {
                        let products = dataflow.cast_products(accum, products, &name)?;
                        if self.saturates(position) {
                            products
                        } else {
                            vec![dataflow.sum(products, &name)?]
                        }
                    }
                };
                units.push(Unit { position, index: unit, partial });
            }
        }
        Ok(units)
    }

    /// The variable factors of a multiplier: its field of the ROM, or one bit a choice.
    fn factor(
        &mut self,
        dataflow: &mut Dataflow,
        weights: &Weights,
        unit: usize,
        lane: usize,
    ) -> Vec<NodeId> {
        let (tiling, kernel) = (self.tiling, self.kernel);
        let at = |step| kernel.weight(tiling.input(step, lane), tiling.output(step, unit));
        match weights {
            Weights::Zero | Weights::Constant(_) => Vec::new(),
            Weights::Field { fraction_bits, range } => {
                let grid = *fraction_bits;
                let name = format!("weight_{unit}_{lane}");
                vec![self.field(dataflow, &name, *range, |step| at(step).mantissa_at(grid))]
            }
            Weights::Choice(choices) => choices
                .iter()
                .enumerate()
                .map(|(index, choice)| {
                    let name = format!("choose_{unit}_{lane}_{index}");
                    let range = Range::new(0, 1);
                    self.field(dataflow, &name, range, |step| i128::from(at(step) == *choice))
                })
                .collect(),
        }
    }

    /// The product of a lane with its weight of the step.
    fn product(
        &self,
        dataflow: &mut Dataflow,
        x: Term,
        weights: &Weights,
        factor: &[NodeId],
        name: &str,
    ) -> Result<Term, TooWide> {
        match weights {
            Weights::Zero => Ok(dataflow.constant_term(Value::ZERO)),
            Weights::Constant(weight) => {
                let magnitude = Range::constant(weight.mantissa.abs());
                let material = material(self.style, dataflow.range(x.node), magnitude);
                dataflow.multiply_constant(x, *weight, material)
            }
            Weights::Field { fraction_bits, range } => {
                let weight =
                    Term { node: factor[0], fraction_bits: *fraction_bits, negative: false };
                let material = material(self.style, dataflow.range(x.node), *range);
                dataflow.multiply(x, weight, material, name)
            }
            Weights::Choice(choices) => {
                let zero = dataflow.constant_term(Value::ZERO);
                choices.iter().zip(factor).enumerate().try_fold(
                    zero,
                    |other, (i, (choice, bit))| {
                        let shifted = dataflow.multiply_constant(
                            x,
                            *choice,
                            crate::dataflow::Material::Lut,
                        )?;
                        dataflow.select(
                            (*bit).into(),
                            shifted,
                            other,
                            &format!("{name}_choice_{i}"),
                        )
                    },
                )
            }
        }
    }

    /// Whether a prefix of a sum can leave a saturating accumulator's range.
    fn saturates(&self, position: usize) -> bool {
        let Accumulator::Typed(accum) = self.kernel.accumulator else {
            return false;
        };
        if accum.overflow == Overflow::Wrap {
            return false;
        }
        let legal = accum.overflow.range_of(accum.format);
        let n_in = self.kernel.shape.n_in;
        (0..self.kernel.shape.n_out).any(|j| {
            let start = start_value(self.kernel.accumulator, self.kernel.bias[j]);
            let mut sum = Some(Range::constant(start.mantissa));
            (0..n_in).any(|k| {
                let product = self.product_range(position * n_in + k, k, j);
                let product = product.map(|(range, fraction)| range.cast(fraction, accum));
                sum = sum.zip(product).and_then(|(sum, product)| sum.plus(product));
                !sum.is_some_and(|sum| sum.within(legal))
            })
        })
    }

    /// The exact product of an input element and a weight: range and bits after the point.
    fn product_range(&self, element: usize, k: usize, j: usize) -> Option<(Range, i32)> {
        let weight = self.kernel.weight(k, j);
        let range = self.input.ranges[element].times(Range::constant(weight.mantissa))?;
        Some((range, self.input.format(element).fraction_bits() + weight.fraction_bits))
    }

    /// The start value of each unit's sum: a constant, or a field where groups differ.
    fn bias_fields(&mut self, dataflow: &mut Dataflow) -> Result<Vec<Term>, TooWide> {
        let (tiling, kernel) = (self.tiling, self.kernel);
        let mut terms = Vec::with_capacity(tiling.units);
        for unit in 0..tiling.units {
            let bias = |step: usize| {
                start_value(kernel.accumulator, kernel.bias[tiling.output(step, unit)])
            };
            let all = (0..tiling.steps()).map(bias);
            if all.clone().all(|value| value == bias(0)) {
                terms.push(dataflow.constant_term(bias(0)));
                continue;
            }
            let name = format!("bias_{unit}");
            let ranges = all.map(|bias| (Range::constant(bias.mantissa), bias.fraction_bits));
            let (grid, range) = common_grid(ranges, || name.clone())?;
            let node = self.field(dataflow, &name, range, |step| bias(step).mantissa_at(grid));
            terms.push(Term { node, fraction_bits: grid, negative: false });
        }
        Ok(terms)
    }

    /// The ROM of all fields; returns each with the dataflow input that it is.
    fn rom(&mut self, step: SignalId, style: MemoryStyle) -> Vec<(usize, Operand)> {
        let fields = std::mem::take(&mut self.fields);
        if fields.is_empty() {
            return Vec::new();
        }
        let words = (0..self.tiling.steps())
            .map(|step| fields.iter().map(|field| field.values[step] as i64).collect())
            .collect();
        let inputs: Vec<usize> = fields.iter().map(|field| field.input).collect();
        let lanes = fields.into_iter().map(|field| (field.name, signal_type(field.range)));
        let name = self.name("weights");
        let bus = self.module.rom(&name, lanes, step, words, style);
        self.statistics.rom_bits = self.module.bus_width(bus) * self.tiling.steps() as u64;
        inputs.into_iter().zip(self.module.lanes(bus).map(Operand::Signal)).collect()
    }

    /// Lowers a dataflow whose outputs are needed in its last stage.
    fn lower(
        &mut self,
        title: &'static str,
        dataflow: Dataflow,
        schedule: Schedule,
        inputs: &[Operand],
    ) -> Vec<Operand> {
        self.module.comment(format!("{title}."));
        let outputs = lower(&mut self.module, &mut self.namer, &dataflow, &schedule, inputs);
        let part = Part { title, dataflow, schedule };
        self.statistics.count(&part);
        self.parts.push(part);
        outputs
    }

    /// Without chunks there is nothing to accumulate: the sum of a step is that of its group.
    fn add_bias(
        &mut self,
        mut dataflow: Dataflow,
        inputs: &[(Operand, Moment)],
        units: &[Unit],
        biases: &[Term],
    ) -> Result<Sums, TooWide> {
        let mut terms = Vec::new();
        for Unit { position, index: unit, partial } in units {
            let (position, unit) = (*position, *unit);
            let name = format!("sum_{}", index_name(position, self.positions, &[unit]));
            // The products are in the accumulator's type already; casting them again is nothing.
            let sum = dataflow.accumulate(
                self.kernel.accumulator,
                biases[unit],
                partial.clone(),
                &name,
            )?;
            let result = self.unit_result(&mut dataflow, sum, position, unit)?;
            terms.push(result);
        }
        self.output_terms(&mut dataflow, &terms)?;
        let moments: Vec<Moment> = inputs.iter().map(|(_, moment)| *moment).collect();
        let values: Vec<Operand> = inputs.iter().map(|(value, _)| *value).collect();
        let schedule = Schedule::asap(&dataflow, &moments, self.model);
        let stage = schedule.last_stage;
        let title = "Multiplier array and adder trees";
        let values = self.lower(title, dataflow, schedule, &values);
        Ok(Sums { values, stage })
    }

    /// The multiplier array, then an accumulator for each unit, then the cast.
    fn accumulate(
        &mut self,
        controller: &Controller,
        mut dataflow: Dataflow,
        inputs: &[(Operand, Moment)],
        units: &[Unit],
        biases: &[Term],
    ) -> Result<Sums, TooWide> {
        let moments: Vec<Moment> = inputs.iter().map(|(_, moment)| *moment).collect();
        let values: Vec<Operand> = inputs.iter().map(|(value, _)| *value).collect();
        for Unit { partial, .. } in units {
            for term in partial {
                dataflow.output(*term, term.fraction_bits, "partial_negated")?;
            }
        }
        for bias in biases {
            dataflow.output(*bias, bias.fraction_bits, "bias_negated")?;
        }
        let mut schedule = Schedule::asap(&dataflow, &moments, self.model);

        // The loop through the accumulator has one cycle; its inputs are registered before it
        // where both do not fit.
        let accumulation = self.accumulation(&dataflow, units, biases)?;
        let unlimited = DelayModel { budget_ps: u32::MAX, ..*self.model };
        let arrivals = |schedule: &Schedule| -> Vec<Moment> {
            let outputs = dataflow.outputs.iter();
            let partials = outputs.map(|out| Moment {
                stage: 0,
                arrival_ps: schedule.arrival_in_last_stage_ps(out.node),
            });
            let state = std::iter::repeat_n(Moment::default(), 1 + units.len());
            partials.chain(state).collect()
        };
        let mut accumulation_schedule =
            Schedule::asap(&accumulation.dataflow, &arrivals(&schedule), &unlimited);
        if accumulation_schedule.worst_ps > self.model.budget_ps {
            schedule.last_stage += 1;
            accumulation_schedule =
                Schedule::asap(&accumulation.dataflow, &arrivals(&schedule), &unlimited);
        }
        let title = "Multiplier array and adder trees of a step";
        let stage = schedule.last_stage;
        let partials = self.lower(title, dataflow, schedule, &values);

        let first = controller.first.unwrap_or(controller.start);
        let first = self.delayed_flag("first_chunk", first, stage, false);
        let Accumulation { dataflow, ranges, grids } = accumulation;
        let registers: Vec<SignalId> = ranges
            .iter()
            .zip(units)
            .map(|(range, Unit { position, index: unit, .. })| {
                let name = format!("acc_{}", index_name(*position, self.positions, &[*unit]));
                self.open_register(&name, signal_type(*range))
            })
            .collect();
        let state = registers.iter().copied().map(Operand::Signal);
        let inputs: Vec<Operand> =
            partials.into_iter().chain([first.into()]).chain(state).collect();
        let title = "Accumulators: the bias or the sum so far, plus the sum of the step";
        let next = self.lower(title, dataflow, accumulation_schedule, &inputs);
        for (register, next) in registers.iter().zip(next) {
            let ty = self.module.ty(*register);
            let name = format!("{}_next", self.module.signal(*register).name);
            let next = self.copy(&name, next, ty);
            self.close_register(*register, next, None, false);
        }

        // From the accumulators to the results.
        let mut finish = Dataflow::default();
        let mut terms = Vec::new();
        for ((range, grid), Unit { position, index: unit, .. }) in
            ranges.iter().zip(&grids).zip(units)
        {
            let name = format!("acc_{}", index_name(*position, self.positions, &[*unit]));
            let node = finish.input(name, *range);
            let term = Term { node, fraction_bits: *grid, negative: false };
            terms.push(self.unit_result(&mut finish, term, *position, *unit)?);
        }
        self.output_terms(&mut finish, &terms)?;
        let moments = vec![Moment::default(); registers.len()];
        let schedule = Schedule::asap(&finish, &moments, self.model);
        let registers: Vec<Operand> = registers.into_iter().map(Operand::Signal).collect();
        let stage = stage + 1 + schedule.last_stage;
        let values = self.lower("Results", finish, schedule, &registers);
        Ok(Sums { values, stage })
    }

    /// One turn of the loop through the accumulators. The inputs are the partial sums and biases
    /// of the step (the outputs of `array`), the flag of the first chunk and the accumulators.
    fn accumulation(
        &self,
        array: &Dataflow,
        units: &[Unit],
        biases: &[Term],
    ) -> Result<Accumulation, TooWide> {
        let mut dataflow = Dataflow::default();
        let inputs: Vec<NodeId> = array
            .outputs
            .iter()
            .enumerate()
            .map(|(index, out)| dataflow.input(format!("term_{index}"), array.shifted_range(*out)))
            .collect();
        let first = dataflow.input("is_first", Range::new(0, 1));
        let partial_count: usize = units.iter().map(|unit| unit.partial.len()).sum();
        let mut partial_inputs = inputs[..partial_count].iter();
        let mut ranges = Vec::new();
        let mut grids = Vec::new();
        let mut sums = Vec::new();
        for Unit { position, index: unit, partial } in units {
            let name = index_name(*position, self.positions, &[*unit]);
            let bias =
                Term { node: inputs[partial_count + unit], negative: false, ..biases[*unit] };
            let partial: Vec<Term> = partial
                .iter()
                .zip(&mut partial_inputs)
                .map(|(term, node)| Term { node: *node, negative: false, ..*term })
                .collect();
            let terms = partial.iter().chain([&bias]);
            let nonzero = terms.filter(|term| dataflow.range(term.node) != Range::ZERO);
            let grid = nonzero.map(|term| term.fraction_bits).max().unwrap_or(0);
            let grid = match self.kernel.accumulator {
                Accumulator::Exact => grid,
                Accumulator::Typed(accum) => accum.fraction_bits(),
            };
            let range = self
                .accumulator_range(*position, *unit, grid)
                .ok_or_else(|| TooWide { name: format!("acc_{name}") })?;
            let node = dataflow.input(format!("acc_{name}"), range);
            let acc = Term { node, fraction_bits: grid, negative: false };
            let base = dataflow.select(first.into(), bias, acc, &format!("base_{name}"))?;
            let mut sum = base;
            for (index, term) in partial.into_iter().enumerate() {
                let suffix = if index == 0 { String::new() } else { format!("_{index}") };
                sum = dataflow.add(sum, term, &format!("total_{name}{suffix}"))?;
                if let Accumulator::Typed(accum) = self.kernel.accumulator {
                    sum = dataflow.cast(sum, accum, &format!("total_{name}{suffix}_cast"))?;
                }
            }
            ranges.push(range);
            grids.push(grid);
            sums.push((sum, grid));
        }
        for (sum, grid) in sums {
            dataflow.output(sum, grid, "total_negated")?;
        }
        Ok(Accumulation { dataflow, ranges, grids })
    }

    /// The range of a unit's accumulator after any step, on the grid 2^-`grid`.
    fn accumulator_range(&self, position: usize, unit: usize, grid: i32) -> Option<Range> {
        let Tiling { lanes, units, .. } = self.tiling;
        let n_in = self.kernel.shape.n_in;
        let mut all: Option<Range> = None;
        for j in (unit..self.kernel.shape.n_out).step_by(units) {
            let start = start_value(self.kernel.accumulator, self.kernel.bias[j]);
            let mut sum = at_grid(Range::constant(start.mantissa), start.fraction_bits, grid)?;
            for k in 0..n_in {
                let (range, fraction) = self.product_range(position * n_in + k, k, j)?;
                if range != Range::ZERO {
                    let product = match self.kernel.accumulator {
                        Accumulator::Exact => at_grid(range, fraction, grid)?,
                        Accumulator::Typed(accum) => range.cast(fraction, accum),
                    };
                    sum = sum.plus(product)?;
                    if let Accumulator::Typed(accum) = self.kernel.accumulator {
                        sum = sum.cast(grid, accum);
                    }
                }
                if (k + 1) % lanes == 0 {
                    all = Some(all.map_or(sum, |all| all.union(sum)));
                }
            }
        }
        all
    }

    /// The cast of a unit's sum to the result's type, which all outputs of the unit share.
    fn unit_result(
        &self,
        dataflow: &mut Dataflow,
        sum: Term,
        position: usize,
        unit: usize,
    ) -> Result<Term, TooWide> {
        let index = position * self.kernel.shape.n_out + unit;
        result(dataflow, sum, self.result, index)
    }

    /// The outputs of the dataflow are on the grid of the layer's output.
    fn output_terms(&self, dataflow: &mut Dataflow, terms: &[Term]) -> Result<(), TooWide> {
        let (units, n_out) = (self.tiling.units, self.kernel.shape.n_out);
        for (index, term) in terms.iter().enumerate() {
            let element = index / units * n_out + index % units;
            let fraction_bits = self.output.format(element).fraction_bits();
            dataflow.output(*term, fraction_bits, "result_negated")?;
        }
        Ok(())
    }

    /// The output registers: each group's results come in at the end of its chunks, and those
    /// of earlier groups move on to their places.
    fn output_registers(&mut self, controller: &Controller, sums: &Sums) {
        let Tiling { units, output_steps, .. } = self.tiling;
        let n_out = self.kernel.shape.n_out;
        let enable = (output_steps > 1)
            .then(|| self.delayed_flag("last_chunk", controller.last, sums.stage, false));
        self.module.comment("Output registers.");
        let mut elements = Vec::new();
        for position in 0..self.positions {
            let range_of = |unit: usize| {
                let outputs = (unit..n_out).step_by(units).map(|j| position * n_out + j);
                let ranges = outputs.map(|element| self.output.ranges[element]);
                ranges.fold(None, |all: Option<Range>, range| {
                    Some(all.map_or(range, |all| all.union(range)))
                })
            };
            let ranges: Vec<Range> =
                (0..units).map(|unit| range_of(unit).unwrap_or(Range::ZERO)).collect();
            let mut later: Vec<Operand> =
                (0..units).map(|unit| sums.values[position * units + unit]).collect();
            // The last group is written first, and moves down as others come in.
            let mut held = vec![Operand::Constant(0); n_out];
            for group in (0..output_steps).rev() {
                for unit in 0..units {
                    let j = group * units + unit;
                    if let Some(mantissa) = ranges[unit].as_constant() {
                        held[j] = constant(mantissa);
                        continue;
                    }
                    let ty = signal_type(ranges[unit]);
                    let index = position * n_out + j;
                    let next = self.copy(&format!("y_{index}_next"), later[unit], ty);
                    let q = self.open_register(&format!("y_{index}_held"), ty);
                    self.close_register(q, next, enable, false);
                    held[j] = q.into();
                    later[unit] = q.into();
                }
            }
            for (j, value) in held.into_iter().enumerate() {
                let index = position * n_out + j;
                let range = self.output.ranges[index];
                elements.push(match (range.as_constant(), value) {
                    (Some(mantissa), _) => constant(mantissa),
                    (None, Operand::Signal(a)) if self.module.ty(a) != signal_type(range) => {
                        let narrower = Expr::ShiftRight { a, shift: 0 };
                        self.assign(&format!("y_{index}_narrow"), signal_type(range), narrower)
                            .into()
                    }
                    (None, value) => value,
                });
            }
        }
        add_output_bus(&mut self.module, self.output, &elements);
    }
}

/// A range of mantissas on another grid, all of whose numbers that occur lie on both: a product
/// with a weight that is a multiple of a power of two needs fewer bits after the point.
fn at_grid(range: Range, fraction_bits: i32, grid: i32) -> Option<Range> {
    if range == Range::ZERO || grid >= fraction_bits {
        return range.shifted_left(grid.checked_sub(fraction_bits)?.max(0) as u32);
    }
    let shift = ((fraction_bits - grid) as u32).min(127);
    Some(Range::new(range.lo >> shift, -(-range.hi >> shift)))
}

/// The results of a group, one a position and unit, and the stage in which they are there.
struct Sums {
    values: Vec<Operand>,
    stage: u32,
}

/// The loop through the accumulators.
struct Accumulation {
    dataflow: Dataflow,
    /// The range of each accumulator.
    ranges: Vec<Range>,
    /// The bits after the binary point of each accumulator.
    grids: Vec<i32>,
}

/// The position, where there are several, and further indices, joined by underscores.
fn index_name(position: usize, positions: usize, indices: &[usize]) -> String {
    let position = (positions > 1).then_some(position);
    let parts: Vec<String> = position.iter().chain(indices).map(ToString::to_string).collect();
    parts.join("_")
}
