//! What a netlist of bits takes: registers, shift registers, DSP blocks, memories, tables.

use super::bits::{Adder, Bit, Cell, MemorySize, Netlist, Node, Register};
use super::cover::cover;

/// What can be counted of a layer without synthesis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Look-up tables in front of carry chains.
    pub chain_luts: u64,
    /// Look-up tables of other gates.
    pub logic_luts: u64,
    /// Look-up tables of tables and of weights.
    pub table_luts: u64,
    /// Flip-flops.
    pub flip_flops: u64,
    /// Look-up tables that are shift registers.
    pub shift_registers: u64,
    /// DSP blocks.
    pub dsps: u64,
    /// Block RAMs, in halves of 36 kilobit.
    pub half_block_rams: u64,
    /// Look-up tables that are memories.
    pub memory_luts: u64,
}

impl Counts {
    /// Adds another layer's.
    pub fn add(&mut self, other: &Self) {
        self.chain_luts += other.chain_luts;
        self.logic_luts += other.logic_luts;
        self.table_luts += other.table_luts;
        self.flip_flops += other.flip_flops;
        self.shift_registers += other.shift_registers;
        self.dsps += other.dsps;
        self.half_block_rams += other.half_block_rams;
        self.memory_luts += other.memory_luts;
    }
}

/// A chain of at least so many registers becomes a shift register in look-up tables.
const SHORTEST_SHIFT: u64 = 3;

/// The most registers that one look-up table holds.
const LONGEST_SHIFT: u64 = 32;

/// A register as synthesis builds it: choices with constants are its set or reset.
#[derive(Clone, Copy)]
struct Built {
    d: Bit,
    control: Option<Bit>,
    enable: Bit,
    is_plain: bool,
}

/// The register of a next value.
fn built(netlist: &Netlist, register: &Register) -> Built {
    let d = register.d.unwrap_or(Bit::ZERO);
    let enable = register.enable;
    let plain = Built { d, control: None, enable, is_plain: !register.has_reset };
    if register.has_reset {
        return plain;
    }
    match netlist.nodes[d.node()] {
        Node::And { a, b, is_choice: true } => {
            let value = if d.is_inverted() { b.not() } else { b };
            Built { d: value, control: Some(a.not()), enable, is_plain: false }
        }
        // It keeps its own value: that is what an enable is for.
        Node::Mux(condition, then, otherwise) if register.enable == Bit::ONE => {
            let own = |bit: Bit| bit.node() == register.q && bit.is_inverted() == d.is_inverted();
            let with = |enable: Bit, value: Bit| {
                let d = if d.is_inverted() { value.not() } else { value };
                Built { d, control: None, enable, is_plain: true }
            };
            if own(otherwise) {
                with(condition, then)
            } else if own(then) {
                with(condition.not(), otherwise)
            } else {
                plain
            }
        }
        _ => plain,
    }
}

/// What each layer takes.
pub fn count(netlist: &Netlist, outputs: &[Bit], layers: usize) -> Vec<Counts> {
    let needs = Needs::of(netlist, outputs);
    let mut counts = vec![Counts::default(); layers];
    for (id, cell) in netlist.cells.iter().enumerate().filter(|(id, _)| needs.cells[*id] > 0) {
        let layer = &mut counts[netlist.cell_owners[id] as usize];
        match cell {
            Cell::Adder(_) => {}
            Cell::Register(_) => layer.flip_flops += 1,
            Cell::Product { factors } => {
                let widths = [0, 1].map(|side| factors[side].len() as u32);
                layer.dsps += u64::from(crate::delay::dsp_blocks(widths[0], widths[1]));
            }
            Cell::Memory { size, .. } => {
                let (halves, luts) = memory(*size);
                layer.half_block_rams += halves;
                layer.memory_luts += luts;
            }
        }
    }
    let roots = needs.roots(outputs);
    let readers = readers(netlist, &roots);
    needs.shifts(&readers, &mut counts);
    for (layer, luts) in counts.iter_mut().zip(cover(netlist, &roots, &readers, layers)) {
        [layer.chain_luts, layer.logic_luts, layer.table_luts] = luts;
    }
    counts
}

/// How often each node is read; what is not needed is not read.
fn readers(netlist: &Netlist, roots: &[Bit]) -> Vec<u32> {
    let mut readers = vec![0; netlist.nodes.len()];
    for root in roots {
        readers[root.node()] += 1;
    }
    for (id, node) in netlist.nodes.iter().enumerate().rev() {
        if readers[id] > 0 {
            node.reads().for_each(|bit| readers[bit.node()] += 1);
        }
    }
    readers
}

/// Half block RAMs and look-up tables of a memory.
///
/// A half is 512 words of 36 bits, or half as wide and twice as deep, and so on; look-up tables
/// come in eights that hold 32 words of 14 bits or 64 of 7.
fn memory(size: MemorySize) -> (u64, u64) {
    let (words, width) = (size.words as u64, size.width as u64);
    if size.is_block {
        let bits = match words {
            0..=512 => 36,
            513..=1024 => 18,
            1025..=2048 => 9,
            2049..=4096 => 4,
            4097..=8192 => 2,
            _ => 1,
        };
        return (width.div_ceil(bits) * words.div_ceil(16_384), 0);
    }
    let bits = if words <= 32 { 14 } else { 7 };
    (0, 8 * width.div_ceil(bits) * words.div_ceil(64))
}

