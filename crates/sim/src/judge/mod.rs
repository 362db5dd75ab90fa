//! Drives an engine with a stimulus and judges it by the rules of the protocol.

mod streams;

use std::collections::VecDeque;

use rtl4ml_circuit::protocol::{RESET_CYCLES, Stimulus};
use rtl4ml_ir::Io;

use crate::EngineError;
use crate::engine::{Engine, Pins, Sampled};
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

/// An input that was taken and is still in flight.
struct InFlight {
    transaction: usize,
    taken_at: u64,
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
    let (latency_cycles, interval) =
        (interface.latency_cycles, interface.initiation_interval_cycles);
    let mut judgement = Judgement { outputs: vec![None; stimulus.transactions.len()], cycles: 0 };
    let mut in_flight: VecDeque<InFlight> = VecDeque::new();
    let mut last_taken: Option<u64> = None;
    let mut step = |pins: &Pins, offered: Option<usize>| -> Result<bool, Mismatch> {
        let cycle = judgement.cycles;
        let Sampled { in_ready, outputs } = engine.cycle(pins)?;
        judgement.cycles += 1;
        let due = in_flight.front().is_some_and(|first| cycle == first.taken_at + latency_cycles);
        if outputs.is_some() != due {
            let found = outputs.is_some();
            return Err(Mismatch::Valid { cycle, found, expected: due, latency_cycles });
        }
        if let Some((outputs, InFlight { transaction, .. })) =
            outputs.zip(if due { in_flight.pop_front() } else { None })
        {
            for (port, (found, expected)) in
                interface.outputs.iter().zip(outputs.iter().zip(&expected[transaction]))
            {
                let mut pairs = found.iter().zip(expected).enumerate();
                if let Some((element, (found, expected))) = pairs.find(|(_, (f, e))| f != e) {
                    let (port, found, expected) = (port.name.clone(), *found, *expected);
                    return Err(Mismatch::Output { transaction, port, element, found, expected });
                }
            }
            judgement.outputs[transaction] = Some(outputs);
            progress(transaction + 1);
        }
        let ready = !pins.rst && last_taken.is_none_or(|taken| cycle >= taken + interval);
        if in_ready != ready {
            return Err(Mismatch::Ready { cycle, found: in_ready, expected: ready });
        }
        let taken = pins.in_valid && in_ready;
        if taken && let Some(transaction) = offered {
            in_flight.push_back(InFlight { transaction, taken_at: cycle });
            last_taken = Some(cycle);
        }
        if pins.rst {
            in_flight.clear();
            last_taken = None;
        }
        Ok(taken)
    };
    let idle = Pins::default();
    let reset = Pins { rst: true, ..Pins::default() };
    for _ in 0..RESET_CYCLES {
        step(&reset, None)?;
    }
    for (index, transaction) in stimulus.transactions.iter().enumerate() {
        for _ in 0..transaction.idle_cycles {
            step(&idle, None)?;
        }
        let offer = Pins { rst: false, in_valid: true, inputs: transaction.inputs.clone() };
        while !step(&offer, Some(index))? {}
        if transaction.reset_after_cycles > 0 {
            for _ in 1..transaction.reset_after_cycles {
                step(&idle, None)?;
            }
            for _ in 0..RESET_CYCLES {
                step(&reset, None)?;
            }
        }
    }
    for _ in 0..=latency_cycles {
        step(&idle, None)?;
    }
    Ok(judgement)
}
