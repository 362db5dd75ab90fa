//! The description: modules made of typed statements, registers, ROMs and instances.
//!
//! Signals are at most 64 bits wide and stand for integers. A [`Bus`] is a packed vector of
//! signals (its lanes), lane 0 in the low bits, so that a port with a thousand elements is one
//! port.

mod build;
mod signal;
mod state;
mod statement;

pub use signal::{BIT, BitOf, Bus, BusDriver, BusId, Operand, Signal, SignalId, Type};
pub use state::{BusRegister, MemoryStyle, Ram, Register, Rom};
pub use statement::{Expr, Item, MultiplierHint, Statement};

/// Names a module of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub u32);

/// A module inside a module.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The instance's name.
    pub name: String,
    /// What is instantiated.
    pub module: ModuleId,
    /// One a port of that module, in its order.
    pub connections: Vec<Connection>,
}

/// What a port of an instance is wired to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// A signal.
    Signal(SignalId),
    /// A bus with the same lane types.
    Bus(BusId),
}

/// The direction of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the module.
    Input,
    /// Out of the module.
    Output,
}

/// A port.
#[derive(Clone, Debug)]
pub struct Port {
    /// Into or out of the module.
    pub direction: Direction,
    /// The signal or bus that it is.
    pub binding: PortBinding,
}

/// What a port is inside its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortBinding {
    /// A signal.
    Signal(SignalId),
    /// A bus.
    Bus(BusId),
}

/// A module. The clock is implicit: a module that has state has the port `clk`.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// The name, unique in the design.
    pub name: String,
    /// What a reader should know; the head of the Verilog.
    pub doc: Vec<String>,
    /// All signals, lanes of buses included.
    pub signals: Vec<Signal>,
    /// All buses.
    pub buses: Vec<Bus>,
    /// The ports, in order.
    pub ports: Vec<Port>,
    /// The synchronous, active-high reset.
    pub reset: Option<SignalId>,
    /// The combinational part, in an order in which it can be evaluated.
    pub items: Vec<Item>,
    /// Registers of signals.
    pub registers: Vec<Register>,
    /// Registers of buses.
    pub bus_registers: Vec<BusRegister>,
    /// Memories that hold constants.
    pub roms: Vec<Rom>,
    /// Memories that are written.
    pub rams: Vec<Ram>,
    /// Modules inside.
    pub instances: Vec<Instance>,
}

impl Module {
    /// An empty module.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The signal with this id.
    pub fn signal(&self, id: SignalId) -> &Signal {
        &self.signals[id.0 as usize]
    }

    /// The type of a signal.
    pub fn ty(&self, id: SignalId) -> Type {
        self.signal(id).ty
    }

    /// The bus with this id.
    pub fn bus(&self, id: BusId) -> &Bus {
        &self.buses[id.0 as usize]
    }

    /// The lanes of a bus, lane 0 first.
    pub fn lanes(&self, id: BusId) -> impl ExactSizeIterator<Item = SignalId> + use<> {
        let bus = self.bus(id);
        (bus.first.0..bus.first.0 + bus.lanes).map(SignalId)
    }

    /// The bits of a bus.
    pub fn bus_width(&self, id: BusId) -> u64 {
        self.lanes(id).map(|lane| u64::from(self.ty(lane).width)).sum()
    }

    /// The types of the lanes of a bus.
    pub fn lane_types(&self, id: BusId) -> Vec<Type> {
        self.lanes(id).map(|lane| self.ty(lane)).collect()
    }

    /// The combinational statements, in order.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.items.iter().filter_map(|item| match item {
            Item::Statement(statement) => Some(statement),
            Item::Comment(_) => None,
        })
    }

    /// The bits that registers of this module itself hold (outputs of memories included).
    pub fn register_bits(&self) -> u64 {
        let scalars = self.registers.iter().map(|r| u64::from(self.ty(r.q).width));
        let buses = self.bus_registers.iter().map(|r| self.bus_width(r.q));
        let roms = self.roms.iter().map(|rom| self.bus_width(rom.q));
        let rams = self.rams.iter().map(|ram| self.bus_width(ram.q));
        scalars.chain(buses).chain(roms).chain(rams).sum()
    }

    /// The bits that RAMs of this module itself hold.
    pub fn ram_bits(&self) -> u64 {
        self.rams.iter().map(|ram| self.bus_width(ram.q) * ram.words as u64).sum()
    }
}

/// Modules, each after those that it instantiates.
#[derive(Clone, Debug, Default)]
pub struct Design {
    /// The modules; the last one is the top.
    pub modules: Vec<Module>,
}

impl Design {
    /// The module with this id.
    pub fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id.0 as usize]
    }

    /// The outermost module.
    ///
    /// # Panics
    /// When the design has no module.
    pub fn top(&self) -> &Module {
        self.modules.last().expect("a design has a top module")
    }

    /// Adds a module after those that it instantiates.
    pub fn add(&mut self, module: Module) -> ModuleId {
        self.modules.push(module);
        ModuleId(self.modules.len() as u32 - 1)
    }

    /// Whether a module has state, itself or in an instance, and so a clock.
    pub fn is_clocked(&self, module: &Module) -> bool {
        !module.registers.is_empty()
            || !module.bus_registers.is_empty()
            || !module.roms.is_empty()
            || !module.rams.is_empty()
            || module.instances.iter().any(|i| self.is_clocked(self.module(i.module)))
    }
}
