//! A circuit bit by bit: gates, and the cells that are more than gates.
//!
//! What this module guarantees: gates are simplified as they are made and equal ones are one, so
//! that constants, zero bits below a shift and copies cost nothing, as they cost nothing after
//! synthesis; a gate comes after what it reads.

use std::collections::HashMap;

/// A bit: the value of a node, or its complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bit(u32);

impl Bit {
    /// The constant 0.
    pub const ZERO: Self = Self(0);
    /// The constant 1.
    pub const ONE: Self = Self(1);

    /// A constant.
    pub fn constant(value: bool) -> Self {
        Self(u32::from(value))
    }

    fn of(node: usize) -> Self {
        Self((node as u32) << 1)
    }

    /// The node.
    pub fn node(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// Whether it is the complement.
    pub fn is_inverted(self) -> bool {
        self.0 & 1 == 1
    }

    /// The complement.
    pub fn not(self) -> Self {
        Self(self.0 ^ 1)
    }

    pub fn not_if(self, inverted: bool) -> Self {
        Self(self.0 ^ u32::from(inverted))
    }

    /// Whether it is always the same.
    pub fn is_constant(self) -> bool {
        self.node() == 0
    }
}

/// Where a bit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// The constant 0, or an input of the circuit.
    Given,
    /// An output of a cell.
    Cell(u32),
    /// Both are 1. Where `is_choice`, the first chooses between the second and a constant, which a
    /// register can do by its reset or set.
    And { a: Bit, b: Bit, is_choice: bool },
    /// One of both is 1.
    Xor(Bit, Bit),
    /// The second where the first is 1, else the third.
    Mux(Bit, Bit, Bit),
}

impl Node {
    /// The bits that a gate reads; none for what is no gate.
    pub fn reads(self) -> impl Iterator<Item = Bit> {
        let (bits, count) = match self {
            Self::Given | Self::Cell(_) => ([Bit::ZERO; 3], 0),
            Self::And { a, b, .. } | Self::Xor(a, b) => ([a, b, Bit::ZERO], 2),
            Self::Mux(a, b, c) => ([a, b, c], 3),
        };
        bits.into_iter().take(count)
    }
}

/// What a look-up table of a gate is part of: each kind has a coefficient of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The sum bits in front of a carry chain.
    Chain,
    /// Choices, saturation, control.
    Logic,
    /// Tables and weights of distributed memories.
    Table,
}

/// What is more than a gate. Outputs are nodes, numbered from `first`.
#[derive(Clone, Debug)]
pub enum Cell {
    /// A carry chain.
    Adder(Adder),
    /// A flip-flop.
    Register(Register),
    /// A multiplier.
    Product { factors: [Vec<Bit>; 2] },
    /// A memory of block RAM or of look-up tables that are written.
    Memory { reads: Vec<Bit>, size: MemorySize },
}

/// A carry chain: `sums` are the exclusive ors in front of it.
#[derive(Clone, Debug)]
pub struct Adder {
    /// The operands, the second already inverted where it is subtracted.
    pub operands: [Vec<Bit>; 2],
    /// The exclusive or of both, position by position.
    pub sums: Vec<Bit>,
    /// The first output.
    pub first: usize,
}

/// A flip-flop.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// The next value; `None` until it is known.
    pub d: Option<Bit>,
    /// It keeps its value while this is 0.
    pub enable: Bit,
    /// Whether the reset of the circuit clears it.
    pub has_reset: bool,
    /// Its output.
    pub q: usize,
}

/// The size of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemorySize {
    /// The words.
    pub words: usize,
    /// The bits of a word that are not constant.
    pub width: usize,
    /// Whether it is block RAM.
    pub is_block: bool,
}

/// The nodes and cells of a circuit.
#[derive(Debug, Default)]
pub struct Netlist {
    /// Node 0 is the constant 0.
    pub nodes: Vec<Node>,
    /// For each node, what it is part of.
    pub kinds: Vec<Kind>,
    /// For each node, the layer that it belongs to.
    pub owners: Vec<u32>,
    /// The cells.
    pub cells: Vec<Cell>,
    /// For each cell, the layer that it belongs to.
    pub cell_owners: Vec<u32>,
    /// The layer and the kind of what is made next.
    pub owner: u32,
    /// The kind of the gates that are made next.
    pub kind: Option<Kind>,
    gates: HashMap<(u8, Bit, Bit, Bit), usize>,
    pub(super) adders: HashMap<[Vec<Bit>; 2], Vec<Bit>>,
    registers: HashMap<(Bit, Bit, bool), usize>,
}

impl Netlist {
    /// A netlist of the constant alone.
    pub fn new() -> Self {
        let mut netlist = Self::default();
        netlist.push(Node::Given);
        netlist
    }

    fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.kinds.push(self.kind.unwrap_or(Kind::Logic));
        self.owners.push(self.owner);
        self.nodes.len() - 1
    }

    /// An input of the circuit.
    pub fn input(&mut self) -> Bit {
        Bit::of(self.push(Node::Given))
    }

    pub(super) fn cell(&mut self, cell: Cell, outputs: usize) -> Vec<Bit> {
        let id = self.cells.len() as u32;
        self.cells.push(cell);
        self.cell_owners.push(self.owner);
        (0..outputs).map(|_| Bit::of(self.push(Node::Cell(id)))).collect()
    }

    fn gate(&mut self, key: (u8, Bit, Bit, Bit), node: Node) -> Bit {
        if let Some(known) = self.gates.get(&key) {
            return Bit::of(*known);
        }
        let made = self.push(node);
        self.gates.insert(key, made);
        Bit::of(made)
    }

    /// a and b.
    pub fn and(&mut self, a: Bit, b: Bit) -> Bit {
        self.and_gate(a, b, false)
    }

    fn and_gate(&mut self, a: Bit, b: Bit, is_choice: bool) -> Bit {
        if a == b || a == Bit::ONE {
            return b;
        }
        if a == b.not() || a == Bit::ZERO || b == Bit::ZERO {
            return Bit::ZERO;
        }
        if b == Bit::ONE {
            return a;
        }
        self.gate((0, a.min(b), a.max(b), Bit::ZERO), Node::And { a, b, is_choice })
    }

    /// a or b.
    pub fn or(&mut self, a: Bit, b: Bit) -> Bit {
        self.and(a.not(), b.not()).not()
    }

    /// One of a and b.
    pub fn xor(&mut self, a: Bit, b: Bit) -> Bit {
        let inverted = a.is_inverted() != b.is_inverted();
        let (a, b) = (a.not_if(a.is_inverted()), b.not_if(b.is_inverted()));
        let (a, b) = (a.min(b), a.max(b));
        let positive = if a == b {
            Bit::ZERO
        } else if a == Bit::ZERO {
            b
        } else {
            self.gate((1, a, b, Bit::ZERO), Node::Xor(a, b))
        };
        positive.not_if(inverted)
    }

    /// `then` where `condition`, else `otherwise`: a choice that a register may do.
    pub fn select(&mut self, condition: Bit, then: Bit, otherwise: Bit) -> Bit {
        self.choose(condition, then, otherwise, true)
    }

    fn choose(&mut self, condition: Bit, then: Bit, otherwise: Bit, is_choice: bool) -> Bit {
        if condition.is_inverted() {
            return self.choose(condition.not(), otherwise, then, is_choice);
        }
        if condition == Bit::ZERO || then == otherwise {
            return otherwise;
        }
        if then.is_constant() || then.node() == condition.node() {
            let is_one = then == Bit::ONE || then == condition;
            let kept = self.and_gate(condition.not(), otherwise.not_if(is_one), is_choice);
            return kept.not_if(is_one);
        }
        if otherwise.is_constant() || otherwise.node() == condition.node() {
            let is_one = otherwise == Bit::ONE || otherwise == condition.not();
            return self.and_gate(condition, then.not_if(is_one), is_choice).not_if(is_one);
        }
        if then == otherwise.not() {
            return self.xor(condition, otherwise);
        }
        let inverted = otherwise.is_inverted();
        let (then, otherwise) = (then.not_if(inverted), otherwise.not_if(inverted));
        let gate = Node::Mux(condition, then, otherwise);
        self.gate((2, condition, then, otherwise), gate).not_if(inverted)
    }

    /// All bits, as a balanced tree.
    pub fn all(&mut self, bits: &[Bit]) -> Bit {
        match bits {
            [] => Bit::ONE,
            [bit] => *bit,
            _ => {
                let (low, high) = bits.split_at(bits.len() / 2);
                let (low, high) = (self.all(low), self.all(high));
                self.and(low, high)
            }
        }
    }

    /// Any bit.
    pub fn any(&mut self, bits: &[Bit]) -> Bit {
        let inverted: Vec<Bit> = bits.iter().map(|bit| bit.not()).collect();
        self.all(&inverted).not()
    }

    /// The entry of a table at an address; `entries` are those of the addresses in order, and the
    /// last one is that of all further addresses.
    pub fn table(&mut self, address: &[Bit], entries: &[bool]) -> Bit {
        let Some((top, rest)) = address.split_last() else {
            return Bit::constant(entries[0]);
        };
        let half = 1 << rest.len();
        let (low, high) = entries.split_at(half.min(entries.len()));
        let high = if high.is_empty() { &low[low.len() - 1..] } else { high };
        if entries.iter().all(|entry| *entry == entries[0]) {
            return Bit::constant(entries[0]);
        }
        let (low, high) = (self.table(rest, low), self.table(rest, high));
        self.choose(*top, high, low, false)
    }

    /// The output of a memory of this size.
    pub fn memory(&mut self, reads: Vec<Bit>, size: MemorySize, outputs: usize) -> Vec<Bit> {
        self.cell(Cell::Memory { reads, size }, outputs)
    }

    /// A register with this next value: equal ones are one, and those that never change none.
    pub fn register(&mut self, d: Bit, enable: Bit, has_reset: bool) -> Bit {
        if d == Bit::ZERO || (d == Bit::ONE && !has_reset) {
            return d;
        }
        let key = (d, enable, has_reset);
        if let Some(known) = self.registers.get(&key) {
            return Bit::of(*known);
        }
        let q = self.open_register(has_reset);
        self.close_register(q, d, enable);
        self.registers.insert(key, q.node());
        q
    }

    /// A register whose next value is given later.
    pub fn open_register(&mut self, has_reset: bool) -> Bit {
        let register = Register { d: None, enable: Bit::ONE, has_reset, q: self.nodes.len() };
        self.cell(Cell::Register(register), 1)[0]
    }

    /// Gives an open register its next value.
    pub fn close_register(&mut self, q: Bit, d: Bit, enable: Bit) {
        if let Node::Cell(cell) = self.nodes[q.node()]
            && let Cell::Register(register) = &mut self.cells[cell as usize]
        {
            (register.d, register.enable) = (Some(d), enable);
        }
    }

    /// Gives a memory what it reads.
    pub fn close_memory(&mut self, cell: usize, bits: Vec<Bit>) {
        if let Cell::Memory { reads, .. } = &mut self.cells[cell] {
            *reads = bits;
        }
    }
}
