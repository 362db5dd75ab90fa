//! The cycle engine: a circuit's design as straight-line programs on the processor's vectors.
//!
//! Guarantees that every register, memory and port has in every cycle the value that it has in the
//! RTL. The design is flattened ([`flatten`]), the range of every net derived ([`ranges`]), and
//! both the combinational part and the clock edge become programs without a branch
//! ([`compile`]) that a machine runs for many streams at once ([`machine`]).

mod compile;
mod flatten;
mod machine;
mod program;
mod ranges;
mod registers;
mod wave_file;
mod waves;

use std::sync::Arc;

use rtl4ml_circuit::{Circuit, Interface};

use self::compile::{Compiled, Source, compile};
use self::flatten::{Flat, FlatRam, FlatRom, flatten};
pub use self::machine::Line;
use self::machine::{Place, Slot, Values};
pub use self::wave_file::WaveFile;
pub use self::waves::Shown;
use self::waves::Waves;
use crate::EngineError;
use crate::engine::{Engine, Pins, Sampled, StreamPins, StreamSampled};
use crate::wiring::{Lanes, Wiring};

/// A circuit that is ready to be simulated, by any number of simulations.
#[derive(Clone)]
pub struct CycleProgram {
    shared: Arc<Shared>,
}

struct Shared {
    wiring: Wiring,
    flat: Flat,
    compiled: Compiled,
}

/// `L` streams through a circuit side by side, cycle by cycle. `A` is the alignment of their values:
/// [`Line`] where they are many.
pub struct CycleStreams<const L: usize, A = Line> {
    program: CycleProgram,
    values: Values<A, L>,
    /// The words of each RAM: stream by stream, word by word.
    memories: Vec<Vec<i64>>,
    /// What the memories read at an edge.
    read: Vec<[i64; L]>,
}

/// The cycle engine for one stream, with its waves where they are asked for.
pub struct Cycle {
    streams: CycleStreams<1, ()>,
    waves: Option<Waves>,
}

impl CycleProgram {
    /// Compiles a circuit.
    ///
    /// # Errors
    /// When the design is not well-formed.
    pub fn new(circuit: &Circuit) -> Result<Self, EngineError> {
        circuit.design.check()?;
        let wiring = Wiring::new(circuit)?;
        let flat = flatten(&circuit.design)?;
        let compiled = compile(&flat);
        Ok(Self { shared: Arc::new(Shared { wiring, flat, compiled }) })
    }

    /// Streams whose registers and memories are all 0.
    pub fn start<const L: usize, A: Copy>(&self) -> CycleStreams<L, A> {
        let Shared { flat, compiled, .. } = &*self.shared;
        let [narrow, middle, wide] = compiled.places.map(|count| count as usize);
        let mut values = Values {
            narrow: vec![Slot::zero(0); narrow],
            middle: vec![Slot::zero(0); middle],
            wide: vec![Slot::zero(0); wide],
        };
        for (place, value) in &compiled.constants {
            (0..L).for_each(|lane| values.set(*place, lane, *value));
        }
        let words = |ram: &FlatRam| vec![0; ram.words * ram.q.len() * L];
        let memories = flat.rams.iter().map(words).collect();
        let fields = flat.roms.iter().map(|rom| rom.q.len()).sum::<usize>()
            + flat.rams.iter().map(|ram| ram.q.len()).sum::<usize>();
        let read = vec![[0; L]; fields];
        CycleStreams { program: self.clone(), values, memories, read }
    }

    /// The ports and their timing.
    pub fn interface(&self) -> &Interface {
        &self.shared.wiring.interface
    }

    /// How many instructions a cycle takes.
    pub fn instructions(&self) -> usize {
        let Compiled { settle, edge, .. } = &self.shared.compiled;
        let count = |program: &machine::Program| {
            program.narrow.len()
                + program.middle.len()
                + program.wide.len()
                + program.converts.len()
        };
        count(settle) + count(edge)
    }
}

impl<const L: usize, A: Copy> CycleStreams<L, A> {
    fn value(&self, net: u32, lane: usize) -> i64 {
        match self.program.shared.compiled.nets[net as usize] {
            Source::Constant(value) => value,
            Source::Place(place) => self.values.get(place, lane),
        }
    }

    fn place(&self, net: u32) -> Option<Place> {
        match self.program.shared.compiled.nets[net as usize] {
            Source::Constant(_) => None,
            Source::Place(place) => Some(place),
        }
    }

    fn set_port(&mut self, port: usize, lane: usize, values: Lanes) {
        let Shared { flat, compiled, .. } = &*self.program.shared;
        for (net, value) in flat.ports[port].1.iter().zip(values) {
            if let Source::Place(place) = compiled.nets[*net as usize] {
                self.values.set(place, lane, value);
            }
        }
    }

    fn port(&self, port: usize, index: usize, lane: usize) -> i64 {
        self.value(self.program.shared.flat.ports[port].1[index], lane)
    }

