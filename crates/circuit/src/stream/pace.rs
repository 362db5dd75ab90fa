//! How fast a network of streams goes while every sender offers and every receiver takes at once:
//! latency, interval and how full each buffer becomes, to the cycle.
//!
//! A network is run until its state at the end of a frame has been there before, so that what is
//! found holds for ever. Parts that no stream connects run each at their own pace; together they
//! are as fast as the slowest.
//!
//! Whether a network of bounded buffers can stop for ever does not depend on when transfers come,
//! as every part decides by its own history alone: one that runs here never does.

use super::model::{ChannelId, Part};
use super::scan::Action;

/// What becomes of frames that are offered without a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// From the cycle that takes the first transfer of the first frame to the one that gives the
    /// last of its outputs away.
    pub latency_cycles: u64,
    /// The cycles between the ends of two frames from [`Run::regular_from`] on.
    pub interval_cycles: u64,
    /// The first frame, counted from 0, that ends an interval after the one before, as do all
    /// later ones.
    pub regular_from: usize,
}

/// The most frames and cycles that a network is run for; one that has no regular interval by then
/// is not built.
const MAX_FRAMES: usize = 2000;
const MAX_CYCLES: u64 = 1 << 24;

/// How full each buffer becomes while so many frames end, where no part stops for ever.
pub fn fill(parts: &[Part], channels: usize, frames: usize) -> Option<Vec<usize>> {
    let mut island = Island::new(parts.iter().cloned(), channels);
    let mut cycle = 0;
    while island.finished_frames() < frames {
        if !island.goes_on(cycle) {
            return None;
        }
        cycle += 1;
    }
    Some(island.parts.iter().filter_map(most_used).collect())
}

/// The most transfers that a stage's buffer held at once.
fn most_used(part: &Part) -> Option<usize> {
    match part {
        Part::Stage(stage) => Some(stage.fifo.most_used),
        _ => None,
    }
}

/// Runs a network; `None` when it stops for ever, or never becomes regular.
pub fn run(parts: &[Part], channels: usize) -> Option<Run> {
    let mut paces = Vec::new();
    for indices in islands(parts, channels) {
        let mut island = Island::new(indices.iter().map(|index| parts[*index].clone()), channels);
        paces.push(island.pace()?);
    }
    let first_taken = paces.iter().map(|pace| pace.first_taken).min()?;
    let (interval_cycles, regular_from) = together(&paces);
    let latency_cycles = end(&paces, 0) - first_taken;
    Some(Run { latency_cycles, interval_cycles, regular_from })
}

/// When the frames of connected parts end.
#[derive(Debug)]
struct Pace {
    /// The cycle that takes the first transfer.
    first_taken: u64,
    /// The ends of the first frames, up to the one from which on they are regular.
    ends: Vec<u64>,
    /// The cycles between the ends of all later ones.
    interval: u64,
}

impl Pace {
    fn end(&self, frame: usize) -> u64 {
        let last = self.ends.len() - 1;
        self.ends[frame.min(last)] + frame.saturating_sub(last) as u64 * self.interval
    }
}

/// The end of a frame whose outputs come from all of these.
fn end(paces: &[Pace], frame: usize) -> u64 {
    paces.iter().map(|pace| pace.end(frame)).max().unwrap_or(0)
}

/// The interval of all together, and the frame from which on it holds.
fn together(paces: &[Pace]) -> (u64, usize) {
    let interval = paces.iter().map(|pace| pace.interval).max().unwrap_or(1);
    let mut from = paces.iter().map(|pace| pace.ends.len()).max().unwrap_or(1);
    // From here on each is regular; the slowest overtake the others at some frame.
    let slowest = || paces.iter().filter(|pace| pace.interval == interval);
    let base = from;
    let lead = slowest().map(|pace| pace.end(base)).max().unwrap_or(0);
    for pace in paces.iter().filter(|pace| pace.interval < interval) {
        let behind = pace.end(base).saturating_sub(lead);
        from = from.max(base + 1 + behind.div_ceil(interval - pace.interval) as usize);
    }
    while from > 1 && end(paces, from - 1) - end(paces, from - 2) == interval {
        from -= 1;
    }
    (interval, from)
}

