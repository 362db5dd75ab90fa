//! A dataflow in the graph of a pipeline, and its part of the stages.

use std::ops::Range;

use super::{Graph, Slot, VertexId};
use crate::dataflow::{Dataflow, NodeOp};
use crate::delay::DelayModel;
use crate::schedule::{Moment, Schedule};

/// Where the nodes of a dataflow are in a graph.
#[derive(Debug)]
pub(crate) struct DataflowVertices {
    /// For each node that is needed and varies, its first part and its last.
    nodes: Vec<Option<(VertexId, VertexId)>>,
    /// The outputs that vary, all in one stage.
    aligned: Range<usize>,
    /// For each output, its vertex; `None` where it is a constant.
    pub outputs: Vec<Option<VertexId>>,
}

impl DataflowVertices {
    /// Adds a dataflow to a graph. `inputs` are the vertices of its inputs; `None` where that is a
    /// constant or nobody reads it.
    pub fn add(
        graph: &mut Graph,
        dataflow: &Dataflow,
        model: &DelayModel,
        inputs: &[Option<VertexId>],
    ) -> Self {
        let needed = dataflow.needed();
        let mut nodes: Vec<Option<(VertexId, VertexId)>> = Vec::with_capacity(needed.len());
        for (id, node) in dataflow.nodes() {
            let is_needed = needed[id.0 as usize] && node.range.as_constant().is_none();
            let vertices = match node.op {
                _ if !is_needed => None,
                NodeOp::Input(index) => inputs[index as usize].map(|vertex| (vertex, vertex)),
                _ => {
                    let operands = node.op.operands().filter_map(|id| nodes[id.0 as usize]);
                    let operands: Vec<VertexId> = operands.map(|(_, last)| last).collect();
                    let steps = model.node_steps(dataflow, id);
                    let width = node.range.width();
                    let first = graph.vertex(steps[0], width, &operands);
                    let next = |last, step: &_| graph.next_part(*step, width, last);
                    Some((first, steps[1..].iter().fold(first, next)))
                }
            };
            nodes.push(vertices);
        }
        let outputs = dataflow.outputs.iter().map(|output| nodes[output.node.0 as usize]);
        let outputs: Vec<Option<VertexId>> = outputs.map(|n| n.map(|(_, last)| last)).collect();
        let width = |output: usize| dataflow.range(dataflow.outputs[output].node).width();
        let varying = outputs.iter().enumerate();
        let varying = varying.filter_map(|(index, vertex)| Some(((*vertex)?, width(index))));
        let aligned = graph.aligned(varying);
        let mut next = aligned.clone().map(|index| VertexId(index as u32));
        let outputs = outputs.into_iter().map(|vertex| vertex.and_then(|_| next.next())).collect();
        Self { nodes, aligned, outputs }
    }

    /// The dataflow's part of the slots of its graph, counted from a stage on.
    pub fn schedule(&self, slots: &[Slot], start: u32) -> Schedule {
        let slot = |vertex: VertexId| slots[vertex.0 as usize];
        let ready = |vertex: VertexId| {
            let Slot { stage, high_ps, .. } = slot(vertex);
            Moment { stage: stage.saturating_sub(start), arrival_ps: high_ps }
        };
        let moments = |(first, last)| (ready(first).stage, ready(last));
        let aligned = slots[self.aligned.clone()].first();
        Schedule {
            nodes: self.nodes.iter().map(|node| node.map(moments)).collect(),
            last_stage: aligned.map_or(0, |slot| slot.stage.saturating_sub(start)),
            worst_ps: self.worst_ps(slots),
        }
    }

    /// The longest delay within a stage.
    fn worst_ps(&self, slots: &[Slot]) -> u32 {
        let parts = self.nodes.iter().flatten().flat_map(|(first, last)| first.0..=last.0);
        parts.map(|vertex| slots[vertex as usize].high_ps).max().unwrap_or(0)
    }
}

/// Schedules a dataflow on its own: its outputs are no later than if everything came as soon as it
/// can.
pub(crate) fn schedule(dataflow: &Dataflow, inputs: &[Moment], model: &DelayModel) -> Schedule {
    let mut graph = Graph::new(model.budget_ps);
    let inputs: Vec<Option<VertexId>> = dataflow
        .input_widths()
        .into_iter()
        .zip(inputs)
        .map(|(width, moment)| width.map(|width| graph.given(width, *moment)))
        .collect();
    let vertices = DataflowVertices::add(&mut graph, dataflow, model, &inputs);
    graph.keep_earliest(&vertices.outputs);
    vertices.schedule(&graph.retimed(), 0)
}