/// What is needed of a netlist.
struct Needs<'a> {
    netlist: &'a Netlist,
    registers: Vec<Option<Built>>,
    /// Of each adder, how many of its bits; of other cells 1 if they are needed.
    cells: Vec<usize>,
}

impl<'a> Needs<'a> {
    fn of(netlist: &'a Netlist, outputs: &[Bit]) -> Self {
        let count = netlist.cells.len();
        let mut needs = Self { netlist, registers: vec![None; count], cells: vec![0; count] };
        let mut seen = vec![false; netlist.nodes.len()];
        let mut stack: Vec<usize> = outputs.iter().map(|bit| bit.node()).collect();
        while let Some(node) = stack.pop() {
            if !std::mem::replace(&mut seen[node], true) {
                stack.extend(netlist.nodes[node].reads().map(Bit::node));
                if let Node::Cell(cell) = netlist.nodes[node] {
                    let roots = needs.need(cell as usize, node);
                    stack.extend(roots.into_iter().map(Bit::node));
                }
            }
        }
        needs
    }

    /// Notes that an output of a cell is needed; returns what the cell reads for it.
    fn need(&mut self, id: usize, output: usize) -> Vec<Bit> {
        let netlist: &'a Netlist = self.netlist;
        let before = self.cells[id];
        self.cells[id] = before.max(1);
        match &netlist.cells[id] {
            Cell::Adder(adder) => {
                // All positions below one that is read carry into it.
                let depth = before.max(output - adder.first + 1);
                self.cells[id] = depth;
                let bits = adder.operands.iter().chain([&adder.sums]);
                bits.flat_map(|bits| &bits[before..depth]).copied().collect()
            }
            Cell::Register(register) => {
                self.registers[id] = Some(built(netlist, register));
                self.reads(id)
            }
            Cell::Product { .. } | Cell::Memory { .. } if before > 0 => Vec::new(),
            Cell::Product { .. } | Cell::Memory { .. } => self.reads(id),
        }
    }

    /// What a cell reads, as far as it is needed.
    fn reads(&self, id: usize) -> Vec<Bit> {
        let depth = self.cells[id];
        match &self.netlist.cells[id] {
            Cell::Adder(Adder { operands: [a, _], sums, .. }) => {
                // A carry chain takes one operand and the sum bits; the other is only in these.
                a[..depth].iter().chain(&sums[..depth]).copied().collect()
            }
            Cell::Register(_) => match self.registers[id] {
                Some(built) => [built.d, built.enable].into_iter().chain(built.control).collect(),
                None => Vec::new(),
            },
            Cell::Product { factors } => factors.iter().flatten().copied().collect(),
            Cell::Memory { reads, .. } => reads.clone(),
        }
    }

    /// What must be there as a signal: the outputs, and what needed cells read.
    fn roots(&self, outputs: &[Bit]) -> Vec<Bit> {
        let needed = (0..self.netlist.cells.len()).filter(|id| self.cells[*id] > 0);
        outputs.iter().copied().chain(needed.flat_map(|id| self.reads(id))).collect()
    }

    /// The register that a bit is the output of, if nobody else reads it.
    fn only_register(&self, readers: &[u32], bit: Bit) -> Option<usize> {
        let Node::Cell(cell) = self.netlist.nodes[bit.node()] else { return None };
        let is_register = matches!(self.netlist.cells[cell as usize], Cell::Register(_));
        (is_register && !bit.is_inverted() && readers[bit.node()] == 1).then_some(cell as usize)
    }

    /// Makes shift registers of chains of plain registers.
    fn shifts(&self, readers: &[u32], counts: &mut [Counts]) {
        let plain = |id: usize| self.registers[id].filter(|built| built.is_plain);
        // The register in front of each in its chain.
        let front = |id: usize| {
            let built = plain(id)?;
            let front = self.only_register(readers, built.d)?;
            plain(front).is_some_and(|other| other.enable == built.enable).then_some(front)
        };
        let fronts: Vec<Option<usize>> = (0..self.netlist.cells.len()).map(front).collect();
        let mut is_last = vec![true; fronts.len()];
        fronts.iter().flatten().for_each(|front| is_last[*front] = false);
        for last in (0..fronts.len()).filter(|id| is_last[*id] && fronts[*id].is_some()) {
            let chain = std::iter::successors(Some(last), |id| fronts[*id]);
            let length = chain.count() as u64;
            if length >= SHORTEST_SHIFT {
                let layer = &mut counts[self.netlist.cell_owners[last] as usize];
                // The bits of a chain are one layer's, nearly always.
                layer.flip_flops = layer.flip_flops.saturating_sub(length);
                layer.shift_registers += length.div_ceil(LONGEST_SHIFT);
            }
        }
    }
}
