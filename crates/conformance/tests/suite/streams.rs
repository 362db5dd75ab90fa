//! `io: stream`: small networks of every form and random ones, with pauses at both ends.

use proptest::prelude::*;
use proptest::test_runner::Config;
use rtl4ml_circuit::stream::form::transfers;
use rtl4ml_ir::{
    Constant, Conv, Dense, FixedType, Implementation, Io, Kernel, Merge, MergeKind, Network,
    Padding, Pool, PoolKind, Rearrange, Relu, Reshape, ResultType, Source, VerifiedNetwork, Window,
    WindowAxis, verify,
};
use rtl4ml_sim::vectors::Random;

use rtl4ml_conformance::random::{self, images, on_every_engine};
use rtl4ml_conformance::{Case, on_external_simulators, on_rust_hdl};

fn ty(text: &str) -> FixedType {
    text.parse().unwrap()
}

fn numbers(count: usize, random: &mut Random) -> Vec<f64> {
    (0..count).map(|_| (random.bits() % 15) as f64 / 4.0 - 1.75).collect()
}

fn axis(kernel: usize, stride: usize, dilation: usize) -> WindowAxis {
    WindowAxis { kernel, stride, dilation }
}

fn conv(window: Window, channels: usize, filters: usize, random: &mut Random) -> Conv {
    let n_in = window.cell_count() * channels;
    let weights = numbers(n_in * filters, random);
    let weight = Constant::quantize([n_in, filters], &weights, ty("fixed<5,3>")).unwrap();
    let bias = Constant::quantize([filters], &numbers(filters, random), ty("fixed<5,3>")).unwrap();
    let conv = Conv::new(window, Kernel::new(weight, Some(bias)));
    Conv { result: ty("fixed<8,5,RND,SAT>").into(), ..conv }
}

fn reuse(reuse_factor: u64) -> Implementation {
    Implementation { reuse_factor, ..Implementation::default() }
}

fn stream(name: &str) -> Network {
    let mut network = Network::new(name);
    network.io = Io::Stream;
    network
}

fn case(network: Network, frames: usize) -> Case {
    let name = network.name.clone();
    random::case(name, verify(network).unwrap(), frames, 3)
}

/// A convolution with every padding, with strides and dilation, and a pool behind it.
fn windows() -> Vec<Network> {
    let mut random = Random::new(11);
    let mut networks = Vec::new();
    let shapes = [
        (Padding::Valid, [axis(3, 1, 1), axis(3, 1, 1)], 1),
        (Padding::Same, [axis(3, 1, 1), axis(2, 1, 1)], 1),
        (Padding::Same, [axis(3, 2, 1), axis(3, 3, 1)], 6),
        (Padding::Valid, [axis(2, 1, 2), axis(2, 2, 2)], 6),
    ];
    for (index, (padding, axes, factor)) in shapes.into_iter().enumerate() {
        let mut network = stream(&format!("window_{index}"));
        let x = network.input("x", [6, 7, 2], ty("fixed<5,3>"));
        let op = conv(Window::new(axes, padding), 2, 3, &mut random);
        let y = network.layer_with("conv", op, [x], reuse(factor));
        let y = network.layer("relu", Relu { result: ty("ufixed<6,4,RND,SAT>").into() }, [y]);
        let pool = Pool {
            kind: if index % 2 == 0 { PoolKind::Max } else { PoolKind::Average },
            window: Some(Window::new([axis(2, 2, 1), axis(2, 1, 1)], Padding::Valid)),
            accum: None,
            result: ResultType::Auto,
        };
        let y = network.layer("pool", pool, [y]);
        network.outputs = vec![y];
        networks.push(network);
    }
    networks
}

