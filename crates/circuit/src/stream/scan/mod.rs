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

mod buffers;
mod steps;
mod walk;

use rtl4ml_hdl::Module;
use rtl4ml_ir::{Range, Shape, TensorType};

use crate::bus::BusLayout;
use crate::control::Control;
use crate::layer::BIT;

pub use walk::{Action, Walk};

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

    /// The fewest cycles of a frame, with so many between two windows: each window comes as many
    /// steps after the one before as there are, or as many cycles as that takes.
    pub fn frame_cycles(&self, interval: u64) -> u64 {
        let mut since = 0;
        let mut before_first = None;
        let mut cycles = 0;
        for row in 0..self.rows.grid {
            for column in 0..self.columns.grid {
                since += 1;
                if self.rows.emits(row) && self.columns.emits(column) {
                    match before_first {
                        None => before_first = Some(since),
                        Some(_) => cycles += interval.max(since),
                    }
                    since = 0;
                }
            }
        }
        // The first window comes after the last one of the frame before.
        cycles + interval.max(since + before_first.unwrap_or(0))
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
}
