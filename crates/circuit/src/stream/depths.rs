//! How deep the buffers of a plan are: as deep as it takes to run at full speed, and deep enough
//! where ways meet again that the network never stops, and no deeper.

use std::cmp::Reverse;

use super::fifo::{Fifo, WRITE_CYCLES};
use super::fork::Fork;
use super::model;
use super::pace::{self, Run};
use super::plan::{Channel, Front, Part, Stage};
use super::scan::Walk;
use crate::circuit::CircuitError;

/// Frames that are run to find out how much the buffers hold that have no bounds. They need not
/// settle: where a slower layer follows, such a buffer takes ever more.
const FRAMES: usize = 4;

/// How many results a buffer may hold beyond those that its arithmetic has in flight, in the order
/// in which they are tried.
const SLACKS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// How long the search for shallower buffers may take: cycles times parts, of which a second has
/// some tens of millions.
const SHRINKING_CYCLES: u64 = 1 << 28;

/// Chooses the depths of all buffers: the least slack that gives the shortest interval, which is
/// at best that of the slowest layer. Returns what the network then does.
///
/// # Errors
/// When the network stops for ever, which no plan of this crate does.
pub fn choose(
    parts: &mut [Part],
    channels: &[Channel],
    slowest_cycles: u64,
) -> Result<Run, CircuitError> {
    let mut best: Option<(Run, Vec<usize>)> = None;
    for slack in SLACKS {
        set(parts, |stage| base_depth(stage) + slack);
        // Buffers that make up for another way's time are run without bounds first.
        let free = model_parts(parts, channels, true);
        let Some(most_used) = pace::fill(&free, channels.len(), FRAMES) else { continue };
        let mut most_used = most_used.into_iter();
        set(parts, |stage| {
            let most_used = most_used.next().unwrap_or(1);
            if stage.is_balancing { most_used.max(stage.depth) } else { stage.depth }
        });
        let bounded = pace::run(&model_parts(parts, channels, false), channels.len());
        let Some(run) = bounded else { continue };
        let interval = run.interval_cycles;
        if best.as_ref().is_none_or(|(best, _)| interval < best.interval_cycles) {
            let depths = stages(parts).map(|stage| stage.depth).collect();
            best = Some((run, depths));
        }
        if interval <= slowest_cycles {
            break;
        }
    }
    let (run, depths) = best.ok_or(CircuitError::StreamStops)?;
    let mut depths = depths.into_iter();
    set(parts, |_| depths.next().unwrap_or(1));
    Ok(shrink(parts, channels, run))
}

/// Makes each buffer as shallow as it can be while latency and interval stay what they are, those
/// that take the most bits first. What is left of the interval is what the network then does.
fn shrink(parts: &mut [Part], channels: &[Channel], mut best: Run) -> Run {
    let mut order: Vec<(u64, usize)> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        if let Part::Stage(stage) = part {
            let bits = stage.result().ranges.iter().map(|range| u64::from(range.width()));
            order.push((stage.depth as u64 * bits.sum::<u64>(), index));
        }
    }
    order.sort_unstable_by_key(|(bits, index)| (Reverse(*bits), *index));
    let mut cycles_left = SHRINKING_CYCLES;
    for (_, index) in order {
        let Part::Stage(stage) = &parts[index] else { continue };
        let (mut too_few, mut enough) = (base_depth(stage), stage.depth);
        while enough > too_few + 1 {
            // A run takes some frames.
            let cost = (best.latency_cycles
                + best.interval_cycles * (best.regular_from as u64 + 2))
                * parts.len() as u64;
            if cost > cycles_left {
                return best;
            }
            cycles_left -= cost;
            let depth = too_few.midpoint(enough);
            set_one(parts, index, depth);
            let run = pace::run(&model_parts(parts, channels, false), channels.len());
            let as_good = |run: &Run| {
                run.interval_cycles <= best.interval_cycles
                    && run.latency_cycles <= best.latency_cycles
            };
            match run.filter(as_good) {
                Some(run) => (best, enough) = (run, depth),
                None => too_few = depth,
            }
        }
        set_one(parts, index, enough);
    }
    best
}

fn set_one(parts: &mut [Part], index: usize, depth: usize) {
    if let Part::Stage(stage) = &mut parts[index] {
        stage.depth = depth;
    }
}

/// The results that a stage has under way when it starts one as often as it can.
fn base_depth(stage: &Stage) -> usize {
    (stage.latency_cycles() + WRITE_CYCLES + 1).div_ceil(stage.interval) as usize
}

fn stages(parts: &[Part]) -> impl Iterator<Item = &Stage> {
    parts.iter().filter_map(|part| match part {
        Part::Stage(stage) => Some(stage),
        _ => None,
    })
}

fn set(parts: &mut [Part], mut depth: impl FnMut(&Stage) -> usize) {
    for part in parts {
        if let Part::Stage(stage) = part {
            stage.depth = depth(stage);
        }
    }
}

/// The parts of a plan as the model runs them.
fn model_parts(parts: &[Part], channels: &[Channel], unbounded: bool) -> Vec<model::Part> {
    let transfers = |channel: &model::ChannelId| channels[channel.0].transfers;
    let part = |part: &Part| match part {
        Part::Input { output } => {
            model::Part::Source { output: *output, transfers: transfers(output) }
        }
        Part::Output { input } => model::Part::Sink { input: *input, transfers: transfers(input) },
        Part::Fork { input, outputs, .. } => model::Part::Fork {
            input: *input,
            outputs: outputs.clone(),
            fork: Fork::new(outputs.len()),
        },
        Part::Emit { input, output, .. } => model::Part::Emit {
            input: *input,
            output: *output,
            transfers: transfers(output) / transfers(input),
            left: 0,
        },
        Part::Stage(stage) => {
            let depth = (!(unbounded && stage.is_balancing)).then_some(stage.depth);
            let front = match &stage.front {
                Front::Gate => model::Front::Gate,
                Front::Scan(scan) => model::Front::Scan(Walk::new(scan)),
                Front::Collect(transfers) => {
                    model::Front::Collect { transfers: *transfers, taken: 0 }
                }
            };
            model::Part::Stage(model::Stage {
                inputs: stage.inputs.clone(),
                output: stage.output,
                front,
                interval: stage.interval,
                fifo: Fifo::new(depth, stage.latency_cycles()),
                ready_at: 0,
            })
        }
    };
    parts.iter().map(part).collect()
}
