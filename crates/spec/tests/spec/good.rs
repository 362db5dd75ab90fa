//! Specs that are right, and the networks that they become.

use std::fmt::Write;
use std::path::Path;

use rtl4ml_ir::{Amount, Budget, Op, Source, Strategy};
use rtl4ml_spec::Loaded;

use crate::support::{parse, weights_folder};

/// The network in a few lines.
fn summary(loaded: &Loaded) -> String {
    let network = loaded.network.network();
    let contract = network.contract;
    let mut text = format!(
        "{} on {} at {}, {}\n",
        network.name,
        network.target.part,
        network.target.clock,
        network.io.word()
    );
    if contract != rtl4ml_ir::Contract::default() {
        let interval = contract.initiation_interval_cycles;
        writeln!(text, "contract: {interval:?} {:?}", contract.latency).unwrap();
    }
    let tensor = |source| loaded.network.tensor_type(source);
    let names = |sources: &[Source]| {
        let names: Vec<&str> = sources.iter().map(|source| network.source_name(*source)).collect();
        names.join(", ")
    };
    for (index, input) in (0..).zip(&network.inputs) {
        let source = Source::Input(rtl4ml_ir::InputId(index));
        writeln!(text, "{}: {}", input.name, tensor(source)).unwrap();
    }
    for (id, layer) in network.layers_with_ids() {
        let how = layer.implementation;
        let (name, kind, inputs) = (&layer.name, layer.op.kind(), names(&layer.inputs));
        write!(text, "{name}: {kind}({inputs}) -> {}", tensor(Source::Layer(id))).unwrap();
        if let Op::Dense(dense) = &layer.op {
            let accum = dense.kernel.accum.map_or("auto".to_owned(), |ty| ty.to_string());
            let bias = dense
                .kernel
                .bias
                .as_ref()
                .map_or("none".to_owned(), |bias| bias.types.get(0).to_string());
            write!(
                text,
                "; weight {}, bias {bias}, accum {accum}; {} x{} {}",
                dense.kernel.weight.types.get(0),
                how.strategy.word(),
                how.reuse_factor,
                how.multiplier.word()
            )
            .unwrap();
        }
        text.push('\n');
    }
    writeln!(text, "outputs: {}", names(&network.outputs)).unwrap();
    text
}

fn loaded(text: &str) -> Loaded {
    let folder = weights_folder();
    parse(text, folder.path()).unwrap()
}

