//! Arrays that are written as NumPy's `.npy` files.
//!
//! Guarantees: the file is float64, row-major, and appears under its name only when it is
//! complete; what it does not hold exactly is counted.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use npyz::{NpyWriter, WriteOptions, WriterBuilder};
use rtl4ml_ir::TensorType;
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::numbers::{count_inexact, inexact_warning, numbers};

/// A file of so many samples of a tensor that is being written.
pub struct NpyFile {
    path: PathBuf,
    file: NamedTempFile,
    writer: NpyWriter<f64, BufWriter<File>>,
    count: usize,
    inexact: usize,
}

impl NpyFile {
    /// Begins a file of `count` samples of extents `shape`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: &Path, count: usize, shape: &[usize]) -> Result<Self, Failure> {
        let begin = || {
            let folder = match path.parent() {
                Some(parent) if parent != Path::new("") => parent,
                _ => Path::new("."),
            };
            // A file that is made like any other has the permissions that the user's files have.
            let file = tempfile::Builder::new()
                .prefix(".rtl4ml-")
                .make_in(folder, |path| File::create_new(path))?;
            let extents: Vec<u64> =
                std::iter::once(&count).chain(shape).map(|extent| *extent as u64).collect();
            let writer = WriteOptions::new()
                .default_dtype()
                .shape(&extents)
                .writer(BufWriter::new(file.as_file().try_clone()?))
                .begin_nd()?;
            Ok(Self { path: path.to_owned(), file, writer, count: 0, inexact: 0 })
        };
        begin().map_err(failed(path))
    }

    /// Appends the numbers of a sample.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, tensor: &TensorType, mantissas: &[i128]) -> Result<(), Failure> {
        self.count += mantissas.len();
        self.inexact += count_inexact(mantissas);
        self.writer.extend(numbers(tensor, mantissas)).map_err(failed(&self.path))
    }

    /// The name that the file will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the complete file its name; returns a warning where it does not hold all numbers.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> Result<Option<String>, Failure> {
        let Self { path, file, writer, count, inexact } = self;
        writer.finish().map_err(failed(&path))?;
        file.persist(&path).map_err(|error| failed(&path)(error.error))?;
        Ok(inexact_warning(&path.display().to_string(), inexact, count))
    }
}

/// Creates a folder and those above it.
///
/// # Errors
/// When it cannot be created.
pub fn create_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(failed(path))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Failure {
    let path = path.to_owned();
    move |source| Failure::Write { path: path.clone(), source }
}
