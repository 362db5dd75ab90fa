//! Pooling: the maximum or the average of each channel over a window.

use super::kernel::{ExactRange, exact_sum};
use super::{ResultType, bounded, result_tensor};
use crate::error::Problem;
use crate::fixed::FixedType;
use crate::range::Range;
use crate::tensor::{Shape, TensorType};
use crate::window::{Sliding, Window};

/// What becomes of the cells of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// The largest.
    Max,
    /// Their sum divided by their number.
    Average,
}

/// y = result( pool( window of x ) ), channel by channel. Cells beyond the image do not count; a
/// window without any cell on the image gives 0.
///
/// - The maximum is cast to the accumulator's type, where there is one, and then to the result.
/// - The cells of an average are summed in row-major order, each sum cast to the accumulator's
///   type; the sum's mantissa is divided by their number, rounded towards zero, and then cast to
///   the result. Without an accumulator's type the sum is exact and
///   has [`Pool::guard_bits`] more bits after the binary point than x, so that the quotient is
///   off by less than 2^-guard_bits of a step of x.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// What becomes of the cells.
    pub kind: PoolKind,
    /// The window; without one it covers the whole image, and the result has one axis.
    pub window: Option<Window>,
    /// The accumulator's type.
    pub accum: Option<FixedType>,
    /// The type of the result. `Auto` is the accumulator's type where that is explicit.
    pub result: ResultType,
}

impl Pool {
    /// The layer type's word in a spec.
    pub fn kind(&self) -> &'static str {
        match (self.kind, self.window.as_ref().map(|window| window.axes.len())) {
            (PoolKind::Max, Some(1)) => "max_pool1d",
            (PoolKind::Max, Some(_)) => "max_pool2d",
            (PoolKind::Max, None) => "global_max_pool",
            (PoolKind::Average, Some(1)) => "average_pool1d",
            (PoolKind::Average, Some(_)) => "average_pool2d",
            (PoolKind::Average, None) => "global_average_pool",
        }
    }

    /// How the accumulator becomes the layer's result.
    pub fn result_type(&self) -> ResultType {
        self.result.clone().or_accum(self.accum)
    }

    /// The window on an input with these extents.
    ///
    /// # Errors
    /// When the input has other axes than the window, or is no image.
    pub fn slide(&self, extents: &[usize]) -> Result<Sliding, Problem> {
        match (&self.window, extents.len()) {
            (Some(window), _) => window.slide(extents),
            (None, 2 | 3) => Window::whole(extents).slide(extents),
            (None, found) => {
                let rank = if found < 2 { 1 } else { 2 };
                Err(Problem::ImageRank { found: extents.to_vec(), rank })
            }
        }
    }

    /// The bits after the binary point that an exact average of so many cells has beyond those of
    /// its input.
    pub fn guard_bits(cells: usize) -> u32 {
        usize::BITS - (cells.max(1) - 1).leading_zeros()
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let sliding = self.slide(input.shape.extents())?;
        let extents = match &self.window {
            Some(window) => window.output_extents(&sliding, sliding.channels),
            None => vec![sliding.channels],
        };
        let shape = Shape::new(extents.clone()).ok_or(Problem::TensorSize { extents })?;
        let mut exact = Vec::with_capacity(shape.element_count());
        for position in 0..sliding.positions() {
            let pixels: Vec<usize> =
                (0..sliding.cells()).filter_map(|cell| sliding.pixel(position, cell)).collect();
            for channel in 0..sliding.channels {
                let element = |pixel: &usize| input.exact_range(pixel * sliding.channels + channel);
                let cells: Vec<ExactRange> = pixels.iter().map(element).collect();
                exact.push(match self.kind {
                    PoolKind::Max => self.maximum(&cells)?,
                    PoolKind::Average => self.average(&cells)?,
                });
            }
        }
        result_tensor(shape, &exact, &self.result_type())
    }

    fn maximum(&self, cells: &[ExactRange]) -> Result<ExactRange, Problem> {
        let (range, fraction) = maximum(cells)?;
        Ok(match self.accum {
            Some(accum) => (range.cast(fraction, accum), accum.fraction_bits()),
            None => (range, fraction),
        })
    }

    fn average(&self, cells: &[ExactRange]) -> Result<ExactRange, Problem> {
        let count = cells.len().max(1) as i128;
        let quotient = |range: Range| Range::new(range.lo / count, range.hi / count);
        if let Some(accum) = self.accum {
            let mut sum = Range::ZERO;
            for cell in cells {
                let (exact, fraction) =
                    exact_sum([(sum, accum.fraction_bits()), *cell].into_iter(), SUM)?;
                sum = exact.cast(fraction, accum);
            }
            return Ok((quotient(sum), accum.fraction_bits()));
        }
        let (sum, fraction) = exact_sum(cells.iter().copied(), SUM)?;
        let guard = Self::guard_bits(cells.len());
        let sum = bounded(sum.shifted_left(guard), SUM)?;
        Ok((quotient(sum), fraction + guard as i32))
    }
}

