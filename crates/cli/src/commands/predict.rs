//! `rtl4ml predict`: the network's exact outputs, by the emulator or the reference.
//!
//! No circuit is built, so a network that cannot be built by this version can be predicted. Inputs
//! and outputs pass in pieces: memory does not grow with the number of samples.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgGroup, Args, ValueEnum, value_parser};
use rayon::prelude::*;
use rtl4ml_ir::{Source, VerifiedNetwork};
use rtl4ml_sim::emulator::{Counters, Emulation, Emulator};
use rtl4ml_sim::reference::{Mantissas, Reference};
use serde::Serialize;

use crate::answer::Answer;
use crate::commands::{NpyPath, Written};
use crate::expected::Expected;
use crate::failure::Failure;
use crate::histogram;
use crate::npy_file::{NpyFile, create_folder};
use crate::numbers::{numbers, samples_together};
use crate::page::{Page, samples_text};
use crate::ranges::{self, LayerRanges};
use crate::samples::Cast;
use crate::tensor_files::{INPUTS, file_of_each, open};
use crate::tensors::{inputs, outputs};
use crate::terminal;
use crate::threads::on_threads;

/// The options of `rtl4ml predict`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("result").args(["output", "trace", "expect", "ranges", "histograms"]).required(true).multiple(true))]
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
    /// Tell which elements of which layers leave the range of their types, and what would hold them
    #[arg(long)]
    ranges: bool,
    /// Write where each layer's numbers lie in their format into DIR/LAYER.svg
    #[arg(long, value_name = "DIR")]
    histograms: Option<PathBuf>,
    /// What computes the network
    #[arg(long, value_enum, default_value_t = Computer::Emulator)]
    engine: Computer,
    /// How many threads to use [default: all processors]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Compare with these outputs, which must be equal; with several outputs NAME=FILE for each
    #[arg(long, value_name = "FILE.npy")]
    expect: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What can compute a network without its circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Computer {
    /// Many samples at a time, on all processors
    Emulator,
    /// The oracle: one element after the other, straight from each layer's definition
    Reference,
}

/// What was computed, for scripts.
#[derive(Serialize)]
struct Predicted<'a> {
    name: &'a str,
    samples: usize,
    inputs: &'a [Cast],
    outputs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ranges: Option<Vec<LayerRanges>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differ: Option<usize>,
    warnings: &'a [String],
}

