//! The reference: a verified network evaluated layer by layer on integers.
//!
//! Written to be obviously right, not fast: one element at a time, straight from the definition
//! of each layer. Everything else is compared with it.

mod functions;
mod kernel;

use kernel::dense_sums;
use rtl4ml_ir::{Op, ResultType, Source, Value, VerifiedNetwork};

/// The integers of one tensor, row-major, each a mantissa in its element's format.
pub type Mantissas = Vec<i128>;

/// The tensors of a network for one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The inputs as given.
    inputs: Vec<Mantissas>,
    /// What each layer computed, in the network's order.
    layers: Vec<Mantissas>,
}

impl Evaluation {
    /// The integers of a tensor.
    pub fn tensor(&self, source: Source) -> &Mantissas {
        match source {
            Source::Input(id) => &self.inputs[id.0 as usize],
            Source::Layer(id) => &self.layers[id.0 as usize],
        }
    }

    /// The outputs of the network, in the order of its ports.
    pub fn outputs(&self, network: &VerifiedNetwork) -> Vec<Mantissas> {
        let outputs = network.network().outputs.iter();
        outputs.map(|source| self.tensor(*source).clone()).collect()
    }
}

/// Evaluates a network on integers that are in the formats of its inputs.
///
/// # Panics
/// When an input has another number of elements than the network says.
pub fn evaluate(network: &VerifiedNetwork, inputs: &[Mantissas]) -> Evaluation {
    let mut evaluation = Evaluation { inputs: inputs.to_vec(), layers: Vec::new() };
    for (index, input) in inputs.iter().enumerate() {
        let source = Source::Input(rtl4ml_ir::InputId(index as u32));
        assert_eq!(input.len(), network.tensor_type(source).element_count(), "input {index}");
    }
    for (id, layer) in network.network().layers_with_ids() {
        let from = layer.inputs[0];
        let input = network.tensor_type(from);
        let values: Vec<Value> = evaluation
            .tensor(from)
            .iter()
            .enumerate()
            .map(|(i, mantissa)| Value {
                mantissa: *mantissa,
                fraction_bits: input.format(i).fraction_bits(),
            })
            .collect();
        let exact = match &layer.op {
            Op::Dense(dense) => dense_sums(dense, &values),
            Op::Relu(_) => {
                values.iter().map(|x| Value { mantissa: x.mantissa.max(0), ..*x }).collect()
            }
            Op::Quantize(_) | Op::Reshape(_) => values,
            Op::LeakyRelu(_)
            | Op::Clamp(_)
            | Op::Step(_)
            | Op::Function(_)
            | Op::Softmax(_)
            | Op::Argmax(_) => functions::exact(&layer.op, &values, input),
            _ => todo!(),
        };
        let result = layer.op.result_type();
        let output = network.tensor_type(Source::Layer(id));
        let mantissas = exact
            .into_iter()
            .enumerate()
            .map(|(i, value)| match &result {
                ResultType::Cast(types) => types.get(i).cast(value),
                ResultType::Auto => value.mantissa_at(output.format(i).fraction_bits()),
            })
            .collect();
        evaluation.layers.push(mantissas);
    }
    evaluation
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtl4ml_ir::{Constant, Dense, FixedType, Network, Relu, verify};

    /// 1.5 * 1 - 0.25 * 2 + 0.5 = 1.5, and its negative, through a relu that truncates.
    #[test]
    fn a_dense_layer_and_a_relu_by_hand() {
        let ty = |text: &str| text.parse::<FixedType>().unwrap();
        let mut network = Network::new("by_hand");
        let x = network.input("x", [2], ty("fixed<6,4>"));
        let weights = [1.5, -1.5, -0.25, 0.25];
        let weight = Constant::quantize([2, 2], &weights, ty("fixed<4,2>")).unwrap();
        let bias = Constant::quantize([2], &[0.5, -0.5], ty("fixed<4,2>")).unwrap();
        let fc = network.layer("fc", Dense::new(weight, Some(bias)), [x]);
        let relu = Relu { result: ty("ufixed<4,4>").into() };
        let y = network.layer("act", relu, [fc]);
        network.outputs = vec![fc, y];
        let network = verify(network).unwrap();
        let evaluation = evaluate(&network, &[vec![4, 8]]);
        // The sums are on a grid of 1/16.
        assert_eq!(evaluation.outputs(&network), [vec![24, -24], vec![1, 0]]);
    }
}