    /// Drives the pins of a stream.
    ///
    /// # Errors
    /// When the circuit has streams of transfers, or an input does not fit its port.
    pub fn drive(&mut self, lane: usize, pins: &Pins) -> Result<(), EngineError> {
        let shared = Arc::clone(&self.program.shared);
        shared.wiring.drive(pins, |port, values| self.set_port(port, lane, values))
    }

    /// Lets the combinational part of all streams follow the pins.
    pub fn settle(&mut self) {
        self.values.run(&self.program.shared.compiled.settle);
    }

    /// What a stream shows after [`CycleStreams::settle`].
    pub fn sample(&self, lane: usize) -> Sampled {
        self.program.shared.wiring.sample(|port, index| self.port(port, index, lane))
    }

    /// Lets a clock edge pass in all streams.
    pub fn edge(&mut self) {
        let shared = Arc::clone(&self.program.shared);
        let mut field = 0;
        for rom in &shared.flat.roms {
            self.read_rom(rom, field);
            field += rom.q.len();
        }
        for (index, ram) in shared.flat.rams.iter().enumerate() {
            self.access_ram(index, ram, field);
            field += ram.q.len();
        }
        self.values.run(&shared.compiled.edge);
        let outputs = shared.flat.roms.iter().flat_map(|rom| &rom.q);
        let outputs = outputs.chain(shared.flat.rams.iter().flat_map(|ram| &ram.q));
        for (field, net) in outputs.enumerate() {
            if let Some(place) = self.place(*net) {
                for lane in 0..L {
                    self.values.set(place, lane, self.read[field][lane]);
                }
            }
        }
    }

    fn address(&self, net: u32, lane: usize, words: usize) -> usize {
        (self.value(net, lane) as u64 as usize).min(words - 1)
    }

    fn read_rom(&mut self, rom: &FlatRom, first: usize) {
        for lane in 0..L {
            let word = &rom.words[self.address(rom.address, lane, rom.words.len())];
            for (read, value) in self.read[first..].iter_mut().zip(word) {
                read[lane] = *value;
            }
        }
    }

    fn access_ram(&mut self, index: usize, ram: &FlatRam, first: usize) {
        let fields = ram.q.len();
        for lane in 0..L {
            let place = |word: usize| (lane * ram.words + word) * fields;
            let from = place(self.address(ram.read_address, lane, ram.words));
            for (field, read) in self.read[first..first + fields].iter_mut().enumerate() {
                read[lane] = self.memories[index][from + field];
            }
            if self.value(ram.write, lane) != 0 {
                let to = place(self.address(ram.write_address, lane, ram.words));
                for (field, net) in ram.d.iter().enumerate() {
                    self.memories[index][to + field] = self.value(*net, lane);
                }
            }
        }
    }
}

impl Cycle {
    /// A simulation whose registers and memories are all 0.
    pub fn new(program: &CycleProgram) -> Self {
        Self { streams: program.start(), waves: None }
    }

    /// Writes waves from now on; `period_ps` is the clock period.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn trace(
        &mut self,
        file: WaveFile,
        period_ps: u64,
        shown: &Shown,
    ) -> Result<(), EngineError> {
        let flat = &self.streams.program.shared.flat;
        self.waves = Some(Waves::begin(file, flat, period_ps, shown)?);
        Ok(())
    }

    /// Ends the waves.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish_trace(&mut self) -> Result<(), EngineError> {
        self.record(false)?;
        Ok(self.waves.take().map_or(Ok(()), Waves::finish)?)
    }

    /// What follows from the pins.
    fn settle(&mut self) -> Result<(), EngineError> {
        self.streams.settle();
        self.record(false)
    }

    /// The clock edge. Waves show what follows from it at once; nothing else can see that.
    fn edge(&mut self) -> Result<(), EngineError> {
        self.streams.edge();
        if self.waves.is_some() {
            self.streams.settle();
        }
        self.record(true)
    }

    fn record(&mut self, clock: bool) -> Result<(), EngineError> {
        let streams = &self.streams;
        let record = |waves: &mut Waves| waves.record(clock, |net| streams.value(net, 0));
        Ok(self.waves.as_mut().map_or(Ok(()), record)?)
    }
}

impl Engine for Cycle {
    fn interface(&self) -> &Interface {
        self.streams.program.interface()
    }

    fn cycle(&mut self, pins: &Pins) -> Result<Sampled, EngineError> {
        self.streams.drive(0, pins)?;
        self.settle()?;
        let sampled = self.streams.sample(0);
        self.edge()?;
        Ok(sampled)
    }

    fn stream_cycle(&mut self, pins: &StreamPins) -> Result<StreamSampled, EngineError> {
        let shared = Arc::clone(&self.streams.program.shared);
        let streams = &mut self.streams;
        shared.wiring.drive_streams(pins, |port, values| streams.set_port(port, 0, values))?;
        self.settle()?;
        let lane = |port: usize, index: usize| self.streams.port(port, index, 0);
        let sampled = shared.wiring.sample_streams(lane);
        self.edge()?;
        Ok(sampled)
    }
}
