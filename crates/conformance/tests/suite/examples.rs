//! The examples: outputs by their training scripts, the answers that they get right, and the jet
//! tagger at several reuse factors.

use rtl4ml_circuit::protocol::Mantissas;
use rtl4ml_ir::{Op, Strategy, VerifiedNetwork, verify};
use rtl4ml_spec::load_array;

use rtl4ml_conformance::{
    BuiltCase, Case, on_external_simulators, on_rust_hdl, on_simulators, root,
};
use rtl4ml_sim::external::Simulator;

/// The dense examples.
const DENSE: [&str; 3] =
    ["jet_tagger/network_mixed.yaml", "digits/network.yaml", "jet_tagger/network.yaml"];

fn dense(specs: &[&str], samples: usize) -> Vec<BuiltCase> {
    let load = |spec: &&str| Case::load(&root().join("examples").join(spec)).with_at_most(samples);
    specs.iter().map(load).map(on_rust_hdl).collect()
}

/// With few samples on the external simulators, and the largest not in Verilator, which takes
/// longest to compile it.
#[test]
fn dense_examples_on_every_engine() {
    dense(&DENSE, 200);
    on_external_simulators("examples", &dense(&DENSE[..2], 20));
    on_simulators("examples", &dense(&DENSE[2..], 8), &[Simulator::Icarus]);
}

#[test]
#[ignore = "heavy: compiling the jet tagger takes a minute; ./test.sh --heavy runs it"]
fn dense_examples_on_external_simulators() {
    on_external_simulators("examples", &dense(&DENSE, 200));
}

/// The convolutional networks, at once and pixel by pixel, and the digits that they get right, as
/// their pages say.
const CONVOLUTIONS: [(&str, usize); 3] =
    [("digits_cnn/network.yaml", 440), ("digits_cnn/stream.yaml", 440), ("skip/network.yaml", 433)];

/// How many samples have their largest output where the label says.
fn right_answers(case: &Case, labels: &[f64]) -> usize {
    assert_eq!(case.expected.len(), labels.len());
    let is_right = |(outputs, label): (&Vec<Mantissas>, &f64)| {
        let logits = outputs[0].iter().enumerate();
        // The first of the largest, as argmax has it.
        let winner = logits.max_by_key(|(index, logit)| (**logit, -(*index as i64))).unwrap().0;
        winner == *label as usize
    };
    case.expected.iter().zip(labels).filter(|pair| is_right(*pair)).count()
}

#[test]
fn convolutions_on_rust_hdl() {
    for (spec, right) in CONVOLUTIONS {
        let spec = root().join("examples").join(spec);
        let case = Case::load(&spec);
        let labels = load_array(&spec.with_file_name("labels.npy").to_string_lossy()).unwrap();
        assert_eq!(right_answers(&case, &labels.numbers), right, "{}", case.name);
        on_rust_hdl(case.with_at_most(40));
    }
}

/// With few images: what takes time here is compiling.
fn convolutions(specs: &[(&str, usize)]) -> Vec<BuiltCase> {
    let load = |(spec, _): &(&str, usize)| Case::load(&root().join("examples").join(spec));
    specs.iter().map(|spec| on_rust_hdl(load(spec).with_at_most(4))).collect()
}

#[test]
fn a_convolutional_stream_on_external_simulators() {
    on_external_simulators("digits, pixel by pixel", &convolutions(&CONVOLUTIONS[1..2]));
}

#[test]
#[ignore = "heavy: hundreds of shared multipliers; ./test.sh --heavy runs it"]
fn convolutions_on_external_simulators() {
    on_external_simulators("convolutions", &convolutions(&CONVOLUTIONS));
}

/// The jet tagger with other reuse factors, one a dense layer.
fn jet_tagger(name: &str, reuse_factors: [u64; 4]) -> Case {
    let spec = root().join("examples/jet_tagger/network.yaml");
    let Case { network, samples, .. } = Case::load(&spec).with_at_most(100);
    let mut network = network.network().clone();
    name.clone_into(&mut network.name);
    let dense = network.layers.iter_mut().filter(|layer| matches!(layer.op, Op::Dense(_)));
    for (layer, reuse_factor) in dense.zip(reuse_factors) {
        layer.implementation.reuse_factor = reuse_factor;
        layer.implementation.strategy = Strategy::Resource;
    }
    Case::new(name.to_owned(), verify(network).unwrap(), samples)
}

/// n_in * n_out / R multipliers, less those whose weights are all zero or powers of two.
fn multipliers_by_the_rule(network: &VerifiedNetwork, layer: usize) -> u64 {
    let layer = &network.network().layers[layer];
    let Op::Dense(dense) = &layer.op else { return 0 };
    let [n_in, n_out] = dense.kernel.weight.extents[..] else { panic!() };
    let reuse = layer.implementation.reuse_factor as usize;
    let chunks =
        (1..=n_in).rev().find(|d| n_in.is_multiple_of(*d) && reuse.is_multiple_of(*d)).unwrap();
    let groups = reuse / chunks;
    let (lanes, units) = (n_in / chunks, n_out / groups);
    let mut multipliers = 0;
    for lane in 0..lanes {
        for unit in 0..units {
            let needed = (0..chunks).any(|chunk| {
                (0..groups).any(|group| {
                    let weight = dense.kernel.weight_at(chunk * lanes + lane, group * units + unit);
                    let magnitude = weight.mantissa.unsigned_abs();
                    magnitude != 0 && !magnitude.is_power_of_two()
                })
            });
            multipliers += u64::from(needed);
        }
    }
    multipliers
}

/// The variants on Rust-HDL's kernel, each with the interval and the multipliers of the rule.
fn variants() -> Vec<BuiltCase> {
    let variants = [
        ("jet_1", [1, 1, 1, 1]),
        ("jet_2", [2, 2, 2, 2]),
        ("jet_4", [4, 4, 4, 4]),
        ("jet_16", [16, 16, 16, 16]),
        ("jet_mixed", [16, 1, 32, 5]),
    ];
    let build = |(name, reuse_factors): (&str, [u64; 4])| {
        let built = on_rust_hdl(jet_tagger(name, reuse_factors));
        let interface = &built.circuit.interface;
        // The judge has held the circuit to this interval and to the latency, cycle by cycle.
        let interval = reuse_factors.into_iter().max().unwrap();
        assert_eq!(interface.initiation_interval_cycles, interval);
        for (index, layer) in built.circuit.layers.iter().enumerate() {
            let expected = multipliers_by_the_rule(&built.case.network, index);
            assert_eq!(layer.statistics.multipliers, expected, "{name}, {}", layer.name);
        }
        built
    };
    variants.into_iter().map(build).collect()
}

#[test]
fn jet_tagger_at_reuse_factors_1_2_4_16_and_mixed() {
    assert_eq!(variants().len(), 5);
}

#[test]
#[ignore = "heavy: compiling five jet taggers takes minutes; ./test.sh --heavy runs it"]
fn jet_tagger_at_reuse_factors_on_external_simulators() {
    on_external_simulators("jet tagger", &variants());
}
