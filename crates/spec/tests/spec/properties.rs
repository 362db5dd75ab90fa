//! Whatever a spec or a file of weights holds, the answer is a network or an error, no panic.

use std::fs;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rawzip::CompressionMethod;

use crate::support::{matrix, parse, weights_folder, zip};

const GOOD: &str = r#"
name: jet_tagger
target: {part: xcvu9p-flga2104-2-i, clock: 360 MHz}
contract: {initiation_interval: 4, latency: "75 ns"}
io: parallel
defaults: {precision: &p "fixed<16,6>", strategy: latency, reuse_factor: 1}
inputs:
  - {name: x, shape: [16], precision: "fixed<16,6,RND,SAT>"}
layers:
  - name: fc1
    type: dense
    units: 64
    weight: weights.npz:fc1.weight
    bias: weights.npz:fc1.bias
    precision: {weight: "fixed<8,2>", bias: *p, accum: auto, result: "fixed<16,6>"}
    strategy: resource
    reuse_factor: 4
  - {name: relu1, type: relu, precision: "ufixed<8,4,RND,SAT>", inputs: fc1}
  - {name: shaped, type: reshape, shape: [8, -1]}
  - {name: flat, type: flatten}
  - {name: column, type: reshape, shape: [-1, 1]}
  - {name: small, type: dense, weight: [[0.5, -1.25]], bias: [1e-3, .5]}
  - {name: q, type: quantize, precision: "int<4>", inputs: [flat]}
outputs: [q, small]
"#;

/// One with the layers that have windows, several inputs or nothing to compute.
const IMAGES: &str = r#"
name: image
io: stream
defaults: {precision: {weight: "int<4>", bias: "int<4>", accum: "fixed<20,12>"}, reuse_factor: 1}
inputs: [{name: x, shape: [6, 7, 2], precision: "fixed<6,3>"}, {name: s, shape: [5, 2], precision: "fixed<6,3>"}]
layers:
  - {name: conv, type: conv2d, inputs: x, filters: 2, kernel_size: [2, 1], strides: 2, padding: same, dilation_rate: [1, 3], weight: [[[[1, 2], [0, 1]]], [[[3, 4], [1, 0]]]], parallelization_factor: 3}
  - {name: bn, type: batch_norm, mean: [1, 2], variance: [1, 2], gamma: [1, 0.5], epsilon: 0.1, fold: true}
  - {name: depth, type: depthwise_conv2d, kernel_size: 1, depth_multiplier: 2, weight: [[[[1, 2], [3, 4]]]], bias: [1, 2, 3, 4]}
  - {name: bn2, type: batch_norm, scale: [1, 1, 2, 1], shift: [0, 1, 0, 1], precision: {scale: "int<3>", result: "int<9>"}}
  - {name: pool, type: average_pool2d, pool_size: [3, 1], padding: same}
  - {name: up, type: up_sampling2d, size: [2, 1]}
  - {name: pad, type: zero_padding2d, padding: [[0, 1], 2]}
  - {name: crop, type: cropping2d, cropping: [1, 0]}
  - {name: all, type: global_max_pool2d}
  - {name: sep, type: separable_conv1d, inputs: s, padding: causal, depthwise: [[[1], [2]], [[3], [4]]], pointwise: [[[1, 2], [4, 5]]], depthwise_reuse_factor: 2, precision: {depthwise_result: "fixed<5,3>", pointwise: "int<6>"}}
  - {name: sum, type: add, inputs: [sep, s]}
  - {name: both, type: concatenate, inputs: [sum, s], axis: 2}
  - {name: turned, type: permute, dims: [2, 1]}
  - {name: largest, type: max_pool1d, pool_size: 2}
outputs: [all, largest]
"#;

