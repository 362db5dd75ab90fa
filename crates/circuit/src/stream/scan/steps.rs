//! The control of a scan: where its walk over the grid is, and when it moves on.

use rtl4ml_hdl::{Expr, Operand, SignalId};

use super::{Scan, ScanAxis};
use crate::control::{Control, Counter, counter_type};
use crate::layer::BIT;

/// The signals of the walk.
pub(super) struct Steps {
    /// Whether the walk moves on.
    pub step: SignalId,
    /// `None` where every step is on the image.
    pub on_image: Option<SignalId>,
    /// Where a frame begins with padding: whether the step is on the first row.
    pub row_is_first: Option<SignalId>,
    /// Where a row begins with padding: whether the step is on the first column.
    pub column_is_first: Option<SignalId>,
    /// The column, and its counter.
    pub column: (SignalId, Counter),
}

impl Scan {
    /// The walk over the grid.
    pub(super) fn steps(
        &self,
        control: &mut Control,
        x_valid: SignalId,
        room: SignalId,
        interval: u64,
    ) -> Steps {
        let (rows, columns) = (&self.rows, &self.columns);
        control.module.comment(format!(
            "Walks over a grid of {} x {} steps, the image in it being {} x {}.",
            rows.grid, columns.grid, rows.image, columns.image
        ));
        let row = control.open("row", counter_type(rows.grid));
        let column = control.open("column", counter_type(columns.grid));
        let phases = [("row", rows), ("column", columns)]
            .map(|(name, axis)| open_phase(control, name, axis));
        let on_image = |control: &mut Control, name: &str, at, axis: &ScanAxis| {
            let until = axis.image_from + axis.image;
            within(control, &format!("{name}_on_image"), at, axis.image_from, until, axis.grid)
        };
        let flags =
            [on_image(control, "row", row, rows), on_image(control, "column", column, columns)];
        let on_image = control.all("on_image", flags.into_iter().flatten());
        let mut flags = Vec::new();
        for ((name, at, axis), phase) in
            [("row", row, rows), ("column", column, columns)].into_iter().zip(phases)
        {
            let bounds = (axis.emit_from, axis.emit_until);
            flags.extend(within(
                control,
                &format!("{name}_emits"),
                at,
                bounds.0,
                bounds.1,
                axis.grid,
            ));
            if let Some(phase) = phase {
                let wanted = axis.emit_from % axis.stride;
                flags.push(control.equals(&format!("{name}_phase_fits"), phase, wanted));
            }
        }
        let emits = control.all("emits", flags);
        let first = |control: &mut Control, name: &str, at, axis: &ScanAxis| {
            (axis.before > 0).then(|| control.equals(&format!("{name}_is_first"), at, 0))
        };
        let row_is_first = first(control, "row", row, rows);
        let column_is_first = first(control, "column", column, columns);
        let permit = control.permit(room, interval);
        let may_go = match emits {
            None => permit.allowed,
            Some(emits) => {
                let silent = control.not("silent", emits);
                control.or("may_go", silent, permit.allowed)
            }
        };
        let needs_pixel = match on_image {
            Some(on_image) if self.emits_before_the_image() => {
                let at_first = [("row", row), ("column", column)]
                    .map(|(name, at)| (format!("{name}_is_first"), at));
                let at_first = at_first.map(|(name, at)| control.equals(&name, at, 0));
                let is_first = control.and("is_first", at_first[0], at_first[1]);
                Some(control.or("needs_pixel", on_image, is_first))
            }
            needs_pixel => needs_pixel,
        };
        let has_pixel = match needs_pixel {
            None => x_valid,
            Some(needs_pixel) => {
                let beyond = control.not("beyond_image", needs_pixel);
                control.or("has_pixel", beyond, x_valid)
            }
        };
        let step = control.and("step", may_go, has_pixel);
        let bit = |control: &mut Control, name: &str, a: SignalId, b: Option<SignalId>| {
            let expr = match b {
                Some(b) => Expr::And { a, b },
                None => Expr::ShiftRight { a, shift: 0 },
            };
            control.module.assign(name, BIT, expr)
        };
        let x_ready = bit(control, "x_ready", may_go, on_image);
        let start = bit(control, "start", step, emits);
        permit.close(control, start);
        control.module.add_output(x_ready);
        control.module.add_output(start);
        let counter = control.count(column, columns.grid, step);
        close_phase(control, "column", columns, phases[1], step, counter.is_last);
        let row_step = control.and("row_step", step, counter.is_last);
        let row_counter = control.count(row, rows.grid, row_step);
        close_phase(control, "row", rows, phases[0], row_step, row_counter.is_last);
        Steps { step, on_image, row_is_first, column_is_first, column: (column, counter) }
    }
}

/// The counter of steps modulo the stride, where that is not 1.
fn open_phase(control: &mut Control, name: &str, axis: &ScanAxis) -> Option<SignalId> {
    let ty = counter_type(axis.stride);
    (axis.stride > 1).then(|| control.open(&format!("{name}_phase"), ty))
}

/// The phase goes on with each step along the axis, and starts again with the axis.
fn close_phase(
    control: &mut Control,
    name: &str,
    axis: &ScanAxis,
    phase: Option<SignalId>,
    step: SignalId,
    is_last: SignalId,
) {
    let Some(phase) = phase else { return };
    let ty = counter_type(axis.stride);
    let wraps = control.equals(&format!("{name}_phase_is_last"), phase, axis.stride - 1);
    let restart = control.or(&format!("{name}_phase_restart"), wraps, is_last);
    let one = Operand::Constant(1);
    let plus_one = Expr::Add { a: phase.into(), shift_a: 0, b: one, shift_b: 0 };
    let plus_one = control.assign(&format!("{name}_phase_plus_one"), ty, plus_one);
    let zero = Operand::Constant(0);
    let stepped = control.select(&format!("{name}_phase_stepped"), ty, restart, zero, plus_one);
    let next = control.select(&format!("{name}_phase_next"), ty, step, stepped, phase);
    control.close(phase, next);
}

/// Whether a counter with `states` states is in `from..until`; `None` where it always is.
fn within(
    control: &mut Control,
    name: &str,
    count: SignalId,
    from: usize,
    until: usize,
    states: usize,
) -> Option<SignalId> {
    let before = (from > 0).then(|| {
        let before = control.is_below(&format!("{name}_not_yet"), count, from);
        control.not(&format!("{name}_from_{from}"), before)
    });
    let after =
        (until < states).then(|| control.is_below(&format!("{name}_until_{until}"), count, until));
    control.all(name, [before, after].into_iter().flatten())
}
