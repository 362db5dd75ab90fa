//! A network of streams, cycle by cycle, without data: when transfers are taken and given away.
//!
//! The rules of each part are those of its module, so that what is found here (latency, interval,
//! how full each buffer becomes) holds in the circuit to the cycle while every sender offers and
//! every receiver takes at once. Whether a network of bounded buffers can stop for ever does not
//! depend on when transfers come, as every part decides by its own history alone: one that runs
//! here never does.

use super::fifo::Fifo;
use super::fork::Fork;
use super::scan::{Action, Walk};

/// Names a stream between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub usize);

/// A part of the network.
#[derive(Clone, Debug)]
pub enum Part {
    /// An input port, whose frames have so many transfers.
    Source {
        /// The stream that it feeds.
        output: ChannelId,
        /// Transfers a frame.
        transfers: usize,
    },
    /// A front, arithmetic and a buffer.
    Stage(Stage),
    /// The end of a stage whose result is several transfers.
    Emit {
        /// Whole results.
        input: ChannelId,
        /// Their transfers.
        output: ChannelId,
        /// Transfers a result.
        transfers: usize,
        /// How many of a result are left.
        left: usize,
    },
    /// A stream with several receivers.
    Fork {
        /// What comes.
        input: ChannelId,
        /// One stream a receiver.
        outputs: Vec<ChannelId>,
        /// What each has taken.
        fork: Fork,
    },
    /// An output port, whose frames have so many transfers.
    Sink {
        /// The stream that feeds it.
        input: ChannelId,
        /// Transfers a frame.
        transfers: usize,
    },
}

/// A front, arithmetic and a buffer.
#[derive(Clone, Debug)]
pub struct Stage {
    /// What it reads.
    pub inputs: Vec<ChannelId>,
    /// What it gives.
    pub output: ChannelId,
    /// When it starts a result.
    pub front: Front,
    /// The fewest cycles between two starts.
    pub interval: u64,
    /// The buffer.
    pub fifo: Fifo,
    /// The cycle from which on it may start again.
    pub ready_at: u64,
}

/// When a stage starts a result.
#[derive(Clone, Debug)]
pub enum Front {
    /// With one transfer of each input.
    Gate,
    /// With each window.
    Scan(Walk),
    /// With the last of so many transfers.
    Collect {
        /// Transfers a result.
        transfers: usize,
        /// How many were taken of this one.
        taken: usize,
    },
}

/// What became of some frames that were offered without a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// From the cycle that takes the first transfer of the first frame to the one that gives the
    /// last of its outputs away.
    pub latency_cycles: u64,
    /// The cycles between the ends of the last two frames.
    pub interval_cycles: u64,
    /// For each part that is a stage, the most transfers that its buffer held at once.
    pub most_used: Vec<usize>,
}

/// So many cycles without any transfer mean that none will ever come again: no part waits longer.
const PATIENCE_CYCLES: u64 = 1 << 20;

/// Runs so many frames; `None` when the network stops for ever.
pub fn run(parts: &[Part], channels: usize, frames: usize) -> Option<Run> {
    let mut parts = parts.to_vec();
    let mut valid = vec![false; channels];
    let mut ready = vec![false; channels];
    let mut actions = vec![Action::default(); parts.len()];
    let mut left: Vec<usize> = parts
        .iter()
        .map(|part| match part {
            Part::Source { transfers, .. } | Part::Sink { transfers, .. } => transfers * frames,
            _ => 0,
        })
        .collect();
    let mut first_taken: Option<u64> = None;
    let mut ends = vec![0; frames];
    let mut last_progress = 0;
    for cycle in 0.. {
        for (part, left) in parts.iter().zip(&left) {
            part.offer(cycle, *left, &mut valid);
        }
        for (index, part) in parts.iter().enumerate().rev() {
            actions[index] = part.answer(cycle, &valid, &mut ready);
        }
        if actions.iter().any(|action| action.step) {
            last_progress = cycle;
        }
        for (index, part) in parts.iter_mut().enumerate() {
            part.advance(cycle, actions[index], &valid, &ready);
            let moved = |channel: ChannelId| valid[channel.0] && ready[channel.0];
            match part {
                Part::Source { output, .. } if moved(*output) => {
                    left[index] -= 1;
                    first_taken.get_or_insert(cycle);
                    last_progress = cycle;
                }
                Part::Sink { input, transfers } if moved(*input) => {
                    left[index] -= 1;
                    last_progress = cycle;
                    let done = *transfers * frames - left[index];
                    if done.is_multiple_of(*transfers) {
                        let end: &mut u64 = &mut ends[done / *transfers - 1];
                        *end = cycle.max(*end);
                    }
                }
                _ => {}
            }
        }
        let finished = parts.iter().zip(&left).all(|(part, left)| match part {
            Part::Sink { .. } => *left == 0,
            _ => true,
        });
        if finished {
            break;
        }
        if cycle > last_progress + PATIENCE_CYCLES {
            return None;
        }
    }
    let most_used = parts.iter().filter_map(|part| match part {
        Part::Stage(stage) => Some(stage.fifo.most_used),
        _ => None,
    });
    let interval_cycles = match ends.as_slice() {
        [.., before, last] => last - before,
        _ => 0,
    };
    Some(Run {
        latency_cycles: ends.first()? - first_taken?,
        interval_cycles,
        most_used: most_used.collect(),
    })
}

