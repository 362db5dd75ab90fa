//! Files that are generated and committed, so that a build needs no generator.
//!
//! `cargo run -p xtask -- proto` writes `crates/import/src/onnx/proto.rs` from
//! `crates/import/proto/onnx.proto`.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- proto";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let done = match task.as_deref() {
        Some("proto") => generate_proto(),
        _ => Err(USAGE.into()),
    };
    if let Err(error) = done {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Writes the Rust types of the ONNX messages.
fn generate_proto() -> Result<(), Box<dyn Error>> {
    let import = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/import");
    let descriptors = protox::compile(["onnx.proto"], [import.join("proto")])?;
    let folder = std::env::temp_dir().join(format!("rtl4ml-xtask-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    // Weights are read where they lie in the file's buffer.
    prost_build::Config::new().bytes(["."]).out_dir(&folder).compile_fds(descriptors)?;
    let text = std::fs::read_to_string(folder.join("onnx.rs"))?;
    std::fs::remove_dir_all(&folder)?;
    std::fs::write(import.join("src/onnx/proto.rs"), text)?;
    Ok(())
}
