//! Pooling.

use rtl4ml_ir::exact::{times, up};
use rtl4ml_ir::layers::ExactRange;
use rtl4ml_ir::{Pool, PoolKind, Range, Sliding, TensorType};

use super::matrix::{cell_loops, position_loops};
use super::{Body, Exact, each};
use crate::cast::{Cast, constant};
use crate::number::{Number, integers};

pub(super) fn pool(
    number: Number,
    pool: &Pool,
    tensor: &TensorType,
    (range, grid): ExactRange,
) -> Option<Body> {
    let sliding = pool.slide(tensor.shape.extents()).ok()?;
    let with_zero = range.union(Range::ZERO);
    let mut constants = String::new();
    // What is done with each cell, and with all of them.
    let (cell, end, steps, result): (String, String, Range, Exact) = match (pool.kind, pool.accum) {
        (PoolKind::Max, accum) => {
            let own = "in0(place)";
            let cell = format!("total = count == 0 ? {own} : maximum(total, {own});");
            // A window without a cell on the image gives 0.
            let all = (with_zero, grid);
            match accum {
                None => (cell, "total".to_owned(), with_zero, Exact::Uniform(all)),
                Some(accum) => {
                    constants += &constant("accum", &Cast::new(number, all, accum)?);
                    let result = (with_zero.cast(grid, accum), accum.fraction_bits());
                    (cell, "cast(accum, total)".to_owned(), with_zero, Exact::Uniform(result))
                }
            }
        }
        (PoolKind::Average, None) => {
            let guard = Pool::guard_bits(&sliding);
            let sum = up(times(with_zero, sliding.cells() as i128)?, guard as i32)?;
            let cell = "total = add(total, in0(place));".to_owned();
            let down = coarser(&sliding, tensor, grid);
            let (total, result) = if down.iter().all(|down| *down == 0) {
                ("total", Exact::Uniform((sum, grid + guard as i32)))
            } else {
                constants += &integers("down", &down);
                let result = down.iter().map(|down| {
                    (Range::new(sum.lo >> down, sum.hi >> down), grid + guard as i32 - *down as i32)
                });
                ("(total >> down[element])", Exact::Each(result.collect()))
            };
            (cell, format!("shift_left({total}, {guard}) / divisor"), sum, result)
        }
        (PoolKind::Average, Some(accum)) => {
            let fine = grid.max(accum.fraction_bits());
            let (sum_up, cell_up) = (fine - accum.fraction_bits(), fine - grid);
            let sums = up(accum.format.range(), sum_up)?.plus(up(with_zero, cell_up)?)?;
            constants += &constant("accum", &Cast::new(number, (sums, fine), accum)?);
            if sum_up.max(cell_up) as u32 >= number.bits() {
                return None;
            }
            let cell = format!(
                "total = cast(accum, add(shift_left(total, {sum_up}), shift_left(in0(place), {cell_up})));"
            );
            let result = Exact::Uniform((accum.format.range(), accum.fraction_bits()));
            (cell, "total / divisor".to_owned(), sums, result)
        }
    };
    let channels = sliding.channels;
    let mut code = position_loops(&sliding);
    code += &format!("{}{{\n", each(3, "channel", channels));
    code += "    T total = 0;\n    int count = 0;\n";
    code += &cell_loops(&sliding, "continue");
    code += &format!(
        "          const int place = (row * {} + column) * {channels} + channel;\n",
        sliding.columns.input
    );
    code += &format!("          {cell}\n          ++count;\n        }}\n      }}\n");
    code += &format!(
        "      const int element = (row_position * {} + column_position) * {channels} + channel;\n",
        sliding.columns.output
    );
    if end.contains("divisor") {
        code += "      const T divisor = count == 0 ? 1 : count;\n";
    }
    code += &format!("      put(element, {end});\n    }}\n  }}\n  }}\n");
    Body { constants, code, result }.checked(number, &[range, steps])
}

/// For each output, how much coarser the grid of its window is: how a quotient is rounded depends on
/// it.
fn coarser(sliding: &Sliding, tensor: &TensorType, grid: i32) -> Vec<i128> {
    let mut down = Vec::new();
    for position in 0..sliding.positions() {
        for channel in 0..sliding.channels {
            let pixels = (0..sliding.cells()).filter_map(|cell| sliding.pixel(position, cell));
            let cells = pixels.map(|pixel| tensor.exact_range(pixel * sliding.channels + channel));
            let others = cells.filter(|(range, _)| *range != Range::ZERO);
            let own = others.map(|(_, grid)| grid).max().unwrap_or(grid);
            down.push(i128::from(grid - own));
        }
    }
    down
}
