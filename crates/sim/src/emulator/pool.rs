//! Pooling.

#![allow(clippy::inline_always, reason = "see `lanes::Work`")]

use rtl4ml_ir::layers::{ExactRange, PoolRule, PoolSteps};
use rtl4ml_ir::{Pool, PoolKind, TensorType};

use super::cast::Cast;
use super::elements::Prepared;
use super::sink::Sink;
use crate::lanes::{Int, LANES, Lanes, map, map2};

/// What becomes of the cells of a window.
#[derive(Clone, Debug)]
enum Rule<T> {
    Maximum(Option<Cast<T>>),
    /// The sum, with bits appended, through the number of cells.
    Average {
        up: u32,
    },
    /// The sum in the accumulator's type: bits appended to sum and cell, then the cast.
    Accumulated {
        sum_up: u32,
        cell_up: u32,
        sum: Cast<T>,
    },
}

/// The cells of each output, and what becomes of them.
#[derive(Clone, Debug)]
pub(super) struct Pooling<T> {
    /// The cells of the outputs one after the other, and where those of each end.
    cells: Vec<u32>,
    ends: Vec<usize>,
    rule: Rule<T>,
}

impl<T: Int> Pooling<T> {
    /// The pooling of elements in a range.
    pub fn new(pool: &Pool, tensor: &TensorType, (range, grid): ExactRange) -> Prepared<Self> {
        let sliding = pool.slide(tensor.shape.extents()).ok()?;
        let (mut cells, mut ends) = (Vec::new(), Vec::new());
        for position in 0..sliding.positions() {
            for channel in 0..sliding.channels {
                let pixels = (0..sliding.cells()).filter_map(|cell| sliding.pixel(position, cell));
                cells.extend(pixels.map(|pixel| (pixel * sliding.channels + channel) as u32));
                ends.push(cells.len());
            }
        }
        if pool.kind == PoolKind::Average {
            // How a quotient is rounded depends on the grid, which must be that of each window.
            tensor.common_format()?;
        }
        let PoolSteps { rule, widest, result } = pool.exact_steps(&sliding, (range, grid))?;
        let rule = match rule {
            PoolRule::Maximum { cast: None } => Rule::Maximum(None),
            PoolRule::Maximum { cast: Some((all, accum)) } => {
                Rule::Maximum(Some(Cast::new(all, accum)?))
            }
            PoolRule::Average { up } => Rule::Average { up },
            PoolRule::Accumulated { sum_up, cell_up, sums, accum } => {
                if sum_up.max(cell_up) >= T::BITS {
                    return None;
                }
                Rule::Accumulated { sum_up, cell_up, sum: Cast::new(sums, accum)? }
            }
        };
        let holds = T::holds(range) && T::holds(widest) && T::holds(result.0);
        let counts = T::exactly(sliding.cells() as i128).is_some();
        (holds && counts).then_some((Self { cells, ends, rule }, result))
    }

    #[inline(always)]
    pub fn run(&self, x: &[Lanes<T>], sink: &mut Sink<T>) {
        let mut first = 0;
        for (element, end) in self.ends.iter().enumerate() {
            let cells = &self.cells[first..*end];
            let cell = |index: &u32| &x[*index as usize];
            first = *end;
            let zeros = [T::default(); LANES];
            let count = T::low_bits(cells.len().max(1) as i128);
            let pooled = match &self.rule {
                Rule::Maximum(cast) => {
                    let Some((head, rest)) = cells.split_first() else {
                        sink.put(element, &zeros);
                        continue;
                    };
                    let top = rest.iter().fold(*cell(head), |top, at| map2(&top, cell(at), T::max));
                    cast.as_ref().map_or(top, |cast| cast.apply(&top))
                }
                Rule::Average { up } => {
                    let sum = cells.iter().fold(zeros, |sum, at| map2(&sum, cell(at), T::plus));
                    quotients(&map(&sum, |sum| sum.up(*up)), count)
                }
                Rule::Accumulated { sum_up, cell_up, sum } => {
                    let add = |total: Lanes<T>, at: &u32| {
                        let plus = |total: T, x: T| total.up(*sum_up).plus(x.up(*cell_up));
                        sum.apply(&map2(&total, cell(at), plus))
                    };
                    quotients(&cells.iter().fold(zeros, add), count)
                }
            };
            sink.put(element, &pooled);
        }
    }
}

/// Divided and rounded towards zero.
#[inline(always)]
fn quotients<T: Int>(sums: &Lanes<T>, count: T) -> Lanes<T> {
    match count.index() {
        1 => *sums,
        // Processors divide by anything else one number at a time.
        power if power.is_power_of_two() => {
            let bits = power.trailing_zeros();
            let most = count.minus(T::from_bool(true));
            let towards_zero = |x: T| {
                let more = if x < T::default() { most } else { T::default() };
                x.plus(more).down(bits)
            };
            map(sums, towards_zero)
        }
        _ => map(sums, |sum| sum.over(count)),
    }
}
