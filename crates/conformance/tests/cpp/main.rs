//! The C++ emulators of every testbench and of random networks, compiled into one program, against
//! the reference; and shared libraries of several models in one process.
//!
//! `g++` compiles with all warnings as errors. A missing compiler fails the suite.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

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
use rtl4ml_cpp::{Emulator, Vectors};
use rtl4ml_ir::{
    Constant, Dense, FixedType, Format, Network, Overflow, Quantize, Reshape, ResultType, Rounding,
    Types, VerifiedNetwork, verify,
};
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

fn specs() -> Vec<PathBuf> {
    let folders = fs::read_dir(root().join("testbenches")).unwrap();
    let specs = folders.map(|folder| folder.unwrap().path().join("network.yaml"));
    let mut specs: Vec<PathBuf> = specs.filter(|spec| spec.exists()).collect();
    specs.sort();
    specs
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

/// One program that runs the headers of many networks on vectors.
struct Program {
    folder: tempfile::TempDir,
    includes: String,
    calls: String,
    count: usize,
}

/// Reads a vectors' file and compares an emulator with it.
const COMPARE: &str = r#"
#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

template <class P> void read(std::ifstream& file, const P& ports, std::vector<std::vector<std::int64_t>>& tensors) {
  tensors.clear();
  for (const auto& port : ports) {
    tensors.emplace_back(port.size);
    for (std::int64_t& integer : tensors.back()) file >> integer;
  }
}

static std::size_t all = 0;

template <class E, class F> int compare(const char* name, F predict) {
  std::ifstream file(std::string(name) + ".txt");
  std::size_t count = 0, differ = 0;
  file >> count;
  const E emulator;
  for (std::size_t sample = 0; sample < count; ++sample) {
    std::vector<std::vector<std::int64_t>> in, expected;
    read(file, E::inputs, in);
    read(file, E::outputs, expected);
    auto found = expected;
    for (auto& tensor : found) for (std::int64_t& integer : tensor) integer = ~integer;
    predict(emulator, in, found);
    for (std::size_t port = 0; port < found.size(); ++port)
      for (std::size_t i = 0; i < found[port].size(); ++i) {
        ++all;
        differ += found[port][i] != expected[port][i];
      }
  }
  if (differ > 0 || count == 0 || !file) std::printf("%s: %zu of %zu vectors' integers differ\n", name, differ, count);
  return differ > 0 || count == 0 || !file;
}
"#;

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
        let text = format!(
            "{includes}#include <string>\n{COMPARE}\nint main() {{\n  int failed = 0;\n{calls}  std::printf(\"%zu\\n\", all);\n  return failed != 0;\n}}\n"
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

/// Casts of numbers to every sort of type, and what is refused.
const NUMBERS: &str = r#"
#include "numbers_v1.hpp"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <vector>

template <class F> bool refuses(F f) {
  try { f(); } catch (const std::invalid_argument&) { return true; }
  return false;
}

int main() {
  const numbers_v1::Emulator emulator;
  const std::size_t size = numbers_v1::Emulator::inputs[0].size;
  std::ifstream file("numbers.txt");
  std::vector<double> x(size), expected(size), y(size);
  const auto read = [&](std::vector<double>& tensor) {
    for (double& number : tensor) {
      std::uint64_t bits;
      if (!(file >> bits)) return false;
      std::memcpy(&number, &bits, 8);
    }
    return true;
  };
  std::size_t differ = 0, count = 0;
  while (read(x) && read(expected)) {
    emulator.predict(x.data(), y.data());
    for (std::size_t i = 0; i < size; ++i) {
      if (y[i] != expected[i]) std::printf("element %zu: %a became %a, not %a\n", i, x[i], y[i], expected[i]);
      differ += y[i] != expected[i];
      ++count;
    }
  }
  for (double bad : {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
    x.assign(size, 0.0);
    x[1] = bad;
    if (!refuses([&] { emulator.predict(x.data(), y.data()); })) return 3;
  }
  std::vector<std::int64_t> raw(size), out(size);
  emulator.predict_raw(raw.data(), out.data());
  raw[0] = 1 << 20;  // The first type has eight bits.
  if (!refuses([&] { emulator.predict_raw(raw.data(), out.data()); })) return 4;
  std::printf("%zu\n", count);
  return differ != 0;
}
"#;

#[test]
fn numbers_are_cast_to_the_types_of_the_inputs_in_cpp() {
    let mut types: Vec<FixedType> = Vec::new();
    for format in [
        Format::signed(8, 3),
        Format::unsigned(8, 3),
        Format::signed(64, 20),
        Format::unsigned(64, 64),
        Format::signed(12, 40),
        Format::unsigned(5, -30),
        Format::unsigned(0, 0),
        Format::signed(1, 1),
    ] {
        for rounding in Rounding::ALL {
            let modes = Overflow::ALL.map(|o| FixedType::new(format).with_modes(rounding, o));
            types.extend(modes);
        }
    }
    let mut network = Network::new("numbers");
    let x = network.input("x", [types.len()], Types::PerElement(types.clone()));
    let y = network.layer("y", Reshape::Flatten, [x]);
    network.outputs = vec![y];
    let emulator = emulator(&verify(network).unwrap(), "1");

    let mut random = Random::new(3);
    let mut numbers = vec![0.0, -0.0, 5e-324, -5e-324, 1.5e300, -1.5e300, 0.5, -0.5, 255.0, -256.0];
    // Halves and quarters of steps, and numbers of any size.
    numbers.extend((-40..40).map(|quarters| f64::from(quarters) / 128.0));
    numbers.extend((0..100).map(|_| {
        let exponent = random.below(160) as i32 - 90;
        (random.bits() as i64) as f64 * 2f64.powi(exponent)
    }));
    let bits = |number: f64| format!("{} ", number.to_bits());
    let mut text = String::new();
    for number in &numbers {
        text += &bits(*number).repeat(types.len());
        for ty in &types {
            // The sign of a zero is lost in a fixed-point type.
            let cast = ty.format.to_f64(ty.from_f64(*number).unwrap()) + 0.0;
            text += &bits(cast);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("numbers.txt"), text).unwrap();
    fs::write(folder.path().join("numbers_v1.hpp"), &emulator.header).unwrap();
    fs::write(folder.path().join("main.cpp"), NUMBERS).unwrap();
    run(Command::new("g++").args(FLAGS).args(["main.cpp", "-o", "main"]).current_dir(&folder));
    let printed = run(Command::new("./main").current_dir(&folder));
    assert_eq!(printed.trim(), (numbers.len() * types.len()).to_string());
}

/// A network whose result depends on its weights.
fn twin(name: &str, weight: f64) -> VerifiedNetwork {
    let ty: FixedType = "fixed<8,4>".parse().unwrap();
    let mut network = Network::new(name);
    let x = network.input("x", [3], ty);
    let numbers: Vec<f64> = (0..12).map(|i| weight * f64::from(i % 5 - 2)).collect();
    let dense = Dense::new(Constant::quantize([3, 4], &numbers, ty).unwrap(), None);
    let y = network.layer("fc", dense, [x]);
    network.outputs = vec![y];
    verify(network).unwrap()
}

/// Loads libraries into one process, with their symbols for all to see, and runs each in threads.
const LOADER: &str = r#"
#include HEADER

#include <atomic>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  std::atomic<int> differ{0}, compared{0};
  std::vector<std::thread> threads;
  std::vector<const rtl4ml_emulator*> emulators;
  std::vector<void*> libraries;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i], folder = "./" + name + "/";
    libraries.push_back(dlopen((folder + "lib.so").c_str(), RTLD_NOW | RTLD_GLOBAL));
    if (libraries.back() == nullptr) { std::printf("%s\n", dlerror()); return 2; }
    void* symbol = dlsym(libraries.back(), (name + "_create").c_str());
    if (symbol == nullptr) { std::printf("%s\n", dlerror()); return 3; }
    emulators.push_back(reinterpret_cast<const rtl4ml_emulator* (*)()>(symbol)());
    const rtl4ml_emulator* emulator = emulators.back();
    std::string version = emulator->version;
    for (char& letter : version) if (letter == '.') letter = '_';
    if (emulator->interface != 1 || std::string(emulator->name) + "_v" + version != name) return 4;
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([emulator, folder, &differ, &compared] {
        for (int again = 0; again < 50; ++again) {
          std::ifstream file(folder + "test/vectors.txt");
          int count = 0;
          file >> count;
          std::vector<std::int64_t> x(emulator->inputs[0].size), y(emulator->outputs[0].size);
          const std::int64_t* const in[] = {x.data()};
          std::int64_t* const out[] = {y.data()};
          while (count-- > 0) {
            for (auto& integer : x) file >> integer;
            if (emulator->predict_raw(emulator, in, out) != 0) ++differ;
            for (auto found : y) {
              std::int64_t expected = 0;
              file >> expected;
              ++compared;
              differ += found != expected;
            }
          }
          if (!file) ++differ;
        }
      });
    }
  }
  for (auto& thread : threads) thread.join();
  // A number that is not finite is told, not thrown.
  double x[8] = {0.0 / std::strtod("0", nullptr)}, y[8];
  const double* const in[] = {x};
  double* const out[] = {y};
  if (emulators[0]->predict(emulators[0], in, out) != 1) return 5;
  for (std::size_t i = 0; i < libraries.size(); ++i) {
    void* symbol = dlsym(libraries[i], (std::string(argv[i + 1]) + "_destroy").c_str());
    reinterpret_cast<void (*)(const rtl4ml_emulator*)>(symbol)(emulators[i]);
  }
  std::printf("%d\n", compared.load());
  return differ != 0;
}
"#;

