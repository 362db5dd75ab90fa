//! When each operation of a dataflow happens: its stage, and its arrival within the stage.
//!
//! What this module guarantees: an operation starts when its last operand has arrived; within a
//! stage the delays add up to no more than the model's budget, unless a single operation alone
//! takes longer ([`Schedule::worst_ps`] tells); all outputs are in the last stage. Registers are
//! where an edge crosses stages; where that is, `pipeline` decides.

use std::fmt;

use crate::dataflow::{Dataflow, NodeId};
use crate::delay::DelayModel;
use crate::pipeline;

/// A moment: a stage, and picoseconds after its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The stage, counted from that of the earliest input.
    pub stage: u32,
    /// The delay since the registers at the stage's start.
    pub arrival_ps: u32,
}

/// The moments of all nodes.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// For each node that an output depends on and that is no constant, when its operation starts
    /// (the stage of its first part) and when its result is there.
    pub(crate) nodes: Vec<Option<(u32, Moment)>>,
    /// The stage in which all outputs are.
    pub last_stage: u32,
    /// The longest delay within a stage.
    pub worst_ps: u32,
}

impl Schedule {
    /// Schedules a dataflow on its own. `inputs` says when each input is there; the outputs are
    /// there as soon as they can be.
    pub fn new(dataflow: &Dataflow, inputs: &[Moment], model: &DelayModel) -> Self {
        pipeline::schedule(dataflow, inputs, model)
    }

    /// The stage in which a node's operation starts.
    pub fn start_stage(&self, id: NodeId) -> u32 {
        self.nodes[id.0 as usize].map_or(0, |(start, _)| start)
    }

    /// When a node's result is there.
    pub fn ready(&self, id: NodeId) -> Moment {
        self.nodes[id.0 as usize].map(|(_, ready)| ready).unwrap_or_default()
    }

    /// When a node's result is there in the last stage: at its start if it has waited in a
    /// register.
    pub fn arrival_in_last_stage_ps(&self, id: NodeId) -> u32 {
        let ready = self.ready(id);
        if ready.stage == self.last_stage { ready.arrival_ps } else { 0 }
    }

    /// The text of a schedule, for people (`--dump schedule`).
    pub fn display<'a>(&'a self, dataflow: &'a Dataflow) -> impl fmt::Display + 'a {
        Display { schedule: self, dataflow }
    }
}

struct Display<'a> {
    schedule: &'a Schedule,
    dataflow: &'a Dataflow,
}

impl fmt::Display for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, node) in self.dataflow.nodes() {
            let Some((_, Moment { stage, arrival_ps })) = self.schedule.nodes[id.0 as usize] else {
                continue;
            };
            let text = self.dataflow.operation_text(id);
            writeln!(f, "  stage {stage:>2} {arrival_ps:>5} ps  {} = {text}", node.name)?;
        }
        let (stage, worst) = (self.schedule.last_stage, self.schedule.worst_ps);
        writeln!(f, "  outputs in stage {stage}; longest stage {worst} ps")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::{Shifted, Term};
    use rtl4ml_ir::{Range, Target};

    #[test]
    fn a_chain_of_adders_fills_each_stage_and_no_more() {
        let model = DelayModel::new(&Target::default());
        let mut dataflow = Dataflow::default();
        let inputs: Vec<Term> = (0..12)
            .map(|i| {
                let node = dataflow.input(format!("x_{i}"), Range::new(0, 255));
                Term { node, fraction_bits: 0, negative: false }
            })
            .collect();
        let mut sum = inputs[0];
        for (i, x) in inputs[1..].iter().enumerate() {
            sum = dataflow.add(sum, *x, &format!("s_{i}")).unwrap();
        }
        dataflow.outputs = vec![Shifted { node: sum.node, shift: 0 }];
        let schedule = Schedule::new(&dataflow, &[Moment::default(); 12], &model);
        assert!(schedule.worst_ps <= model.budget_ps);
        // The carries of a chain ripple one behind the other: each sum adds what its lowest bit
        // takes, and the last of a stage its own ripple.
        let step = model.adder_ps(1);
        let ripple = model.adder_ps(12) - step;
        let per_stage = (model.budget_ps - ripple) / step;
        assert_eq!(schedule.last_stage, 10 / per_stage);
    }
}
