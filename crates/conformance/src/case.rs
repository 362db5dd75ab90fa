//! A case: a network, samples, and the outputs that somebody else says they have.

use std::path::{Path, PathBuf};

use rtl4ml_circuit::protocol::Mantissas;
use rtl4ml_ir::{InputId, Source, VerifiedNetwork};
use rtl4ml_sim::emulator::Emulator;
use rtl4ml_sim::reference::{Evaluation, Reference};

/// A network with samples and the reference's outputs for them.
pub struct Case {
    /// What to call it in messages.
    pub name: String,
    /// The network.
    pub network: VerifiedNetwork,
    /// The inputs.
    pub samples: Vec<Vec<Mantissas>>,
    /// The outputs of each sample.
    pub expected: Vec<Vec<Mantissas>>,
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Case {
    /// A case whose expected outputs are the reference's, with which the emulator's are compared:
    /// every element of every layer.
    pub fn new(name: String, network: VerifiedNetwork, samples: Vec<Vec<Mantissas>>) -> Self {
        let reference = Reference::new(&network);
        let evaluations: Vec<Evaluation> =
            samples.iter().map(|sample| reference.evaluate(sample)).collect();
        compare_emulator(&name, &network, &samples, &evaluations);
        let expected = evaluations.iter().map(|found| found.outputs(&network)).collect();
        Self { name, network, samples, expected }
    }

    /// The case in a folder, whose reference is compared with every output in it: a spec, `x.npy`
    /// (`x.<name>.npy` each with several inputs) and `y.npy` likewise.
    pub fn load(spec: &Path) -> Self {
        let folder = spec.parent().unwrap();
        let name = format!(
            "{}/{}",
            folder.file_name().unwrap().to_string_lossy(),
            spec.file_name().unwrap().to_string_lossy()
        );
        let network = rtl4ml_spec::load(spec).unwrap_or_else(|e| panic!("{name}: {e}")).network;
        let graph = network.network();
        let inputs: Vec<Vec<f64>> = graph
            .inputs
            .iter()
            .map(|input| read_array(folder, "x", &input.name, graph.inputs.len()))
            .collect();
        let outputs: Vec<Vec<f64>> = graph
            .outputs
            .iter()
            .map(|s| read_array(folder, "y", graph.source_name(*s), graph.outputs.len()))
            .collect();
        let first = network.tensor_type(Source::Input(InputId(0))).element_count();
        let samples: Vec<Vec<Mantissas>> = (0..inputs[0].len() / first)
            .map(|sample| {
                graph
                    .inputs
                    .iter()
                    .zip(&inputs)
                    .enumerate()
                    .map(|(index, (input, numbers))| {
                        let source = Source::Input(InputId(index as u32));
                        let count = network.tensor_type(source).element_count();
                        let numbers = &numbers[sample * count..(sample + 1) * count];
                        let cast = |(i, x): (usize, &f64)| input.types.get(i).from_f64(*x).unwrap();
                        numbers.iter().enumerate().map(cast).collect()
                    })
                    .collect()
            })
            .collect();
        let case = Self::new(name, network, samples);
        case.compare_reference(&outputs);
        case
    }

    /// Every output of every sample, as a number.
    fn compare_reference(&self, outputs: &[Vec<f64>]) {
        let graph = self.network.network();
        let mut differ = 0;
        for (port, source) in graph.outputs.iter().enumerate() {
            let tensor = self.network.tensor_type(*source);
            let count = tensor.element_count();
            assert_eq!(outputs[port].len(), count * self.samples.len(), "{}", self.name);
            for (sample, expected) in self.expected.iter().enumerate() {
                for (element, mantissa) in expected[port].iter().enumerate() {
                    let number = tensor.format(element).to_f64(*mantissa);
                    differ += usize::from(number != outputs[port][sample * count + element]);
                }
            }
        }
        assert_eq!(differ, 0, "{}: outputs of the reference that differ", self.name);
    }

    /// The same case with at most so many samples, evenly drawn.
    pub fn with_at_most(mut self, count: usize) -> Self {
        let step = self.samples.len().div_ceil(count).max(1);
        self.samples = self.samples.into_iter().step_by(step).collect();
        self.expected = self.expected.into_iter().step_by(step).collect();
        self
    }
}

/// The emulator computes what the reference computes, whether it counts or not.
fn compare_emulator(
    name: &str,
    network: &VerifiedNetwork,
    samples: &[Vec<Mantissas>],
    evaluations: &[Evaluation],
) {
    let emulator = Emulator::new(network);
    let layers: Vec<Source> =
        network.network().layers_with_ids().map(|(id, _)| Source::Layer(id)).collect();
    let input = |index: usize| samples.iter().flat_map(|s| s[index].iter().copied()).collect();
    let inputs: Vec<Mantissas> = (0..network.network().inputs.len()).map(input).collect();
    for counting in [false, true] {
        let found = emulator.run(&inputs, samples.len(), &layers, counting);
        for (found, source) in found.tensors.iter().zip(&layers) {
            let expected: Mantissas =
                evaluations.iter().flat_map(|e| e.tensor(*source).iter().copied()).collect();
            let layer = network.network().source_name(*source);
            assert_eq!(*found, expected, "{name}: layer `{layer}` on the emulator");
        }
    }
}

/// `<kind>.npy`, or `<kind>.<name>.npy` where there are several tensors.
fn read_array(folder: &Path, kind: &str, name: &str, tensors: usize) -> Vec<f64> {
    let file = if tensors == 1 { format!("{kind}.npy") } else { format!("{kind}.{name}.npy") };
    let bytes = std::fs::read(folder.join(&file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    let array = npyz::NpyFile::new(&bytes[..]).unwrap();
    match array.dtype().descr().trim_matches(['\'', '<', '|', '>']) {
        "f8" => array.into_vec::<f64>().unwrap(),
        "f4" => array.into_vec::<f32>().unwrap().into_iter().map(f64::from).collect(),
        other => panic!("{file}: dtype {other}"),
    }
}
