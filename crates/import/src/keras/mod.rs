//! Keras models: `.keras` archives of version 3, whole models in `.h5`, and an architecture as
//! `.json` with its weights beside it; with the layers and quantisers of QKeras, HGQ and HGQ2.
//!
//! `config` reads the architecture into calls of layers, `weights` the numbers, `trained` says whose
//! they are, `settings` what parameters mean, and `layers` lowers each call.

mod activations;
mod archive;
pub mod config;
mod einsum;
mod hgq;
mod hgq1;
mod hgq1_quantizers;
mod layers;
mod linear;
mod powers;
mod quantized;
mod quantizers;
mod scales;
mod settings;
mod softmax;
mod trained;
pub mod weights;

use std::path::{Path, PathBuf};

use crate::builder::Options;
use crate::error::ImportError;
use crate::imported::Imported;
pub use config::Architecture;
pub use quantizers::Function;
pub use trained::{groups, trained};
pub use weights::Weights;

/// How many bytes an archive or a file of weights may have.
const MAX_BYTES: u64 = 1 << 28;

/// How many bytes an architecture may have.
const MAX_CONFIG_BYTES: u64 = 1 << 24;

/// Imports a model; see [`read`] for `weights`.
///
/// # Errors
/// When the files are no model, or have layers that are not imported.
pub fn import(
    path: &Path,
    weights: Option<&Path>,
    options: &Options,
) -> Result<Imported, ImportError> {
    let (architecture, weights) = read(path, weights)?;
    layers::lower(&architecture, &weights, path, options)
}

/// Reads a model. With an architecture as `.json`, `weights` is the file of its weights; else it
/// is found beside it.
///
/// # Errors
/// When the files are no model.
pub fn read(path: &Path, weights: Option<&Path>) -> Result<(Architecture, Weights), ImportError> {
    let malformed = |message: String| ImportError::Malformed { path: path.to_owned(), message };
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let mut version = None;
    let (config, weights) = match extension.as_deref() {
        Some("keras") => {
            let bytes = crate::file::read(path, MAX_BYTES)?;
            let part = |name: &str, most| archive::entry(&bytes, name, most).map_err(malformed);
            let config = part("config.json", MAX_CONFIG_BYTES)?;
            // It says which Keras wrote the file; what has none is read all the same.
            version = part("metadata.json", MAX_CONFIG_BYTES).ok().and_then(|metadata| {
                let metadata: serde_json::Value = serde_json::from_slice(&metadata).ok()?;
                metadata.get("keras_version").cloned()
            });
            (config, Weights::read(part("model.weights.h5", MAX_BYTES)?).map_err(malformed)?)
        }
        Some("json") => {
            let config = crate::file::read(path, MAX_CONFIG_BYTES)?;
            let file = match weights {
                Some(file) => file.to_owned(),
                None => weights_beside(path).ok_or_else(|| {
                    malformed(
                        "its weights are missing: give the .h5 file by `--weights`".to_owned(),
                    )
                })?,
            };
            let bytes = crate::file::read(&file, MAX_BYTES)?;
            let read = Weights::read(bytes);
            (config, read.map_err(|message| ImportError::Malformed { path: file, message })?)
        }
        _ => {
            let weights = Weights::read(crate::file::read(path, MAX_BYTES)?).map_err(malformed)?;
            let config = weights.model_config().ok_or_else(|| {
                malformed(
                    "it holds weights alone: import the architecture, a .json file, instead"
                        .to_owned(),
                )
            })?;
            version = weights.keras_version().map(serde_json::Value::from);
            (config.into_bytes(), weights)
        }
    };
    let mut config: serde_json::Value = serde_json::from_slice(&strict_json(config))
        .map_err(|error| malformed(format!("its architecture is no JSON: {error}")))?;
    if let (Some(config), Some(version)) = (config.as_object_mut(), version) {
        config.insert("keras_version".to_owned(), version);
    }
    Ok((Architecture::read(&config).map_err(malformed)?, weights))
}

/// Python's JSON as everybody else's: numbers that are not finite, which no layer needs, as 0.
fn strict_json(mut text: Vec<u8>) -> Vec<u8> {
    let mut is_string = false;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => is_string = !is_string,
            b'\\' if is_string => at += 1,
            _ if is_string => {}
            _ => {
                let names: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
                if let Some(name) = names.into_iter().find(|name| text[at..].starts_with(name)) {
                    text[at..at + name.len()].fill(b' ');
                    // The shortest of the names leaves room for a zero, not for `null`.
                    text[at] = b'0';
                }
            }
        }
        at += 1;
    }
    text
}

/// The file of the weights that belong to an architecture: the one of its folder whose name is
/// the architecture's with an ending of weights.
fn weights_beside(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    let ends = [".weights.h5", "_weights.h5", ".h5"];
    ends.iter().map(|end| path.with_file_name(format!("{stem}{end}"))).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_finite_are_zeros() {
        let text = br#"{"a": -Infinity, "NaN": ["Infinity \"", NaN, 1]}"#;
        let value: serde_json::Value = serde_json::from_slice(&strict_json(text.to_vec())).unwrap();
        assert_eq!(value, serde_json::json!({"a": 0, "NaN": ["Infinity \"", 0, 1]}));
    }
}
