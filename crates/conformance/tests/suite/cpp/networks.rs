//! The headers of many networks in one program, which compares each with the reference.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rtl4ml_conformance::random::functions::op;
use rtl4ml_conformance::random::{images, values, verified};
use rtl4ml_conformance::root;
use rtl4ml_ir::{Constant, Dense, Network, Quantize, ResultType, Types, VerifiedNetwork, verify};

use super::{Expected, FLAGS, SAMPLES, emulator, run};

/// One program that runs the headers of many networks on vectors.
struct Program {
    folder: tempfile::TempDir,
    includes: String,
    calls: String,
    count: usize,
}

impl Program {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, includes: String::new(), calls: String::new(), count: 0 }
    }

    /// Adds a network under a name of its own.
    fn add(&mut self, mut network: Network, samples: usize) {
        let number = self.count;
        network.name = format!("{}_{number}", network.name);
        self.count += 1;
        let network = verify(network).unwrap();
        let emulator = emulator(&network, "1");
        let expected = Expected::new(&network, samples, number as u64);
        let folder = self.folder.path();
        for file in emulator.files(expected.vectors()) {
            if file.path == emulator.header_name() {
                fs::write(folder.join(file.path), file.text).unwrap();
            } else if file.path == "test/vectors.txt" {
                fs::write(folder.join(format!("{}.txt", emulator.name)), file.text).unwrap();
            }
        }
        let (name, graph) = (&emulator.name, network.network());
        let inputs = (0..graph.inputs.len()).map(|index| format!("x[{index}].data()"));
        let outputs = (0..graph.outputs.len()).map(|index| format!("y[{index}].data()"));
        let arguments = inputs.chain(outputs).collect::<Vec<_>>().join(", ");
        writeln!(self.includes, "#include \"{}\"", emulator.header_name()).unwrap();
        writeln!(
            self.calls,
            "  failed += compare<{name}::Emulator>(\"{name}\", [](auto& e, auto& x, auto& y) {{ e.predict_raw({arguments}); }});"
        )
        .unwrap();
    }

    /// Compiles and runs it; gives how many integers were compared.
    fn run(self) -> usize {
        let Self { folder, includes, calls, .. } = self;
        fs::write(folder.path().join("compare.hpp"), include_str!("compare.hpp")).unwrap();
        let text = format!(
            "{includes}#include \"compare.hpp\"\nint main() {{\n  int failed = 0;\n{calls}  std::printf(\"%zu\\n\", all);\n  return failed != 0;\n}}\n"
        );
        fs::write(folder.path().join("all.cpp"), text).unwrap();
        run(Command::new("g++").args(FLAGS).args(["all.cpp", "-o", "all"]).current_dir(&folder));
        let printed = run(Command::new("./all").current_dir(&folder));
        printed.trim().parse().unwrap()
    }
}

/// So many networks, the same ones every time.
fn draw<T>(seed: u8, count: usize, networks: &impl Strategy<Value = T>) -> Vec<T> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count).map(|_| networks.new_tree(&mut runner).unwrap().current()).collect()
}

fn specs() -> Vec<PathBuf> {
    let folders = fs::read_dir(root().join("testbenches")).unwrap();
    let specs = folders.map(|folder| folder.unwrap().path().join("network.yaml"));
    let mut specs: Vec<PathBuf> = specs.filter(|spec| spec.exists()).collect();
    specs.sort();
    specs
}

#[test]
fn every_testbench_is_equal_in_cpp() {
    let mut program = Program::new();
    let specs = specs();
    assert!(specs.len() >= 140, "only {} testbenches were found", specs.len());
    for spec in specs {
        program.add(rtl4ml_spec::load(&spec).unwrap().network.network().clone(), SAMPLES);
    }
    println!("{} integers are equal", program.run());
}

/// An activation, a function by a table, a softmax or an argmax, on one grid or on several.
fn functions() -> impl Strategy<Value = Network> {
    let before = proptest::option::weighted(0.4, (values::fixed_type(), values::fixed_type()));
    let shape = select(vec![vec![4usize], vec![2, 4]]);
    (shape, values::fixed_type(), before, op()).prop_map(|(shape, ty, before, op)| {
        let mut network = Network::new("functions");
        let count: usize = shape.iter().product();
        let mut x = network.input("x", shape, ty);
        if let Some((a, b)) = before {
            let types = (0..count).map(|i| if i % 3 == 1 { b } else { a });
            let result = Types::PerElement(types.collect());
            x = network.layer("before", Quantize { result }, [x]);
        }
        let y = network.layer("y", op, [x]);
        network.outputs = vec![y];
        network
    })
}

/// Two dense layers with accumulators of any type, each element of the input of its own.
fn matrices() -> impl Strategy<Value = Network> {
    let types = || {
        let accum = proptest::option::weighted(0.6, values::fixed_type());
        (values::fixed_type(), accum, proptest::option::of(values::fixed_type()))
    };
    let inputs = proptest::collection::vec(values::fixed_type(), 6);
    (inputs, values::weights(), types(), types()).prop_map(|(inputs, weights, first, second)| {
        let mut network = Network::new("matrices");
        let mut x = network.input("x", [6], Types::PerElement(inputs));
        for (index, (ty, accum, result)) in [first, second].into_iter().enumerate() {
            let (n_in, n_out) = [(6, 4), (4, 3)][index];
            let numbers: Vec<f64> = weights.iter().map(|w| f64::from(*w) / 4.0).collect();
            let constant = |extents: &[usize], numbers: &[f64]| {
                Constant::quantize(extents, numbers, ty).unwrap()
            };
            let weight = constant(&[n_in, n_out], &numbers[index * 24..][..n_in * n_out]);
            let mut dense = Dense::new(weight, Some(constant(&[n_out], &numbers[40..][..n_out])));
            dense.kernel.accum = accum;
            dense.result = result.map_or(ResultType::Auto, ResultType::from);
            x = network.layer(format!("dense{index}"), dense, [x]);
        }
        network.outputs = vec![x];
        network
    })
}

#[test]
fn random_networks_are_equal_in_cpp() {
    let mut program = Program::new();
    let mut add = |networks: Vec<VerifiedNetwork>| {
        for network in networks {
            program.add(network.network().clone(), SAMPLES);
        }
    };
    add(draw(3, 40, &verified(functions())));
    add(draw(4, 30, &verified(matrices())));
    add(draw(5, 25, &verified(images::network())));
    println!("{} integers are equal", program.run());
}
