//! The handoff folder: everything that a firmware engineer is given, complete or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rtl4ml_circuit::Circuit;
use rtl4ml_circuit::protocol::{Mantissas, Stimulus};
use rtl4ml_ir::VerifiedNetwork;

use crate::report::Report;
use crate::{TextFile, manifest, rtl_files, testbench_files, vector_files, vivado};

/// The vectors' folder as the simulators see it, which run in the handoff folder.
const VECTORS: &str = "vectors";

/// All files of a handoff folder.
#[derive(Clone, Debug)]
pub struct Handoff {
    /// The files, the manifest last.
    pub files: Vec<TextFile>,
    /// What `report.json` says.
    pub report: Report,
}

/// Why the folder could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{path}`: {source}")]
pub struct HandoffError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl Handoff {
    /// The handoff of a circuit; `expected` are the outputs of each transaction.
    pub fn new(
        network: &VerifiedNetwork,
        circuit: &Circuit,
        stimulus: &Stimulus,
        expected: &[Vec<Mantissas>],
    ) -> Self {
        let (rtl, report) = rayon::join(|| rtl_files(circuit), || Report::new(network, circuit));
        let vectors = vector_files(&circuit.interface, stimulus, expected);
        let paths = |files: &[TextFile]| files.iter().map(|f| f.path.clone()).collect::<Vec<_>>();
        let target = &network.network().target;
        let vivado = vivado::vivado_files(circuit, target, &paths(&rtl), &paths(&vectors));
        let mut files = rtl;
        files.extend(testbench_files(circuit, stimulus, VECTORS));
        files.extend(vectors);
        files.extend(vivado);
        files.push(TextFile::new("report.json", report.to_json()));
        files.push(TextFile::new("report.md", report.to_markdown()));
        files.push(manifest(&files));
        Self { files, report }
    }

    /// Writes the folder: see [`write_folder`].
    ///
    /// # Errors
    /// What could not be written; the folder is then as it was.
    pub fn write(&self, folder: &Path) -> Result<(), HandoffError> {
        write_folder(folder, &self.files)
    }
}

/// Writes a folder of files: into a temporary one beside it, which is renamed when it is complete.
/// A folder of that name is replaced.
///
/// # Errors
/// What could not be written; the folder is then as it was.
pub fn write_folder(folder: &Path, files: &[TextFile]) -> Result<(), HandoffError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| HandoffError { path, source }
    };
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(failed(parent))?;
    let temporary =
        tempfile::Builder::new().prefix(".rtl4ml-").tempdir_in(parent).map_err(failed(parent))?;
    let complete = temporary.path().join("complete");
    write_files(&complete, files)?;
    if folder.exists() {
        // A folder that is in the way is moved aside, and goes with the temporary one.
        let old = temporary.path().join("old");
        fs::rename(folder, old).map_err(failed(folder))?;
    }
    fs::rename(&complete, folder).map_err(failed(folder))
}

/// Writes files below a folder.
///
/// # Errors
/// The first file that could not be written.
pub fn write_files(folder: &Path, files: &[TextFile]) -> Result<(), HandoffError> {
    for file in files {
        let path = folder.join(&file.path);
        let write = || {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, &file.text)
        };
        write().map_err(|source| HandoffError { path: path.clone(), source })?;
    }
    Ok(())
}
