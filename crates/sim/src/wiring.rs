//! Where the ports of a circuit are in its top module, and what pins and samples are on them: the
//! same for every simulator of a design.

use rtl4ml_circuit::{Circuit, Interface, Port};
use rtl4ml_hdl::{DesignError, Module, PortBinding, Type};
use rtl4ml_ir::Io;

use crate::EngineError;
use crate::engine::{Pins, Sampled, StreamPins, StreamSampled};
use crate::reference::Mantissas;

/// A port of the top module: its number there, and the types of its lanes.
struct WiredPort {
    index: usize,
    lanes: Vec<Type>,
}

/// The flags of a port with a handshake of its own.
struct Pair {
    valid: usize,
    ready: usize,
}

/// The flags beside the data.
enum Handshake {
    /// Those of all ports together.
    Common { in_valid: usize, in_ready: usize, out_valid: usize },
    /// Those of each port.
    Streams { inputs: Vec<Pair>, outputs: Vec<Pair> },
}

/// Takes the lanes of a port.
pub(crate) type Lanes<'l> = &'l mut dyn Iterator<Item = i64>;

/// The ports of a circuit.
pub(crate) struct Wiring {
    pub interface: Interface,
    rst: usize,
    handshake: Handshake,
    inputs: Vec<Option<WiredPort>>,
    outputs: Vec<Option<WiredPort>>,
}

impl Wiring {
    /// Finds the ports of a circuit in its top module.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(circuit: &Circuit) -> Result<Self, EngineError> {
        let module = circuit.design.top();
        let interface = circuit.interface.clone();
        let data = |ports: &[Port]| {
            let find = |port: &Port| find_port(module, &port.data_name(interface.io));
            ports.iter().map(find).collect::<Vec<_>>()
        };
        let (inputs, outputs) = (data(&interface.inputs), data(&interface.outputs));
        let control = |name: &str| {
            find_port(module, name).map(|port| port.index).ok_or_else(|| DesignError::Ports {
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
        Ok(Self { interface, rst, handshake, inputs, outputs })
    }

    /// Drives the pins of a cycle: `set` takes a port and its lanes.
    ///
    /// # Errors
    /// When the circuit has streams, or an input does not fit its port.
    pub fn drive(&self, pins: &Pins, mut set: impl FnMut(usize, Lanes)) -> Result<(), EngineError> {
        let Handshake::Common { in_valid, .. } = &self.handshake else {
            return Err(EngineError::Io { io: Io::Stream });
        };
        set(*in_valid, &mut one(pins.in_valid));
        set(self.rst, &mut one(pins.rst));
        self.drive_data(pins.inputs.iter().map(Some), set)
    }

    /// The same for a circuit with streams.
    ///
    /// # Errors
    /// When the circuit has none, or an input does not fit its port.
    pub fn drive_streams(
        &self,
        pins: &StreamPins,
        mut set: impl FnMut(usize, Lanes),
    ) -> Result<(), EngineError> {
        let Handshake::Streams { inputs, outputs } = &self.handshake else {
            return Err(EngineError::Io { io: Io::Parallel });
        };
        for (pair, offered) in inputs.iter().zip(&pins.offered) {
            set(pair.valid, &mut one(offered.is_some()));
        }
        for (pair, taking) in outputs.iter().zip(&pins.taking) {
            set(pair.ready, &mut one(*taking));
        }
        set(self.rst, &mut one(pins.rst));
        self.drive_data(pins.offered.iter().map(Option::as_ref), set)
    }

    /// Drives the data of each input; 0 where there is none.
    fn drive_data<'a>(
        &self,
        mut inputs: impl Iterator<Item = Option<&'a Mantissas>>,
        mut set: impl FnMut(usize, Lanes),
    ) -> Result<(), EngineError> {
        for (port, wired) in self.interface.inputs.iter().zip(&self.inputs) {
            let input = inputs.next().flatten();
            let Some(WiredPort { index, lanes }) = wired else { continue };
            let Some(mantissas) = input else {
                set(*index, &mut lanes.iter().map(|_| 0));
                continue;
            };
            if mantissas.len() != port.elements.len() {
                let (found, expected) = (mantissas.len(), port.elements.len());
                let port = port.name.clone();
                return Err(EngineError::InputShape { port, found, expected });
            }
            let present = mantissas.iter().zip(&port.elements);
            let present = present.filter(|(_, element)| element.width > 0);
            set(*index, &mut present.zip(lanes).map(|((m, _), ty)| ty.encode(*m)));
        }
        Ok(())
    }

    /// What is sampled: `lane` gives a lane of a port.
    ///
    /// # Panics
    /// When the circuit has streams: the pins could not have been driven.
    pub fn sample(&self, lane: impl Fn(usize, usize) -> i64) -> Sampled {
        let Handshake::Common { in_ready, out_valid, .. } = &self.handshake else {
            unreachable!("the pins were driven")
        };
        let outputs = || (0..self.outputs.len()).map(|i| self.output(i, &lane)).collect();
        Sampled {
            in_ready: lane(*in_ready, 0) != 0,
            outputs: (lane(*out_valid, 0) != 0).then(outputs),
        }
    }

    /// The same for a circuit with streams.
    ///
    /// # Panics
    /// When the circuit has none.
    pub fn sample_streams(&self, lane: impl Fn(usize, usize) -> i64) -> StreamSampled {
        let Handshake::Streams { inputs, outputs } = &self.handshake else {
            unreachable!("the pins were driven")
        };
        StreamSampled {
            ready: inputs.iter().map(|pair| lane(pair.ready, 0) != 0).collect(),
            offered: (0..)
                .zip(outputs)
                .map(|(index, pair)| (lane(pair.valid, 0) != 0).then(|| self.output(index, &lane)))
                .collect(),
        }
    }

    fn output(&self, index: usize, lane: &impl Fn(usize, usize) -> i64) -> Mantissas {
        let mut place = 0;
        let elements = self.interface.outputs[index].elements.iter();
        elements
            .map(|element| match (&self.outputs[index], element.width) {
                (None, _) | (_, 0) => 0,
                (Some(WiredPort { index, lanes }), _) => {
                    place += 1;
                    lanes[place - 1].decode(lane(*index, place - 1))
                }
            })
            .collect()
    }
}

/// A flag as the lane of a port.
fn one(flag: bool) -> impl Iterator<Item = i64> {
    std::iter::once(i64::from(flag))
}

/// The port with this name, if the module has it.
fn find_port(module: &Module, name: &str) -> Option<WiredPort> {
    module.ports.iter().enumerate().find_map(|(index, port)| {
        let (port_name, lanes) = match port.binding {
            PortBinding::Signal(signal) => (&module.signal(signal).name, vec![module.ty(signal)]),
            PortBinding::Bus(bus) => (&module.bus(bus).name, module.lane_types(bus)),
        };
        (port_name == name).then_some(WiredPort { index, lanes })
    })
}
