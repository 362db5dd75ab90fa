//! Imported, then built: models of each kind that other programs wrote, from the file to Verilog.
//!
//! What the reference makes of each spec equals what the model's own program computed, and every
//! engine equals the reference.

use std::path::Path;

use rtl4ml_conformance::{
    BuiltCase, Case, on_external_simulators, on_rust_hdl, on_simulators, root,
};
use rtl4ml_import::{Options, WEIGHTS_FILE, import};
use rtl4ml_ir::fixed::from_f64_exact;
use rtl4ml_sim::external::Simulator;
use rtl4ml_spec::load_array;

/// How many samples the circuits compute.
const SAMPLES: usize = 12;

/// The model of a folder, imported, with its samples.
fn imported(folder: &str, file: &str) -> Case {
    // Files are called alike, and a testbench tells its cases by their names.
    let options = Options { name: Some(folder.to_owned()), ..Options::default() };
    let folder = root().join("crates/import/tests/models").join(folder);
    let imported = import(&folder.join(file), &options).unwrap();
    let weights = tempfile::tempdir().unwrap();
    std::fs::write(weights.path().join(WEIGHTS_FILE), &imported.weights).unwrap();
    let loaded = rtl4ml_spec::parse(&imported.spec, "network.yaml", weights.path());
    let network = loaded.map_err(|error| error.to_string()).unwrap().network;
    let array = |path: &Path| load_array(&path.display().to_string()).unwrap();
    let (x, y) = (array(&folder.join("x.npy")), array(&folder.join("y.npy")));
    let per_sample = x.numbers.len() / x.extents[0];
    let types = network.network().inputs[0].types.clone();
    let sample = |numbers: &[f64]| {
        let placed = imported.inputs[0].to_spec(numbers);
        let cast = |(index, x): (usize, &f64)| types.get(index).cast(from_f64_exact(*x).unwrap());
        vec![placed.iter().enumerate().map(cast).collect()]
    };
    let samples = x.numbers.chunks(per_sample).take(SAMPLES).map(sample).collect();
    let case = Case::new(imported.name.clone(), network, samples);
    let output = case.network.network().outputs[0];
    let tensor = case.network.tensor_type(output);
    let per_output = y.numbers.len() / y.extents[0];
    for (found, expected) in case.expected.iter().zip(y.numbers.chunks(per_output)) {
        let found = found[0].iter().enumerate();
        let found: Vec<f64> = found.map(|(i, m)| tensor.format(i).to_f64(*m)).collect();
        assert_eq!(imported.outputs[0].to_model(&found), expected, "{}", case.name);
    }
    case
}

/// One model of each kind.
const KINDS: [(&str, &str); 5] = [
    ("q_dense_basic", "model.onnx"),
    ("q_conv2d_nchw", "model.onnx"),
    ("keras_h5_whole", "model.h5"),
    ("hls4ml_mlp", "project.yml"),
    ("hgq1_functional_proxy", "model.h5"),
];

const OTHERS: [(&str, &str); 6] = [
    ("hls4ml_conv", "project.yml"),
    ("hgq_dense", "model.keras"),
    ("hgq_conv2d", "model.keras"),
    ("hgq_functional", "model.keras"),
    ("hgq_functions", "model.keras"),
    ("hgq1_dense_proxy", "model.h5"),
];

fn built(models: &[(&str, &str)]) -> Vec<BuiltCase> {
    models.iter().map(|(folder, file)| on_rust_hdl(imported(folder, file))).collect()
}

#[test]
fn imported_models_are_equal_on_every_engine() {
    on_external_simulators("imported", &built(&KINDS));
}

#[test]
fn other_imported_models_are_equal() {
    on_simulators("imported too", &built(&OTHERS), &[Simulator::Icarus]);
}

#[test]
#[ignore = "heavy: compiling all models takes a minute; ./test.sh --heavy runs it"]
fn other_imported_models_on_verilator() {
    on_simulators("imported too", &built(&OTHERS), &[Simulator::Verilator]);
}
