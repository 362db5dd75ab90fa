//! The YAML spec of rtl4ml: from `network.yaml` and its weights to a verified network.
//!
//! What this crate guarantees:
//! - a [`Loaded`] network is verified, has every default resolved and its weights rounded into
//!   their types, and depends on nothing but the spec and the weight files;
//! - every mistake of a file is told in one run, with file, line and column, what was found, what
//!   is legal and, where there is one, the nearest legal value; nothing that only follows from
//!   another mistake is told;
//! - whatever the files hold (bytes that are no text, nesting without end, bombs, headers that
//!   lie, numbers that are none), the answer is an error: no panic, no hang, and memory that is
//!   bounded by the limits below.
//!
//! `SPEC.md` beside this crate is the reference of the spec's keys.
//!
//! Architecture invariant: only this crate knows YAML and the formats of weight files.

mod budget;
mod defaults;
mod diagnostics;
mod element_types;
mod fold;
mod graph;
mod layer;
mod layers;
mod network;
mod places;
mod precision;
mod reader;
mod scalar;
mod source;
mod target;
mod weights;
mod yaml;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use diagnostics::{Diagnostic, MAX_LISTED, MAX_MESSAGE, SpecError};
pub use weights::{Array, ArrayError, ArrayPieces, MAX_ARRAY, MAX_WEIGHTS, load_array};

use diagnostics::Mistakes;
use rtl4ml_ir::VerifiedNetwork;
use source::{Source, Span};
use weights::WeightFiles;

/// How many bytes a spec may have.
pub const MAX_SPEC_BYTES: u64 = 64 << 20;

/// A spec that was read, with its weights.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The network; how its weights were rounded is in the report of each constant.
    pub network: VerifiedNetwork,
    /// The spec's file, as it was named by the caller.
    pub path: PathBuf,
    /// The spec's text.
    pub text: String,
    /// The files that weights were read from, in the order of their names.
    pub weight_files: Vec<PathBuf>,
}

/// The words that may follow `type:` of a layer, in the order of `SPEC.md`.
pub fn layer_types() -> impl Iterator<Item = &'static str> {
    layers::LAYER_TYPES.iter().map(|known| known.name)
}

/// Reads the spec in a file; its weights are found relative to the file's folder.
///
/// # Errors
/// Every mistake of the spec and of its weight files, or that the file cannot be read.
pub fn load(path: &Path) -> Result<Loaded, SpecError> {
    let name = path.display().to_string();
    let text = read_text(path).map_err(|unreadable| {
        let mut mistakes = Mistakes::default();
        mistakes.add_with_help(unreadable.span, unreadable.message, unreadable.help);
        mistakes.into_error(Source::new(&name, &unreadable.text))
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let loaded = parse(&text, &name, folder)?;
    Ok(Loaded { path: path.to_owned(), ..loaded })
}

/// Reads a spec from memory; messages call it `file_name`, and its weights are found relative to
/// `weights_dir`.
///
/// # Errors
/// Every mistake of the spec and of its weight files.
pub fn parse(text: &str, file_name: &str, weights_dir: &Path) -> Result<Loaded, SpecError> {
    let mut mistakes = Mistakes::default();
    if text.len() as u64 > MAX_SPEC_BYTES {
        mistakes.add(Span::START, too_large(text.len() as u64));
        return Err(mistakes.into_error(Source::new(file_name, "")));
    }
    let mut weights = WeightFiles::new(weights_dir);
    // A byte order mark is no content, and would shift every column of the first line.
    let content = text.strip_prefix('\u{feff}').unwrap_or(text);
    let network = yaml::parse(content, &mut mistakes)
        .ok()
        .and_then(|root| network::read_network(&root, &mut weights, &mut mistakes));
    match network {
        Some(network) if mistakes.is_empty() => Ok(Loaded {
            network,
            path: PathBuf::from(file_name),
            text: text.to_owned(),
            weight_files: weights.into_paths(),
        }),
        _ => Err(mistakes.into_error(Source::new(file_name, content))),
    }
}

/// Why a spec's file could not be read, and where in it.
struct Unreadable {
    /// What of the text there is to show.
    text: String,
    span: Span,
    message: String,
    help: Option<String>,
}

impl Unreadable {
    fn whole(message: impl Into<String>) -> Self {
        Self { text: String::new(), span: Span::START, message: message.into(), help: None }
    }
}

fn too_large(bytes: u64) -> String {
    format!("the spec has {bytes} bytes; at most {MAX_SPEC_BYTES} are read")
}

fn read_text(path: &Path) -> Result<String, Unreadable> {
    let io_error =
        |error: std::io::Error| Unreadable::whole(format!("the spec cannot be read: {error}"));
    let metadata = std::fs::metadata(path).map_err(io_error)?;
    if metadata.is_dir() {
        return Err(Unreadable {
            help: Some("give the file in it, e.g. `network.yaml`".to_owned()),
            ..Unreadable::whole("this is a folder, not a spec")
        });
    }
    if !metadata.is_file() {
        // A pipe or a device might never end.
        return Err(Unreadable::whole("this is not a regular file"));
    }
    if metadata.len() > MAX_SPEC_BYTES {
        return Err(Unreadable::whole(too_large(metadata.len())));
    }
    let mut bytes = Vec::new();
    // The file may have grown since.
    File::open(path)
        .and_then(|file| file.take(MAX_SPEC_BYTES + 1).read_to_end(&mut bytes))
        .map_err(io_error)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let byte = error.as_bytes()[valid];
        let at = valid as u32;
        Unreadable {
            text: String::from_utf8_lossy(error.as_bytes()).into_owned(),
            span: Span { start: at, end: at },
            message: format!(
                "the spec is not UTF-8: the byte 0x{byte:02x} here belongs to no character"
            ),
            help: Some("save the file as UTF-8".to_owned()),
        }
    })
}
