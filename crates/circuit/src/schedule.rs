//! When each operation of a dataflow happens: its stage, and its arrival within the stage.
//!
//! What this module guarantees: an operation starts when its last operand has arrived; within a
//! stage the delays add up to no more than the model's budget, unless a single operation alone
//! takes longer ([`Schedule::worst_ps`] tells); all outputs are in the last stage. Registers are
//! where an edge crosses stages.

use std::fmt;

use crate::dataflow::{Dataflow, NodeId};
use crate::delay::{DelayModel, Step};

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
    /// For each node, when its operation starts: the stage of its first part.
    start_stages: Vec<u32>,
    /// For each node, when its result is there.
    ready: Vec<Moment>,
    /// The stage in which all outputs are.
    pub last_stage: u32,
    /// The longest delay within a stage.
    pub worst_ps: u32,
}

impl Schedule {
    /// Schedules each node as soon as its operands are there. `inputs` says when each input is.
    pub fn asap(dataflow: &Dataflow, inputs: &[Moment], model: &DelayModel) -> Self {
        use crate::dataflow::NodeOp;
        let mut start_stages = Vec::with_capacity(dataflow.nodes().len());
        let mut ready: Vec<Moment> = Vec::with_capacity(dataflow.nodes().len());
        let mut worst_ps = 0;
        for (id, node) in dataflow.nodes() {
            let (start, end) = match node.op {
                NodeOp::Input(index) => (inputs[index as usize].stage, inputs[index as usize]),
                NodeOp::Constant(_) => (0, Moment::default()),
                _ => {
                    let operands = node.op.operands().map(|operand| ready[operand.0 as usize]);
                    let available = operands.max().unwrap_or_default();
                    let parts: Vec<u32> =
                        model.node_steps(dataflow, id).into_iter().map(Step::total_ps).collect();
                    place(available, &parts, model.budget_ps)
                }
            };
            worst_ps = worst_ps.max(end.arrival_ps);
            start_stages.push(start);
            ready.push(end);
        }
        let outputs = dataflow.outputs.iter().map(|output| ready[output.node.0 as usize]);
        let last_stage = outputs.map(|moment| moment.stage).max().unwrap_or(0);
        Self { start_stages, ready, last_stage, worst_ps }
    }

    /// The stage in which a node's operation starts.
    pub fn start_stage(&self, id: NodeId) -> u32 {
        self.start_stages[id.0 as usize]
    }

    /// When a node's result is there.
    pub fn ready(&self, id: NodeId) -> Moment {
        self.ready[id.0 as usize]
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

/// The start stage and the moment of the result of an operation with these parts.
fn place(available: Moment, parts: &[u32], budget_ps: u32) -> (u32, Moment) {
    let (first, rest) = parts.split_first().unwrap_or((&0, &[]));
    let start = if available.arrival_ps + first > budget_ps && available.arrival_ps > 0 {
        Moment { stage: available.stage + 1, arrival_ps: 0 }
    } else {
        available
    };
    let end = match rest.last() {
        None => Moment { stage: start.stage, arrival_ps: start.arrival_ps + first },
        Some(last) => Moment { stage: start.stage + rest.len() as u32, arrival_ps: *last },
    };
    (start.stage, end)
}

struct Display<'a> {
    schedule: &'a Schedule,
    dataflow: &'a Dataflow,
}

impl fmt::Display for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, node) in self.dataflow.nodes() {
            let Moment { stage, arrival_ps } = self.schedule.ready(id);
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
        let schedule = Schedule::asap(&dataflow, &[Moment::default(); 12], &model);
        assert!(schedule.worst_ps <= model.budget_ps);
        let delay: u32 =
            dataflow.nodes().map(|(id, _)| model.node_steps(&dataflow, id)[0].total_ps()).sum();
        assert_eq!(schedule.last_stage, delay / model.budget_ps);
    }
}
