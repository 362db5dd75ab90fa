//! Sliding windows: which cells of an image each position of a convolution or pooling reads.
//!
//! An image has one spatial axis (steps) or two (rows, columns), then channels. Everything here
//! counts pixels, row-major; a channel's element is at pixel * channels + channel.

use crate::error::Problem;
use crate::network::words_of;

/// What lies beyond the edges of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Padding {
    /// Nothing: windows lie inside the image.
    #[default]
    Valid,
    /// So many cells that there is a window for each stride, the odd one after the image.
    Same,
    /// So many cells before the image that no window looks ahead. One axis only.
    Causal,
}

words_of!(Padding: Valid = "valid", Same = "same", Causal = "causal");

/// A window along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WindowAxis {
    /// Its cells.
    pub kernel: usize,
    /// The distance between two windows, in pixels.
    pub stride: usize,
    /// The distance between two cells of a window, in pixels.
    pub dilation: usize,
}

/// A window and how it moves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// One entry a spatial axis: one or two.
    pub axes: Vec<WindowAxis>,
    /// What lies beyond the edges.
    pub padding: Padding,
}

/// A window axis on an image of known extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlidingAxis {
    /// The window.
    pub window: WindowAxis,
    /// Pixels of the image.
    pub input: usize,
    /// Cells before the image.
    pub pad_before: usize,
    /// Cells after the image, as far as a window reaches them.
    pub pad_after: usize,
    /// Windows.
    pub output: usize,
}

/// A window on an image of known extents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sliding {
    /// The outer axis; a single row where the image has one spatial axis.
    pub rows: SlidingAxis,
    /// The inner axis.
    pub columns: SlidingAxis,
    /// The channels of the image.
    pub channels: usize,
}

impl WindowAxis {
    /// The pixels from the first cell to the last, both included.
    pub fn span(self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// The window of one cell.
    const POINT: Self = Self { kernel: 1, stride: 1, dilation: 1 };

    fn slide(self, input: usize, padding: Padding) -> Option<SlidingAxis> {
        let (span, stride) = (self.span(), self.stride);
        let (pad_before, output) = match padding {
            Padding::Valid => (0, (input.checked_sub(span)?) / stride + 1),
            Padding::Causal => (span - 1, (input - 1) / stride + 1),
            Padding::Same => {
                let output = input.div_ceil(stride);
                let total = ((output - 1) * stride + span).saturating_sub(input);
                (total / 2, output)
            }
        };
        let pad_after = ((output - 1) * stride + span).saturating_sub(pad_before + input);
        Some(SlidingAxis { window: self, input, pad_before, pad_after, output })
    }
}

impl SlidingAxis {
    /// The pixel that a cell of a window lies on; `None` beyond the image.
    pub fn pixel(&self, window: usize, cell: usize) -> Option<usize> {
        (window * self.window.stride + cell * self.window.dilation)
            .checked_sub(self.pad_before)
            .filter(|pixel| *pixel < self.input)
    }
}

impl Window {
    /// A window of one or two axes.
    pub fn new(axes: impl Into<Vec<WindowAxis>>, padding: Padding) -> Self {
        Self { axes: axes.into(), padding }
    }

    /// The number of cells.
    pub fn cell_count(&self) -> usize {
        self.axes.iter().map(|axis| axis.kernel).product()
    }

    /// The window on an image with these extents, channels last.
    ///
    /// # Errors
    /// When the image has other axes than the window, or is smaller than it.
    pub fn slide(&self, extents: &[usize]) -> Result<Sliding, Problem> {
        let rank = self.axes.len();
        let [spatial @ .., channels] = extents else {
            return Err(Problem::ImageRank { found: extents.to_vec(), rank });
        };
        if spatial.len() != rank {
            return Err(Problem::ImageRank { found: extents.to_vec(), rank });
        }
        let slide = |axis: usize| {
            let window = self.axes[axis];
            window
                .slide(spatial[axis], self.padding)
                .ok_or(Problem::WindowSize { kernel: window.span(), found: spatial[axis] })
        };
        let point = SlidingAxis {
            window: WindowAxis::POINT,
            input: 1,
            pad_before: 0,
            pad_after: 0,
            output: 1,
        };
        let channels = *channels;
        Ok(match rank {
            1 => Sliding { rows: point, columns: slide(0)?, channels },
            _ => Sliding { rows: slide(0)?, columns: slide(1)?, channels },
        })
    }

