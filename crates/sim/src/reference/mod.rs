//! The reference: a verified network evaluated layer by layer on integers.
//!
//! Written to be obviously right, not fast: one element at a time, straight from the definition
//! of each layer. Everything else is compared with it.

mod arithmetic;
mod functions;
mod kernel;
mod merge;
mod pool;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;

use rtl4ml_ir::{
    Layer, LayerId, Op, Problem, ResultType, Source, TensorType, Value, VerifiedNetwork,
};

use self::functions::Tables;

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

/// The reference of one network, borrowed or owned, which computes any number of inputs.
pub struct Reference<N> {
    network: N,
    /// The tables of each layer, computed once: their contents depend on no input.
    tables: Vec<Tables>,
}

impl<N: Borrow<VerifiedNetwork>> Reference<N> {
    /// Prepares a network.
    pub fn new(network: N) -> Self {
        let verified: &VerifiedNetwork = network.borrow();
        let of_layer = |layer: &Layer| Tables::of(&layer.op, verified.tensor_type(layer.inputs[0]));
        let tables = verified.network().layers.iter().map(of_layer).collect();
        Self { network, tables }
    }

    /// The network.
    pub fn network(&self) -> &VerifiedNetwork {
        self.network.borrow()
    }

    /// Evaluates the network on integers that are in the formats of its inputs.
    ///
    /// # Panics
    /// When an input has another number of elements than the network says.
    pub fn evaluate(&self, inputs: &[Mantissas]) -> Evaluation {
        let network = self.network();
        let mut evaluation = Evaluation { inputs: inputs.to_vec(), layers: Vec::new() };
        for (index, input) in inputs.iter().enumerate() {
            let source = Source::Input(rtl4ml_ir::InputId(index as u32));
            assert_eq!(input.len(), network.tensor_type(source).element_count(), "input {index}");
        }
        for (index, layer) in network.network().layers.iter().enumerate() {
            let inputs = layer.inputs.iter().map(|source| evaluation.tensor(*source).clone());
            let inputs: Vec<Mantissas> = inputs.collect();
            let mantissas = self.layer(index, &inputs);
            evaluation.layers.push(mantissas);
        }
        evaluation
    }

    /// What a layer computes from the integers that it reads.
    pub(crate) fn layer(&self, index: usize, inputs: &[Mantissas]) -> Mantissas {
        let network = self.network();
        let layer = &network.network().layers[index];
        let tensors: Vec<&TensorType> =
            layer.inputs.iter().map(|source| network.tensor_type(*source)).collect();
        let values: Vec<Vec<Value>> = inputs
            .iter()
            .zip(&tensors)
            .map(|(mantissas, tensor)| values_of(mantissas, tensor))
            .collect();
        let exact = exact(&layer.op, &self.tables[index], &values, &tensors)
            .unwrap_or_else(|problem| unreachable!("`{}` was verified: {problem}", layer.name));
        let result = layer.op.result_type();
        let output = network.tensor_type(Source::Layer(LayerId(index as u32)));
        exact
            .into_iter()
            .enumerate()
            .map(|(i, value)| match &result {
                ResultType::Cast(types) => types.get(i).cast(value),
                ResultType::Auto => value.mantissa_at(output.format(i).fraction_bits()),
            })
            .collect()
    }
}

/// Evaluates a network on one input; whoever has several prepares a [`Reference`] once.
///
/// # Panics
/// When an input has another number of elements than the network says.
pub fn evaluate(network: &VerifiedNetwork, inputs: &[Mantissas]) -> Evaluation {
    Reference::new(network).evaluate(inputs)
}

/// What the integers of a tensor stand for.
fn values_of(mantissas: &Mantissas, tensor: &TensorType) -> Vec<Value> {
    let value = |(index, mantissa): (usize, &i128)| Value {
        mantissa: *mantissa,
        fraction_bits: tensor.format(index).fraction_bits(),
    };
    mantissas.iter().enumerate().map(value).collect()
}

/// What an operation computes before its result is cast.
///
/// # Errors
/// When the inputs do not fit the operation, which the verifier has excluded.
fn exact(
    op: &Op,
    tables: &Tables,
    inputs: &[Vec<Value>],
    tensors: &[&TensorType],
) -> Result<Vec<Value>, Problem> {
    let (x, tensor) = (&inputs[0], tensors[0]);
    let extents = tensor.shape.extents();
    Ok(match op {
        Op::Dense(dense) => kernel::dense(dense, x),
        Op::Conv(conv) => kernel::conv(conv, &conv.slide(extents)?, x),
        Op::BatchNorm(norm) => kernel::batch_norm(norm, x),
        Op::Pool(pool) => pool::pool(pool, &pool.slide(extents)?, x, tensor),
        Op::Relu(_) => x.iter().map(|x| arithmetic::larger(*x, Value::ZERO)).collect(),
        Op::Merge(merge) => merge::merge(merge, inputs, &merge.broadcast(tensors)?.1),
        Op::Concatenate(concatenate) => {
            merge::concatenate(inputs, &concatenate.sources(tensors)?.1)
        }
        Op::Dot(dot) => merge::dot(dot, x, &inputs[1]),
        Op::Quantize(_) | Op::Reshape(_) => x.clone(),
        Op::Rearrange(rearrange) => {
            let output = rearrange.output_extents(extents)?;
            merge::gather(x, &rearrange.sources(extents, &output))
        }
        Op::LeakyRelu(_)
        | Op::Clamp(_)
        | Op::Step(_)
        | Op::Function(_)
        | Op::Softmax(_)
        | Op::Argmax(_) => functions::exact(op, tables, x, tensor),
    })
}
