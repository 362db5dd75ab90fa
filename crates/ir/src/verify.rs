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
//!    [`MAX_NETWORK_ELEMENTS`] elements, and an inference does
//!    at most [`MAX_NETWORK_PRODUCTS`] multiplications, the steps of pooling counted.
//! 10. A parallelization factor divides the positions at which its layer applies its kernel.
//! 11. A budget asks for no more than the part has.
//! 12. Types that differ between the elements of a tensor are one for each element: those that
//!     broadcast have been spread over the tensor's shape.

use std::collections::BTreeSet;

use crate::budget::Allowance;
use crate::error::{Problem, Site, VerifyError};
use crate::layers::{Op, ResultType, nearest_divisors};
use crate::network::{Implementation, InputId, Layer, LayerId, Network, Source, Strategy};
use crate::tensor::{MAX_NETWORK_ELEMENTS, MAX_NETWORK_PRODUCTS, Shape, TensorType, Types};

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

/// Invariant 1.
fn check_names(network: &Network, errors: &mut Errors) {
    check_name(Site::Network, &network.name, errors);
    let mut seen = BTreeSet::new();
    let inputs = (0..).map(|i| Site::Input(InputId(i))).zip(network.inputs.iter().map(|i| &i.name));
    let layers = (0..).map(|i| Site::Layer(LayerId(i))).zip(network.layers.iter().map(|l| &l.name));
    for (site, name) in inputs.chain(layers) {
        check_name(site, name, errors);
        if !seen.insert(name) {
            errors.push(site, Problem::DuplicateName { name: name.clone() });
        }
    }
}

/// The most characters of a name, so that the names made from it stay readable.
const MAX_NAME_LENGTH: usize = 64;

fn check_name(site: Site, name: &str, errors: &mut Errors) {
    let legal_start = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if legal_start && name.chars().all(legal) && name.len() <= MAX_NAME_LENGTH {
        return;
    }
    let mut suggestion: String =
        name.chars().take(MAX_NAME_LENGTH - 1).map(|c| if legal(c) { c } else { '_' }).collect();
    if !suggestion.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        suggestion.insert(0, 'n');
    }
    let found = name.chars().take(2 * MAX_NAME_LENGTH).collect();
    errors.push(site, Problem::Name { found, suggestion });
}

/// Invariants 2, 8 and 11.
fn check_ends(network: &Network, errors: &mut Errors) {
    let counts = [
        ("inputs", network.inputs.len()),
        ("layers", network.layers.len()),
        ("outputs", network.outputs.len()),
    ];
    for (what, _) in counts.into_iter().filter(|(_, count)| *count == 0) {
        errors.push(Site::Network, Problem::Empty { what });
    }
    let mut seen = BTreeSet::new();
    for (position, source) in network.outputs.iter().enumerate() {
        let known = match source {
            Source::Input(id) => (id.0 as usize) < network.inputs.len(),
            Source::Layer(id) => (id.0 as usize) < network.layers.len(),
        };
        if !known {
            let what = format!("output {position}");
            errors.push(Site::Output(position), Problem::ForwardReference { what });
        } else if !seen.insert(*source) {
            let name = network.source_name(*source).to_owned();
            errors.push(Site::Output(position), Problem::DuplicateOutput { name });
        }
    }
    if network.contract.initiation_interval_cycles == Some(0) {
        errors.push(Site::Network, Problem::Contract { what: "initiation_interval" });
    }
    let period_ps = network.target.clock.period_ps;
    if network.contract.latency.is_some_and(|bound| bound.cycles(period_ps) == 0) {
        errors.push(Site::Network, Problem::Contract { what: "latency" });
    }
    let device = network.target.part.device;
    for allowance in network.budget.allowances(device) {
        let Allowance { key: what, available, .. } = allowance;
        if let Some(found) = allowance.most().filter(|most| *most > available) {
            let device = device.name.clone();
            errors.push(Site::Network, Problem::Budget { what, found, device, available });
        }
    }
}

