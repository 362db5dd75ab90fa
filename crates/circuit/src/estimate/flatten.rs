//! A design without its hierarchy: the modules' signals as bits.
//!
//! Signals are worked out in the order in which they depend on each other, through instances and
//! registers; where a register depends on itself, as a counter does, its output is taken for an
//! unknown first and what it is next is looked at last.

use std::collections::HashMap;

use rtl4ml_hdl::{
    BusId, Design, Direction, Expr, Item, MemoryStyle, Module, ModuleId, Operand, PortBinding, Rom,
    SignalId, Type,
};

use super::bits::{Bit, Kind, MemorySize, Netlist};
use super::drivers::{Driver, connected, drivers, lanes};
use super::expression::bit_of;

/// A module in its place.
pub(super) struct Place<'a> {
    module: &'a Module,
    id: ModuleId,
    /// The first of its signals among all.
    pub(super) base: usize,
    /// The place around it and the number of the instance there.
    outer: Option<(usize, usize)>,
    /// The places of its instances.
    inner: Vec<usize>,
    owner: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unknown,
    UnderWay,
    Known,
}

/// The bits of a design while they are worked out.
pub struct Flattening<'a> {
    design: &'a Design,
    drivers: HashMap<ModuleId, Vec<Driver>>,
    pub(super) places: Vec<Place<'a>>,
    place_of: Vec<u32>,
    state: Vec<State>,
    pub(super) bits: Vec<Vec<Bit>>,
    /// Registers whose next value is not known yet.
    open: Vec<usize>,
    /// The cells of RAMs and their outputs, by place and number.
    rams: HashMap<(usize, u32), (usize, Vec<Bit>)>,
    /// The outputs of ROMs in block RAM that vary.
    roms: HashMap<(usize, u32), Vec<Bit>>,
    pub(super) netlist: Netlist,
}

/// The netlist of a design, and the bits of its outputs. `owners` gives each instance of the top
/// the layer that it belongs to, `glue` is that of all others and of the top itself.
pub fn flatten(design: &Design, owners: &[u32], glue: u32) -> (Netlist, Vec<Bit>) {
    let mut flattening = Flattening {
        design,
        drivers: HashMap::new(),
        places: Vec::new(),
        place_of: Vec::new(),
        state: Vec::new(),
        bits: Vec::new(),
        open: Vec::new(),
        rams: HashMap::new(),
        roms: HashMap::new(),
        netlist: Netlist::new(),
    };
    let top = ModuleId(design.modules.len() as u32 - 1);
    flattening.place(top, None, glue, Some(owners));
    flattening.state = vec![State::Unknown; flattening.place_of.len()];
    flattening.bits = vec![Vec::new(); flattening.place_of.len()];
    let mut outputs = Vec::new();
    for port in design.top().ports.iter().filter(|port| port.direction == Direction::Output) {
        let signals = match port.binding {
            PortBinding::Signal(signal) => vec![signal],
            PortBinding::Bus(bus) => design.top().lanes(bus).collect(),
        };
        outputs.extend(signals.into_iter().map(|signal| signal.0 as usize));
    }
    for output in &outputs {
        flattening.resolve(*output);
    }
    flattening.close();
    let outputs = outputs.iter().flat_map(|output| flattening.bits[*output].clone()).collect();
    (flattening.netlist, outputs)
}

impl<'a> Flattening<'a> {
    /// Puts a module and all below it in their places.
    fn place(
        &mut self,
        id: ModuleId,
        outer: Option<(usize, usize)>,
        owner: u32,
        owners: Option<&[u32]>,
    ) -> usize {
        let design: &'a Design = self.design;
        let module = design.module(id);
        self.drivers.entry(id).or_insert_with(|| drivers(design, module));
        let (place, base) = (self.places.len(), self.place_of.len());
        self.place_of.resize(base + module.signals.len(), place as u32);
        self.places.push(Place { module, id, base, outer, inner: Vec::new(), owner });
        for (number, instance) in module.instances.iter().enumerate() {
            let owner = owners.map_or(owner, |owners| owners[number]);
            let inner = self.place(instance.module, Some((place, number)), owner, None);
            self.places[place].inner.push(inner);
        }
        place
    }

