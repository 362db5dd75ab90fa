//! The command line: the program `rtl4ml`.
//!
//! What it guarantees:
//! - its exit status is 0 only when everything that was asked for holds; 1 after a mistake in the
//!   input or a mismatch, 2 after a mistake on the command line;
//! - standard output holds what was asked for and nothing else: text for people or, with
//!   `--json`, one object, which has the key `errors` exactly when the exit status is 1;
//! - progress goes to standard error, and only where that is a terminal;
//! - a file or a folder that was asked for is complete or not there.
//!
//! A command computes an `Answer` or a [`Failure`](crate::Failure) and prints
//! nothing; `answer::tell` is the only place that does.

use std::process::ExitCode;

use clap::Parser;

use crate::{answer, commands};

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

/// Does what the process' arguments ask for.
pub fn run() -> ExitCode {
    let CommandLine { command } = CommandLine::parse();
    answer::tell(command.run(), command.json())
}
