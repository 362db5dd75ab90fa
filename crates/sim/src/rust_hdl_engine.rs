//! The circuit on Rust-HDL's own simulation kernel.

use std::io::Write;
use std::sync::Arc;

use rtl4ml_circuit::{Circuit, Interface, Port};
use rtl4ml_hdl::{DesignError, Direction, Module, ModuleBlock, PortBinding, Type};
use rust_hdl::core::simulate::simulate;
use rust_hdl::core::vcd_probe::{VCDProbe, write_vcd_change, write_vcd_dump, write_vcd_header};

use crate::engine::{Engine, Pins, Sampled};
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

/// The circuit as a Rust-HDL block, driven cycle by cycle.
pub struct RustHdl {
    interface: Interface,
    block: ModuleBlock,
    rst: BlockPort,
    in_valid: BlockPort,
    in_ready: BlockPort,
    out_valid: BlockPort,
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
            ports.iter().map(|port| find_port(module, &port.name)).collect::<Vec<_>>()
        };
        let (inputs, outputs) = (data(&interface.inputs), data(&interface.outputs));
        let control = |name: &str| {
            find_port(module, name).ok_or_else(|| DesignError::Ports {
                module: module.name.clone(),
                instance: name.to_owned(),
            })
        };
        let (rst, in_valid) = (control("rst")?, control("in_valid")?);
        let (in_ready, out_valid) = (control("in_ready")?, control("out_valid")?);
        let vcd = None;
        // Half a nanosecond each phase, where no clock is known.
        let (period_ps, time_ps) = (1000, 0);
        Ok(Self {
            interface,
            block,
            rst,
            in_valid,
            in_ready,
            out_valid,
            inputs,
            outputs,
            period_ps,
            time_ps,
            vcd,
        })
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

    fn set_inputs(&mut self, pins: &Pins) -> Result<(), EngineError> {
        for (index, port) in self.interface.inputs.iter().enumerate() {
            let Some(BlockPort { index: at, lanes }) = &self.inputs[index] else { continue };
            let values: Vec<i64> = match pins.inputs.get(index) {
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
        let read = |(port, block_port): (&Port, &Option<BlockPort>)| {
            let empty = Vec::new();
            let (values, lanes) = match block_port {
                Some(BlockPort { index, lanes }) => (self.block.port(*index), lanes),
                None => (&[][..], &empty),
            };
            let mut lanes = values.iter().zip(lanes);
            let elements = port.elements.iter();
            elements
                .map(|element| match element.width {
                    0 => 0,
                    _ => lanes.next().map_or(0, |(value, ty)| ty.decode(*value)),
                })
                .collect()
        };
        self.interface.outputs.iter().zip(&self.outputs).map(read).collect()
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
        debug_assert!(matches!(port.direction, Direction::Input | Direction::Output));
        (port_name == name).then_some(BlockPort { index, lanes })
    })
}

impl Engine for RustHdl {
    fn interface(&self) -> &Interface {
        &self.interface
    }

    fn cycle(&mut self, pins: &Pins) -> Result<Sampled, EngineError> {
        self.set_bit(self.rst.index, pins.rst);
        self.set_bit(self.in_valid.index, pins.in_valid);
        self.set_inputs(pins)?;
        self.settle()?;
        self.phase(self.period_ps / 2)?;
        let bit = |port: &BlockPort| self.block.port(port.index)[0] != 0;
        let sampled = Sampled {
            in_ready: bit(&self.in_ready),
            outputs: bit(&self.out_valid).then(|| self.read_outputs()),
        };
        self.block.clock.next = true.into();
        self.settle()?;
        // A period of an odd number of picoseconds has a longer high phase.
        self.phase(self.period_ps - self.period_ps / 2)?;
        self.block.clock.next = false.into();
        self.settle()?;
        Ok(sampled)
    }
}

impl Drop for RustHdl {
    fn drop(&mut self) {
        // The last changes belong into the file as well; a failure to write them has no caller.
        let _ = self.phase(0);
    }
}