    fn driver(&self, signal: usize) -> (usize, Driver) {
        let place = self.place_of[signal] as usize;
        let Place { id, base, .. } = self.places[place];
        (place, self.drivers[&id][signal - base])
    }

    pub(super) fn ty(&self, signal: usize) -> Type {
        let place = &self.places[self.place_of[signal] as usize];
        place.module.ty(SignalId((signal - place.base) as u32))
    }

    /// The signals that a signal is made of.
    fn sources(&self, signal: usize) -> Vec<usize> {
        let (index, driver) = self.driver(signal);
        let place = &self.places[index];
        let here = |id: SignalId| place.base + id.0 as usize;
        let of = |operands: &[Operand]| {
            let signal = |operand: &Operand| match operand {
                Operand::Signal(id) => Some(here(*id)),
                Operand::Constant(_) => None,
            };
            operands.iter().filter_map(signal).collect()
        };
        match driver {
            Driver::None | Driver::Ram(..) => Vec::new(),
            Driver::Input(port, lane) => match place.outer {
                None => Vec::new(),
                Some((outer, number)) => {
                    let outer = &self.places[outer];
                    let connection = outer.module.instances[number].connections[port as usize];
                    let signal = connected(outer.module, connection).nth(lane as usize);
                    signal.map(|id| outer.base + id.0 as usize).into_iter().collect()
                }
            },
            Driver::Statement(item) => match &place.module.items[item as usize] {
                Item::Statement(statement) => match &statement.expr {
                    Expr::Add { a, b, .. } | Expr::Sub { a, b, .. } | Expr::Mul { a, b, .. } => {
                        of(&[*a, *b])
                    }
                    Expr::Select { condition, then, otherwise } => {
                        of(&[condition.signal.into(), *then, *otherwise])
                    }
                    Expr::ShiftLeft { a, .. }
                    | Expr::ShiftRight { a, .. }
                    | Expr::Fits { a, .. }
                    | Expr::AnyBit { a, .. }
                    | Expr::Equal { a, .. }
                    | Expr::Not { a } => vec![here(*a)],
                    Expr::And { a, b } | Expr::Or { a, b } => vec![here(*a), here(*b)],
                    Expr::Compress(sum) => sum.signals().map(here).collect(),
                },
                Item::Comment(_) => Vec::new(),
            },
            Driver::Lane(value) => of(&[value]),
            Driver::Register(d, enable, _) => {
                let mut sources: Vec<usize> = of(&[d]);
                sources.extend(enable.map(here));
                sources
            }
            Driver::Rom(rom, _) => vec![here(place.module.roms[rom as usize].address)],
            Driver::Instance(number, port, lane) => {
                let inner = &self.places[place.inner[number as usize]];
                let signal = lanes(inner.module, inner.module.ports[port as usize].binding)
                    .nth(lane as usize);
                signal.map(|id| inner.base + id.0 as usize).into_iter().collect()
            }
        }
    }

    /// Works out a signal and all that it is made of.
    fn resolve(&mut self, signal: usize) {
        let mut stack = vec![signal];
        while let Some(&signal) = stack.last() {
            if self.state[signal] == State::Known {
                stack.pop();
                continue;
            }
            self.state[signal] = State::UnderWay;
            let sources = self.sources(signal);
            let missing = sources.iter().find(|source| self.state[**source] != State::Known);
            match missing {
                None => {
                    self.bits[signal] = self.evaluate(signal);
                    self.state[signal] = State::Known;
                    stack.pop();
                }
                Some(source) if self.state[*source] == State::Unknown => stack.push(*source),
                Some(_) => {
                    // A cycle: the register of it that is nearest is left open.
                    while let Some(signal) = stack.pop() {
                        if let (_, Driver::Register(_, _, has_reset)) = self.driver(signal) {
                            self.open_register(signal, has_reset);
                            break;
                        }
                        self.state[signal] = State::Unknown;
                    }
                }
            }
        }
    }

