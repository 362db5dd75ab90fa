//! Any bytes as a file that ends in .onnx: an error or a spec, and nothing else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rtl4ml_import::{Options, import};

fuzz_target!(|bytes: &[u8]| {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("model.onnx");
    if std::fs::write(&path, bytes).is_ok() {
        let _ = import(&path, &Options::default());
    }
});
