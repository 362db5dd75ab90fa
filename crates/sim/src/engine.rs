//! What every cycle-accurate simulator of a circuit can do.

use rtl4ml_circuit::protocol::patience_cycles;
use rtl4ml_circuit::{Interface, Port};
use rtl4ml_ir::Io;

use crate::reference::Mantissas;

/// What is driven into the circuit for one cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pins<'a> {
    /// The reset.
    pub rst: bool,
    /// Whether an input is offered.
    pub in_valid: bool,
    /// One tensor an input port; may be empty while nothing is offered, and is then 0.
    pub inputs: &'a [Mantissas],
}

/// What a receiver sees at the edge that ends a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// Whether the circuit takes an input at this edge, if one is offered.
    pub in_ready: bool,
    /// The outputs, one tensor a port, where `out_valid` is high.
    pub outputs: Option<Vec<Mantissas>>,
}

/// What is driven into the ports of streams for one clock cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamPins {
    /// Synchronous reset.
    pub rst: bool,
    /// For each input the elements of a transfer, where one is offered.
    pub offered: Vec<Option<Mantissas>>,
    /// For each output whether a transfer is taken.
    pub taking: Vec<bool>,
}

/// What a neighbour of streams samples at the clock edge that ends a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSampled {
    /// For each input whether a transfer is taken, if one is offered.
    pub ready: Vec<bool>,
    /// For each output the elements of the transfer that is offered.
    pub offered: Vec<Option<Mantissas>>,
}

/// A simulator that goes cycle by cycle.
pub trait Engine {
    /// The ports and their timing.
    fn interface(&self) -> &Interface;

    /// Drives the pins for one cycle and samples at the clock edge that ends it.
    ///
    /// # Errors
    /// When the simulator fails; never because of what the circuit computes.
    fn cycle(&mut self, pins: &Pins) -> Result<Sampled, crate::EngineError>;

    /// The same for a circuit with streams.
    ///
    /// # Errors
    /// As [`Engine::cycle`].
    fn stream_cycle(&mut self, pins: &StreamPins) -> Result<StreamSampled, crate::EngineError>;

    /// Two cycles of reset.
    ///
    /// # Errors
    /// As [`Engine::cycle`].
    fn reset(&mut self) -> Result<(), crate::EngineError> {
        for _ in 0..rtl4ml_circuit::protocol::RESET_CYCLES {
            match self.interface().io {
                Io::Parallel => drop(self.cycle(&Pins { rst: true, ..Pins::default() })?),
                Io::Stream => drop(self.stream_cycle(&StreamPins::reset(self.interface()))?),
            }
        }
        Ok(())
    }

    /// Offers one input until it is taken and waits for its output.
    ///
    /// # Errors
    /// As [`Engine::cycle`], and when no output comes within twice the interval and the latency.
    fn infer(&mut self, inputs: &[Mantissas]) -> Result<Vec<Mantissas>, crate::EngineError> {
        let interface = self.interface();
        if interface.io == Io::Stream {
            return infer_stream(self, inputs);
        }
        let patience = 2 * (interface.latency_cycles + interface.initiation_interval_cycles + 1);
        let mut pins = Pins { rst: false, in_valid: true, inputs };
        for _ in 0..patience {
            let sampled = self.cycle(&pins)?;
            if !pins.in_valid
                && let Some(outputs) = sampled.outputs
            {
                return Ok(outputs);
            }
            pins.in_valid &= !sampled.in_ready;
        }
        Err(crate::EngineError::NoOutput { cycles: patience })
    }
}

impl StreamPins {
    /// Nothing is offered and nothing taken.
    pub fn idle(interface: &Interface) -> Self {
        let (inputs, outputs) = (interface.inputs.len(), interface.outputs.len());
        Self { rst: false, offered: vec![None; inputs], taking: vec![false; outputs] }
    }

    /// The same while the circuit is reset.
    pub fn reset(interface: &Interface) -> Self {
        Self { rst: true, ..Self::idle(interface) }
    }
}

/// The transfer with this number of the tensor of a port.
pub(crate) fn transfer(port: &Port, tensor: &Mantissas, index: usize) -> Mantissas {
    tensor[index * port.elements.len()..][..port.elements.len()].to_vec()
}

/// Sends one frame and waits for all of its outputs.
fn infer_stream<E: Engine + ?Sized>(
    engine: &mut E,
    inputs: &[Mantissas],
) -> Result<Vec<Mantissas>, crate::EngineError> {
    let interface = engine.interface().clone();
    let patience = patience_cycles(&interface);
    let mut sent = vec![0; interface.inputs.len()];
    let mut outputs: Vec<Mantissas> = vec![Vec::new(); interface.outputs.len()];
    let complete =
        |port: &Port, found: &Mantissas| found.len() >= port.transfers * port.elements.len();
    for _ in 0..patience {
        let mut pins = StreamPins::idle(&interface);
        for (index, port) in interface.inputs.iter().enumerate() {
            let rest = (sent[index] < port.transfers).then_some(sent[index]);
            pins.offered[index] = rest.map(|at| transfer(port, &inputs[index], at));
        }
        for (index, port) in interface.outputs.iter().enumerate() {
            pins.taking[index] = !complete(port, &outputs[index]);
        }
        let sampled = engine.stream_cycle(&pins)?;
        for (index, ready) in sampled.ready.into_iter().enumerate() {
            sent[index] += usize::from(ready && pins.offered[index].is_some());
        }
        for (index, offered) in sampled.offered.into_iter().enumerate() {
            outputs[index].extend(offered.filter(|_| pins.taking[index]).into_iter().flatten());
        }
        if interface.outputs.iter().zip(&outputs).all(|(port, found)| complete(port, found)) {
            return Ok(outputs);
        }
    }
    Err(crate::EngineError::NoOutput { cycles: patience })
}
