//! The end of a stage whose result is several transfers: all pixels of an image.
//!
//! Ports: `x_valid`, `x_ready` and `x` are the whole result, `y_valid`, `y_ready` and `y` its
//! transfers, the first of which can leave one cycle after the result came.

use rtl4ml_hdl::{BusDriver, Direction, Expr, Module, Operand, Register, SignalId};
use rtl4ml_ir::TensorType;

use crate::bus::BusLayout;
use crate::control::{Control, counter_type};
use crate::layer::BIT;
use crate::lower::signal_type;

/// The module that gives `whole` away in `transfers` (at least two) of `pixel`.
pub fn module(name: &str, whole: &TensorType, pixel: &TensorType, transfers: usize) -> Module {
    let ports = ["x_valid", "x_ready", "x", "y_valid", "y_ready", "y"];
    let mut control = Control::new(name, &ports);
    let x_valid = control.module.add_input("x_valid", BIT);
    let layout = BusLayout::of(whole);
    let lanes = layout.lane_types();
    let x =
        (!lanes.is_empty()).then(|| control.module.add_input_bus(&mut control.namer, "x", &lanes));
    let y_ready = control.module.add_input("y_ready", BIT);
    control.module.comment(format!("Gives {transfers} transfers away."));
    let count = control.open("count", counter_type(transfers));
    let is_last = control.equals("is_last", count, transfers - 1);
    let busy = control.open("busy", BIT);
    let leaves = control.and("leaves", busy, y_ready);
    let ends = control.and("ends", leaves, is_last);
    let idle = control.not("idle", busy);
    let x_ready = control.module.assign("x_ready", BIT, Expr::Or { a: idle, b: ends });
    let load = control.and("load", x_valid, x_ready);
    let continues = control.not("continues", ends);
    let stays = control.and("stays", busy, continues);
    let busy_next = control.or("busy_next", load, stays);
    control.close(busy, busy_next);
    control.count(count, transfers, leaves);
    let y_valid = control.module.assign("y_valid", BIT, Expr::ShiftRight { a: busy, shift: 0 });
    control.module.add_output(x_ready);
    control.module.add_output(y_valid);

    let elements = layout.elements(&control.module, x);
    let held = held_lanes(&mut control, pixel, &elements, load, leaves);
    let layout = BusLayout::of(pixel);
    let lanes = layout.lane_types();
    if !lanes.is_empty() {
        let names = lanes.iter().map(|ty| (String::new(), *ty));
        let y = control.module.add_bus_with_names("y", names, BusDriver::Lanes(held));
        control.module.add_bus_port(Direction::Output, y);
    }
    control.module
}

/// The registers that hold the result: loaded at once, then shifted by one transfer.
fn held_lanes(
    control: &mut Control,
    pixel: &TensorType,
    elements: &[Operand],
    load: SignalId,
    leaves: SignalId,
) -> Vec<Operand> {
    let changes = control.or("changes", load, leaves);
    let channels = pixel.element_count();
    let mut later: Vec<Option<SignalId>> = vec![None; channels];
    for (transfer, pixels) in elements.chunks(channels).enumerate().rev() {
        for (channel, value) in pixels.iter().enumerate() {
            let range = pixel.ranges[channel];
            if range.as_constant().is_some() {
                continue;
            }
            let ty = signal_type(range);
            let name = format!("held_{transfer}_{channel}");
            let q = control.open(&name, ty);
            let after: Operand = later[channel].map_or(Operand::Constant(0), Operand::Signal);
            let d = control.select(&format!("{name}_next"), ty, load, *value, after);
            let enable = Some(changes);
            control.module.registers.push(Register { q, d: d.into(), enable, reset: false });
            later[channel] = Some(q);
        }
    }
    later.into_iter().flatten().map(Operand::Signal).collect()
}
