//! Layers that multiply by weights: dense, convolutions, batch normalisation.

use rtl4ml_ir::{BatchNorm, Conv, Dense, Kernel, Sliding, Value};

use super::arithmetic::{accumulate, product, sum};

/// The sum of output feature `j`, before the cast to the result.
fn kernel_sum(kernel: &Kernel, inputs: &[Value], j: usize) -> Value {
    let products = inputs.iter().enumerate().map(|(k, x)| product(*x, kernel.weight_at(k, j)));
    accumulate(kernel.bias_at(j), products, kernel.accum)
}

/// The sums of every output feature of a kernel.
fn kernel_sums<'k>(kernel: &'k Kernel, inputs: &'k [Value]) -> impl Iterator<Item = Value> + 'k {
    let [_, n_out] = kernel.weight.extents[..] else {
        unreachable!("a verified kernel's weight has two axes")
    };
    (0..n_out).map(move |j| kernel_sum(kernel, inputs, j))
}

/// The sum of each output at each position.
pub(super) fn dense(dense: &Dense, inputs: &[Value]) -> Vec<Value> {
    let n_in = dense.kernel.weight.extents[0];
    inputs.chunks(n_in).flat_map(|position| kernel_sums(&dense.kernel, position)).collect()
}

/// The sum of each filter of each group at each position.
pub(super) fn conv(conv: &Conv, sliding: &Sliding, inputs: &[Value]) -> Vec<Value> {
    let channels = sliding.channels / conv.groups.len();
    let mut sums = Vec::new();
    for position in 0..sliding.positions() {
        for (group, kernel) in conv.groups.iter().enumerate() {
            let mut window = Vec::with_capacity(sliding.cells() * channels);
            for cell in 0..sliding.cells() {
                for channel in group * channels..(group + 1) * channels {
                    let pixel = sliding.pixel(position, cell);
                    window.push(
                        pixel.map_or(Value::ZERO, |pixel| {
                            inputs[pixel * sliding.channels + channel]
                        }),
                    );
                }
            }
            sums.extend(kernel_sums(kernel, &window));
        }
    }
    sums
}

/// Each element times its channel's scale, plus its channel's shift.
pub(super) fn batch_norm(norm: &BatchNorm, inputs: &[Value]) -> Vec<Value> {
    let channels = norm.scale.len();
    let normalise = |(index, x): (usize, &Value)| {
        let channel = index % channels;
        sum(product(*x, norm.scale.get(channel)), norm.shift.get(channel))
    };
    inputs.iter().enumerate().map(normalise).collect()
}
