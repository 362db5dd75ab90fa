//! The front of a stage that moves a window over an image, one pixel a step.
//!
//! The scan walks over a grid, row by row: the image and what is padded around it. In each step
//! it takes a pixel of the input, or makes one up where the grid is beyond the image; it keeps
//! the rows that a window reaches back to in line buffers and the columns in registers, and gives
//! a window away where one is complete. Zero padding and cropping are scans with a window of one
//! cell.
//!
//! Steps are cycles, so padding before the image mostly costs none: what was kept is taken for
//! padding where a row begins, and where a frame does. Only a window that would end on the first
//! step needs a step for what is before it, and what is padded behind the image needs its own.
//!
//! Ports: `x_valid`, `x_ready` and `x` are the pixels; `room` comes from the buffer; `start` is 1
//! in the cycle in which `w` is a window.

use rtl4ml_hdl::{BusDriver, BusId, Expr, Module, Operand, Ram, SignalId, Type};
use rtl4ml_ir::{Range, Shape, TensorType};

use super::fifo::memory_style;
use crate::bus::BusLayout;
use crate::control::{Control, Counter, counter_type};
use crate::layer::BIT;
use crate::lower::{constant, signal_type};

/// Line buffers of at most so many columns are shift registers.
const SHIFT_REGISTER_COLUMNS: usize = 16;

/// One axis of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanAxis {
    /// Steps along the axis.
    pub grid: usize,
    /// Cells of padding before the first step.
    pub before: usize,
    /// The first step on the image.
    pub image_from: usize,
    /// The steps on the image.
    pub image: usize,
    /// The cells of the window.
    pub kernel: usize,
    /// The distance between two cells of the window.
    pub dilation: usize,
    /// The first step that completes a window.
    pub emit_from: usize,
    /// The first step behind the last that may complete one.
    pub emit_until: usize,
    /// The distance between two windows.
    pub stride: usize,
}

impl ScanAxis {
    /// The axis of a window that slides over an image.
    pub fn of_window(axis: &rtl4ml_ir::window::SlidingAxis) -> Self {
        let last_cell = axis.window.span() - 1;
        // No window may end on the first step.
        let before = axis.pad_before.min(last_cell.saturating_sub(1));
        let image_from = axis.pad_before - before;
        let grid = image_from + axis.input + axis.pad_after;
        Self {
            grid,
            before,
            image_from,
            image: axis.input,
            kernel: axis.window.kernel,
            dilation: axis.window.dilation,
            emit_from: last_cell - before,
            emit_until: grid,
            stride: axis.window.stride,
        }
    }

    /// The axis of an image to which cells are added.
    pub fn padded(image: usize, (before, after): (usize, usize)) -> Self {
        let grid = before + image + after;
        Self { grid, image_from: before, image, emit_until: grid, ..Self::plain(image) }
    }

    /// The axis of an image of which cells are dropped.
    pub fn cropped(image: usize, (before, after): (usize, usize)) -> Self {
        Self { emit_from: before, emit_until: image - after, ..Self::plain(image) }
    }

    /// The axis of an image that passes as it is.
    pub fn plain(image: usize) -> Self {
        Self {
            grid: image,
            before: 0,
            image_from: 0,
            image,
            kernel: 1,
            dilation: 1,
            emit_from: 0,
            emit_until: image,
            stride: 1,
        }
    }

    /// The steps from the first cell of a window to the last, both included.
    fn span(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    fn is_on_image(&self, step: usize) -> bool {
        (self.image_from..self.image_from + self.image).contains(&step)
    }

    fn emits(&self, step: usize) -> bool {
        (self.emit_from..self.emit_until).contains(&step)
            && (step - self.emit_from).is_multiple_of(self.stride)
    }

    fn has_steps_of_padding(&self) -> bool {
        self.grid > self.image
    }
}

/// A scan over an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The outer axis.
    pub rows: ScanAxis,
    /// The inner axis.
    pub columns: ScanAxis,
    /// The pixels of the input: one axis, the channels.
    pub pixel: TensorType,
    /// The mantissa of each channel beyond the image.
    pub padding: Vec<i128>,
}

