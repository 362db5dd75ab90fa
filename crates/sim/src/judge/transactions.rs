//! The judge of `io: parallel` as what drives one stream and follows it, cycle by cycle: so many
//! streams side by side have a judge each.

use std::collections::VecDeque;
use std::ops::Range;

use rtl4ml_circuit::Interface;
use rtl4ml_circuit::protocol::{RESET_CYCLES, Stimulus};

use super::Mismatch;
use crate::engine::{Pins, Sampled};
use crate::reference::Mantissas;

/// What is driven for some cycles.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// Nothing is offered.
    Idle(u64),
    /// The reset is high.
    Reset(u64),
    /// A transaction is offered until it is taken.
    Offer(usize),
}

/// An input that was taken and is still in flight.
struct InFlight {
    transaction: usize,
    taken_at: u64,
}

/// A stream of some transactions of a stimulus.
pub(super) struct Follower<'a> {
    interface: &'a Interface,
    stimulus: &'a Stimulus,
    expected: &'a [Vec<Mantissas>],
    /// The transactions that are still to be driven.
    rest: Range<usize>,
    actions: VecDeque<Action>,
    /// The reset of this cycle.
    rst: bool,
    /// The transaction that is offered in this cycle.
    offered: Option<usize>,
    has_drained: bool,
    in_flight: VecDeque<InFlight>,
    last_taken: Option<u64>,
    /// How many cycles have passed.
    pub cycles: u64,
    /// The outputs that came, each with its transaction.
    pub outputs: Vec<(usize, Vec<Mantissas>)>,
}

impl<'a> Follower<'a> {
    /// A stream of these transactions, beginning with a reset.
    pub fn new(
        interface: &'a Interface,
        stimulus: &'a Stimulus,
        expected: &'a [Vec<Mantissas>],
        transactions: Range<usize>,
    ) -> Self {
        Self {
            interface,
            stimulus,
            expected,
            rest: transactions,
            actions: [Action::Reset(RESET_CYCLES.into())].into(),
            rst: false,
            offered: None,
            has_drained: false,
            in_flight: VecDeque::new(),
            last_taken: None,
            cycles: 0,
            outputs: Vec::new(),
        }
    }

    /// The pins of the next cycle; `None` when there is none.
    pub fn pins(&mut self) -> Option<Pins<'a>> {
        loop {
            match self.actions.front_mut() {
                Some(Action::Idle(0) | Action::Reset(0)) => drop(self.actions.pop_front()),
                Some(Action::Idle(cycles)) => {
                    *cycles -= 1;
                    return Some(self.drive(false, None));
                }
                Some(Action::Reset(cycles)) => {
                    *cycles -= 1;
                    return Some(self.drive(true, None));
                }
                Some(Action::Offer(transaction)) => {
                    let transaction = *transaction;
                    return Some(self.drive(false, Some(transaction)));
                }
                None => self.go_on()?,
            }
        }
    }

    /// The actions of the next transaction, or, once, the cycles in which the last outputs come.
    fn go_on(&mut self) -> Option<()> {
        let Some(index) = self.rest.next() else {
            if std::mem::replace(&mut self.has_drained, true) {
                // A stream that has ended stays so, however long others go on beside it.
                return None;
            }
            self.actions.push_back(Action::Idle(self.interface.latency_cycles + 1));
            return Some(());
        };
        let transaction = &self.stimulus.transactions[index];
        self.actions.push_back(Action::Idle(transaction.idle_cycles.into()));
        self.actions.push_back(Action::Offer(index));
        if transaction.reset_after_cycles > 0 {
            self.actions.push_back(Action::Idle(u64::from(transaction.reset_after_cycles) - 1));
            self.actions.push_back(Action::Reset(RESET_CYCLES.into()));
        }
        Some(())
    }

    fn drive(&mut self, rst: bool, offered: Option<usize>) -> Pins<'a> {
        (self.rst, self.offered) = (rst, offered);
        let stimulus = self.stimulus;
        let inputs = |index: usize| stimulus.transactions[index].inputs.as_slice();
        Pins { rst, in_valid: offered.is_some(), inputs: offered.map(inputs).unwrap_or_default() }
    }

    /// Judges what was sampled at the end of the cycle whose pins were given last.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn judge(&mut self, Sampled { in_ready, outputs }: Sampled) -> Result<(), Mismatch> {
        let interface = self.interface;
        let (latency_cycles, interval) =
            (interface.latency_cycles, interface.initiation_interval_cycles);
        let cycle = self.cycles;
        self.cycles += 1;
        let first = self.in_flight.front();
        let due = first.is_some_and(|first| cycle == first.taken_at + latency_cycles);
        if outputs.is_some() != due {
            let found = outputs.is_some();
            return Err(Mismatch::Valid { cycle, found, expected: due, latency_cycles });
        }
        let arrived = if due { self.in_flight.pop_front() } else { None };
        if let Some((outputs, InFlight { transaction, .. })) = outputs.zip(arrived) {
            for (port, (found, expected)) in
                interface.outputs.iter().zip(outputs.iter().zip(&self.expected[transaction]))
            {
                let mut pairs = found.iter().zip(expected).enumerate();
                if let Some((element, (found, expected))) = pairs.find(|(_, (f, e))| f != e) {
                    let (port, found, expected) = (port.name.clone(), *found, *expected);
                    return Err(Mismatch::Output { transaction, port, element, found, expected });
                }
            }
            self.outputs.push((transaction, outputs));
        }
        let ready = !self.rst && self.last_taken.is_none_or(|taken| cycle >= taken + interval);
        if in_ready != ready {
            return Err(Mismatch::Ready { cycle, found: in_ready, expected: ready });
        }
        if let Some(transaction) = self.offered.filter(|_| in_ready) {
            self.in_flight.push_back(InFlight { transaction, taken_at: cycle });
            self.last_taken = Some(cycle);
            self.actions.pop_front();
        }
        if self.rst {
            self.in_flight.clear();
            self.last_taken = None;
        }
        Ok(())
    }
}