/// What messages call the sum of an average.
const SUM: &str = "the sum of a window";

/// The range of the largest of several numbers, on the finest grid among them.
pub(super) fn maximum(cells: &[ExactRange]) -> Result<ExactRange, Problem> {
    let cells = aligned(cells)?;
    let (first, rest) = cells.0.split_first().unwrap_or((&Range::ZERO, &[]));
    let largest = |a: Range, b: &Range| Range::new(a.lo.max(b.lo), a.hi.max(b.hi));
    Ok((rest.iter().fold(*first, largest), cells.1))
}

/// Ranges on the finest grid among them, and the bits after its binary point.
pub(super) fn aligned(cells: &[ExactRange]) -> Result<(Vec<Range>, i32), Problem> {
    let grid = cells.iter().filter(|(range, _)| *range != Range::ZERO);
    let grid = grid.map(|(_, fraction)| *fraction).max().unwrap_or_default();
    let align = |(range, fraction): &ExactRange| {
        bounded(range.shifted_left((grid - fraction) as u32), "a number on the common grid")
    };
    Ok((cells.iter().map(align).collect::<Result<_, _>>()?, grid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Format;
    use crate::window::{Padding, WindowAxis};

    fn infer(kind: PoolKind, padding: Padding) -> TensorType {
        let window = Window::new([WindowAxis { kernel: 3, stride: 2, dilation: 1 }], padding);
        let pool = Pool { kind, window: Some(window), accum: None, result: ResultType::Auto };
        let format = Format::signed(8, 4);
        let ranges = (0..6).map(|i| Range::new(-10 * i, 10 + i)).collect();
        pool.infer(&TensorType::uniform(Shape::new([6, 1]).unwrap(), format, ranges)).unwrap()
    }

    #[test]
    fn the_maximum_of_a_window_lies_between_the_largest_ends() {
        let found = infer(PoolKind::Max, Padding::Same);
        assert_eq!(found.shape.extents(), [3, 1]);
        // The last window has the cells 4 and 5 and one beyond the image, which does not count.
        assert_eq!(found.ranges, [Range::new(0, 12), Range::new(-20, 14), Range::new(-40, 15)]);
    }

    #[test]
    fn an_exact_average_has_guard_bits_and_counts_the_cells_of_the_image_alone() {
        let found = infer(PoolKind::Average, Padding::Same);
        // Two guard bits are kept for three cells, one for the two cells of the last window.
        assert_eq!(found.common_format().map(Format::fraction_bits), Some(6));
        let (lo, hi) = (-(10 + 20) * 4 / 3, (10 + 11 + 12) * 4 / 3);
        assert_eq!(found.ranges[0], Range::new(lo, hi));
        assert_eq!(found.ranges[2], Range::new(-90, 29).shifted_left(1).unwrap());
    }
}
