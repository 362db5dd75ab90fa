//! Random graphs: what must hold of any stages, and of these in particular.

use proptest::prelude::*;

use super::{Graph, Slot, Start, VertexId, greedy};
use crate::delay::Step;
use crate::schedule::Moment;

const BUDGET_PS: u32 = 100;

/// A vertex to be: what kind, two numbers for its step, its bits, and which operands it reads.
type Recipe = (u8, u32, u32, u32, Vec<prop::sample::Index>);

/// A graph of layers, each with operations and with outputs in one stage.
fn graph(layers: &[Vec<Recipe>]) -> Graph {
    let mut graph = Graph::new(BUDGET_PS);
    let mut readable: Vec<VertexId> =
        (0..3).map(|stage| graph.given(4, Moment { stage, arrival_ps: 30 * stage })).collect();
    for layer in layers {
        let mut own = Vec::new();
        for (kind, a, b, width, operands) in layer {
            let pick = |index: &prop::sample::Index| *index.get(&readable);
            let operands: Vec<VertexId> = operands.iter().map(pick).collect();
            let id = match kind {
                0 => graph.vertex(Step::Whole(*a), *width, &operands),
                1 => {
                    let first = graph.vertex(Step::Whole(*a), *width, &operands);
                    let second = graph.next_part(Step::Whole(*b), *width, first);
                    graph.next_part(Step::Whole(*b / 2), *width, second)
                }
                2 => graph.vertex(Step::NOTHING, *width, &operands),
                _ => {
                    let step = Step::Carry { through_ps: *a / 2, ripple_ps: *b / 2 };
                    graph.vertex(step, *width, &operands)
                }
            };
            readable.push(id);
            own.push((id, *width));
        }
        let outputs = graph.aligned(own.into_iter());
        readable = outputs.map(|index| VertexId(index as u32)).collect();
    }
    let results: Vec<Option<VertexId>> = readable.into_iter().map(Some).collect();
    graph.keep_earliest(&results);
    graph
}

fn recipe() -> impl Strategy<Value = Recipe> {
    // Some operations take longer than a stage.
    let operands = prop::collection::vec(any::<prop::sample::Index>(), 1..4);
    (0u8..5, 0u32..110, 0u32..60, 1u32..20, operands)
}

/// That the slots are what the module promises of them.
fn check(graph: &Graph, slots: &[Slot]) -> Result<(), TestCaseError> {
    for (index, vertex) in graph.vertices.iter().enumerate() {
        let slot = slots[index];
        let operands: Vec<Slot> = graph.operands(index).map(|operand| slots[operand]).collect();
        prop_assert!(operands.iter().all(|operand| operand.stage <= slot.stage));
        prop_assert!(slot.low_ps <= slot.high_ps);
        let waits = operands.iter().all(|o| o.stage < slot.stage || o.high_ps == 0);
        let alone = vertex.step.after((0, 0)).1;
        if vertex.start == Start::NextStage {
            prop_assert!(operands.iter().all(|operand| operand.stage + 1 == slot.stage));
        }
        // An operation that takes longer than a stage has one for itself, and what follows it
        // there takes no time.
        let long = operands.iter().any(|o| o.stage == slot.stage && o.high_ps > BUDGET_PS);
        let takes_nothing = vertex.step == Step::NOTHING || alone == 0;
        prop_assert!(
            slot.high_ps <= BUDGET_PS
                || (waits && slot.high_ps == alone)
                || (long && takes_nothing),
            "{index}: {slot:?} after {operands:?}"
        );
        if let Some(due) = vertex.due {
            let arrival_ps = slot.high_ps.min(BUDGET_PS);
            let there = Moment { stage: slot.stage, arrival_ps };
            prop_assert!(there <= due);
        }
    }
    for group in &graph.groups {
        let members = &slots[group.clone()];
        prop_assert!(members.iter().all(|slot| slot.stage == members[0].stage));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn stages_keep_the_budget_and_cost_no_more_than_the_earliest(
        layers in prop::collection::vec(prop::collection::vec(recipe(), 1..12), 1..5),
    ) {
        let graph = graph(&layers);
        let earliest: Vec<u32> = greedy::asap(&graph).iter().map(|slot| slot.stage).collect();
        let slots = graph.retimed();
        check(&graph, &graph.slots(&earliest))?;
        check(&graph, &slots)?;
        let cut = super::cuts::cut(&graph, &earliest);
        check(&graph, &graph.slots(&cut))?;
        let stages: Vec<u32> = slots.iter().map(|slot| slot.stage).collect();
        prop_assert!(graph.register_bits(&stages) <= graph.register_bits(&earliest));
        prop_assert!(stages.iter().max() <= earliest.iter().max());
    }
}

/// A tree of sums is cheapest to cut where it is narrow, and a value that many read where it is
/// one.
#[test]
fn registers_are_where_the_bits_are_fewest() {
    let mut graph = Graph::new(BUDGET_PS);
    let inputs: Vec<VertexId> = (0..8).map(|_| graph.given(8, Moment::default())).collect();
    let mut level = inputs;
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| graph.vertex(Step::Whole(40), 10, pair)).collect();
    }
    // Three levels in two stages: after the second there are two values, after the first four.
    let copies: Vec<VertexId> = (0..5).map(|_| graph.vertex(Step::Whole(10), 10, &level)).collect();
    let ends: Vec<(VertexId, u32)> = copies.into_iter().map(|copy| (copy, 10)).collect();
    let results = graph.aligned(ends.into_iter());
    let results: Vec<_> = results.map(|index| Some(VertexId(index as u32))).collect();
    let last = graph.earliest().iter().map(|slot| slot.stage).max();
    graph.keep_earliest(&results);
    let slots = graph.retimed();
    let stages: Vec<u32> = slots.iter().map(|slot| slot.stage).collect();
    assert_eq!((last, graph.register_bits(&stages)), (Some(1), 20));
}
