//! The circuit on Rust-HDL's own simulation kernel.

use std::io::Write;
use std::sync::Arc;

use rtl4ml_circuit::{Circuit, Interface};
use rtl4ml_hdl::{DesignError, ModuleBlock};
use rtl4ml_ir::Io;
use rust_hdl::core::simulate::simulate;
use rust_hdl::core::vcd_probe::{VCDProbe, write_vcd_change, write_vcd_dump, write_vcd_header};

use crate::engine::{Engine, Pins, Sampled, StreamPins, StreamSampled};
use crate::wiring::Wiring;

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
    #[error("cannot write the waves: {0}")]
    Waves(#[from] std::io::Error),
}

/// The circuit as a Rust-HDL block, driven cycle by cycle.
pub struct RustHdl {
    wiring: Wiring,
    block: ModuleBlock,
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
        let wiring = Wiring::new(circuit)?;
        let vcd = None;
        // Half a nanosecond each phase, where no clock is known.
        let (period_ps, time_ps) = (1000, 0);
        Ok(Self { wiring, block, period_ps, time_ps, vcd })
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

impl Engine for RustHdl {
    fn interface(&self) -> &Interface {
        &self.wiring.interface
    }

    fn cycle(&mut self, pins: &Pins) -> Result<Sampled, EngineError> {
        let Self { wiring, block, .. } = self;
        wiring.drive(pins, |port, lanes| {
            block.set_port(port, &lanes.collect::<Vec<i64>>());
        })?;
        self.settle()?;
        self.phase(self.period_ps / 2)?;
        let sampled = self.wiring.sample(|port, lane| self.block.port(port)[lane]);
        self.clock_edge()?;
        Ok(sampled)
    }

    fn stream_cycle(&mut self, pins: &StreamPins) -> Result<StreamSampled, EngineError> {
        let Self { wiring, block, .. } = self;
        wiring.drive_streams(pins, |port, lanes| {
            block.set_port(port, &lanes.collect::<Vec<i64>>());
        })?;
        self.settle()?;
        self.phase(self.period_ps / 2)?;
        let sampled = self.wiring.sample_streams(|port, lane| self.block.port(port)[lane]);
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
