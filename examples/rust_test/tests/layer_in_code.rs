//! A layer that is built in code: no YAML, no file.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rtl4ml_ir::{Constant, Dense, FixedType, Implementation, Network, Relu, Strategy, verify};
use rtl4ml_sim::{Engine, RustHdl, reference};

#[test]
fn a_dense_layer_and_a_relu() {
    let ty = |text: &str| text.parse::<FixedType>().unwrap();
    let mut network = Network::new("two_neurons");
    let x = network.input("x", [3], ty("fixed<8,4>"));
    let weight = Constant::quantize([3, 2], &[0.5, -1.25, 2.0, 0.75, 0.0, 1.0], ty("fixed<6,3>"));
    let bias = Constant::quantize([2], &[0.25, -0.5], ty("fixed<6,3>"));
    let dense = Dense::new(weight.unwrap(), Some(bias.unwrap()));
    // Three multiplications for each multiplier, one after the other.
    let reuse = Implementation {
        strategy: Strategy::Resource,
        reuse_factor: 3,
        ..Implementation::default()
    };
    let fc = network.layer_with("fc", dense, [x], reuse);
    let y = network.layer("act", Relu { result: ty("ufixed<6,4,RND,SAT>").into() }, [fc]);
    network.outputs = vec![y];

    let network = verify(network).unwrap();
    let circuit = rtl4ml_circuit::build(&network).unwrap();
    assert_eq!(circuit.interface.initiation_interval_cycles, 3);
    let mut engine = RustHdl::new(&circuit).unwrap();
    engine.reset().unwrap();
    for a in [-128i128, -1, 0, 77, 127] {
        let input = vec![vec![a, 127 - a.abs(), -a.max(-127)]];
        let expected = reference::evaluate(&network, &input).outputs(&network);
        assert_eq!(engine.infer(&input).unwrap(), expected);
    }
}
