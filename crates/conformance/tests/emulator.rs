//! The emulator on every case in a folder: ours, the examples', and those of other people's
//! emulators. [`Case::load`] compares every element of every layer with the reference, and every
//! output with the file; random networks do the same wherever they are run.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;

use rtl4ml_conformance::{Case, root};
use rtl4ml_sim::emulator::Emulator;

fn specs(folder: &str) -> Vec<PathBuf> {
    let Ok(folders) = std::fs::read_dir(root().join(folder)) else { return Vec::new() };
    let spec = folders.map(|folder| folder.unwrap().path().join("network.yaml"));
    let mut specs: Vec<PathBuf> = spec.filter(|spec| spec.exists()).collect();
    specs.sort();
    specs
}

/// Only layers with steps beyond 64 bits are left to the reference.
#[test]
fn every_case_is_equal_on_the_emulator() {
    let mut left = Vec::new();
    let specs = [specs("testbenches"), specs("../shared/cases")].concat();
    assert!(specs.len() >= 140, "only {} cases were found", specs.len());
    for spec in &specs {
        if rtl4ml_spec::load(spec).is_err() {
            // Of a later version; the suite of the reference says so.
            continue;
        }
        let case = Case::load(spec);
        let emulator = Emulator::new(&case.network);
        left.extend(emulator.on_reference().into_iter().map(|l| format!("{}: {l}", case.name)));
    }
    assert!(left.len() <= 4, "layers on the reference: {left:#?}");
    println!("{} cases; on the reference: {left:?}", specs.len());
}
