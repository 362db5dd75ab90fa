//! The files beside the header: the C interface, the test with its vectors, and the CMake file.

use rtl4ml_ir::{Source, VerifiedNetwork};

use crate::Emulator;
use crate::header::{elements_of, inputs};

const C_HEADER: &str = include_str!("text/interface.h");
const C_SOURCE: &str = include_str!("text/interface.cpp");
const CMAKE: &str = include_str!("text/CMakeLists.txt");
const TEST: &str = include_str!("text/test.cpp");
const EXPORTS: &str = include_str!("text/exports.map");

/// A file of text, relative to the folder that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path, with `/` between folders.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// The integers of samples: of each the inputs, and the outputs that the reference gives.
#[derive(Clone, Copy, Debug)]
pub struct Vectors<'a> {
    /// Of each sample the inputs.
    pub inputs: &'a [Vec<Vec<i128>>],
    /// Of each sample the outputs.
    pub outputs: &'a [Vec<Vec<i128>>],
}

/// A port, as the files beside the header see it.
#[derive(Clone, Debug)]
struct Port {
    size: usize,
    /// The expression of element i's range and grid in the header.
    elements: String,
}

/// The inputs and outputs.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// Whether every integer of an input or an output is a number of double precision.
    are_doubles: bool,
}

impl Ports {
    pub fn of(network: &VerifiedNetwork) -> Self {
        let port = |source: &Source| Port {
            size: network.tensor_type(*source).element_count(),
            elements: elements_of(network, *source),
        };
        let (inputs, outputs) = (inputs(network), &network.network().outputs);
        let fits = |source: &Source| {
            let ranges = &network.tensor_type(*source).ranges;
            ranges.iter().all(|range| range.lo >= -(1 << 53) && range.hi <= 1 << 53)
        };
        Self {
            inputs: inputs.iter().map(port).collect(),
            outputs: outputs.iter().map(port).collect(),
            are_doubles: inputs.iter().chain(outputs).all(fits),
        }
    }
}

impl Ports {
    /// The statements that compare numbers, where double precision has all of them.
    fn doubles(&self) -> String {
        if !self.are_doubles {
            return String::new();
        }
        let mut text = "  Tensors<double> numbers, results;\n".to_owned();
        let mut expected = String::new();
        for (ports, tensors, integers) in
            [(&self.inputs, "numbers", "inputs"), (&self.outputs, "results", "outputs")]
        {
            for (index, Port { size, elements, .. }) in ports.iter().enumerate() {
                let number = format!(
                    "@NAME@::detail::number_of(@NAME@::{elements}, vector.{integers}[{index}][i])"
                );
                let each = format!("for (std::size_t i = 0; i < {size}; ++i)");
                text += &format!("  {tensors}.emplace_back({size});\n");
                if tensors == "numbers" {
                    text += &format!("  {each} numbers[{index}][i] = {number};\n");
                } else {
                    expected += &format!("  {each} differ += results[{index}][i] != {number};\n");
                }
            }
        }
        let arguments = pointers("from", "to", self);
        text += "  const auto from = pointers<double, const double*>(numbers);\n";
        text += "  const auto to = pointers<double, double*>(results);\n";
        text + &format!("  emulator.predict({arguments});\n") + &expected
    }
}

/// The arguments of a function with a pointer for each port.
fn pointers(inputs: &str, outputs: &str, ports: &Ports) -> String {
    let ins = (0..ports.inputs.len()).map(|index| format!("{inputs}[{index}]"));
    let outs = (0..ports.outputs.len()).map(|index| format!("{outputs}[{index}]"));
    ins.chain(outs).collect::<Vec<_>>().join(", ")
}

impl Emulator {
    /// All files: the header, the C interface, the CMake file, and a test on these vectors.
    pub fn files(&self, vectors: Vectors) -> Vec<File> {
        let filled = |text: &str| {
            text.replace("@NAME@", &self.name)
                .replace("@MODEL@", &self.model)
                .replace("@VERSION@", &self.version)
                .replace("@ARGUMENTS@", &pointers("inputs", "outputs", &self.ports))
                .replace("@FOUND@", &pointers("in", "out", &self.ports))
                .replace("@DOUBLES@", &self.ports.doubles().replace("@NAME@", &self.name))
        };
        let file = |path: String, text: String| File { path, text };
        let name = &self.name;
        vec![
            file(self.header_name(), self.header.clone()),
            file(format!("{name}.h"), filled(C_HEADER)),
            file(format!("{name}.cpp"), filled(C_SOURCE)),
            file("exports.map".to_owned(), filled(EXPORTS)),
            file("CMakeLists.txt".to_owned(), filled(CMAKE)),
            file("test/test.cpp".to_owned(), filled(TEST)),
            file("test/vectors.txt".to_owned(), vectors.text()),
        ]
    }
}

impl Vectors<'_> {
    /// The vectors: how many there are, then a line each; the integers of the inputs, then those of
    /// the outputs.
    fn text(&self) -> String {
        let mut text = format!("{}\n", self.inputs.len());
        for (inputs, outputs) in self.inputs.iter().zip(self.outputs) {
            // Integers of unsigned formats of 64 bits are there as their bits.
            let integers = inputs.iter().chain(outputs).flatten();
            let texts: Vec<String> = integers.map(|x| (*x as i64).to_string()).collect();
            text += &texts.join(" ");
            text += "\n";
        }
        text
    }
}
