//! The architecture's invariants, which a review would miss one day.

use std::path::{Path, PathBuf};

use rtl4ml_conformance::root;

/// Which crates of the workspace each crate may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("ir", &[]),
    ("spec", &["ir"]),
    ("import", &["ir"]),
    ("hdl", &[]),
    ("circuit", &["ir", "hdl"]),
    ("sim", &["ir", "hdl", "circuit"]),
    ("verilog", &["ir", "hdl", "circuit"]),
    ("cpp", &["ir"]),
    ("cli", &["ir", "spec", "import", "hdl", "circuit", "sim", "verilog", "cpp"]),
    ("python", &["ir", "sim"]),
    ("conformance", &["ir", "spec", "hdl", "circuit", "sim", "verilog", "cpp"]),
];

fn crate_folder(name: &str) -> PathBuf {
    root().join("crates").join(name)
}

/// The dependencies of a crate outside tests, by their names.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(crate_folder(name).join("Cargo.toml")).unwrap();
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// The Rust files below a folder, with their text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn assert_absent(folder: &Path, words: &[&str]) {
    for (path, text) in sources(folder) {
        let found: Vec<_> = words.iter().filter(|word| text.contains(**word)).collect();
        assert!(found.is_empty(), "{} uses {found:?}", path.display());
    }
}

#[test]
fn crates_use_only_what_they_may() {
    let folders = std::fs::read_dir(root().join("crates")).unwrap();
    assert_eq!(folders.count(), MAY_USE.len(), "a new crate needs a line in this table");
    for (name, allowed) in MAY_USE {
        for dependency in dependencies(name) {
            if let Some(used) = dependency.strip_prefix("rtl4ml-") {
                assert!(allowed.contains(&used), "{name} must not use {used}");
            }
        }
    }
}

#[test]
fn ir_does_no_input_or_output() {
    let words = ["std::fs", "std::io", "std::net", "std::env", "std::process", "println!"];
    assert_absent(&crate_folder("ir").join("src"), &words);
}

/// `import` reads hls4ml's, which has nothing in common with a spec.
#[test]
fn only_spec_and_import_know_yaml() {
    for (name, _) in MAY_USE.iter().filter(|(name, _)| !["spec", "import"].contains(name)) {
        let yaml =
            dependencies(name).into_iter().find(|d| d.contains("yaml") || d.contains("saphyr"));
        assert_eq!(yaml, None, "{name}");
    }
}

#[test]
fn only_verilog_knows_tcl() {
    let words = ["create_project", "synth_design", "create_clock"];
    for (name, _) in MAY_USE.iter().filter(|(name, _)| !["verilog", "conformance"].contains(name)) {
        assert_absent(&crate_folder(name).join("src"), &words);
    }
}

#[test]
fn the_reference_knows_nothing_of_the_circuit() {
    let words =
        ["rtl4ml_hdl", "rtl4ml_circuit", "crate::engine", "crate::judge", "crate::external"];
    assert_absent(&crate_folder("sim").join("src/reference"), &words);
    let words = ["rtl4ml_hdl", "rtl4ml_circuit"];
    assert_absent(&crate_folder("sim").join("src/emulator"), &words);
}

/// What emits or simulates takes a verified network, so that an unverified one cannot reach it.
#[test]
fn emitters_and_simulators_take_only_verified_networks() {
    for name in ["circuit", "sim", "verilog", "cpp"] {
        assert_absent(&crate_folder(name).join("src"), &["&Network,", "&Network)", ": Network,"]);
    }
}

/// The workspace has two programs, and the README says `cargo run -- build`.
#[test]
fn cargo_run_is_the_command_line() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\ndefault-members = [\"crates/cli\"]\n"));
}
