//! Weights: from `.npz` and `.npy` files, or written into the spec.
//!
//! Guarantees: numbers are finite; an array has at least one element in each axis; all arrays of
//! a spec together have at most [`MAX_WEIGHTS`] elements, which is checked before memory is taken
//! for them; only regular files are opened, so that reading ends.

mod load;
mod npy;
mod npz;
mod pieces;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

pub use load::{ArrayError, MAX_ARRAY, load_array};
use npy::NpyError;
use npz::{Archive, NpzError};
pub use pieces::ArrayPieces;

use crate::diagnostics::{Mistakes, Reported, nearest, quoted};
use crate::reader::{Read, describe};
use crate::scalar;
use crate::yaml::{Kind, Node};

/// How many weights a network may have in all.
pub const MAX_WEIGHTS: usize = 1 << 24;

/// An array of finite numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The extents, outermost first.
    pub extents: Vec<usize>,
    /// The numbers.
    pub numbers: Vec<f64>,
}

/// The files that the weights of one spec are in.
pub(crate) struct WeightFiles {
    /// The folder that relative paths start from.
    folder: PathBuf,
    archives: HashMap<PathBuf, Archive>,
    read: BTreeSet<PathBuf>,
    /// How many more elements may be read.
    budget: usize,
}

/// Why weights could not be read from a file.
#[derive(Debug, thiserror::Error)]
enum WeightError {
    #[error("{reference} names no weights; write FILE.npz:KEY or FILE.npy, or a list of numbers")]
    Reference { reference: String },
    #[error("{reference} names no array of the archive; it holds {}", listed(.names))]
    NoKey { reference: String, names: Vec<String> },
    #[error("{} does not exist", .path.display())]
    NotFound { path: PathBuf, near: Option<String> },
    #[error("{} is not a regular file", .path.display())]
    NotRegular { path: PathBuf },
    #[error("{} cannot be read: {source}", .path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{} has no array {key}; it holds {}", .path.display(), listed(.names))]
    NoArray { path: PathBuf, key: String, names: Vec<String>, near: Option<String> },
    #[error("{}: {source}", .path.display())]
    Npz { path: PathBuf, source: NpzError },
    #[error("{reference}: {source}")]
    Npy { reference: String, source: NpyError },
    #[error("{reference} holds {number} at index {index:?}; weights must be finite")]
    NotFinite { reference: String, number: f64, index: Vec<usize> },
}

impl WeightError {
    fn help(&self) -> Option<String> {
        match self {
            Self::NoKey { reference, names } => {
                let name = names.first()?;
                Some(format!("write e.g. `{}:{name}`", reference.trim_matches('`')))
            }
            Self::NotFound { near, .. } | Self::NoArray { near, .. } => {
                let near = near.as_ref()?;
                Some(format!("did you mean `{near}`?"))
            }
            Self::Npy { source, .. } => source.help(),
            _ => None,
        }
    }
}

/// The names of an archive's arrays, as many as one wants to read.
fn listed(names: &[String]) -> String {
    const MOST: usize = 12;
    match names.len() {
        0 => "no array".to_owned(),
        count if count > MOST => {
            format!("{}, and {} more", names[..MOST].join(", "), count - MOST)
        }
        _ => names.join(", "),
    }
}

