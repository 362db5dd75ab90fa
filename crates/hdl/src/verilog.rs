//! Modules as Verilog-2001 text.
//!
//! Each kind of statement has one lowering, `Writer::expr`. Operands are extended to the exact
//! width of the result in the text, so that the arithmetic is modulo two to that width whatever
//! the signedness rules of the language would make of it, and so that no lint of widths has to
//! be switched off.

use std::fmt::Write as _;

use crate::compress;
use crate::design::{
    Bus, BusDriver, BusId, BusRegister, Connection, Design, Direction, Expr, Item, MemoryStyle,
    Module, MultiplierHint, Operand, PortBinding, Register, SignalId, Type,
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

    fn registers(&mut self, text: &mut String) {
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
    fn register_group(&mut self, group: &[Register], text: &mut String) {
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
    fn bus_register_group(&mut self, group: &[BusRegister], text: &mut String) {
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

    fn memories(&mut self, text: &mut String) {
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

    fn roms(&mut self, text: &mut String) {
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

    fn instances(&mut self, text: &mut String) {
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

    /// The name of a signal, all of whose bits are read.
    fn whole(&mut self, signal: SignalId) -> String {
        self.read[signal.0 as usize] = ALL_BITS;
        self.module.signal(signal).name.clone()
    }

    /// The bits `high` to `low` of a signal, which are within its width.
    fn slice(&mut self, signal: SignalId, high: u32, low: u32) -> String {
        let width = self.module.ty(signal).width;
        debug_assert!(low <= high && high < width);
        self.read[signal.0 as usize] |= (u64::MAX >> (63 - (high - low))) << low;
        let name = &self.module.signal(signal).name;
        if width == 1 || (low == 0 && high == width - 1) {
            name.clone()
        } else {
            format!("{name}{}", bit_range(u64::from(high), u64::from(low)))
        }
    }

    /// operand * 2^shift in exactly `width` bits.
    fn extended(&mut self, operand: Operand, shift: u32, width: u32) -> String {
        if shift >= width {
            return literal(0, width);
        }
        let signal = match operand {
            Operand::Constant(constant) => {
                return literal(constant << shift, width);
            }
            Operand::Signal(signal) => signal,
        };
        let kept = self.module.ty(signal).width.min(width - shift);
        self.sliced_and_extended(signal, kept - 1, 0, shift, width)
    }

    /// The bits `high` to `low` of a signal with `shift` zeros below, extended to `width` bits by
    /// the signal's own sign.
    fn sliced_and_extended(
        &mut self,
        signal: SignalId,
        high: u32,
        low: u32,
        shift: u32,
        width: u32,
    ) -> String {
        let bits = self.slice(signal, high, low);
        let missing = width - shift - (high - low + 1);
        let mut parts = Vec::new();
        if missing > 0 {
            if self.module.ty(signal).signed {
                let sign = self.slice(signal, high, high);
                parts.push(if missing == 1 { sign } else { format!("{{{missing}{{{sign}}}}}") });
            } else {
                parts.push(literal(0, missing));
            }
        }
        parts.push(bits);
        if shift > 0 {
            parts.push(literal(0, shift));
        }
        if parts.len() == 1 { parts.remove(0) } else { format!("{{{}}}", parts.join(", ")) }
    }

    /// A statement's right-hand side in exactly the width of its signal.
    fn expr(&mut self, expr: &Expr, ty: Type) -> String {
        let width = ty.width;
        match *expr {
            Expr::Add { a, shift_a, b, shift_b } => {
                let a = self.extended(a, shift_a, width);
                let b = self.extended(b, shift_b, width);
                format!("{a} + {b}")
            }
            Expr::Sub { a, shift_a, b, shift_b } => {
                let a = self.extended(a, shift_a, width);
                let b = self.extended(b, shift_b, width);
                format!("{a} - {b}")
            }
            Expr::Mul { a, b, .. } => self.product(a, b),
            Expr::ShiftLeft { a, shift } => self.extended(a.into(), shift, width),
            Expr::ShiftRight { a, shift } => self.shifted_right(a, shift, width),
            Expr::Select { condition, then, otherwise } => {
                let condition = self.slice(condition.signal, condition.bit, condition.bit);
                let then = self.extended(then, 0, width);
                let otherwise = self.extended(otherwise, 0, width);
                format!("{condition} ? {then} : {otherwise}")
            }
            Expr::Fits { a, ty } => self.fits(a, ty),
            Expr::AnyBit { a, count } => format!("|{}", self.slice(a, count - 1, 0)),
            Expr::Equal { a, constant } => {
                let width = self.module.ty(a).width;
                format!("{} == {}", self.unsigned(a), literal(constant, width))
            }
            Expr::And { a, b } => format!("{} & {}", self.whole(a), self.whole(b)),
            Expr::Or { a, b } => format!("{} | {}", self.whole(a), self.whole(b)),
            Expr::Not { a } => format!("~{}", self.whole(a)),
            Expr::Compress(ref compression) => {
                compress::text(compression, width, |signal, high, low| {
                    self.slice(signal, high, low)
                })
            }
        }
    }

    /// The bits of a signal without its sign, as comparisons with a literal need them.
    fn unsigned(&mut self, signal: SignalId) -> String {
        let name = self.whole(signal);
        if self.module.ty(signal).signed { format!("$unsigned({name})") } else { name }
    }

    /// a * b. The operands keep their own widths, which is how a DSP block takes them; the result
    /// is no narrower than they are and holds the exact product (see [`Expr::Mul`]).
    fn product(&mut self, a: Operand, b: Operand) -> String {
        let signed = [a, b].map(|operand| match operand {
            Operand::Signal(signal) => self.module.ty(signal).signed,
            Operand::Constant(constant) => constant < 0,
        });
        let signed = signed[0] || signed[1];
        let own_width = |operand: Operand| match operand {
            Operand::Signal(signal) => {
                let ty = self.module.ty(signal);
                ty.width + u32::from(signed && !ty.signed)
            }
            Operand::Constant(constant) => constant_width(constant, signed),
        };
        let widths = [a, b].map(own_width);
        let mut factor = |operand, own_width: u32| match operand {
            Operand::Constant(constant) if signed => signed_literal(constant),
            Operand::Constant(constant) => literal(constant, own_width),
            Operand::Signal(signal) => {
                let name = self.whole(signal);
                let is_unsigned = !self.module.ty(signal).signed;
                if signed && is_unsigned { format!("$signed({{1'b0, {name}}})") } else { name }
            }
        };
        let (a, b) = (factor(a, widths[0]), factor(b, widths[1]));
        format!("{a} * {b}")
    }

    fn shifted_right(&mut self, a: SignalId, shift: u32, width: u32) -> String {
        let ty = self.module.ty(a);
        if shift >= ty.width {
            // Only the sign is left.
            if !ty.signed {
                return literal(0, width);
            }
            let sign = ty.width - 1;
            return self.sliced_and_extended(a, sign, sign, 0, width);
        }
        let high = (ty.width - 1).min(shift + width - 1);
        self.sliced_and_extended(a, high, shift, 0, width)
    }

    /// Whether a signal's value is one of another type: its upper bits are all alike.
    fn fits(&mut self, a: SignalId, ty: Type) -> String {
        let own = self.module.ty(a);
        let top = own.width - 1;
        match (own.signed, ty.signed) {
            (true, true) if ty.width >= own.width => literal(1, 1),
            (true, true) => {
                let upper = self.slice(a, top, ty.width - 1);
                format!("(&{upper}) | ~(|{upper})")
            }
            (true, false) => {
                let upper = self.slice(a, top, ty.width.min(top));
                format!("~(|{upper})")
            }
            (false, _) => {
                let value_bits = ty.width - u32::from(ty.signed);
                if value_bits >= own.width {
                    return literal(1, 1);
                }
                format!("~(|{})", self.slice(a, top, value_bits))
            }
        }
    }
}

/// The attribute by which a multiplier's material reaches synthesis.
/// The word for a memory's style in an attribute.
fn style_word(style: MemoryStyle) -> &'static str {
    match style {
        MemoryStyle::Distributed => "distributed",
        MemoryStyle::Block => "block",
    }
}

fn hint_attribute(hint: MultiplierHint) -> &'static str {
    match hint {
        MultiplierHint::Dsp => "(* use_dsp = \"yes\" *) ",
        MultiplierHint::Lut => "(* use_dsp = \"no\" *) ",
    }
}

/// `[7:0] `, or nothing for one bit.
fn range(width: u64) -> String {
    if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}

fn typed_range(ty: Type) -> String {
    let sign = if ty.signed { "signed " } else { "" };
    format!("{sign}{}", range(u64::from(ty.width)))
}

fn bit_range(high: u64, low: u64) -> String {
    if high == low { format!("[{low}]") } else { format!("[{high}:{low}]") }
}

/// The low `width` bits of a value as a literal: decimal where it is small, else hexadecimal.
fn literal(value: i64, width: u32) -> String {
    let bits = value as u64 & (u64::MAX >> (64 - width));
    if width == 1 {
        format!("1'b{bits}")
    } else if bits < 10 {
        format!("{width}'d{bits}")
    } else {
        format!("{width}'h{bits:x}")
    }
}

/// The fewest bits that hold a constant, with a sign bit where it is to be signed.
fn constant_width(value: i64, signed: bool) -> u32 {
    let magnitude = if value < 0 { !value } else { value };
    (64 - magnitude.leading_zeros() + u32::from(signed)).max(1)
}

/// A constant factor as a signed literal of the fewest bits.
fn signed_literal(value: i64) -> String {
    let width = constant_width(value, true);
    if value >= 0 {
        format!("{width}'sd{value}")
    } else if value == -(1 << (width - 1)) {
        // The magnitude of the most negative value is no literal of its width.
        format!("$signed({})", literal(value, width))
    } else {
        format!("-{width}'sd{}", value.unsigned_abs())
    }
}

/// A word of a bus as one hexadecimal literal, lane 0 in the low bits.
fn packed_literal(lanes: &[Type], word: &[i64], width: u64) -> String {
    let mut digits = vec![0u8; width.div_ceil(4) as usize];
    let mut low = 0usize;
    for (ty, value) in lanes.iter().zip(word) {
        for bit in 0..ty.width as usize {
            let set = (value >> bit) & 1;
            digits[(low + bit) / 4] |= (set as u8) << ((low + bit) % 4);
        }
        low += ty.width as usize;
    }
    let hex: String = digits
        .iter()
        .rev()
        .map(|digit| char::from_digit(u32::from(*digit), 16).unwrap_or('0'))
        .collect();
    format!("{width}'h{hex}")
}

/// A comma-separated list, broken into lines of a readable length.
fn wrap_list(values: &[String]) -> String {
    const LINE: usize = 88;
    let mut text = String::new();
    let mut column = 0;
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
            if column + value.len() > LINE {
                text.push_str("\n        ");
                column = 0;
            } else {
                text.push(' ');
            }
        }
        text.push_str(value);
        column += value.len() + 2;
    }
    text
}
