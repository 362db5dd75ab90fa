//! What changes with an edge of the clock: registers and memories.

use super::{BusId, Operand, SignalId};

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