/// An engine that is ready.
enum Engine<'n> {
    Emulator(Emulator<&'n VerifiedNetwork>),
    Reference(Reference<&'n VerifiedNetwork>),
}

impl<'n> Engine<'n> {
    fn new(computer: Computer, network: &'n VerifiedNetwork) -> Self {
        match computer {
            Computer::Emulator => Self::Emulator(Emulator::new(network)),
            Computer::Reference => Self::Reference(Reference::new(network)),
        }
    }

    /// Computes samples; of each tensor `wanted` the integers, sample after sample.
    fn run(
        &self,
        inputs: &[Mantissas],
        samples: usize,
        wanted: &[Source],
        counting: bool,
    ) -> Emulation {
        let reference = match self {
            Self::Emulator(emulator) => return emulator.run(inputs, samples, wanted, counting),
            Self::Reference(reference) => reference,
        };
        let evaluate = |sample: usize| {
            let own = |input: &Mantissas| {
                let elements = input.len() / samples;
                input[sample * elements..][..elements].to_vec()
            };
            let evaluation = reference.evaluate(&inputs.iter().map(own).collect::<Vec<_>>());
            wanted.iter().map(|source| evaluation.tensor(*source).clone()).collect::<Vec<_>>()
        };
        let found: Vec<Vec<Mantissas>> = (0..samples).into_par_iter().map(evaluate).collect();
        let tensor = |index: usize| found.iter().flat_map(|f| f[index].iter().copied()).collect();
        Emulation { tensors: (0..wanted.len()).map(tensor).collect(), counters: Vec::new() }
    }
}

impl Predict {
    /// Evaluates all samples, writes and compares what was asked for.
    pub fn run(&self) -> Result<Answer, Failure> {
        if self.engine == Computer::Reference && self.counting() {
            let message = "`--ranges` and `--histograms` are options of the engine emulator";
            let mut predict = Self::augment_args(clap::Command::new("rtl4ml predict"));
            return Err(Failure::Usage(predict.error(ErrorKind::ArgumentConflict, message)));
        }
        on_threads(self.threads, || self.predict())?
    }

    fn counting(&self) -> bool {
        self.ranges || self.histograms.is_some()
    }

    fn predict(&self) -> Result<Answer, Failure> {
        let loaded = rtl4ml_spec::load(&self.spec)?;
        let network = &loaded.network;
        let graph = network.network();
        let mut rows = open(&self.input, &inputs(network), INPUTS)?;
        let count = rows.first().map_or(0, |rows| rows.count);
        let files_of = rows.iter().map(|rows| rows.file.clone());
        let mut casts: Vec<Cast> =
            graph.inputs.iter().zip(files_of).map(|(input, file)| Cast::new(input, file)).collect();
        let mut expected = match self.expect.as_slice() {
            [] => None,
            files => Some(Expected::open(network, files, count)?),
        };
        let mut files = self.files(network, count)?;
        let wanted: Vec<Source> =
            files.iter().map(|(source, _)| *source).chain(graph.outputs.iter().copied()).collect();
        let engine = Engine::new(self.engine, network);
        let mut counters: Option<Vec<Counters>> = None;
        let bar = terminal::progress_bar("predicting", count);
        let together = samples_together(network, &wanted);
        for first in (0..count).step_by(together) {
            let samples = together.min(count - first);
            let mut mantissas = Vec::new();
            for ((rows, cast), input) in rows.iter_mut().zip(&mut casts).zip(&graph.inputs) {
                let numbers = rows.take(samples)?;
                mantissas.push(cast.apply(&input.types, numbers.len() / samples, &numbers)?);
            }
            let Emulation { tensors, counters: own } =
                engine.run(&mantissas, samples, &wanted, self.counting());
            match &mut counters {
                None => counters = Some(own),
                Some(all) => all.iter_mut().zip(&own).for_each(|(all, own)| all.add(own)),
            }
            for ((source, file), tensor) in files.iter_mut().zip(&tensors) {
                let ty = network.tensor_type(*source);
                tensor.chunks(ty.element_count()).try_for_each(|sample| file.push(ty, sample))?;
            }
            if let Some(expected) = &mut expected {
                expected.next_piece(first, samples)?;
                let outputs = graph.outputs.iter().zip(&tensors[files.len()..]);
                for (output, (source, tensor)) in outputs.enumerate() {
                    let ty = network.tensor_type(*source);
                    for (sample, found) in tensor.chunks(ty.element_count()).enumerate() {
                        expected.compare(first + sample, output, &numbers(ty, found));
                    }
                }
            }
            bar.inc(samples as u64);
        }
        bar.finish_and_clear();
        let mut written = Written::finish(files.into_iter().map(|(_, file)| file))?;
        let counters = counters.filter(|_| self.counting()).unwrap_or_default();
        if let Some(folder) = &self.histograms {
            create_folder(folder)?;
            for (layer, counters) in counters.iter().enumerate() {
                let (path, text) = histogram::of_layer(network, layer, counters, folder);
                std::fs::write(&path, text)
                    .map_err(|source| Failure::Write { path: path.clone(), source })?;
                written.paths.push(path);
            }
        }
        let ranges = self.ranges.then(|| ranges::of_layers(network, &counters));

        let name = &network.network().name;
        let mut page = Page::default();
        page.entry("network", name);
        page.entry("samples", samples_text(count));
        for cast in &casts {
            page.entry("", cast.text());
        }
        written.describe(&mut page);
        if let Some(ranges) = &ranges {
            ranges::describe(ranges, count, &mut page);
        }
        let counts = expected.as_ref().map(Expected::counts);
        if let Some((differ, compared)) = counts {
            page.say(format!("{differ} of {compared} outputs differ"));
        }
        let predicted = Predicted {
            name,
            samples: count,
            inputs: &casts,
            outputs: written.file_names(),
            ranges,
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
        verified: &VerifiedNetwork,
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
