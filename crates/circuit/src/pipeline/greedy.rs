//! Every operation as soon, and as late, as it can be: stages filled along each path from the
//! inputs, and the mirror image from the outputs.
//!
//! Why the first gives the fewest stages: by induction over the operands, no stages that keep the
//! budget have an operation in an earlier stage, or any bit of it earlier in the same stage. A bit
//! in an earlier stage is no worse than one in a later stage: it can wait in a register, from
//! which it comes at the start of a stage. A group only ever waits, for the last of its members.
//! The mirror image likewise gives, of all stages that keep the budget and the dues, the latest
//! one of each operation; so wherever the first is possible the second is not earlier.

use super::{Graph, Slot, Start};

/// The earliest slot of every vertex. Operations that take longer than a stage fill one here.
pub(super) fn asap(graph: &Graph) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::with_capacity(graph.vertices.len());
    for (index, vertex) in graph.vertices.iter().enumerate() {
        let step = vertex.step.within(graph.budget_ps);
        let slot = |stage, (low_ps, high_ps)| Slot { stage, low_ps, high_ps };
        let placed = match vertex.start {
            Start::Given(moment) => {
                let arrival_ps = moment.arrival_ps.min(graph.budget_ps);
                slot(moment.stage, (arrival_ps, arrival_ps))
            }
            Start::NextStage => {
                let before = graph.operands(index).map(|operand| slots[operand].stage).max();
                slot(before.map_or(0, |stage| stage + 1), step.after((0, 0)))
            }
            Start::Free => {
                let operands = graph.operands(index).map(|operand| slots[operand]);
                let last = operands.reduce(later).unwrap_or_default();
                let after = step.after((last.low_ps, last.high_ps));
                if after.1 > graph.budget_ps {
                    slot(last.stage + 1, step.after((0, 0)))
                } else {
                    slot(last.stage, after)
                }
            }
        };
        slots.push(placed);
        if let Some(group) = graph.group_that_ends(index) {
            let members = &mut slots[group];
            let stage = members.iter().map(|slot| slot.stage).max().unwrap_or(0);
            for slot in members.iter_mut().filter(|slot| slot.stage < stage) {
                *slot = Slot { stage, ..Slot::default() };
            }
        }
    }
    slots
}

/// When both are there: what is in an earlier stage waits in a register.
fn later(a: Slot, b: Slot) -> Slot {
    match a.stage.cmp(&b.stage) {
        std::cmp::Ordering::Less => b,
        std::cmp::Ordering::Greater => a,
        std::cmp::Ordering::Equal => Slot {
            stage: a.stage,
            low_ps: a.low_ps.max(b.low_ps),
            high_ps: a.high_ps.max(b.high_ps),
        },
    }
}

/// What follows a vertex: the earliest stage of it, and how long it takes there after the lowest
/// and after the highest bit.
#[derive(Clone, Copy)]
struct Tail {
    stage: u32,
    ps: (u32, u32),
}

impl Tail {
    fn join(&mut self, other: Self) {
        match self.stage.cmp(&other.stage) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Greater => *self = other,
            std::cmp::Ordering::Equal => {
                self.ps = (self.ps.0.max(other.ps.0), self.ps.1.max(other.ps.1));
            }
        }
    }
}

/// The latest stage of every vertex that keeps all dues. What nobody needs is in stage `last`.
pub(super) fn alap(graph: &Graph, last: u32) -> Vec<u32> {
    let mut tails = vec![Tail { stage: last, ps: (0, 0) }; graph.vertices.len()];
    let mut index = graph.vertices.len();
    while index > 0 {
        // A group is placed as a whole before its operands hear of it.
        let group = graph.group_that_ends(index - 1).unwrap_or(index - 1..index);
        for index in group.clone() {
            tails[index] = place(graph, index, tails[index]);
        }
        let stage = tails[group.clone()].iter().map(|tail| tail.stage).min().unwrap_or(last);
        for index in group.clone() {
            if tails[index].stage > stage {
                tails[index] = Tail { stage, ps: (0, 0) };
            }
            let tail = match graph.vertices[index].start {
                Start::NextStage => Tail { stage: stage.saturating_sub(1), ps: (0, 0) },
                Start::Given(_) | Start::Free => tails[index],
            };
            for operand in graph.operands(index) {
                tails[operand].join(tail);
            }
        }
        index = group.start;
    }
    tails.into_iter().map(|tail| tail.stage).collect()
}

/// Where a vertex is that is followed by this, and how long it takes from its operands on.
fn place(graph: &Graph, index: usize, mut tail: Tail) -> Tail {
    let vertex = &graph.vertices[index];
    if let Some(due) = vertex.due {
        let spare = graph.budget_ps - due.arrival_ps.min(graph.budget_ps);
        tail.join(Tail { stage: due.stage, ps: (spare, spare) });
    }
    let step = vertex.step.within(graph.budget_ps);
    let before = step.before(tail.ps);
    if before.0.max(before.1) > graph.budget_ps {
        Tail { stage: tail.stage.saturating_sub(1), ps: step.before((0, 0)) }
    } else {
        Tail { stage: tail.stage, ps: before }
    }
}
