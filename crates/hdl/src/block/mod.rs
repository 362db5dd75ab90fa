//! A module as a block of Rust-HDL: simulated by its kernel, checked by its checks, traced by its
//! VCD writer.
//!
//! Rust-HDL visits every block in every delta cycle. A module here is a coarse leaf: it evaluates
//! all its statements natively when an input or the clock changed, and only then. The clock
//! reaches all levels of the hierarchy in the same delta, so that registers of a parent and of
//! its children see the values from before the edge.

mod atoms;
mod edge;

use std::sync::Arc;

use rust_hdl::core::ast::{BlackBox, Verilog};
use rust_hdl::core::check_error::{CheckError, check_all};
use rust_hdl::core::prelude::{Block, Clock, In, Logic, Probe, Signal as ClockSignal};
use rust_hdl::core::signal::get_signal_id;

use crate::check::DesignError;
use crate::design::{BusId, Connection, Design, Direction, Module, ModuleId, PortBinding};
use crate::evaluate::{Compiled, compile, place, run};

/// An instance of a module, with the values of its signals.
#[allow(clippy::struct_excessive_bools, reason = "two are state of a delta, two are options")]
pub struct ModuleBlock {
    /// The clock; drive it with `clock.next`.
    pub clock: ClockSignal<In, Clock>,
    design: Arc<Design>,
    id: ModuleId,
    statements: Vec<Compiled>,
    /// One value a signal, then the constants.
    values: Vec<i64>,
    /// For each signal, the value that an input port takes or an output port gives with the end
    /// of the delta; unused for others.
    ports: Vec<PortState>,
    registers: Vec<CompiledRegister>,
    /// The words of each RAM, lane by lane.
    memories: Vec<Vec<i64>>,
    scratch: Vec<i64>,
    children: Vec<ModuleBlock>,
    /// Statements have not run on these values yet.
    dirty: bool,
    /// Values have changed since the parent looked at the outputs.
    fresh: bool,
    /// A port changed in this delta.
    changed: bool,
    is_top: bool,
    trace_locals: bool,
    /// The numbers by which Rust-HDL tells signals apart: one a signal, then one a bus.
    atom_ids: Vec<usize>,
}

/// A contiguous run of signals that is a port.
struct PortState {
    direction: Direction,
    first: usize,
    next: Vec<i64>,
}

struct CompiledRegister {
    q: u32,
    d: u32,
    enable: Option<u32>,
    reset: bool,
}

impl ModuleBlock {
    /// The top module of a design, checked by [`Design::check`] and by Rust-HDL's own checks.
    ///
    /// # Errors
    /// What is wrong with the design.
    pub fn new(design: &Arc<Design>) -> Result<Self, DesignError> {
        design.check()?;
        let top = ModuleId(design.modules.len() as u32 - 1);
        let mut block = Self::instantiate(design, top);
        block.is_top = true;
        block.connect_all();
        check_all(&block)
            .map_err(|error: CheckError| DesignError::RustHdl(format!("{error:?}")))?;
        Ok(block)
    }

    /// Lets the VCD show the signals inside the modules as well as the ports.
    pub fn trace_locals(&mut self) {
        self.trace_locals = true;
        self.children.iter_mut().for_each(Self::trace_locals);
    }

    fn instantiate(design: &Arc<Design>, id: ModuleId) -> Self {
        let module = design.module(id);
        let mut program = compile(module);
        let mut registers: Vec<CompiledRegister> = module
            .registers
            .iter()
            .map(|register| CompiledRegister {
                q: register.q.0,
                d: place(register.d, &mut program.values),
                enable: register.enable.map(|enable| enable.0),
                reset: register.reset,
            })
            .collect();
        for register in &module.bus_registers {
            registers.extend(module.lanes(register.q).zip(module.lanes(register.d)).map(
                |(q, d)| {
                    let enable = register.enable.map(|enable| enable.0);
                    CompiledRegister { q: q.0, d: d.0, enable, reset: false }
                },
            ));
        }
        let ports = module
            .ports
            .iter()
            .map(|port| {
                let (first, count) = port_signals(module, port.binding);
                PortState { direction: port.direction, first, next: vec![0; count] }
            })
            .collect();
        let children =
            module.instances.iter().map(|i| Self::instantiate(design, i.module)).collect();
        let atoms = module.signals.len() + module.buses.len();
        Self {
            clock: ClockSignal::default(),
            design: Arc::clone(design),
            id,
            statements: program.statements,
            values: program.values,
            ports,
            registers,
            memories: module
                .rams
                .iter()
                .map(|ram| vec![0; ram.words * module.bus(ram.q).lanes as usize])
                .collect(),
            scratch: Vec::new(),
            children,
            dirty: true,
            fresh: true,
            changed: false,
            is_top: false,
            trace_locals: false,
            atom_ids: (0..atoms).map(|_| get_signal_id()).collect(),
        }
    }

