//! Pooling: a tree of maxima, or a sum and a division by a constant, for each window and channel.

use rtl4ml_ir::layers::{Pool, PoolKind};
use rtl4ml_ir::{MultiplierStyle, Range};

use super::LayerContext;
use super::cast::result;
use crate::circuit::CircuitError;
use crate::dataflow::{Dataflow, Extreme, Term, TooWide};
use crate::layer::{Untimed, parallel_layer};

pub(super) fn build(context: &LayerContext, pool: &Pool) -> Result<Untimed, CircuitError> {
    let sliding = pool.slide(context.input().shape.extents());
    let sliding = sliding.expect("a verified layer's window fits its input");
    let style = context.layer.implementation.multiplier;
    parallel_layer(context, |dataflow, inputs| {
        let guard = Pool::guard_bits(&sliding) as i32;
        let mut results = Vec::with_capacity(context.output.element_count());
        for position in 0..sliding.positions() {
            // Cells beyond the image do not count.
            let pixels: Vec<usize> =
                (0..sliding.cells()).filter_map(|cell| sliding.pixel(position, cell)).collect();
            for channel in 0..sliding.channels {
                let index = results.len();
                let element = |pixel: &usize| inputs[0][pixel * sliding.channels + channel];
                let cells: Vec<Term> = pixels.iter().map(element).collect();
                let pooled = match pool.kind {
                    PoolKind::Max => maximum(dataflow, pool, cells, index)?,
                    PoolKind::Average => average(dataflow, pool, cells, guard, style, index)?,
                };
                results.push(result(dataflow, pooled, &pool.result_type(), index)?);
            }
        }
        Ok(results)
    })
}

fn maximum(
    dataflow: &mut Dataflow,
    pool: &Pool,
    cells: Vec<Term>,
    index: usize,
) -> Result<Term, TooWide> {
    let largest = dataflow.extreme(Extreme::Maximum, cells, &format!("max_{index}"))?;
    match pool.accum {
        Some(accum) => dataflow.cast(largest, accum, &format!("max_{index}_cast")),
        None => Ok(largest),
    }
}

fn average(
    dataflow: &mut Dataflow,
    pool: &Pool,
    cells: Vec<Term>,
    guard: i32,
    style: MultiplierStyle,
    index: usize,
) -> Result<Term, TooWide> {
    let count = cells.len();
    let name = format!("sum_{index}");
    let (sum, grid) = if let Some(accum) = pool.accum {
        (dataflow.accumulate_exact_terms(accum, cells, &name)?, accum.fraction_bits())
    } else {
        let nonzero = cells.iter().filter(|cell| dataflow.range(cell.node) != Range::ZERO);
        let grid = nonzero.map(|cell| cell.fraction_bits).max().unwrap_or_default();
        (dataflow.sum(cells, &name)?, grid + guard)
    };
    dataflow.divide(sum, count, grid, style, &format!("average_{index}"))
}
