//! Where the registers of a pipeline go: a graph of timed operations, cut into stages.
//!
//! What this module guarantees of the stages of a [`Graph`]:
//! - an operation is in no earlier stage than its operands, and the delays within a stage add up
//!   to no more than the budget, unless one operation alone takes longer;
//! - there are no more stages than if every operation came as soon as it can ([`greedy`]), and no
//!   more bits of registers: they are where they cost the fewest ([`cuts`]);
//! - the parts of an operation with registers inside are in consecutive stages, and the vertices
//!   of a group are in one stage.

mod cuts;
mod dataflow;
mod greedy;
mod max_flow;
pub(crate) mod region;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use dataflow::{DataflowVertices, schedule};

use crate::delay::Step;
use crate::schedule::Moment;

/// Names a vertex of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct VertexId(pub u32);

/// What decides in which stage a vertex is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// It is a value from outside, there at this moment.
    Given(Moment),
    /// It follows its operands, in their stage or later.
    Free,
    /// It is the next part of an operation: there is a register before it, and only one.
    NextStage,
}

/// A value on its way: what computes it, and what it costs to hold it.
#[derive(Clone, Debug)]
struct Vertex {
    start: Start,
    step: Step,
    /// The bits of a register that holds it.
    width: u32,
    /// Where its operands are in the graph's list.
    operands: Range<usize>,
    /// When it must be there at the latest.
    due: Option<Moment>,
    /// It is held up to this stage for a reader outside of the graph.
    held_until: u32,
}

/// When the lowest bit and the highest bit of a value are there, in a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The stage.
    pub stage: u32,
    /// The lowest bit's delay since the stage's start.
    pub low_ps: u32,
    /// The highest bit's.
    pub high_ps: u32,
}

/// Values and what each is computed from, operands first.
#[derive(Debug)]
pub(crate) struct Graph {
    budget_ps: u32,
    vertices: Vec<Vertex>,
    operands: Vec<VertexId>,
    /// Vertices one behind the other that are in one stage. None reads another of its group.
    groups: Vec<Range<usize>>,
}

impl Graph {
    /// An empty graph whose stages have so much time.
    pub fn new(budget_ps: u32) -> Self {
        Self { budget_ps, vertices: Vec::new(), operands: Vec::new(), groups: Vec::new() }
    }

    /// A value from outside of so many bits.
    pub fn given(&mut self, width: u32, moment: Moment) -> VertexId {
        self.push(Start::Given(moment), Step::NOTHING, width, &[])
    }

    /// A value that is computed from others.
    pub fn vertex(&mut self, step: Step, width: u32, operands: &[VertexId]) -> VertexId {
        self.push(Start::Free, step, width, operands)
    }

    /// The next part of an operation, after a register that is its own.
    pub fn next_part(&mut self, step: Step, width: u32, before: VertexId) -> VertexId {
        self.push(Start::NextStage, step, width, &[before])
    }

    /// Values that are others, all in one stage; each comes with its bits.
    pub fn aligned(&mut self, of: impl Iterator<Item = (VertexId, u32)>) -> Range<usize> {
        let first = self.vertices.len();
        for (vertex, width) in of {
            self.push(Start::Free, Step::NOTHING, width, &[vertex]);
        }
        let group = first..self.vertices.len();
        if !group.is_empty() {
            self.groups.push(group.clone());
        }
        group
    }

    /// States when a value must be there, and up to which stage somebody outside holds it.
    pub fn require(&mut self, id: VertexId, due: Moment, held_until: u32) {
        let vertex = &mut self.vertices[id.0 as usize];
        vertex.due = Some(vertex.due.map_or(due, |other| other.min(due)));
        vertex.held_until = vertex.held_until.max(held_until);
    }

    fn push(&mut self, start: Start, step: Step, width: u32, operands: &[VertexId]) -> VertexId {
        let first = self.operands.len();
        self.operands.extend_from_slice(operands);
        let operands = first..self.operands.len();
        let vertex = Vertex { start, step, width, operands, due: None, held_until: 0 };
        self.vertices.push(vertex);
        VertexId(self.vertices.len() as u32 - 1)
    }