impl Scan {
    /// Whether windows reach beyond the image.
    pub fn has_padding(&self) -> bool {
        self.has_steps_of_padding() || self.rows.before + self.columns.before > 0
    }

    /// Whether some steps are beyond the image.
    pub fn has_steps_of_padding(&self) -> bool {
        self.rows.has_steps_of_padding() || self.columns.has_steps_of_padding()
    }

    /// A window: [rows, columns, channels].
    pub fn window(&self) -> TensorType {
        let extents = [self.rows.kernel, self.columns.kernel, self.pixel.element_count()].to_vec();
        let cells = self.rows.kernel * self.columns.kernel;
        let channels = self.pixel.element_count();
        let sources: Vec<Option<usize>> =
            (0..cells * channels).map(|index| Some(index % channels)).collect();
        let shape = Shape::new(extents).unwrap_or_else(|| self.pixel.shape.clone());
        let mut window = self.pixel.gathered(shape, &sources);
        let ranges = self.cell_ranges();
        for (index, range) in window.ranges.iter_mut().enumerate() {
            *range = ranges[index % channels];
        }
        window
    }

    /// Whether windows are complete before the first pixel of the image is taken: the walk then
    /// waits for that pixel at its first step, so that nothing leaves for a frame that never comes.
    fn emits_before_the_image(&self) -> bool {
        let (rows, columns) = (&self.rows, &self.columns);
        (rows.emit_from, columns.emit_from) < (rows.image_from, columns.image_from)
    }

    /// The range of each channel of a cell.
    fn cell_ranges(&self) -> Vec<Range> {
        let ranges = self.pixel.ranges.iter().zip(&self.padding);
        let with = |(range, padding): (&Range, &i128)| range.union(Range::constant(*padding));
        if self.has_padding() { ranges.map(with).collect() } else { self.pixel.ranges.clone() }
    }

    /// Bits in line buffers that are memories.
    fn line_buffer_is_memory(&self) -> bool {
        self.columns.grid > SHIFT_REGISTER_COLUMNS
    }

    /// The module of a scan that gives a window away every `interval` cycles at most.
    pub fn module(&self, name: &str, interval: u64) -> Module {
        let ports = ["x_valid", "x_ready", "x", "room", "start", "w"];
        let mut control = Control::new(name, &ports);
        let x_valid = control.module.add_input("x_valid", BIT);
        let layout = BusLayout::of(&self.pixel);
        let lanes = layout.lane_types();
        let x = (!lanes.is_empty())
            .then(|| control.module.add_input_bus(&mut control.namer, "x", &lanes));
        let room = control.module.add_input("room", BIT);
        let pixel = layout.elements(&control.module, x);

        let steps = self.steps(&mut control, x_valid, room, interval);
        let pixel = self.padded_pixel(&mut control, pixel, steps.on_image);
        let window = self.window_elements(&mut control, &pixel, &steps);
        let tensor = self.window();
        let layout = BusLayout::of(&tensor);
        let lanes = layout.lane_types();
        if !lanes.is_empty() {
            control.module.add_output_bus("w", &lanes, layout.lane_values(&window));
        }
        control.module
    }

