//! Registers where they cost the fewest bits: the stages of a graph, found one cut after the other.
//!
//! Cut k divides what is in stage k or earlier from what comes later; a value on the one side with
//! a reader on the other is held in a register, which costs its bits once, however many readers
//! there are. Of the vertices, some are **forced** before the cut: those whose latest stage
//! ([`alap`]) is k or earlier. Others are **forbidden**: those whose arrival in stage k, after cut
//! k - 1, is beyond the budget. What is in between is divided by a minimum cut in a flow network: a
//! vertex is an edge with its bits as capacity, and edges without bounds lead from it to its
//! readers and from them back to it, for no vertex is before its operands.
//!
//! No vertex is both forced and forbidden. Let v be forced at cut k and not be before cut k - 1, so
//! that its latest stage is k. Its ancestors' latest stages are no later, so each of them is before
//! cut k - 1 or has the latest stage k as well; and so have the other members of their groups,
//! because a group has one latest stage. Along each path of the latter, bit by bit, the mirror image
//! that gave the latest stages has added up the very same delays within stage k, and they
//! kept the budget. A value from outside is there no later than its latest moment, because the
//! earliest moments keep the budget and the latest ones are the latest of all that do. The second
//! part of an operation is forced with cut k when the first was before cut k - 1 and forbidden
//! before; its latest stage is one after that of the first, so the first was before in time.
//!
//! Each cut is the best after those before it. A second look at each cut between its two
//! neighbours, as long as that saves bits, makes up for what the first could not know; and the
//! earliest stages, with such a look at their cuts, are tried as well, for cuts that are each the
//! best can lead astray.

use std::collections::BTreeSet;

use super::greedy::alap;
use super::max_flow::{FlowNetwork, Node, SINK, SOURCE, UNBOUNDED};
use super::{Graph, Start, Vertex};

/// How often all cuts are looked at again.
const MOST_ROUNDS: usize = 4;

/// What is known of a vertex before a cut is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// It is before an earlier cut.
    Past,
    /// It must be before this cut.
    Forced,
    /// It may be before the cut or after it.
    Open,
    /// It cannot be before the cut.
    Forbidden,
}

/// The stages that cost the fewest bits of registers that this finds; `asap` are the earliest.
pub(super) fn cut(graph: &Graph, asap: &[u32]) -> Vec<u32> {
    let Some(last) = asap.iter().copied().max() else { return Vec::new() };
    let readers = Readers::new(graph);
    let mut stages = one_by_one(graph, &readers, asap, last);
    improve(graph, &readers, &mut stages, last);
    let mut early = asap.to_vec();
    improve(graph, &readers, &mut early, last);
    if graph.register_bits(&early) < graph.register_bits(&stages) { early } else { stages }
}

/// One cut after the other, each the cheapest after those before it.
fn one_by_one(graph: &Graph, readers: &Readers, asap: &[u32], last: u32) -> Vec<u32> {
    let latest = alap(graph, last);
    debug_assert!(asap.iter().zip(&latest).all(|(early, late)| early <= late));
    let mut stages = vec![last; asap.len()];
    let mut sides = vec![Side::Forbidden; asap.len()];
    let news = news(graph, &latest);
    let mut has_moved = true;
    for stage in 0..last {
        if !has_moved && !news.contains(&stage) {
            // All that can be before this cut has chosen to be after the one before it.
            continue;
        }
        has_moved = false;
        let place = |side: &Side| match side {
            Side::Past => Place::Earlier,
            Side::Forced | Side::Open | Side::Forbidden => Place::Movable,
        };
        let arrives = reached(graph, stage, &sides.iter().map(place).collect::<Vec<_>>());
        for (index, vertex) in graph.vertices.iter().enumerate() {
            if sides[index] == Side::Past {
                continue;
            }
            let is_forced = match vertex.start {
                Start::Given(moment) => moment.stage <= stage,
                Start::NextStage => {
                    graph.operands(index).all(|operand| sides[operand] == Side::Past)
                }
                Start::Free => latest[index] <= stage,
            };
            debug_assert!(!is_forced || arrives[index], "forced and forbidden");
            sides[index] = match (is_forced, arrives[index]) {
                (true, _) => Side::Forced,
                (false, true) => Side::Open,
                (false, false) => Side::Forbidden,
            };
        }
        let before = divide(graph, readers, &sides, stage);
        for (index, side) in sides.iter_mut().enumerate() {
            if *side == Side::Forced || (*side == Side::Open && before[index]) {
                stages[index] = stage;
                *side = Side::Past;
                has_moved = true;
            }
        }
    }
    stages
}

