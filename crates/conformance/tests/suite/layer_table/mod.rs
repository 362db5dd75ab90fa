//! Every claim of the table in `docs/layers.md`: a layer type is built in the ways that the page
//! says, computes what the reference computes in each of them, and is built in no other.

mod page;
mod variants;

use std::collections::BTreeSet;
use std::path::Path;

use rtl4ml_circuit::Circuit;
use rtl4ml_circuit::stream::form::{Form, form, transfers};
use rtl4ml_circuit::stream::scan::{Scan, ScanAxis};
use rtl4ml_ir::{Op, SoftmaxImplementation, Source, Strategy, TensorType, VerifiedNetwork};
use rtl4ml_sim::vectors::{Random, corners_and_random};

use self::page::Row;
use self::variants::{Variant, variants};
use rtl4ml_conformance::{BuiltCase, Case, on_external_simulators, on_rust_hdl};

/// The samples of a case: the corners and some more.
const SAMPLES: usize = 6;

fn network(spec: &str) -> VerifiedNetwork {
    rtl4ml_spec::parse(spec, "spec", Path::new(""))
        .unwrap_or_else(|e| panic!("{e}\n{spec}"))
        .network
}

/// A network against the reference on Rust-HDL's kernel.
fn run(spec: &str) -> BuiltCase {
    let network = network(spec);
    let samples = corners_and_random(&network, SAMPLES, &mut Random::new(5));
    on_rust_hdl(Case::new(network.network().name.clone(), network, samples))
}

fn set(words: &[String]) -> BTreeSet<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn the_table_has_every_layer_type_once() {
    let rows: Vec<String> = page::rows().into_iter().map(|row| row.layer).collect();
    let types: Vec<&str> = rtl4ml_spec::layer_types().collect();
    assert_eq!(rows, types, "the rows of docs/layers.md");
}

/// How a layer is to be built: what to add to its keys, and the factors that this gives.
struct Mode {
    label: String,
    keys: String,
    reuse_factor: u64,
    passes: u64,
}

/// The modes of a variant in the strategies of its row; of passes, where `with_passes`.
fn modes(row: &Row, variant: &Variant, with_passes: bool) -> Vec<Mode> {
    let plain = Mode { label: String::new(), keys: String::new(), reuse_factor: 1, passes: 1 };
    let Some(kernel) = variant.kernel else {
        return vec![plain];
    };
    let mut modes = Vec::new();
    for strategy in &row.strategies {
        // One multiplier for each product is what `latency` is for, and legal in all.
        let is_shared = strategy != Strategy::DistributedArithmetic.word();
        let reuse_factors = if is_shared { vec![1, kernel.reuse_factor] } else { vec![1] };
        for reuse_factor in reuse_factors {
            let first = if kernel.is_separable { "depthwise_reuse_factor: 2, " } else { "" };
            let first = if reuse_factor > 1 { first } else { "" };
            let keys = format!("{first}strategy: {strategy}, reuse_factor: {reuse_factor}");
            let label = format!("_{strategy}_r{reuse_factor}");
            modes.push(Mode { label, keys, reuse_factor, passes: 1 });
            if let (true, Some((positions, at_once))) = (with_passes, kernel.positions) {
                let last = modes.last().unwrap();
                let keys = format!("{}, parallelization_factor: {at_once}", last.keys);
                let label = format!("{}_p{at_once}", last.label);
                modes.push(Mode { label, keys, reuse_factor, passes: positions / at_once });
            }
        }
    }
    modes
}

/// The word of the page for how a network's layers are built at once.
fn parallel_words(circuit: &Circuit, passes: u64) -> BTreeSet<&'static str> {
    let word = |is_wires: bool| match (is_wires, passes) {
        (true, _) => "wires",
        (false, 1) => "whole",
        (false, _) => "passes",
    };
    circuit.layers.iter().map(|layer| word(layer.module.is_none())).collect()
}

/// All elements at once: the strategies, the intervals by the page's rule, and what is only wires.
#[test]
fn every_layer_is_built_in_parallel_as_the_table_says() {
    for row in page::rows() {
        let ty = row.layer.as_str();
        let claims_passes = row.parallel.iter().any(|word| word == "passes");
        let mut found = BTreeSet::new();
        for (index, variant) in variants(ty).iter().enumerate() {
            assert_eq!(variant.kernel.is_some(), !row.strategies.is_empty(), "{ty}: strategies");
            for Mode { label, keys, reuse_factor, passes } in modes(&row, variant, claims_passes) {
                let name = format!("{ty}_{index}{label}");
                let built = run(&variant.spec(&name, "parallel", ty, &keys));
                let interval = built.circuit.interface.initiation_interval_cycles;
                assert_eq!(interval, reuse_factor * passes, "{name}: interval");
                found.extend(parallel_words(&built.circuit, passes));
            }
        }
        assert_eq!(found, set(&row.parallel), "{ty}: io: parallel");
    }
}

