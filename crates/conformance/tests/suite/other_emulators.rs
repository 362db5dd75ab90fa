//! Networks whose outputs other people's emulators computed, on the reference alone: every
//! output of every sample, and what each inner layer computes where that is recorded.

use std::path::{Path, PathBuf};

use rtl4ml_conformance::{Case, root};
use rtl4ml_ir::Source;
use rtl4ml_sim::reference;
use rtl4ml_spec::load_array;

/// The specs beside the repository; none where the folder is not there.
fn specs() -> Vec<PathBuf> {
    let Ok(folders) = std::fs::read_dir(root().join("../shared/cases")) else {
        println!("there is no folder ../shared/cases beside the repository: nothing to run");
        return Vec::new();
    };
    let spec = folders.map(|folder| folder.unwrap().path().join("network.yaml"));
    let mut specs: Vec<PathBuf> = spec.filter(|spec| spec.exists()).collect();
    specs.sort();
    specs
}

/// Whether the spec has layers that this version does not build, and no other mistake.
fn is_of_later_version(spec: &Path) -> bool {
    let Err(error) = rtl4ml_spec::load(spec) else {
        return false;
    };
    let later = "this version does not build layers of the type";
    error.diagnostics().iter().all(|diagnostic| diagnostic.message.contains(later))
}

/// How many numbers of the recorded inner layers were compared, all of them equal.
fn compare_inner_layers(case: &Case, folder: &Path) -> usize {
    let trace = folder.join("trace.npz");
    if !trace.exists() {
        return 0;
    }
    let network = case.network.network();
    let mut compared = 0;
    for (id, layer) in network.layers_with_ids() {
        let source = Source::Layer(id);
        let tensor = case.network.tensor_type(source);
        let Ok(recorded) = load_array(&format!("{}:{}", trace.display(), layer.name)) else {
            // Not every layer is one of the emulator's.
            continue;
        };
        let count = tensor.element_count();
        for (sample, expected) in case.samples.iter().zip(recorded.numbers.chunks(count)) {
            let evaluation = reference::evaluate(&case.network, sample);
            let found = evaluation.tensor(source).iter().enumerate();
            let found: Vec<f64> = found.map(|(i, m)| tensor.format(i).to_f64(*m)).collect();
            assert_eq!(found, expected, "{}: layer `{}`", case.name, layer.name);
            compared += count;
        }
    }
    assert!(compared > 0, "{}: no layer of the trace has a name of the spec", case.name);
    compared
}

#[test]
fn every_case_is_equal_on_the_reference() {
    let specs = specs();
    let (later, specs): (Vec<_>, Vec<_>) = specs.iter().partition(|spec| is_of_later_version(spec));
    for spec in &later {
        println!("{}: has layers that this version does not build yet", spec.display());
    }
    let mut compared = [0; 2];
    for spec in &specs {
        // Loading compares every output of every sample.
        let case = Case::load(spec);
        let inner = compare_inner_layers(&case, spec.parent().unwrap());
        let outputs = case.expected.iter().flatten().map(Vec::len).sum::<usize>();
        println!("{}: {outputs} outputs and {inner} inner numbers are equal", case.name);
        compared = [compared[0] + outputs, compared[1] + inner];
    }
    let [outputs, inner] = compared;
    println!("{} cases: {outputs} outputs and {inner} inner numbers are equal", specs.len());
    let is_there = specs.len() + later.len() > 0;
    assert!(!is_there || specs.len() >= 40, "only {} cases are read", specs.len());
}
