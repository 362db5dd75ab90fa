//! A fully parallel region: layers with a dataflow, whose stages are chosen together.
//!
//! A layer stays a module, so that all elements of its inputs are in the stage in which it starts,
//! and all of its output in the one in which it ends; each carries its arrival within that stage
//! onward. A layer that alone reads a tensor, and nothing else, starts where that ends. Else the
//! tensor waits in registers outside of the layers that read it, which share them: each of those
//! starts with copies of what it reads, all in one stage.

use std::collections::HashMap;
use std::ops::Range;

use rtl4ml_ir::Source;

use super::{DataflowVertices, Graph, Slot, VertexId};
use crate::dataflow::Dataflow;
use crate::delay::DelayModel;
use crate::layers::Wire;
use crate::schedule::{Moment, Schedule};

/// Layers while their graph is made.
pub(crate) struct Region<'a> {
    model: &'a DelayModel,
    graph: Graph,
    /// For each element of each tensor that the region has, its vertex; `None` is a constant.
    tensors: HashMap<Source, Vec<Option<VertexId>>>,
}

/// A layer in the graph.
pub(crate) struct PlacedLayer {
    /// The copies with which it starts, where it does not start where its input ends.
    start: Range<usize>,
    /// Its operations; `None` where it is only wires.
    vertices: Option<DataflowVertices>,
}

/// A tensor that a layer of a region reads.
pub(crate) struct Read {
    /// The tensor.
    pub source: Source,
    /// The bits of each element; 0 where it is a constant.
    pub widths: Vec<u32>,
    /// Whether nobody else reads it.
    pub is_own: bool,
}

impl<'a> Region<'a> {
    /// A region without layers.
    pub fn new(model: &'a DelayModel) -> Self {
        Self { model, graph: Graph::new(model.budget_ps), tensors: HashMap::new() }
    }

    /// Whether the region has a tensor.
    pub fn has(&self, source: Source) -> bool {
        self.tensors.contains_key(&source)
    }

    /// Adds a tensor from outside: the bits of each element and when it is there.
    pub fn add_tensor(&mut self, source: Source, widths: &[u32], moments: &[Moment]) {
        let given = |(width, moment): (&u32, &Moment)| {
            (*width > 0).then(|| self.graph.given(*width, *moment))
        };
        let elements = widths.iter().zip(moments).map(given).collect();
        self.tensors.insert(source, elements);
    }

    /// Adds a layer with a dataflow.
    pub fn add_layer(
        &mut self,
        layer: Source,
        inputs: &[Read],
        dataflow: &Dataflow,
        varies: &[bool],
    ) -> PlacedLayer {
        let (start, elements) = self.start(inputs);
        let vertices = DataflowVertices::add(&mut self.graph, dataflow, self.model, &elements);
        let outputs = vertices.outputs.iter().zip(varies);
        let elements = outputs.map(|(vertex, varies)| vertex.filter(|_| *varies)).collect();
        self.tensors.insert(layer, elements);
        PlacedLayer { start, vertices: Some(vertices) }
    }

    /// Adds a layer that is only wires.
    pub fn add_wires(&mut self, layer: Source, inputs: &[Read], wires: &[Wire]) -> PlacedLayer {
        let firsts: Vec<usize> = inputs
            .iter()
            .scan(0, |next, read| {
                *next += read.widths.len();
                Some(*next - read.widths.len())
            })
            .collect();
        let flat = |(input, index): (usize, usize)| firsts[input] + index;
        let (start, elements) = if let [input] = inputs {
            (0..0, self.tensors[&input.source].clone())
        } else {
            self.start(inputs)
        };
        let elements = wires.iter().map(|wire| elements[flat((*wire)?)]).collect();
        self.tensors.insert(layer, elements);
        PlacedLayer { start, vertices: None }
    }

