//! The registers at the clock edge: in an order in which no value is overwritten before it was read.

use std::collections::HashMap;

use rtl4ml_hdl::{Operand, SignalId};

use super::compile::{Compiler, blank};
use super::flatten::FlatRegister;
use super::machine::{Instruction, Kind, Place};
use super::program::{Pending, Task};

/// A register as it is moved: where its next value is, and the flags that have a say.
pub(super) struct Move {
    q: Place,
    d: Place,
    enable: Option<Place>,
    reset: Option<Place>,
}

impl Compiler<'_> {
    /// Where the next value of each register is when the combinational part has settled.
    pub(super) fn moves(&mut self) -> Vec<Move> {
        let registers: Vec<FlatRegister> = self.flat.registers.clone();
        let mut moves = Vec::new();
        for FlatRegister { q, d, enable, reset } in registers {
            if let Some(value) = self.ranges[q as usize].as_constant() {
                self.copies[q as usize] = Some(Operand::Constant(value as i64));
                continue;
            }
            let q = self.home(q);
            let d = self.place(d, q.class);
            let mut flag = |net: Option<u32>| {
                net.map(|net| self.place(Operand::Signal(SignalId(net)), q.class))
            };
            let (enable, reset) = (flag(enable), flag(reset));
            moves.push(Move { q, d, enable, reset });
        }
        moves
    }

    /// The moves in an order in which none overwrites what a later one reads.
    pub(super) fn edge(&mut self, mut moves: Vec<Move>) {
        let owner: HashMap<Place, usize> =
            moves.iter().enumerate().map(|(index, own)| (own.q, index)).collect();
        let read = |own: &Move| [Some(own.d), own.enable, own.reset].into_iter().flatten();
        let mut waits_for = vec![0usize; moves.len()];
        for (index, own) in moves.iter().enumerate() {
            for place in read(own) {
                if let Some(other) = owner.get(&place).filter(|other| **other != index) {
                    waits_for[*other] += 1;
                }
            }
        }
        let mut levels = vec![1u32; moves.len()];
        let mut done = vec![false; moves.len()];
        let mut ready: Vec<usize> = (0..moves.len()).filter(|i| waits_for[*i] == 0).collect();
        while let Some(index) = ready.pop() {
            done[index] = true;
            for place in read(&moves[index]) {
                if let Some(other) = owner.get(&place).filter(|other| **other != index) {
                    levels[*other] = levels[*other].max(levels[index] + 1);
                    waits_for[*other] -= 1;
                    if waits_for[*other] == 0 {
                        ready.push(*other);
                    }
                }
            }
        }
        // Registers in a ring read copies of each other.
        let mut staged: HashMap<Place, Place> = HashMap::new();
        let last = levels.iter().copied().max().unwrap_or(0) + 1;
        for index in 0..moves.len() {
            if done[index] {
                continue;
            }
            levels[index] = last;
            let own = &mut moves[index];
            for place in
                [Some(&mut own.d), own.enable.as_mut(), own.reset.as_mut()].into_iter().flatten()
            {
                if owner.contains_key(place) && *place != own.q {
                    let copy = *staged.entry(*place).or_insert_with(|| {
                        let count = &mut self.places[place.class as usize];
                        *count += 1;
                        let (class, index) = (place.class, *count - 1);
                        let copy = Instruction { target: index, a: place.index, ..blank() };
                        let work = Task::Run(Kind::Copy, copy);
                        self.pending.push(Pending { key: (0, 0), class, work });
                        Place { class, index }
                    });
                    *place = copy;
                }
            }
        }
        for (Move { q, d, enable, reset }, level) in moves.into_iter().zip(levels) {
            let class = q.class;
            let (target, d) = (q.index, d.index);
            let (kind, next) = match enable {
                None => (Kind::Copy, Instruction { target, a: d, ..blank() }),
                Some(flag) => (
                    Kind::SelectFlag,
                    Instruction { target, a: flag.index, b: d, c: target, ..blank() },
                ),
            };
            self.pending.push(Pending { key: (0, 4 * level), class, work: Task::Run(kind, next) });
            if let Some(flag) = reset {
                let zero = self.constant(class, 0).index;
                let clear = Instruction { target, a: flag.index, b: zero, c: target, ..blank() };
                let work = Task::Run(Kind::SelectFlag, clear);
                self.pending.push(Pending { key: (0, 4 * level + 1), class, work });
            }
        }
    }
}
