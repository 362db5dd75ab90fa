//! What an edge of the clock changes: registers and memories.

use super::{CompiledRegister, ModuleBlock};
use crate::design::SignalId;

impl ModuleBlock {
    /// Lets one edge of the clock pass: registers take their next values. Whether one of them
    /// changed: most of a circuit waits most of the time, and then has nothing to evaluate.
    pub(super) fn clock_edge(&mut self) -> bool {
        let module = self.design.module(self.id);
        let reset = module.reset.is_some_and(|reset| self.values[reset.0 as usize] != 0);
        self.scratch.clear();
        for register in &self.registers {
            let CompiledRegister { q, d, enable, reset: resettable } = *register;
            let enabled = enable.is_none_or(|enable| self.values[enable as usize] != 0);
            let source = if enabled { d } else { q };
            let next = if reset && resettable { 0 } else { self.values[source as usize] };
            self.scratch.push(next);
        }
        // ROMs read their addresses before any register changes.
        let words: Vec<usize> = module
            .roms
            .iter()
            .map(|rom| {
                let address = self.values[rom.address.0 as usize] as u64 as usize;
                address.min(rom.words.len() - 1)
            })
            .collect();
        let first_read = self.scratch.len();
        self.access_rams();
        let module = self.design.module(self.id);
        let mut changed = false;
        let mut set = |first: usize, word: &[i64]| {
            let now = &mut self.values[first..first + word.len()];
            changed |= now != word;
            now.copy_from_slice(word);
        };
        let mut read = &self.scratch[first_read..];
        for ram in &module.rams {
            let bus = module.bus(ram.q);
            let (word, rest) = read.split_at(bus.lanes as usize);
            set(bus.first.0 as usize, word);
            read = rest;
        }
        for (rom, word) in module.roms.iter().zip(words) {
            set(module.bus(rom.q).first.0 as usize, &rom.words[word]);
        }
        for (register, next) in self.registers.iter().zip(&self.scratch) {
            let now = &mut self.values[register.q as usize];
            changed |= now != next;
            *now = *next;
        }
        changed
    }

    /// Reads a word of each RAM into `scratch`, behind what is there, then writes what is to be
    /// written. Addresses and data are those before the edge.
    fn access_rams(&mut self) {
        let module = self.design.module(self.id);
        for (ram, memory) in module.rams.iter().zip(&mut self.memories) {
            let lanes = module.bus(ram.q).lanes as usize;
            let place = |address: SignalId| {
                (self.values[address.0 as usize] as u64 as usize).min(ram.words - 1) * lanes
            };
            let read = place(ram.read_address);
            self.scratch.extend_from_slice(&memory[read..read + lanes]);
            if self.values[ram.write.0 as usize] != 0 {
                let write = place(ram.write_address);
                let first = module.bus(ram.d).first.0 as usize;
                memory[write..write + lanes].copy_from_slice(&self.values[first..first + lanes]);
            }
        }
    }
}
