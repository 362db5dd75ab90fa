//! Why a command did not do what was asked for, for people and for scripts.
//!
//! Guarantees: a mistake in a file names the file, and in a spec the line and the column; every
//! message fits the forms `file:line:column: error: ...`, `file: error: ...` or `error: ...`.

use std::io;
use std::path::{Path, PathBuf};

use rtl4ml_circuit::CircuitError;
use rtl4ml_import::ImportError;
use rtl4ml_sim::external::ExternalError;
use rtl4ml_sim::{EngineError, Mismatch};
use rtl4ml_spec::SpecError;
use rtl4ml_verilog::HandoffError;
use serde::Serialize;

use crate::tensor_files::BindingError;
use crate::tensors::TensorError;
use crate::terminal;

/// Why a command did not do what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line is wrong.
    #[error(transparent)]
    Usage(clap::Error),
    /// The spec or its weights are wrong.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The model cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// What is in the way of an imported spec is not an older one.
    #[error("`{spec}` exists and was not written by an import; it is not replaced")]
    NotImported {
        /// The spec that is there.
        spec: PathBuf,
    },
    /// No formats keep the outputs as close as was asked.
    #[error("no formats of up to {bits} bits after the point keep the outputs within {most}")]
    Calibration {
        /// What was asked for.
        most: f64,
        /// The most bits that were tried.
        bits: u32,
    },
    /// The network cannot be built as it is, or its contract not be kept.
    #[error("{source}")]
    Circuit {
        /// The spec.
        spec: PathBuf,
        /// What is wrong.
        source: Box<CircuitError>,
    },
    /// The network cannot be written as C++.
    #[error(transparent)]
    Emit(#[from] rtl4ml_cpp::EmitError),
    /// The files that were given are not those of the network's inputs or outputs.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// A file of numbers is wrong.
    #[error("{source}")]
    Tensor {
        /// The file as it was named.
        file: String,
        /// What is wrong.
        source: TensorError,
    },
    /// Outputs are not those that were expected.
    #[error("{differ} of {count} outputs differ; the first is {first}")]
    Differ {
        /// How many elements differ.
        differ: usize,
        /// How many were compared.
        count: usize,
        /// Where the first one is, with both values.
        first: String,
    },
    /// A simulator disagrees with the reference.
    #[error("{engine} does not agree with the reference: {source}")]
    Mismatch {
        /// The engine.
        engine: &'static str,
        /// The rule that is broken.
        source: Box<Mismatch>,
    },
    /// A simulator could not run.
    #[error("{engine}: {source}")]
    Engine {
        /// The engine.
        engine: &'static str,
        /// What happened.
        source: EngineError,
    },
    /// A simulator that runs on its own failed or disagrees with the reference.
    #[error("{engine}: {source}")]
    External {
        /// The engine.
        engine: &'static str,
        /// What happened.
        source: ExternalError,
    },
    /// A simulator's outputs are not all there.
    #[error("{engine} gave {found} of {expected} outputs")]
    Missing {
        /// The engine.
        engine: &'static str,
        /// How many samples came out.
        found: usize,
        /// How many went in.
        expected: usize,
    },
    /// No threads to work on.
    #[error("cannot start threads: {0}")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// The handoff folder could not be written.
    #[error(transparent)]
    Handoff(#[from] HandoffError),
    /// What is in the way of the handoff folder is not an older one.
    #[error(
        "`{folder}` exists and is not a folder that rtl4ml has written: it has no MANIFEST.sha256; it is not replaced"
    )]
    Occupied {
        /// The folder that was asked for.
        folder: PathBuf,
    },
    /// A file could not be written.
    #[error("cannot write `{path}`: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A mistake as a script reads it.
#[derive(Debug, Serialize)]
pub struct Mistake {
    /// The file, where the mistake is in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in characters, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What was found and what is legal.
    pub message: String,
    /// How to repair it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Failure {
    /// A network that cannot be built.
    pub fn circuit(spec: &Path, source: CircuitError) -> Self {
        Self::Circuit { spec: spec.to_owned(), source: Box::new(source) }
    }

    /// The mistakes as a script reads them.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let Self::Spec(error) = self else {
            let (file, message, help) = (self.file(), self.to_string(), self.help());
            return vec![Mistake { file, line: None, column: None, message, help }];
        };
        let listed = error.diagnostics().iter().map(|diagnostic| Mistake {
            file: Some(diagnostic.file.clone()),
            line: Some(diagnostic.line),
            column: Some(diagnostic.column),
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
        });
        let unlisted = (error.unlisted() > 0).then(|| Mistake {
            file: None,
            line: None,
            column: None,
            message: format!("{} more mistakes are not listed", error.unlisted()),
            help: None,
        });
        listed.chain(unlisted).collect()
    }

    /// The text for standard error.
    pub fn render(&self) -> String {
        match (self, terminal::error_width()) {
            (Self::Spec(spec), Some(width)) => {
                spec.graphical(width, terminal::error_has_color()).trim_end().to_owned()
            }
            _ => self.text(&terminal::error_word()),
        }
    }

    /// The text without colours, a line a mistake.
    pub fn plain(&self) -> String {
        self.text("error")
    }

    /// The text where no terminal shows it, with the word that opens a message.
    fn text(&self, error: &str) -> String {
        if let Self::Spec(spec) = self {
            return spec.plain();
        }
        let file = self.file().map(|file| format!("{file}: ")).unwrap_or_default();
        let help = self.help().map(|help| format!("; help: {help}")).unwrap_or_default();
        format!("{file}{error}: {self}{help}")
    }

    /// The file that the mistake is in.
    fn file(&self) -> Option<String> {
        match self {
            Self::Circuit { spec, .. } => Some(spec.display().to_string()),
            Self::Tensor { file, .. } => Some(file.clone()),
            _ => None,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Tensor { source, .. } => source.help(),
            Self::NotImported { .. } => Some("choose another folder with `-o`".to_owned()),
            Self::Occupied { .. } => Some("choose another folder, or remove this one".to_owned()),
            Self::Mismatch { source: mismatch, .. }
                if !matches!(**mismatch, Mismatch::Engine(EngineError::Waves(_))) =>
            {
                Some("this is a bug in rtl4ml, please report it with the spec".to_owned())
            }
            _ => None,
        }
    }
}
