//! The command line as its users meet it: commands and what they print, as text files beside this
//! one, and what cannot be told in a text file.
//!
//! `TRYCMD=overwrite cargo test -p rtl4ml --test cli` accepts what is printed now. The specs and
//! arrays are in `cli/specs`, each case's `.in` folder.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SPECS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/specs");

#[test]
fn commands_print_what_the_cases_say() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd").env("NO_COLOR", "1");
}

fn rtl4ml(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtl4ml"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn spec(name: &str) -> String {
    format!("{SPECS}/{name}")
}

/// All files below a folder with their content, by path.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((
                    path.strip_prefix(folder).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                ));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_folder_that_rtl4ml_did_not_write_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let thesis = folder.path().join("thesis");
    fs::create_dir(&thesis).unwrap();
    fs::write(thesis.join("chapter1.tex"), "years of work").unwrap();
    for command in ["build", "emulator"] {
        let output = rtl4ml(folder.path(), &[command, &spec("tiny.yaml"), "-o", "thesis"]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("MANIFEST.sha256"));
    }
    assert_eq!(tree(folder.path()).len(), 1);
}

#[test]
fn the_same_build_gives_the_same_bytes_wherever_it_runs() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for folder in &folders {
        // Twice, because a folder that is there must not shine through.
        for _ in 0..2 {
            let output = rtl4ml(folder.path(), &["build", &spec("tiny.yaml")]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing but rtl-out is there");
    }
    assert_eq!(tree(folders[0].path()), tree(folders[1].path()));
    let report = fs::read(folders[0].path().join("rtl-out/tiny/report.json")).unwrap();
    let json = rtl4ml(folders[0].path(), &["build", &spec("tiny.yaml"), "--json"]);
    assert_eq!(json.stdout, report, "--json prints report.json");
}

#[test]
fn a_failed_command_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (x, nan) = (spec("tiny.x.npy"), spec("tiny.nan.npy"));
    for arguments in [
        ["build", &spec("contract.yaml"), "-o", "out", "--input", &x],
        ["build", &spec("tiny.yaml"), "-o", "out", "--input", &nan],
        ["predict", &spec("tiny.yaml"), "--output", "y.npy", "--input", &nan],
        ["sim", &spec("tiny.yaml"), "--output", "y.npy", "--input", &nan],
        ["sim", &spec("tiny.yaml"), "--vcd", "w.vcd", "--input", &nan],
        ["predict", &spec("tiny.yaml"), "--output", "missing/y.npy", "--input", &x],
    ] {
        let output = rtl4ml(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(tree(folder.path()), [], "{arguments:?}");
    }
}

#[test]
fn every_engine_gives_the_outputs_of_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let (network, x) = (spec("tiny.yaml"), spec("tiny.x.npy"));
    let predict = ["predict", &network, "--input", &x, "--output", "reference.npy"];
    assert!(rtl4ml(folder.path(), &predict).status.success());
    let expected = fs::read(folder.path().join("reference.npy")).unwrap();
    for engine in ["cycle", "rust-hdl", "verilator", "icarus"] {
        let arguments =
            ["sim", &network, "--input", &x, "--output", "y.npy", "--engine", engine, "--gaps"];
        let output = rtl4ml(folder.path(), &arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read(folder.path().join("y.npy")).unwrap(), expected, "{engine}");
    }
}

/// The commands that `build` recommends at its end.
#[test]
fn what_build_recommends_next_works() {
    let folder = tempfile::tempdir().unwrap();
    let output = rtl4ml(folder.path(), &["build", &spec("tiny.yaml")]);
    let text = String::from_utf8(output.stdout).unwrap();
    let simulate = text.lines().find(|line| line.contains("iverilog")).unwrap();
    let run = |command: &str| {
        let handoff = folder.path().join("rtl-out/tiny");
        let output = Command::new("sh").args(["-c", command]).current_dir(handoff).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert!(run(simulate).contains("tiny: PASS"));
    assert!(folder.path().join("rtl-out/tiny/vivado/synth.tcl").is_file());
    assert!(text.contains("vivado/synth.tcl"));
}

/// The command that `emulator` recommends at its end; and a second run gives the same bytes.
#[test]
fn what_emulator_recommends_next_works() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["emulator", &spec("tiny.yaml"), "-o", "cpp", "--model-version", "1.2"];
    let output = rtl4ml(folder.path(), &arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let files = tree(folder.path());
    assert!(rtl4ml(folder.path(), &arguments).status.success());
    assert_eq!(tree(folder.path()), files);
    let compile = text.lines().find(|line| line.contains("g++")).unwrap();
    let own = folder.path().join("cpp");
    let output = Command::new("sh").args(["-c", compile]).current_dir(own).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "tiny_v1_2: 64 vectors in 4 threads, 0 integers differ\n");
}

/// `rtl4ml ... | head`: whoever reads may stop, and a full disk is told.
#[test]
fn a_reader_that_stops_is_no_failure_and_a_full_disk_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtl4ml"));
    command.current_dir(folder.path()).args(["build", &spec("tiny.yaml"), "--dump", "module"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr).unwrap()),
        (Some(0), String::new())
    );
    if let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") {
        let output = command.stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write"));
    }
}
