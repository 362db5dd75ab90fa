//! How a module is put together, piece by piece.

use super::{
    BIT, Bus, BusDriver, BusId, BusRegister, Direction, Expr, Item, MemoryStyle, Module, Operand,
    Port, PortBinding, Ram, Register, Rom, Signal, SignalId, Statement, Type,
};
use crate::names::Namer;

impl Module {
    /// Adds a signal that a statement, a register or an instance is to drive.
    pub fn add_signal(&mut self, name: impl Into<String>, ty: Type) -> SignalId {
        self.signals.push(Signal { name: name.into(), ty, bus: None });
        SignalId(self.signals.len() as u32 - 1)
    }

    /// Adds a bus whose lanes are named after it; `namer` keeps the names apart from others.
    pub fn add_bus(
        &mut self,
        namer: &mut Namer,
        name: &str,
        lanes: &[Type],
        driver: BusDriver,
    ) -> BusId {
        let names = (0..lanes.len()).map(|lane| namer.name(&format!("{name}_{lane}")));
        let names: Vec<String> = names.collect();
        self.add_bus_with_names(name, names.into_iter().zip(lanes.iter().copied()), driver)
    }

    /// Adds a bus whose lanes have names of their own.
    pub fn add_bus_with_names(
        &mut self,
        name: &str,
        lanes: impl IntoIterator<Item = (String, Type)>,
        driver: BusDriver,
    ) -> BusId {
        let id = BusId(self.buses.len() as u32);
        let first = self.signals.len();
        let bus = Some(id);
        self.signals.extend(lanes.into_iter().map(|(name, ty)| Signal { name, ty, bus }));
        let lanes = (self.signals.len() - first) as u32;
        self.buses.push(Bus {
            name: name.to_owned(),
            first: SignalId(first as u32),
            lanes,
            driver,
        });
        id
    }

    /// Adds an input port of one signal.
    pub fn add_input(&mut self, name: impl Into<String>, ty: Type) -> SignalId {
        let signal = self.add_signal(name, ty);
        let binding = PortBinding::Signal(signal);
        self.ports.push(Port { direction: Direction::Input, binding });
        signal
    }

    /// Adds the reset port.
    pub fn add_reset(&mut self) -> SignalId {
        let reset = self.add_input("rst", BIT);
        self.reset = Some(reset);
        reset
    }

    /// Makes a signal an output port.
    pub fn add_output(&mut self, signal: SignalId) {
        let binding = PortBinding::Signal(signal);
        self.ports.push(Port { direction: Direction::Output, binding });
    }

    /// Adds an input port that is a bus.
    pub fn add_input_bus(&mut self, namer: &mut Namer, name: &str, lanes: &[Type]) -> BusId {
        let bus = self.add_bus(namer, name, lanes, BusDriver::Whole);
        self.add_bus_port(Direction::Input, bus);
        bus
    }

    /// Makes a bus a port.
    pub fn add_bus_port(&mut self, direction: Direction, bus: BusId) {
        self.ports.push(Port { direction, binding: PortBinding::Bus(bus) });
    }

    /// Adds an output port that is a bus with these lane types and values.
    pub fn add_output_bus(&mut self, name: &str, lanes: &[Type], values: Vec<Operand>) -> BusId {
        // Lanes that are driven one by one have no text of their own, and so no name.
        let lanes = lanes.iter().map(|ty| (String::new(), *ty));
        let bus = self.add_bus_with_names(name, lanes, BusDriver::Lanes(values));
        self.add_bus_port(Direction::Output, bus);
        bus
    }

    /// Adds a remark.
    pub fn comment(&mut self, text: impl Into<String>) {
        self.items.push(Item::Comment(text.into()));
    }

    /// Adds a signal and the statement that drives it.
    pub fn assign(&mut self, name: impl Into<String>, ty: Type, expr: Expr) -> SignalId {
        let target = self.add_signal(name, ty);
        self.items.push(Item::Statement(Statement { target, expr }));
        target
    }

    /// Adds the statement that drives a signal which exists.
    pub fn drive(&mut self, target: SignalId, expr: Expr) {
        self.items.push(Item::Statement(Statement { target, expr }));
    }

    /// Adds a register of a signal, without enable and reset.
    pub fn register(&mut self, name: impl Into<String>, d: SignalId) -> SignalId {
        let q = self.add_signal(name, self.ty(d));
        self.registers.push(Register { q, d: d.into(), enable: None, reset: false });
        q
    }

    /// Adds a register of a signal that the reset clears.
    pub fn register_with_reset(&mut self, name: impl Into<String>, d: SignalId) -> SignalId {
        let q = self.register(name, d);
        if let Some(register) = self.registers.last_mut() {
            register.reset = true;
        }
        q
    }

    /// Adds a register of a whole bus.
    pub fn register_bus(&mut self, namer: &mut Namer, name: &str, d: BusId) -> BusId {
        self.register_bus_if(namer, name, d, None)
    }

    /// Adds a register of a whole bus that keeps its value while `enable`, where given, is 0.
    pub fn register_bus_if(
        &mut self,
        namer: &mut Namer,
        name: &str,
        d: BusId,
        enable: Option<SignalId>,
    ) -> BusId {
        let lanes = self.lane_types(d);
        let q = self.add_bus(namer, name, &lanes, BusDriver::Whole);
        self.bus_registers.push(BusRegister { q, d, enable });
        q
    }

    /// Adds the output bus of a RAM, and the RAM, whose `q` is given by this.
    pub fn ram(&mut self, namer: &mut Namer, name: &str, ram: Ram) -> BusId {
        let lanes = self.lane_types(ram.d);
        let q = self.add_bus(namer, name, &lanes, BusDriver::Whole);
        // In the Verilog the words are an array of their own, named after the output.
        namer.name(&format!("{name}_words"));
        self.rams.push(Ram { q, ..ram });
        q
    }

    /// Adds a ROM with a registered output; `lanes` are the names and types of its fields.
    pub fn rom(
        &mut self,
        name: &str,
        lanes: impl IntoIterator<Item = (String, Type)>,
        address: SignalId,
        words: Vec<Vec<i64>>,
        style: MemoryStyle,
    ) -> BusId {
        let q = self.add_bus_with_names(name, lanes, BusDriver::Whole);
        self.roms.push(Rom { q, address, words, style });
        q
    }
}
