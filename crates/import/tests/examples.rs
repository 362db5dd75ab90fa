//! The digits network as other tools have it, imported: the same outputs as from its own spec.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::{Path, PathBuf};

use common::{Compared, compare, imported};
use rtl4ml_import::Options;

fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits")
}

fn compared(file: &str) -> Compared {
    let model = imported(&digits().join("exported").join(file), &Options::default()).unwrap();
    compare(&digits(), &model, "y.npy").unwrap()
}

#[test]
fn models_with_formats_give_the_outputs_of_the_spec() {
    for file in ["digits.onnx", "hls4ml.yml"] {
        let found = compared(file);
        assert_eq!((found.count, found.differ), (4500, 0), "{file}: {found:?}");
    }
}

/// The Keras model knows no formats: its activations are not rounded.
#[test]
fn the_model_without_formats_finds_the_same_digits() {
    let found = compared("digits.keras");
    assert_eq!(found.count, 4500);
    assert!(found.differ > 0 && found.winners <= 9, "{found:?}");
}
