//! The circuit on Rust-HDL's own simulation kernel.

use std::io::Write;
use std::sync::Arc;

use rtl4ml_circuit::{Circuit, Interface, Port};
use rtl4ml_hdl::{DesignError, Module, ModuleBlock, PortBinding, Type};
use rtl4ml_ir::Io;
use rust_hdl::core::simulate::simulate;
use rust_hdl::core::vcd_probe::{VCDProbe, write_vcd_change, write_vcd_dump, write_vcd_header};

use crate::engine::{Engine, Pins, Sampled, StreamPins, StreamSampled};
use crate::reference::Mantissas;

/// How many deltas a clock phase may take: far more than modules can stand in a row.
const MOST_DELTAS: usize = 100_000;

/// Why a simulation failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The design is not well-formed.
    #[error(transparent)]
    Design(#[from] DesignError),
    /// The circuit oscillates.
    #[error("the circuit does not settle within {MOST_DELTAS} deltas")]
    Unstable,
    /// An input does not fit its port.
    #[error("input `{port}`: {found} elements were given, the port has {expected}")]
    InputShape {
        /// The port.
        port: String,
        /// How many elements were given.
        found: usize,
        /// How many there are.
        expected: usize,
    },
    /// The circuit was driven by the wrong protocol.
    #[error("the circuit has `io: {}`", io.word())]
    Io {
        /// What it has.
        io: Io,
    },
    /// No output came.
    #[error("no output within {cycles} cycles")]
    NoOutput {
        /// How long was waited.
        cycles: u64,
    },
    /// The wave file could not be written.
    #[error("cannot write the VCD: {0}")]
    Vcd(#[from] std::io::Error),
}

/// A port of the top block: where it is, and the types of its lanes.
struct BlockPort {
    index: usize,
    lanes: Vec<Type>,
}

/// The flags of a port with a handshake of its own.
struct Pair {
    valid: BlockPort,
    ready: BlockPort,
}

/// The flags beside the data.
enum Handshake {
    /// Those of all ports together.
    Common { in_valid: BlockPort, in_ready: BlockPort, out_valid: BlockPort },
    /// Those of each port.
    Streams { inputs: Vec<Pair>, outputs: Vec<Pair> },
}

/// The circuit as a Rust-HDL block, driven cycle by cycle.
pub struct RustHdl {
    interface: Interface,
    block: ModuleBlock,
    rst: BlockPort,
    handshake: Handshake,
    inputs: Vec<Option<BlockPort>>,
    outputs: Vec<Option<BlockPort>>,
    period_ps: u64,
    time_ps: u64,
    vcd: Option<VCDProbe<Box<dyn Write>>>,
}

impl RustHdl {
    /// Elaborates a circuit.
    ///
    /// # Errors
    /// When the design is not well-formed.
    pub fn new(circuit: &Circuit) -> Result<Self, EngineError> {
        let block = ModuleBlock::new(&Arc::new(circuit.design.clone()))?;
        let interface = circuit.interface.clone();
        let module = block.module();
        let data = |ports: &[Port]| {
            let find = |port: &Port| find_port(module, &port.data_name(interface.io));
            ports.iter().map(find).collect::<Vec<_>>()
        };
        let (inputs, outputs) = (data(&interface.inputs), data(&interface.outputs));
        let control = |name: &str| {
            find_port(module, name).ok_or_else(|| DesignError::Ports {
                module: module.name.clone(),
                instance: name.to_owned(),
            })
        };
        let rst = control("rst")?;
        let both = |ports: &[Port]| {
            let find = |port: &Port| {
                Ok(Pair {
                    valid: control(&port.valid_name())?,
                    ready: control(&port.ready_name())?,
                })
            };
            ports.iter().map(find).collect::<Result<Vec<_>, DesignError>>()
        };
        let handshake = match interface.io {
            Io::Parallel => Handshake::Common {
                in_valid: control("in_valid")?,
                in_ready: control("in_ready")?,
                out_valid: control("out_valid")?,
            },
            Io::Stream => Handshake::Streams {
                inputs: both(&interface.inputs)?,
                outputs: both(&interface.outputs)?,
            },
        };
        let vcd = None;
        // Half a nanosecond each phase, where no clock is known.
        let (period_ps, time_ps) = (1000, 0);
        Ok(Self { interface, block, rst, handshake, inputs, outputs, period_ps, time_ps, vcd })
    }

    /// Writes a VCD from now on: the ports of all modules, and all their signals with `locals`.
    /// `period_ps` is the clock period.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn trace(
        &mut self,
        file: Box<dyn Write>,
        period_ps: u64,
        locals: bool,
    ) -> Result<(), EngineError> {
        if locals {
            self.block.trace_locals();
        }
        self.period_ps = period_ps;
        let mut vcd = write_vcd_header(file, &self.block);
        vcd.timestamp(self.time_ps)?;
        self.vcd = Some(write_vcd_dump(vcd, &self.block));
        Ok(())
    }

    fn settle(&mut self) -> Result<(), EngineError> {
        if simulate(&mut self.block, MOST_DELTAS) { Ok(()) } else { Err(EngineError::Unstable) }
    }

    /// Records what changed and lets a phase of the clock pass.
    fn phase(&mut self, duration_ps: u64) -> Result<(), EngineError> {
        if let Some(vcd) = self.vcd.take() {
            let mut vcd = write_vcd_change(vcd, &self.block);
            self.time_ps += duration_ps;
            vcd.timestamp(self.time_ps)?;
            self.vcd = Some(vcd);
        }
        Ok(())
    }

    fn set_bit(&mut self, port: usize, value: bool) {
        self.block.set_port(port, &[i64::from(value)]);
    }

    fn bit(&self, port: &BlockPort) -> bool {
        self.block.port(port.index)[0] != 0
    }

    /// Drives the data of each input; 0 where there is none.
    fn set_inputs<'a>(
        &mut self,
        mut inputs: impl Iterator<Item = Option<&'a Mantissas>>,
    ) -> Result<(), EngineError> {
        for (index, port) in self.interface.inputs.iter().enumerate() {
            let input = inputs.next().flatten();
            let Some(BlockPort { index: at, lanes }) = &self.inputs[index] else { continue };
            let values: Vec<i64> = match input {
                None => vec![0; lanes.len()],
                Some(mantissas) => {
                    if mantissas.len() != port.elements.len() {
                        let (found, expected) = (mantissas.len(), port.elements.len());
                        let port = port.name.clone();
                        return Err(EngineError::InputShape { port, found, expected });
                    }
                    let present = mantissas.iter().zip(&port.elements);
                    let present = present.filter(|(_, element)| element.width > 0);
                    present.zip(lanes).map(|((m, _), ty)| ty.encode(*m)).collect()
                }
            };
            self.block.set_port(*at, &values);
        }
        Ok(())
    }

    fn read_outputs(&self) -> Vec<Mantissas> {
        (0..self.outputs.len()).map(|index| self.read_output(index)).collect()
    }

    fn read_output(&self, index: usize) -> Mantissas {
        let empty = Vec::new();
        let (values, lanes) = match &self.outputs[index] {
            Some(BlockPort { index, lanes }) => (self.block.port(*index), lanes),
            None => (&[][..], &empty),
        };
        let mut lanes = values.iter().zip(lanes);
        let elements = self.interface.outputs[index].elements.iter();
        elements
            .map(|element| match element.width {
                0 => 0,
                _ => lanes.next().map_or(0, |(value, ty)| ty.decode(*value)),
            })
            .collect()
    }

    /// The rest of a cycle, once the outputs were sampled: the edge, and the clock's low phase.
    fn clock_edge(&mut self) -> Result<(), EngineError> {
        self.block.clock.next = true.into();
        self.settle()?;
        // A period of an odd number of picoseconds has a longer high phase.
        self.phase(self.period_ps - self.period_ps / 2)?;
        self.block.clock.next = false.into();
        self.settle()
    }
}