    /// The module that this is an instance of.
    pub fn module(&self) -> &Module {
        self.design.module(self.id)
    }

    /// Sets the lanes of an input port from the next delta on. Values are as
    /// [`Type::encode`](crate::Type::encode) makes them.
    ///
    /// # Panics
    /// When the port has another number of lanes.
    pub fn set_port(&mut self, port: usize, lanes: &[i64]) {
        self.ports[port].next.copy_from_slice(lanes);
    }

    /// The lanes of a port.
    pub fn port(&self, port: usize) -> &[i64] {
        let PortState { first, next, .. } = &self.ports[port];
        &self.values[*first..first + next.len()]
    }

    /// Takes the outputs of the instances; whether one of them changed.
    fn read_children(&mut self) -> bool {
        let design = Arc::clone(&self.design);
        let module = design.module(self.id);
        let mut changed = false;
        for (instance, child) in module.instances.iter().zip(&mut self.children) {
            if !std::mem::take(&mut child.fresh) {
                continue;
            }
            for (connection, port) in instance.connections.iter().zip(&child.ports) {
                if port.direction == Direction::Output {
                    let (first, count) = connection_signals(module, *connection);
                    let outer = &mut self.values[first..first + count];
                    let inner = &child.values[port.first..port.first + count];
                    changed |= outer != inner;
                    outer.copy_from_slice(inner);
                }
            }
        }
        changed
    }

    /// Gives the instances their inputs.
    fn write_children(&mut self) {
        let module = self.design.module(self.id);
        for (instance, child) in module.instances.iter().zip(&mut self.children) {
            for (connection, port) in instance.connections.iter().zip(&mut child.ports) {
                if port.direction == Direction::Input {
                    let (first, count) = connection_signals(module, *connection);
                    port.next.copy_from_slice(&self.values[first..first + count]);
                }
            }
        }
    }
}

/// The first signal of a port and how many there are.
fn port_signals(module: &Module, binding: PortBinding) -> (usize, usize) {
    match binding {
        PortBinding::Signal(signal) => (signal.0 as usize, 1),
        PortBinding::Bus(bus) => bus_signals(module, bus),
    }
}

fn connection_signals(module: &Module, connection: Connection) -> (usize, usize) {
    match connection {
        Connection::Signal(signal) => (signal.0 as usize, 1),
        Connection::Bus(bus) => bus_signals(module, bus),
    }
}

fn bus_signals(module: &Module, bus: BusId) -> (usize, usize) {
    let bus = module.bus(bus);
    (bus.first.0 as usize, bus.lanes as usize)
}

impl Logic for ModuleBlock {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.dirty |= self.clock_edge();
        }
        self.dirty |= self.read_children();
        if std::mem::take(&mut self.dirty) {
            run(&self.statements, &mut self.values);
            self.fresh = true;
            self.write_children();
            // An output port's value is visible to the parent as soon as the parent looks, which
            // is in the next delta: asking for one is all that a change has to do.
            for port in self.ports.iter_mut().filter(|port| port.direction == Direction::Output) {
                let now = &self.values[port.first..port.first + port.next.len()];
                self.changed |= port.next != now;
                port.next.copy_from_slice(now);
            }
        }
    }

    fn hdl(&self) -> Verilog {
        // The whole hierarchy is the text of the top; Rust-HDL's generator writes it as it is.
        let code =
            if self.is_top { crate::verilog::design_text(&self.design) } else { String::new() };
        Verilog::Blackbox(BlackBox { code, name: self.module().name.clone() })
    }
}

impl Block for ModuleBlock {
    fn connect_all(&mut self) {
        self.clock.connect();
        self.children.iter_mut().for_each(Block::connect_all);
    }

    fn update_all(&mut self) {
        self.changed = false;
        self.update();
        self.clock.update_all();
        for port in self.ports.iter_mut().filter(|port| port.direction == Direction::Input) {
            let now = &mut self.values[port.first..port.first + port.next.len()];
            if now != port.next {
                now.copy_from_slice(&port.next);
                self.dirty = true;
                self.changed = true;
            }
        }
        let clock = self.clock.val();
        for child in &mut self.children {
            child.clock.next = clock;
            child.update_all();
        }
    }

    fn has_changed(&self) -> bool {
        self.changed || self.clock.has_changed() || self.children.iter().any(Block::has_changed)
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_scope(name, self);
        self.visit_atoms(probe);
        for (instance, child) in self.module().instances.iter().zip(&self.children) {
            child.accept(&instance.name, probe);
        }
        probe.visit_end_scope(name, self);
    }
}