/// What the page does not claim is not there: a strategy, a factor of positions.
#[test]
fn what_the_table_does_not_say_is_a_mistake() {
    let message = |spec: &str| match rtl4ml_spec::parse(spec, "spec", Path::new("")) {
        Ok(loaded) => rtl4ml_circuit::build(&loaded.network).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    for row in page::rows() {
        let ty = row.layer.as_str();
        let variant = &variants(ty)[0];
        for strategy in Strategy::ALL {
            let is_claimed = set(&row.strategies).contains(strategy.word());
            let keys = format!("strategy: {}", strategy.word());
            let found = message(&variant.spec("built", "parallel", ty, &keys));
            assert_eq!(found.is_none(), is_claimed, "{ty}, {keys}: {found:?}");
        }
        let is_claimed = set(&row.parallel).contains("passes");
        let found = message(&variant.spec("built", "parallel", ty, "parallelization_factor: 1"));
        assert_eq!(found.is_none(), is_claimed, "{ty}, parallelization_factor: {found:?}");
    }
}

/// The cycles of a frame whose windows come at least so many cycles apart: the second of two
/// frames that are walked over.
fn scan_cycles(scan: &Scan, reuse_factor: u64) -> u64 {
    let emits = |axis: &ScanAxis, step: usize| {
        let first = axis.emit_from;
        (first..axis.emit_until).contains(&step) && (step - first).is_multiple_of(axis.stride)
    };
    let (mut cycle, mut free, mut ends) = (0, 0, Vec::new());
    for _ in 0..2 {
        for row in 0..scan.rows.grid {
            for column in 0..scan.columns.grid {
                if emits(&scan.rows, row) && emits(&scan.columns, column) {
                    cycle = free.max(cycle);
                    free = cycle + reuse_factor;
                    ends.push(cycle);
                }
                cycle += 1;
            }
        }
    }
    ends[ends.len() - 1] - ends[ends.len() / 2 - 1]
}

/// The fewest cycles of a frame in a layer, by the page's rule, and the word for its form.
fn streamed(network: &VerifiedNetwork, layer: usize) -> (&'static str, u64) {
    let graph = network.network();
    let (layer, source) = (&graph.layers[layer], Source::Layer(rtl4ml_ir::LayerId(layer as u32)));
    let inputs: Vec<&TensorType> =
        layer.inputs.iter().map(|input| network.tensor_type(*input)).collect();
    let output = network.tensor_type(source);
    let count = |tensor: &TensorType| transfers(tensor).unwrap().1 as u64;
    let reuse_factor = layer.implementation.reuse_factor;
    let results = count(output);
    match form(&layer.op, &inputs, output) {
        Form::Alias => ("alias", results),
        Form::Pixel(_) => ("pixel", results * reuse_factor),
        Form::Window(scan, _) => ("window", scan_cycles(&scan, reuse_factor)),
        Form::Frame => {
            let taken = inputs.into_iter().map(count).max().unwrap();
            ("frame", taken.max(results).max(reuse_factor))
        }
    }
}

/// Pixel by pixel: the form of each variant, in every strategy, and the interval by the page's
/// rule. Those of which one is kept for every row but the 1d ones, whose modules are those of 2d,
/// go through the external simulators together.
#[test]
fn every_layer_streams_as_the_table_says() {
    let mut kept = Vec::new();
    for row in page::rows() {
        let ty = row.layer.as_str();
        let mut found = Vec::new();
        for (index, variant) in variants(ty).iter().enumerate() {
            let modes = modes(&row, variant, false);
            let last = modes.len() - 1;
            for (place, Mode { label, keys, .. }) in modes.into_iter().enumerate() {
                let name = format!("{ty}_{index}{label}");
                let built = run(&variant.spec(&name, "stream", ty, &keys));
                let layers = 0..built.case.network.network().layers.len();
                let forms: Vec<(&str, u64)> =
                    layers.map(|layer| streamed(&built.case.network, layer)).collect();
                let slowest = forms.iter().map(|(_, cycles)| *cycles).max().unwrap();
                let interval = built.circuit.interface.initiation_interval_cycles;
                assert_eq!(interval, slowest, "{name}: interval of a frame");
                if place == last {
                    found.extend(forms.iter().map(|(word, _)| *word));
                }
                if (index, place) == (0, last) && !ty.ends_with("1d") {
                    kept.push(built);
                }
            }
        }
        assert_eq!(found, row.stream, "{ty}: io: stream");
    }
    assert!(kept.len() <= 40, "{} cases would take minutes", kept.len());
    on_external_simulators("layer table", &kept);
}

/// Only what reads a table is not exact before its cast, and what divides.
#[test]
fn exactness_is_what_the_table_says() {
    for row in page::rows() {
        let spec = variants(&row.layer)[0].spec("exactness", "parallel", &row.layer, "");
        let network = network(&spec);
        let word = |op: &Op| match op {
            Op::Function(_) => "table",
            Op::Softmax(softmax) if softmax.implementation != SoftmaxImplementation::Argmax => {
                "table"
            }
            Op::Pool(pool) if pool.kind == rtl4ml_ir::PoolKind::Average => "quotient",
            _ => "exact",
        };
        let found: BTreeSet<&str> =
            network.network().layers.iter().map(|layer| word(&layer.op)).collect();
        assert_eq!(found, set(&row.exactness), "{}", row.layer);
    }
}
