//! A trained network from its YAML spec, driven cycle by cycle.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use rtl4ml_sim::vectors::{Random, corners_and_random};
use rtl4ml_sim::{Engine, Pins, RustHdl, reference};

fn jet_tagger() -> rtl4ml_ir::VerifiedNetwork {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jet_tagger");
    rtl4ml_spec::load(&folder.join("network_r4.yaml")).unwrap().network
}

/// The whole test in a dozen lines: load, build, infer, compare.
#[test]
fn the_circuit_computes_what_the_reference_computes() {
    let network = jet_tagger();
    let circuit = rtl4ml_circuit::build(&network).unwrap();
    let mut engine = RustHdl::new(&circuit).unwrap();
    engine.reset().unwrap();
    for input in corners_and_random(&network, 20, &mut Random::new(1)) {
        let outputs = engine.infer(&input).unwrap();
        assert_eq!(outputs, reference::evaluate(&network, &input).outputs(&network));
    }
}

/// The pins in every cycle: inputs are offered all the time, and taken every fourth cycle.
#[test]
fn inputs_are_taken_at_the_initiation_interval_and_come_out_after_the_latency() {
    let network = jet_tagger();
    let circuit = rtl4ml_circuit::build(&network).unwrap();
    let (latency, interval) =
        (circuit.interface.latency_cycles, circuit.interface.initiation_interval_cycles);
    assert_eq!(interval, 4);
    let input = corners_and_random(&network, 1, &mut Random::new(2)).remove(0);
    let mut engine = RustHdl::new(&circuit).unwrap();
    engine.reset().unwrap();
    let pins = Pins { rst: false, in_valid: true, inputs: &input };
    for cycle in 0..3 * latency {
        let sampled = engine.cycle(&pins).unwrap();
        assert_eq!(sampled.in_ready, cycle % interval == 0, "cycle {cycle}");
        let due = cycle >= latency && (cycle - latency).is_multiple_of(interval);
        assert_eq!(sampled.outputs.is_some(), due, "cycle {cycle}");
    }
}

/// A reset discards what is in flight; the next input is not disturbed by it.
#[test]
fn a_reset_discards_what_is_in_flight() {
    let network = jet_tagger();
    let circuit = rtl4ml_circuit::build(&network).unwrap();
    let inputs = corners_and_random(&network, 2, &mut Random::new(3));
    let mut engine = RustHdl::new(&circuit).unwrap();
    engine.reset().unwrap();
    let lost = Pins { rst: false, in_valid: true, inputs: &inputs[0] };
    assert!(engine.cycle(&lost).unwrap().in_ready);
    engine.reset().unwrap();
    let expected = reference::evaluate(&network, &inputs[1]).outputs(&network);
    assert_eq!(engine.infer(&inputs[1]).unwrap(), expected);
}
