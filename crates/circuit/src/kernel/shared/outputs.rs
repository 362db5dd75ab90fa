//! The cast of the sums, and the registers that hold the results.

use rtl4ml_hdl::{Expr, Operand};
use rtl4ml_ir::Range;

use super::super::Tiling;
use super::Builder;
use super::array::Sums;
use super::controller::Controller;
use crate::dataflow::{Dataflow, Term, TooWide};
use crate::layer::add_output_bus;
use crate::layers::result;
use crate::lower::{constant, signal_type};

impl Builder<'_> {
    /// The cast of a unit's sum to the result's type, which all outputs of the unit share.
    pub(super) fn unit_result(
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
    pub(super) fn output_terms(
        &self,
        dataflow: &mut Dataflow,
        terms: &[Term],
    ) -> Result<(), TooWide> {
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
    pub(super) fn output_registers(&mut self, controller: &Controller, sums: &Sums) {
        let Tiling { units, output_steps, .. } = self.tiling;
        let n_out = self.kernel.shape.n_out;
        let enable = (output_steps > 1)
            .then(|| self.draft.delayed_flag("last_chunk", controller.last, sums.stage, false));
        self.draft.module.comment("Output registers.");
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
                    let next = self.draft.copy(&format!("y_{index}_next"), later[unit], ty);
                    let q = self.draft.open_register(&format!("y_{index}_held"), ty);
                    self.draft.close_register(q, next, enable, false);
                    held[j] = q.into();
                    later[unit] = q.into();
                }
            }
            for (j, value) in held.into_iter().enumerate() {
                let index = position * n_out + j;
                let range = self.output.ranges[index];
                elements.push(match (range.as_constant(), value) {
                    (Some(mantissa), _) => constant(mantissa),
                    (None, Operand::Signal(a)) if self.draft.module.ty(a) != signal_type(range) => {
                        let narrower = Expr::ShiftRight { a, shift: 0 };
                        self.draft
                            .assign(&format!("y_{index}_narrow"), signal_type(range), narrower)
                            .into()
                    }
                    (None, value) => value,
                });
            }
        }
        add_output_bus(&mut self.draft.module, self.output, &elements);
    }
}
