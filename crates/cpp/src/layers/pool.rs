//! Pooling.

use rtl4ml_ir::layers::{ExactRange, PoolRule, PoolSteps};
use rtl4ml_ir::{Pool, Range, Sliding, TensorType};

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
    let PoolSteps { rule, widest, result } = pool.exact_steps(&sliding, (range, grid))?;
    let mut constants = String::new();
    let mut exact = Exact::Uniform(result);
    // What is done with each cell, and with all of them.
    let (cell, end) = match rule {
        PoolRule::Maximum { cast } => {
            let own = "in0(place)";
            let cell = format!("total = count == 0 ? {own} : maximum(total, {own});");
            let end = if let Some((all, accum)) = cast {
                constants += &constant("accum", &Cast::new(number, all, accum)?);
                "cast(accum, total)"
            } else {
                "total"
            };
            (cell, end.to_owned())
        }
        PoolRule::Average { up } => {
            let down = coarser(&sliding, tensor, grid);
            let total = if down.iter().all(|down| *down == 0) {
                "total"
            } else {
                constants += &integers("down", &down);
                let (sum, fine) = result;
                let own = |down: &i128| (sum.shifted_right(*down as u32), fine - *down as i32);
                exact = Exact::Each(down.iter().map(own).collect());
                "(total >> down[element])"
            };
            let cell = "total = add(total, in0(place));".to_owned();
            (cell, format!("shift_left({total}, {up}) / divisor"))
        }
        PoolRule::Accumulated { sum_up, cell_up, sums, accum } => {
            if sum_up.max(cell_up) >= number.bits() {
                return None;
            }
            constants += &constant("accum", &Cast::new(number, sums, accum)?);
            let cell = format!(
                "total = cast(accum, add(shift_left(total, {sum_up}), shift_left(in0(place), {cell_up})));"
            );
            (cell, "total / divisor".to_owned())
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
    Body { constants, code, result: exact }.checked(number, &[range, widest])
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
