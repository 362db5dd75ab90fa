//! The cast of the sums, and the registers that hold the results.

use rtl4ml_ir::{FixedType, Range};

use super::super::Tiling;
use super::Builder;
use super::array::Sums;
use super::controller::Controller;
use crate::dataflow::{Dataflow, Term, TooWide};
use crate::layer::add_output_bus;
use crate::layers::result;

impl Builder<'_> {
    /// The cast of a unit's sum to the result's type, which all outputs of the unit share.
    pub(super) fn unit_result(
        &self,
        dataflow: &mut Dataflow,
        sum: Term,
        window: usize,
        unit: usize,
    ) -> Result<Term, TooWide> {
        let index = window * self.shape.n_out + unit;
        let result = result(dataflow, sum, self.result, index)?;
        // An exact result is on the output's grid, even if the unit's terms together could be on a
        // finer one.
        let format = self.output.format(index);
        let is_finer = result.fraction_bits > format.fraction_bits();
        if is_finer { dataflow.cast(result, FixedType::new(format), "on_grid") } else { Ok(result) }
    }

    /// The outputs of the dataflow are on the grid of the layer's output.
    pub(super) fn output_terms(
        &self,
        dataflow: &mut Dataflow,
        terms: &[Term],
    ) -> Result<(), TooWide> {
        let (units, n_out) = (self.tiling.units, self.shape.n_out);
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
        let n_out = self.shape.n_out;
        let enable = (output_steps > 1)
            .then(|| self.draft.delayed_flag("last_chunk", controller.last, sums.stage, false));
        self.draft.module.comment("Output registers.");
        let mut elements = Vec::new();
        for window in 0..self.applied.windows.len() {
            let first = window * n_out;
            let range_of = |unit: usize| {
                let ranges = (unit..n_out).step_by(units).map(|j| self.output.ranges[first + j]);
                ranges.reduce(Range::union).unwrap_or(Range::ZERO)
            };
            let ranges: Vec<Range> = (0..units).map(range_of).collect();
            let entering = &sums.values[window * units..(window + 1) * units];
            let held =
                self.draft.collected(entering, &ranges, output_steps, enable, |group, unit| {
                    first + group * units + unit
                });
            elements.extend(held.into_iter().flatten());
        }
        for (index, element) in elements.iter_mut().enumerate() {
            *element = self.draft.narrowed(*element, self.output.ranges[index], index);
        }
        add_output_bus(&mut self.draft.module, self.output, &elements);
    }
}
