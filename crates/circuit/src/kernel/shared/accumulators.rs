//! The accumulators, for kernels whose sums take several steps.

use rtl4ml_hdl::{Operand, SignalId};
use rtl4ml_ir::Range;

use super::super::Tiling;
use super::Builder;
use super::array::{Sums, Unit};
use super::controller::Controller;
use crate::dataflow::sum::start_value;
use crate::dataflow::{Accumulator, Dataflow, NodeId, Term, TooWide};
use crate::delay::DelayModel;
use crate::lower::signal_type;
use crate::schedule::{Moment, Schedule};

/// The loop through the accumulators.
pub(super) struct Accumulation {
    dataflow: Dataflow,
    /// The range of each accumulator.
    ranges: Vec<Range>,
    /// The bits after the binary point of each accumulator.
    grids: Vec<i32>,
}

impl Builder<'_> {
    /// The multiplier array, then an accumulator for each unit, then the cast.
    pub(super) fn accumulate(
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
        let mut schedule = Schedule::new(&dataflow, &moments, self.model);

        // The loop through the accumulator has one cycle; its inputs are registered before it
        // where both do not fit.
        let accumulation = self.accumulation(&dataflow, units, biases)?;
        let unlimited = DelayModel { budget_ps: u32::MAX, ..self.model.clone() };
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
            Schedule::new(&accumulation.dataflow, &arrivals(&schedule), &unlimited);
        if accumulation_schedule.worst_ps > self.model.budget_ps {
            schedule.last_stage += 1;
            accumulation_schedule =
                Schedule::new(&accumulation.dataflow, &arrivals(&schedule), &unlimited);
        }
        let title = "Multiplier array and adder trees of a step";
        let stage = schedule.last_stage;
        let partials = self.lower(title, dataflow, schedule, &values);

        let first = controller.first.unwrap_or(controller.start);
        let first = self.draft.delayed_flag("first_chunk", first, stage, false);
        let Accumulation { dataflow, ranges, grids } = accumulation;
        let registers: Vec<SignalId> = ranges
            .iter()
            .zip(units)
            .map(|(range, Unit { window, index: unit, .. })| {
                let name = format!("acc_{}", self.window_name(*window, &[*unit]));
                self.draft.open_register(&name, signal_type(*range))
            })
            .collect();
        let state = registers.iter().copied().map(Operand::Signal);
        let inputs: Vec<Operand> =
            partials.into_iter().chain([first.into()]).chain(state).collect();
        let title = "Accumulators: the bias or the sum so far, plus the sum of the step";
        let next = self.lower(title, dataflow, accumulation_schedule, &inputs);
        for (register, next) in registers.iter().zip(next) {
            let ty = self.draft.module.ty(*register);
            let name = format!("{}_next", self.draft.module.signal(*register).name);
            let next = self.draft.copy(&name, next, ty);
            self.draft.close_register(*register, next, None, false);
        }

        // From the accumulators to the results.
        let mut finish = Dataflow::default();
        let mut terms = Vec::new();
        for ((range, grid), Unit { window, index: unit, .. }) in
            ranges.iter().zip(&grids).zip(units)
        {
            let name = format!("acc_{}", self.window_name(*window, &[*unit]));
            let node = finish.input(name, *range);
            let term = Term { node, fraction_bits: *grid, negative: false };
            terms.push(self.unit_result(&mut finish, term, *window, *unit)?);
        }
        self.output_terms(&mut finish, &terms)?;
        let moments = vec![Moment::default(); registers.len()];
        let schedule = Schedule::new(&finish, &moments, self.model);
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
        for Unit { window, index: unit, partial } in units {
            let name = self.window_name(*window, &[*unit]);
            let accumulator = self.applied.kernel(*window).accumulator;
            let bias = self.bias_index(*window, *unit);
            let node = inputs[partial_count + bias];
            let bias = Term { node, negative: false, ..biases[bias] };
            let partial: Vec<Term> = partial
                .iter()
                .zip(&mut partial_inputs)
                .map(|(term, node)| Term { node: *node, negative: false, ..*term })
                .collect();
            let terms = partial.iter().chain([&bias]);
            let nonzero = terms.filter(|term| dataflow.range(term.node) != Range::ZERO);
            let grid = nonzero.map(|term| term.fraction_bits).max().unwrap_or(0);
            let grid = match accumulator {
                Accumulator::Exact => grid,
                Accumulator::Typed(accum) => accum.fraction_bits(),
            };
            let range = self
                .accumulator_range(*window, *unit, grid)
                .ok_or_else(|| TooWide { name: format!("acc_{name}") })?;
            let node = dataflow.input(format!("acc_{name}"), range);
            let acc = Term { node, fraction_bits: grid, negative: false };
            let base = dataflow.select(first.into(), bias, acc, &format!("base_{name}"))?;
            let mut sum = base;
            for (index, term) in partial.into_iter().enumerate() {
                let suffix = if index == 0 { String::new() } else { format!("_{index}") };
                sum = dataflow.add(sum, term, &format!("total_{name}{suffix}"))?;
                if let Accumulator::Typed(accum) = accumulator {
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
    fn accumulator_range(&self, window: usize, unit: usize, grid: i32) -> Option<Range> {
        let Tiling { lanes, units, .. } = self.tiling;
        let kernel = self.applied.kernel(window);
        let mut all: Option<Range> = None;
        for j in (unit..self.shape.n_out).step_by(units) {
            let start = start_value(kernel.accumulator, kernel.bias[j]);
            let mut sum = at_grid(Range::constant(start.mantissa), start.fraction_bits, grid)?;
            for k in 0..self.shape.n_in {
                let (range, fraction) = self.product_range(window, k, j)?;
                if range != Range::ZERO {
                    let product = match kernel.accumulator {
                        Accumulator::Exact => at_grid(range, fraction, grid)?,
                        Accumulator::Typed(accum) => range.cast(fraction, accum),
                    };
                    sum = sum.plus(product)?;
                    if let Accumulator::Typed(accum) = kernel.accumulator {
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
