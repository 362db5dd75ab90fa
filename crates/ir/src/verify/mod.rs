//! The verifier: the only way from a [`Network`] to a [`VerifiedNetwork`].
//!
//! Invariants of a verified network, on which the other crates rely:
//! 1. Its name and those of its inputs and layers are identifiers (ASCII letters, digits and
//!    underscores, at most 64); inputs and layers have different names.
//! 2. It has an input, a layer and an output; no output is listed twice.
//! 3. A layer reads only inputs and layers before it, as many as its operation needs.
//! 4. Every input and every layer reaches an output.
//! 5. Shapes agree along every edge, no tensor has more than
//!    [`MAX_ELEMENTS`](crate::tensor::MAX_ELEMENTS) elements.
//! 6. Each element has a format of at most 64 bits and an exact range within it; no intermediate
//!    of any layer needs more than 64 bits.
//! 7. A reuse factor divides n_in * n_out of its layer's kernel, and is 1 where the strategy is
//!    fully parallel.
//! 8. Bounds of the contract are at least one cycle.
//! 9. All tensors together have at most
//!    [`MAX_NETWORK_ELEMENTS`](crate::tensor::MAX_NETWORK_ELEMENTS) elements, and an inference does
//!    at most [`MAX_NETWORK_PRODUCTS`](crate::tensor::MAX_NETWORK_PRODUCTS) multiplications, the
//!    steps of pooling counted.
//! 10. A parallelization factor divides the positions at which its layer applies its kernel.
//! 11. A budget asks for no more than the part has.
//! 12. Types that differ between the elements of a tensor are one for each element: those that
//!     broadcast have been spread over the tensor's shape.

mod graph;
mod layer;
mod size;
#[cfg(test)]
mod tests;

use graph::{check_ends, check_liveness, check_names};
use layer::{check_implementation, check_layer, check_parallelization};
use size::Size;

use crate::error::{Problem, Site, VerifyError};
use crate::network::{Implementation, InputId, LayerId, Network, Source};
use crate::tensor::{Shape, TensorType, Types};

/// A network that obeys every invariant of [this module](self), with the type of each tensor.
#[derive(Clone, Debug)]
pub struct VerifiedNetwork {
    network: Network,
    input_types: Vec<TensorType>,
    layer_types: Vec<TensorType>,
}

impl VerifiedNetwork {
    /// The network that was verified.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What is known of a tensor.
    pub fn tensor_type(&self, source: Source) -> &TensorType {
        match source {
            Source::Input(id) => &self.input_types[id.0 as usize],
            Source::Layer(id) => &self.layer_types[id.0 as usize],
        }
    }

    /// The same network with its layers built otherwise, which changes no type: `implementations`
    /// has one a layer.
    ///
    /// # Errors
    /// Every layer that cannot be built so.
    ///
    /// # Panics
    /// When the implementations are not as many as the layers.
    pub fn with_implementations(
        &self,
        implementations: &[Implementation],
    ) -> Result<Self, Vec<VerifyError>> {
        assert_eq!(implementations.len(), self.network.layers.len(), "one implementation a layer");
        let mut changed = self.clone();
        for (layer, implementation) in changed.network.layers.iter_mut().zip(implementations) {
            layer.implementation = *implementation;
        }
        let mut errors = Errors::default();
        for (id, layer) in changed.network.layers_with_ids() {
            let site = Site::Layer(id);
            check_implementation(site, layer, &mut errors);
            let inputs: Vec<&TensorType> =
                layer.inputs.iter().map(|source| changed.tensor_type(*source)).collect();
            if let Err(problem) = check_parallelization(layer, &inputs) {
                errors.push(site, problem);
            }
        }
        if errors.0.is_empty() { Ok(changed) } else { Err(errors.0) }
    }
}

/// Checks every invariant and infers the type of every tensor.
///
/// # Errors
/// All violations that can be told apart; what follows from an earlier one is not repeated.
pub fn verify(mut network: Network) -> Result<VerifiedNetwork, Vec<VerifyError>> {
    let mut errors = Errors::default();
    check_names(&network, &mut errors);
    check_ends(&network, &mut errors);
    let mut size = Size::default();
    let input_types: Vec<Option<TensorType>> = network
        .inputs
        .iter_mut()
        .enumerate()
        .map(|(i, input)| {
            let site = Site::Input(InputId(i as u32));
            let Some(shape) = Shape::new(input.extents.clone()) else {
                errors.push(site, Problem::TensorSize { extents: input.extents.clone() });
                return None;
            };
            let expected = shape.element_count();
            if let Err(problem) = size.add_elements(expected) {
                errors.push(site, problem);
                return None;
            }
            if let Some(format) = input.types.illegal_format() {
                errors.push(site, Problem::Format { what: "the input", format });
                return None;
            }
            if let Err(problem) = spread_over(&mut input.types, &shape, "the input") {
                errors.push(site, problem);
                return None;
            }
            if let Some(found) = input.types.len_per_element().filter(|n| *n != expected) {
                errors.push(site, Problem::ElementTypes { what: "the input", found, expected });
                return None;
            }
            let ranges = (0..expected).map(|i| input.types.get(i).format.range()).collect();
            Some(TensorType::cast(shape, &input.types, ranges))
        })
        .collect();
    let mut layer_types: Vec<Option<TensorType>> = Vec::with_capacity(network.layers.len());
    for (id, layer) in (0..).map(LayerId).zip(&mut network.layers) {
        let tensor = check_layer(id, layer, &input_types, &layer_types, &mut size, &mut errors);
        layer_types.push(tensor);
    }
    check_liveness(&network, &mut errors);
    let complete = |types: Vec<Option<TensorType>>| types.into_iter().collect::<Option<Vec<_>>>();
    match (errors.0.is_empty(), complete(input_types), complete(layer_types)) {
        (true, Some(input_types), Some(layer_types)) => {
            Ok(VerifiedNetwork { network, input_types, layer_types })
        }
        _ => Err(errors.0),
    }
}

#[derive(Default)]
struct Errors(Vec<VerifyError>);

impl Errors {
    fn push(&mut self, site: Site, problem: Problem) {
        self.0.push(VerifyError { site, problem });
    }
}

/// Invariant 12 for types that are one for all or one for each already, or that broadcast.
fn spread_over(types: &mut Types, shape: &Shape, what: &'static str) -> Result<(), Problem> {
    if let Types::Broadcast(broadcast) = types {
        *types = broadcast.over(shape, what)?;
    }
    Ok(())
}
