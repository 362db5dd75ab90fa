//! Cases in folders: ours, and those of other people's emulators.

use std::path::{Path, PathBuf};

use rtl4ml_conformance::{
    BuiltCase, Case, on_external_simulators, on_rust_hdl, on_simulators, root,
};
use rtl4ml_ir::{Io, verify};
use rtl4ml_sim::external::Simulator;

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

/// The most cases that are compiled together for an external simulator.
const TOGETHER: usize = 24;

/// Runs specs on the reference and on Rust-HDL's kernel, with at most so many samples; tells all
/// that fail, not only the first.
fn on_reference_and_rust_hdl(title: &str, specs: &[PathBuf], samples: usize) -> Vec<BuiltCase> {
    let mut built = Vec::new();
    let mut failed = Vec::new();
    for spec in specs {
        let run = || on_rust_hdl(Case::load(spec).with_at_most(samples));
        match std::panic::catch_unwind(run) {
            Ok(case) => built.push(case),
            Err(_) => failed.push(spec.display().to_string()),
        }
    }
    assert!(failed.is_empty(), "{title}: {} of {} fail: {failed:#?}", failed.len(), specs.len());
    built
}

/// Runs cases on external simulators, some at a time.
fn in_groups(title: &str, cases: &[BuiltCase], simulators: &[Simulator]) {
    for (index, cases) in cases.chunks(TOGETHER).enumerate() {
        on_simulators(&format!("{title}, part {index}"), cases, simulators);
    }
}

const BOTH: [Simulator; 2] = [Simulator::Icarus, Simulator::Verilator];

fn testbenches(samples: usize) -> Vec<BuiltCase> {
    let specs = specs(&root().join("testbenches"));
    assert!(specs.len() >= 140, "only {} testbenches were found", specs.len());
    on_reference_and_rust_hdl("testbenches", &specs, samples)
}

/// Every testbench on the reference, on Rust-HDL's kernel and on Icarus; every sixteenth on Verilator
/// as well, for which compiling all of them takes minutes.
#[test]
fn testbenches_on_every_engine() {
    let (some, others) = every_sixteenth(testbenches(40));
    in_groups("testbenches", &some, &BOTH);
    in_groups("testbenches", &others, &[Simulator::Icarus]);
}

#[test]
#[ignore = "heavy: compiling all testbenches takes minutes; ./test.sh --heavy runs it"]
fn all_testbenches_on_verilator() {
    in_groups("testbenches", &testbenches(60), &[Simulator::Verilator]);
}

/// The specs of other people's emulators; none where the folder is not beside the repository.
fn other_emulators() -> Vec<PathBuf> {
    let folder = root().join("../shared/cases");
    if !folder.is_dir() {
        println!("there is no folder ../shared/cases beside the repository: nothing to run");
        return Vec::new();
    }
    specs(&folder)
}

fn is_jet_tagger(spec: &Path) -> bool {
    spec.to_string_lossy().contains("/jet_")
}

/// Every sixteenth case for Verilator too, and the others.
fn every_sixteenth(cases: Vec<BuiltCase>) -> (Vec<BuiltCase>, Vec<BuiltCase>) {
    let (some, others): (Vec<_>, Vec<_>) =
        cases.into_iter().enumerate().partition(|(index, _)| index % 16 == 0);
    let plain = |cases: Vec<(usize, BuiltCase)>| cases.into_iter().map(|(_, case)| case).collect();
    (plain(some), plain(others))
}

/// Every sample on the reference ([`Case::load`] compares them), some hundred on circuits, every
/// sixteenth circuit in Verilator.
#[test]
fn cases_of_other_emulators() {
    let (jets, others): (Vec<_>, Vec<_>) =
        other_emulators().into_iter().partition(|spec| is_jet_tagger(spec));
    on_reference_and_rust_hdl("jet taggers of other emulators", &jets, 100);
    let title = "cases of other emulators";
    let (some, others) = every_sixteenth(on_reference_and_rust_hdl(title, &others, 40));
    in_groups(title, &some, &BOTH);
    in_groups(title, &others, &[Simulator::Icarus]);
}

#[test]
#[ignore = "heavy: compiling all cases takes minutes; ./test.sh --heavy runs it"]
fn all_cases_of_other_emulators_on_verilator() {
    let specs: Vec<_> = other_emulators().into_iter().filter(|spec| !is_jet_tagger(spec)).collect();
    let title = "cases of other emulators";
    in_groups(title, &on_reference_and_rust_hdl(title, &specs, 60), &[Simulator::Verilator]);
}

/// A convolutional network in the other mode than its spec's.
#[test]
fn a_case_of_other_emulators_as_streams() {
    let specs = other_emulators();
    for spec in specs.iter().filter(|spec| spec.to_string_lossy().contains("/conv1d_small/")) {
        let case = Case::load(spec).with_at_most(30);
        let mut network = case.network.network().clone();
        network.io = Io::Stream;
        let network = verify(network).unwrap();
        let built =
            on_rust_hdl(Case { name: "conv1d_small as streams".to_owned(), network, ..case });
        on_external_simulators("conv1d_small as streams", &[built]);
    }
}

#[test]
#[ignore = "heavy: compiling the jet taggers takes minutes; ./test.sh --heavy runs it"]
fn jet_taggers_of_other_emulators_on_external_simulators() {
    let jets: Vec<_> = other_emulators().into_iter().filter(|spec| is_jet_tagger(spec)).collect();
    let title = "jet taggers of other emulators";
    in_groups(title, &on_reference_and_rust_hdl(title, &jets, 300), &BOTH);
}
