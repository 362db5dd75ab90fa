//! Files that are read whole.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::ImportError;

/// The bytes of a regular file of at most `most` bytes.
///
/// # Errors
/// When it cannot be read, is no regular file, or is larger.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, ImportError> {
    let failed = |source| ImportError::Read { path: path.to_owned(), source };
    let malformed = |message: String| ImportError::Malformed { path: path.to_owned(), message };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(malformed("this is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    // The file may grow while it is read.
    File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(malformed(format!("it is larger than the {most} bytes that are read")));
    }
    Ok(bytes)
}