impl WeightFiles {
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            archives: HashMap::new(),
            read: BTreeSet::new(),
            budget: MAX_WEIGHTS,
        }
    }

    /// The files that weights were read from, in the order of their names.
    pub fn into_paths(self) -> Vec<PathBuf> {
        self.read.into_iter().collect()
    }

    /// Reads the array that a node names or holds; `key` names it in messages.
    pub fn array(&mut self, node: &Node, key: &str, mistakes: &mut Mistakes) -> Read<Array> {
        if mistakes.is_full() {
            // The spec is wrong whatever the files hold; they need not be searched any more.
            return Err(mistakes.count());
        }
        match &node.kind {
            Kind::Sequence(_) => inline(node, key, &mut self.budget, mistakes),
            Kind::Scalar(scalar) if scalar.core() == scalar::Core::Text => {
                self.file(&scalar.text).map_err(|error| {
                    mistakes.add_with_help(node.span, format!("`{key}`: {error}"), error.help())
                })
            }
            _ => Err(mistakes.add_with_help(
                node.span,
                format!(
                    "`{key}` must be FILE.npz:KEY, FILE.npy or a list of numbers, found {}",
                    describe(node)
                ),
                format!("write e.g. `{key}: weights.npz:fc1.{key}`"),
            )),
        }
    }

    /// The text of another file that the spec names, of at most so many bytes; or why it cannot be
    /// read, and what may help.
    pub fn text(&mut self, file: &str, most: u64) -> Result<String, (String, Option<String>)> {
        let path = self.folder.join(file);
        let told = |error: WeightError| (error.to_string(), error.help());
        let opened = open(&path).map_err(told)?;
        let mut text = String::new();
        opened
            .take(most + 1)
            .read_to_string(&mut text)
            .map_err(|source| told(WeightError::Io { path: path.clone(), source }))?;
        if text.len() as u64 > most {
            return Err((format!("{} has more than {most} bytes", path.display()), None));
        }
        self.read.insert(path);
        Ok(text)
    }

    fn file(&mut self, reference: &str) -> Result<Array, WeightError> {
        let budget = self.budget;
        let array = self.with_bytes(reference, |bytes| npy::read(bytes, budget))?;
        self.budget -= array.numbers.len();
        let not_finite = array.numbers.iter().position(|number| !number.is_finite());
        match not_finite {
            None => Ok(array),
            Some(at) => Err(WeightError::NotFinite {
                reference: quoted(reference),
                number: array.numbers[at],
                index: index_of(at, &array.extents),
            }),
        }
    }

    /// Reads the bytes of the `.npy` file that a reference names.
    fn with_bytes<R>(
        &mut self,
        reference: &str,
        read: impl FnOnce(&mut dyn std::io::Read) -> Result<R, NpyError>,
    ) -> Result<R, WeightError> {
        const ARCHIVE: &str = ".npz:";
        let wrong = |source| WeightError::Npy { reference: quoted(reference), source };
        if let Some(at) = reference.find(ARCHIVE) {
            let (file, key) = (&reference[..at + ".npz".len()], &reference[at + ARCHIVE.len()..]);
            let path = self.folder.join(file);
            let archive = self.archive(&path)?;
            match archive.read(key) {
                Ok(Some(mut entry)) => read(&mut entry).map_err(wrong),
                Ok(None) => {
                    let names = archive.names();
                    let near = nearest(key, names.iter().map(String::as_str)).map(str::to_owned);
                    Err(WeightError::NoArray { path, key: quoted(key), names, near })
                }
                Err(source) => Err(WeightError::Npz { path, source }),
            }
        } else if has_extension(Path::new(reference), "npz") {
            let path = self.folder.join(reference);
            let names = self.archive(&path)?.names();
            Err(WeightError::NoKey { reference: quoted(reference), names })
        } else if has_extension(Path::new(reference), "npy") {
            let path = self.folder.join(reference);
            let mut file = BufReader::new(open(&path)?);
            self.read.insert(path);
            read(&mut file).map_err(wrong)
        } else {
            Err(WeightError::Reference { reference: quoted(reference) })
        }
    }

    /// The archive at `path`, opened once.
    fn archive(&mut self, path: &Path) -> Result<&Archive, WeightError> {
        if !self.archives.contains_key(path) {
            let file = open(path)?;
            let archive = Archive::open(file)
                .map_err(|source| WeightError::Npz { path: path.to_owned(), source })?;
            self.read.insert(path.to_owned());
            self.archives.insert(path.to_owned(), archive);
        }
        Ok(&self.archives[path])
    }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// Opens a regular file; a pipe or a device might never end.
