//! The layers with windows, with several inputs, and those that move elements: what each becomes.

use std::fmt::Write;
use std::path::Path;

use rtl4ml_ir::{Io, Kernel, Op, Padding, Source};
use rtl4ml_spec::Loaded;

use crate::support::parse;

fn loaded(text: &str) -> Loaded {
    parse(text, Path::new("")).unwrap_or_else(|error| panic!("{}", error.plain()))
}

/// A line a layer of the graph.
fn layers(loaded: &Loaded) -> String {
    let network = loaded.network.network();
    let mut text = String::new();
    for (id, layer) in network.layers_with_ids() {
        let inputs: Vec<&str> =
            layer.inputs.iter().map(|source| network.source_name(*source)).collect();
        let tensor = loaded.network.tensor_type(Source::Layer(id));
        let (name, kind) = (&layer.name, layer.op.kind());
        writeln!(text, "{name}: {kind}({}) -> {tensor}", inputs.join(", ")).unwrap();
    }
    text
}

fn op(loaded: &Loaded, layer: usize) -> &Op {
    &loaded.network.network().layers[layer].op
}

fn weights(kernel: &Kernel) -> Vec<f64> {
    (0..kernel.weight.len()).map(|index| kernel.weight.get(index).to_f64()).collect()
}

fn biases(kernel: &Kernel) -> Vec<f64> {
    (0..kernel.weight.extents[1]).map(|j| kernel.bias_at(j).to_f64()).collect()
}