/// Two models, and two versions of one, in one process; each library shows two symbols.
#[test]
fn models_and_versions_live_in_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let models =
        [(twin("jets", 0.5), "1.0"), (twin("jets", -0.75), "1.1"), (twin("taus", 1.25), "1.0")];
    let mut names = Vec::new();
    for (network, version) in &models {
        let emulator = emulator(network, version);
        let own = folder.path().join(&emulator.name);
        for file in emulator.files(Expected::new(network, SAMPLES, 1).vectors()) {
            let path = own.join(file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file.text).unwrap();
        }
        // Without optimisation nothing is inlined: every function that could be seen is there.
        let compile = ["-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
        let link = ["-fvisibility=hidden", "-Wl,--version-script=exports.map", "-o", "lib.so"];
        let source = format!("{}.cpp", emulator.name);
        run(Command::new("g++").args(compile).args(link).arg(source).current_dir(&own));
        let symbols =
            run(Command::new("nm").args(["-D", "--defined-only", "lib.so"]).current_dir(&own));
        let symbols: Vec<&str> =
            symbols.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
        let wanted = ["create", "destroy"].map(|word| format!("{}_{word}", emulator.name));
        assert_eq!(symbols, wanted);
        names.push(emulator.name);
    }
    assert_eq!(names, ["jets_v1_0", "jets_v1_1", "taus_v1_0"]);
    fs::write(folder.path().join("loader.cpp"), LOADER).unwrap();
    let header = format!("-DHEADER=\"{0}/{0}.h\"", names[0]);
    let rest = ["-pthread", "loader.cpp", "-o", "loader", "-ldl"];
    run(Command::new("g++").args(FLAGS).arg(header).args(rest).current_dir(&folder));
    let printed = run(Command::new("./loader").args(&names).current_dir(&folder));
    let compared = 3 * 3 * 50 * SAMPLES * 4;
    assert_eq!(printed.trim(), compared.to_string());
}

