//! The front of a stage that takes several transfers as one: all pixels of an image.
//!
//! Ports: `x_valid`, `x_ready` and `x` are the transfers; `room` comes from the buffer; `start` is
//! 1 in the cycle in which `w` holds them all, the last one still at the input.

use rtl4ml_hdl::{Expr, Module, Operand};
use rtl4ml_ir::TensorType;

use crate::bus::BusLayout;
use crate::control::{Control, counter_type};
use crate::layer::BIT;

/// The module that collects `transfers` (at least two) of `pixel` into `whole`.
pub fn module(
    name: &str,
    pixel: &TensorType,
    transfers: usize,
    whole: &TensorType,
    interval: u64,
) -> Module {
    let ports = ["x_valid", "x_ready", "x", "room", "start", "w"];
    let mut control = Control::new(name, &ports);
    let x_valid = control.module.add_input("x_valid", BIT);
    let layout = BusLayout::of(pixel);
    let lanes = layout.lane_types();
    let x =
        (!lanes.is_empty()).then(|| control.module.add_input_bus(&mut control.namer, "x", &lanes));
    let room = control.module.add_input("room", BIT);
    control.module.comment(format!("Takes {transfers} transfers."));
    let count = control.open("count", counter_type(transfers));
    let is_last = control.equals("is_last", count, transfers - 1);
    let is_early = control.not("is_early", is_last);
    let permit = control.permit(room, interval);
    let expr = Expr::Or { a: is_early, b: permit.allowed };
    let x_ready = control.module.assign("x_ready", BIT, expr);
    let taken = control.and("taken", x_valid, x_ready);
    let start = control.module.assign("start", BIT, Expr::And { a: taken, b: is_last });
    permit.close(&mut control, start);
    control.count(count, transfers, taken);
    control.module.add_output(x_ready);
    control.module.add_output(start);

    let mut pixels = vec![layout.elements(&control.module, x)];
    if let Some(mut bus) = x {
        for back in 1..transfers {
            let name = control.namer.name(&format!("held_{back}"));
            bus = control.module.register_bus_if(&mut control.namer, &name, bus, Some(taken));
            pixels.push(layout.elements(&control.module, Some(bus)));
        }
    } else {
        let known = pixels[0].clone();
        pixels.resize(transfers, known);
    }
    let elements: Vec<Operand> = pixels.into_iter().rev().flatten().collect();
    let layout = BusLayout::of(whole);
    let lanes = layout.lane_types();
    if !lanes.is_empty() {
        control.module.add_output_bus("w", &lanes, layout.lane_values(&elements));
    }
    control.module
}
