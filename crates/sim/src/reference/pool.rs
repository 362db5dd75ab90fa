//! Pooling: the maximum or the average of a channel's cells that lie on the image.

use rtl4ml_ir::{Pool, PoolKind, Range, Sliding, TensorType, Value};

use super::arithmetic::{accumulate, cast, larger};

/// The pooled value of each channel at each position, before the cast to the result.
pub(super) fn pool(
    pool: &Pool,
    sliding: &Sliding,
    inputs: &[Value],
    tensor: &TensorType,
) -> Vec<Value> {
    let mut pooled = Vec::new();
    for position in 0..sliding.positions() {
        for channel in 0..sliding.channels {
            let pixels = (0..sliding.cells()).filter_map(|cell| sliding.pixel(position, cell));
            let cells: Vec<usize> =
                pixels.map(|pixel| pixel * sliding.channels + channel).collect();
            pooled.push(match pool.kind {
                PoolKind::Max => maximum(pool, &cells, inputs),
                PoolKind::Average => average(pool, &cells, inputs, tensor),
            });
        }
    }
    pooled
}

fn maximum(pool: &Pool, cells: &[usize], inputs: &[Value]) -> Value {
    let values = cells.iter().map(|cell| inputs[*cell]);
    let largest = values.reduce(larger).unwrap_or(Value::ZERO);
    pool.accum.map_or(largest, |accum| cast(largest, accum))
}

fn average(pool: &Pool, cells: &[usize], inputs: &[Value], tensor: &TensorType) -> Value {
    let values = cells.iter().map(|cell| inputs[*cell]);
    let count = cells.len().max(1) as i128;
    // Integer division rounds towards zero.
    let divided = |sum: Value| Value { mantissa: sum.mantissa / count, ..sum };
    if let Some(accum) = pool.accum {
        // A cell is added as it is: only the sum is cast.
        let add = |total: Value, x: Value| cast(accumulate(total, [x].into_iter(), None), accum);
        return divided(values.fold(cast(Value::ZERO, accum), add));
    }
    // The quotient's grid must not depend on which cells happen to be zero.
    let can_be_other_than_zero = |cell: &&usize| tensor.ranges[**cell] != Range::ZERO;
    let fractions = cells.iter().filter(can_be_other_than_zero);
    let grid = fractions.map(|cell| inputs[*cell].fraction_bits).max().unwrap_or_default();
    let fraction_bits = grid + Pool::guard_bits(cells.len()) as i32;
    let sum = accumulate(Value::ZERO, values, None);
    divided(Value { mantissa: sum.mantissa_at(fraction_bits), fraction_bits })
}
