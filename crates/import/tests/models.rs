//! Models with samples and the outputs that other programs computed: those of `tests/models`, and all of
//! `../shared/models` where that folder is beside the repository.
//!
//! Each has an `info.md` that says which of its files must be equal in every bit. The others must be
//! as near as [`QUICK`] and [`FINE`] say.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::{Path, PathBuf};

use common::{compare, imported, model_file};
use rtl4ml_import::Options;

/// How finely the functions of models are computed that are not equal in every bit, and how far
/// outputs may then be from those that are expected.
struct Wide {
    /// The most entries of a table.
    table_size: usize,
    /// Which model, which file, and how much; what is not here is within 1e-5.
    tolerances: &'static [(&'static str, &'static str, f64)],
    /// What softmax may be off by.
    softmax: f64,
}

/// Tables limit what has functions in it: an entry stands for all numbers of its interval.
const QUICK: Wide = Wide {
    table_size: 1 << 16,
    tolerances: &[
        ("onnx_functions", "y.npy", 0.1),
        // An entry for 1/128, and 1/257 where the function is called flat.
        ("onnx_runtime_softsign", "y.npy", 4e-3),
        ("keras_conv1d", "y.npy", 1e-4),
        ("keras_depthwise", "y.npy", 1.5e-4),
        ("keras_json_weights", "y.npy", 3e-4),
        ("conv2d_small_mp_keras", "logits.npy", 4e-4),
        ("three_layer", "logits.npy", 1e-4),
        ("KERAS_3layer", "logits.npy", 1e-4),
    ],
    softmax: 1e-4,
};

/// The largest tables that there are.
const FINE: Wide = Wide {
    table_size: 1 << 20,
    tolerances: &[
        // The exponential function is up to 400 here.
        ("onnx_functions", "y.npy", 1e-3),
        ("keras_json_weights", "y.npy", 2e-5),
        ("conv2d_small_mp_keras", "logits.npy", 1e-4),
        ("three_layer", "logits.npy", 1e-4),
        ("KERAS_3layer", "logits.npy", 1e-4),
    ],
    softmax: 1e-5,
};

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("info.md").exists());
    folders.sort();
    folders
}

/// Which files of a folder must be equal in every bit, and which may differ.
fn files(folder: &Path) -> Vec<(&'static str, bool)> {
    let info = std::fs::read_to_string(folder.join("info.md")).unwrap();
    let matched = info.lines().find(|line| line.starts_with("- match:")).unwrap();
    let y_is_exact = matched.starts_with("- match: exact");
    let logits_are_exact = y_is_exact || matched.starts_with("- match: logits.npy");
    let mut files = vec![("y.npy", y_is_exact)];
    if folder.join("logits.npy").exists() {
        files.push(("logits.npy", logits_are_exact));
    }
    files
}

/// Imports a model and compares all of its files; what is wrong.
fn check(folder: &Path, wide: &Wide) -> Vec<String> {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let mut wrong = Vec::new();
    for (file, is_exact) in files(folder) {
        let fine = Options { fraction_bits: 24, table_size: wide.table_size, ..Options::default() };
        let options = if is_exact { Options::default() } else { fine };
        let compared = imported(&model_file(folder), &options)
            .and_then(|model| compare(folder, &model, file).map(|compared| (model, compared)));
        let (model, compared) = match compared {
            Ok(both) => both,
            Err(error) => {
                wrong.push(format!("{name}/{file}: {error}"));
                continue;
            }
        };
        assert!(compared.count > 0, "{name}");
        let has_softmax = model.0.layers.iter().any(|(kind, _)| *kind == "softmax");
        let listed =
            wide.tolerances.iter().find(|(of, what, _)| name.starts_with(of) && *what == file);
        let tolerance = match listed {
            _ if is_exact => 0.0,
            Some((_, _, tolerance)) => *tolerance,
            None if has_softmax && file == "y.npy" => wide.softmax,
            None => 1e-5,
        };
        println!(
            "{name}/{file}: {} of {} differ, by at most {:e}; other winners: {}",
            compared.differ, compared.count, compared.most, compared.winners
        );
        if compared.most > tolerance || (is_exact && compared.differ > 0) {
            wrong.push(format!("{name}/{file}: {compared:?}\n{}", model.0.spec));
        }
    }
    wrong
}

fn check_all(parent: &Path, at_least: usize, wide: &Wide) {
    let folders = folders(parent);
    assert!(folders.len() >= at_least, "only {} models", folders.len());
    let wrong: Vec<String> = folders.iter().flat_map(|folder| check(folder, wide)).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} are wrong:\n{}",
        wrong.len(),
        folders.len(),
        wrong.join("\n")
    );
    println!("{} models agree", folders.len());
}

#[test]
fn models_of_our_own_making_agree() {
    check_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models"), 40, &QUICK);
}

#[test]
fn models_beside_the_repository_agree() {
    those_beside_the_repository(&QUICK);
}

#[test]
#[ignore = "heavy: tables of a million entries take minutes; ./test.sh --heavy runs it"]
fn models_beside_the_repository_agree_with_the_largest_tables() {
    those_beside_the_repository(&FINE);
}

fn those_beside_the_repository(wide: &Wide) {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/models");
    if parent.exists() {
        check_all(&parent, 100, wide);
    } else {
        println!("there is no folder ../shared/models beside the repository: nothing to run");
    }
}

/// The same file gives the same bytes.
#[test]
fn imports_are_deterministic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/q_conv2d_nchw");
    let once = || imported(&model_file(&folder), &Options::default()).unwrap().0;
    let (a, b) = (once(), once());
    assert_eq!((a.spec, a.weights), (b.spec, b.weights));
}

/// The model has numbers whose decimal text rounds to another step than they do.
#[test]
fn decimal_text_of_weights_shows_in_the_outputs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/hls4ml_conv");
    let differ = |decimal_weights| {
        let options = Options { decimal_weights, ..Options::default() };
        let model = imported(&model_file(&folder), &options).unwrap();
        compare(&folder, &model, "y.npy").unwrap().differ
    };
    assert_eq!(differ(true), 0);
    assert!(differ(false) > 0);
}
