//! What a scan keeps of an image: the rows above the step's pixel in line buffers, the columns
//! before it in registers; and the window that they make.

use rtl4ml_hdl::{BusDriver, BusId, BusRegister, Operand, Ram, SignalId, Type};
use rtl4ml_ir::{Range, Shape, TensorType};

use super::Scan;
use super::steps::Steps;
use crate::bus::BusLayout;
use crate::control::Control;
use crate::lower::{constant, signal_type};
use crate::stream::fifo::memory_style;

/// Line buffers of at most so many columns are shift registers.
const SHIFT_REGISTER_COLUMNS: usize = 16;

impl Scan {
    /// The channels of the pixel of a step: those of the input, or the padding.
    pub(super) fn padded_pixel(
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
    pub(super) fn window_elements(
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
        if columns > SHIFT_REGISTER_COLUMNS {
            let name = control.namer.name("lines");
            lines = control.module.add_bus(&mut control.namer, &name, &types, BusDriver::Whole);
            control.namer.name("lines_words");
            let d = written_lines(control, &written, [pixel, padding], row_is_first, lines, &types);
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
            let mut bus =
                written_lines(control, &written, [pixel, padding], row_is_first, lines, &types);
            for index in 1..columns {
                let name = control.namer.name(&format!("lines_{index}"));
                let namer = &mut control.namer;
                bus = control.module.register_bus_if(namer, &name, bus, Some(step));
            }
            let enable = Some(step);
            control.module.bus_registers.push(BusRegister { q: lines, d: bus, enable });
        }
        let lanes: Vec<Operand> = control.module.lanes(lines).map(Operand::Signal).collect();
        let rows = lanes.chunks(one.len()).rev().map(<[Operand]>::to_vec);
        rows.chain([pixel.to_vec()]).collect()
    }
}

/// What the line buffers take in with a step.
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
