//! The registers that hold the inputs while they are worked on.

use rtl4ml_hdl::{Expr, Operand, SignalId};
use rtl4ml_ir::Range;

use super::super::Tiling;
use super::{Builder, common_grid};
use crate::dataflow::TooWide;
use crate::lower::signal_type;

/// What a lane reads: a value, its range, and the bits after its binary point.
pub(super) type LaneInput = (Operand, Range, i32);

impl Builder<'_> {
    /// The registers that hold the inputs: loaded at the start, then shifted by one chunk a step.
    /// Returns what each lane reads of each window: value, range and bits after the point.
    pub(super) fn input_registers(
        &mut self,
        start: SignalId,
        elements: &[Operand],
    ) -> Result<Vec<Vec<LaneInput>>, TooWide> {
        let n_in = self.shape.n_in;
        let Tiling { lanes, output_steps, .. } = self.tiling;
        self.draft.module.comment("Inputs: loaded at the start, then shifted by one chunk a step.");
        let mut all = Vec::with_capacity(self.applied.windows.len());
        for (window, sources) in self.applied.windows.iter().enumerate() {
            let first = window * n_in;
            // What a lane reads has one type, so all elements that pass through it share a grid.
            let of_lane: Vec<(i32, Range)> = (0..lanes)
                .map(|lane| {
                    let elements = (lane..n_in)
                        .step_by(lanes)
                        .map(|k| self.applied.exact_range(self.input, window, k));
                    common_grid(elements, || format!("lane_{lane}"))
                })
                .collect::<Result<_, _>>()?;
            let held: Vec<Option<SignalId>> = (0..n_in)
                .map(|k| {
                    let (_, range) = of_lane[k % lanes];
                    let name = format!("held_{}", first + k);
                    (range != Range::ZERO)
                        .then(|| self.draft.open_register(&name, signal_type(range)))
                })
                .collect();
            for k in 0..n_in {
                let Some(q) = held[k] else { continue };
                let (grid, range) = of_lane[k % lanes];
                let element = sources[k].map_or(Operand::Constant(0), |index| elements[index]);
                let (_, fraction_bits) = self.applied.exact_range(self.input, window, k);
                let shift = (grid - fraction_bits).max(0) as u32;
                let load =
                    self.draft.aligned(&format!("aligned_{}", first + k), element, shift, range);
                // With one group of outputs nothing is read twice; else the chunks come round.
                let next = if output_steps > 1 {
                    held[(k + lanes) % n_in]
                } else {
                    held.get(k + lanes).copied().flatten()
                };
                let next = next.filter(|next| *next != q);
                let ty = self.draft.module.ty(q);
                match next {
                    None => {
                        let name = format!("load_{}", first + k);
                        let d = self.draft.copy(&name, load, ty);
                        self.draft.close_register(q, d, Some(start), false);
                    }
                    Some(next) => {
                        let name = format!("held_{}_next", first + k);
                        let expr = Expr::Select {
                            condition: start.into(),
                            then: load,
                            otherwise: next.into(),
                        };
                        let d = self.draft.assign(&name, ty, expr);
                        self.draft.close_register(q, d, None, false);
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
}
