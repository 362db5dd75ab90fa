//! Streams: frames at full speed, then, where they are to pause, a reset in the middle of a frame
//! and all frames again with pauses of senders and receivers.

use rtl4ml_circuit::protocol::{RESET_CYCLES, Stimulus, patience_cycles};
use rtl4ml_circuit::{Interface, Port};

use super::{Judgement, Mismatch};
use crate::engine::{Engine, StreamPins, StreamSampled, transfer};
use crate::reference::Mantissas;
use crate::vectors::Random;

/// Who pauses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pauses {
    /// Nobody.
    None,
    /// All senders and receivers, on and off at random.
    Random,
}

struct Judge<'a> {
    engine: &'a mut dyn Engine,
    interface: &'a Interface,
    stimulus: &'a Stimulus,
    expected: &'a [Vec<Mantissas>],
    cycles: u64,
    random: Random,
}

pub(super) fn judge(
    engine: &mut dyn Engine,
    interface: &Interface,
    stimulus: &Stimulus,
    expected: &[Vec<Mantissas>],
    mut progress: impl FnMut(usize),
) -> Result<Judgement, Mismatch> {
    let random = Random::new(7);
    let mut judge = Judge { engine, interface, stimulus, expected, cycles: 0, random };
    judge.reset()?;
    let mut outputs = judge.pass(Pauses::None, &mut progress)?;
    if stimulus.with_pauses {
        judge.half_a_frame()?;
        judge.reset()?;
        outputs = judge.pass(Pauses::Random, &mut progress)?;
    }
    Ok(Judgement { outputs: outputs.into_iter().map(Some).collect(), cycles: judge.cycles })
}