/// The parts that streams connect, directly or not, each in the order in which they are given.
fn islands(parts: &[Part], channels: usize) -> Vec<Vec<usize>> {
    let mut island_of: Vec<Option<usize>> = vec![None; channels];
    let mut islands: Vec<Vec<usize>> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let (inputs, outputs) = part.channels();
        let mut known: Vec<usize> =
            inputs.iter().filter_map(|channel| island_of[channel.0]).collect();
        known.sort_unstable();
        known.dedup();
        let own = known.first().copied().unwrap_or_else(|| {
            islands.push(Vec::new());
            islands.len() - 1
        });
        for other in known.into_iter().skip(1) {
            let moved = std::mem::take(&mut islands[other]);
            islands[own].extend(moved);
            for island in island_of.iter_mut().filter(|island| **island == Some(other)) {
                *island = Some(own);
            }
        }
        islands[own].push(index);
        for channel in outputs {
            island_of[channel.0] = Some(own);
        }
    }
    for island in &mut islands {
        island.sort_unstable();
    }
    islands.retain(|island| !island.is_empty());
    islands
}

/// Connected parts that run.
struct Island {
    parts: Vec<Part>,
    valid: Vec<bool>,
    ready: Vec<bool>,
    actions: Vec<Action>,
    /// For each part that is a source or a sink, the transfers so far.
    moved: Vec<usize>,
}

impl Island {
    fn new(parts: impl Iterator<Item = Part>, channels: usize) -> Self {
        let parts: Vec<Part> = parts.collect();
        let count = parts.len();
        let (valid, ready) = (vec![false; channels], vec![false; channels]);
        Self { parts, valid, ready, actions: vec![Action::default(); count], moved: vec![0; count] }
    }

    /// Runs until the end of a frame finds the parts as the end of the one before did.
    fn pace(&mut self) -> Option<Pace> {
        let mut first_taken = None;
        let mut ends = Vec::new();
        let mut before = Vec::new();
        for cycle in 0..MAX_CYCLES {
            if !self.goes_on(cycle) {
                return None;
            }
            if first_taken.is_none() && self.has_taken() {
                first_taken = Some(cycle);
            }
            while self.finished_frames() > ends.len() {
                ends.push(cycle);
                let state = self.state(cycle, ends.len());
                if let [.., last_but_one, last] = ends[..]
                    && state == before
                {
                    ends.pop();
                    let interval = last - last_but_one;
                    return Some(Pace { first_taken: first_taken?, ends, interval });
                }
                before = state;
            }
            if ends.len() > MAX_FRAMES {
                break;
            }
        }
        None
    }

    /// One cycle; whether anything has moved or is going to.
    fn goes_on(&mut self, cycle: u64) -> bool {
        self.cycle(cycle) || self.parts.iter().any(|part| part.is_waiting(cycle))
    }

    /// One cycle; whether anything has moved.
    fn cycle(&mut self, cycle: u64) -> bool {
        let Self { parts, valid, ready, actions, moved } = self;
        for part in parts.iter() {
            part.offer(cycle, valid);
        }
        for (part, action) in parts.iter().zip(actions.iter_mut()).rev() {
            *action = part.answer(cycle, valid, ready);
        }
        let mut any = actions.iter().any(|action| action.step);
        for ((part, action), moved) in parts.iter_mut().zip(actions).zip(moved) {
            part.advance(cycle, *action, valid, ready);
            let (inputs, outputs) = part.channels();
            let moves = |channel: &ChannelId| valid[channel.0] && ready[channel.0];
            let has_moved = inputs.iter().chain(outputs).any(moves);
            any |= has_moved;
            if let Part::Source { .. } | Part::Sink { .. } = part {
                *moved += usize::from(has_moved);
            }
        }
        any
    }