    /// The elements that a layer reads, tensor by tensor, in the stage in which it starts. Those of
    /// which it makes nothing are among them: the tensor enters the layer as a whole.
    fn start(&mut self, inputs: &[Read]) -> (Range<usize>, Vec<Option<VertexId>>) {
        let elements: Vec<Option<VertexId>> =
            inputs.iter().flat_map(|read| self.tensors[&read.source].iter().copied()).collect();
        if inputs.len() == 1 && inputs[0].is_own {
            return (0..0, elements);
        }
        let widths = inputs.iter().flat_map(|read| read.widths.iter().copied());
        let varying = elements.iter().zip(widths);
        let copies =
            self.graph.aligned(varying.filter_map(|(vertex, width)| Some(((*vertex)?, width))));
        let mut next = copies.clone().map(|copy| VertexId(copy as u32));
        let copied = elements.iter().map(|vertex| vertex.and_then(|_| next.next())).collect();
        (copies, copied)
    }

    /// Requires that a tensor is there in the earliest stage that it can be in.
    pub fn require_earliest(&mut self, source: Source) {
        let earliest = self.graph.earliest();
        let Some(elements) = self.tensors.get(&source) else { return };
        for id in elements.iter().flatten() {
            let stage = earliest[id.0 as usize].stage;
            let due = Moment { stage, arrival_ps: self.model.budget_ps };
            self.graph.require(*id, due, stage);
        }
    }

    /// Requires that tensors can all be in registers in the earliest cycle that they can be in
    /// registers together.
    pub fn require_outputs(&mut self, sources: &[Source]) {
        let earliest = self.graph.earliest();
        let tensors = sources.iter().filter_map(|source| self.tensors.get(source));
        let tensors: Vec<&Vec<Option<VertexId>>> = tensors.collect();
        let slots = |tensor: &[Option<VertexId>]| -> Vec<Slot> {
            tensor.iter().flatten().map(|id| earliest[id.0 as usize]).collect()
        };
        let registered = |slots: Vec<Slot>| {
            let stage = slots.iter().map(|slot| slot.stage).max().unwrap_or(0);
            stage + u32::from(stage == 0 || slots.iter().any(|slot| slot.high_ps > 0))
        };
        let cycle = tensors.iter().map(|tensor| registered(slots(tensor))).max().unwrap_or(1);
        for tensor in tensors {
            // A result that needs no time in that cycle comes from a register of its own.
            let is_there = slots(tensor).iter().any(|slot| slot.stage == cycle);
            let due = if is_there {
                Moment { stage: cycle, arrival_ps: 0 }
            } else {
                Moment { stage: cycle - 1, arrival_ps: self.model.budget_ps }
            };
            tensor.iter().flatten().for_each(|id| self.graph.require(*id, due, cycle));
        }
    }

    /// Chooses the stages.
    pub fn retimed(self) -> Retimed {
        Retimed { slots: self.graph.retimed(), tensors: self.tensors }
    }
}

/// A region whose stages are chosen.
pub(crate) struct Retimed {
    slots: Vec<Slot>,
    tensors: HashMap<Source, Vec<Option<VertexId>>>,
}

impl Retimed {
    /// The stage in which a layer starts; `None` where that is the one of its latest input.
    pub fn start(&self, layer: &PlacedLayer) -> Option<u32> {
        self.slots[layer.start.clone()].first().map(|slot| slot.stage)
    }

    /// The schedule of a layer that starts in a stage; `None` where it is only wires.
    pub fn schedule(&self, layer: &PlacedLayer, start: u32) -> Option<Schedule> {
        layer.vertices.as_ref().map(|vertices| vertices.schedule(&self.slots, start))
    }

    /// When each element of a tensor is there, in a stage in which they all are.
    pub fn arrivals_ps(&self, source: Source, stage: u32) -> Vec<u32> {
        let arrival = |id: &Option<VertexId>| match id.map(|id| self.slots[id.0 as usize]) {
            Some(slot) if slot.stage == stage => slot.high_ps,
            _ => 0,
        };
        self.tensors[&source].iter().map(arrival).collect()
    }
}
