//! What drives each signal of a module.

use rtl4ml_hdl::{
    BusDriver, Connection, Design, Direction, Item, Module, Operand, PortBinding, SignalId,
};

/// What drives a signal of a module.
#[derive(Clone, Copy)]
pub enum Driver {
    /// Nobody reads or drives it.
    None,
    /// The port of this index of the module, and the lane of that.
    Input(u32, u32),
    /// An expression: the item of this index.
    Statement(u32),
    /// A lane of a bus with this value.
    Lane(Operand),
    /// A register of this next value, enable and reset.
    Register(Operand, Option<SignalId>, bool),
    /// A lane of a ROM.
    Rom(u32, u32),
    /// A lane of a RAM.
    Ram(u32, u32),
    /// An instance, its port and the lane of that.
    Instance(u32, u32, u32),
}

/// The drivers of a module's signals.
pub fn drivers(design: &Design, module: &Module) -> Vec<Driver> {
    let mut drivers = vec![Driver::None; module.signals.len()];
    for bus in &module.buses {
        if let BusDriver::Lanes(values) = &bus.driver {
            for (lane, value) in values.iter().enumerate() {
                drivers[bus.first.0 as usize + lane] = Driver::Lane(*value);
            }
        }
    }
    for (index, item) in module.items.iter().enumerate() {
        if let Item::Statement(statement) = item {
            drivers[statement.target.0 as usize] = Driver::Statement(index as u32);
        }
    }
    for register in &module.registers {
        let driver = Driver::Register(register.d, register.enable, register.reset);
        drivers[register.q.0 as usize] = driver;
    }
    for register in &module.bus_registers {
        for (q, d) in module.lanes(register.q).zip(module.lanes(register.d)) {
            drivers[q.0 as usize] = Driver::Register(d.into(), register.enable, false);
        }
    }
    for (index, rom) in module.roms.iter().enumerate() {
        for (lane, q) in module.lanes(rom.q).enumerate() {
            drivers[q.0 as usize] = Driver::Rom(index as u32, lane as u32);
        }
    }
    for (index, ram) in module.rams.iter().enumerate() {
        for (lane, q) in module.lanes(ram.q).enumerate() {
            drivers[q.0 as usize] = Driver::Ram(index as u32, lane as u32);
        }
    }
    for (index, port) in module.ports.iter().enumerate() {
        if port.direction == Direction::Input {
            for (lane, signal) in lanes(module, port.binding).enumerate() {
                drivers[signal.0 as usize] = Driver::Input(index as u32, lane as u32);
            }
        }
    }
    for (number, instance) in module.instances.iter().enumerate() {
        let ports = &design.module(instance.module).ports;
        for (port, connection) in instance.connections.iter().enumerate() {
            if ports[port].direction == Direction::Output {
                for (lane, signal) in connected(module, *connection).enumerate() {
                    drivers[signal.0 as usize] =
                        Driver::Instance(number as u32, port as u32, lane as u32);
                }
            }
        }
    }
    drivers
}

/// The signals that a port is.
pub fn lanes(module: &Module, binding: PortBinding) -> impl Iterator<Item = SignalId> + use<> {
    let (first, count) = match binding {
        PortBinding::Signal(signal) => (signal, 1),
        PortBinding::Bus(bus) => (module.bus(bus).first, module.bus(bus).lanes),
    };
    (first.0..first.0 + count).map(SignalId)
}

/// The signals that a port of an instance is wired to.
pub fn connected(
    module: &Module,
    connection: Connection,
) -> impl Iterator<Item = SignalId> + use<> {
    let binding = match connection {
        Connection::Signal(signal) => PortBinding::Signal(signal),
        Connection::Bus(bus) => PortBinding::Bus(bus),
    };
    lanes(module, binding)
}
