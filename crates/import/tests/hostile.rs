//! Files that are damaged or mean harm: an error, and never a panic, a hang or gigabytes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::{Path, PathBuf};

use common::model_file;
use rtl4ml_import::{ImportError, Imported, Options, import};

fn model(name: &str) -> PathBuf {
    model_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name))
}

/// Imports bytes as a file of the name.
fn import_bytes(bytes: &[u8], name: &str) -> Result<Imported, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    import(&path, &Options::default())
}

fn error(bytes: &[u8], name: &str) -> String {
    import_bytes(bytes, name).map(|imported| imported.spec).unwrap_err().to_string()
}

/// A protobuf field with content.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(content);
    bytes
}

/// A protobuf field with a small number.
fn number(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|name| field(1, name.as_bytes())).collect();
    let rest = [field(2, output.as_bytes()), field(4, operator.as_bytes())].concat();
    field(1, &[inputs, rest].concat())
}

/// An input or an output with extents, each below 128.
fn value(field_number: u8, name: &str, extents: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = extents.iter().flat_map(|extent| field(1, &number(1, *extent))).collect();
    let tensor = [number(1, 1), field(2, &dims)].concat();
    let content = [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat();
    field(field_number, &content)
}

fn onnx(graph: &[Vec<u8>]) -> Vec<u8> {
    [number(1, 8), field(7, &graph.concat()), field(8, &number(2, 13))].concat()
}

#[test]
fn a_model_of_our_own_bytes_is_imported() {
    let relu = onnx(&[node("Relu", &["x"], "y"), value(11, "x", &[1, 4]), value(12, "y", &[1, 4])]);
    let imported = import_bytes(&relu, "m.onnx").unwrap();
    assert!(imported.spec.contains("type: relu"), "{}", imported.spec);
    common::load(&imported).unwrap();
}

#[test]
fn cycles_and_loose_ends_are_errors() {
    let ends = [value(11, "x", &[1, 4]), value(12, "y", &[1, 4])].concat();
    let cycle = onnx(&[node("Add", &["x", "y"], "z"), node("Relu", &["z"], "y"), ends.clone()]);
    assert!(error(&cycle, "m.onnx").contains("cycle"));
    let nothing = onnx(&[node("Relu", &["w"], "y"), ends.clone()]);
    assert!(error(&nothing, "m.onnx").contains("nothing makes its input `w`"));
    let twice = onnx(&[node("Relu", &["x"], "y"), node("Relu", &["x"], "y"), ends]);
    assert!(error(&twice, "m.onnx").contains("made more than once"));
    assert!(error(b"", "m.onnx").contains("no graph"));
}

#[test]
fn all_operations_that_are_not_imported_are_told_of_at_once() {
    let graph = onnx(&[
        node("LSTM", &["x"], "a"),
        node("Relu", &["a"], "b"),
        node("Nonsense", &["b"], "y"),
        value(11, "x", &[1, 4]),
        value(12, "y", &[1, 4]),
    ]);
    let text = error(&graph, "m.onnx");
    assert!(text.contains("2 operations") && text.contains("LSTM") && text.contains("Nonsense"));
    assert!(!text.contains("Relu"), "what only follows is not told: {text}");
}

#[test]
fn external_data_stays_in_the_folder() {
    let pair = |key: &str, value: &str| {
        field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
    };
    for location in ["../secret", "/etc/passwd", "..\\secret", "there/../../secret"] {
        let tensor =
            [number(1, 2), number(2, 1), field(8, b"w"), pair("location", location), number(14, 1)]
                .concat();
        let graph = onnx(&[
            field(5, &tensor),
            node("Add", &["x", "w"], "y"),
            value(11, "x", &[1, 2]),
            value(12, "y", &[1, 2]),
        ]);
        let text = error(&graph, "m.onnx");
        assert!(text.contains("outside of the model's folder"), "{location}: {text}");
    }
}

#[test]
fn sizes_that_lie_cost_no_memory() {
    // 2^62 numbers, of which none is there.
    let huge = [field(8, b"w"), number(2, 1), vec![0x08], vec![0x80; 8], vec![0x40]].concat();
    let text = error(&onnx(&[field(5, &huge)]), "m.onnx");
    assert!(text.contains("extents"), "{text}");
    let short = [field(8, b"w"), number(2, 1), number(1, 100), field(9, &[0; 8])].concat();
    assert!(error(&onnx(&[field(5, &short)]), "m.onnx").contains("2 numbers"));
    // Images that grow with every node.
    let mut graph = vec![value(11, "x", &[1, 100, 100, 100])];
    graph.extend((0..100).map(|index| {
        let input = if index == 0 { "x".to_owned() } else { format!("t{index}") };
        node("Relu", &[&input], &format!("t{}", index + 1))
    }));
    graph.push(value(12, "t100", &[1]));
    assert!(error(&onnx(&graph), "m.onnx").contains("elements"));
}

/// A small generator, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Damaged files of each kind: whatever comes out, it comes out.
#[test]
fn damaged_files_are_no_end_of_the_program() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let models = [
        "q_conv2d_nchw",
        "onnx_slice_split",
        "q_dynbatch",
        "onnx_functions",
        "q_trunc_v2_ceil",
        "keras_functional_conv",
        "keras_h5_whole",
        "keras_conv1d",
        "hgq_softmax",
        "hgq1_functional",
        "hgq1_functional_proxy",
        "hgq1_conv2d_proxy",
    ];
    let mut survived = 0;
    for name in models {
        let path = model(name);
        let intact = std::fs::read(&path).unwrap();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for round in 0..120 {
            let mut bytes = intact.clone();
            if round % 4 == 0 {
                bytes.truncate(random.below(bytes.len()));
            } else {
                for _ in 0..=random.below(4) {
                    let place = random.below(bytes.len());
                    bytes[place] = random.below(256) as u8;
                }
            }
            if let Ok(imported) = import_bytes(&bytes, &file) {
                // What is imported may be wrong, but must not break the reader of specs either.
                let _ = common::load(&imported);
                survived += 1;
            }
        }
    }
    assert!(survived > 0, "the damage is too large to test what follows the reader");
}