impl Judge<'_> {
    fn reset(&mut self) -> Result<(), Mismatch> {
        for _ in 0..RESET_CYCLES {
            self.engine.stream_cycle(&StreamPins::reset(self.interface))?;
            self.cycles += 1;
        }
        Ok(())
    }

    fn cycle(&mut self, pins: &StreamPins) -> Result<StreamSampled, Mismatch> {
        self.cycles += 1;
        Ok(self.engine.stream_cycle(pins)?)
    }

    /// What an input offers next, when so many transfers were taken.
    fn next_transfer(&self, index: usize, sent: usize) -> Option<Mantissas> {
        let port = &self.interface.inputs[index];
        let frame = self.stimulus.transactions.get(sent / port.transfers)?;
        Some(transfer(port, &frame.inputs[index], sent % port.transfers))
    }

    /// Sends a part of the first frame, so that a reset finds something to discard.
    fn half_a_frame(&mut self) -> Result<(), Mismatch> {
        let mut pins = StreamPins::idle(self.interface);
        let most = self.interface.inputs.iter().map(|port| port.transfers).max().unwrap_or(1);
        let mut sent = vec![0; self.interface.inputs.len()];
        for _ in 0..most.div_ceil(2) {
            for (index, sent) in sent.iter().enumerate() {
                pins.offered[index] = self.next_transfer(index, *sent);
            }
            let sampled = self.cycle(&pins)?;
            for (sent, ready) in sent.iter_mut().zip(sampled.ready) {
                *sent += usize::from(ready);
            }
        }
        Ok(())
    }

    /// Sends all frames and checks every transfer that comes out; returns them.
    fn pass(
        &mut self,
        pauses: Pauses,
        progress: &mut impl FnMut(usize),
    ) -> Result<Vec<Vec<Mantissas>>, Mismatch> {
        let interface = self.interface;
        let patience = patience_cycles(interface);
        let frames = self.stimulus.transactions.len();
        let mut sent = vec![0; interface.inputs.len()];
        let mut received: Vec<usize> = vec![0; interface.outputs.len()];
        let mut outputs = vec![vec![Mantissas::new(); interface.outputs.len()]; frames];
        let mut ends = vec![0; frames];
        let mut first_taken = None;
        let mut last_moved = self.cycles;
        let mut waiting: Vec<Option<Mantissas>> = vec![None; interface.outputs.len()];
        let mut pins = StreamPins::idle(interface);
        let is_complete = |received: &[usize]| {
            let ports = interface.outputs.iter().zip(received);
            ports.into_iter().all(|(port, received)| *received == frames * port.transfers)
        };
        // After the last output some cycles more, in which nothing may come.
        let mut after = 0;
        while after <= interface.latency_cycles.min(1000) {
            for (index, sent) in sent.iter().enumerate() {
                // An offer stands until it is taken.
                if pins.offered[index].is_none() && self.acts(pauses) {
                    pins.offered[index] = self.next_transfer(index, *sent);
                }
            }
            for index in 0..pins.taking.len() {
                pins.taking[index] = self.acts(pauses);
            }
            let cycle = self.cycles;
            let sampled = self.cycle(&pins)?;
            for (index, ready) in sampled.ready.into_iter().enumerate() {
                if ready && pins.offered[index].take().is_some() {
                    sent[index] += 1;
                    first_taken.get_or_insert(cycle);
                    last_moved = cycle;
                }
            }
            for (index, offered) in sampled.offered.into_iter().enumerate() {
                let port = &interface.outputs[index];
                if waiting[index].is_some() && waiting[index] != offered {
                    return Err(Mismatch::Unsteady { cycle, port: port.name.clone() });
                }
                waiting[index] = offered;
                if pins.taking[index]
                    && let Some(found) = waiting[index].take()
                {
                    last_moved = cycle;
                    let frame = received[index] / port.transfers;
                    let end: &mut u64 = ends
                        .get_mut(frame)
                        .ok_or_else(|| Mismatch::Surplus { cycle, port: port.name.clone() })?;
                    *end = cycle.max(*end);
                    self.compare(port, index, received[index], &found)?;
                    outputs[frame][index].extend(found);
                    received[index] += 1;
                    progress(received.iter().min().map_or(0, |least| least / port.transfers));
                }
            }
            if is_complete(&received) {
                after += 1;
            } else if self.cycles > last_moved + patience {
                return Err(Mismatch::Stopped { cycle, patience });
            }
        }
        if pauses == Pauses::None {
            check_timing(interface, first_taken.unwrap_or(0), &ends)?;
        }
        Ok(outputs)
    }

    /// Whether a neighbour that may pause acts in this cycle.
    fn acts(&mut self, pauses: Pauses) -> bool {
        match pauses {
            Pauses::None => true,
            // Every other cycle for a while, then three of four, and so on.
            Pauses::Random => self.random.bits() & (1 + ((self.cycles >> 6) & 2)) != 0,
        }
    }

    fn compare(
        &self,
        port: &Port,
        index: usize,
        received: usize,
        found: &Mantissas,
    ) -> Result<(), Mismatch> {
        let transaction = received / port.transfers;
        let at = received % port.transfers;
        let expected = transfer(port, &self.expected[transaction][index], at);
        let mut pairs = found.iter().zip(&expected).enumerate();
        if let Some((element, (found, expected))) = pairs.find(|(_, (f, e))| f != e) {
            let element = at * port.elements.len() + element;
            let (port, found, expected) = (port.name.clone(), *found, *expected);
            return Err(Mismatch::Output { transaction, port, element, found, expected });
        }
        Ok(())
    }
}

/// Latency and interval of frames that passed at full speed.
fn check_timing(interface: &Interface, first_taken: u64, ends: &[u64]) -> Result<(), Mismatch> {
    let (found, expected) = (ends[0] - first_taken, interface.latency_cycles);
    if found != expected {
        return Err(Mismatch::Latency { frame: 0, found, expected });
    }
    let expected = interface.initiation_interval_cycles;
    for frame in interface.regular_from..ends.len() {
        let found = ends[frame] - ends[frame - 1];
        if found != expected {
            return Err(Mismatch::Interval { frame, found, expected });
        }
    }
    Ok(())
}