/// Invariants 3, 5 to 7 and 12 for one layer; its type where it can be inferred.
fn check_layer(
    id: LayerId,
    layer: &mut Layer,
    input_types: &[Option<TensorType>],
    layer_types: &[Option<TensorType>],
    size: &mut Size,
    errors: &mut Errors,
) -> Option<TensorType> {
    let site = Site::Layer(id);
    // A wrong reuse factor changes no type, so that inference goes on after it.
    check_implementation(site, layer, errors);
    let before = errors.0.len();
    for problem in layer.op.check() {
        errors.push(site, problem);
    }
    if let ResultType::Cast(types) = layer.op.result_type()
        && let Some(format) = types.illegal_format()
    {
        errors.push(site, Problem::Format { what: "the result", format });
    }
    let mut inputs = Some(Vec::new());
    for source in &layer.inputs {
        let known = match source {
            Source::Input(input) => input_types.get(input.0 as usize),
            Source::Layer(earlier) => layer_types.get(earlier.0 as usize),
        };
        match known {
            None => {
                let what = format!("`{}`", layer.name);
                errors.push(site, Problem::ForwardReference { what });
                inputs = None;
            }
            // The tensor's own mistake has been reported.
            Some(None) => inputs = None,
            Some(Some(tensor)) => {
                if let Some(inputs) = &mut inputs {
                    inputs.push(tensor);
                }
            }
        }
    }
    if errors.0.len() > before {
        return None;
    }
    let inputs = inputs?;
    let inferred = size
        .add_products(layer, &inputs)
        .and_then(|()| check_parallelization(layer, &inputs))
        .map_err(|problem| vec![problem])
        .and_then(|()| spread_result(&mut layer.op, &inputs))
        .and_then(|()| layer.op.infer(&inputs))
        .and_then(|tensor| {
            size.add_elements(tensor.element_count()).map_err(|problem| vec![problem])?;
            Ok(tensor)
        });
    match inferred {
        Ok(tensor) => Some(tensor),
        Err(problems) => {
            for problem in problems {
                errors.push(site, problem);
            }
            None
        }
    }
}

/// Invariant 12 for the result of a layer on these inputs.
fn spread_result(op: &mut Op, inputs: &[&TensorType]) -> Result<(), Vec<Problem>> {
    let ResultType::Cast(Types::Broadcast(types)) = op.result_type() else {
        return Ok(());
    };
    // No shape depends on a type, so that of any one type is the shape of all.
    let mut plain = op.clone();
    plain.set_result_types(types.any().into());
    let shape = plain.infer(inputs)?.shape;
    let spread = types.over(&shape, "the result").map_err(|problem| vec![problem])?;
    op.set_result_types(spread);
    Ok(())
}

/// Invariant 12 for types that are one for all or one for each already, or that broadcast.
fn spread_over(types: &mut Types, shape: &Shape, what: &'static str) -> Result<(), Problem> {
    if let Types::Broadcast(broadcast) = types {
        *types = broadcast.over(shape, what)?;
    }
    Ok(())
}

/// How large the network has become so far; checked before inference takes memory and time.
#[derive(Default)]
struct Size {
    elements: usize,
    products: u64,
}

impl Size {
    /// Invariant 9 for one more tensor.
    fn add_elements(&mut self, count: usize) -> Result<(), Problem> {
        let found = self.elements + count;
        if found > MAX_NETWORK_ELEMENTS {
            return Err(Problem::NetworkElements { found });
        }
        self.elements = found;
        Ok(())
    }

    /// Invariant 9 for one more layer: its matrix is applied at every position of its input; each
    /// cell of a pooling's window is a step.
    fn add_products(&mut self, layer: &Layer, inputs: &[&TensorType]) -> Result<(), Problem> {
        let [input] = inputs else {
            return Ok(());
        };
        let extents = input.shape.extents();
        let factors = match (&layer.op, layer.op.kernel_shape()) {
            (Op::Pool(pool), _) => {
                let sliding = pool.slide(extents)?;
                [sliding.positions(), sliding.cells(), sliding.channels]
            }
            (_, Some(kernel)) => {
                let positions = layer.op.positions(extents) * layer.op.kernels().len();
                [positions, kernel.n_in, kernel.n_out]
            }
            _ => return Ok(()),
        };
        let products =
            factors.into_iter().fold(1, |n: u64, factor| n.saturating_mul(factor as u64));
        let found = self.products.saturating_add(products);
        if found > MAX_NETWORK_PRODUCTS {
            return Err(Problem::NetworkProducts { found });
        }
        self.products = found;
        Ok(())
    }
}

/// Invariant 7.
fn check_implementation(site: Site, layer: &Layer, errors: &mut Errors) {
    let Some(kernel) = layer.op.kernel_shape() else {
        return;
    };
    let Implementation { strategy, reuse_factor: found, .. } = layer.implementation;
    let (n_in, n_out) = (kernel.n_in, kernel.n_out);
    let products = n_in as u64 * n_out as u64;
    if found == 0 || !products.is_multiple_of(found) {
        let (below, above) = nearest_divisors(products, found);
        errors.push(site, Problem::ReuseFactor { found, n_in, n_out, below, above });
    } else if strategy == Strategy::DistributedArithmetic && found != 1 {
        errors.push(site, Problem::ReuseWithDistributedArithmetic { found });
    }
}

/// Invariant 10.
fn check_parallelization(layer: &Layer, inputs: &[&TensorType]) -> Result<(), Problem> {
    let (Some(found), [input]) = (layer.implementation.parallelization_factor, inputs) else {
        return Ok(());
    };
    let positions = layer.op.positions(input.shape.extents()) as u64;
    if found > 0 && positions.is_multiple_of(found) {
        return Ok(());
    }
    let (below, above) = nearest_divisors(positions, found);
    Err(Problem::Parallelization { found, positions, below, above })
}

