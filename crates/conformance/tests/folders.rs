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
    let built = ["dense", "relu", "quantize", "flatten", "reshape"];
    let text = std::fs::read_to_string(spec).unwrap();
    let types = text.split("type: ").skip(1).map(|rest| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
    });
    let mut types = types.collect::<Vec<_>>().into_iter();
    types.all(|ty| built.contains(&ty)) && !text.contains("io: stream")
}

/// The outputs of hls4ml's and da4ml's emulators: all samples on the reference; those whose
/// circuit is built on the engines too.
#[test]
fn cases_of_other_emulators() {
    let folder = root().join("../shared/cases");
    if !folder.is_dir() {
        println!("skipped: there is no folder {}", "../shared/cases beside the repository");
        return;
    }
    let specs: Vec<PathBuf> = specs(&folder).into_iter().filter(|spec| is_built(spec)).collect();
    println!("{} cases of other emulators", specs.len());
    let mut built = Vec::new();
    for spec in specs {
        let case = Case::load(&spec);
        println!("{}: {} samples, reference equal", case.name, case.samples.len());
        let strategies = case.network.network().layers.iter().map(|l| l.implementation.strategy);
        let parallel = |s| s == rtl4ml_ir::Strategy::DistributedArithmetic;
        if strategies.into_iter().any(parallel) {
            // The reference does not depend on the strategy, whose circuit comes later.
            continue;
        }
        built.push(on_rust_hdl(case.with_at_most(400)));
    }
    on_external_simulators("cases of other emulators", &built);
}
