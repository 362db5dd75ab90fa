//! The rules of a well-formed design, checked before anything is simulated or written.

use std::collections::HashSet;

use crate::design::{
    BitOf, BusDriver, BusId, Connection, Design, Direction, Expr, Module, Operand, PortBinding,
    SignalId, Type,
};

/// A violated rule; always a mistake of the code that built the design, never of its user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what its fields are")]
pub enum DesignError {
    #[error("module `{module}`: `{signal}` has {count} drivers")]
    Drivers { module: String, signal: String, count: usize },
    #[error("module `{module}`: `{signal}` is read before it is driven")]
    ReadBeforeDriven { module: String, signal: String },
    #[error("module `{module}`: `{signal}` has the illegal width {width}")]
    Width { module: String, signal: String, width: u32 },
    #[error("module `{module}`: `{signal}` must be one bit")]
    NotABit { module: String, signal: String },
    #[error("module `{module}`: the types around `{signal}` do not agree")]
    TypeMismatch { module: String, signal: String },
    #[error("module `{module}`: the name `{name}` is used twice")]
    DuplicateName { module: String, name: String },
    #[error("module `{module}`: instance `{instance}` does not match its module's ports")]
    Ports { module: String, instance: String },
    #[error("module `{module}`: a register is reset but the module has no reset")]
    NoReset { module: String },
    #[error("Rust-HDL's own checks failed: {0}")]
    RustHdl(String),
}

impl Design {
    /// Checks every module.
    ///
    /// # Errors
    /// The first rule that is violated.
    pub fn check(&self) -> Result<(), DesignError> {
        let mut names = HashSet::new();
        for (index, module) in self.modules.iter().enumerate() {
            if !names.insert(&module.name) {
                let (name, module) = (module.name.clone(), module.name.clone());
                return Err(DesignError::DuplicateName { module, name });
            }
            Checker { design: self, module, index }.check()?;
        }
        Ok(())
    }
}

/// The module's signals that an expression reads.
pub fn reads(expr: &Expr) -> impl Iterator<Item = SignalId> + '_ {
    let operands: [Option<Operand>; 3] = match *expr {
        Expr::Add { a, b, .. } | Expr::Sub { a, b, .. } | Expr::Mul { a, b, .. } => {
            [Some(a), Some(b), None]
        }
        Expr::ShiftLeft { a, .. }
        | Expr::ShiftRight { a, .. }
        | Expr::Fits { a, .. }
        | Expr::AnyBit { a, .. }
        | Expr::Equal { a, .. }
        | Expr::Not { a } => [Some(a.into()), None, None],
        Expr::Select { condition, then, otherwise } => {
            [Some(condition.signal.into()), Some(then), Some(otherwise)]
        }
        Expr::And { a, b } | Expr::Or { a, b } => [Some(a.into()), Some(b.into()), None],
        Expr::Compress(_) => [None, None, None],
    };
    let bits = match expr {
        Expr::Compress(compression) => Some(compression.signals()),
        _ => None,
    };
    let operands = operands.into_iter().flatten().filter_map(|operand| match operand {
        Operand::Signal(signal) => Some(signal),
        Operand::Constant(_) => None,
    });
    operands.chain(bits.into_iter().flatten())
}

struct Checker<'a> {
    design: &'a Design,
    module: &'a Module,
    index: usize,
}