/// The stages in which there is more to say than in the one before, wherever the cuts are.
fn news(graph: &Graph, latest: &[u32]) -> BTreeSet<u32> {
    let of = |(vertex, latest): (&Vertex, &u32)| match vertex.start {
        Start::Given(moment) => [moment.stage, moment.stage + 1, vertex.held_until],
        Start::Free | Start::NextStage => [*latest, *latest, vertex.held_until],
    };
    graph.vertices.iter().zip(latest).flat_map(of).collect()
}

/// Looks at each cut again, with those around it as they are, as long as that saves bits.
fn improve(graph: &Graph, readers: &Readers, stages: &mut [u32], last: u32) {
    let mut bits = graph.register_bits(stages);
    for _ in 0..MOST_ROUNDS {
        let after = stages.iter().copied().collect::<BTreeSet<u32>>();
        let before = after.iter().filter_map(|stage| stage.checked_sub(1));
        let cuts: BTreeSet<u32> = after.iter().copied().chain(before).collect();
        for stage in cuts.into_iter().rev().filter(|stage| *stage < last) {
            cut_again(graph, readers, stages, stage);
        }
        let now = graph.register_bits(stages);
        if now >= bits {
            return;
        }
        bits = now;
    }
}

/// Divides what is in two stages anew. The parts of an operation with registers inside stay.
fn cut_again(graph: &Graph, readers: &Readers, stages: &mut [u32], stage: u32) {
    let has_parts = |index: usize| {
        let is_next = |reader: &u32| graph.vertices[*reader as usize].start == Start::NextStage;
        graph.vertices[index].start != Start::Free || readers.of(index).iter().any(is_next)
    };
    let place = |index: usize| match stages[index] {
        at if at < stage => Place::Earlier,
        at if at > stage + 1 => Place::Later,
        _ if !has_parts(index) => Place::Movable,
        at if at == stage => Place::Here,
        _ => Place::Next,
    };
    let places: Vec<Place> = (0..stages.len()).map(place).collect();
    let arrives = reached(graph, stage, &places);
    let in_time = in_time(graph, readers, stage + 1, &places);
    let side = |index: usize| match places[index] {
        Place::Earlier => Side::Past,
        Place::Here => Side::Forced,
        Place::Next | Place::Later => Side::Forbidden,
        Place::Movable if !in_time[index] => Side::Forced,
        Place::Movable if !arrives[index] => Side::Forbidden,
        Place::Movable => Side::Open,
    };
    let sides: Vec<Side> = (0..stages.len()).map(side).collect();
    let before = divide(graph, readers, &sides, stage);
    for (index, side) in sides.iter().enumerate() {
        match side {
            Side::Past => {}
            Side::Forced => stages[index] = stage,
            Side::Open => stages[index] = if before[index] { stage } else { stage + 1 },
            Side::Forbidden => stages[index] = stages[index].max(stage + 1),
        }
    }
}

/// Where a vertex is, seen from a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the stage that the cut ends.
    Earlier,
    /// In that stage, and it stays there.
    Here,
    /// In that stage or the next, as the cut says.
    Movable,
    /// In the next stage, and it stays there.
    Next,
    /// After that.
    Later,
}

/// Which vertices can be in the stage with all that comes before them in it.
fn reached(graph: &Graph, stage: u32, places: &[Place]) -> Vec<bool> {
    let mut arrivals: Vec<Option<(u32, u32)>> = Vec::with_capacity(places.len());
    for (index, vertex) in graph.vertices.iter().enumerate() {
        let arrival = match (places[index], vertex.start) {
            (Place::Earlier, _) => Some((0, 0)),
            (Place::Next | Place::Later, _) => None,
            (_, Start::Given(moment)) => {
                let arrival_ps = moment.arrival_ps.min(graph.budget_ps);
                (moment.stage == stage).then_some((arrival_ps, arrival_ps))
            }
            (_, Start::NextStage) => {
                let mut before = graph.operands(index);
                let starts = before.all(|operand| places[operand] == Place::Earlier);
                starts.then(|| vertex.step.within(graph.budget_ps).after((0, 0)))
            }
            (_, Start::Free) => {
                let join = |a: (u32, u32), b: (u32, u32)| (a.0.max(b.0), a.1.max(b.1));
                let mut operands = graph.operands(index).map(|operand| arrivals[operand]);
                let last = operands.try_fold((0, 0), |last, at| Some(join(last, at?)));
                let after = last.map(|last| vertex.step.within(graph.budget_ps).after(last));
                after.filter(|after| after.1 <= graph.budget_ps)
            }
        };
        arrivals.push(arrival);
        if let Some(group) = graph.group_that_ends(index) {
            let members = &mut arrivals[group];
            if members.iter().any(Option::is_none) {
                members.fill(None);
            }
        }
    }
    arrivals.iter().map(Option::is_some).collect()
}

