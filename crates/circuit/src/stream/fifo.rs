//! The buffer behind a stage of a stream.
//!
//! A stage never stalls once it has started a transfer: it starts one only when the buffer has
//! room for the result, and keeps that room until the result has left (credits). So nothing
//! overflows whatever the receiver does, and no enable runs through the arithmetic.
//!
//! Ports: `start` keeps room for one transfer, `room` says whether there is any; `x_valid` and
//! `x` bring a result, `latency` cycles after its start; `y_valid`, `y_ready` and `y` give it
//! away. A result can leave [`WRITE_CYCLES`] cycles after it came.

use std::collections::VecDeque;

use rtl4ml_hdl::{BusDriver, Direction, Expr, MemoryStyle, Module, Operand, Ram, Type};

use crate::control::{Control, counter_type};
use crate::layer::BIT;

/// From the cycle in which a result comes to the first in which it can leave: it is written into
/// the memory, and read into the memory's output register.
pub const WRITE_CYCLES: u64 = 2;

/// Memories with more words than this go to block RAM.
pub const DISTRIBUTED_WORDS: usize = 64;

/// The style of a memory with so many words.
pub fn memory_style(words: usize) -> MemoryStyle {
    if words > DISTRIBUTED_WORDS { MemoryStyle::Block } else { MemoryStyle::Distributed }
}

/// The module of a buffer for `depth` transfers with these lanes.
pub fn module(name: &str, depth: usize, lanes: &[Type], style: MemoryStyle) -> Module {
    let mut control =
        Control::new(name, &["start", "room", "x_valid", "x", "y_valid", "y_ready", "y"]);
    let start = control.module.add_input("start", BIT);
    let push = control.module.add_input("x_valid", BIT);
    let x =
        (!lanes.is_empty()).then(|| control.module.add_input_bus(&mut control.namer, "x", lanes));
    let y_ready = control.module.add_input("y_ready", BIT);

    control.module.comment(format!("Credits: room for {depth} transfers, started ones included."));
    let used_type = counter_type(depth + 1);
    let used = control.open("used", used_type);
    let full = control.equals("full", used, depth);
    let room = control.module.assign("room", BIT, Expr::Not { a: full });
    let level = control.open("level", used_type);
    let empty = control.equals("empty", level, 0);
    let y_valid = control.module.assign("y_valid", BIT, Expr::Not { a: empty });
    let pop = control.and("pop", y_valid, y_ready);
    for (count, up) in [(used, start), (level, control.module.register_with_reset("written", push))]
    {
        let name = control.module.signal(count).name.clone();
        let plus = Expr::Add { a: count.into(), shift_a: 0, b: up.into(), shift_b: 0 };
        // Up and down in one cycle may pass the end of the range, modulo which both are exact.
        let plus = control.assign(&format!("{name}_plus"), used_type, plus);
        let next = Expr::Sub { a: plus.into(), shift_a: 0, b: pop.into(), shift_b: 0 };
        let next = control.assign(&format!("{name}_next"), used_type, next);
        control.close(count, next);
    }
    control.module.add_output(room);
    control.module.add_output(y_valid);

    if let Some(d) = x {
        control.module.comment("The words: the memory's output register always holds the oldest.");
        let pointer = counter_type(depth);
        let write_address = control.open("write_address", pointer);
        control.count(write_address, depth, push);
        let read = control.open("read_position", pointer);
        let read_address = control.count(read, depth, pop).next;
        let ram = Ram { q: d, d, write: push, write_address, read_address, words: depth, style };
        let q = control.module.ram(&mut control.namer, "head", ram);
        let values: Vec<Operand> = control.module.lanes(q).map(Operand::Signal).collect();
        let names = lanes.iter().map(|ty| (String::new(), *ty));
        let y = control.module.add_bus_with_names("y", names, BusDriver::Lanes(values));
        control.module.add_bus_port(Direction::Output, y);
    }
    control.module
}

/// The buffer's behaviour, without data.
#[derive(Clone, Debug)]
pub struct Fifo {
    /// Transfers that it holds; `None` for as many as come.
    pub depth: Option<usize>,
    /// From a start to the result.
    pub latency: u64,
    used: usize,
    /// The cycles from which on the transfers that were started can leave.
    visible: VecDeque<u64>,
    /// The most transfers that there were at once.
    pub most_used: usize,
}

impl Fifo {
    /// An empty buffer.
    pub fn new(depth: Option<usize>, latency: u64) -> Self {
        Self { depth, latency, used: 0, visible: VecDeque::new(), most_used: 0 }
    }

    /// Whether a transfer may be started.
    pub fn has_room(&self) -> bool {
        self.depth.is_none_or(|depth| self.used < depth)
    }

    /// Whether a transfer can leave in this cycle.
    pub fn is_valid(&self, cycle: u64) -> bool {
        self.visible.front().is_some_and(|visible| *visible <= cycle)
    }

    /// Whether a transfer is under way that cannot leave yet.
    pub fn is_waiting(&self, cycle: u64) -> bool {
        self.visible.back().is_some_and(|visible| *visible > cycle)
    }

    /// The transfers, each by the cycles until it can leave.
    pub fn state(&self, cycle: u64, state: &mut Vec<u64>) {
        state.push(self.visible.len() as u64);
        state.extend(self.visible.iter().map(|visible| visible.saturating_sub(cycle)));
    }

    /// The end of a cycle in which a transfer was started, or one left, or both.
    pub fn step(&mut self, cycle: u64, start: bool, pop: bool) {
        if start {
            self.used += 1;
            self.most_used = self.most_used.max(self.used);
            self.visible.push_back(cycle + self.latency + WRITE_CYCLES);
        }
        if pop {
            self.used -= 1;
            self.visible.pop_front();
        }
    }
}