    fn has_taken(&self) -> bool {
        let sources = self.parts.iter().zip(&self.moved);
        sources.into_iter().any(|(part, moved)| matches!(part, Part::Source { .. }) && *moved > 0)
    }

    /// The frames whose outputs are all there.
    fn finished_frames(&self) -> usize {
        let frames = self.parts.iter().zip(&self.moved).filter_map(|(part, moved)| match part {
            Part::Sink { transfers, .. } => Some(moved / transfers),
            _ => None,
        });
        frames.min().unwrap_or(0)
    }

    /// All that the future depends on, at the end of so many frames; how far a port is counts from
    /// there.
    fn state(&self, cycle: u64, frames: usize) -> Vec<u64> {
        let mut state = Vec::new();
        for (part, moved) in self.parts.iter().zip(&self.moved) {
            match part {
                Part::Source { transfers, .. } | Part::Sink { transfers, .. } => {
                    // A source may be behind: nobody waits for what is cropped.
                    state.push((*moved as u64).wrapping_sub((transfers * frames) as u64));
                }
                part => part.state(cycle, &mut state),
            }
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::super::fifo::Fifo;
    use super::super::fork::Fork;
    use super::super::model::{Front, Stage};
    use super::*;

    fn stage(inputs: &[usize], output: usize, depth: Option<usize>, latency: u64) -> Part {
        Part::Stage(Stage {
            inputs: inputs.iter().copied().map(ChannelId).collect(),
            output: ChannelId(output),
            front: Front::Gate,
            interval: 1,
            fifo: Fifo::new(depth, latency),
            ready_at: 0,
        })
    }

    /// A fork whose branches meet again: one is slower by its arithmetic.
    fn skip(depth: Option<usize>) -> Vec<Part> {
        let mut slow = stage(&[1], 3, Some(16), 0);
        if let Part::Stage(stage) = &mut slow {
            stage.front = Front::Collect { transfers: 4, taken: 0 };
        }
        vec![
            Part::Source { output: ChannelId(0), transfers: 8 },
            Part::Fork {
                input: ChannelId(0),
                outputs: vec![ChannelId(1), ChannelId(2)],
                fork: Fork::new(2),
            },
            slow,
            Part::Emit { input: ChannelId(3), output: ChannelId(4), transfers: 4, left: 0 },
            stage(&[2], 5, depth, 0),
            stage(&[4, 5], 6, Some(8), 2),
            Part::Sink { input: ChannelId(6), transfers: 8 },
        ]
    }

    #[test]
    fn a_buffer_that_is_too_small_stops_for_ever_and_the_measured_one_does_not() {
        let needed = fill(&skip(None), 7, 4).unwrap()[1];
        let (free, bounded) = (run(&skip(None), 7).unwrap(), run(&skip(Some(needed)), 7).unwrap());
        assert_eq!((bounded.latency_cycles, bounded.interval_cycles), (free.latency_cycles, 8));
        assert_eq!(run(&skip(Some(2)), 7), None);
    }

    /// Two networks side by side, of which the slower one is ahead at first.
    #[test]
    fn what_takes_over_later_sets_the_interval() {
        let mut late = stage(&[0], 1, Some(100), 50);
        let mut slow = stage(&[2], 3, Some(100), 1);
        for (part, interval) in [(&mut late, 2), (&mut slow, 6)] {
            if let Part::Stage(stage) = part {
                stage.interval = interval;
            }
        }
        let source = |output| Part::Source { output: ChannelId(output), transfers: 1 };
        let sink = |input| Part::Sink { input: ChannelId(input), transfers: 1 };
        let run = run(&[source(0), source(2), late, slow, sink(1), sink(3)], 4).unwrap();
        assert_eq!((run.latency_cycles, run.interval_cycles), (52, 6));
        // The ends are 52 + 2 k and 3 + 6 k: the same between frames 12 and 13.
        assert_eq!(run.regular_from, 14);
    }
}
