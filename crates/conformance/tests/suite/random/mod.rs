//! Random networks: shapes, formats, all modes, reuse factors, strategies, parts and clocks.

mod images;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use rtl4ml_ir::{
    Constant, Dense, FixedType, Format, Implementation, Kernel, MultiplierStyle, Network, Op,
    Quantize, Relu, Reshape, ResultType, Source, Strategy as LayerStrategy, Types, VerifiedNetwork,
    verify,
};

use rtl4ml_conformance::random::values::{fixed_type, weights};
use rtl4ml_conformance::random::{case, on_every_engine, verified};
use rtl4ml_conformance::{on_external_simulators, on_rust_hdl};

/// A layer before its input's shape is known.
#[derive(Clone, Debug)]
enum Recipe {
    Dense {
        n_out: usize,
        weights: Vec<i8>,
        weight_type: FixedType,
        bias: Option<FixedType>,
        accum: Option<FixedType>,
        result: Option<FixedType>,
        /// Which of the legal reuse factors, from the least to the greatest.
        reuse: f64,
        strategy: LayerStrategy,
        multiplier: MultiplierStyle,
    },
    Relu(Option<FixedType>),
    Quantize(Vec<FixedType>),
    Reshape,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let types = (
        fixed_type(),
        proptest::option::of(fixed_type()),
        proptest::option::weighted(0.4, fixed_type()),
        proptest::option::weighted(0.7, fixed_type()),
    );
    let build = (
        prop_oneof![Just(0.0), 0.0..1.0],
        select(
            &[
                LayerStrategy::Latency,
                LayerStrategy::Resource,
                LayerStrategy::DistributedArithmetic,
            ][..],
        ),
        select(MultiplierStyle::ALL),
    );
    let dense = (1usize..7, weights(), types, build).prop_map(
        |(n_out, weights, (weight_type, bias, accum, result), (reuse, strategy, multiplier))| {
            Recipe::Dense {
                n_out,
                weights,
                weight_type,
                bias,
                accum,
                result,
                reuse,
                strategy,
                multiplier,
            }
        },
    );
    prop_oneof![
        5 => dense,
        2 => proptest::option::of(fixed_type()).prop_map(Recipe::Relu),
        1 => vec(fixed_type(), 1..4).prop_map(Recipe::Quantize),
        1 => Just(Recipe::Reshape),
    ]
}

/// A network of one or two chains of layers; some inner tensors are outputs as well.
fn network() -> impl Strategy<Value = Network> {
    let extents = prop_oneof![4 => vec(1usize..9, 1), 1 => vec(1usize..4, 2)];
    let chain = (extents, fixed_type(), vec(recipe(), 1..4), any::<prop::sample::Index>());
    let part = select(&["xcvu9p-flga2104-2-i", "xcku115-flvb2104-1-c", "xcvu13p-flga2577-3-e"][..]);
    (vec(chain, 1..3), 50.0..700.0f64, part).prop_map(|(chains, mhz, part)| {
        let mut network = Network::new("random");
        network.target.part = part.parse().unwrap();
        network.target.clock = rtl4ml_ir::Clock::from_mhz(mhz).unwrap();
        for (index, (extents, ty, recipes, extra)) in chains.into_iter().enumerate() {
            let input = network.input(format!("x{index}"), extents.clone(), ty);
            let mut shape = extents;
            let mut tensors: Vec<Source> = vec![input];
            for (position, recipe) in recipes.into_iter().enumerate() {
                let name = format!("l{index}_{position}");
                let (op, implementation) = build(recipe, &mut shape);
                let from = vec![*tensors.last().unwrap()];
                tensors.push(network.layer_with(name, op, from, implementation));
            }
            let last = *tensors.last().unwrap();
            network.outputs.push(last);
            let extra = tensors[extra.index(tensors.len())];
            if extra != last {
                network.outputs.push(extra);
            }
        }
        network
    })
}

/// The layer of a recipe on an input of this shape, which becomes that of its output.
fn build(recipe: Recipe, shape: &mut Vec<usize>) -> (Op, Implementation) {
    let plain = Implementation::default();
    let result = |ty: Option<FixedType>| ty.map_or(ResultType::Auto, ResultType::from);
    match recipe {
        Recipe::Relu(ty) => (Relu { result: result(ty) }.into(), plain),
        Recipe::Quantize(types) => {
            let count: usize = shape.iter().product();
            // One type an element, in turns, where there are several.
            let result = match types.as_slice() {
                [ty] => (*ty).into(),
                types => Types::PerElement(types.iter().copied().cycle().take(count).collect()),
            };
            (Quantize { result }.into(), plain)
        }
        Recipe::Reshape => {
            *shape = vec![shape.iter().product()];
            (Reshape::Flatten.into(), plain)
        }
        Recipe::Dense {
            n_out,
            weights,
            weight_type,
            bias,
            accum,
            result: ty,
            reuse,
            strategy,
            multiplier,
        } => {
            let n_in = *shape.last().unwrap();
            *shape.last_mut().unwrap() = n_out;
            let numbers: Vec<f64> = weights.iter().map(|w| f64::from(*w) / 4.0).collect();
            let of = |count: usize| numbers.iter().copied().cycle().take(count).collect::<Vec<_>>();
            let weight = Constant::quantize([n_in, n_out], &of(n_in * n_out), weight_type).unwrap();
            let bias = bias.map(|ty| Constant::quantize([n_out], &of(n_out), ty).unwrap());
            let kernel = Kernel { weight, bias, accum };
            let dense = Dense { kernel, result: result(ty) };
            let products = n_in * n_out;
            let legal: Vec<usize> =
                (1..=products).filter(|r| products.is_multiple_of(*r)).collect();
            let reuse_factor = match strategy {
                LayerStrategy::DistributedArithmetic => 1,
                _ => legal[(reuse * legal.len() as f64) as usize] as u64,
            };
            (dense.into(), Implementation { strategy, reuse_factor, multiplier, ..plain })
        }
    }
}

/// Random networks that the verifier takes: some need intermediates beyond 64 bits.
fn verified_network() -> impl Strategy<Value = VerifiedNetwork> {
    verified(network())
}

proptest! {
    #![proptest_config(Config { cases: 300, ..Config::default() })]

    #[test]
    fn on_rust_hdl_and_the_reference(network in verified_network(), seed: u64) {
        on_rust_hdl(case("random".to_owned(), network, 24, seed));
    }
}

#[test]
fn vectors_on_every_engine() {
    on_every_engine("random", 7, &verified_network(), 36, 40);
}

/// Formats of one type an element, some of them without bits.
#[test]
fn element_formats_without_bits_are_constants() {
    let ty = |text: &str| text.parse::<FixedType>().unwrap();
    let none = FixedType::new(Format::unsigned(0, 0));
    let types = vec![ty("fixed<5,3>"), none, ty("ufixed<3,4>"), none];
    let mut network = Network::new("sparse_elements");
    let x = network.input("x", [4], Types::PerElement(types.clone()));
    let weight = Constant::quantize([4, 3], &[0.5; 12], ty("fixed<4,2>")).unwrap();
    let reuse = Implementation { reuse_factor: 4, ..Implementation::default() };
    let fc = network.layer_with("fc", Dense::new(weight, None), [x], reuse);
    let z = network.layer("z", Quantize { result: Types::PerElement(types) }, [x]);
    network.outputs = vec![fc, z];
    let network = verify(network).unwrap();
    let built = on_rust_hdl(case("sparse".to_owned(), network, 24, 1));
    on_external_simulators("element formats", &[built]);
}
