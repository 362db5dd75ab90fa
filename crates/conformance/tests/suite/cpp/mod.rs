//! The C++ emulators against the reference: of every testbench and of random networks, compiled into
//! one program; numbers at their inputs; shared libraries of several models in one process; and very
//! many samples of the examples.
//!
//! `g++` compiles with all warnings as errors. A missing compiler fails the suite.

mod agreement;
mod libraries;
mod networks;
mod numbers;

use std::process::Command;

use rtl4ml_cpp::{Emulator, Vectors};
use rtl4ml_ir::VerifiedNetwork;
use rtl4ml_sim::reference::{Mantissas, Reference};
use rtl4ml_sim::vectors::{Random, corners_and_random};

/// Vectors of each network.
const SAMPLES: usize = 40;

const FLAGS: &[&str] = &["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"];

/// Runs a command that must succeed, and gives what it prints.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}:\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn emulator(network: &VerifiedNetwork, version: &str) -> Emulator {
    let name = &network.network().name;
    Emulator::new(network, &version.parse().unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Samples with the reference's outputs.
struct Expected {
    inputs: Vec<Vec<Mantissas>>,
    outputs: Vec<Vec<Mantissas>>,
}

impl Expected {
    fn new(network: &VerifiedNetwork, samples: usize, seed: u64) -> Self {
        let inputs = corners_and_random(network, samples, &mut Random::new(seed));
        let reference = Reference::new(network);
        let outputs = inputs.iter().map(|x| reference.evaluate(x).outputs(network)).collect();
        Self { inputs, outputs }
    }

    fn vectors(&self) -> Vectors<'_> {
        Vectors { inputs: &self.inputs, outputs: &self.outputs }
    }
}
