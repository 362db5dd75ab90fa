//! A stream with several receivers: each takes every transfer, at a time of its own.
//!
//! Ports: `x_valid` and `x_ready`; `y<i>_valid` and `y<i>_ready` for each receiver. The data does
//! not pass through here.

use rtl4ml_hdl::{Expr, Module};

use crate::control::Control;
use crate::layer::BIT;

/// The module of a fork to so many receivers (at least two).
pub fn module(name: &str, receivers: usize) -> Module {
    let names: Vec<String> = (0..receivers)
        .flat_map(|index| [format!("y{index}_valid"), format!("y{index}_ready")])
        .chain(["x_valid".to_owned(), "x_ready".to_owned()])
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut control = Control::new(name, &names);
    let x_valid = control.module.add_input("x_valid", BIT);
    let readies: Vec<_> =
        (0..receivers).map(|i| control.module.add_input(format!("y{i}_ready"), BIT)).collect();
    control.module.comment("A receiver that has taken a transfer is not offered it again.");
    let dones: Vec<_> = (0..receivers).map(|i| control.open(&format!("done_{i}"), BIT)).collect();
    let served: Vec<_> =
        (0..receivers).map(|i| control.or(&format!("served_{i}"), dones[i], readies[i])).collect();
    let all = control.all("all_served", served.iter().copied()).unwrap_or(served[0]);
    let x_ready = control.module.assign("x_ready", BIT, Expr::ShiftRight { a: all, shift: 0 });
    control.module.add_output(x_ready);
    let some_wait = control.not("some_wait", all);
    let holds = control.and("holds", x_valid, some_wait);
    for index in 0..receivers {
        let fresh = control.not(&format!("fresh_{index}"), dones[index]);
        let name = format!("y{index}_valid");
        let valid = control.module.assign(name, BIT, Expr::And { a: x_valid, b: fresh });
        control.module.add_output(valid);
        let next = control.and(&format!("done_{index}_next"), holds, served[index]);
        control.close(dones[index], next);
    }
    control.module
}

/// The fork's behaviour.
#[derive(Clone, Debug)]
pub struct Fork {
    done: Vec<bool>,
}

impl Fork {
    /// A fork to so many receivers.
    pub fn new(receivers: usize) -> Self {
        Self { done: vec![false; receivers] }
    }

    /// Whether a receiver is offered the transfer that is there.
    pub fn offers(&self, receiver: usize) -> bool {
        !self.done[receiver]
    }

    /// The end of a cycle: whether the transfer leaves for good.
    pub fn step(&mut self, is_valid: bool, ready: &[bool]) -> bool {
        let all = self.done.iter().zip(ready).all(|(done, ready)| *done || *ready);
        for (done, ready) in self.done.iter_mut().zip(ready) {
            *done = is_valid && !all && (*done || *ready);
        }
        is_valid && all
    }
}
