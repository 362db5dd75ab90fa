//! Pooling: the maximum or the average of each channel over a window.

use super::kernel::{ExactRange, exact_sum};
use super::{ResultType, bounded, result_tensor};
use crate::error::Problem;
use crate::exact::{times, up};
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

/// A pooling in the steps of a computation in plain integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSteps {
    /// What becomes of the cells.
    pub rule: PoolRule,
    /// The widest step.
    pub widest: Range,
    /// Before it is cast to the result; a quotient's sum.
    pub result: ExactRange,
}

/// What becomes of the cells of a window, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolRule {
    /// The largest of them, or 0 where there is none; then the cast.
    Maximum {
        /// The largest, and the type that it is cast to.
        cast: Option<(ExactRange, FixedType)>,
    },
    /// Their sum, with bits appended, divided by their number.
    Average {
        /// The bits to append.
        up: u32,
    },
    /// Their sum, each sum cast, divided by their number.
    Accumulated {
        /// The bits to append to the sum, and to a cell, so that they are on one grid.
        sum_up: u32,
        /// The bits to append to a cell.
        cell_up: u32,
        /// The sum of any number of the type and a cell.
        sums: ExactRange,
        /// The type.
        accum: FixedType,
    },
}

impl Pool {
    /// The steps on numbers in a range; `None` where 128 bits do not hold one of them.
    pub fn exact_steps(&self, sliding: &Sliding, (range, grid): ExactRange) -> Option<PoolSteps> {
        // A cell beyond the image adds nothing, a window of such cells alone gives 0.
        let cell = range.union(Range::ZERO);
        Some(match (self.kind, self.accum) {
            (PoolKind::Max, None) => {
                let rule = PoolRule::Maximum { cast: None };
                PoolSteps { rule, widest: cell, result: (cell, grid) }
            }
            (PoolKind::Max, Some(accum)) => {
                let rule = PoolRule::Maximum { cast: Some(((cell, grid), accum)) };
                let result = (cell.cast(grid, accum), accum.fraction_bits());
                PoolSteps { rule, widest: cell, result }
            }
            (PoolKind::Average, None) => {
                let guard = Self::guard_bits(sliding);
                let sum = up(times(cell, sliding.cells() as i128)?, guard as i32)?;
                let rule = PoolRule::Average { up: guard };
                PoolSteps { rule, widest: sum, result: (sum, grid + guard as i32) }
            }
            (PoolKind::Average, Some(accum)) => {
                let all = (accum.format.range(), accum.fraction_bits());
                let fine = grid.max(all.1);
                let (sum_up, cell_up) = (fine - all.1, fine - grid);
                let widest = up(all.0, sum_up)?.plus(up(cell, cell_up)?)?;
                let (sum_up, cell_up) = (sum_up as u32, cell_up as u32);
                let rule = PoolRule::Accumulated { sum_up, cell_up, sums: (widest, fine), accum };
                PoolSteps { rule, widest, result: all }
            }
        })
    }

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

    /// The bits after the binary point that an exact average has beyond those of its input: as
    /// many as the number of the window's cells has, whether they are on the image or not.
    pub fn guard_bits(sliding: &Sliding) -> u32 {
        usize::BITS - (sliding.cells().max(1) - 1).leading_zeros()
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let sliding = self.slide(input.shape.extents())?;
        let extents = match &self.window {
            Some(window) => window.output_extents(&sliding, sliding.channels),
            None => vec![sliding.channels],
        };
        let shape = Shape::new(extents.clone()).ok_or(Problem::TensorSize { extents })?;
        let guard = Self::guard_bits(&sliding);
        let mut exact = Vec::with_capacity(shape.element_count());
        for position in 0..sliding.positions() {
            let pixels: Vec<usize> =
                (0..sliding.cells()).filter_map(|cell| sliding.pixel(position, cell)).collect();
            for channel in 0..sliding.channels {
                let element = |pixel: &usize| input.exact_range(pixel * sliding.channels + channel);
                let cells: Vec<ExactRange> = pixels.iter().map(element).collect();
                exact.push(match self.kind {
                    PoolKind::Max => self.maximum(&cells)?,
                    PoolKind::Average => self.average(&cells, guard)?,
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

    fn average(&self, cells: &[ExactRange], guard: u32) -> Result<ExactRange, Problem> {
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
    fn an_exact_average_has_guard_bits_of_its_window_and_counts_the_cells_of_the_image() {
        let found = infer(PoolKind::Average, Padding::Same);
        // Two guard bits are kept for a window of three cells, wherever they lie.
        assert_eq!(found.common_format().map(Format::fraction_bits), Some(6));
        let (lo, hi) = (-(10 + 20) * 4 / 3, (10 + 11 + 12) * 4 / 3);
        assert_eq!(found.ranges[0], Range::new(lo, hi));
        assert_eq!(found.ranges[2], Range::new(-90, 29).shifted_left(1).unwrap());
    }
}
