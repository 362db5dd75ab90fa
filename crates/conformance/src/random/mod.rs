//! Random networks, and how a suite runs them.

pub mod functions;
pub mod images;
pub mod values;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rtl4ml_ir::{Network, VerifiedNetwork, verify};
use rtl4ml_sim::vectors::{Random, corners_and_random};

use crate::{Case, on_external_simulators, on_rust_hdl};

/// The networks that the verifier takes: some need intermediates beyond 64 bits.
pub fn verified(
    networks: impl Strategy<Value = Network>,
) -> impl Strategy<Value = VerifiedNetwork> {
    networks.prop_filter_map("the verifier refuses it", |network| verify(network).ok())
}

/// A network with samples at the corners of its formats and random ones.
pub fn case(name: String, network: VerifiedNetwork, samples: usize, seed: u64) -> Case {
    let samples = corners_and_random(&network, samples, &mut Random::new(seed));
    Case::new(name, network, samples)
}

/// Runs so many networks on every engine, the same ones every time, so that a failure of an
/// external simulator can be repeated.
pub fn on_every_engine(
    title: &str,
    seed: u8,
    networks: &impl Strategy<Value = VerifiedNetwork>,
    count: u64,
    samples: usize,
) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let cases: Vec<_> = (0..count)
        .map(|index| {
            let drawn = networks.new_tree(&mut runner).unwrap().current();
            let mut network = drawn.network().clone();
            network.name = format!("{title}_{index}");
            on_rust_hdl(case(network.name.clone(), verify(network).unwrap(), samples, index))
        })
        .collect();
    on_external_simulators(title, &cases);
}
