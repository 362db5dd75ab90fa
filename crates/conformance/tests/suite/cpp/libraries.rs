//! What is beside the header: the C interface in shared libraries, namespaces, and the emitted test.

use std::fs;
use std::process::Command;

use rtl4ml_ir::{Constant, Dense, FixedType, Network, VerifiedNetwork, verify};

use super::{Expected, FLAGS, SAMPLES, emulator, run};

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
    fs::write(folder.path().join("loader.cpp"), include_str!("loader.cpp")).unwrap();
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
