//! hls4ml projects: a Keras model with the configuration by which hls4ml makes a circuit of it.
//!
//! `yaml` reads the text, `config` knows which of its places counts, `infer` derives the types that
//! it leaves open, `numbers` rounds what was trained, `lower` walks over the model, and `layers`,
//! `matrix`, `normalization`, `functions` and `moves` make the layers of the spec.
//!
//! Guarantees: the outputs are those of hls4ml's circuit, bit for bit, but where a note says what
//! is not; what hls4ml does not take, or takes in a way that is not known, is refused by its name.

mod config;
mod functions;
mod infer;
mod layers;
mod lower;
mod matrix;
mod moves;
mod normalization;
mod numbers;
mod yaml;

use std::path::Path;

use crate::builder::Options;
use crate::error::ImportError;
use crate::imported::Imported;
use crate::keras;
use config::Project;

/// How many bytes a configuration may have.
const MAX_BYTES: u64 = 1 << 22;

/// Imports a project. The files that it names are in its folder, or have paths from there.
///
/// # Errors
/// When the configuration or the model is not what it should be, or has layers that are not
/// imported.
pub fn import(path: &Path, options: &Options) -> Result<Imported, ImportError> {
    let malformed = |message: String| ImportError::Malformed { path: path.to_owned(), message };
    let bytes = crate::file::read(path, MAX_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|_| malformed("it is no text".to_owned()))?;
    let root = yaml::read(&text).map_err(malformed)?;
    let project = Project::read(&root).map_err(malformed)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let weights = options.weights.clone();
    let weights = weights.or_else(|| project.weights.as_ref().map(|file| folder.join(file)));
    let model = folder.join(&project.model);
    let (architecture, weights) = keras::read(&model, weights.as_deref())?;
    lower::lower(project, &architecture, &weights, path, options)
}
