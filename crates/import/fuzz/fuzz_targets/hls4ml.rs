//! Any bytes as the configuration of an hls4ml project, beside a small model: an error or a spec,
//! and nothing else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rtl4ml_import::{Options, import};

const MODEL: &[u8] = include_bytes!("../../tests/models/hls4ml_mlp/model.keras");

fuzz_target!(|bytes: &[u8]| {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("project.yml");
    let is_written = std::fs::write(folder.path().join("model.keras"), MODEL).is_ok();
    if is_written && std::fs::write(&path, bytes).is_ok() {
        let _ = import(&path, &Options::default());
    }
});
