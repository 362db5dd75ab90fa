//! `rtl4ml emulator`: the network as C++, for the software of an experiment.
//!
//! No circuit is built, so a network that cannot be built by this version can be emulated. A folder
//! that rtl4ml has not written is never replaced.

use std::path::PathBuf;

use clap::{Args, value_parser};
use rtl4ml_cpp::{Emulator, ModelVersion, Vectors};
use rtl4ml_sim::vectors::{Random, corners_and_random};
use rtl4ml_verilog::{TextFile, manifest, write_folder};
use serde::Serialize;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::handoff::{MOST_VECTORS, SEED, check_replaceable, reference_outputs};
use crate::overview::describe_network;
use crate::page::Page;
use crate::terminal;

/// The options of `rtl4ml emulator`.
#[derive(Debug, Args)]
pub struct EmulatorOptions {
    /// The spec
    #[arg(value_name = "NETWORK.yaml")]
    spec: PathBuf,
    /// The folder to write, in place of an older one
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// The model's version, of letters, digits and points: with its name, it names everything that is written
    #[arg(long, value_name = "VERSION", default_value = "1")]
    model_version: ModelVersion,
    /// How many vectors to generate for the test: the corners of the input formats, then random ones
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = value_parser!(u64).range(1..=MOST_VECTORS))]
    vectors: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What was written, for scripts.
#[derive(Serialize)]
struct Written<'a> {
    name: &'a str,
    namespace: &'a str,
    header: String,
    vectors: u64,
    files: Vec<&'a str>,
}

impl EmulatorOptions {
    /// Writes the folder.
    pub fn run(&self) -> Result<Answer, Failure> {
        check_replaceable(&self.output)?;
        let spinner = terminal::spinner("writing");
        let loaded = rtl4ml_spec::load(&self.spec)?;
        let network = &loaded.network;
        let emulator = Emulator::new(network, &self.model_version)?;
        let samples = corners_and_random(network, self.vectors as usize, &mut Random::new(SEED));
        let expected = reference_outputs(network, &samples);
        let vectors = Vectors { inputs: &samples, outputs: &expected };
        let mut files: Vec<TextFile> = emulator
            .files(vectors)
            .into_iter()
            .map(|file| TextFile::new(file.path, file.text))
            .collect();
        files.push(manifest(&files));
        // The folder may have come into being meanwhile.
        check_replaceable(&self.output)?;
        write_folder(&self.output, &files)?;
        spinner.finish_and_clear();

        let (folder, namespace) = (self.output.display(), &emulator.name);
        let mut page = Page::default();
        describe_network(&mut page, network);
        page.entry("namespace", namespace);
        page.entry("header", emulator.header_name());
        page.entry("vectors", format!("{}, with the outputs of the reference", self.vectors));
        page.block(format!("Written to {folder}. Next, in that folder:"));
        page.say(format!(
            "  g++ -std=c++17 -O3 -pthread -I. test/test.cpp -o {namespace}_test && ./{namespace}_test test/vectors.txt"
        ));
        page.say("  cmake -S . -B build && cmake --build build && ctest --test-dir build");
        let written = Written {
            name: &network.network().name,
            namespace,
            header: emulator.header_name(),
            vectors: self.vectors,
            files: files.iter().map(|file| file.path.as_str()).collect(),
        };
        Ok(Answer::new(page, &written, Vec::new()))
    }
}