    /// The walk over the grid.
    fn steps(
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

    /// The channels of the pixel of a step: those of the input, or the padding.
    fn padded_pixel(
        &self,
        control: &mut Control,
        pixel: Vec<Operand>,
        on_image: Option<SignalId>,
    ) -> Vec<Operand> {
        let Some(on_image) = on_image else {
            return pixel;
        };
        control.module.comment("The pixel of the step, or what is beyond the image.");
        let ranges = self.cell_ranges();
        let mut padded = Vec::with_capacity(pixel.len());
        for (channel, (value, range)) in pixel.into_iter().zip(&ranges).enumerate() {
            padded.push(if let Some(mantissa) = range.as_constant() {
                constant(mantissa)
            } else {
                let padding = constant(self.padding[channel]);
                let name = format!("pixel_{channel}");
                control.select(&name, signal_type(*range), on_image, value, padding).into()
            });
        }
        padded
    }

    /// The elements of the window that ends with the step's pixel.
    fn window_elements(
        &self,
        control: &mut Control,
        pixel: &[Operand],
        steps: &Steps,
    ) -> Vec<Operand> {
        let ranges = self.cell_ranges();
        let layout = BusLayout::of(&self.window_row(&ranges, 1));
        let known = |index: usize| ranges[index % ranges.len()].as_constant().map(constant);
        let lanes_of_pixel = layout.lane_values(pixel);
        if lanes_of_pixel.is_empty() {
            let cells = self.rows.kernel * self.columns.kernel;
            let values = (0..cells * ranges.len()).filter_map(known);
            return values.collect();
        }
        let padding: Vec<Operand> = self.padding.iter().copied().map(constant).collect();
        let padding = layout.lane_values(&padding);
        let rows = self.line_buffers(control, &lanes_of_pixel, &padding, steps);
        // The cells of a column that windows read, the oldest first.
        let read: Vec<usize> =
            (0..self.rows.kernel).map(|cell| cell * self.rows.dilation).collect();
        let current: Vec<Operand> = read.iter().flat_map(|row| rows[*row].clone()).collect();
        let types: Vec<_> = read.iter().flat_map(|_| layout.lane_types()).collect();
        let mut columns = vec![current.clone()];
        if self.columns.span() > 1 {
            control.module.comment("The columns before this one.");
            let driver = BusDriver::Lanes(current);
            let name = control.namer.name("column_0");
            let mut bus = control.module.add_bus(&mut control.namer, &name, &types, driver);
            for back in 1..self.columns.span() {
                // Where a row begins, all that the last one has left makes room for padding.
                if back > 1
                    && let Some(is_first) = steps.column_is_first
                {
                    let kept: Vec<Operand> =
                        control.module.lanes(bus).map(Operand::Signal).collect();
                    let name = format!("column_{back}_next");
                    let kept = or_padding(control, &name, is_first, &kept, &padding, &types);
                    let name = control.namer.name(&name);
                    let driver = BusDriver::Lanes(kept);
                    bus = control.module.add_bus(&mut control.namer, &name, &types, driver);
                }
                let name = control.namer.name(&format!("column_{back}"));
                let namer = &mut control.namer;
                bus = control.module.register_bus_if(namer, &name, bus, Some(steps.step));
                columns.push(control.module.lanes(bus).map(Operand::Signal).collect());
            }
        }
        let mut elements = Vec::new();
        let per_pixel = lanes_of_pixel.len();
        for row in 0..self.rows.kernel {
            for cell in 0..self.columns.kernel {
                let back = (self.columns.kernel - 1 - cell) * self.columns.dilation;
                let mut lanes = columns[back][row * per_pixel..][..per_pixel].iter();
                let element = |channel| known(channel).or_else(|| lanes.next().copied());
                elements.extend((0..ranges.len()).filter_map(element));
            }
        }
        elements
    }

    /// So many pixels, with the ranges of cells.
    fn window_row(&self, ranges: &[Range], pixels: usize) -> TensorType {
        let count = ranges.len() * pixels;
        let sources: Vec<Option<usize>> = (0..count).map(|i| Some(i % ranges.len())).collect();
        let shape = Shape::new([count]).unwrap_or_else(|| self.pixel.shape.clone());
        let mut tensor = self.pixel.gathered(shape, &sources);
        tensor.ranges = (0..count).map(|index| ranges[index % ranges.len()]).collect();
        tensor
    }

    /// The lanes of the pixels above the step's pixel as far as a window reaches, the oldest row
    /// first, and of the pixel itself.
    fn line_buffers(
        &self,
        control: &mut Control,
        pixel: &[Operand],
        padding: &[Operand],
        steps: &Steps,
    ) -> Vec<Vec<Operand>> {
        let Steps { step, row_is_first, column: (column, counter), .. } = *steps;
        let above = self.rows.span() - 1;
        if above == 0 {
            return vec![pixel.to_vec()];
        }
        let ranges = self.cell_ranges();
        let one = BusLayout::of(&self.window_row(&ranges, 1)).lane_types();
        let types: Vec<_> = (0..above).flat_map(|_| one.iter().copied()).collect();
        let columns = self.columns.grid;
        control.module.comment(format!("Line buffers: {above} rows of {columns} pixels."));
        // What is written is the pixel, and what was read but for the oldest row: each row moves
        // up by one. The output of the buffers is a bus that exists before its input does.
        let written = control.namer.name("lines_in");
        let lines: BusId;
        if self.line_buffer_is_memory() {
            let name = control.namer.name("lines");
            lines = control.module.add_bus(&mut control.namer, &name, &types, BusDriver::Whole);
            control.namer.name("lines_words");
            let d = Self::written_lines(
                control,
                &written,
                [pixel, padding],
                row_is_first,
                lines,
                &types,
            );
            control.module.rams.push(Ram {
                q: lines,
                d,
                write: step,
                write_address: column,
                read_address: counter.next,
                words: columns,
                style: memory_style(columns),
            });
        } else {
            let name = control.namer.name("lines");
            lines = control.module.add_bus(&mut control.namer, &name, &types, BusDriver::Whole);
            let mut bus = Self::written_lines(
                control,
                &written,
                [pixel, padding],
                row_is_first,
                lines,
                &types,
            );
            for index in 1..columns {
                let name = control.namer.name(&format!("lines_{index}"));
                let namer = &mut control.namer;
                bus = control.module.register_bus_if(namer, &name, bus, Some(step));
            }
            let enable = Some(step);
            control.module.bus_registers.push(rtl4ml_hdl::BusRegister { q: lines, d: bus, enable });
        }
        let lanes: Vec<Operand> = control.module.lanes(lines).map(Operand::Signal).collect();
        let rows = lanes.chunks(one.len()).rev().map(<[Operand]>::to_vec);
        rows.chain([pixel.to_vec()]).collect()
    }

    fn written_lines(
        control: &mut Control,
        name: &str,
        [pixel, padding]: [&[Operand]; 2],
        row_is_first: Option<SignalId>,
        lines: BusId,
        types: &[Type],
    ) -> BusId {
        let kept = types.len() - pixel.len();
        let mut read: Vec<Operand> =
            control.module.lanes(lines).map(Operand::Signal).take(kept).collect();
        // Where a frame begins, all that the last one has left makes room for padding.
        if let Some(is_first) = row_is_first {
            let name = format!("{name}_above");
            read = or_padding(control, &name, is_first, &read, padding, types);
        }
        let values = pixel.iter().copied().chain(read).collect();
        control.module.add_bus(&mut control.namer, name, types, BusDriver::Lanes(values))
    }
}

/// The signals of the walk.
struct Steps {
    step: SignalId,
    /// `None` where every step is on the image.
    on_image: Option<SignalId>,
    /// Where a frame begins with padding: whether the step is on the first row.
    row_is_first: Option<SignalId>,
    /// Where a row begins with padding: whether the step is on the first column.
    column_is_first: Option<SignalId>,
    column: (SignalId, Counter),
}

/// The lanes of some pixels, or in their place padding, whose lanes are those of one pixel.
fn or_padding(
    control: &mut Control,
    name: &str,
    condition: SignalId,
    lanes: &[Operand],
    padding: &[Operand],
    types: &[Type],
) -> Vec<Operand> {
    let lanes = lanes.iter().zip(padding.iter().cycle()).zip(types).enumerate();
    let choice = |(index, ((lane, padding), ty)): (usize, ((&Operand, &Operand), &Type))| {
        control.select(&format!("{name}_{index}"), *ty, condition, *padding, *lane).into()
    };
    lanes.map(choice).collect()
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
