//! Modules as Verilog-2001 text.
//!
//! Each kind of statement has one lowering, `Writer::expr`. Operands are extended to the exact
//! width of the result in the text, so that the arithmetic is modulo two to that width whatever
//! the signedness rules of the language would make of it, and so that no lint of widths has to
//! be switched off.

mod expressions;
mod literals;
mod parts;

use std::fmt::Write as _;

use self::literals::{bit_range, hint_attribute, range, style_word, typed_range, wrap_list};
use crate::compress;
use crate::design::{
    BusDriver, BusId, Connection, Design, Direction, Expr, Item, Module, MultiplierHint, Operand,
    PortBinding, SignalId,
};

/// The text of all modules, each after those that it instantiates.
pub fn design_text(design: &Design) -> String {
    design.modules.iter().map(|module| module_text(design, module)).collect::<Vec<_>>().join("\n")
}

/// The text of one module.
pub fn module_text(design: &Design, module: &Module) -> String {
    let mut writer = Writer::new(design, module);
    writer.body();
    let mut text = String::new();
    for line in &module.doc {
        push_line(&mut text, format_args!("// {line}"));
    }
    writer.head(&mut text);
    text.push_str(&writer.text);
    writer.unused(&mut text);
    text.push_str("endmodule\n");
    text
}

fn push_line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(line);
    while text.ends_with(' ') {
        text.pop();
    }
    text.push('\n');
}

macro_rules! line {
    ($text:expr, $($arg:tt)*) => { push_line($text, format_args!($($arg)*)) };
}

use line;

struct Writer<'a> {
    design: &'a Design,
    module: &'a Module,
    text: String,
    /// For each signal, the bits that the text reads.
    read: Vec<u64>,
    /// For each bus, whether it is read as a whole.
    read_whole: Vec<bool>,
}

/// All bits of a signal.
const ALL_BITS: u64 = u64::MAX;

impl<'a> Writer<'a> {
    fn new(design: &'a Design, module: &'a Module) -> Self {
        let read = vec![0; module.signals.len()];
        let read_whole = vec![false; module.buses.len()];
        let mut writer = Self { design, module, text: String::new(), read, read_whole };
        writer.mark_outputs();
        writer
    }

    /// Output ports are read by whoever instantiates the module.
    fn mark_outputs(&mut self) {
        for port in self.module.ports.iter().filter(|port| port.direction == Direction::Output) {
            match port.binding {
                PortBinding::Signal(signal) => self.read[signal.0 as usize] = ALL_BITS,
                PortBinding::Bus(bus) => self.read_whole[bus.0 as usize] = true,
            }
        }
    }

    fn head(&self, text: &mut String) {
        let mut ports = Vec::new();
        if self.design.is_clocked(self.module) {
            ports.push("    input  wire clk".to_owned());
        }
        for port in &self.module.ports {
            let direction = match port.direction {
                Direction::Input => "input ",
                Direction::Output => "output",
            };
            let (kind, range, name) = match port.binding {
                PortBinding::Signal(id) => {
                    let signal = self.module.signal(id);
                    // A register that is a port is declared there.
                    let kind = if self.is_register(id) { "reg " } else { "wire" };
                    (kind, range(u64::from(signal.ty.width)), &signal.name)
                }
                PortBinding::Bus(bus) => {
                    ("wire", range(self.module.bus_width(bus)), &self.module.bus(bus).name)
                }
            };
            ports.push(format!("    {direction} {kind} {range}{name}"));
        }
        line!(text, "module {} (", self.module.name);
        line!(text, "{}", ports.join(",\n"));
        line!(text, ");");
    }

    fn is_register(&self, signal: SignalId) -> bool {
        self.module.registers.iter().any(|register| register.q == signal)
    }

    fn is_port(&self, binding: PortBinding) -> bool {
        self.module.ports.iter().any(|port| port.binding == binding)
    }