    fn open_register(&mut self, signal: usize, has_reset: bool) {
        self.netlist.owner = self.places[self.place_of[signal] as usize].owner;
        let width = self.ty(signal).width;
        self.bits[signal] = (0..width).map(|_| self.netlist.open_register(has_reset)).collect();
        self.state[signal] = State::Known;
        self.open.push(signal);
    }

    /// Gives open registers and RAMs what they read, until there are no more.
    fn close(&mut self) {
        let mut rams_done = 0;
        let mut rams: Vec<((usize, u32), usize)> = Vec::new();
        loop {
            while let Some(signal) = self.open.pop() {
                self.sources(signal).into_iter().for_each(|source| self.resolve(source));
                let (place, driver) = self.driver(signal);
                if let Driver::Register(d, enable, _) = driver {
                    let ty = self.ty(signal);
                    let d = self.operand(place, d, 0, ty.width);
                    let enable = self.enable(place, enable);
                    for (q, d) in self.bits[signal].clone().into_iter().zip(d) {
                        self.netlist.close_register(q, d, enable);
                    }
                }
            }
            let known: Vec<_> = self.rams.iter().map(|(key, (cell, _))| (*key, *cell)).collect();
            rams.extend(known.into_iter().filter(|(_, cell)| *cell >= rams_done));
            rams.sort_by_key(|(_, cell)| *cell);
            let Some((_, last)) = rams.last() else { return };
            rams_done = last + 1;
            for ((place, index), cell) in std::mem::take(&mut rams) {
                let Place { module, base, .. } = self.places[place];
                let ram = module.rams[index as usize];
                let mut signals = vec![ram.write, ram.write_address, ram.read_address];
                signals.extend(module.lanes(ram.d));
                let mut reads = Vec::new();
                for signal in signals {
                    let signal = base + signal.0 as usize;
                    self.resolve(signal);
                    reads.extend(self.bits[signal].iter().copied());
                }
                self.netlist.close_memory(cell, reads);
            }
        }
    }

    fn enable(&self, place: usize, enable: Option<SignalId>) -> Bit {
        enable.map_or(Bit::ONE, |id| self.bits[self.places[place].base + id.0 as usize][0])
    }

    /// operand * 2^shift in so many bits.
    pub(super) fn operand(
        &self,
        place: usize,
        operand: Operand,
        shift: u32,
        width: u32,
    ) -> Vec<Bit> {
        let bit = |index: u32| -> Bit {
            let Some(index) = index.checked_sub(shift) else { return Bit::ZERO };
            match operand {
                Operand::Constant(value) => Bit::constant((value >> index.min(63)) & 1 == 1),
                Operand::Signal(id) => {
                    let signal = self.places[place].base + id.0 as usize;
                    bit_of(&self.bits[signal], self.ty(signal).signed, index)
                }
            }
        };
        (0..width).map(bit).collect()
    }

