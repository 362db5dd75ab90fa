//! Drives an engine with a stimulus and judges it by the rules of the protocol.

mod streams;
mod transactions;

use rayon::prelude::*;
use rtl4ml_circuit::protocol::Stimulus;
use rtl4ml_ir::Io;

use self::transactions::Follower;
use crate::EngineError;
use crate::cycle::{CycleProgram, Line};
use crate::engine::Engine;
use crate::reference::Mantissas;

/// What an engine did with a stimulus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// For each transaction the outputs, or `None` where a reset discarded it.
    pub outputs: Vec<Option<Vec<Mantissas>>>,
    /// How many clock cycles it took.
    pub cycles: u64,
}

/// A rule that was broken, or an engine that failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what its fields are")]
pub enum Mismatch {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("cycle {cycle}: in_ready is {found}, must be {expected}")]
    Ready { cycle: u64, found: bool, expected: bool },
    #[error("cycle {cycle}: out_valid is {found}, must be {expected} (latency {latency_cycles})")]
    Valid { cycle: u64, found: bool, expected: bool, latency_cycles: u64 },
    #[error("cycle {cycle}: nothing has moved for {patience} cycles; the streams have stopped")]
    Stopped { cycle: u64, patience: u64 },
    #[error(
        "cycle {cycle}: output `{port}` has changed or withdrawn a transfer that was not taken"
    )]
    Unsteady { cycle: u64, port: String },
    #[error("cycle {cycle}: output `{port}` gives more transfers than its frames have")]
    Surplus { cycle: u64, port: String },
    #[error(
        "frame {frame} ends {found} cycles after the first input, must be {expected} (latency)"
    )]
    Latency { frame: usize, found: u64, expected: u64 },
    #[error(
        "frame {frame} ends {found} cycles after the one before, must be {expected} (interval)"
    )]
    Interval { frame: usize, found: u64, expected: u64 },
    #[error(
        "transaction {transaction}, output `{port}`, element {element}: found {found}, must be {expected}"
    )]
    Output { transaction: usize, port: String, element: usize, found: i128, expected: i128 },
}

/// Drives `stimulus` into an engine and checks latency, interval and readiness in every cycle, and
/// every output against `expected` (one entry a transaction), by the rules of the protocol.
///
/// # Errors
/// The first rule that is broken.
pub fn judge(
    engine: &mut dyn Engine,
    stimulus: &Stimulus,
    expected: &[Vec<Mantissas>],
    mut progress: impl FnMut(usize),
) -> Result<Judgement, Mismatch> {
    let interface = engine.interface().clone();
    if interface.io == Io::Stream {
        return streams::judge(engine, &interface, stimulus, expected, progress);
    }
    let everything = 0..stimulus.transactions.len();
    let mut follower = Follower::new(&interface, stimulus, expected, everything);
    while let Some(pins) = follower.pins() {
        let sampled = engine.cycle(&pins)?;
        let before = follower.outputs.len();
        follower.judge(sampled)?;
        if let Some((transaction, _)) = follower.outputs.get(before) {
            progress(transaction + 1);
        }
    }
    let mut judgement = Judgement { outputs: vec![None; expected.len()], cycles: follower.cycles };
    for (transaction, outputs) in follower.outputs {
        judgement.outputs[transaction] = Some(outputs);
    }
    Ok(judgement)
}

/// How many streams a thread follows at a time.
const STREAMS: usize = 32;

/// The fewest transactions that are worth a stream of their own.
const FEWEST: usize = 32;

/// Judges a circuit of `io: parallel` on the cycle engine as [`judge`] does, with the stimulus cut
/// into streams that run side by side on all threads. Each stream begins with a reset and is
/// judged in every one of its cycles; [`Judgement::cycles`] counts those of all streams. `progress`
/// hears how many outputs have come since the last time.
///
/// # Errors
/// A rule that is broken.
pub fn judge_side_by_side(
    program: &CycleProgram,
    stimulus: &Stimulus,
    expected: &[Vec<Mantissas>],
    progress: impl Fn(usize) + Sync,
) -> Result<Judgement, Mismatch> {
    let count = stimulus.transactions.len();
    let each = count.div_ceil(STREAMS * rayon::current_num_threads()).max(FEWEST);
    let starts: Vec<usize> = (0..count).step_by(each).collect();
    let groups: Vec<Vec<Follower>> = starts
        .par_chunks(STREAMS)
        .map(|starts| {
            let follower = |start: &usize| {
                let transactions = *start..count.min(start + each);
                Follower::new(program.interface(), stimulus, expected, transactions)
            };
            let mut followers: Vec<Follower> = starts.iter().map(follower).collect();
            follow(program, &mut followers, &progress)?;
            Ok(followers)
        })
        .collect::<Result<_, Mismatch>>()?;
    let mut judgement = Judgement { outputs: vec![None; count], cycles: 0 };
    for follower in groups.into_iter().flatten() {
        judgement.cycles += follower.cycles;
        for (transaction, outputs) in follower.outputs {
            judgement.outputs[transaction] = Some(outputs);
        }
    }
    Ok(judgement)
}

/// Runs some streams to their ends.
fn follow(
    program: &CycleProgram,
    followers: &mut [Follower],
    progress: &(impl Fn(usize) + Sync),
) -> Result<(), Mismatch> {
    let mut streams = program.start::<STREAMS, Line>();
    let mut came = 0;
    loop {
        let mut running = [false; STREAMS];
        for (lane, follower) in followers.iter_mut().enumerate() {
            if let Some(pins) = follower.pins() {
                streams.drive(lane, &pins)?;
                running[lane] = true;
            }
        }
        if running == [false; STREAMS] {
            return Ok(());
        }
        streams.settle();
        for (lane, follower) in followers.iter_mut().enumerate().filter(|(lane, _)| running[*lane])
        {
            follower.judge(streams.sample(lane))?;
        }
        streams.edge();
        let all = followers.iter().map(|follower| follower.outputs.len()).sum();
        progress(all - came);
        came = all;
    }
}
