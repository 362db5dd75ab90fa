//! The files that stand for a network's inputs and expected outputs.
//!
//! Guarantees: each tensor has exactly one file, all of them with as many samples, at least one;
//! every number is finite and has a place.

use std::path::{Path, PathBuf};

use rtl4ml_spec::{ArrayError, ArrayPieces};

use crate::failure::Failure;
use crate::tensors::{Tensor, TensorError, same_count, sample_count};

/// Why files do not stand for the tensors of a network.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what its fields are")]
pub enum BindingError {
    #[error("{option}: `{found}` is none of the network's {what}s; legal: {}", .legal.join(", "))]
    Unknown { option: &'static str, what: &'static str, found: String, legal: Vec<String> },
    #[error("{option}: the {what} `{name}` has more than one file")]
    Twice { option: &'static str, what: &'static str, name: String },
    #[error("{option}: the {what} `{name}` has no file; write {option} {name}=FILE.npy")]
    None { option: &'static str, what: &'static str, name: String },
    #[error(
        "{option}: `{file}` cannot stand for all of the {what}s {}; write {option} NAME={file} for one of them, and as much for the others", .names.join(", ")
    )]
    Archive { option: &'static str, what: &'static str, file: String, names: Vec<String> },
}

/// What tensors are called in messages, and by which option their files are given.
#[derive(Clone, Copy)]
pub struct Role {
    /// The option.
    pub option: &'static str,
    /// What a tensor is to the network.
    pub what: &'static str,
}

/// The inputs of a network.
pub const INPUTS: Role = Role { option: "--input", what: "input" };

/// Its outputs, as somebody else computed them.
pub const EXPECTED: Role = Role { option: "--expect", what: "output" };

/// The file of each of `tensors`, where the user gave one file for all: that file for a single
/// tensor, else `x.npy` stands for `x.<tensor>.npy`.
pub fn file_of_each(file: &Path, tensors: &[Tensor]) -> Vec<PathBuf> {
    if tensors.len() == 1 {
        return vec![file.to_owned()];
    }
    let extension = file.extension().unwrap_or_default();
    let each = |tensor: &Tensor| {
        let mut name = file.file_stem().unwrap_or_default().to_owned();
        name.push(".");
        name.push(&tensor.name);
        name.push(".");
        name.push(extension);
        file.with_file_name(name)
    };
    tensors.iter().map(each).collect()
}

/// The array that each of `tensors` is in: an argument is `NAME=FILE`, or one `FILE` for all.
fn bind(arguments: &[String], tensors: &[Tensor], role: Role) -> Result<Vec<String>, BindingError> {
    let Role { option, what } = role;
    let names = || tensors.iter().map(|tensor| tensor.name.clone()).collect::<Vec<_>>();
    let mut files: Vec<Option<String>> = vec![None; tensors.len()];
    let mut give = |index: usize, file: String| match files[index].replace(file) {
        None => Ok(()),
        Some(_) => Err(BindingError::Twice { option, what, name: tensors[index].name.clone() }),
    };
    for argument in arguments {
        let named = argument.split_once('=').map(|(name, file)| {
            (name, file, tensors.iter().position(|tensor| tensor.name == name))
        });
        match named {
            Some((_, file, Some(index))) => give(index, file.to_owned())?,
            // A file may have an equals sign in its name, too.
            Some((name, _, None)) if !Path::new(argument).exists() => {
                let (found, legal) = (name.to_owned(), names());
                return Err(BindingError::Unknown { option, what, found, legal });
            }
            _ if tensors.len() == 1 => give(0, argument.clone())?,
            _ if Path::new(argument).extension().is_some_and(|e| e == "npy") => {
                for (index, file) in file_of_each(Path::new(argument), tensors).iter().enumerate() {
                    give(index, file.display().to_string())?;
                }
            }
            _ => {
                let (file, names) = (argument.clone(), names());
                return Err(BindingError::Archive { option, what, file, names });
            }
        }
    }
    let missing = |(file, tensor): (Option<String>, &Tensor)| {
        file.ok_or_else(|| BindingError::None { option, what, name: tensor.name.clone() })
    };
    files.into_iter().zip(tensors).map(missing).collect()
}

/// Numbers of one tensor, a row a sample.
#[derive(Debug)]
pub struct Rows {
    /// The file that they are from.
    pub file: String,
    /// How many samples there are.
    pub count: usize,
    /// The numbers of all samples.
    pub numbers: Vec<f64>,
}

/// Reads the samples of each tensor.
///
/// # Errors
/// What of the files is not as it should be.
pub fn read(arguments: &[String], tensors: &[Tensor], role: Role) -> Result<Vec<Rows>, Failure> {
    let files = bind(arguments, tensors, role)?;
    let mut all: Vec<Rows> = Vec::new();
    for (file, tensor) in files.into_iter().zip(tensors) {
        let failed = |source: TensorError| Failure::Tensor { file: file.clone(), source };
        let array = rtl4ml_spec::load_array(&file).map_err(|error| failed(error.into()))?;
        let count = sample_count(&array.extents, tensor).map_err(failed)?;
        let first = all.first().map(|first| first.count);
        same_count(first, count, tensor, tensors).map_err(failed)?;
        all.push(Rows { file, count, numbers: array.numbers });
    }
    Ok(all)
}

/// Samples of one tensor that are read piece by piece.
#[derive(Debug)]
pub struct OpenRows {
    /// The file that they are from.
    pub file: String,
    /// How many samples there are.
    pub count: usize,
    elements: usize,
    pieces: ArrayPieces,
}

impl OpenRows {
    /// The numbers of the next `samples` samples, which are there.
    ///
    /// # Errors
    /// When the file is not as its header says, or a number is not finite.
    pub fn take(&mut self, samples: usize) -> Result<Vec<f64>, Failure> {
        let failed =
            |error: ArrayError| Failure::Tensor { file: self.file.clone(), source: error.into() };
        self.pieces.take(samples * self.elements).map_err(failed)
    }
}

/// Opens the samples of each tensor, which may be more than memory holds.
///
/// # Errors
/// When there is no such file, or the shapes do not agree.
pub fn open(
    arguments: &[String],
    tensors: &[Tensor],
    role: Role,
) -> Result<Vec<OpenRows>, Failure> {
    let files = bind(arguments, tensors, role)?;
    let mut all: Vec<OpenRows> = Vec::new();
    for (file, tensor) in files.into_iter().zip(tensors) {
        let failed = |source: TensorError| Failure::Tensor { file: file.clone(), source };
        let pieces = ArrayPieces::open(&file).map_err(|error| failed(error.into()))?;
        let count = sample_count(&pieces.extents, tensor).map_err(failed)?;
        let first = all.first().map(|first| first.count);
        same_count(first, count, tensor, tensors).map_err(failed)?;
        let elements = tensor.shape.iter().product();
        all.push(OpenRows { file, count, elements, pieces });
    }
    Ok(all)
}
