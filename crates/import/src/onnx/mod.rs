//! ONNX and QONNX models.
//!
//! `graph` reads the file, `constant` computes what depends on no input, and `lower` turns the
//! other nodes into layers, in their order. The operators that are known stand in one table,
//! [`operators::OPERATORS`]; docs/import.md says what becomes of each.

mod activations;
mod arithmetic;
mod attributes;
mod constant;
mod graph;
mod images;
mod lower;
#[allow(clippy::all, clippy::pedantic, missing_docs, reason = "generated")]
#[rustfmt::skip]
mod proto;
mod operators;
mod quantizers;
mod resize;
mod shapes;
mod slices;
mod wire;

use std::path::Path;

use crate::builder::Options;
use crate::error::ImportError;
use crate::imported::Imported;

/// Imports a model.
///
/// # Errors
/// When the file is no model, or has operators that are not imported.
pub fn import(path: &Path, options: &Options) -> Result<Imported, ImportError> {
    let model = graph::read(path)?;
    lower::lower(&model, path, options)
}
