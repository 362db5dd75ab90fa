//! Small networks whose outputs were computed by hand.

use rtl4ml_ir::{
    BatchNorm, Concatenate, Constant, Conv, Dense, Dot, FixedType, Format, Kernel, Merge,
    MergeKind, Network, Op, Padding, Pool, PoolKind, Rearrange, Relu, ResultType, Types, Window,
    WindowAxis, verify,
};

use super::*;

fn ty(text: &str) -> FixedType {
    text.parse().unwrap()
}

fn constant(extents: &[usize], numbers: &[f64], text: &str) -> Constant {
    Constant::quantize(extents, numbers, ty(text)).unwrap()
}

fn axis(kernel: usize, stride: usize, dilation: usize) -> WindowAxis {
    WindowAxis { kernel, stride, dilation }
}

/// The integers and the format of what an operation makes of inputs of these shapes and types.
fn compute(op: impl Into<Op>, inputs: &[(&[usize], &str, &[i128])]) -> (Mantissas, Format) {
    let mut network = Network::new("by_hand");
    let sources: Vec<Source> = (0..)
        .zip(inputs)
        .map(|(index, (extents, text, _))| network.input(format!("x{index}"), *extents, ty(text)))
        .collect();
    let y = network.layer("y", op, sources);
    network.outputs = vec![y];
    let network = verify(network).unwrap();
    let samples: Vec<Mantissas> = inputs.iter().map(|(_, _, sample)| sample.to_vec()).collect();
    let outputs = evaluate(&network, &samples).outputs(&network);
    (outputs[0].clone(), network.tensor_type(y).common_format().unwrap())
}

/// 1.5 * 1 - 0.25 * 2 + 0.5 = 1.5, and its negative, through a relu that truncates.
#[test]
fn a_dense_layer_and_a_relu() {
    let mut network = Network::new("by_hand");
    let x = network.input("x", [2], ty("fixed<6,4>"));
    let weight = constant(&[2, 2], &[1.5, -1.5, -0.25, 0.25], "fixed<4,2>");
    let bias = constant(&[2], &[0.5, -0.5], "fixed<4,2>");
    let fc = network.layer("fc", Dense::new(weight, Some(bias)), [x]);
    let relu = Relu { result: ty("ufixed<4,4>").into() };
    let y = network.layer("act", relu, [fc]);
    network.outputs = vec![fc, y];
    let network = verify(network).unwrap();
    let evaluation = evaluate(&network, &[vec![4, 8]]);
    // The sums are on a grid of 1/16.
    assert_eq!(evaluation.outputs(&network), [vec![24, -24], vec![1, 0]]);
}

/// Weights 1, 2, 3 on the steps 1, 10, 100, 1000, beyond which all is 0.
#[test]
fn a_convolution_in_one_dimension_with_each_padding() {
    let conv = |padding, axis| {
        let weight = constant(&[3, 1], &[1.0, 2.0, 3.0], "int<4>");
        let bias = constant(&[1], &[5.0], "int<4>");
        let conv = Conv::new(Window::new([axis], padding), Kernel::new(weight, Some(bias)));
        compute(conv, &[(&[4, 1], "int<11>", &[1, 10, 100, 1000])]).0
    };
    assert_eq!(conv(Padding::Valid, axis(3, 1, 1)), [326, 3215]);
    assert_eq!(conv(Padding::Same, axis(3, 1, 1)), [2 + 30 + 5, 326, 3215, 100 + 2000 + 5]);
    assert_eq!(conv(Padding::Causal, axis(3, 1, 1)), [3 + 5, 2 + 30 + 5, 326, 3215]);
    // Two in all, one step before and none after: 0, 1, 10 and 10, 100, 1000.
    assert_eq!(conv(Padding::Same, axis(3, 2, 1)), [326, 100 + 2000 + 5]);
    assert_eq!(conv(Padding::Causal, axis(3, 1, 2)), [8, 35, 2 + 300 + 5, 20 + 3000 + 5]);
}