#[test]
fn the_spec_of_the_design_page() {
    let found = loaded(
        r#"
name: jet_tagger
target:
  part: xcvu9p-flga2104-2-i
  clock: 360 MHz                 # or: clock: 2.5 ns
contract:
  initiation_interval: 4
  latency: 20
io: parallel
defaults:
  precision: fixed<16,6>
  strategy: latency
  reuse_factor: 1
inputs:
  - {name: x, shape: [16], precision: "fixed<16,6,RND,SAT>"}
layers:
  - name: fc1
    type: dense
    units: 64
    weight: weights.npz:fc1.weight
    bias: weights.npz:fc1.bias
    precision: {weight: "fixed<8,2>", bias: "fixed<8,2>", accum: auto, result: "fixed<16,6>"}
    strategy: resource
    reuse_factor: 4
  - {name: relu1, type: relu, precision: "ufixed<8,4,RND,SAT>"}
outputs: [relu1]
"#,
    );
    insta::assert_snapshot!(summary(&found), @r"
    jet_tagger on xcvu9p-flga2104-2-i at 360.1 MHz (2.777 ns), parallel
    contract: Some(4) Some(Cycles(20))
    x: [16] of fixed<16,6>
    fc1: dense(x) -> [64] of fixed<16,6>; weight fixed<8,2>, bias fixed<8,2>, accum auto; resource x4 auto
    relu1: relu(fc1) -> [64] of ufixed<8,4>
    outputs: relu1
    ");
    assert_eq!(found.weight_files.len(), 1);
    assert!(found.weight_files[0].ends_with("weights.npz"));
    assert!(found.text.contains("or: clock"));
    assert_eq!(found.path, Path::new("network.yaml"));
}

#[test]
fn little_need_be_said() {
    let found = loaded(
        r#"
name: small
inputs: [{name: x, shape: [2], precision: "int<4>"}]
layers: [{name: fc, type: dense, weight: [[1, 0], [-1, 0.5]], precision: {weight: "fixed<4,2>"}}]
"#,
    );
    insta::assert_snapshot!(summary(&found), @r"
    small on xcvu9p-flga2104-2-i at 200.0 MHz (5.000 ns), parallel
    x: [2] of fixed<4,4>
    fc: dense(x) -> [2] of fixed<7,5>; weight fixed<4,2>, bias none, accum auto; latency x1 auto
    outputs: fc
    ");
    assert!(found.weight_files.is_empty());
}

#[test]
fn layers_branch_and_defaults_reach_all_of_them() {
    let found = loaded(
        r#"
name: branches
target: {clock: 2.5 ns}
contract: {latency: 75 ns}
defaults:
  precision: {weight: "fixed<8,2>", bias: "fixed<9,2>", input: "ufixed<6,2>", accum: "fixed<20,8>", result: "fixed<10,4,RND,SAT>"}
  strategy: resource
  reuse_factor: 8
  multiplier: lut
inputs:
  - {name: a, shape: [4, 4]}
  - {name: b, shape: [2, 8], precision: "fixed<8,4>"}
layers:
  - {name: flat_a, type: flatten, inputs: a}
  - {name: fa, type: dense, weight: weights.npz:fc1.weight, bias: weights.npz:fc1.bias, use_bias: true}
  - {name: ra, type: relu}
  - {name: shaped, type: reshape, target_shape: [4, -1], inputs: [b]}
  - {name: flat_b, type: reshape, shape: [16]}
  - {name: narrow, type: quantize, precision: {result: "fixed<4,2,RND_CONV,SAT_SYM>"}}
  - name: fb
    type: dense
    units: 64
    weight: weight.npy
    use_bias: false
    multiplier: dsp
    reuse_factor: 1
    precision: {accum: auto, result: auto}
  - {name: rb, type: relu, precision: auto}
outputs: [ra, rb]
"#,
    );
    insta::assert_snapshot!(summary(&found), @r"
    branches on xcvu9p-flga2104-2-i at 400.0 MHz (2.500 ns), parallel
    contract: None Some(Picoseconds(75000))
    a: [4, 4] of ufixed<6,2>
    b: [2, 8] of fixed<8,4>
    flat_a: flatten(a) -> [16] of ufixed<6,2>
    fa: dense(flat_a) -> [64] of fixed<10,4>; weight fixed<8,2>, bias fixed<9,2>, accum fixed<20,8>; resource x8 lut
    ra: relu(fa) -> [64] of fixed<10,4>
    shaped: reshape(b) -> [4, 4] of fixed<8,4>
    flat_b: reshape(shaped) -> [16] of fixed<8,4>
    narrow: quantize(flat_b) -> [16] of fixed<4,2>
    fb: dense(narrow) -> [64] of fixed<13,5>; weight fixed<8,2>, bias none, accum auto; resource x1 dsp
    rb: relu(fb) -> [64] of ufixed<12,4>
    outputs: ra, rb
    ");
    assert_eq!(found.weight_files.len(), 2);
}

#[test]
fn one_word_of_default_precision_leaves_the_accumulator_exact() {
    let found = loaded(
        r#"
name: word
defaults: {precision: "fixed<8,3>", strategy: distributed_arithmetic}
inputs: [{name: x, shape: [16]}]
layers:
  - {name: fc1, type: dense, weight: "weights.npz:fc1.weight", bias: "weights.npz:fc1.bias"}
  - {name: fc2, type: dense, weight: "weights.npz:fc2.weight", precision: "fixed<12,6>"}
  - {name: r, type: relu}
outputs: r
"#,
    );
    insta::assert_snapshot!(summary(&found), @r"
    word on xcvu9p-flga2104-2-i at 200.0 MHz (5.000 ns), parallel
    x: [16] of fixed<8,3>
    fc1: dense(x) -> [64] of fixed<8,3>; weight fixed<8,3>, bias fixed<8,3>, accum auto; distributed_arithmetic x1 auto
    fc2: dense(fc1) -> [32] of fixed<12,6>; weight fixed<8,3>, bias none, accum auto; distributed_arithmetic x1 auto
    r: relu(fc2) -> [32] of fixed<8,3>
    outputs: r
    ");
}

#[test]
fn yaml_may_be_written_in_all_its_styles() {
    let found = loaded(
        r#"
%YAML 1.2
--- # A comment.
"name": 'styles'
contract: {latency: 0x14 , initiation_interval: !!int 1}
defaults: &same {precision: &p "fixed<8,3>"}
inputs: ! [{? name : x, "shape":[0o10], precision: *p}]
layers:
- name: fc
  type: dense
  weight: &w [[1, -.5], [+2, 0.25], [1e-1, 3.], [0x1, 1E0],
              [0, 0], [0, 0], [0, 0], [0, 0]]
  precision: {weight: *p,
    bias: *p}
- {name: fc2, type: dense, inputs: [fc], weight: [&row [1, 2], *row], precision: {weight: *p}, bias: *row}
...
"#,
    );
    insta::assert_snapshot!(summary(&found), @r"
    styles on xcvu9p-flga2104-2-i at 200.0 MHz (5.000 ns), parallel
    contract: Some(1) Some(Cycles(20))
    x: [8] of fixed<8,3>
    fc: dense(x) -> [2] of fixed<8,3>; weight fixed<8,3>, bias none, accum auto; latency x1 auto
    fc2: dense(fc) -> [2] of fixed<8,3>; weight fixed<8,3>, bias fixed<8,3>, accum auto; latency x1 auto
    outputs: fc2
    ");
}

#[test]
fn a_spec_is_loaded_from_a_file_with_its_weights_beside_it() {
    let folder = weights_folder();
    let path = folder.path().join("network.yaml");
    let text = "\u{feff}name: net\r\ninputs: [{name: x, shape: [16], precision: \"fixed<8,3>\"}]\r\n\
                layers: [{name: fc, type: dense, weight: weight.npy, precision: {weight: \"fixed<8,2>\"}}]\r\n";
    std::fs::write(&path, text).unwrap();
    let found = rtl4ml_spec::load(&path).unwrap();
    assert_eq!(found.path, path);
    assert_eq!(found.weight_files, [folder.path().join("weight.npy")]);
    let absolute = text.replace("weight.npy", path.with_file_name("weight.npy").to_str().unwrap());
    assert!(parse(&absolute, Path::new("/nowhere")).is_ok());
}

#[test]
fn weights_are_rounded_by_their_type_and_the_change_is_known() {
    let found = loaded(
        r#"
name: rounded
inputs: [{name: x, shape: [2], precision: "fixed<8,3>"}]
layers: [{name: fc, type: dense, weight: [[0.3], [9]], precision: {weight: "fixed<4,2,RND,SAT>"}}]
"#,
    );
    let Op::Dense(dense) = &found.network.network().layers[0].op else {
        panic!("a dense layer");
    };
    let report = dense.kernel.weight.report;
    assert_eq!((report.count, report.changed, report.overflowed), (2, 2, 1));
}

#[test]
fn the_specs_of_the_reference_are_specs() {
    let reference = include_str!("../../SPEC.md");
    let specs: Vec<&str> = reference
        .split("```yaml\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .filter(|block| block.starts_with("name:"))
        .collect();
    assert_eq!(specs.len(), 4);
    for spec in specs {
        loaded(spec);
    }
}

#[test]
fn a_budget_is_numbers_and_shares_and_auto_layers_may_fix_their_reuse_factor() {
    let text = "name: net\nbudget: {lut: 12.5 %, dsp: 0, bram: 0%}\n\
                defaults: {precision: \"fixed<8,3>\", strategy: auto}\n\
                inputs: [{name: x, shape: [2]}]\nlayers:\n\
                - {name: a, type: dense, weight: [[1, 0], [-1, 0.5]]}\n\
                - {name: b, type: dense, weight: [[1, 0], [-1, 0.5]], reuse_factor: 1}\n";
    let loaded = loaded(text);
    let network = loaded.network.network();
    let share = |millionths| Some(Amount::Share(millionths));
    let (lut, dsp, bram) = (share(125_000), Some(Amount::Count(0)), share(0));
    assert_eq!(network.budget, Budget { lut, ff: None, dsp, bram });
    let how = network.layers.iter().map(|layer| layer.implementation);
    let fixed: Vec<(Strategy, bool)> =
        how.map(|how| (how.strategy, how.reuse_factor_is_fixed)).collect();
    assert_eq!(fixed, [(Strategy::Auto, false), (Strategy::Auto, true)]);
}

#[test]
fn delays_are_those_of_the_part_of_a_name_or_of_a_file() {
    let folder = weights_folder();
    let of = |target: &str| {
        let layer = "{name: q, type: quantize, precision: \"int<4>\"}";
        let spec = format!(
            "name: n\ntarget: {{{target}}}\ninputs: [{{name: x, shape: [2], precision: \"int<6>\"}}]\nlayers: [{layer}]\n"
        );
        rtl4ml_spec::parse(&spec, "network.yaml", folder.path())
    };
    let name = |target: &str| {
        let loaded = of(target).unwrap();
        let target = loaded.network.network().target.clone();
        (target.fabric().name.clone(), loaded.weight_files.len())
    };
    assert_eq!(name("part: xcku115-flvb2104-1-c"), ("ultrascale -1".to_owned(), 0));
    assert_eq!(name("delays: yosys"), ("yosys".to_owned(), 0));
    let own = "[[fabric]]\nname = \"board\"\nmargin_percent = 5\nregister = 100\nnet = 300\nlut = 80\n\
               carry = 150\ncarry_bits = 8\ncarry_block = 20\ncounter = 40\ndsp_multiply = 2000\ndsp_cascade = 500\n\
               block_ram = 800\n";
    std::fs::write(folder.path().join("board.toml"), own).unwrap();
    std::fs::write(folder.path().join("wrong.toml"), own.replace("lut = 80", "lutt = 80")).unwrap();
    assert_eq!(name("delays: board.toml"), ("board".to_owned(), 1));
    let message = |target: &str| of(target).unwrap_err().diagnostics()[0].message.clone();
    let wrong = message("delays: wrong.toml");
    assert!(wrong.contains("line 6") && wrong.contains("unknown field `lutt`"), "{wrong}");
    assert!(message("delays: bord.toml").contains("does not exist"));
    assert!(message("delays: vivado").contains("must be `yosys` or a file"));
}

/// The types of the elements of a tensor, with the reader's own words for each.
fn types_of(loaded: &Loaded, layer: usize) -> Vec<String> {
    let network = loaded.network.network();
    match network.layers[layer].op.result_type() {
        rtl4ml_ir::ResultType::Cast(types) => types.all().iter().map(ToString::to_string).collect(),
        rtl4ml_ir::ResultType::Auto => Vec::new(),
    }
}

#[test]
fn types_may_differ_between_elements() {
    let found = loaded(
        r"
name: net
inputs:
  - {name: x, shape: [2, 3], precision: {type: ufixed, width: [[8], [4]], integer: [1, 2, 3]}}
layers:
  # One type a channel, of which one is the constant 0.
  - {name: a, type: relu, precision: {type: fixed, width: [8, 0, 4], integer: 2, rounding: AP_RND, overflow: SAT}}
  # One a row, signs and integer bits of their own.
  - name: b
    type: relu
    precision: {result: {signed: [[0], [1]], width: 6, integer: [[3], [-1]]}}
  # All the same: one type.
  - {name: c, type: quantize, precision: {type: fixed, width: [6, 6, 6], integer: 2}}
",
    );
    let network = found.network.network();
    let input: Vec<String> =
        network.inputs[0].types.all().iter().map(ToString::to_string).collect();
    assert_eq!(
        input,
        ["ufixed<8,1>", "ufixed<8,2>", "ufixed<8,3>", "ufixed<4,1>", "ufixed<4,2>", "ufixed<4,3>"]
    );
    let channel = ["fixed<8,2,RND,SAT>", "fixed<0,2,RND,SAT>", "fixed<4,2,RND,SAT>"];
    assert_eq!(types_of(&found, 0), [channel, channel].concat());
    assert_eq!(types_of(&found, 1), [["ufixed<6,3>"; 3], ["fixed<6,-1>"; 3]].concat());
    assert_eq!(types_of(&found, 2), ["fixed<6,2>"]);
    let text = summary(&found);
    for line in [
        "x: [2, 3] of ufixed<4..8,1..3>",
        "a: relu(x) -> [2, 3] of fixed<0..8,2>",
        "b: relu(a) -> [2, 3] of (u)fixed<6,-1..3>",
        "c: quantize(b) -> [2, 3] of fixed<6,2>",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}
