//! Archives of arrays: `.npz`, which are zip files of `.npy` files.
//!
//! Guarantees: nothing is allocated by a count or a size that the archive claims; an archive has
//! at most [`MAX_ARRAYS`] entries, each name once; an entry is read as a stream, whose size and
//! checksum are verified at its end.

use std::fs::File;
use std::io::{BufReader, Read};

use flate2::read::DeflateDecoder;
use rawzip::{
    CompressionMethod, FileReader, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ZipArchive,
    ZipArchiveEntryWayfinder,
};

/// How many entries an archive may have.
pub(super) const MAX_ARRAYS: usize = 1 << 14;

/// How many bytes the name of an entry may have.
const MAX_NAME: usize = 1 << 10;

/// Why a file is no archive of arrays.
#[derive(Debug, thiserror::Error)]
pub(super) enum NpzError {
    #[error("this is no intact .npz archive ({0})")]
    Zip(#[from] rawzip::Error),
    #[error("the archive has more than {MAX_ARRAYS} entries")]
    TooMany,
    #[error("the archive has an entry whose name is longer than {MAX_NAME} bytes")]
    LongName,
    #[error("the archive holds `{name}` twice")]
    Twice { name: String },
    #[error(
        "`{name}` is compressed by method {method}; legal: stored and deflated, as NumPy writes"
    )]
    Method { name: String, method: CompressionMethod },
}

/// An open archive.
pub(super) struct Archive {
    zip: ZipArchive<FileReader>,
    arrays: Vec<Entry>,
}

struct Entry {
    /// The array's name: that of the file in the archive without `.npy`.
    name: String,
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
}

impl Archive {
    /// Reads the directory of an archive.
    pub fn open(file: File) -> Result<Self, NpzError> {
        let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let zip = ZipArchive::from_file(file, &mut buffer)?;
        let mut arrays: Vec<Entry> = Vec::new();
        let mut entries = zip.entries(&mut buffer);
        let mut count = 0;
        while let Some(entry) = entries.next_entry()? {
            count += 1;
            if count > MAX_ARRAYS {
                return Err(NpzError::TooMany);
            }
            let path = entry.file_path();
            if path.as_ref().len() > MAX_NAME {
                return Err(NpzError::LongName);
            }
            let path = String::from_utf8_lossy(path.as_ref());
            if let Some(name) = path.strip_suffix(".npy") {
                arrays.push(Entry {
                    name: name.to_owned(),
                    place: entry.wayfinder(),
                    method: entry.compression_method(),
                });
            }
        }
        arrays.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = arrays.windows(2).find(|pair| pair[0].name == pair[1].name) {
            let name = pair[0].name.clone();
            return Err(NpzError::Twice { name });
        }
        Ok(Self { zip, arrays })
    }

    /// The names of the arrays, sorted.
    pub fn names(&self) -> Vec<String> {
        self.arrays.iter().map(|entry| entry.name.clone()).collect()
    }

    /// The bytes of the array's `.npy` file; `None` where there is no array of this name.
    pub fn read(&self, name: &str) -> Result<Option<impl Read + '_>, NpzError> {
        let found = self.arrays.binary_search_by(|entry| entry.name.as_str().cmp(name));
        let Ok(index) = found else {
            return Ok(None);
        };
        let Entry { place, method, .. } = &self.arrays[index];
        let entry = self.zip.get_entry(*place)?;
        let stored = entry.reader();
        let content: Box<dyn Read + '_> = match *method {
            CompressionMethod::STORE => Box::new(stored),
            CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(stored)),
            method => {
                let name = name.to_owned();
                return Err(NpzError::Method { name, method });
            }
        };
        Ok(Some(BufReader::new(entry.verifying_reader(content))))
    }
}