/// The port with this name, if the module has it.
fn find_port(module: &Module, name: &str) -> Option<BlockPort> {
    module.ports.iter().enumerate().find_map(|(index, port)| {
        let (port_name, lanes) = match port.binding {
            PortBinding::Signal(signal) => (&module.signal(signal).name, vec![module.ty(signal)]),
            PortBinding::Bus(bus) => {
                let lanes = module.lanes(bus).map(|lane| module.ty(lane)).collect();
                (&module.bus(bus).name, lanes)
            }
        };
        (port_name == name).then_some(BlockPort { index, lanes })
    })
}

impl Engine for RustHdl {
    fn interface(&self) -> &Interface {
        &self.interface
    }

    fn cycle(&mut self, pins: &Pins) -> Result<Sampled, EngineError> {
        let Handshake::Common { in_valid, .. } = &self.handshake else {
            return Err(EngineError::Io { io: Io::Stream });
        };
        self.set_bit(in_valid.index, pins.in_valid);
        self.set_bit(self.rst.index, pins.rst);
        self.set_inputs(pins.inputs.iter().map(Some))?;
        self.settle()?;
        self.phase(self.period_ps / 2)?;
        let Handshake::Common { in_ready, out_valid, .. } = &self.handshake else {
            unreachable!("the handshake does not change")
        };
        let sampled = Sampled {
            in_ready: self.bit(in_ready),
            outputs: self.bit(out_valid).then(|| self.read_outputs()),
        };
        self.clock_edge()?;
        Ok(sampled)
    }

    fn stream_cycle(&mut self, pins: &StreamPins) -> Result<StreamSampled, EngineError> {
        let Handshake::Streams { inputs, outputs } = &self.handshake else {
            return Err(EngineError::Io { io: Io::Parallel });
        };
        let offered = inputs.iter().zip(&pins.offered);
        let taking = outputs.iter().zip(&pins.taking);
        let flags: Vec<(usize, bool)> = offered
            .map(|(pair, offered)| (pair.valid.index, offered.is_some()))
            .chain(taking.map(|(pair, taking)| (pair.ready.index, *taking)))
            .chain([(self.rst.index, pins.rst)])
            .collect();
        for (port, flag) in flags {
            self.set_bit(port, flag);
        }
        self.set_inputs(pins.offered.iter().map(Option::as_ref))?;
        self.settle()?;
        self.phase(self.period_ps / 2)?;
        let Handshake::Streams { inputs, outputs } = &self.handshake else {
            unreachable!("the handshake does not change")
        };
        let sampled = StreamSampled {
            ready: inputs.iter().map(|pair| self.bit(&pair.ready)).collect(),
            offered: (0..)
                .zip(outputs)
                .map(|(index, pair)| self.bit(&pair.valid).then(|| self.read_output(index)))
                .collect(),
        };
        self.clock_edge()?;
        Ok(sampled)
    }
}

impl Drop for RustHdl {
    fn drop(&mut self) {
        // The last changes belong into the file as well; a failure to write them has no caller.
        let _ = self.phase(0);
    }
}
