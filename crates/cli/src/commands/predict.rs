//! `rtl4ml predict`: the network's exact outputs, by the reference alone.
//!
//! No circuit is built, so a network that cannot be built by this version can be predicted.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use rtl4ml_ir::Source;
use rtl4ml_sim::reference::{Mantissas, evaluate};
use serde::Serialize;

use crate::answer::Answer;
use crate::commands::{NpyPath, Written};
use crate::expected::Expected;
use crate::failure::Failure;
use crate::npy_file::{NpyFile, create_folder, numbers};
use crate::page::{Page, samples_text};
use crate::samples::{Cast, Samples};
use crate::tensor_files::{file_of_each, outputs};
use crate::terminal;

/// The options of `rtl4ml predict`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("result").args(["output", "trace", "expect"]).required(true).multiple(true))]
pub struct Predict {
    /// The spec
    #[arg(value_name = "NETWORK.yaml")]
    spec: PathBuf,
    /// Samples, [N, ...input shape]: FILE.npy or FILE.npz:KEY; with several inputs NAME=FILE for each
    #[arg(long, value_name = "FILE.npy", required = true)]
    input: Vec<String>,
    /// Write the outputs, [N, ...output shape]; with several outputs FILE.NAME.npy each
    #[arg(long, value_name = "FILE.npy")]
    output: Option<NpyPath>,
    /// Write what each layer computes into DIR/LAYER.npy
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
    /// Compare with these outputs, which must be equal; with several outputs NAME=FILE for each
    #[arg(long, value_name = "FILE.npy")]
    expect: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What was computed, for scripts.
#[derive(Serialize)]
struct Predicted<'a> {
    name: &'a str,
    samples: usize,
    inputs: &'a [Cast],
    outputs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differ: Option<usize>,
    warnings: &'a [String],
}

impl Predict {
    /// Evaluates all samples, writes and compares what was asked for.
    pub fn run(&self) -> Result<Answer, Failure> {
        let loaded = rtl4ml_spec::load(&self.spec)?;
        let network = &loaded.network;
        let samples = Samples::read(network, &self.input, None)?;
        let count = samples.count;
        let mut expected = match self.expect.as_slice() {
            [] => None,
            files => Some(Expected::read(network, files, count)?),
        };
        let mut files = self.files(network, count)?;
        let bar = terminal::progress_bar("predicting", count);
        for (index, sample) in samples.iter().enumerate() {
            let evaluation = evaluate(network, &sample);
            for (source, file) in &mut files {
                file.push(network.tensor_type(*source), evaluation.tensor(*source))?;
            }
            if let Some(expected) = &mut expected {
                for (output, source) in network.network().outputs.iter().enumerate() {
                    let mantissas: &Mantissas = evaluation.tensor(*source);
                    let found = numbers(network.tensor_type(*source), mantissas);
                    expected.compare(index, output, &found);
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        let written = Written::finish(files.into_iter().map(|(_, file)| file))?;

        let name = &network.network().name;
        let mut page = Page::default();
        page.entry("network", name);
        page.entry("samples", samples_text(count));
        for line in samples.texts() {
            page.entry("", line);
        }
        written.describe(&mut page);
        let counts = expected.as_ref().map(Expected::counts);
        if let Some((differ, compared)) = counts {
            page.say(format!("{differ} of {compared} outputs differ"));
        }
        let predicted = Predicted {
            name,
            samples: count,
            inputs: &samples.casts,
            outputs: written.file_names(),
            compared: counts.map(|(_, compared)| compared),
            differ: counts.map(|(differ, _)| differ),
            warnings: &written.warnings,
        };
        let failures = expected.and_then(|expected| expected.failure()).into_iter().collect();
        Ok(Answer::new(page, &predicted, failures))
    }

    /// The files to write, and the tensor that each one takes.
    fn files(
        &self,
        verified: &rtl4ml_ir::VerifiedNetwork,
        count: usize,
    ) -> Result<Vec<(Source, NpyFile)>, Failure> {
        let network = verified.network();
        let mut files = Vec::new();
        if let Some(NpyPath(path)) = &self.output {
            let tensors = outputs(verified);
            let paths = file_of_each(path, &tensors);
            for ((source, tensor), path) in network.outputs.iter().zip(&tensors).zip(&paths) {
                files.push((*source, NpyFile::create(path, count, &tensor.shape)?));
            }
        }
        if let Some(folder) = &self.trace {
            create_folder(folder)?;
            for (id, layer) in network.layers_with_ids() {
                let path = folder.join(format!("{}.npy", layer.name));
                let source = Source::Layer(id);
                let shape = verified.tensor_type(source).shape.extents();
                files.push((source, NpyFile::create(&path, count, shape)?));
            }
        }
        Ok(files)
    }
}
