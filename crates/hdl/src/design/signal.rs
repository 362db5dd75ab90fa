//! Signals, the buses that they are lanes of, and how they are read.

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