/// One change of a text.
#[derive(Clone, Debug)]
enum Edit {
    Remove(Index, usize),
    Insert(Index, String),
    Repeat(Index, usize),
    Swap(Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let tokens = select(
        &[
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            ": ",
            "- ",
            "&a ",
            "*a ",
            "*p",
            "!!int ",
            "!x ",
            "\"",
            "'",
            "\n",
            "\n  ",
            "\t",
            "|\n",
            ">\n",
            "#",
            "?",
            "? ",
            "---\n",
            "...\n",
            "%TAG ! x\n",
            "-1",
            "0",
            "1e400",
            ".nan",
            "18446744073709551616",
            "null",
            "true",
            "auto",
            "fixed<",
            "65536",
            "axis: ",
            "same",
            "fold: true",
            ">",
            "<<",
            "µ",
            "\u{feff}",
            "\u{0}",
            "\r",
            "name: ",
            "type: ",
            "inputs: ",
            "weight: ",
            "relu",
            "weights.npz:nan",
            "weights.npz:",
            "broken.npz:a",
            "truncated.npy",
            "folder.npz",
        ][..],
    );
    prop_oneof![
        (any::<Index>(), 1usize..40).prop_map(|(at, count)| Edit::Remove(at, count)),
        (any::<Index>(), tokens).prop_map(|(at, text)| Edit::Insert(at, text.to_owned())),
        (any::<Index>(), "\\PC{0,3}").prop_map(|(at, text)| Edit::Insert(at, text)),
        (any::<Index>(), 1usize..200).prop_map(|(at, count)| Edit::Repeat(at, count)),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Edit::Swap(a, b)),
    ]
}

fn apply(text: &mut Vec<char>, edit: &Edit) {
    if text.is_empty() {
        return;
    }
    match edit {
        Edit::Remove(at, count) => {
            let start = at.index(text.len());
            text.drain(start..text.len().min(start + count));
        }
        Edit::Insert(at, new) => {
            let start = at.index(text.len());
            text.splice(start..start, new.chars());
        }
        Edit::Repeat(at, count) => {
            let start = at.index(text.len());
            let part: Vec<char> = text[start..text.len().min(start + count)].to_vec();
            text.splice(start..start, part);
        }
        Edit::Swap(a, b) => {
            let (a, b) = (a.index(text.len()), b.index(text.len()));
            text.swap(a, b);
        }
    }
}

/// Every error has a place in the text and can be drawn.
fn check(text: &str, folder: &std::path::Path) {
    if let Err(error) = parse(text, folder) {
        let lines = text.split('\n').count();
        assert!(!error.diagnostics().is_empty());
        for diagnostic in error.diagnostics() {
            assert!((1..=lines).contains(&diagnostic.line), "{}", diagnostic.plain());
            assert!(diagnostic.column >= 1 && !diagnostic.message.is_empty());
            assert!(!diagnostic.plain().contains('\n'));
        }
        error.graphical(80, true);
    }
}

#[test]
fn the_good_spec_is_good() {
    for good in [GOOD, IMAGES] {
        parse(good, weights_folder().path()).unwrap_or_else(|error| panic!("{}", error.plain()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn mutations_of_a_good_spec_never_panic(
        good in select(&[GOOD, IMAGES][..]),
        edits in proptest::collection::vec(edit(), 1..8),
    ) {
        thread_local! {
            static FOLDER: tempfile::TempDir = weights_folder();
        }
        let mut text: Vec<char> = good.chars().collect();
        for edit in &edits {
            apply(&mut text, edit);
        }
        let text: String = text.into_iter().collect();
        FOLDER.with(|folder| check(&text, folder.path()));
    }

    #[test]
    fn random_texts_never_panic(text in "[\\[\\]{}:,&*!|>'\"%@`#?a-c0-2 \n\t\r.<-]{0,200}|\\PC{0,100}") {
        check(&text, std::path::Path::new(""));
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.yaml");
        fs::write(&path, &bytes).unwrap();
        let _ = rtl4ml_spec::load(&path);
    }

    #[test]
    fn damaged_weights_never_panic(
        edits in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<Index>(),
        keep in any::<bool>(),
        kind in 0..3,
    ) {
        let array = matrix(4, 6);
        let (name, mut bytes) = match kind {
            0 => ("w.npy", array),
            1 => ("w.npz", zip(&[("a.npy", &array)], CompressionMethod::STORE)),
            _ => ("w.npz", zip(&[("a.npy", &array), ("b.npy", &array)], CompressionMethod::DEFLATE)),
        };
        for (at, byte) in &edits {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if !keep {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), &bytes).unwrap();
        let reference = if kind == 0 { "w.npy" } else { "w.npz:a" };
        let text = format!(
            "name: net\ninputs: [{{name: x, shape: [4], precision: \"fixed<8,3>\"}}]\n\
             layers: [{{name: fc, type: dense, weight: {reference}, precision: {{weight: \"fixed<8,2>\"}}}}]\n"
        );
        check(&text, folder.path());
    }
}