/// The configuration of an hls4ml project with some lines changed, next to its model.
fn project(bytes: &[u8]) -> Result<Imported, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("project.yml");
    let keras = model("hls4ml_mlp").with_file_name("model.keras");
    std::fs::copy(keras, folder.path().join("model.keras")).unwrap();
    std::fs::write(&path, bytes).unwrap();
    import(&path, &Options::default())
}

#[test]
fn mistakes_of_a_configuration_are_told_with_key_and_line() {
    let text = std::fs::read_to_string(model("hls4ml_mlp")).unwrap();
    let error = |old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        project(text.replacen(old, new, 1).as_bytes())
            .map(|found| found.spec)
            .unwrap_err()
            .to_string()
    };
    let message = error("ap_fixed<6,3>", "ap_fixed<six>");
    assert!(message.contains("line 16: `LayerType.Dense.Precision.weight`"), "{message}");
    let message = error("io_parallel", "io_serial");
    assert!(message.contains("line 7: `IOType`"), "{message}");
    let message = error("ClockPeriod: 5", "ClockPeriod: fast");
    assert!(message.contains("line 5: `ClockPeriod`"), "{message}");
    let message = error("KerasModel: model.keras", "KerasModel: none.keras");
    assert!(message.contains("none.keras"), "{message}");
    let message = error("ReuseFactor: 4", "ReuseFactor: many");
    assert!(message.contains("`LayerName.fc2.ReuseFactor` must be a natural number"), "{message}");
    let message = error("Precision: ap_fixed<12,5>", "Precisions: ap_fixed<12,5>");
    assert!(message.contains("`HLSConfig.Model.Precision` is missing"), "{message}");
    // What is not known and does no harm is a remark.
    let found = project(text.replace("ProjectName", "Nonsense").as_bytes()).unwrap();
    assert!(
        found.notes.iter().any(|note| note.contains("line 2: `Nonsense`")),
        "{:?}",
        found.notes
    );
}

#[test]
fn damaged_configurations_are_no_end_of_the_program() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let intact = std::fs::read(model("hls4ml_mlp")).unwrap();
    let mut survived = 0;
    for _ in 0..300 {
        let mut bytes = intact.clone();
        for _ in 0..=random.below(3) {
            let place = random.below(bytes.len());
            bytes[place] = 32 + random.below(95) as u8;
        }
        if let Ok(imported) = project(&bytes) {
            let _ = common::load(&imported);
            survived += 1;
        }
    }
    assert!(survived > 0, "the damage is too large to test what follows the reader");
}