#[test]
fn a_network_with_windows() {
    let found = loaded(
        r#"
name: image
io: stream
defaults: {precision: {weight: "int<4>", bias: "int<4>"}}
inputs: [{name: x, shape: [6, 7, 1], precision: "fixed<6,3>"}]
layers:
  - {name: conv, type: conv2d, filters: 2, kernel_size: [2, 1], strides: 2, padding: same, dilation_rate: [1, 3], weight: [[[[1, 2]]], [[[3, 4]]]], use_bias: false, parallelization_factor: 3}
  - {name: depth, type: depthwise_conv2d, kernel_size: 1, depth_multiplier: 2, weight: [[[[1, 2], [3, 4]]]], bias: [1, 2, 3, 4]}
  - {name: largest, type: max_pool2d, pool_size: 2, strides: [1, 2], padding: same}
  - {name: mean, type: average_pool2d, pool_size: [3, 1], precision: "fixed<8,6>"}
  - {name: up, type: up_sampling2d, size: [2, 1]}
  - {name: pad, type: zero_padding2d, padding: [[0, 1], 2]}
  - {name: crop, type: cropping2d, cropping: [1, 0]}
  - {name: all, type: global_average_pool2d, precision: {accum: "fixed<12,8>"}}
"#,
    );
    assert_eq!(found.network.network().io, Io::Stream);
    insta::assert_snapshot!(layers(&found), @r"
    conv: conv2d(x) -> [3, 4, 2] of fixed<9,6>
    depth: depthwise_conv2d(conv) -> [3, 4, 4] of fixed<11,8>
    largest: max_pool2d(depth) -> [3, 2, 4] of fixed<11,8>
    mean: average_pool2d(largest) -> [1, 2, 4] of fixed<8,6>
    up: up_sampling2d(mean) -> [2, 2, 4] of fixed<8,6>
    pad: zero_padding2d(up) -> [3, 6, 4] of fixed<8,6>
    crop: cropping2d(pad) -> [1, 6, 4] of fixed<8,6>
    all: global_average_pool(crop) -> [4] of fixed<12,8>
    ");
    let Op::Conv(conv) = op(&found, 0) else { panic!("a convolution") };
    let axes: Vec<_> = conv.window.axes.iter().map(|a| (a.kernel, a.stride, a.dilation)).collect();
    assert_eq!(axes, [(2, 2, 1), (1, 2, 3)]);
    assert_eq!(conv.window.padding, Padding::Same);
    assert_eq!(weights(&conv.groups[0]), [1.0, 2.0, 3.0, 4.0]);
    let how = found.network.network().layers[0].implementation;
    assert_eq!(how.parallelization_factor, Some(3));
    let Op::Conv(depth) = op(&found, 1) else { panic!("a convolution") };
    assert!(depth.depthwise);
    // Channel c has the outputs 2 c and 2 c + 1.
    assert_eq!(weights(&depth.groups[0]), [1.0, 2.0]);
    assert_eq!(weights(&depth.groups[1]), [3.0, 4.0]);
    assert_eq!(biases(&depth.groups[1]), [3.0, 4.0]);
}

#[test]
fn a_network_of_sequences() {
    let found = loaded(
        r#"
name: sequence
defaults: {precision: {weight: "int<4>", bias: "int<4>"}, reuse_factor: 2}
inputs: [{name: x, shape: [6, 2], precision: "fixed<6,3>"}]
layers:
  - {name: causal, type: conv1d, kernel_size: [2], padding: causal, weight: [[[1], [2]], [[3], [4]]], bias: [5]}
  - {name: sep, type: separable_conv1d, filters: 3, inputs: x, depthwise: [[[1], [2]], [[3], [4]]], pointwise: [[[1, 2, 3], [4, 5, 6]]], bias: [1, 2, 3], reuse_factor: 3, precision: {depthwise_result: "fixed<5,3>", pointwise: "int<6>", pointwise_accum: "fixed<9,4>"}}
  - {name: maximum, type: max_pool1d, pool_size: 5}
  - {name: turned, type: permute, dims: [2, 1]}
  - {name: padded, type: zero_padding1d, padding: [1, 2]}
  - {name: cropped, type: cropping1d, cropping: 2}
  - {name: doubled, type: up_sampling1d, size: 2}
  - {name: biggest, type: global_max_pool1d}
outputs: [causal, biggest]
"#,
    );
    insta::assert_snapshot!(layers(&found), @r"
    causal: conv1d(x) -> [6, 1] of fixed<10,7>
    sep_depthwise: depthwise_conv1d(x) -> [5, 2] of fixed<5,3>
    sep: conv1d(sep_depthwise) -> [5, 3] of fixed<9,4>
    maximum: max_pool1d(sep) -> [1, 3] of fixed<9,4>
    turned: permute(maximum) -> [3, 1] of fixed<9,4>
    padded: zero_padding1d(turned) -> [6, 1] of fixed<9,4>
    cropped: cropping1d(padded) -> [2, 1] of fixed<9,4>
    doubled: up_sampling1d(cropped) -> [4, 1] of fixed<9,4>
    biggest: global_max_pool(doubled) -> [1] of fixed<9,4>
    ");
    let factors: Vec<u64> = found.network.network().layers[..3]
        .iter()
        .map(|layer| layer.implementation.reuse_factor)
        .collect();
    // The default is for the causal convolution and the depthwise one.
    assert_eq!(factors, [2, 2, 3]);
    let Op::Conv(depthwise) = op(&found, 1) else { panic!("a convolution") };
    assert_eq!(weights(&depthwise.groups[0]), [1.0, 3.0]);
    assert_eq!(weights(&depthwise.groups[1]), [2.0, 4.0]);
    assert!(depthwise.groups[0].bias.is_none());
    let Op::Conv(pointwise) = op(&found, 2) else { panic!("a convolution") };
    assert_eq!(weights(&pointwise.groups[0]), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(biases(&pointwise.groups[0]), [1.0, 2.0, 3.0]);
}

#[test]
fn a_network_with_merges() {
    let found = loaded(
        r#"
name: merges
inputs: [{name: a, shape: [2, 3], precision: "fixed<6,3>"}, {name: b, shape: [3], precision: "ufixed<4,3>"}]
layers:
  - {name: sum, type: add, inputs: [a, b]}
  - {name: difference, type: subtract, inputs: [sum, a], precision: "fixed<6,4>"}
  - {name: product, type: multiply, inputs: [a, b, difference]}
  - {name: mean, type: average, inputs: [a, sum, difference, product]}
  - {name: low, type: minimum, inputs: [mean, b]}
  - {name: high, type: maximum, inputs: [mean, b]}
  - {name: rows, type: concatenate, inputs: [low, high], axis: 1}
  - {name: columns, type: concatenate, inputs: [low, high], axis: 2}
  - {name: last, type: concatenate, inputs: [low, high], precision: {result: "fixed<8,8>"}}
  - {name: scalar, type: dot, inputs: [b, b], axes: 1}
outputs: [rows, columns, last, scalar]
"#,
    );
    insta::assert_snapshot!(layers(&found), @r"
    sum: add(a, b) -> [2, 3] of fixed<8,5>
    difference: subtract(sum, a) -> [2, 3] of fixed<6,4>
    product: multiply(a, b, difference) -> [2, 3] of fixed<15,9>
    mean: average(a, sum, difference, product) -> [2, 3] of fixed<16,8>
    low: minimum(mean, b) -> [2, 3] of fixed<15,7>
    high: maximum(mean, b) -> [2, 3] of ufixed<15,7>
    rows: concatenate(low, high) -> [4, 3] of fixed<16,8>
    columns: concatenate(low, high) -> [2, 6] of fixed<16,8>
    last: concatenate(low, high) -> [2, 6] of fixed<8,8>
    scalar: dot(b, b) -> [1] of ufixed<10,8>
    ");
}

const BEFORE: &str = r#"
name: norm
defaults: {precision: {weight: "fixed<8,4>", bias: "fixed<8,4>"}}
inputs: [{name: x, shape: [2], precision: "fixed<6,3>"}]
layers:
  - {name: fc, type: dense, weight: [[1, 2], [3, 0.5]], bias: [1, -1]}
"#;

/// The network of a dense layer and what follows it.
fn after_dense(layers: &str) -> Loaded {
    loaded(&format!("{BEFORE}{layers}"))
}

#[test]
fn a_normalisation_of_its_own_from_its_statistics() {
    let found = after_dense(
        "  - {name: bn, type: batch_norm, gamma: [2, 4], beta: [1, 0], mean: [0.5, 1], variance: [3, 3.5], epsilon: 0.5, fold: false}\n",
    );
    let Op::BatchNorm(norm) = op(&found, 1) else { panic!("a batch normalisation") };
    let numbers =
        |constant: &rtl4ml_ir::Constant| vec![constant.get(0).to_f64(), constant.get(1).to_f64()];
    // 2 / sqrt(3.5) is 1.069.., 4 / 2 is 2; 1 - 0.5 * 1.069.. is 0.465.., 0 - 1 * 2 is -2; both
    // are cut to sixteenths.
    assert_eq!(numbers(&norm.scale), [1.0625, 2.0]);
    assert_eq!(numbers(&norm.shift), [0.4375, -2.0]);
    let short = after_dense(
        "  - {name: bn, type: batch_norm, mean: [0, 1], variance: [3.999, 0.249], fold: false}\n",
    );
    let Op::BatchNorm(norm) = op(&short, 1) else { panic!("a batch normalisation") };
    // With Keras' epsilon of 0.001; a root may be off by a rounding of the last bit.
    assert_eq!(numbers(&norm.scale), [0.5, 2.0]);
    assert_eq!(numbers(&norm.shift), [0.0, -2.0]);
}

#[test]
fn a_normalisation_that_is_folded_is_no_layer() {
    let found = after_dense(
        r#"  - {name: bn, type: batch_norm, scale: [0.3, -1], shift: [0.25, 1.5], fold: true, precision: "fixed<7,5>"}
  - {name: act, type: relu, precision: "ufixed<5,4>"}
  - {name: again, type: quantize, inputs: bn, precision: "fixed<5,4>"}
outputs: [act, again]
"#,
    );
    insta::assert_snapshot!(layers(&found), @r"
    fc: dense(x) -> [2] of fixed<7,5>
    act: relu(fc) -> [2] of ufixed<5,4>
    again: quantize(fc) -> [2] of fixed<5,4>
    ");
    let Op::Dense(dense) = op(&found, 0) else { panic!("a dense layer") };
    // 0.3, -2, 0.9, -0.5 and 0.3 + 0.25, 1 + 1.5, cut to sixteenths only then.
    assert_eq!(weights(&dense.kernel), [0.25, -2.0, 0.875, -0.5]);
    assert_eq!(biases(&dense.kernel), [0.5, 2.5]);
}

#[test]
fn two_normalisations_are_folded_one_after_the_other() {
    let found = after_dense(
        r"  - {name: bn1, type: batch_norm, scale: [0.3, -1], shift: [0.25, 1.5], fold: true}
  - {name: bn2, type: batch_norm, scale: [10, 2], shift: [0, 1], fold: true}
",
    );
    let Op::Dense(dense) = op(&found, 0) else { panic!("a dense layer") };
    assert_eq!(found.network.network().layers.len(), 1);
    // 0.3 * 10 is 3 where nothing was rounded between, and 0.9 * 10 wraps.
    assert_eq!(weights(&dense.kernel), [3.0, -4.0, -7.0, -1.0]);
    assert_eq!(biases(&dense.kernel), [5.5, 6.0]);
}

#[test]
fn a_normalisation_of_a_depthwise_convolution_is_folded_channel_by_channel() {
    let found = loaded(
        r#"
name: norm
defaults: {precision: {weight: "fixed<8,4>", bias: "fixed<8,4>"}}
inputs: [{name: x, shape: [3, 2], precision: "fixed<6,3>"}]
layers:
  - {name: depth, type: depthwise_conv1d, weight: [[[1], [2]], [[0.5], [-1]]]}
  - {name: bn, type: batch_norm, scale: [2, 3], shift: [0.25, 1.5], fold: true}
"#,
    );
    let Op::Conv(conv) = op(&found, 0) else { panic!("a convolution") };
    assert_eq!(weights(&conv.groups[0]), [2.0, 1.0]);
    assert_eq!(weights(&conv.groups[1]), [6.0, -3.0]);
    assert_eq!((biases(&conv.groups[0]), biases(&conv.groups[1])), (vec![0.25], vec![1.5]));
}

/// Without a word about it, a normalisation is folded where no bit can tell.
#[test]
fn a_normalisation_is_folded_by_itself_where_that_is_exact() {
    let is_folded = |norm: &str, rest: &str| {
        let text = format!(
            "  - {{name: bn, type: batch_norm, {norm}}}\n  - {{name: act, type: relu}}\n{rest}"
        );
        after_dense(&text).network.network().layers.len() == 2
    };
    let typed = r#"precision: {scale: "fixed<8,4>", shift: "fixed<8,4>", result: "fixed<7,5>"}"#;
    let exact = format!("scale: [0.5, 2], shift: [0.25, 1], {typed}");
    assert!(is_folded(&exact, ""));
    assert!(!is_folded(&format!("{exact}, fold: false"), ""));
    // A sixteenth of a half, a weight of 9, a sixteenth that is cut from the bias.
    assert!(!is_folded(&format!("scale: [1, 0.0625], shift: [0, 0], {typed}"), ""));
    assert!(!is_folded(&format!("scale: [3, 2], shift: [0, 0], {typed}"), ""));
    assert!(!is_folded(&format!("scale: [1, 2], shift: [7.5, 0], {typed}"), ""));
    // The result's format would be another one; somebody else reads the sums; a port would have
    // another name.
    assert!(!is_folded("scale: [0.5, 2], shift: [0.25, 1]", ""));
    assert!(!is_folded(&exact, "outputs: [fc, act]\n"));
    assert!(!is_folded(&exact, "outputs: [bn, act]\n"));
}
