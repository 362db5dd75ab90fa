//! A whole network as a circuit: what leaves this crate.

use rtl4ml_hdl::Design;
use rtl4ml_ir::{Clock, Implementation, Io, Layer, TensorType, VerifiedNetwork};
use serde::Serialize;

use crate::choose::{Chosen, Decision, chosen};
use crate::dataflow::TooWide;
use crate::delay::DelayModel;
use crate::distributed::Rule;
use crate::layer::{Part, Statistics};
use crate::{contract, plan, stream, top};

/// A network as Rust-HDL modules, with what is known of its timing.
#[derive(Debug)]
pub struct Circuit {
    /// The modules; the last is the top.
    pub design: Design,
    /// The ports of the top and their timing.
    pub interface: Interface,
    /// One entry a layer, in the network's order.
    pub layers: Vec<LayerSummary>,
    /// One entry a layer with `strategy: auto`: what was looked at, what was taken and why.
    pub decisions: Vec<Decision>,
}

/// The ports of the top module and what they promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// The name of the top module.
    pub top: String,
    /// How data enters and leaves.
    #[serde(serialize_with = "io_word")]
    pub io: Io,
    /// The data inputs, in the network's order.
    pub inputs: Vec<Port>,
    /// The data outputs, in the network's order.
    pub outputs: Vec<Port>,
    /// From the edge that takes an input to the edge at which a receiver sees `out_valid`. With
    /// streams: from the edge that takes the first transfer of an input to the edge that gives
    /// the last of its outputs away, when every transfer is offered and taken at once.
    pub latency_cycles: u64,
    /// The fewest cycles between two accepted inputs. With streams: between the ends of two
    /// frames that follow each other, when every transfer is offered and taken at once.
    pub initiation_interval_cycles: u64,
    /// Streams only: the first frame, counted from 0, that ends an interval after the one before
    /// it, as do all later ones. Before that the buffers of an empty network fill up.
    pub regular_from: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn io_word<S: serde::Serializer>(io: &Io, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(io.word())
}

/// A data port: the elements of a tensor, element 0 in the low bits. With streams a port carries
/// them transfer by transfer, and has two more signals for the handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    /// The name of the port.
    pub name: String,
    /// The name of the tensor in the network.
    pub tensor: String,
    /// The extents of the tensor.
    pub shape: Vec<usize>,
    /// In how many transfers the tensor travels; 1 unless it is streamed.
    pub transfers: usize,
    /// The width of the port in bits.
    pub width: u64,
    /// The elements of a transfer, row-major.
    pub elements: Vec<PortElement>,
}

/// An element of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PortElement {
    /// The width in bits; 0 for the constant 0, which has no place in the port.
    pub width: u32,
    /// Two's complement when true.
    pub signed: bool,
    /// The bits after the binary point.
    pub fraction_bits: i32,
}

impl Port {
    /// The port of a tensor.
    pub fn of(name: String, tensor_name: &str, tensor: &TensorType) -> Self {
        let elements: Vec<PortElement> = (0..tensor.element_count())
            .map(|index| {
                let format = tensor.format(index);
                let (width, signed) = (format.width, format.signed);
                PortElement { width, signed, fraction_bits: format.fraction_bits() }
            })
            .collect();
        Self {
            name,
            tensor: tensor_name.to_owned(),
            shape: tensor.shape.extents().to_vec(),
            transfers: 1,
            width: elements.iter().map(|element| u64::from(element.width)).sum(),
            elements,
        }
    }

    /// The port of a tensor of this shape that travels in so many transfers.
    pub fn streamed(
        name: String,
        tensor_name: &str,
        shape: &[usize],
        transfer: &TensorType,
        transfers: usize,
    ) -> Self {
        Self { shape: shape.to_vec(), transfers, ..Self::of(name, tensor_name, transfer) }
    }

    /// The name of the vector that carries the elements.
    pub fn data_name(&self, io: Io) -> String {
        match io {
            Io::Parallel => self.name.clone(),
            Io::Stream => format!("{}_tdata", self.name),
        }
    }

    /// The name of the flag with which a sender offers a transfer.
    pub fn valid_name(&self) -> String {
        format!("{}_tvalid", self.name)
    }

    /// The name of the flag with which a receiver takes it.
    pub fn ready_name(&self) -> String {
        format!("{}_tready", self.name)
    }

    /// The elements that have a place in the port: those that are not of width 0.
    pub fn lanes(&self) -> impl Iterator<Item = &PortElement> {
        self.elements.iter().filter(|element| element.width > 0)
    }
}

