//! The walk of a scan without data: what its module does, for the model.

use super::{Scan, ScanAxis};

/// The walk's behaviour, without data.
#[derive(Clone, Debug)]
pub struct Walk {
    rows: ScanAxis,
    columns: ScanAxis,
    waits_at_first: bool,
    row: usize,
    column: usize,
}

/// What a front does in a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// It would take a transfer of its input if one were there.
    pub ready: bool,
    /// It starts a result.
    pub start: bool,
    /// It moves on.
    pub step: bool,
}

impl Walk {
    /// The walk at the first step of a frame.
    pub fn new(scan: &Scan) -> Self {
        let waits_at_first = scan.emits_before_the_image();
        Self { rows: scan.rows, columns: scan.columns, waits_at_first, row: 0, column: 0 }
    }

    /// The row and the column of the next step.
    pub fn position(&self) -> [usize; 2] {
        [self.row, self.column]
    }

    /// What happens in a cycle.
    pub fn action(&self, is_valid: bool, may_start: bool) -> Action {
        let on_image = self.rows.is_on_image(self.row) && self.columns.is_on_image(self.column);
        let emits = self.rows.emits(self.row) && self.columns.emits(self.column);
        let may_go = !emits || may_start;
        let is_first = (self.row, self.column) == (0, 0);
        let needs_pixel = on_image || (self.waits_at_first && is_first);
        let step = may_go && (!needs_pixel || is_valid);
        Action { ready: on_image && may_go, start: step && emits, step }
    }

    /// Moves on by one step.
    pub fn advance(&mut self) {
        self.column += 1;
        if self.column == self.columns.grid {
            self.column = 0;
            self.row = (self.row + 1) % self.rows.grid;
        }
    }
}