fn open(path: &Path) -> Result<File, WeightError> {
    let io_error = |source: std::io::Error| {
        if source.kind() == std::io::ErrorKind::NotFound {
            WeightError::NotFound { path: path.to_owned(), near: nearest_file(path) }
        } else {
            WeightError::Io { path: path.to_owned(), source }
        }
    };
    let metadata = std::fs::metadata(path).map_err(io_error)?;
    if !metadata.is_file() {
        return Err(WeightError::NotRegular { path: path.to_owned() });
    }
    File::open(path).map_err(io_error)
}

/// The file of a known kind in the same folder whose name is nearest to that of a missing one.
fn nearest_file(path: &Path) -> Option<String> {
    const MOST: usize = 1_000;
    // The parent of a bare name is the empty path, which no system can list.
    let folder = path.parent().map(|folder| Path::new(".").join(folder))?;
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .take(MOST)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            ["npz", "npy", "toml"].iter().any(|known| has_extension(Path::new(name), known))
        })
        .collect();
    // A folder's order is not that of the names, and the message must not depend on it.
    names.sort_unstable();
    let wanted = path.file_name()?.to_str()?;
    nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned)
}

/// The position, one index an axis, of a row-major index.
pub(crate) fn index_of(mut at: usize, extents: &[usize]) -> Vec<usize> {
    let mut index = vec![0; extents.len()];
    for (place, extent) in index.iter_mut().zip(extents).rev() {
        *place = at % extent;
        at /= extent;
    }
    index
}

/// Reads nested lists of numbers.
fn inline(node: &Node, key: &str, budget: &mut usize, mistakes: &mut Mistakes) -> Read<Array> {
    // The first items give the shape; every other list has to agree with it.
    let mut extents = Vec::new();
    let mut first = node;
    while let Kind::Sequence(items) = &first.kind {
        extents.push(items.len());
        match items.first() {
            Some(item) => first = item,
            None => {
                return Err(mistakes.add(
                    first.span,
                    format!("`{key}` has an empty list; each axis needs at least one element"),
                ));
            }
        }
    }
    let mut numbers = Vec::new();
    let result = collect(node, key, &extents, &mut numbers, mistakes);
    // A node of the tree is far larger than its number, so the tree's limit bounds this one too.
    *budget = budget.saturating_sub(numbers.len());
    result.map(|()| Array { extents, numbers })
}

/// Appends the numbers below `node`, whose remaining axes are `extents`.
fn collect(
    node: &Node,
    key: &str,
    extents: &[usize],
    numbers: &mut Vec<f64>,
    mistakes: &mut Mistakes,
) -> Result<(), Reported> {
    match (&node.kind, extents) {
        (Kind::Sequence(items), [extent, inner @ ..]) if items.len() == *extent => {
            let mut result = Ok(());
            for item in items {
                // All items are read, so that each wrong one is told.
                result = result.and(collect(item, key, inner, numbers, mistakes));
            }
            result
        }
        (Kind::Sequence(items), [extent, ..]) => Err(mistakes.add(
            node.span,
            format!(
                "`{key}` is ragged: this list has {} items, the first one of this axis has {extent}",
                items.len()
            ),
        )),
        (Kind::Scalar(scalar), []) => {
            let number = scalar.plain.then(|| scalar::number(&scalar.text)).flatten();
            match number {
                Some(number) if number.is_finite() => {
                    numbers.push(number);
                    Ok(())
                }
                _ => Err(mistakes.add_with_help(
                    node.span,
                    format!("`{key}` must hold finite numbers, found {}", describe(node)),
                    quoted_number_help(scalar.plain, &scalar.text),
                )),
            }
        }
        (_, []) => Err(mistakes.add(
            node.span,
            format!("`{key}` is ragged: a number belongs here, found {}", describe(node)),
        )),
        _ => Err(mistakes.add(
            node.span,
            format!("`{key}` is ragged: a list belongs here, found {}", describe(node)),
        )),
    }
}

fn quoted_number_help(plain: bool, text: &str) -> Option<String> {
    let is_number = scalar::number(text).is_some_and(f64::is_finite);
    if !plain && is_number {
        Some("a number in quotes is a text; remove the quotes".to_owned())
    } else {
        None
    }
}
