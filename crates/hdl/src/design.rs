//! The description: modules made of typed statements, registers, ROMs and instances.
//!
//! Signals are at most 64 bits wide and stand for integers. A [`Bus`] is a packed vector of
//! signals (its lanes), lane 0 in the low bits, so that a port with a thousand elements is one
//! port.

use crate::compress::Compression;
use crate::names::Namer;

/// The width and signedness of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// The bits, 1 to 64.
    pub width: u32,
    /// Two's complement when true.
    pub signed: bool,
}

/// A single bit.
pub const BIT: Type = Type { width: 1, signed: false };

/// Names a signal of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignalId(pub u32);

/// Names a bus of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BusId(pub u32);

/// Names a module of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub u32);

/// A named integer of fixed width.
#[derive(Clone, Debug)]
pub struct Signal {
    /// The name, unique in the module.
    pub name: String,
    /// Its width and signedness.
    pub ty: Type,
    /// The bus of which it is a lane.
    pub bus: Option<BusId>,
}

/// A packed vector of signals.
#[derive(Clone, Debug)]
pub struct Bus {
    /// The name, unique in the module.
    pub name: String,
    /// The first lane; the others follow it.
    pub first: SignalId,
    /// The number of lanes.
    pub lanes: u32,
    /// What drives the bus.
    pub driver: BusDriver,
}

/// What drives a bus.
#[derive(Clone, Debug)]
pub enum BusDriver {
    /// An input port, an instance, a ROM or a register: all lanes at once.
    Whole,
    /// The lanes' values, lane 0 first, each extended to its lane's width.
    Lanes(Vec<Operand>),
}

/// A value that a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A signal.
    Signal(SignalId),
    /// A constant; a value of 2^63 or more is given by its two's complement bits.
    Constant(i64),
}

impl From<SignalId> for Operand {
    fn from(signal: SignalId) -> Self {
        Self::Signal(signal)
    }
}

/// One bit of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BitOf {
    /// The signal.
    pub signal: SignalId,
    /// The bit, counted from the low end.
    pub bit: u32,
}

impl From<SignalId> for BitOf {
    /// The low bit: the signal itself where that is one bit wide.
    fn from(signal: SignalId) -> Self {
        Self { signal, bit: 0 }
    }
}

/// The right-hand side of a statement.
///
/// Each computes an exact integer of its operands' integers; the statement's signal takes it
/// modulo 2^width. A signal that is read more widely than it is is extended by its own sign.
#[derive(Clone, Debug)]
pub enum Expr {
    /// a * 2^shift_a + b * 2^shift_b.
    Add {
        /// The first operand.
        a: Operand,
        /// Its shift to the left, in bits.
        shift_a: u32,
        /// The second operand.
        b: Operand,
        /// Its shift to the left, in bits.
        shift_b: u32,
    },
    /// a * 2^shift_a - b * 2^shift_b.
    Sub {
        /// The first operand.
        a: Operand,
        /// Its shift to the left, in bits.
        shift_a: u32,
        /// The second operand.
        b: Operand,
        /// Its shift to the left, in bits.
        shift_b: u32,
    },
    /// a * b. Alone among the expressions this one never wraps: whoever builds it has proven from
    /// the operands' ranges that the target holds every product. (Verilator 5.006 keeps the bits
    /// of a product above the target's width, where the language drops them.)
    Mul {
        /// The first operand.
        a: Operand,
        /// The second operand.
        b: Operand,
        /// What the multiplier is to be built of.
        hint: MultiplierHint,
    },
    /// a * 2^shift.
    ShiftLeft {
        /// The operand.
        a: SignalId,
        /// The shift, in bits.
        shift: u32,
    },
    /// The floor of a / 2^shift. With a shift of 0: a copy, modulo 2^width.
    ShiftRight {
        /// The operand.
        a: SignalId,
        /// The shift, in bits.
        shift: u32,
    },
    /// `then` where the condition is 1, else `otherwise`.
    Select {
        /// The condition.
        condition: BitOf,
        /// The value for 1.
        then: Operand,
        /// The value for 0.
        otherwise: Operand,
    },
    /// 1 where a value of type `ty` equals a.
    Fits {
        /// The operand.
        a: SignalId,
        /// The type that it is to fit.
        ty: Type,
    },
    /// 1 where one of the low `count` bits of a is 1; `count` is 1 to the width of a.
    AnyBit {
        /// The operand.
        a: SignalId,
        /// How many bits.
        count: u32,
    },
    /// 1 where a equals the constant, which is in a's type.
    Equal {
        /// The operand.
        a: SignalId,
        /// The constant.
        constant: i64,
    },
    /// a and b, both one bit.
    And {
        /// The first operand.
        a: SignalId,
        /// The second operand.
        b: SignalId,
    },
    /// a or b, both one bit.
    Or {
        /// The first operand.
        a: SignalId,
        /// The second operand.
        b: SignalId,
    },
    /// not a, one bit.
    Not {
        /// The operand.
        a: SignalId,
    },
    /// A sum of single bits.
    Compress(Box<Compression>),
}

