//! What every cycle-accurate simulator of a circuit can do.

use rtl4ml_circuit::Interface;

use crate::reference::Mantissas;

/// What is driven into the circuit for one cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// The reset.
    pub rst: bool,
    /// Whether an input is offered.
    pub in_valid: bool,
    /// One tensor an input port; may be empty while nothing is offered, and is then 0.
    pub inputs: Vec<Mantissas>,
}

/// What a receiver sees at the edge that ends a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// Whether the circuit takes an input at this edge, if one is offered.
    pub in_ready: bool,
    /// The outputs, one tensor a port, where `out_valid` is high.
    pub outputs: Option<Vec<Mantissas>>,
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

    /// Two cycles of reset.
    ///
    /// # Errors
    /// As [`Engine::cycle`].
    fn reset(&mut self) -> Result<(), crate::EngineError> {
        for _ in 0..rtl4ml_circuit::protocol::RESET_CYCLES {
            self.cycle(&Pins { rst: true, ..Pins::default() })?;
        }
        Ok(())
    }

    /// Offers one input until it is taken and waits for its output.
    ///
    /// # Errors
    /// As [`Engine::cycle`], and when no output comes within twice the interval and the latency.
    fn infer(&mut self, inputs: &[Mantissas]) -> Result<Vec<Mantissas>, crate::EngineError> {
        let interface = self.interface();
        let patience = 2 * (interface.latency_cycles + interface.initiation_interval_cycles + 1);
        let mut pins = Pins { rst: false, in_valid: true, inputs: inputs.to_vec() };
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
