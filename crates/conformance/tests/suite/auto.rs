//! `strategy: auto`: random networks with mixed strategies, contracts and budgets. Whatever is
//! chosen, the outputs are those of the reference, and what was asked for is kept or refused.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use rtl4ml_circuit::{CircuitError, build};
use rtl4ml_ir::{
    Amount, Budget, Contract, Implementation, Io, LatencyBound, Network, Strategy as LayerStrategy,
    VerifiedNetwork, verify,
};

use rtl4ml_circuit::choose::budget_uses;
use rtl4ml_circuit::estimate::estimate;
use rtl4ml_conformance::random::{case, images};
use rtl4ml_conformance::{BuiltCase, on_external_simulators, on_rust_hdl};

/// What is asked of a network.
#[derive(Clone, Debug)]
struct Wish {
    io: Io,
    contract: Contract,
    budget: Budget,
    /// For each layer: built as it is, `auto`, or `auto` with its factors.
    freedom: Vec<u8>,
}

fn wish() -> impl Strategy<Value = Wish> {
    let interval = select(&[None, None, Some(1), Some(2), Some(4), Some(16), Some(64)][..]);
    let latency = proptest::option::weighted(0.3, 2_u64..60);
    let most = |counts: &'static [u64]| {
        proptest::option::weighted(0.5, select(counts).prop_map(Amount::Count))
    };
    let budget = (most(&[150, 400, 1000, 3000]), most(&[100, 400, 2000]), most(&[0, 1, 4, 20]));
    let io = select(&[Io::Parallel, Io::Parallel, Io::Stream][..]);
    (io, interval, latency, budget, vec(0_u8..4, 6)).prop_map(
        |(io, interval, latency, (lut, ff, dsp), freedom)| {
            let latency = latency.map(LatencyBound::Cycles);
            let contract = Contract { initiation_interval_cycles: interval, latency };
            Wish { io, contract, budget: Budget { lut, ff, dsp, bram: None }, freedom }
        },
    )
}

/// A network of which this is wished.
fn wished(mut network: Network, wish: &Wish) -> Network {
    network.io = wish.io;
    network.contract = wish.contract;
    network.budget = wish.budget;
    for (layer, freedom) in network.layers.iter_mut().zip(wish.freedom.iter().cycle()) {
        let how = &mut layer.implementation;
        match freedom {
            0 => {}
            1 => {
                *how = Implementation {
                    strategy: LayerStrategy::Auto,
                    reuse_factor_is_fixed: true,
                    ..*how
                };
            }
            _ => {
                *how = Implementation { strategy: LayerStrategy::Auto, ..Default::default() };
            }
        }
    }
    network
}

/// Whether an interval of one cycle is all that is asked, and nothing is in its way.
fn can_be_fast(network: &Network) -> bool {
    let is_free =
        |how: &Implementation| how.strategy == LayerStrategy::Auto && !how.reuse_factor_is_fixed;
    let mut kernels = network.layers.iter().filter(|layer| layer.op.kernel_shape().is_some());
    network.io == Io::Parallel
        && network.budget.is_empty()
        && network.contract.latency.is_none()
        && kernels.all(|layer| is_free(&layer.implementation))
}

/// The network's circuit against the reference; `None` where it is refused for what was asked.
fn kept(network: VerifiedNetwork, name: &str, samples: usize, seed: u64) -> Option<BuiltCase> {
    let circuit = match build(&network) {
        Ok(circuit) => circuit,
        Err(
            CircuitError::Budget { .. }
            | CircuitError::InitiationInterval { .. }
            | CircuitError::Latency { .. },
        ) => {
            assert!(!can_be_fast(network.network()), "{name}: refused for nothing");
            return None;
        }
        // What no choice can help: formats, and factors that are asked for.
        Err(
            CircuitError::StreamFormats { .. }
            | CircuitError::PerElementResult { .. }
            | CircuitError::PerElementPasses { .. },
        ) => return None,
        Err(error) => panic!("{name}: {error}"),
    };
    let asked = network.network();
    let is_auto = |how: &Implementation| how.strategy == LayerStrategy::Auto;
    assert!(circuit.layers.iter().all(|layer| !is_auto(&layer.implementation)));
    for (layer, built) in asked.layers.iter().zip(&circuit.layers) {
        if !is_auto(&layer.implementation) {
            assert_eq!(layer.implementation, built.implementation, "{name}: what is said stays");
        } else if layer.implementation.reuse_factor_is_fixed && layer.op.kernel_shape().is_some() {
            let factors = [layer.implementation, built.implementation].map(|how| how.reuse_factor);
            assert_eq!(factors[0], factors[1], "{name}: a factor that is asked for stays");
        }
    }
    for used in budget_uses(&network, &estimate(&circuit).total) {
        assert!(used.taken <= used.most, "{name}: {used:?}");
    }
    for decision in &circuit.decisions {
        assert!(decision.taken < decision.candidates.len() && !decision.reason.is_empty());
    }
    Some(on_rust_hdl(case(name.to_owned(), network, samples, seed)))
}

fn network() -> impl Strategy<Value = Network> {
    (images::network(), wish()).prop_map(|(network, wish)| wished(network, &wish))
}

#[test]
fn what_is_chosen_computes_the_same_and_keeps_what_was_asked() {
    let (built, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mut runner = TestRunner::new(Config { cases: 400, ..Config::default() });
    let result = runner.run(&(network(), any::<u64>()), |(network, seed)| {
        let Ok(network) = verify(network) else { return Ok(()) };
        match kept(network, "auto", 12, seed) {
            Some(_) => built.fetch_add(1, Ordering::Relaxed),
            None => refused.fetch_add(1, Ordering::Relaxed),
        };
        Ok(())
    });
    result.unwrap();
    let counts = (built.into_inner(), refused.into_inner());
    assert!(counts.0 > 20 && counts.1 > 5, "built and refused: {counts:?}");
}

/// The same networks on the simulators that read Verilog.
#[test]
fn some_on_every_engine() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{RngAlgorithm, TestRng};
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut cases = Vec::new();
    while cases.len() < 8 {
        let mut drawn = network().new_tree(&mut runner).unwrap().current();
        drawn.name = format!("auto_{}", cases.len());
        let name = drawn.name.clone();
        let Ok(verified) = verify(drawn) else { continue };
        let has_choice = |built: &BuiltCase| !built.circuit.decisions.is_empty();
        cases.extend(kept(verified, &name, 20, 1).filter(has_choice));
    }
    on_external_simulators("auto", &cases);
}
