//! Random networks on images.

use proptest::prelude::*;
use proptest::test_runner::Config;
use rtl4ml_conformance::on_rust_hdl;
use rtl4ml_conformance::random::{case, images, on_every_engine, verified};
use rtl4ml_ir::layers::{Pool, PoolKind};
use rtl4ml_ir::{FixedType, Network, ResultType};

proptest! {
    #![proptest_config(Config { cases: 300, ..Config::default() })]

    #[test]
    fn on_rust_hdl_and_the_reference(network in verified(images::network()), seed: u64) {
        on_rust_hdl(case("images".to_owned(), network, 24, seed));
    }
}

#[test]
fn images_on_every_engine() {
    on_every_engine("images", 7, &verified(images::network()), 28, 24);
}

/// The division by the number of cells is exact for sums whose product with a reciprocal would not
/// fit a signal.
#[test]
fn averages_of_wide_numbers() {
    for (index, ty) in ["fixed<34,10>", "ufixed<40,40>", "fixed<52,4>"].into_iter().enumerate() {
        for cells in [3, 7, 25] {
            let mut network = Network::new("wide");
            let x = network.input("x", [cells, 1], ty.parse::<FixedType>().unwrap());
            let result = ResultType::Auto;
            let pool = Pool { kind: PoolKind::Average, window: None, accum: None, result };
            let y = network.layer("mean", pool, [x]);
            network.outputs = vec![y];
            let network = rtl4ml_ir::verify(network).unwrap();
            on_rust_hdl(case(format!("{cells} of {ty}"), network, 60, index as u64));
        }
    }
}