/// What is known of a layer once it is built.
#[derive(Clone, Debug)]
pub struct LayerSummary {
    /// The layer's name.
    pub name: String,
    /// How it is built.
    pub implementation: Implementation,
    /// The module that computes it; `None` where the layer is only wires.
    pub module: Option<String>,
    /// Cycles from its input to its output.
    pub latency_cycles: u32,
    /// Cycles between two inputs.
    pub initiation_interval_cycles: u64,
    /// What it is made of.
    pub statistics: Statistics,
    /// Its arithmetic, in the order of the data.
    pub parts: Vec<Part>,
    /// The names of the top module's instances that it is made of.
    pub instances: Vec<String>,
}

/// What keeps a verified network from becoming a circuit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what its fields are")]
pub enum CircuitError {
    #[error("layer `{layer}`: {source}; choose narrower types or an explicit `accum`")]
    TooWide { layer: String, source: TooWide },
    #[error(
        "layer `{layer}`: element-wise result types need a reuse_factor that divides n_in = {n_in}; or give the result one type and add a `quantize` layer"
    )]
    PerElementResult { layer: String, n_in: usize },
    #[error(
        "layer `{layer}`: results that are computed {at_once} positions at a time need the same types in every pass; leave `parallelization_factor` out, or give the result one type and add a `quantize` layer"
    )]
    PerElementPasses { layer: String, at_once: usize },
    #[error(
        "contract: initiation_interval {asked} cannot be kept: {found} cycles are the least ({reason}); {advice}"
    )]
    InitiationInterval { asked: u64, found: u64, reason: String, advice: String },
    #[error(
        "contract: a latency of {asked} cannot be kept at {clock}: {found} cycles are the least ({reason}); {advice}"
    )]
    Latency { asked: String, clock: Clock, found: u64, reason: String, advice: String },
    #[error("budget: {asked} cannot be kept: {found}; {advice}")]
    Budget { asked: String, found: String, advice: String },
    #[error("internal error, please report it: `{layer}` has no candidate for strategy `auto`")]
    Undecided { layer: String },
    #[error(
        "tensor `{tensor}`: with `io: stream` every pixel must have the same formats; choose one type for it, types for each channel alone, or `io: parallel`"
    )]
    StreamFormats { tensor: String },
    #[error("internal error, please report it: the network of streams stops for ever")]
    StreamStops,
    #[error("internal error, please report it: {0}")]
    Design(#[from] rtl4ml_hdl::DesignError),
}

impl CircuitError {
    pub(crate) fn too_wide(layer: &Layer, source: TooWide) -> Self {
        Self::TooWide { layer: layer.name.clone(), source }
    }
}

/// Builds the circuit of a network, its `auto` layers as they are chosen to be, and checks it
/// against the network's contract and budget.
///
/// # Errors
/// What cannot be built or kept, and what can.
pub fn build(network: &VerifiedNetwork) -> Result<Circuit, CircuitError> {
    let Chosen { network, circuit, over_budget } = chosen(network)?;
    contract::check(&network, &circuit)?;
    over_budget.map_or(Ok(circuit), Err)
}

/// Builds the circuit of a network without `auto` layers: the thriftiest that keeps its latency
/// contract, else the one with the fewest levels of adders.
pub(crate) fn assemble(network: &VerifiedNetwork) -> Result<Circuit, CircuitError> {
    let model = DelayModel::new(&network.network().target);
    let planned = |rule| Planned::new(network, &model, rule);
    let keeps = |plan: &Planned| contract::keeps_latency(network, plan.latency_cycles(network));
    let thrifty = planned(Rule::Thrifty)?;
    let planned = if keeps(&thrifty) {
        thrifty
    } else {
        // The third is often needed where the second is.
        let both = rayon::join(|| planned(Rule::Balanced), || planned(Rule::Quick));
        let balanced = both.0?;
        if keeps(&balanced) { balanced } else { both.1? }
    };
    let circuit = match planned {
        Planned::Parallel(plan) => top::build(network, plan),
        Planned::Stream(plan) => stream::top::build(network, plan),
    };
    circuit.design.check()?;
    Ok(circuit)
}

/// A network whose timing is known, before its top module is built.
pub(crate) enum Planned {
    /// Of `io: parallel`.
    Parallel(plan::Plan),
    /// Of `io: stream`.
    Stream(stream::plan::Plan),
}

impl Planned {
    pub fn new(
        network: &VerifiedNetwork,
        model: &DelayModel,
        rule: Rule,
    ) -> Result<Self, CircuitError> {
        Ok(match network.network().io {
            Io::Parallel => Self::Parallel(plan::plan(network, model, rule)?),
            Io::Stream => Self::Stream(stream::plan::plan(network, model, rule)?),
        })
    }

    pub fn latency_cycles(&self, network: &VerifiedNetwork) -> u64 {
        match self {
            Self::Parallel(plan) => plan.latency_cycles(&network.network().outputs),
            Self::Stream(plan) => plan.run.latency_cycles,
        }
    }
}
