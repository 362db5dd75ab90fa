//! The array of multipliers: the products of a step, and the sum of each unit's.

use rtl4ml_hdl::{MemoryStyle, Operand};
use rtl4ml_ir::{Overflow, Range, Value};

use super::super::{material, needs_multiplier};
use super::controller::Controller;
use super::inputs::LaneInput;
use super::weights::Weights;
use super::{Builder, index_name};
use crate::dataflow::sum::start_value;
use crate::dataflow::{Accumulator, Dataflow, Material, NodeId, Term, TooWide};
use crate::layer::Part;
use crate::lower::lower;
use crate::schedule::{Moment, Schedule};

/// Where a unit's products are summed.
pub(super) struct Unit {
    pub position: usize,
    pub index: usize,
    /// The sum of a step, or its products where they must be added one by one.
    pub partial: Vec<Term>,
}

/// The results of a group, one a position and unit, and the stage in which they are there.
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
    pub(super) fn product_range(&self, element: usize, k: usize, j: usize) -> Option<(Range, i32)> {
        let weight = self.kernel.weight(k, j);
        let range = self.input.ranges[element].times(Range::constant(weight.mantissa))?;
        Some((range, self.input.format(element).fraction_bits() + weight.fraction_bits))
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
