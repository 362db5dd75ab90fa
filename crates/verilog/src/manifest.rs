//! The manifest: a checksum of every file, in the format of `sha256sum`.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::TextFile;

/// `MANIFEST.sha256` for these files, sorted by path; check it with `sha256sum -c`.
pub fn manifest(files: &[TextFile]) -> TextFile {
    let mut lines: Vec<(&str, String)> = files
        .iter()
        .map(|file| {
            let digest = Sha256::digest(file.text.as_bytes());
            let hex = digest.iter().fold(String::new(), |mut hex, byte| {
                // Writing to a string cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            (file.path.as_str(), hex)
        })
        .collect();
    lines.sort_unstable();
    let text = lines.into_iter().map(|(path, hex)| format!("{hex}  {path}\n")).collect::<String>();
    TextFile::new("MANIFEST.sha256", text)
}
