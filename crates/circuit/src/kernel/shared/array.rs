//! The array of multipliers: the products of a step, and the sum of each unit's.

use rtl4ml_hdl::{MemoryStyle, Operand};
use rtl4ml_ir::{Overflow, Range, Value};

use super::super::{material, needs_multiplier, varies};
use super::Builder;
use super::controller::Controller;
use super::inputs::LaneInput;
use super::weights::Weights;
use crate::dataflow::sum::start_value;
use crate::dataflow::{Accumulator, Dataflow, Material, NodeId, Term, TooWide};
use crate::layer::Part;
use crate::lower::lower;
use crate::schedule::{Moment, Schedule};

/// Where a unit's products are summed.
pub(super) struct Unit {
    pub window: usize,
    pub index: usize,
    /// The sum of a step, or its products where they must be added one by one.
    pub partial: Vec<Term>,
}

/// The results of a group, one a window and unit, and the stage in which they are there.
pub(super) struct Sums {
    pub values: Vec<Operand>,
    pub stage: u32,
}

impl Builder<'_> {
    /// The array of multipliers, the accumulators and the output registers. Returns the stage in
    /// which the output registers are written, counted from the one in which a step is counted.
    pub(super) fn array(
        &mut self,
        controller: &Controller,
        lanes: &[Vec<LaneInput>],
        style: MemoryStyle,
    ) -> Result<u32, TooWide> {
        let mut dataflow = Dataflow::default();
        let mut values: Vec<Operand> = Vec::new();
        let mut lane_terms = Vec::with_capacity(lanes.len());
        for (window, lanes) in lanes.iter().enumerate() {
            let mut terms = Vec::with_capacity(lanes.len());
            for (lane, (value, range, fraction_bits)) in lanes.iter().enumerate() {
                let name = format!("lane_{}", self.window_name(window, &[lane]));
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

    #[allow(clippy::needless_range_loop, reason = "the unit is an index of the kernel as well")]
    /// The products of each unit, and their sum where that may be taken at once.
    fn units(
        &mut self,
        dataflow: &mut Dataflow,
        lanes: &[Vec<Term>],
    ) -> Result<Vec<Unit>, TooWide> {
        let (tiling, applied) = (self.tiling, self.applied);
        let groups = applied.groups();
        // One list of products a window and unit.
        let mut products: Vec<Vec<Vec<Term>>> = vec![vec![Vec::new(); tiling.units]; lanes.len()];
        for group in 0..groups {
            for unit in 0..tiling.units {
                for lane in 0..tiling.lanes {
                    let weights = self.weights(group, unit, lane)?;
                    let factor = self.factor(dataflow, &weights, group, unit, lane);
                    for window in (group..lanes.len()).step_by(groups) {
                        let name = format!("product_{}", self.window_name(window, &[unit, lane]));
                        let x = lanes[window][lane];
                        let range = dataflow.range(x.node);
                        self.statistics.multipliers += u64::from(self.multiplies(range, &weights));
                        let product = self.product(dataflow, x, &weights, &factor, &name)?;
                        products[window][unit].push(product);
                    }
                }
            }
        }
        let mut units = Vec::new();
        for (window, products) in products.into_iter().enumerate() {
            for (unit, products) in products.into_iter().enumerate() {
                let name = format!("partial_{}", self.window_name(window, &[unit]));
                let partial = match applied.kernel(window).accumulator {
                    Accumulator::Exact => vec![dataflow.sum(products, &name)?],
                    Accumulator::Typed(accum) => {
                        let products = dataflow.cast_products(accum, products, &name)?;
                        if self.saturates(window) {
                            products
                        } else {
                            vec![dataflow.sum(products, &name)?]
                        }
                    }
                };
                units.push(Unit { window, index: unit, partial });
            }
        }
        Ok(units)
    }

    /// Whether the product of a lane of this range with these weights needs a multiplier.
    fn multiplies(&self, lane: Range, weights: &Weights) -> bool {
        match weights {
            Weights::Zero | Weights::Choice(_) => false,
            Weights::Constant(weight) => {
                let magnitude = Range::constant(weight.mantissa.abs());
                needs_multiplier(*weight) && varies(lane, material(self.style, lane, magnitude))
            }
            Weights::Field { range, .. } => varies(lane, material(self.style, lane, *range)),
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
                        let shifted = dataflow.multiply_constant(x, *choice, Material::Lut)?;
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

    /// Without chunks there is nothing to accumulate: the sum of a step is that of its group.
    fn add_bias(
        &mut self,
        mut dataflow: Dataflow,
        inputs: &[(Operand, Moment)],
        units: &[Unit],
        biases: &[Term],
    ) -> Result<Sums, TooWide> {
        let mut terms = Vec::new();
        for Unit { window, index: unit, partial } in units {
            let (window, unit) = (*window, *unit);
            let name = format!("sum_{}", self.window_name(window, &[unit]));
            let bias = biases[self.bias_index(window, unit)];
            let accumulator = self.applied.kernel(window).accumulator;
            let sum = match (accumulator, partial.as_slice()) {
                // The partial sum alone may be outside of the accumulator's type, so that it is
                // not cast before the bias is in it.
                (Accumulator::Typed(accum), [partial]) => {
                    let exact = dataflow.add(bias, *partial, &format!("{name}_exact"))?;
                    dataflow.cast(exact, accum, &name)?
                }
                // Products are in the accumulator's type already; casting them again is nothing.
                _ => dataflow.accumulate(accumulator, bias, partial.clone(), &name)?,
            };
            let result = self.unit_result(&mut dataflow, sum, window, unit)?;
            terms.push(result);
        }
        self.output_terms(&mut dataflow, &terms)?;
        let moments: Vec<Moment> = inputs.iter().map(|(_, moment)| *moment).collect();
        let values: Vec<Operand> = inputs.iter().map(|(value, _)| *value).collect();
        let schedule = Schedule::new(&dataflow, &moments, self.model);
        let stage = schedule.last_stage;
        let title = "Multiplier array and adder trees";
        let values = self.lower(title, dataflow, schedule, &values);
        Ok(Sums { values, stage })
    }

    /// Whether a prefix of a sum can leave a saturating accumulator's range.
    fn saturates(&self, window: usize) -> bool {
        let kernel = self.applied.kernel(window);
        let Accumulator::Typed(accum) = kernel.accumulator else {
            return false;
        };
        if accum.overflow == Overflow::Wrap {
            return false;
        }
        let legal = accum.overflow.range_of(accum.format);
        (0..self.shape.n_out).any(|j| {
            let start = start_value(kernel.accumulator, kernel.bias[j]);
            let mut sum = Some(Range::constant(start.mantissa));
            (0..self.shape.n_in).any(|k| {
                let product = self.product_range(window, k, j);
                let product = product.map(|(range, fraction)| range.cast(fraction, accum));
                sum = sum.zip(product).and_then(|(sum, product)| sum.plus(product));
                !sum.is_some_and(|sum| sum.within(legal))
            })
        })
    }

    /// The exact product of an input of a window and a weight: range and bits after the point.
    pub(super) fn product_range(&self, window: usize, k: usize, j: usize) -> Option<(Range, i32)> {
        let weight = self.applied.kernel(window).weight(k, j);
        let (range, fraction_bits) = self.applied.exact_range(self.input, window, k);
        let product = range.times(Range::constant(weight.mantissa))?;
        Some((product, fraction_bits + weight.fraction_bits))
    }

    /// Lowers a dataflow whose outputs are needed in its last stage.
    pub(super) fn lower(
        &mut self,
        title: &'static str,
        dataflow: Dataflow,
        schedule: Schedule,
        inputs: &[Operand],
    ) -> Vec<Operand> {
        self.draft.module.comment(format!("{title}."));
        let outputs =
            lower(&mut self.draft.module, &mut self.draft.namer, &dataflow, &schedule, inputs);
        let part = Part { title, dataflow, schedule };
        self.statistics.count(&part);
        self.parts.push(part);
        outputs
    }
}