impl Part {
    /// Which outputs have a transfer, from the part's state and its inputs' valids.
    fn offer(&self, cycle: u64, left: usize, valid: &mut [bool]) {
        match self {
            Self::Source { output, .. } => valid[output.0] = left > 0,
            Self::Stage(stage) => valid[stage.output.0] = stage.fifo.is_valid(cycle),
            Self::Emit { output, left, .. } => valid[output.0] = *left > 0,
            Self::Fork { input, outputs, fork } => {
                for (index, output) in outputs.iter().enumerate() {
                    valid[output.0] = valid[input.0] && fork.offers(index);
                }
            }
            Self::Sink { .. } => {}
        }
    }

    /// Which inputs are taken, from the part's state, its inputs' valids and its outputs' readies.
    fn answer(&self, cycle: u64, valid: &[bool], ready: &mut [bool]) -> Action {
        match self {
            Self::Source { .. } => {}
            Self::Stage(stage) => {
                let action = stage.action(cycle, valid);
                let all_valid = stage.inputs.iter().filter(|input| valid[input.0]).count();
                for input in &stage.inputs {
                    let others = all_valid - usize::from(valid[input.0]);
                    ready[input.0] = action.ready && others == stage.inputs.len() - 1;
                }
                return action;
            }
            Self::Emit { input, output, left, .. } => {
                ready[input.0] = *left == 0 || (*left == 1 && ready[output.0]);
            }
            Self::Fork { input, outputs, fork } => {
                let served =
                    |(index, output): (usize, &ChannelId)| !fork.offers(index) || ready[output.0];
                ready[input.0] = outputs.iter().enumerate().all(served);
            }
            Self::Sink { input, .. } => ready[input.0] = true,
        }
        Action::default()
    }

    /// The end of the cycle.
    fn advance(&mut self, cycle: u64, action: Action, valid: &[bool], ready: &[bool]) {
        let moved = |channel: ChannelId| valid[channel.0] && ready[channel.0];
        match self {
            Self::Source { .. } | Self::Sink { .. } => {}
            Self::Stage(stage) => {
                let pop = moved(stage.output);
                stage.advance(cycle, action, pop);
            }
            Self::Emit { input, output, transfers, left } => {
                *left -= usize::from(moved(*output));
                if moved(*input) {
                    *left = *transfers;
                }
            }
            Self::Fork { input, outputs, fork } => {
                let taken: Vec<bool> = outputs.iter().map(|output| ready[output.0]).collect();
                fork.step(valid[input.0], &taken);
            }
        }
    }
}

impl Stage {
    fn action(&self, cycle: u64, valid: &[bool]) -> Action {
        let may_start = self.fifo.has_room() && cycle >= self.ready_at;
        let all_valid = self.inputs.iter().all(|input| valid[input.0]);
        match &self.front {
            Front::Gate => {
                let start = may_start && all_valid;
                Action { ready: may_start, start, step: start }
            }
            Front::Scan(walk) => walk.action(all_valid, may_start),
            Front::Collect { transfers, taken } => {
                let is_last = taken + 1 == *transfers;
                let ready = !is_last || may_start;
                let step = ready && all_valid;
                Action { ready, start: step && is_last, step }
            }
        }
    }

    fn advance(&mut self, cycle: u64, action: Action, pop: bool) {
        self.fifo.step(cycle, action.start, pop);
        if action.start {
            self.ready_at = cycle + self.interval;
        }
        if action.step {
            match &mut self.front {
                Front::Gate => {}
                Front::Scan(walk) => walk.advance(),
                Front::Collect { transfers, taken } => *taken = (*taken + 1) % *transfers,
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
        let free = run(&skip(None), 7, 3).unwrap();
        let needed = free.most_used[1];
        let bounded = run(&skip(Some(needed)), 7, 3).unwrap();
        assert_eq!((bounded.latency_cycles, bounded.interval_cycles), (free.latency_cycles, 8));
        assert_eq!(run(&skip(Some(2)), 7, 3), None);
    }
}