/// A window of two rows and two columns on [2, 3, 2] elements: channels are counted within cells.
#[test]
fn a_convolution_in_two_dimensions_with_two_channels() {
    let weights: Vec<f64> = (1..=8).map(f64::from).collect();
    let weight = constant(&[8, 1], &weights, "int<5>");
    let window = Window::new([axis(2, 1, 1), axis(2, 1, 1)], Padding::Valid);
    let conv = Conv::new(window, Kernel::new(weight, None));
    // Ones at row 0, column 1, channel 0 and at row 1, column 1, channel 1.
    let image = [0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0];
    let (found, _) = compute(conv, &[(&[2, 3, 2], "uint<1>", &image)]);
    // At the first position these are cells 1 and 3, at the second cells 0 and 2.
    assert_eq!(found, [3 + 8, 1 + 6]);
}

/// Products that are truncated before they are summed, and an accumulator that saturates on the
/// way.
#[test]
fn a_convolution_in_an_accumulator() {
    let weight = constant(&[3, 1], &[0.5, 0.5, -0.5], "fixed<3,2>");
    let kernel = Kernel { accum: Some(ty("fixed<4,4,TRN,SAT>")), ..Kernel::new(weight, None) };
    let conv = Conv::new(Window::new([axis(3, 1, 1)], Padding::Valid), kernel);
    // 3/2 -> 1 and 15/2 -> 7, whose sum saturates at 7, then -5/2 -> -3; at the second position
    // 15/2 -> 7 and 5/2 -> 2 saturate, and 15/2 -> 7 does once more.
    let (found, format) = compute(conv, &[(&[4, 1], "int<5>", &[3, 15, 5, -15])]);
    assert_eq!(found, [7 - 3, 7]);
    assert_eq!(format, Format::signed(4, 4));
}

/// Each channel has a kernel of its own, with two outputs for the first channel, then two for the
/// second.
#[test]
fn a_depthwise_convolution() {
    let group = |numbers: &[f64]| Kernel::new(constant(&[2, 2], numbers, "int<6>"), None);
    let window = Window::new([axis(2, 1, 1)], Padding::Valid);
    let groups = vec![group(&[1.0, 2.0, 3.0, 4.0]), group(&[10.0, 20.0, 30.0, -30.0])];
    let conv = Conv { window, groups, depthwise: true, result: ResultType::Auto };
    let (found, _) = compute(conv, &[(&[3, 2], "int<4>", &[1, 2, 3, 4, 5, 6])]);
    let first = [1 + 9, 2 + 12, 20 + 120, 40 - 120];
    let second = [3 + 15, 6 + 20, 40 + 180, 80 - 180];
    assert_eq!(found, [first, second].concat());
}

#[test]
fn padded_cells_never_win_a_maximum() {
    let pool = |window, accum: Option<&str>| {
        let accum = accum.map(ty);
        let pool = Pool { kind: PoolKind::Max, window, accum, result: ResultType::Auto };
        compute(pool, &[(&[3, 2], "fixed<5,4>", &[-3, 5, -7, 2, -4, 9])])
    };
    let same = || Some(Window::new([axis(2, 2, 1)], Padding::Same));
    assert_eq!(pool(same(), None).0, [-3, 5, -4, 9]);
    assert_eq!(pool(None, None).0, [-3, 9]);
    // Halves become integers, towards minus infinity: -3/2 -> -2, 5/2 -> 2, -4/2, 9/2 -> 4.
    assert_eq!(pool(same(), Some("int<4>")).0, [-2, 2, -2, 4]);
}