/// Invariant 4.
fn check_liveness(network: &Network, errors: &mut Errors) {
    let mut live: BTreeSet<Source> = network.outputs.iter().copied().collect();
    for (id, layer) in network.layers_with_ids().collect::<Vec<_>>().into_iter().rev() {
        if live.contains(&Source::Layer(id)) {
            live.extend(&layer.inputs);
        }
    }
    let inputs = (0..network.inputs.len() as u32).map(InputId);
    let layers = (0..network.layers.len() as u32).map(LayerId);
    let dead = inputs
        .map(|id| (Site::Input(id), Source::Input(id)))
        .chain(layers.map(|id| (Site::Layer(id), Source::Layer(id))))
        .filter(|(_, source)| !live.contains(source));
    for (site, source) in dead {
        errors.push(site, Problem::Dead { name: network.source_name(source).to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Constant, Dense, FixedType, Relu};

    fn ty(text: &str) -> FixedType {
        text.parse().unwrap()
    }

    fn dense(n_in: usize, n_out: usize) -> Dense {
        let weights = vec![0.5; n_in * n_out];
        Dense::new(Constant::quantize([n_in, n_out], &weights, ty("fixed<4,2>")).unwrap(), None)
    }

    fn messages(network: Network) -> Vec<String> {
        verify(network).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_small_network_is_verified_with_the_types_of_its_tensors() {
        let mut network = Network::new("mlp");
        let x = network.input("x", [3], ty("ufixed<2,2>"));
        let fc = network.layer("fc", dense(3, 2), [x]);
        let y = network.layer("act", Relu::default(), [fc]);
        network.outputs = vec![y];
        let verified = verify(network).unwrap();
        assert_eq!(verified.tensor_type(y).to_string(), "[2] of ufixed<5,3>");
    }

    #[test]
    fn every_mistake_is_reported_once_and_none_that_follows_from_another() {
        let mut network = Network::new("2 bad");
        let x = network.input("x", [3], ty("fixed<4,2>"));
        let slow = Implementation { reuse_factor: 4, ..Implementation::default() };
        let first = network.layer_with("fc", dense(3, 2), [x], slow);
        let wrong = network.layer("fc", dense(5, 2), [first]);
        let after = network.layer("after", Relu::default(), [wrong]);
        network.layer("alone", Relu::default(), [x]);
        network.outputs = vec![after, after];
        let found = messages(network);
        assert_eq!(found.len(), 6, "{found:#?}");
        assert!(found[0].contains("`n2_bad`"));
        assert!(found[1].contains("`fc` is used twice"));
        assert!(found[2].contains("listed twice"));
        assert!(found[3].contains("reuse_factor 4 does not divide 3 x 2; legal near 4: 3, 6"));
        assert!(found[4].contains("[5, 2]"));
        assert!(found[5].contains("`alone` reaches no output"));
    }

    #[test]
    fn layers_can_be_built_otherwise_where_that_is_legal() {
        let mut network = Network::new("mlp");
        let x = network.input("x", [3], ty("ufixed<2,2>"));
        let y = network.layer("fc", dense(3, 2), [x]);
        network.outputs = vec![y];
        let verified = verify(network).unwrap();
        let with = |reuse_factor| {
            verified.with_implementations(&[Implementation { reuse_factor, ..Default::default() }])
        };
        let changed = with(3).unwrap();
        assert_eq!(changed.network().layers[0].implementation.reuse_factor, 3);
        assert_eq!(changed.tensor_type(y), verified.tensor_type(y));
        assert!(with(4).unwrap_err()[0].to_string().contains("does not divide 3 x 2"));
    }

    #[test]
    fn formats_that_cannot_be_declared_are_refused() {
        let mut network = Network::new("formats");
        let wide = FixedType::new(crate::Format::signed(100, 50));
        let x = network.input("x", [2], wide);
        let z = network.input("z", [2], ty("fixed<8,4>"));
        let act = network.layer("act", Relu { result: wide.into() }, [z]);
        network.outputs = vec![x, act];
        let found = messages(network);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found.iter().all(|message| message.contains("fixed<100,50>")));
    }

    #[test]
    fn an_intermediate_beyond_64_bits_names_what_is_too_wide() {
        let mut network = Network::new("wide");
        let x = network.input("x", [2], ty("fixed<60,30>"));
        let weight = Constant::quantize([2, 1], &[1e3, 1e3], ty("fixed<20,20>")).unwrap();
        let y = network.layer("fc", Dense::new(weight, None), [x]);
        network.outputs = vec![y];
        assert!(messages(network)[0].contains("would need 70 bits; at most 64"));
    }
}