/// Which vertices can be in the stage with all that follows them in it: the mirror image.
fn in_time(graph: &Graph, readers: &Readers, stage: u32, places: &[Place]) -> Vec<bool> {
    let mut tails: Vec<Option<(u32, u32)>> = vec![None; places.len()];
    let mut index = places.len();
    while index > 0 {
        let group = graph.group_that_ends(index - 1).unwrap_or(index - 1..index);
        for index in group.clone() {
            tails[index] = tail(graph, readers, stage, places, &tails, index);
        }
        if tails[group.clone()].iter().any(Option::is_none) {
            tails[group.clone()].fill(None);
        }
        index = group.start;
    }
    tails.iter().map(Option::is_some).collect()
}

/// How long before the end of the stage the operands of a vertex must be there, if it can be in
/// that stage.
fn tail(
    graph: &Graph,
    readers: &Readers,
    stage: u32,
    places: &[Place],
    tails: &[Option<(u32, u32)>],
    index: usize,
) -> Option<(u32, u32)> {
    match places[index] {
        Place::Earlier | Place::Here => return None,
        Place::Later => return Some((0, 0)),
        Place::Movable | Place::Next => {}
    }
    let vertex = &graph.vertices[index];
    let spare = match vertex.due {
        Some(due) if due.stage < stage => return None,
        Some(due) if due.stage == stage => graph.budget_ps - due.arrival_ps.min(graph.budget_ps),
        _ => 0,
    };
    let mut after = (spare, spare);
    for reader in readers.of(index) {
        let reader = *reader as usize;
        let own = match (places[reader], graph.vertices[reader].start) {
            (_, Start::NextStage) | (Place::Later, _) => (0, 0),
            _ => tails[reader]?,
        };
        after = (after.0.max(own.0), after.1.max(own.1));
    }
    let before = vertex.step.within(graph.budget_ps).before(after);
    (before.0.max(before.1) <= graph.budget_ps).then_some(before)
}

/// The readers of each vertex.
struct Readers {
    first: Vec<usize>,
    readers: Vec<u32>,
}

impl Readers {
    fn new(graph: &Graph) -> Self {
        let mut first = vec![0; graph.vertices.len() + 1];
        for operand in &graph.operands {
            first[operand.0 as usize + 1] += 1;
        }
        for index in 0..graph.vertices.len() {
            first[index + 1] += first[index];
        }
        let mut next = first.clone();
        let mut readers = vec![0; graph.operands.len()];
        for index in 0..graph.vertices.len() {
            for operand in graph.operands(index) {
                readers[next[operand]] = index as u32;
                next[operand] += 1;
            }
        }
        Self { first, readers }
    }

    fn of(&self, index: usize) -> &[u32] {
        &self.readers[self.first[index]..self.first[index + 1]]
    }
}

/// The cheapest cut at the end of a stage: for each vertex that is open, whether it is before it.
/// Of equally cheap ones the latest, which leaves the next stage the most time.
fn divide(graph: &Graph, readers: &Readers, sides: &[Side], stage: u32) -> Vec<bool> {
    let mut network = FlowNetwork::new();
    let mut nodes: Vec<Option<Node>> = vec![None; sides.len()];
    let mut hubs: Vec<Option<Node>> = vec![None; graph.groups.len()];
    for (index, side) in sides.iter().enumerate() {
        if *side == Side::Open {
            let node = network.node();
            nodes[index] = Some(node);
            if let Some(group) = graph.group_of(index) {
                let hub = *hubs[group].get_or_insert_with(|| network.node());
                network.edge(node, hub, UNBOUNDED, UNBOUNDED);
            }
        }
    }
    for (index, vertex) in graph.vertices.iter().enumerate() {
        let from = match (sides[index], nodes[index]) {
            (Side::Past | Side::Forced, _) => SOURCE,
            (Side::Open, Some(node)) => node,
            _ => continue,
        };
        let of = readers.of(index);
        let is_held = vertex.held_until > stage
            || of.iter().any(|reader| sides[*reader as usize] == Side::Forbidden);
        let capacity = u64::from(vertex.width);
        // No vertex is before its operands, whatever that costs.
        let backwards = if from == SOURCE { 0 } else { UNBOUNDED };
        let open = || of.iter().filter_map(|reader| nodes[*reader as usize]);
        if is_held {
            if from != SOURCE {
                network.edge(from, SINK, capacity, 0);
                open().for_each(|reader| network.edge(reader, from, UNBOUNDED, 0));
            }
            continue;
        }
        match open().count() {
            0 => {}
            1 => open().for_each(|reader| network.edge(from, reader, capacity, backwards)),
            _ => {
                let held = network.node();
                network.edge(from, held, capacity, 0);
                for reader in open() {
                    network.edge(held, reader, UNBOUNDED, 0);
                    network.edge(reader, from, backwards, 0);
                }
            }
        }
    }
    network.saturate();
    let behind = network.behind_cut();
    nodes.iter().map(|node| node.is_some_and(|node| !behind[node as usize])).collect()
}
