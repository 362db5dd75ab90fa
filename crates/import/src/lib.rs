//! Trained networks of other tools as specs: the text of a `network.yaml` and its `weights.npz`.
//!
//! What this crate guarantees:
//! - the spec computes what the model computes, bit for bit where a fixed-point type holds what the
//!   model says, and else with the error of each rounding in its notes;
//! - every operation that has no layer is told of in one message, by its name;
//! - whatever a file holds, the answer is an error: no panic, no hang, memory bounded by its size;
//! - the same file gives the same bytes.
//!
//! The way of a model: a reader ([`onnx`](import)) finds its operations, the `builder` makes
//! layers of them, `tidy` makes the layers those that a person would have written, and `write`
//! gives the text. `docs/import.md` says what becomes of each operator.

#![allow(
    clippy::float_cmp,
    reason = "scales are the same or they are not: whether something is exact is a question of every bit"
)]

mod builder;
mod draft;
mod element_types;
mod error;
mod file;
mod hls4ml;
mod imported;
mod keras;
mod onnx;
mod tables;
mod tensor;
mod tidy;
mod types;
mod view;
mod write;

use std::path::Path;

pub use builder::Options;
pub use error::{ImportError, Refused};
pub use imported::{Imported, Port};
pub use write::WEIGHTS_FILE;

fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase())
}

/// Whether a file's name is that of an hls4ml project, which has formats of its own.
pub fn is_project(path: &Path) -> bool {
    matches!(extension(path).as_deref(), Some("yml" | "yaml"))
}

/// Imports a model, whose kind is that of its file's name.
///
/// # Errors
/// When the file is no model, or has operations that are not imported.
pub fn import(path: &Path, options: &Options) -> Result<Imported, ImportError> {
    if is_project(path) {
        return hls4ml::import(path, options);
    }
    match extension(path).as_deref() {
        Some("onnx") => onnx::import(path, options),
        Some("keras" | "h5" | "hdf5" | "json") => {
            keras::import(path, options.weights.as_deref(), options)
        }
        other => Err(ImportError::Malformed {
            path: path.to_owned(),
            message: format!(
                "files that end in `{}` are not imported; legal: .onnx, .keras, .h5, .json, and .yml of an hls4ml project",
                other.unwrap_or("")
            ),
        }),
    }
}
