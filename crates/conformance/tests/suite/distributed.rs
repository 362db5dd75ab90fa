//! Distributed arithmetic on matrices large enough to have words to share and tall heaps of bits,
//! by each of its rules: a latency contract that the thriftiest circuit does not keep makes the
//! next one.

use proptest::prelude::*;
use proptest::sample::select;
use rtl4ml_conformance::on_rust_hdl;
use rtl4ml_conformance::random::{case, on_every_engine};
use rtl4ml_ir::{
    Constant, Contract, Dense, FixedType, Implementation, Kernel, LatencyBound, MultiplierStyle,
    Network, ResultType, Strategy as LayerStrategy, Types, VerifiedNetwork, verify,
};

fn ty(signed: bool, width: u32, integer_bits: i32) -> FixedType {
    let prefix = if signed { "fixed" } else { "ufixed" };
    format!("{prefix}<{width},{integer_bits}>").parse().unwrap()
}

/// A dense layer by distributed arithmetic, or by multipliers in logic or in whatever suits.
fn network() -> impl Strategy<Value = VerifiedNetwork> {
    let shape = (1usize..28, 1usize..14);
    let input = (any::<bool>(), 1u32..13, -2i32..5);
    let weights = proptest::collection::vec(-2048i32..2048, 28 * 14);
    let how = select(&[
        (LayerStrategy::DistributedArithmetic, MultiplierStyle::Auto),
        (LayerStrategy::Latency, MultiplierStyle::Lut),
        (LayerStrategy::Latency, MultiplierStyle::Auto),
    ]);
    // Every element of the input has one of two formats.
    (shape, [input.clone().boxed(), input.boxed()], weights, 2u32..13, how).prop_map(
        |((n_in, n_out), inputs, weights, width, (strategy, multiplier))| {
            let types = inputs.map(|(signed, width, integer)| ty(signed, width, integer));
            let types: Vec<FixedType> = types.into_iter().cycle().take(n_in).collect();
            let mut network = Network::new("distributed");
            let x = network.input("x", [n_in], Types::PerElement(types));
            let weight_type = ty(true, width, 4);
            // Most weights are small, as trained ones are.
            let scale = 2f64.powi(4 - width as i32);
            let value = |index: usize| {
                let own = f64::from(weights[index]);
                let shrunk = if weights[index] % 3 == 0 { own / 64.0 } else { own };
                (shrunk * scale / 8.0).clamp(-7.0, 7.0)
            };
            let mut numbers: Vec<f64> = (0..n_in * n_out).map(value).collect();
            if n_in > 3 && weights[0] % 2 == 0 {
                // Every other column is nearly its neighbour, or the negative of that.
                let sign = if weights[1] % 2 == 0 { 1.0 } else { -1.0 };
                for index in (0..(n_in - 1) * n_out).filter(|index| index % n_out % 2 == 1) {
                    numbers[index] = sign * numbers[index - 1];
                }
            }
            let weight = Constant::quantize([n_in, n_out], &numbers, weight_type).unwrap();
            let bias = Constant::quantize([n_out], &numbers[..n_out], weight_type).unwrap();
            let kernel = Kernel { weight, bias: Some(bias), accum: None };
            let how = Implementation { strategy, multiplier, ..Implementation::default() };
            let dense = Dense { kernel, result: ResultType::Auto };
            let fc = network.layer_with("fc", dense, [x], how);
            network.outputs = vec![fc];
            verify(network).unwrap()
        },
    )
}

/// The network with a contract of fewer cycles than its circuit takes.
fn shallower(network: &VerifiedNetwork, cycles: u64) -> VerifiedNetwork {
    let mut network = network.network().clone();
    network.contract =
        Contract { latency: Some(LatencyBound::Cycles(cycles)), ..Contract::default() };
    verify(network).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn by_every_rule_on_rust_hdl(network in network(), seed: u64) {
        let built = on_rust_hdl(case("distributed".to_owned(), network.clone(), 24, seed));
        let mut cycles = built.circuit.interface.latency_cycles;
        while cycles > 1 {
            let network = shallower(&network, cycles - 1);
            let Ok(circuit) = rtl4ml_circuit::build(&network) else {
                break;
            };
            cycles = circuit.interface.latency_cycles;
            on_rust_hdl(case("distributed".to_owned(), network, 24, seed));
        }
    }
}

#[test]
fn on_all_engines() {
    on_every_engine("distributed", 3, &network(), 8, 40);
}
