//! What has state, and what is somebody else's: registers, memories, instances.

use super::literals::{literal, packed_literal};
use super::{ALL_BITS, Writer, line, push_line};
use crate::design::{Bus, BusRegister, Connection, Direction, PortBinding, Register, Type};

impl Writer<'_> {
    pub(super) fn registers(&mut self, text: &mut String) {
        let module = self.module;
        let mut rest = module.registers.as_slice();
        while let Some(first) = rest.first() {
            let alike = |register: &Register| {
                register.enable == first.enable && register.reset == first.reset
            };
            let count = rest.iter().take_while(|register| alike(register)).count();
            let (group, after) = rest.split_at(count);
            self.register_group(group, text);
            rest = after;
        }
        let mut rest = module.bus_registers.as_slice();
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|other| other.enable == first.enable).count();
            let (group, after) = rest.split_at(count);
            self.bus_register_group(group, text);
            rest = after;
        }
    }

    /// Registers with the same enable and reset, in one process.
    pub(super) fn register_group(&mut self, group: &[Register], text: &mut String) {
        let module = self.module;
        let mut indent = "        ".to_owned();
        let mut ends = vec!["    end"];
        line!(text, "\n    always @(posedge clk) begin");
        if let Some(reset) = module.reset.filter(|_| group[0].reset) {
            let name = self.whole(reset);
            line!(text, "        if ({name}) begin");
            for register in group {
                let q = module.signal(register.q);
                line!(text, "            {} <= {};", q.name, literal(0, q.ty.width));
            }
            match group[0].enable {
                Some(enable) => {
                    let enable = self.whole(enable);
                    line!(text, "        end else if ({enable}) begin");
                }
                None => line!(text, "        end else begin"),
            }
            ends.push("        end");
            indent.push_str("    ");
        } else if let Some(enable) = group[0].enable {
            let enable = self.whole(enable);
            line!(text, "        if ({enable}) begin");
            ends.push("        end");
            indent.push_str("    ");
        }
        for register in group {
            let q = module.signal(register.q);
            let d = self.extended(register.d, 0, q.ty.width);
            line!(text, "{indent}{} <= {d};", q.name);
        }
        for end in ends.iter().rev() {
            line!(text, "{end}");
        }
    }

    /// Registers of buses with the same enable, in one process.
    pub(super) fn bus_register_group(&mut self, group: &[BusRegister], text: &mut String) {
        let module = self.module;
        let condition = group[0].enable.map(|enable| self.whole(enable));
        let condition = condition.map_or(String::new(), |enable| format!("if ({enable}) "));
        line!(text, "\n    always @(posedge clk) {condition}begin");
        for register in group {
            self.read_whole[register.d.0 as usize] = true;
            let (q, d) = (&module.bus(register.q).name, &module.bus(register.d).name);
            line!(text, "        {q} <= {d};");
        }
        line!(text, "    end");
    }

    pub(super) fn memories(&mut self, text: &mut String) {
        self.roms(text);
        let module = self.module;
        for ram in &module.rams {
            self.read_whole[ram.d.0 as usize] = true;
            let (q, d) = (&module.bus(ram.q).name, &module.bus(ram.d).name);
            let write = self.whole(ram.write);
            let (to, from) = (self.whole(ram.write_address), self.whole(ram.read_address));
            line!(text, "\n    always @(posedge clk) begin");
            line!(text, "        if ({write})");
            line!(text, "            {q}_words[{to}] <= {d};");
            line!(text, "        {q} <= {q}_words[{from}];");
            line!(text, "    end");
        }
    }

    pub(super) fn roms(&mut self, text: &mut String) {
        let module = self.module;
        for rom in &module.roms {
            let Bus { name, .. } = module.bus(rom.q);
            let width = module.bus_width(rom.q);
            let lane_types: Vec<Type> = module.lanes(rom.q).map(|lane| module.ty(lane)).collect();
            line!(text, "\n    always @(posedge clk) begin");
            let address = self.whole(rom.address);
            let address_width = module.ty(rom.address).width;
            line!(text, "        case ({address})");
            let (last, words) = rom.words.split_last().unwrap_or((const { &Vec::new() }, &[]));
            for (index, word) in words.iter().enumerate() {
                let label = literal(index as i64, address_width);
                let value = packed_literal(&lane_types, word, width);
                line!(text, "            {label}: {name} <= {value};");
            }
            let value = packed_literal(&lane_types, last, width);
            line!(text, "            default: {name} <= {value};");
            line!(text, "        endcase");
            line!(text, "    end");
        }
    }

    pub(super) fn instances(&mut self, text: &mut String) {
        let (design, module) = (self.design, self.module);
        for instance in &module.instances {
            let child = design.module(instance.module);
            let mut wires = Vec::new();
            if design.is_clocked(child) {
                wires.push("        .clk(clk)".to_owned());
            }
            text.push('\n');
            for (port, connection) in child.ports.iter().zip(&instance.connections) {
                let inner = match port.binding {
                    PortBinding::Signal(signal) => &child.signal(signal).name,
                    PortBinding::Bus(bus) => &child.bus(bus).name,
                };
                let outer = match *connection {
                    Connection::Signal(signal) => &module.signal(signal).name,
                    Connection::Bus(bus) => &module.bus(bus).name,
                };
                wires.push(format!("        .{inner}({outer})"));
                match (port.direction, *connection) {
                    (Direction::Input, Connection::Signal(signal)) => {
                        self.read[signal.0 as usize] = ALL_BITS;
                    }
                    (Direction::Input, Connection::Bus(bus)) => {
                        self.read_whole[bus.0 as usize] = true;
                    }
                    (Direction::Output, _) => {}
                }
            }
            line!(text, "    {} {} (", child.name, instance.name);
            line!(text, "{}", wires.join(",\n"));
            line!(text, "    );");
        }
    }
}
