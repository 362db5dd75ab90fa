//! Very many random samples of the examples: the reference, the emulator, the cycle engine and the
//! C++ header agree in every output.

use std::fs;
use std::process::Command;

use rayon::prelude::*;
use rtl4ml_circuit::protocol::Stimulus;
use rtl4ml_conformance::root;
use rtl4ml_ir::{Network, VerifiedNetwork};
use rtl4ml_sim::emulator::Emulator;
use rtl4ml_sim::reference::{Mantissas, Reference};
use rtl4ml_sim::vectors::{Random, corners_and_random};
use rtl4ml_sim::{CycleProgram, judge_side_by_side};

use super::{FLAGS, emulator, run};

/// The samples that are in memory at a time.
const PIECE: usize = 50_000;

/// A network on every engine, each prepared once.
struct Engines<'a> {
    network: &'a VerifiedNetwork,
    reference: Reference<&'a VerifiedNetwork>,
    emulator: Emulator<&'a VerifiedNetwork>,
    cycle: CycleProgram,
    /// Where the C++ program is.
    folder: tempfile::TempDir,
}

impl<'a> Engines<'a> {
    /// A network with one input and one output.
    fn new(network: &'a VerifiedNetwork) -> Self {
        let circuit = rtl4ml_circuit::build(network).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let header = emulator(network, "1");
        fs::write(folder.path().join(header.header_name()), &header.header).unwrap();
        fs::write(folder.path().join("stream.cpp"), include_str!("stream.cpp")).unwrap();
        let model =
            [format!("-DHEADER=\"{}\"", header.header_name()), format!("-DMODEL={}", header.name)];
        let files = ["-O2", "stream.cpp", "-o", "stream"];
        run(Command::new("g++").args(FLAGS).args(model).args(files).current_dir(&folder));
        Self {
            network,
            reference: Reference::new(network),
            emulator: Emulator::new(network),
            cycle: CycleProgram::new(&circuit).unwrap(),
            folder,
        }
    }

    /// The reference's outputs.
    fn expected(&self, samples: &[Vec<Mantissas>]) -> Vec<Vec<Mantissas>> {
        let outputs = |x: &Vec<Mantissas>| self.reference.evaluate(x).outputs(self.network);
        samples.par_iter().map(outputs).collect()
    }

    /// The header's outputs.
    fn in_cpp(&self, samples: &[Vec<Mantissas>]) -> Vec<Vec<Mantissas>> {
        let bytes = |integer: &i128| i64::try_from(*integer).unwrap().to_ne_bytes();
        let inputs: Vec<u8> = samples.iter().flat_map(|x| &x[0]).flat_map(bytes).collect();
        fs::write(self.folder.path().join("in"), inputs).unwrap();
        run(Command::new("./stream").args(["in", "out"]).current_dir(&self.folder));
        let outputs = fs::read(self.folder.path().join("out")).unwrap();
        let count = self.network.tensor_type(self.network.network().outputs[0]).element_count();
        let integer = |bytes: &[u8]| i64::from_ne_bytes(bytes.try_into().unwrap()).into();
        let tensor = |bytes: &[u8]| vec![bytes.chunks(8).map(integer).collect()];
        outputs.chunks(8 * count).map(tensor).collect()
    }

    /// The engines that do not agree, each with what it has to say.
    fn that_differ(
        &self,
        samples: &[Vec<Mantissas>],
        expected: &[Vec<Mantissas>],
    ) -> Vec<(&'static str, String)> {
        let mut differ = Vec::new();
        let mut compare = |engine, found: &[Vec<Mantissas>]| {
            let pairs = found.iter().zip(expected);
            let others = pairs.filter(|(found, expected)| found != expected).count();
            if others > 0 || found.len() != expected.len() {
                let (of, wanted) = (found.len(), expected.len());
                let text = format!("{others} of {of} samples differ, of {wanted} that were asked");
                differ.push((engine, text));
            }
        };
        compare("emulator", &self.emulator.outputs(samples));
        compare("C++", &self.in_cpp(samples));
        // Without resets and gaps, so that every sample has an output.
        let stimulus = Stimulus::back_to_back(samples.iter().cloned());
        match judge_side_by_side(&self.cycle, &stimulus, expected, |_| {}) {
            Ok(judgement) => {
                let outputs = judgement.outputs.into_iter().map(Option::unwrap_or_default);
                compare("cycle", &outputs.collect::<Vec<_>>());
            }
            Err(mismatch) => differ.push(("cycle", mismatch.to_string())),
        }
        differ
    }
}

fn example(name: &str) -> VerifiedNetwork {
    let spec = root().join("examples").join(name).join("network.yaml");
    rtl4ml_spec::load(&spec).unwrap().network
}

/// Holds the engines against the reference, piece by piece.
fn assert_agreement(network: &VerifiedNetwork, count: usize) {
    let engines = Engines::new(network);
    let Network { name, .. } = network.network();
    let mut random = Random::new(11);
    for first in (0..count).step_by(PIECE) {
        let samples = corners_and_random(network, PIECE.min(count - first), &mut random);
        let differ = engines.that_differ(&samples, &engines.expected(&samples));
        assert!(differ.is_empty(), "{name}, samples from {first}: {differ:#?}");
    }
    println!("{name}: {count} samples are equal on the reference and three engines");
}

#[test]
fn some_thousand_samples_agree_and_a_wrong_one_is_found_on_every_engine() {
    let network = example("jet_tagger");
    let engines = Engines::new(&network);
    let samples = corners_and_random(&network, 3000, &mut Random::new(7));
    let mut expected = engines.expected(&samples);
    assert_eq!(engines.that_differ(&samples, &expected), []);
    expected[2345][0][4] ^= 1;
    let engines = engines.that_differ(&samples, &expected).into_iter().map(|(engine, _)| engine);
    assert_eq!(engines.collect::<Vec<_>>(), ["emulator", "C++", "cycle"]);
}

#[test]
#[ignore = "heavy: a million jets on four engines take a minute; ./test.sh --heavy runs it"]
fn a_million_jets_agree() {
    assert_agreement(&example("jet_tagger"), 1_000_000);
}

#[test]
#[ignore = "heavy: a million images on four engines take minutes; ./test.sh --heavy runs it"]
fn a_million_digits_agree() {
    assert_agreement(&example("digits_cnn"), 1_000_000);
}
