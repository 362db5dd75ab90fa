//! `rtl4ml`: from a network's spec to proven Verilog, on the command line.
//!
//! What this program guarantees:
//! - its exit status is 0 only when everything that was asked for holds; 1 after a mistake in the
//!   input or a mismatch, 2 after a mistake on the command line;
//! - standard output holds what was asked for and nothing else: text for people or, with
//!   `--json`, one object, which has the key `errors` exactly when the exit status is 1;
//! - progress goes to standard error, and only where that is a terminal;
//! - a file or a folder that was asked for is complete or not there.
//!
//! A command computes an [`Answer`](answer::Answer) or a [`Failure`](failure::Failure) and prints
//! nothing; [`answer::tell`] is the only place that does.

mod agreement;
mod answer;
mod calibration;
mod choices;
mod commands;
mod engine;
mod expected;
mod failure;
mod histogram;
mod layer_table;
mod npy_file;
mod overview;
mod page;
mod plot;
mod ranges;
mod samples;
mod scan;
mod svg;
mod tensor_files;
mod terminal;
mod waves;

use std::process::ExitCode;

use clap::Parser;

/// A circuit is hundreds of thousands of small lists, for which the system's allocator takes a
/// fifth of the time of `build`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Synthesizable, proven RTL for real-time machine learning, from a YAML spec and its weights.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
struct CommandLine {
    #[command(subcommand)]
    command: commands::Command,
}

const AFTER_HELP: &str = "\
A first network:
  rtl4ml import model.onnx -o network           a spec and weights from a trained model
  rtl4ml check network.yaml                    what it is, and its latency
  rtl4ml build network.yaml                    a folder of proven Verilog in rtl-out/

Exit status: 0 when everything asked for holds; 1 when the input is wrong or something does not
match; 2 when the command line is wrong.";

fn main() -> ExitCode {
    let CommandLine { command } = CommandLine::parse();
    answer::tell(command.run(), command.json())
}
