//! When each tensor of a network is there: the stages of every fully parallel region are chosen,
//! and every layer is built for its part of them.
//!
//! A layer that is not fully parallel bounds a region: it starts when its inputs are there, and
//! its outputs come from registers. A region holds the layers that are reached over equally
//! many such layers, so that all that it reads is known when its stages are chosen.
//!
//! A layer starts in a cycle in which all that it reads is there; what was there before waits in
//! registers, and is then there from the start of that cycle on.

use std::collections::HashMap;

use rayon::prelude::*;
use rtl4ml_ir::{InputId, Layer, LayerId, Op, Source, TensorType, VerifiedNetwork};

use crate::bus::BusLayout;
use crate::circuit::CircuitError;
use crate::delay::DelayModel;
use crate::distributed::Rule;
use crate::layer::{BuiltLayer, Untimed};
use crate::layers::{LayerContext, Wire};
use crate::pipeline::region::{PlacedLayer, Read, Region};
use crate::schedule::Moment;

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

    /// The cycles from an input to the outputs, which are registered. A result that is not at the
    /// start of a cycle, or comes straight from an input, is registered once more.
    pub fn latency_cycles(&self, outputs: &[Source]) -> u64 {
        let registered = |source: &Source| {
            let timing = &self.timings[source];
            let late = timing.cycle == 0 || timing.arrivals_ps.iter().any(|ps| *ps > 0);
            timing.cycle + u64::from(late)
        };
        outputs.iter().map(registered).max().unwrap_or(1)
    }
}

/// Builds the layers of a network.
pub(crate) fn plan(
    verified: &VerifiedNetwork,
    model: &DelayModel,
    rule: Rule,
) -> Result<Plan, CircuitError> {
    let network = verified.network();
    let timings = (0..network.inputs.len() as u32)
        .map(|index| {
            let source = Source::Input(InputId(index));
            let arrivals_ps = vec![0; verified.tensor_type(source).element_count()];
            (source, Timing { cycle: 0, arrivals_ps })
        })
        .collect();
    let mut planner = Planner { verified, model, rule, timings, layers: HashMap::new() };
    let levels = planner.levels();
    for level in 0..=levels.values().map(|place| place.level).max().unwrap_or(0) {
        planner.region(&levels, level)?;
        planner.bounds(&levels, level)?;
    }
    let Planner { timings, mut layers, .. } = planner;
    let in_order = network.layers_with_ids().filter_map(|(id, _)| layers.remove(&id)).collect();
    Ok(Plan { layers: in_order, timings })
}

/// Where a layer is among the regions.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Its region: how many layers that are not fully parallel are before it.
    level: usize,
    /// Whether it is in that region; else it is one of those that read from it.
    is_fully_parallel: bool,
}

struct Planner<'a> {
    verified: &'a VerifiedNetwork,
    model: &'a DelayModel,
    rule: Rule,
    timings: HashMap<Source, Timing>,
    layers: HashMap<LayerId, PlannedLayer>,
}