    /// The bits of a signal whose sources are known.
    fn evaluate(&mut self, signal: usize) -> Vec<Bit> {
        let (place, driver) = self.driver(signal);
        let width = self.ty(signal).width;
        let Place { module, base, owner, .. } = self.places[place];
        self.netlist.owner = owner;
        self.netlist.kind = None;
        match driver {
            Driver::None => vec![Bit::ZERO; width as usize],
            Driver::Input(..) | Driver::Instance(..) => match self.sources(signal).first() {
                Some(source) => self.bits[*source].clone(),
                None => (0..width).map(|_| self.netlist.input()).collect(),
            },
            Driver::Lane(value) => self.operand(place, value, 0, width),
            Driver::Register(d, enable, has_reset) => {
                let d = self.operand(place, d, 0, width);
                let enable = self.enable(place, enable);
                d.into_iter().map(|d| self.netlist.register(d, enable, has_reset)).collect()
            }
            Driver::Rom(index, lane) => {
                let rom = &module.roms[index as usize];
                let before = lanes_before(module, rom.q, lane);
                let address = self.bits[base + rom.address.0 as usize].clone();
                if rom.style == MemoryStyle::Distributed {
                    return self.table(rom, &address, lane as usize, width);
                }
                let widths: Vec<u32> =
                    module.lanes(rom.q).map(|lane| module.ty(lane).width).collect();
                let netlist = &mut self.netlist;
                let outputs = self
                    .roms
                    .entry((place, index))
                    .or_insert_with(|| block_rom(netlist, rom, &widths, address));
                outputs[before..][..width as usize].to_vec()
            }
            Driver::Ram(index, lane) => {
                let ram = &module.rams[index as usize];
                let size = MemorySize {
                    words: ram.words,
                    width: module.bus_width(ram.q) as usize,
                    is_block: ram.style == MemoryStyle::Block,
                };
                let before = lanes_before(module, ram.q, lane);
                let netlist = &mut self.netlist;
                let (_, outputs) = self.rams.entry((place, index)).or_insert_with(|| {
                    let cell = netlist.cells.len();
                    (cell, netlist.memory(Vec::new(), size, size.width))
                });
                let bits = outputs[before..][..width as usize].to_vec();
                if size.is_block {
                    return bits;
                }
                // The output register is not part of look-up tables that are written.
                bits.into_iter().map(|bit| self.netlist.register(bit, Bit::ONE, false)).collect()
            }
            Driver::Statement(item) => match &module.items[item as usize] {
                Item::Statement(statement) => self.expression(place, &statement.expr, width),
                Item::Comment(_) => Vec::new(),
            },
        }
    }

    /// A lane of a ROM of look-up tables, with its output register.
    fn table(&mut self, rom: &Rom, address: &[Bit], lane: usize, width: u32) -> Vec<Bit> {
        self.netlist.kind = Some(Kind::Table);
        let read = (0..width)
            .map(|bit| {
                let value = self.netlist.table(address, &entries(rom, lane, bit));
                self.netlist.register(value, Bit::ONE, false)
            })
            .collect();
        self.netlist.kind = None;
        read
    }
}

/// A bit of a lane of all words of a ROM.
fn entries(rom: &Rom, lane: usize, bit: u32) -> Vec<bool> {
    rom.words.iter().map(|word| (word[lane] >> bit) & 1 == 1).collect()
}

/// All output bits of a ROM in block RAM, which does not hold those that are always the same.
fn block_rom(netlist: &mut Netlist, rom: &Rom, widths: &[u32], address: Vec<Bit>) -> Vec<Bit> {
    let lanes = widths.iter().enumerate();
    let bits: Vec<Vec<bool>> = lanes
        .flat_map(|(lane, width)| (0..*width).map(move |bit| entries(rom, lane, bit)))
        .collect();
    let varies = |entries: &[bool]| entries.iter().any(|entry| *entry != entries[0]);
    let width = bits.iter().filter(|entries| varies(entries)).count();
    let size = MemorySize { words: rom.words.len(), width, is_block: true };
    let mut outputs = netlist.memory(address, size, width).into_iter();
    let mut bit = |entries: &Vec<bool>| {
        let output = if varies(entries) { outputs.next() } else { None };
        output.unwrap_or(Bit::constant(entries[0]))
    };
    bits.iter().map(&mut bit).collect()
}

/// The bits of a bus below one of its lanes.
fn lanes_before(module: &Module, bus: BusId, lane: u32) -> usize {
    module.lanes(bus).take(lane as usize).map(|lane| module.ty(lane).width as usize).sum()
}