/// What a synthesizer is told to build a multiplier of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MultiplierHint {
    /// DSP blocks.
    Dsp,
    /// Logic.
    Lut,
}

/// A combinational assignment.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The signal that is driven.
    pub target: SignalId,
    /// Its value.
    pub expr: Expr,
}

/// A line of a module's combinational part.
#[derive(Clone, Debug)]
pub enum Item {
    /// A remark for the reader of the Verilog.
    Comment(String),
    /// An assignment; it reads only what is driven before it.
    Statement(Statement),
}

/// A register of one signal.
#[derive(Clone, Debug)]
pub struct Register {
    /// The output.
    pub q: SignalId,
    /// The next value, of the same type.
    pub d: Operand,
    /// Where given, the register keeps its value while this bit is 0.
    pub enable: Option<SignalId>,
    /// Whether the module's reset clears it; the reset comes before the enable.
    pub reset: bool,
}

/// A register of a whole bus, without reset.
#[derive(Clone, Debug)]
pub struct BusRegister {
    /// The output.
    pub q: BusId,
    /// The next value: a bus with the same lane types.
    pub d: BusId,
    /// Where given, the register keeps its value while this bit is 0.
    pub enable: Option<SignalId>,
}

/// A read-only memory with a registered output.
#[derive(Clone, Debug)]
pub struct Rom {
    /// The output, one lane a field of the word.
    pub q: BusId,
    /// The address; addresses beyond the last word read the last word.
    pub address: SignalId,
    /// The words, each with one value a lane.
    pub words: Vec<Vec<i64>>,
    /// What memory is to hold it.
    pub style: MemoryStyle,
}

/// A memory with one port to write and one to read, its output registered.
///
/// At an edge the word at the read address is taken as it was before the edge. Words that were
/// never written are unknown, and addresses beyond the last word must not occur.
#[derive(Clone, Copy, Debug)]
pub struct Ram {
    /// The output.
    pub q: BusId,
    /// The word to write: a bus with the same lane types.
    pub d: BusId,
    /// Whether the word is written at the edge.
    pub write: SignalId,
    /// Where it is written.
    pub write_address: SignalId,
    /// Which word the output takes at the edge.
    pub read_address: SignalId,
    /// How many words there are.
    pub words: usize,
    /// What memory is to hold it.
    pub style: MemoryStyle,
}

/// What memory holds a ROM or RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemoryStyle {
    /// Look-up tables.
    Distributed,
    /// Block RAM.
    Block,
}

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

    /// The types of the lanes of a bus.
    pub fn lane_types(&self, id: BusId) -> Vec<Type> {
        self.lanes(id).map(|lane| self.ty(lane)).collect()
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

    /// The bits that RAMs of this module itself hold.
    pub fn ram_bits(&self) -> u64 {
        self.rams.iter().map(|ram| self.bus_width(ram.q) * ram.words as u64).sum()
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