    fn body(&mut self) {
        // What is read decides which lanes get a name, so they are written after their readers.
        let items = self.section(Self::items);
        let buses = self.section(Self::lane_driven_buses);
        let instances = self.section(Self::instances);
        let memories = self.section(Self::memories);
        let registers = self.section(Self::registers);
        let declarations = self.section(Self::declarations);
        let lanes = self.section(Self::lanes);
        let functions = self.functions();
        self.text =
            [declarations, functions, lanes, items, buses, instances, memories, registers].concat();
    }

    fn section(&mut self, write: fn(&mut Self, &mut String)) -> String {
        let mut text = String::new();
        write(self, &mut text);
        text
    }

    /// What registers, ROMs and instances drive.
    fn declarations(&mut self, text: &mut String) {
        let module = self.module;
        let hinted = self.multiplier_registers();
        let is_port = |q: SignalId| self.is_port(PortBinding::Signal(q));
        for register in module.registers.iter().filter(|register| !is_port(register.q)) {
            let signal = module.signal(register.q);
            let ty = typed_range(signal.ty);
            let attribute = hinted[register.q.0 as usize].map_or("", hint_attribute);
            line!(text, "    {attribute}reg {ty}{};", signal.name);
        }
        for register in &module.bus_registers {
            let width = range(module.bus_width(register.q));
            line!(text, "    reg {width}{};", module.bus(register.q).name);
        }
        for ram in &module.rams {
            let style = style_word(ram.style);
            let width = range(module.bus_width(ram.q));
            let name = &module.bus(ram.q).name;
            line!(text, "    reg {width}{name};");
            let last = ram.words - 1;
            line!(text, "    (* ram_style = \"{style}\" *) reg {width}{name}_words [0:{last}];");
        }
        for rom in &module.roms {
            let style = style_word(rom.style);
            let width = range(module.bus_width(rom.q));
            let name = &module.bus(rom.q).name;
            line!(text, "    (* rom_style = \"{style}\" *) reg {width}{name};");
        }
        for instance in &module.instances {
            let child = self.design.module(instance.module);
            for (port, connection) in child.ports.iter().zip(&instance.connections) {
                if port.direction == Direction::Input {
                    continue;
                }
                match *connection {
                    Connection::Signal(id) if !self.is_port(PortBinding::Signal(id)) => {
                        let signal = module.signal(id);
                        line!(text, "    wire {}{};", typed_range(signal.ty), signal.name);
                    }
                    Connection::Bus(id) if !self.is_port(PortBinding::Bus(id)) => {
                        let width = range(module.bus_width(id));
                        line!(text, "    wire {width}{};", module.bus(id).name);
                    }
                    Connection::Signal(_) | Connection::Bus(_) => {}
                }
            }
        }
    }

    /// What the compressions count with.
    fn functions(&self) -> String {
        let compressions = self.module.statements().filter_map(|statement| match &statement.expr {
            Expr::Compress(compression) => Some(compression.as_ref()),
            _ => None,
        });
        compress::functions(compressions)
    }

    /// For each signal, the hint of the multiplier whose product it registers.
    fn multiplier_registers(&self) -> Vec<Option<MultiplierHint>> {
        let mut hints = vec![None; self.module.signals.len()];
        for statement in self.module.statements() {
            if let Expr::Mul { hint, .. } = statement.expr {
                hints[statement.target.0 as usize] = Some(hint);
            }
        }
        // A product's registers follow each other, so one pass in order finds the whole chain.
        for register in &self.module.registers {
            if let Operand::Signal(d) = register.d {
                hints[register.q.0 as usize] = hints[d.0 as usize];
            }
        }
        hints
    }

    /// The lanes of whole buses that are read one by one.
    fn lanes(&mut self, text: &mut String) {
        let mut first = true;
        for (index, bus) in self.module.buses.iter().enumerate() {
            if matches!(bus.driver, BusDriver::Lanes(_)) {
                continue;
            }
            let mut low = 0;
            for lane in self.module.lanes(BusId(index as u32)) {
                let signal = self.module.signal(lane);
                let high = low + u64::from(signal.ty.width) - 1;
                if self.read[lane.0 as usize] != 0 {
                    if std::mem::take(&mut first) {
                        text.push('\n');
                    }
                    let slice = if self.module.bus_width(BusId(index as u32)) == 1 {
                        bus.name.clone()
                    } else {
                        format!("{}{}", bus.name, bit_range(high, low))
                    };
                    line!(text, "    wire {}{} = {slice};", typed_range(signal.ty), signal.name);
                }
                low = high + 1;
            }
        }
    }