/// Somebody has trained again and not counted: two headers of one name and version, in two parts of a
/// program, are two namespaces, and the linker never takes one for the other.
#[test]
fn two_contents_of_one_version_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let sources = [("old", 1.0), ("new", -1.0)];
    for (word, weight) in sources {
        fs::create_dir(folder.path().join(word)).unwrap();
        let header = emulator(&twin("jets", weight), "1").header;
        fs::write(folder.path().join(word).join("jets_v1.hpp"), header).unwrap();
        let text = format!(
            "#include \"{word}/jets_v1.hpp\"\nlong {word}_result() {{\n  const std::int64_t x[3] = {{16, 0, 0}};\n  std::int64_t y[4];\n  jets_v1::Emulator().predict_raw(x, y);\n  return static_cast<long>(y[0]);\n}}\n"
        );
        fs::write(folder.path().join(format!("{word}.cpp")), text).unwrap();
    }
    let main = "#include <cstdio>\nlong old_result();\nlong new_result();\nint main() { std::printf(\"%ld\", old_result() + new_result()); return old_result() == 0; }\n";
    fs::write(folder.path().join("main.cpp"), main).unwrap();
    // Without optimisation, so that the linker has something to choose from.
    let files = ["-std=c++17", "-O0", "-I.", "main.cpp", "old.cpp", "new.cpp", "-o", "main"];
    run(Command::new("g++").args(files).current_dir(&folder));
    assert_eq!(run(Command::new("./main").current_dir(&folder)), "0");
}

/// The emitted test passes, numbers included, and fails where a vector is another.
#[test]
fn the_emitted_test_passes_and_can_fail() {
    let network = twin("jets", 0.5);
    let emulator = emulator(&network, "1");
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Expected::new(&network, SAMPLES, 1);
    let write = |expected: &Expected| {
        for file in emulator.files(expected.vectors()) {
            let path = folder.path().join(file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file.text).unwrap();
        }
    };
    write(&expected);
    let files = ["-I.", "-pthread", "test/test.cpp", "-o", "emitted"];
    run(Command::new("g++").args(FLAGS).args(files).current_dir(&folder));
    let test = || Command::new("./emitted").arg("test/vectors.txt").current_dir(&folder).output();
    let passed = test().unwrap();
    assert!(passed.status.success());
    let text = String::from_utf8(passed.stdout).unwrap();
    assert_eq!(text, format!("jets_v1: {SAMPLES} vectors in 4 threads, 0 integers differ\n"));
    expected.outputs[7][0][2] ^= 1;
    write(&expected);
    assert_eq!(test().unwrap().status.code(), Some(1));
}
