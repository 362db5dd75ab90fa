//! The cycle engine on every case in a folder, with gaps and resets. (Random networks run on it
//! wherever they run on Rust-HDL's kernel.)

use std::path::PathBuf;

use rtl4ml_circuit::protocol::Stimulus;
use rtl4ml_conformance::{Case, root};
use rtl4ml_sim::{Cycle, CycleProgram, judge};

#[test]
fn testbenches_on_the_cycle_engine() {
    let folders = std::fs::read_dir(root().join("testbenches")).unwrap();
    let specs = folders.map(|folder| folder.unwrap().path().join("network.yaml"));
    let mut specs: Vec<PathBuf> = specs.filter(|spec| spec.exists()).collect();
    specs.sort();
    let mut failed = Vec::new();
    for spec in &specs {
        let case = Case::load(spec).with_at_most(40);
        let circuit = rtl4ml_circuit::build(&case.network).unwrap();
        let program = CycleProgram::new(&circuit).unwrap();
        let stimulus = Stimulus::varied(case.samples, circuit.interface.latency_cycles);
        if let Err(mismatch) = judge(&mut Cycle::new(&program), &stimulus, &case.expected, |_| {}) {
            failed.push(format!("{}: {mismatch}", case.name));
        }
    }
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), specs.len());
}
