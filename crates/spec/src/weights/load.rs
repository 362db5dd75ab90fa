//! Arrays that are no weights: samples and expected outputs, for whoever drives a network.
//!
//! They are read by the same code as weights, with a limit of their own.

use std::fmt;
use std::path::Path;

use super::{Array, NpyError, WeightError, WeightFiles, listed};

/// How many elements an array may have that is read by [`load_array`].
pub const MAX_ARRAY: usize = 1 << 26;

/// Why an array could not be read. The message does not name the file: the caller has named it.
#[derive(Debug)]
pub struct ArrayError(pub(super) WeightError);

/// Reads an array of finite numbers: `FILE.npy`, or `FILE.npz:KEY`.
///
/// # Errors
/// When there is no such array, or it is not one of finite numbers.
pub fn load_array(reference: &str) -> Result<Array, ArrayError> {
    let mut files = WeightFiles { budget: MAX_ARRAY, ..WeightFiles::new(Path::new("")) };
    files.file(reference).map_err(ArrayError)
}

impl ArrayError {
    /// How to repair it, where that is known.
    pub fn help(&self) -> Option<String> {
        self.0.help()
    }
}

impl fmt::Display for ArrayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            WeightError::Reference { .. } => {
                f.write_str("this is neither FILE.npy nor FILE.npz:KEY")
            }
            WeightError::NoKey { names, .. } => {
                write!(f, "this names no array of the archive; it holds {}", listed(names))
            }
            WeightError::NotFound { .. } => f.write_str("the file does not exist"),
            WeightError::NotRegular { .. } => f.write_str("this is not a regular file"),
            WeightError::Io { source, .. } => write!(f, "the file cannot be read: {source}"),
            WeightError::NoArray { key, names, .. } => {
                write!(f, "the archive has no array {key}; it holds {}", listed(names))
            }
            WeightError::Npz { source, .. } => source.fmt(f),
            WeightError::Npy { source: NpyError::TooLarge { shape, .. }, .. } => {
                write!(f, "the shape {shape} has more than {MAX_ARRAY} elements")
            }
            WeightError::Npy { source, .. } => source.fmt(f),
            WeightError::NotFinite { number, index, .. } => {
                write!(f, "the number at index {index:?} is {number}; all numbers must be finite")
            }
        }
    }
}

impl std::error::Error for ArrayError {}
