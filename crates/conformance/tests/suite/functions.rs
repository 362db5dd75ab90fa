//! Random activations, table functions, softmaxes and argmaxes on every engine.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use rtl4ml_ir::{FixedType, Format, Network, Quantize, VerifiedNetwork, verify};

use rtl4ml_conformance::on_rust_hdl;
use rtl4ml_conformance::random::functions::{fixed_type, op};
use rtl4ml_conformance::random::{case, on_every_engine};

/// The layer on an input whose last axis has four elements. Before it stands a cast, of which
/// some elements may be constants.
fn network() -> impl Strategy<Value = VerifiedNetwork> {
    let before = proptest::option::weighted(0.3, (fixed_type(), any::<bool>()));
    let shape = select(vec![vec![4usize], vec![2, 4], vec![1, 4]]);
    let recipe = (shape, fixed_type(), before, op(), 80.0..600.0f64);
    recipe.prop_filter_map("the verifier refuses it", |(shape, ty, before, op, mhz)| {
        let mut network = Network::new("functions");
        network.target.clock = rtl4ml_ir::Clock::from_mhz(mhz).unwrap();
        let count: usize = shape.iter().product();
        let mut x = network.input("x", shape, ty);
        if let Some((ty, sparse)) = before {
            let none = FixedType::new(Format::unsigned(0, 0));
            let types = (0..count).map(|i| if sparse && i % 3 == 1 { none } else { ty });
            let result = rtl4ml_ir::Types::PerElement(types.collect());
            x = network.layer("before", Quantize { result }, [x]);
        }
        let y = network.layer("y", op, [x]);
        network.outputs = vec![y];
        verify(network).ok()
    })
}

proptest! {
    #![proptest_config(Config { cases: 600, ..Config::default() })]

    #[test]
    fn on_rust_hdl_and_the_reference(network in network(), seed: u64) {
        on_rust_hdl(case("random".to_owned(), network, 24, seed));
    }
}

#[test]
fn functions_on_every_engine() {
    on_every_engine("functions", 11, &network(), 30, 30);
}