    /// A window that covers the whole image with these extents, channels last.
    pub fn whole(extents: &[usize]) -> Self {
        let spatial = &extents[..extents.len().saturating_sub(1)];
        let axis = |extent: &usize| WindowAxis { kernel: *extent, stride: 1, dilation: 1 };
        Self::new(spatial.iter().map(axis).collect::<Vec<_>>(), Padding::Valid)
    }

    /// The extents of what the windows give, with so many channels.
    pub fn output_extents(&self, sliding: &Sliding, channels: usize) -> Vec<usize> {
        match self.axes.len() {
            1 => vec![sliding.columns.output, channels],
            _ => vec![sliding.rows.output, sliding.columns.output, channels],
        }
    }
}

impl Sliding {
    /// The number of windows.
    pub fn positions(&self) -> usize {
        self.rows.output * self.columns.output
    }

    /// The number of cells of a window.
    pub fn cells(&self) -> usize {
        self.rows.window.kernel * self.columns.window.kernel
    }

    /// The pixel on which a cell of a window lies, both counted row-major; `None` beyond the
    /// image.
    pub fn pixel(&self, position: usize, cell: usize) -> Option<usize> {
        let (row, column) = (position / self.columns.output, position % self.columns.output);
        let width = self.columns.window.kernel;
        let row = self.rows.pixel(row, cell / width)?;
        let column = self.columns.pixel(column, cell % width)?;
        Some(row * self.columns.input + column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(kernel: usize, stride: usize, dilation: usize) -> WindowAxis {
        WindowAxis { kernel, stride, dilation }
    }

    #[test]
    fn same_padding_puts_the_odd_cell_after_the_image() {
        let found = axis(4, 1, 1).slide(10, Padding::Same).unwrap();
        assert_eq!((found.pad_before, found.pad_after, found.output), (1, 2, 10));
        let found = axis(3, 2, 1).slide(7, Padding::Same).unwrap();
        assert_eq!((found.pad_before, found.pad_after, found.output), (1, 1, 4));
        let found = axis(2, 3, 1).slide(7, Padding::Same).unwrap();
        assert_eq!((found.pad_before, found.pad_after, found.output), (0, 1, 3));
    }

    #[test]
    fn valid_windows_lie_inside_and_dilation_spreads_their_cells() {
        let found = axis(3, 2, 2).slide(9, Padding::Valid).unwrap();
        assert_eq!((found.output, found.pad_after), (3, 0));
        assert_eq!((0..3).map(|c| found.pixel(2, c)).collect::<Vec<_>>(), [4, 6, 8].map(Some));
        assert_eq!(axis(3, 1, 2).slide(4, Padding::Valid), None);
    }

    #[test]
    fn causal_windows_do_not_look_ahead() {
        let found = axis(3, 1, 2).slide(6, Padding::Causal).unwrap();
        assert_eq!((found.pad_before, found.pad_after, found.output), (4, 0, 6));
        assert_eq!((0..3).map(|c| found.pixel(2, c)).collect::<Vec<_>>(), [None, Some(0), Some(2)]);
    }

    #[test]
    fn two_axes_are_counted_row_major() {
        let window = Window::new([axis(2, 1, 1), axis(3, 1, 1)], Padding::Same);
        let sliding = window.slide(&[2, 3, 4]).unwrap();
        assert_eq!(sliding.positions(), 6);
        let first: Vec<_> = (0..6).map(|cell| sliding.pixel(0, cell)).collect();
        assert_eq!(first, [None, Some(0), Some(1), None, Some(3), Some(4)]);
        assert!(window.slide(&[3, 4]).is_err());
    }
}
