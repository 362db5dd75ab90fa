//! Broken specs beside what is said of them: `broken/NAME.yaml` and `broken/NAME.txt`.
//!
//! `UPDATE_EXPECTED=1 cargo test -p rtl4ml-spec` writes the text files anew.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{messages, parse, weights_folder};

fn specs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec/broken");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn each_broken_spec_is_answered_with_the_expected_messages() {
    let weights = weights_folder();
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    for path in specs() {
        let found = messages(&fs::read_to_string(&path).unwrap(), weights.path()) + "\n";
        let expected_path = path.with_extension("txt");
        if update {
            fs::write(&expected_path, &found).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_report_can_be_drawn() {
    let weights = weights_folder();
    for path in specs() {
        let Err(error) = parse(&fs::read_to_string(&path).unwrap(), weights.path()) else {
            panic!("{} is not broken", path.display());
        };
        let drawn = error.graphical(100, false);
        assert!(!drawn.contains("Failed to read"), "{drawn}");
        assert!(!drawn.contains('\u{1b}'), "{drawn}");
    }
}

#[test]
fn a_report_marks_the_place_in_the_spec() {
    let text = "name: net\ninputs: [{name: x, shape: [4], precision: \"fixed<8,3>\"}]\n\
                layers:\n  - {name: act, type: relu, precison: auto}\n";
    let error = parse(text, Path::new("")).unwrap_err();
    insta::assert_snapshot!(error.graphical(90, false), @r"
      × `network.yaml` has 1 mistake

    Error: 
      × unknown key `precison` in a relu layer; legal: name, type, inputs, max_value,
      │ precision
       ╭─[network.yaml:4:29]
     3 │ layers:
     4 │   - {name: act, type: relu, precison: auto}
       ·                             ────────
       ╰────
      help: did you mean `precision`?
    ");
    assert_eq!(error.to_string(), "`network.yaml` has 1 mistake");
    assert!(format!("{error:?}").contains("network.yaml:4:29: error: unknown key"));
}

#[test]
fn a_script_reads_the_mistakes_as_data() {
    let error = parse("name: net\nlayer: 3\n", Path::new("")).unwrap_err();
    let [first, second, third] = error.diagnostics() else {
        panic!("{error:?}");
    };
    assert_eq!((first.line, first.column), (1, 1));
    assert_eq!((second.line, second.column), (1, 1));
    assert_eq!((third.line, third.column), (2, 1));
    assert_eq!(third.help.as_deref(), Some("did you mean `layers`?"));
    assert_eq!(third.file, "network.yaml");
}
