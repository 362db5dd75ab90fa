//! The commands, one file each, and what several of them do.

mod bench;
mod build;
mod check;
mod emulator;
mod import;
mod predict;
mod report;
mod sim;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Subcommand;
use rtl4ml_ir::VerifiedNetwork;
use rtl4ml_sim::reference::Mantissas;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::npy_file::NpyFile;
use crate::page::Page;
use crate::tensor_files::file_of_each;
use crate::tensors::outputs;

/// What the user asks for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Parse and verify a network; print its layers, latency and interval
    Check(check::Check),
    /// Write proven Verilog, testbench, vectors and Vivado scripts into a folder
    Build(build::Build),
    /// Estimate what a network takes on the part, layer by layer, without synthesis
    Report(report::ReportOptions),
    /// Run samples through the circuit and compare every bit with the reference
    Sim(sim::Sim),
    /// Turn a trained model (ONNX, QONNX, Keras) into a spec and its weights
    Import(import::Import),
    /// Compute the network's exact outputs, without its circuit
    Predict(predict::Predict),
    /// Write the network as a C++ header with its test, for the software of an experiment
    Emulator(emulator::EmulatorOptions),
    /// Measure how fast each engine computes a network on this machine
    Bench(bench::Bench),
}

impl Command {
    /// Does what was asked for.
    pub fn run(&self) -> Result<Answer, Failure> {
        match self {
            Self::Check(check) => check.run(),
            Self::Build(build) => build.run(),
            Self::Report(report) => report.run(),
            Self::Sim(sim) => sim.run(),
            Self::Import(import) => import.run(),
            Self::Predict(predict) => predict.run(),
            Self::Emulator(emulator) => emulator.run(),
            Self::Bench(bench) => bench.run(),
        }
    }

    /// Whether the answer is for a script.
    pub fn json(&self) -> bool {
        match self {
            Self::Check(check) => check.json,
            Self::Build(build) => build.json,
            Self::Report(report) => report.json,
            Self::Sim(sim) => sim.json,
            Self::Import(import) => import.json,
            Self::Predict(predict) => predict.json,
            Self::Emulator(emulator) => emulator.json,
            Self::Bench(bench) => bench.json,
        }
    }
}

/// The path of a `.npy` file to write.
#[derive(Clone, Debug)]
struct NpyPath(PathBuf);

impl FromStr for NpyPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = PathBuf::from(text);
        if path.extension().is_some_and(|extension| extension == "npy") {
            Ok(Self(path))
        } else {
            Err("the file is written in NumPy's format and must be named FILE.npy")
        }
    }
}

/// Files that were written.
#[derive(Default)]
struct Written {
    /// Their names.
    paths: Vec<PathBuf>,
    /// What of the numbers they do not hold exactly.
    warnings: Vec<String>,
}

impl Written {
    /// Gives complete files their names.
    fn finish(files: impl Iterator<Item = NpyFile>) -> Result<Self, Failure> {
        let mut written = Self::default();
        for file in files {
            let path = file.path().to_owned();
            written.warnings.extend(file.finish()?);
            written.paths.push(path);
        }
        Ok(written)
    }

    fn file_names(&self) -> Vec<String> {
        self.paths.iter().map(|path| path.display().to_string()).collect()
    }

    /// What was written, an entry a file.
    fn describe(&self, page: &mut Page) {
        for file in self.file_names() {
            page.entry("written", file);
        }
        for warning in &self.warnings {
            page.say(format!("warning: {warning}"));
        }
    }
}

/// Writes the outputs of samples, in order: one file an output.
fn write_outputs(
    network: &VerifiedNetwork,
    path: &Path,
    samples: &[Vec<Mantissas>],
) -> Result<Written, Failure> {
    let tensors = outputs(network);
    let mut files = Vec::new();
    for (path, tensor) in file_of_each(path, &tensors).iter().zip(&tensors) {
        files.push(NpyFile::create(path, samples.len(), &tensor.shape)?);
    }
    for sample in samples {
        for ((file, source), mantissas) in
            files.iter_mut().zip(&network.network().outputs).zip(sample)
        {
            file.push(network.tensor_type(*source), mantissas)?;
        }
    }
    Written::finish(files.into_iter())
}