#[test]
fn an_average_counts_the_cells_on_the_image_and_rounds_towards_zero() {
    let pool = |window, accum: Option<&str>| {
        let accum = accum.map(ty);
        let pool = Pool { kind: PoolKind::Average, window, accum, result: ResultType::Auto };
        compute(pool, &[(&[4, 1], "int<6>", &[-3, -5, 7, 4])])
    };
    let same = || Some(Window::new([axis(3, 2, 1)], Padding::Same));
    // -1 / 3 is 0; 11 / 2 is 5.
    assert_eq!(pool(same(), Some("int<8>")).0, [0, 5]);
    assert_eq!(pool(None, Some("int<8>")).0, [0]);
    // Two guard bits for three cells, one for two: -4 / 3 is -1 quarter, 22 / 2 is 11 halves.
    let (found, format) = pool(same(), None);
    assert_eq!((found, format.fraction_bits()), (vec![-1, 22], 2));
    // -3, then -8 saturates to -4, then 3, then 3 saturated from 7: 3 / 4 is 0.
    assert_eq!(pool(None, Some("fixed<3,3,TRN,SAT>")).0, [0]);
    // In steps of 4, rounded to nearest: -1 (of -3/4), -2 (of -9/4), 0 (of -1/4), 1: 1 / 4 is 0.
    assert_eq!(pool(None, Some("fixed<6,8,RND,SAT>")).0, [0]);
    let valid = Some(Window::new([axis(2, 1, 1)], Padding::Valid));
    // The same steps: -1 - 5/4 is -2, -5/4 -> -1 + 7/4 is 1, 7/4 -> 2 + 1 is 3; each halved.
    assert_eq!(pool(valid, Some("fixed<6,8,RND,SAT>")).0, [-1, 0, 1]);
}

#[test]
fn an_average_in_two_dimensions_goes_over_rows_and_columns() {
    let window = Some(Window::new([axis(2, 2, 1), axis(2, 2, 1)], Padding::Same));
    let accum = Some(ty("int<10>"));
    let pool = Pool { kind: PoolKind::Average, window, accum, result: ResultType::Auto };
    let image = [1, 2, 4, 8, 16, 32, 64, 128, 100];
    let (found, _) = compute(pool, &[(&[3, 3, 1], "uint<8>", &image)]);
    assert_eq!(found, [(1 + 2 + 8 + 16) / 4, (4 + 32) / 2, (64 + 128) / 2, 100]);
}

#[test]
fn a_batch_normalisation_is_exact_before_its_cast() {
    let scale = constant(&[2], &[1.5, -0.25], "fixed<4,2>");
    let shift = constant(&[2], &[0.125, 1.0], "fixed<6,3>");
    let norm = |result| BatchNorm { scale: scale.clone(), shift: shift.clone(), result };
    let input: &[(&[usize], &str, &[i128])] = &[(&[2, 2], "fixed<5,4>", &[3, 3, -4, 8])];
    // 2.25 + 0.125, -0.375 + 1, -3 + 0.125, -1 + 1, in eighths.
    let (found, format) = compute(norm(ResultType::Auto), input);
    assert_eq!((found, format.fraction_bits()), (vec![19, 5, -23, 0], 3));
    assert_eq!(compute(norm(ty("int<4,RND>").into()), input).0, [2, 1, -3, 0]);
}

/// 5/4 and -3/4 meet 3/2 and -1/2.
#[test]
fn merges_align_the_binary_points() {
    let merge = |kind| {
        let merge = Merge { kind, result: ResultType::Auto };
        let inputs: [(&[usize], &str, &[i128]); 2] =
            [(&[2], "fixed<6,4>", &[5, -3]), (&[2], "fixed<4,3>", &[3, -1])];
        let (found, format) = compute(merge, &inputs);
        (found, format.fraction_bits())
    };
    assert_eq!(merge(MergeKind::Add), (vec![11, -5], 2));
    assert_eq!(merge(MergeKind::Subtract), (vec![-1, -1], 2));
    assert_eq!(merge(MergeKind::Multiply), (vec![15, 3], 3));
    assert_eq!(merge(MergeKind::Average), (vec![11, -5], 3));
    assert_eq!(merge(MergeKind::Maximum), (vec![6, -2], 2));
    assert_eq!(merge(MergeKind::Minimum), (vec![5, -3], 2));
}

