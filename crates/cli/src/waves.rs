//! Wave files: which one was asked for, and where it is written.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::rc::Rc;

use rtl4ml_sim::{Shown, WaveFile};

use crate::failure::Failure;

/// A wave file that was asked for.
#[derive(Clone, Debug)]
pub struct Waves {
    /// Where to write it.
    pub path: PathBuf,
    /// How.
    pub format: WaveFormat,
    /// Which signals it holds.
    pub shown: Shown,
    /// The clock period.
    pub period_ps: u64,
}

/// The format of a wave file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaveFormat {
    /// Value change dump.
    Vcd,
    /// Fast signal trace, compressed.
    Fst,
}

impl Waves {
    /// Creates the file, for the cycle engine.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn file(&self) -> Result<WaveFile, Failure> {
        let file = self.create()?;
        Ok(match self.format {
            WaveFormat::Vcd => WaveFile::Vcd(Box::new(file)),
            WaveFormat::Fst => WaveFile::Fst(file),
        })
    }

    /// That the file could not be written.
    pub fn not_written(&self, source: io::Error) -> Failure {
        Failure::Write { path: self.path.clone(), source }
    }

    fn create(&self) -> Result<BufWriter<File>, Failure> {
        let file = File::create(&self.path).map_err(|source| self.not_written(source))?;
        Ok(BufWriter::new(file))
    }
}

/// A VCD for Rust-HDL, which panics when its writer fails. So this one never does: it keeps the
/// first error, which [`VcdFile::finish`] returns.
#[derive(Clone)]
pub struct VcdFile {
    path: PathBuf,
    state: Rc<RefCell<VcdState>>,
}

struct VcdState {
    file: BufWriter<File>,
    error: Option<io::Error>,
}

impl VcdFile {
    /// Creates the file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(waves: &Waves) -> Result<Self, Failure> {
        let state = VcdState { file: waves.create()?, error: None };
        Ok(Self { path: waves.path.clone(), state: Rc::new(RefCell::new(state)) })
    }

    /// Writes what is left, and tells whether all was written.
    ///
    /// # Errors
    /// When it was not.
    pub fn finish(self) -> Result<(), Failure> {
        let mut state = self.state.borrow_mut();
        let flushed = state.file.flush();
        let written = state.error.take().map_or(flushed, Err);
        written.map_err(|source| Failure::Write { path: self.path.clone(), source })
    }
}

impl Write for VcdFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        if state.error.is_none()
            && let Err(error) = state.file.write_all(bytes)
        {
            state.error = Some(error);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