    fn items(&mut self, text: &mut String) {
        let module = self.module;
        for item in &module.items {
            match item {
                Item::Comment(comment) => {
                    line!(text, "\n    // {comment}");
                }
                Item::Statement(statement) => {
                    let signal = module.signal(statement.target);
                    let value = self.expr(&statement.expr, signal.ty);
                    let ty = typed_range(signal.ty);
                    if self.is_port(PortBinding::Signal(statement.target)) {
                        line!(text, "    assign {} = {value};", signal.name);
                    } else if let Expr::Mul { hint, .. } = statement.expr {
                        line!(text, "    {}wire {ty}{};", hint_attribute(hint), signal.name);
                        line!(text, "    assign {} = {value};", signal.name);
                    } else {
                        line!(text, "    wire {ty}{} = {value};", signal.name);
                    }
                }
            }
        }
    }

    fn lane_driven_buses(&mut self, text: &mut String) {
        let module = self.module;
        for (index, bus) in module.buses.iter().enumerate() {
            let BusDriver::Lanes(values) = &bus.driver else {
                continue;
            };
            let id = BusId(index as u32);
            let lanes: Vec<(SignalId, Operand)> =
                module.lanes(id).zip(values.iter().copied()).collect();
            let values: Vec<String> = lanes
                .iter()
                .rev()
                .map(|(lane, value)| self.extended(*value, 0, module.ty(*lane).width))
                .collect();
            let value = match values.as_slice() {
                [value] => value.clone(),
                values => format!("{{{}}}", wrap_list(values)),
            };
            if self.is_port(PortBinding::Bus(id)) {
                line!(text, "\n    assign {} = {value};", bus.name);
            } else {
                let width = range(module.bus_width(id));
                line!(text, "\n    wire {width}{} = {value};", bus.name);
            }
        }
    }

    /// Reads the bits that nothing else reads, so that a lint of unused bits can stay on: what
    /// is listed here is dropped on purpose.
    fn unused(&self, text: &mut String) {
        let module = self.module;
        let mut dropped = Vec::new();
        for (index, bus) in module.buses.iter().enumerate() {
            if self.read_whole[index] || matches!(bus.driver, BusDriver::Lanes(_)) {
                continue;
            }
            let mut low = 0;
            for lane in module.lanes(BusId(index as u32)) {
                let high = low + u64::from(module.ty(lane).width) - 1;
                if self.read[lane.0 as usize] == 0 {
                    if module.bus_width(BusId(index as u32)) == 1 {
                        dropped.push(bus.name.clone());
                    } else {
                        dropped.push(format!("{}{}", bus.name, bit_range(high, low)));
                    }
                }
                low = high + 1;
            }
        }
        for (signal, read) in module.signals.iter().zip(&self.read) {
            let in_bus = signal.bus.is_some();
            let width = signal.ty.width;
            let unread = !read & (u64::MAX >> (64 - width));
            if unread == 0 || (in_bus && *read == 0) {
                continue;
            }
            if width == 1 {
                dropped.push(signal.name.clone());
                continue;
            }
            let mut bit = 0;
            while bit < width {
                let run = (unread >> bit).trailing_ones().min(width - bit);
                if run > 0 {
                    let (high, low) = (u64::from(bit + run - 1), u64::from(bit));
                    dropped.push(format!("{}{}", signal.name, bit_range(high, low)));
                }
                bit += run.max(1);
            }
        }
        if !dropped.is_empty() {
            line!(
                text,
                "\n    // Bits that are dropped on purpose: by rounding, by wrap-around, by zero weights."
            );
            let list = wrap_list(&dropped);
            line!(text, "    wire unused = &{{1'b0, {list}}};");
        }
    }
}
