//! The front of a stage that takes one transfer of each input for each result.
//!
//! Ports: `x<i>_valid` and `x<i>_ready` for each input (`x_valid` and `x_ready` where there is
//! one); `room` from the buffer; `start` in the cycle in which the inputs are taken.

use rtl4ml_hdl::{Expr, Module};

use crate::control::Control;
use crate::layer::{BIT, input_name};

/// The module of a gate for so many inputs that lets through one transfer an interval.
pub fn module(name: &str, inputs: usize, interval: u64) -> Module {
    let names: Vec<String> = (0..inputs).map(|index| input_name(index, inputs)).collect();
    let mut control = Control::new(name, &["start", "room"]);
    let valids: Vec<_> = names
        .iter()
        .map(|name| {
            let name = control.namer.name(&format!("{name}_valid"));
            control.module.add_input(name, BIT)
        })
        .collect();
    let room = control.module.add_input("room", BIT);
    let permit = control.permit(room, interval);
    let readies: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let others = valids.iter().enumerate().filter(|(other, _)| *other != index);
            let others = others.map(|(_, valid)| *valid);
            let all =
                control.all(&format!("{name}_others"), [permit.allowed].into_iter().chain(others));
            let name = control.namer.name(&format!("{name}_ready"));
            let expr = Expr::ShiftRight { a: all.unwrap_or(permit.allowed), shift: 0 };
            control.module.assign(name, BIT, expr)
        })
        .collect();
    let first = (readies[0], valids[0]);
    let start = control.module.assign("start", BIT, Expr::And { a: first.0, b: first.1 });
    permit.close(&mut control, start);
    for ready in readies {
        control.module.add_output(ready);
    }
    control.module.add_output(start);
    control.module
}