#[test]
fn several_inputs_are_broadcast_and_cast_once() {
    let merge = |kind, result: ResultType| {
        let inputs: [(&[usize], &str, &[i128]); 4] = [
            (&[2, 2], "int<4>", &[1, 2, 3, 4]),
            (&[2], "int<6>", &[10, -20]),
            (&[2, 1], "int<8>", &[100, -100]),
            (&[1], "fixed<3,2>", &[1]),
        ];
        compute(Merge { kind, result }, &inputs).0
    };
    let integers = || ResultType::Cast(Types::from(ty("int<12>")));
    // 1 + 10 + 100 + 1/2 and so on, the half cut off.
    assert_eq!(merge(MergeKind::Add, integers()), [111, 82, -87, -116]);
    // A fourth of the exact sums 111.5, 82.5, -86.5, -115.5.
    assert_eq!(merge(MergeKind::Average, integers()), [27, 20, -22, -29]);
    assert_eq!(merge(MergeKind::Maximum, integers()), [100, 100, 10, 4]);
    assert_eq!(merge(MergeKind::Minimum, integers()), [0, -20, -100, -100]);
    // 4 * -20 * -100 / 2 is 4000, which wraps.
    assert_eq!(merge(MergeKind::Multiply, integers()), [500, -2000, -1500, 4000 - 4096]);
}

#[test]
fn a_concatenation_casts_every_element() {
    let inputs: [(&[usize], &str, &[i128]); 2] =
        [(&[2, 1], "fixed<6,4>", &[5, -5]), (&[2, 2], "int<4>", &[1, 2, 3, 4])];
    let concatenate = |result| Concatenate { axis: -1, result };
    let (found, _) = compute(concatenate(ResultType::Auto), &inputs);
    assert_eq!(found, [5, 4, 8, -5, 12, 16]);
    let (found, _) = compute(concatenate(ty("fixed<4,3>").into()), &inputs);
    assert_eq!(found, [2, 2, 4, -3, 6, -8]);
}

#[test]
fn a_scalar_product_is_exact_or_in_its_accumulator() {
    let dot = |accum: Option<&str>| {
        let inputs: [(&[usize], &str, &[i128]); 2] =
            [(&[3], "fixed<5,4>", &[1, -3, 5]), (&[3], "int<4>", &[1, 3, 3])];
        compute(Dot { accum: accum.map(ty), result: ResultType::Auto }, &inputs).0
    };
    // 1/2 - 9/2 + 15/2, in halves.
    assert_eq!(dot(None), [7]);
    // 0 - 5 -> -4 + 7.
    assert_eq!(dot(Some("fixed<3,3,TRN,SAT>")), [-4 + 3]);
}

#[test]
fn elements_are_moved() {
    let moved = |rearrange, extents: &[usize]| {
        let count = extents.iter().product::<usize>() as i128;
        let input: Mantissas = (1..=count).collect();
        compute(rearrange, &[(extents, "uint<4>", &input)]).0
    };
    assert_eq!(moved(Rearrange::Permute(vec![1, 0]), &[2, 3]), [1, 4, 2, 5, 3, 6]);
    // A new axis i is the old axis axes[i]: [2, 1, 3] becomes [3, 2, 1].
    assert_eq!(moved(Rearrange::Permute(vec![2, 0, 1]), &[2, 1, 3]), [1, 4, 2, 5, 3, 6]);
    assert_eq!(moved(Rearrange::ZeroPadding(vec![(1, 2)]), &[2, 1]), [0, 1, 2, 0, 0]);
    let pad = Rearrange::ZeroPadding(vec![(0, 1), (1, 0)]);
    assert_eq!(moved(pad, &[2, 1, 1]), [0, 1, 0, 2, 0, 0]);
    assert_eq!(moved(Rearrange::Cropping(vec![(1, 0), (0, 1)]), &[2, 3, 1]), [4, 5]);
    let up = Rearrange::UpSampling(vec![1, 2]);
    assert_eq!(moved(up, &[2, 1, 2]), [1, 2, 1, 2, 3, 4, 3, 4]);
}