impl Planner<'_> {
    /// The region of every layer.
    fn levels(&self) -> HashMap<LayerId, Place> {
        let mut places: HashMap<LayerId, Place> = HashMap::new();
        for (id, layer) in self.verified.network().layers_with_ids() {
            let after = |source: &Source| match source {
                Source::Input(_) => 0,
                Source::Layer(id) => places[id].level + usize::from(!places[id].is_fully_parallel),
            };
            let level = layer.inputs.iter().map(after).max().unwrap_or(0);
            let inputs = self.input_types(layer);
            let context = self.context(id, layer, &inputs, "");
            places.insert(id, Place { level, is_fully_parallel: context.is_fully_parallel() });
        }
        places
    }

    fn input_types(&self, layer: &Layer) -> Vec<&TensorType> {
        layer.inputs.iter().map(|source| self.verified.tensor_type(*source)).collect()
    }

    fn module_name(&self, layer: &Layer) -> String {
        format!("{}_{}", self.verified.network().name, layer.name)
    }

    fn context<'c>(
        &'c self,
        id: LayerId,
        layer: &'c Layer,
        inputs: &'c [&'c TensorType],
        module_name: &'c str,
    ) -> LayerContext<'c> {
        let output = self.verified.tensor_type(Source::Layer(id));
        LayerContext { module_name, layer, inputs, output, model: self.model, rule: self.rule }
    }

    /// Chooses the stages of a region and builds its layers.
    fn region(
        &mut self,
        places: &HashMap<LayerId, Place>,
        level: usize,
    ) -> Result<(), CircuitError> {
        let verified = self.verified;
        let network = verified.network();
        let is_member = |id: LayerId| places[&id].level == level && places[&id].is_fully_parallel;
        let members: Vec<(LayerId, &Layer)> =
            network.layers_with_ids().filter(|(id, _)| is_member(*id)).collect();
        let readers = readers(verified);

        let mut region = Region::new(self.model);
        // What a layer computes depends on the types of what it reads alone.
        let untimed: Vec<Result<Option<Untimed>, CircuitError>> = members
            .par_iter()
            .map(|(id, layer)| self.context(*id, layer, &self.input_types(layer), "").untimed())
            .collect();
        let mut placed: Vec<(PlacedLayer, Option<Untimed>)> = Vec::with_capacity(members.len());
        for ((id, layer), untimed) in members.iter().zip(untimed) {
            for source in &layer.inputs {
                self.add_tensor(&mut region, *source);
            }
            let reads: Vec<Read> = layer.inputs.iter().map(|s| self.read(*s, &readers)).collect();
            let inputs = self.input_types(layer);
            let context = self.context(*id, layer, &inputs, "");
            let source = Source::Layer(*id);
            placed.push(if let Some(untimed) = untimed? {
                let varies: Vec<bool> =
                    context.output.ranges.iter().map(|r| r.as_constant().is_none()).collect();
                (region.add_layer(source, &reads, &untimed.dataflow, &varies), Some(untimed))
            } else {
                let wires = context.wires().unwrap_or_default();
                (region.add_wires(source, &reads, &wires), None)
            });
        }
        for (id, _) in &members {
            let source = Source::Layer(*id);
            let of = readers.get(&source).map_or(&[][..], Vec::as_slice);
            let is_outside = |reader: &Option<LayerId>| reader.is_some_and(|id| !is_member(id));
            if of.iter().any(is_outside) {
                region.require_earliest(source);
            }
        }
        let is_result = |source: &&Source| match source {
            Source::Input(_) => false,
            Source::Layer(id) => is_member(*id),
        };
        let results: Vec<Source> = network.outputs.iter().filter(is_result).copied().collect();
        region.require_outputs(&results);

        let retimed = region.retimed();
        for ((id, layer), (place, untimed)) in members.into_iter().zip(placed) {
            let latest = layer.inputs.iter().map(|source| self.timings[source].cycle).max();
            let start_cycle = retimed.start(&place).map_or(latest.unwrap_or(0), u64::from);
            let inputs = self.input_types(layer);
            let module_name = self.module_name(layer);
            let context = self.context(id, layer, &inputs, &module_name);
            let schedule = retimed.schedule(&place, start_cycle as u32);
            let (circuit, cycle) = match untimed.zip(schedule) {
                None => (LayerCircuit::Wires(context.wires().unwrap_or_default()), start_cycle),
                Some((untimed, schedule)) => {
                    circuit(&context, untimed.timed(&context, schedule), start_cycle)
                }
            };
            let arrivals_ps = retimed.arrivals_ps(Source::Layer(id), cycle as u32);
            self.insert(id, PlannedLayer { start_cycle, circuit }, Timing { cycle, arrivals_ps });
        }
        Ok(())
    }

    /// Builds the layers that read from a region and are not fully parallel.
    fn bounds(
        &mut self,
        places: &HashMap<LayerId, Place>,
        level: usize,
    ) -> Result<(), CircuitError> {
        for (id, layer) in self.verified.network().layers_with_ids() {
            if places[&id].level != level || places[&id].is_fully_parallel {
                continue;
            }
            let latest = layer.inputs.iter().map(|source| self.timings[source].cycle).max();
            let start_cycle = latest.unwrap_or(0);
            let inputs = self.input_types(layer);
            let module_name = self.module_name(layer);
            let context = self.context(id, layer, &inputs, &module_name);
            let Some(built) = context.build(&[])? else {
                unreachable!("what is only wires is fully parallel")
            };
            let arrivals_ps = built.arrivals_ps.clone();
            let (circuit, cycle) = circuit(&context, built, start_cycle);
            self.insert(id, PlannedLayer { start_cycle, circuit }, Timing { cycle, arrivals_ps });
        }
        Ok(())
    }

    fn insert(&mut self, id: LayerId, layer: PlannedLayer, timing: Timing) {
        self.timings.insert(Source::Layer(id), timing);
        self.layers.insert(id, layer);
    }

    /// Adds a tensor to a region that reads it, if that has it not yet.
    fn add_tensor(&self, region: &mut Region, source: Source) {
        if region.has(source) {
            return;
        }
        let Timing { cycle, arrivals_ps } = &self.timings[&source];
        let moment = |ps: &u32| Moment { stage: *cycle as u32, arrival_ps: *ps };
        let moments: Vec<Moment> = arrivals_ps.iter().map(moment).collect();
        region.add_tensor(source, &widths(self.verified.tensor_type(source)), &moments);
    }

    fn read(&self, source: Source, readers: &HashMap<Source, Vec<Option<LayerId>>>) -> Read {
        let widths = widths(self.verified.tensor_type(source));
        Read { source, widths, is_own: self.has_one_reader(source, readers) }
    }

    /// Whether a tensor, and that which it is where it is only wires, has a single reader.
    fn has_one_reader(
        &self,
        source: Source,
        readers: &HashMap<Source, Vec<Option<LayerId>>>,
    ) -> bool {
        let is_single = readers.get(&source).is_some_and(|readers| readers.len() == 1);
        let layer = match source {
            Source::Layer(id) => &self.verified.network().layers[id.0 as usize],
            Source::Input(_) => return is_single,
        };
        match layer.inputs[..] {
            [input] if matches!(layer.op, Op::Reshape(_) | Op::Rearrange(_)) => {
                is_single && self.has_one_reader(input, readers)
            }
            _ => is_single,
        }
    }
}

/// Who reads each tensor; `None` is an output of the network.
fn readers(verified: &VerifiedNetwork) -> HashMap<Source, Vec<Option<LayerId>>> {
    let network = verified.network();
    let mut readers: HashMap<Source, Vec<Option<LayerId>>> = HashMap::new();
    for (id, layer) in network.layers_with_ids() {
        for source in &layer.inputs {
            readers.entry(*source).or_default().push(Some(id));
        }
    }
    for source in &network.outputs {
        readers.entry(*source).or_default().push(None);
    }
    readers
}

/// The bits of each element; 0 where it is a constant.
fn widths(tensor: &TensorType) -> Vec<u32> {
    let width = |range: &rtl4ml_ir::Range| range.as_constant().map_or(range.width(), |_| 0);
    tensor.ranges.iter().map(width).collect()
}

/// A built layer that starts in this cycle, and the cycle of its result.
fn circuit(context: &LayerContext, built: BuiltLayer, cycle: u64) -> (LayerCircuit, u64) {
    if BusLayout::of(context.output).lane_types().is_empty() {
        return (LayerCircuit::Constants(built), cycle);
    }
    let cycle = cycle + u64::from(built.latency_cycles);
    (LayerCircuit::Module(built), cycle)
}