impl Checker<'_> {
    fn check(&self) -> Result<(), DesignError> {
        self.check_names_and_widths()?;
        let drivers = self.count_drivers()?;
        if let Some(index) = drivers.iter().position(|count| *count != 1) {
            let signal = self.module.signals[index].name.clone();
            return Err(DesignError::Drivers {
                module: self.name(),
                signal,
                count: drivers[index],
            });
        }
        self.check_order()?;
        self.check_state()?;
        self.check_instances()
    }

    fn name(&self) -> String {
        self.module.name.clone()
    }

    fn signal_name(&self, signal: SignalId) -> String {
        self.module.signal(signal).name.clone()
    }

    fn mismatch(&self, signal: SignalId) -> DesignError {
        DesignError::TypeMismatch { module: self.name(), signal: self.signal_name(signal) }
    }

    fn expect_bit(&self, signal: SignalId) -> Result<(), DesignError> {
        if self.module.ty(signal).width == 1 {
            return Ok(());
        }
        Err(DesignError::NotABit { module: self.name(), signal: self.signal_name(signal) })
    }

    fn check_names_and_widths(&self) -> Result<(), DesignError> {
        let mut names = HashSet::new();
        for signal in &self.module.signals {
            if !(1..=64).contains(&signal.ty.width) {
                let (signal, width) = (signal.name.clone(), signal.ty.width);
                return Err(DesignError::Width { module: self.name(), signal, width });
            }
        }
        // The lanes of a bus that is driven lane by lane have no text of their own.
        let visible = self.module.signals.iter().filter(|signal| {
            signal.bus.is_none_or(|bus| matches!(self.module.bus(bus).driver, BusDriver::Whole))
        });
        let signals = visible.map(|signal| &signal.name);
        let buses = self.module.buses.iter().map(|bus| &bus.name);
        let instances = self.module.instances.iter().map(|instance| &instance.name);
        for name in signals.chain(buses).chain(instances) {
            if !names.insert(name) {
                let (module, name) = (self.name(), name.clone());
                return Err(DesignError::DuplicateName { module, name });
            }
        }
        Ok(())
    }

    /// How often each signal is driven.
    fn count_drivers(&self) -> Result<Vec<usize>, DesignError> {
        let module = self.module;
        let mut drivers = vec![0; module.signals.len()];
        let drive_bus = |drivers: &mut Vec<usize>, bus: BusId| {
            module.lanes(bus).for_each(|lane| drivers[lane.0 as usize] += 1);
        };
        for port in module.ports.iter().filter(|port| port.direction == Direction::Input) {
            match port.binding {
                PortBinding::Signal(signal) => drivers[signal.0 as usize] += 1,
                PortBinding::Bus(bus) => drive_bus(&mut drivers, bus),
            }
        }
        for statement in module.statements() {
            drivers[statement.target.0 as usize] += 1;
        }
        for register in &module.registers {
            drivers[register.q.0 as usize] += 1;
        }
        for register in &module.bus_registers {
            drive_bus(&mut drivers, register.q);
        }
        for rom in &module.roms {
            drive_bus(&mut drivers, rom.q);
        }
        for ram in &module.rams {
            drive_bus(&mut drivers, ram.q);
        }
        for (index, bus) in module.buses.iter().enumerate() {
            if let BusDriver::Lanes(values) = &bus.driver {
                if values.len() != bus.lanes as usize {
                    return Err(self.mismatch(bus.first));
                }
                drive_bus(&mut drivers, BusId(index as u32));
            }
        }
        for instance in &module.instances {
            for (port, connection) in self.instance_ports(instance)? {
                if port.direction == Direction::Output {
                    match *connection {
                        Connection::Signal(signal) => drivers[signal.0 as usize] += 1,
                        Connection::Bus(bus) => drive_bus(&mut drivers, bus),
                    }
                }
            }
        }
        Ok(drivers)
    }

    fn instance_ports<'b>(
        &'b self,
        instance: &'b crate::design::Instance,
    ) -> Result<impl Iterator<Item = (&'b crate::design::Port, &'b Connection)>, DesignError> {
        let before = (instance.module.0 as usize) < self.index;
        let child = before.then(|| self.design.module(instance.module));
        child
            .filter(|child| child.ports.len() == instance.connections.len())
            .map(|child| child.ports.iter().zip(&instance.connections))
            .ok_or_else(|| DesignError::Ports {
                module: self.name(),
                instance: instance.name.clone(),
            })
    }

    /// Statements read only what ports, state, instances or earlier statements drive.
    fn check_order(&self) -> Result<(), DesignError> {
        let module = self.module;
        let mut later: HashSet<SignalId> = module.statements().map(|s| s.target).collect();
        for statement in module.statements() {
            let known = |signal: &SignalId| {
                let lane_driven = module
                    .signal(*signal)
                    .bus
                    .is_some_and(|bus| matches!(module.bus(bus).driver, BusDriver::Lanes(_)));
                !later.contains(signal) && !lane_driven
            };
            if let Some(signal) = reads(&statement.expr).find(|signal| !known(signal)) {
                let (module, signal) = (self.name(), self.signal_name(signal));
                return Err(DesignError::ReadBeforeDriven { module, signal });
            }
            later.remove(&statement.target);
            match statement.expr {
                Expr::Compress(ref compression) => {
                    let beyond = |bit: &BitOf| bit.bit >= module.ty(bit.signal).width;
                    let mut bits = compression.addends().filter_map(|(_, addend)| addend.bit());
                    if let Some(bit) = bits.find(beyond) {
                        return Err(self.mismatch(bit.signal));
                    }
                    if !compression.is_legal(module.ty(statement.target).width) {
                        return Err(self.mismatch(statement.target));
                    }
                }
                Expr::Select { condition: BitOf { signal, bit }, .. }
                    if bit >= module.ty(signal).width =>
                {
                    return Err(self.mismatch(signal));
                }
                Expr::And { a, b } | Expr::Or { a, b } => {
                    self.expect_bit(a)?;
                    self.expect_bit(b)?;
                }
                Expr::Not { a } => self.expect_bit(a)?,
                Expr::AnyBit { a, count } if !(1..=module.ty(a).width).contains(&count) => {
                    return Err(self.mismatch(a));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn lane_types(&self, bus: BusId) -> impl Iterator<Item = Type> {
        self.module.lanes(bus).map(|lane| self.module.ty(lane))
    }

    fn check_state(&self) -> Result<(), DesignError> {
        let module = self.module;
        for register in &module.registers {
            if let Operand::Signal(d) = register.d
                && module.ty(d) != module.ty(register.q)
            {
                return Err(self.mismatch(register.q));
            }
            if let Some(enable) = register.enable {
                self.expect_bit(enable)?;
            }
            if register.reset && module.reset.is_none() {
                return Err(DesignError::NoReset { module: self.name() });
            }
        }
        for register in &module.bus_registers {
            if !self.lane_types(register.q).eq(self.lane_types(register.d)) {
                return Err(self.mismatch(module.bus(register.q).first));
            }
            if let Some(enable) = register.enable {
                self.expect_bit(enable)?;
            }
        }
        for rom in &module.roms {
            let lanes = module.bus(rom.q).lanes as usize;
            let addressable = 1u128 << module.ty(rom.address).width;
            let legal = !rom.words.is_empty()
                && rom.words.len() as u128 <= addressable
                && rom.words.iter().all(|word| word.len() == lanes);
            if !legal {
                return Err(self.mismatch(module.bus(rom.q).first));
            }
        }
        for ram in &module.rams {
            self.expect_bit(ram.write)?;
            let words = ram.words as u128;
            let legal = words > 0
                && words <= 1u128 << module.ty(ram.write_address).width
                && words <= 1u128 << module.ty(ram.read_address).width
                && self.lane_types(ram.q).eq(self.lane_types(ram.d));
            if !legal {
                return Err(self.mismatch(module.bus(ram.q).first));
            }
        }
        Ok(())
    }

    fn check_instances(&self) -> Result<(), DesignError> {
        for instance in &self.module.instances {
            let child = self.design.module(instance.module);
            for (port, connection) in self.instance_ports(instance)? {
                let agree = match (port.binding, *connection) {
                    (PortBinding::Signal(inner), Connection::Signal(outer)) => {
                        child.ty(inner) == self.module.ty(outer)
                    }
                    (PortBinding::Bus(inner), Connection::Bus(outer)) => {
                        child.lanes(inner).map(|lane| child.ty(lane)).eq(self.lane_types(outer))
                    }
                    _ => false,
                };
                if !agree {
                    let (module, instance) = (self.name(), instance.name.clone());
                    return Err(DesignError::Ports { module, instance });
                }
            }
        }
        Ok(())
    }
}
