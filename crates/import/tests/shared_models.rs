//! All models of `../shared/models` beside the repository: those that are said to be exact must be,
//! the others are within the tolerance of the table below.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;

use common::{compare, imported, model_file};
use rtl4ml_import::Options;

#[test]
fn every_model_beside_the_repository_is_imported() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/models");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("there is no folder ../shared/models beside the repository: nothing to run");
        return;
    };
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    let mut failed = Vec::new();
    for folder in &folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if std::env::var("MODEL").is_ok_and(|only| !name.contains(&only)) {
            continue;
        }
        let info = std::fs::read_to_string(folder.join("info.md")).unwrap();
        let matched = info.lines().find(|line| line.starts_with("- match")).unwrap();
        let of_logits = folder.join("logits.npy").exists();
        let is_exact = matched.starts_with("- match: exact")
            || matched.contains("logits.npy exact")
            || matched.contains("(function inputs) exact");
        let options = if is_exact {
            Options::default()
        } else {
            Options { fraction_bits: 24, table_size: 65536, ..Options::default() }
        };
        let model = match imported(&model_file(folder), &options) {
            Ok(model) => model,
            Err(error) => {
                println!("FAIL {name}: {error}");
                failed.push(name);
                continue;
            }
        };
        let mut files = vec!["y.npy"];
        if of_logits {
            files.push("logits.npy");
        }
        for file in files {
            match compare(folder, &model, file) {
                Ok(found) => {
                    let ok = if is_exact && (file == "logits.npy" || !of_logits) {
                        found.differ == 0
                    } else {
                        found.most < 0.01
                    };
                    println!(
                        "{} {name} {file}: {found:?} {}",
                        if ok { "ok  " } else { "FAIL" },
                        matched
                    );
                    if !ok {
                        println!("{}", model.0.spec);
                        failed.push(format!("{name} {file}"));
                    }
                }
                Err(error) => {
                    println!("FAIL {name} {file}: {error}\n{}", model.0.spec);
                    failed.push(name.clone());
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} fail: {failed:#?}", failed.len());
}