/// Dense layers behind an image, whose weights are shared.
fn flattened() -> Network {
    let mut random = Random::new(12);
    let mut network = stream("flattened");
    let x = network.input("x", [5, 2], ty("fixed<5,3>"));
    let window = Window::new([axis(3, 1, 1)], Padding::Causal);
    let y = network.layer("conv", conv(window, 2, 2, &mut random), [x]);
    let y = network.layer("flat", Reshape::Flatten, [y]);
    let weight = Constant::quantize([10, 4], &numbers(40, &mut random), ty("fixed<5,3>")).unwrap();
    let y = network.layer_with("fc", Dense::new(weight, None), [y], reuse(8));
    let y = network.layer("relu", Relu::default(), [y]);
    network.outputs = vec![y];
    network
}

/// A skip connection around two convolutions, a second output, and elements that are moved.
fn skip() -> Network {
    let mut random = Random::new(13);
    let mut network = stream("skip");
    let x = network.input("x", [5, 5, 2], ty("fixed<5,3>"));
    let same = || Window::new([axis(3, 1, 1), axis(3, 1, 1)], Padding::Same);
    let a = network.layer_with("conv1", conv(same(), 2, 2, &mut random), [x], reuse(2));
    let b = network.layer("conv2", conv(same(), 2, 2, &mut random), [a]);
    let merge = Merge { kind: MergeKind::Add, result: ty("fixed<8,5,TRN,SAT>").into() };
    let sum = network.layer("sum", merge, [b, x]);
    let padded = network.layer("pad", Rearrange::ZeroPadding(vec![(1, 0), (0, 2)]), [sum]);
    let cropped = network.layer("crop", Rearrange::Cropping(vec![(0, 2), (1, 1)]), [padded]);
    let turned = network.layer("turn", Rearrange::Permute(vec![1, 0, 2]), [cropped]);
    let up = network.layer("up", Rearrange::UpSampling(vec![2, 1]), [turned]);
    network.outputs = vec![up, sum];
    network
}

fn all() -> Vec<Network> {
    let mut networks = windows();
    networks.extend([flattened(), skip()]);
    networks
}

#[test]
fn streams_on_every_engine() {
    let cases: Vec<_> = all().into_iter().map(|network| on_rust_hdl(case(network, 6))).collect();
    on_external_simulators("streams", &cases);
}

/// The source of a tensor that only the network's input feeds.
#[test]
fn an_input_can_be_an_output() {
    let mut network = stream("through");
    let x = network.input("x", [3, 2], ty("fixed<5,3>"));
    let y: Source = network.layer("relu", Relu::default(), [x]);
    network.outputs = vec![x, y];
    on_external_simulators("through", &[on_rust_hdl(case(network, 5))]);
}

/// A small image, or one whose rows are so long that line buffers are memories.
fn image() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        8 => images::image(),
        1 => (2usize..7, 2usize..7, 1usize..4).prop_map(|(rows, columns, c)| vec![rows, columns, c]),
        1 => (2usize..5, 17usize..20).prop_map(|(rows, columns)| vec![rows, columns, 1]),
        1 => (2usize..3, 64usize..68).prop_map(|(rows, columns)| vec![rows, columns, 1]),
    ]
}

/// Random networks on images, all of whose tensors can travel pixel by pixel.
fn random_network() -> impl Strategy<Value = VerifiedNetwork> {
    let streams =
        images::network_on(image()).prop_map(|network| Network { io: Io::Stream, ..network });
    random::verified(streams).prop_filter("formats differ from pixel to pixel", |network| {
        let layers = network.network().layers_with_ids().map(|(id, _)| Source::Layer(id));
        layers.into_iter().all(|source| transfers(network.tensor_type(source)).is_some())
    })
}

proptest! {
    #![proptest_config(Config { cases: 400, ..Config::default() })]

    #[test]
    fn on_rust_hdl_and_the_reference(network in random_network(), seed: u64) {
        on_rust_hdl(random::case("streams".to_owned(), network, 12, seed));
    }
}

#[test]
fn random_streams_on_every_engine() {
    on_every_engine("random_streams", 5, &random_network(), 24, 8);
}
