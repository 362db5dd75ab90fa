//! A model in a folder: imported, loaded, and run on its samples by the reference.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::float_cmp, reason = "equal means equal in every bit")]

use std::path::{Path, PathBuf};

use rtl4ml_import::{Imported, Options, WEIGHTS_FILE, import};
use rtl4ml_ir::fixed::from_f64_exact;
use rtl4ml_ir::{InputId, Source, VerifiedNetwork};
use rtl4ml_sim::reference::evaluate;
use rtl4ml_spec::load_array;

/// How the outputs of an imported model compare with those that are expected.
#[derive(Debug)]
pub struct Compared {
    /// How many numbers were compared.
    pub count: usize,
    /// How many of them differ.
    pub differ: usize,
    /// The largest difference.
    pub most: f64,
    /// How many samples have their maximum elsewhere.
    pub winners: usize,
}

/// The functions whose inputs are what `logits.npy` holds.
const FUNCTIONS: [&str; 7] = ["softmax", "sigmoid", "tanh", "softplus", "softsign", "elu", "selu"];

/// An imported model as the spec's reader sees it.
pub fn load(imported: &Imported) -> Result<VerifiedNetwork, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(WEIGHTS_FILE), &imported.weights).unwrap();
    let loaded = rtl4ml_spec::parse(&imported.spec, "network.yaml", folder.path());
    loaded.map(|loaded| loaded.network).map_err(|error| format!("{error}\n{}", imported.spec))
}

/// Imports the model of a folder.
pub fn imported(file: &Path, options: &Options) -> Result<(Imported, VerifiedNetwork), String> {
    let imported = import(file, options).map_err(|error| error.to_string())?;
    let network = load(&imported)?;
    Ok((imported, network))
}

/// The model's file in a folder, by the names that models have there.
pub fn model_file(folder: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let ends = |end: &str| files.iter().find(|file| file.to_string_lossy().ends_with(end)).cloned();
    let small = files.iter().find(|f| {
        f.to_string_lossy().ends_with("x12.onnx") || f.to_string_lossy().ends_with("x8.onnx")
    });
    let any = || [".yml", ".onnx", ".keras", ".json", ".h5"].into_iter().find_map(ends);
    small.cloned().or_else(any).unwrap_or_else(|| panic!("{}: no model", folder.display()))
}

fn array(file: &Path) -> rtl4ml_spec::Array {
    load_array(&file.display().to_string()).unwrap()
}

/// Runs a model on the samples of its folder and compares with `expected`, a file there.
pub fn compare(
    folder: &Path,
    (imported, network): &(Imported, VerifiedNetwork),
    expected: &str,
) -> Result<Compared, String> {
    let x = array(&folder.join("x.npy"));
    let y = array(&folder.join(expected));
    let samples = x.extents[0];
    let per_sample = x.numbers.len() / samples;
    let of_logits = expected.starts_with("logits");
    let mut compared = Compared { count: 0, differ: 0, most: 0.0, winners: 0 };
    let ty = &network.network().inputs[0].types;
    for sample in 0..samples {
        let numbers = &x.numbers[sample * per_sample..][..per_sample];
        let placed = imported.inputs[0].to_spec(numbers);
        let cast =
            |(index, number): (usize, &f64)| ty.get(index).cast(from_f64_exact(*number).unwrap());
        let mantissas = placed.iter().enumerate().map(cast).collect();
        let evaluation = evaluate(network, &[mantissas]);
        let source = if of_logits { logits(network)? } else { network.network().outputs[0] };
        let tensor = network.tensor_type(source);
        let found = evaluation.tensor(source).iter().enumerate();
        let mut found: Vec<f64> = found.map(|(i, m)| tensor.format(i).to_f64(*m)).collect();
        if !of_logits {
            found = imported.outputs[0].to_model(&found);
        }
        let per_output = y.numbers.len() / samples;
        if found.len() != per_output {
            return Err(format!("{} outputs, expected {per_output}", found.len()));
        }
        let expected = &y.numbers[sample * per_output..][..per_output];
        for (found, expected) in found.iter().zip(expected) {
            compared.count += 1;
            compared.differ += usize::from(found != expected);
            compared.most = compared.most.max((found - expected).abs());
        }
        compared.winners += usize::from(winner(&found) != winner(expected));
    }
    Ok(compared)
}

fn winner(numbers: &[f64]) -> usize {
    (0..numbers.len()).rev().max_by(|a, b| numbers[*a].total_cmp(&numbers[*b])).unwrap()
}

/// What goes into the first function of a network.
fn logits(network: &VerifiedNetwork) -> Result<Source, String> {
    let layers = &network.network().layers;
    // The last softmax, where there is one.
    let softmax = layers.iter().rfind(|layer| layer.op.kind() == "softmax");
    let function = layers.iter().find(|layer| FUNCTIONS.contains(&layer.op.kind()));
    softmax.or(function).map(|layer| layer.inputs[0]).ok_or_else(|| "no function".to_owned())
}

/// The input of a network, for whoever needs its shape.
pub fn first_input() -> Source {
    Source::Input(InputId(0))
}
