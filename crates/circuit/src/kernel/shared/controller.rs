//! The controller: counts the steps of an inference.

use rtl4ml_hdl::{Expr, SignalId};

use super::super::Tiling;
use super::Builder;
use crate::layer::BIT;

/// The controller's signals, as they are while a step is worked on.
pub(super) struct Controller {
    pub start: SignalId,
    pub step: SignalId,
    /// The step begins a group; `None` where every step does.
    pub first: Option<SignalId>,
    /// The step ends a group.
    pub last: SignalId,
    /// The step ends the inference.
    pub done: SignalId,
}

impl Builder<'_> {
    pub(super) fn controller(&mut self, start: SignalId) -> Controller {
        let Tiling { input_steps, output_steps, .. } = self.tiling;
        self.draft.module.comment(format!(
            "Controller: {} steps, chunks of inputs {input_steps} times groups of outputs {output_steps}.",
            self.tiling.steps(),
        ));
        let (step, step_is_last) = self.draft.counter("step", start, self.tiling.steps());
        let busy = self.draft.open_register("busy", BIT);
        let done = self.draft.assign("done", BIT, Expr::And { a: busy, b: step_is_last });
        self.draft.close_busy(busy, start, step_is_last);
        let (first, last) = if input_steps == 1 {
            (None, busy)
        } else if output_steps == 1 {
            let first = self.draft.assign("first_chunk", BIT, Expr::Equal { a: step, constant: 0 });
            (Some(first), done)
        } else {
            let (chunk, chunk_is_last) = self.draft.counter("chunk", start, input_steps);
            let first =
                self.draft.assign("first_chunk", BIT, Expr::Equal { a: chunk, constant: 0 });
            let last =
                self.draft.assign("last_chunk", BIT, Expr::And { a: busy, b: chunk_is_last });
            (Some(first), last)
        };
        Controller { start, step, first, last, done }
    }
}
