//! The parts of a network of streams, cycle by cycle, without data: when each takes transfers and
//! gives them away. The rules of each part are those of its module.

use std::slice::from_ref;

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

impl Part {
    /// Which outputs have a transfer, from the part's state and its inputs' valids.
    pub(super) fn offer(&self, cycle: u64, valid: &mut [bool]) {
        match self {
            Self::Source { output, .. } => valid[output.0] = true,
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
    pub(super) fn answer(&self, cycle: u64, valid: &[bool], ready: &mut [bool]) -> Action {
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
    pub(super) fn advance(&mut self, cycle: u64, action: Action, valid: &[bool], ready: &[bool]) {
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

    /// Whether something happens later if nothing else does: a result that is under way, or a
    /// stage that may start again.
    pub(super) fn is_waiting(&self, cycle: u64) -> bool {
        match self {
            Self::Stage(stage) => stage.ready_at > cycle || stage.fifo.is_waiting(cycle),
            _ => false,
        }
    }

    /// All that the part's future depends on, but for what its neighbours do. Times are counted
    /// from this cycle.
    pub(super) fn state(&self, cycle: u64, state: &mut Vec<u64>) {
        match self {
            // How far these are is counted by the run.
            Self::Source { .. } | Self::Sink { .. } => {}
            Self::Stage(stage) => {
                state.push(stage.ready_at.saturating_sub(cycle));
                state.extend(match &stage.front {
                    Front::Gate => [0, 0],
                    Front::Scan(walk) => walk.position().map(|at| at as u64),
                    Front::Collect { taken, .. } => [*taken as u64, 0],
                });
                stage.fifo.state(cycle, state);
            }
            Self::Emit { left, .. } => state.push(*left as u64),
            Self::Fork { outputs, fork, .. } => {
                state.extend((0..outputs.len()).map(|index| u64::from(fork.offers(index))));
            }
        }
    }

    /// The streams that it reads, and those that it feeds.
    pub(super) fn channels(&self) -> (&[ChannelId], &[ChannelId]) {
        match self {
            Self::Source { output, .. } => (&[], from_ref(output)),
            Self::Stage(stage) => (&stage.inputs, from_ref(&stage.output)),
            Self::Emit { input, output, .. } => (from_ref(input), from_ref(output)),
            Self::Fork { input, outputs, .. } => (from_ref(input), outputs),
            Self::Sink { input, .. } => (from_ref(input), &[]),
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