    fn operands(&self, index: usize) -> impl Iterator<Item = usize> + use<'_> {
        let range = self.vertices[index].operands.clone();
        self.operands[range].iter().map(|operand| operand.0 as usize)
    }

    /// The group whose last vertex this is.
    fn group_that_ends(&self, index: usize) -> Option<Range<usize>> {
        let at = self.groups.binary_search_by_key(&(index + 1), |group| group.end).ok()?;
        Some(self.groups[at].clone())
    }

    /// The group that a vertex is in, by its place in the list.
    fn group_of(&self, index: usize) -> Option<usize> {
        let at = self.groups.partition_point(|group| group.end <= index);
        self.groups.get(at).is_some_and(|group| group.contains(&index)).then_some(at)
    }

    /// The earliest slot of every value.
    pub fn earliest(&self) -> Vec<Slot> {
        greedy::asap(self)
    }

    /// Requires that values are there as early as they can be; they are held no longer.
    pub fn keep_earliest(&mut self, values: &[Option<VertexId>]) {
        let earliest = self.earliest();
        for id in values.iter().flatten() {
            let Slot { stage, high_ps, .. } = earliest[id.0 as usize];
            self.require(*id, Moment { stage, arrival_ps: high_ps }, stage);
        }
    }

    /// The stages with the fewest bits of registers, and when every value is there.
    pub fn retimed(&self) -> Vec<Slot> {
        let asap: Vec<u32> = greedy::asap(self).into_iter().map(|slot| slot.stage).collect();
        self.slots(&cuts::cut(self, &asap))
    }

    /// The bits of registers that these stages take.
    fn register_bits(&self, stages: &[u32]) -> u64 {
        let mut held: Vec<u32> =
            self.vertices.iter().zip(stages).map(|(v, s)| v.held_until.max(*s)).collect();
        for (index, stage) in stages.iter().enumerate() {
            for operand in self.operands(index) {
                held[operand] = held[operand].max(*stage);
            }
        }
        let bits = |((vertex, held), stage): ((&Vertex, u32), &u32)| {
            u64::from(vertex.width) * u64::from(held - stage)
        };
        self.vertices.iter().zip(held).zip(stages).map(bits).sum()
    }

    /// When every value is there, given the stages.
    fn slots(&self, stages: &[u32]) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::with_capacity(stages.len());
        for (index, (vertex, stage)) in self.vertices.iter().zip(stages).enumerate() {
            let (low_ps, high_ps) = match vertex.start {
                Start::Given(moment) => (moment.arrival_ps, moment.arrival_ps),
                Start::NextStage => vertex.step.after((0, 0)),
                Start::Free => {
                    let operands = self.operands(index).map(|operand| slots[operand]);
                    let same = operands.filter(|slot| slot.stage == *stage);
                    vertex.step.after(same.fold((0, 0), |(low, high), slot| {
                        (low.max(slot.low_ps), high.max(slot.high_ps))
                    }))
                }
            };
            slots.push(Slot { stage: *stage, low_ps, high_ps });
        }
        slots
    }
}

impl Step {
    /// A value that is another one.
    const NOTHING: Self = Self::Carry { through_ps: 0, ripple_ps: 0 };

    /// When the lowest and the highest bit are there, given those of the operands. The highest is
    /// never there before the lowest.
    fn after(self, (low, high): (u32, u32)) -> (u32, u32) {
        match self {
            Self::Whole(ps) => {
                let end = high.saturating_add(ps);
                (end, end)
            }
            Self::Carry { through_ps, ripple_ps } => {
                let low = low.saturating_add(through_ps);
                (low, high.saturating_add(through_ps).max(low.saturating_add(ripple_ps)))
            }
        }
    }

    /// How long before the end of a stage the lowest and the highest bit of the operands must be
    /// there, given those of the result: the mirror image of [`Step::after`].
    fn before(self, (low, high): (u32, u32)) -> (u32, u32) {
        match self {
            Self::Whole(ps) => {
                let start = low.max(high).saturating_add(ps);
                (start, start)
            }
            Self::Carry { through_ps, ripple_ps } => {
                let after_low = low.max(high.saturating_add(ripple_ps));
                (after_low.saturating_add(through_ps), high.saturating_add(through_ps))
            }
        }
    }

    /// The step as it is planned with: one that takes longer than a stage fills a stage.
    fn within(self, budget_ps: u32) -> Self {
        match self {
            Self::Whole(ps) => Self::Whole(ps.min(budget_ps)),
            Self::Carry { through_ps, ripple_ps } => {
                let through_ps = through_ps.min(budget_ps);
                Self::Carry { through_ps, ripple_ps: ripple_ps.min(budget_ps - through_ps) }
            }
        }
    }
}
