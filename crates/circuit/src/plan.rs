//! When each tensor of a network is there: every layer is built, in the network's order, for the
//! moments at which what it reads arrives.
//!
//! A layer that reads several tensors starts in the cycle of the latest; the others wait in
//! registers, and are then there from the start of that cycle on.

use std::collections::HashMap;

use rtl4ml_ir::{InputId, Source, VerifiedNetwork};

use crate::bus::BusLayout;
use crate::circuit::CircuitError;
use crate::delay::DelayModel;
use crate::layer::BuiltLayer;
use crate::layers::{LayerContext, LayerInput, Wire};

/// When a tensor is there.
#[derive(Clone, Debug)]
pub(crate) struct Timing {
    /// The cycle, counted from the one in which the network's input is taken.
    pub cycle: u64,
    /// For each element, when it is there within the cycle.
    pub arrivals_ps: Vec<u32>,
}

/// A layer that is built.
#[derive(Debug)]
pub(crate) struct PlannedLayer {
    /// The cycle in which it reads all its inputs.
    pub start_cycle: u64,
    /// What it is.
    pub circuit: LayerCircuit,
}

/// What a layer is in the top module.
#[derive(Debug)]
pub(crate) enum LayerCircuit {
    /// Where each element of its result comes from.
    Wires(Vec<Wire>),
    /// A module of which nothing is needed, because every element of the result is a constant.
    Constants(BuiltLayer),
    /// A module.
    Module(BuiltLayer),
}

/// A network whose layers are built.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The layers, in the network's order.
    pub layers: Vec<PlannedLayer>,
    /// Every tensor.
    pub timings: HashMap<Source, Timing>,
}

impl Plan {
    /// The fewest cycles between two inputs: those of the slowest layer.
    pub fn initiation_interval_cycles(&self) -> u64 {
        let of_layer = |layer: &PlannedLayer| match &layer.circuit {
            LayerCircuit::Wires(_) => 1,
            LayerCircuit::Constants(built) | LayerCircuit::Module(built) => {
                built.initiation_interval_cycles
            }
        };
        self.layers.iter().map(of_layer).max().unwrap_or(1)
    }
}

/// Builds the layers of a network.
pub(crate) fn plan(verified: &VerifiedNetwork, model: &DelayModel) -> Result<Plan, CircuitError> {
    let network = verified.network();
    let mut timings: HashMap<Source, Timing> = (0..network.inputs.len() as u32)
        .map(|index| {
            let source = Source::Input(InputId(index));
            let arrivals_ps = vec![0; verified.tensor_type(source).element_count()];
            (source, Timing { cycle: 0, arrivals_ps })
        })
        .collect();
    let mut layers = Vec::with_capacity(network.layers.len());
    for (id, layer) in network.layers_with_ids() {
        let read: Vec<&Timing> = layer.inputs.iter().map(|source| &timings[source]).collect();
        let start_cycle = read.iter().map(|timing| timing.cycle).max().unwrap_or(0);
        let arrivals: Vec<Vec<u32>> = read
            .into_iter()
            .map(|timing| {
                let waits = timing.cycle < start_cycle;
                if waits { vec![0; timing.arrivals_ps.len()] } else { timing.arrivals_ps.clone() }
            })
            .collect();
        let inputs: Vec<LayerInput> = layer
            .inputs
            .iter()
            .zip(&arrivals)
            .map(|(source, arrivals_ps)| LayerInput {
                tensor: verified.tensor_type(*source),
                arrivals_ps,
            })
            .collect();
        let output = verified.tensor_type(Source::Layer(id));
        let module_name = format!("{}_{}", network.name, layer.name);
        let context =
            LayerContext { module_name: &module_name, layer, inputs: &inputs, output, model };
        let (circuit, timing) = build(&context, start_cycle)?;
        timings.insert(Source::Layer(id), timing);
        layers.push(PlannedLayer { start_cycle, circuit });
    }
    Ok(Plan { layers, timings })
}

/// A layer that starts in this cycle, and when its result is there.
fn build(context: &LayerContext, cycle: u64) -> Result<(LayerCircuit, Timing), CircuitError> {
    let Some(built) = context.build()? else {
        let wires = context.wires().unwrap_or_default();
        let arrival = |(input, index): (usize, usize)| context.inputs[input].arrivals_ps[index];
        let arrivals_ps = wires.iter().map(|wire| wire.map_or(0, arrival)).collect();
        return Ok((LayerCircuit::Wires(wires), Timing { cycle, arrivals_ps }));
    };
    let arrivals_ps = built.arrivals_ps.clone();
    if BusLayout::of(context.output).lane_types().is_empty() {
        return Ok((LayerCircuit::Constants(built), Timing { cycle, arrivals_ps }));
    }
    let cycle = cycle + u64::from(built.latency_cycles);
    Ok((LayerCircuit::Module(built), Timing { cycle, arrivals_ps }))
}
