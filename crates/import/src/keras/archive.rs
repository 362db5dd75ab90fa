//! The parts of a `.keras` file, which is a zip archive.

use std::io::Read;

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};

/// How many entries an archive may have.
const MAX_ENTRIES: usize = 1 << 14;

/// The bytes of a part, at most `most` of them.
///
/// # Errors
/// When there is no such part, or it is not intact.
pub fn entry(bytes: &[u8], name: &str, most: u64) -> Result<Vec<u8>, String> {
    let broken = |error: rawzip::Error| format!("this is no intact .keras archive ({error})");
    let archive = ZipArchive::from_slice(bytes).map_err(broken)?;
    for (number, entry) in archive.entries().enumerate() {
        let entry = entry.map_err(broken)?;
        if number >= MAX_ENTRIES {
            return Err(format!("the archive has more than {MAX_ENTRIES} entries"));
        }
        if entry.file_path().as_ref() != name.as_bytes() {
            continue;
        }
        let method = entry.compression_method();
        let place = entry.wayfinder();
        let found = archive.get_entry(place).map_err(broken)?;
        let content: Box<dyn Read + '_> = match method {
            CompressionMethod::STORE => Box::new(found.data()),
            CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(found.data())),
            other => return Err(format!("`{name}` is compressed by method {other}")),
        };
        let mut part = Vec::new();
        let mut reader = found.verifying_reader(content).take(most + 1);
        reader.read_to_end(&mut part).map_err(|error| format!("`{name}`: {error}"))?;
        if part.len() as u64 > most {
            return Err(format!("`{name}` is larger than the {most} bytes that are read"));
        }
        return Ok(part);
    }
    Err(format!("the archive has no `{name}`"))
}
