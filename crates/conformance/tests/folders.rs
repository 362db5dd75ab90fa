//! Cases in folders: ours, and those of other people's emulators.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use rtl4ml_conformance::{BuiltCase, Case, on_external_simulators, on_rust_hdl, root};

/// The specs in the folders below a folder, by name.
fn specs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut specs: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path().join("network.yaml"))
        .filter(|spec| spec.exists())
        .collect();
    specs.sort();
    specs
}

#[test]
fn testbenches_on_every_engine() {
    let specs = specs(&root().join("testbenches"));
    assert!(specs.len() >= 30, "only {} testbenches were found", specs.len());
    let cases: Vec<BuiltCase> = specs.iter().map(|spec| on_rust_hdl(Case::load(spec))).collect();
    on_external_simulators("testbenches", &cases);
}

/// Whether this version builds every layer of a spec: others belong to later versions.
fn is_built(spec: &Path) -> bool {
    let built = [
        "dense",
        "relu",
        "leaky_relu",
        "prelu",
        "elu",
        "hard_sigmoid",
        "sigmoid",
        "tanh",
        "softplus",
        "softsign",
        "softmax",
        "quantize",
        "flatten",
        "reshape",
    ];
    let text = std::fs::read_to_string(spec).unwrap();
    let types = text.split("type: ").skip(1).map(|rest| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
    });
    let mut types = types.collect::<Vec<_>>().into_iter();
    types.all(|ty| built.contains(&ty)) && !text.contains("io: stream")
}

/// The specs of other people's emulators that this version reads; none where the folder is not
/// beside the repository.
fn other_emulators() -> Vec<PathBuf> {
    let folder = root().join("../shared/cases");
    if !folder.is_dir() {
        println!("there is no folder ../shared/cases beside the repository: nothing to run");
        return Vec::new();
    }
    specs(&folder).into_iter().filter(|spec| is_built(spec)).collect()
}

/// All samples on the reference; some hundred on Rust-HDL's kernel where the circuit is built.
fn on_reference_and_rust_hdl(specs: Vec<PathBuf>) -> Vec<BuiltCase> {
    let mut built = Vec::new();
    for spec in specs {
        let case = Case::load(&spec);
        println!("{}: {} samples, reference equal", case.name, case.samples.len());
        let mut layers = case.network.network().layers.iter();
        // The reference does not depend on the strategy, whose circuit comes later.
        let later = rtl4ml_ir::Strategy::DistributedArithmetic;
        if !layers.any(|layer| layer.implementation.strategy == later) {
            built.push(on_rust_hdl(case.with_at_most(300)));
        }
    }
    built
}

fn is_jet_tagger(spec: &Path) -> bool {
    spec.to_string_lossy().contains("/jet_")
}

#[test]
fn cases_of_other_emulators() {
    let (jets, others): (Vec<_>, Vec<_>) =
        other_emulators().into_iter().partition(|spec| is_jet_tagger(spec));
    on_reference_and_rust_hdl(jets);
    let built = on_reference_and_rust_hdl(others);
    if !built.is_empty() {
        on_external_simulators("cases of other emulators", &built);
    }
}

#[test]
#[ignore = "heavy: compiling the jet taggers takes minutes; ./test.sh --heavy runs it"]
fn jet_taggers_of_other_emulators_on_external_simulators() {
    let jets = other_emulators().into_iter().filter(|spec| is_jet_tagger(spec)).collect();
    let built = on_reference_and_rust_hdl(jets);
    if !built.is_empty() {
        on_external_simulators("jet taggers of other emulators", &built);
    }
}
