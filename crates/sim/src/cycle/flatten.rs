//! A design without its hierarchy: nets instead of signals, each with its type, in one list of
//! statements in which whatever is read was computed before.

use rtl4ml_hdl::{
    BitOf, BusDriver, Connection, Design, Direction, Expr, Module, ModuleId, Operand, PortBinding,
    SignalId, Type,
};

use crate::EngineError;

/// A statement; its signals are nets.
#[derive(Clone, Debug)]
pub(super) struct FlatStatement {
    pub target: u32,
    pub expr: Expr,
}

/// A register of one net.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlatRegister {
    pub q: u32,
    pub d: Operand,
    pub enable: Option<u32>,
    pub reset: Option<u32>,
}

/// A memory of constants.
#[derive(Clone, Debug)]
pub(super) struct FlatRom {
    pub q: Vec<u32>,
    pub address: u32,
    pub words: Vec<Vec<i64>>,
}

/// A memory.
#[derive(Clone, Debug)]
pub(super) struct FlatRam {
    pub q: Vec<u32>,
    pub d: Vec<u32>,
    pub write: u32,
    pub write_address: u32,
    pub read_address: u32,
    pub words: usize,
}

/// What has a name in the hierarchy.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub name: String,
    /// The nets of its lanes, lane 0 first; `clk` has none.
    pub nets: Vec<u32>,
}

/// An instance with what it contains.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub name: String,
    pub ports: Vec<Named>,
    /// Signals and buses that are no port.
    pub locals: Vec<Named>,
    pub clocked: bool,
    pub children: Vec<Scope>,
}

/// A flat design.
#[derive(Clone, Debug)]
pub(super) struct Flat {
    /// The type of each net.
    pub types: Vec<Type>,
    /// In an order in which they can be evaluated.
    pub statements: Vec<FlatStatement>,
    pub registers: Vec<FlatRegister>,
    pub roms: Vec<FlatRom>,
    pub rams: Vec<FlatRam>,
    /// The nets of the top's ports.
    pub ports: Vec<(Direction, Vec<u32>)>,
    pub scope: Scope,
}

/// Flattens a design that has been checked.
///
/// # Errors
/// When the modules form a combinational cycle.
pub(super) fn flatten(design: &Design) -> Result<Flat, EngineError> {
    let mut builder = Builder { design, types: Vec::new(), same_as: Vec::new(), instances: vec![] };
    let top = ModuleId(design.modules.len() as u32 - 1);
    let tree = builder.instantiate(top, design.top().name.clone());
    let mut flat = Flat {
        types: builder.types.clone(),
        statements: Vec::new(),
        registers: Vec::new(),
        roms: Vec::new(),
        rams: Vec::new(),
        ports: Vec::new(),
        scope: builder.scope(&tree),
    };
    for (module, base) in builder.instances.clone() {
        builder.add(&mut flat, design.module(module), base);
    }
    let module = design.top();
    for port in &module.ports {
        let nets = signals(module, port.binding).map(|s| builder.net(tree.base + s)).collect();
        flat.ports.push((port.direction, nets));
    }
    flat.statements = ordered(flat.statements, flat.types.len())?;
    Ok(flat)
}

/// An instance: its module and its first net.
struct Tree {
    name: String,
    module: ModuleId,
    base: u32,
    children: Vec<Tree>,
}

struct Builder<'d> {
    design: &'d Design,
    types: Vec<Type>,
    /// For each signal of each instance, one that is the same net; itself where there is no other.
    same_as: Vec<u32>,
    instances: Vec<(ModuleId, u32)>,
}

fn signals(module: &Module, binding: PortBinding) -> std::ops::Range<u32> {
    match binding {
        PortBinding::Signal(signal) => signal.0..signal.0 + 1,
        PortBinding::Bus(bus) => {
            let bus = module.bus(bus);
            bus.first.0..bus.first.0 + bus.lanes
        }
    }
}

impl Builder<'_> {
    fn instantiate(&mut self, id: ModuleId, name: String) -> Tree {
        let module = self.design.module(id);
        let base = self.types.len() as u32;
        self.types.extend(module.signals.iter().map(|signal| signal.ty));
        self.same_as.extend(base..self.types.len() as u32);
        self.instances.push((id, base));
        let mut children = Vec::new();
        for instance in &module.instances {
            let child = self.instantiate(instance.module, instance.name.clone());
            let inner = self.design.module(instance.module);
            for (port, connection) in inner.ports.iter().zip(&instance.connections) {
                let outer = match connection {
                    Connection::Signal(signal) => PortBinding::Signal(*signal),
                    Connection::Bus(bus) => PortBinding::Bus(*bus),
                };
                for (inside, outside) in signals(inner, port.binding).zip(signals(module, outer)) {
                    self.join(child.base + inside, base + outside);
                }
            }
            children.push(child);
        }
        Tree { name, module: id, base, children }
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.net(a), self.net(b));
        self.same_as[a.max(b) as usize] = a.min(b);
    }

    fn net(&self, mut signal: u32) -> u32 {
        while self.same_as[signal as usize] != signal {
            signal = self.same_as[signal as usize];
        }
        signal
    }

    fn add(&self, flat: &mut Flat, module: &Module, base: u32) {
        let id = |signal: SignalId| SignalId(self.net(base + signal.0));
        let net = |signal: SignalId| id(signal).0;
        let operand = |operand: Operand| match operand {
            Operand::Signal(signal) => Operand::Signal(id(signal)),
            Operand::Constant(_) => operand,
        };
        let lanes = |bus| module.lanes(bus).map(net).collect::<Vec<u32>>();
        for statement in module.statements() {
            let mut expr = statement.expr.clone();
            map_operands(&mut expr, id, operand);
            flat.statements.push(FlatStatement { target: net(statement.target), expr });
        }
        for (index, bus) in module.buses.iter().enumerate() {
            let BusDriver::Lanes(sources) = &bus.driver else { continue };
            for (target, source) in lanes(rtl4ml_hdl::BusId(index as u32)).into_iter().zip(sources)
            {
                let (a, b) = (operand(*source), Operand::Constant(0));
                let expr = Expr::Add { a, shift_a: 0, b, shift_b: 0 };
                flat.statements.push(FlatStatement { target, expr });
            }
        }
        let reset = module.reset.map(net);
        for register in &module.registers {
            flat.registers.push(FlatRegister {
                q: net(register.q),
                d: operand(register.d),
                enable: register.enable.map(net),
                reset: reset.filter(|_| register.reset),
            });
        }
        for register in &module.bus_registers {
            let enable = register.enable.map(net);
            for (q, d) in lanes(register.q).into_iter().zip(module.lanes(register.d).map(id)) {
                flat.registers.push(FlatRegister { q, d: d.into(), enable, reset: None });
            }
        }
        for rom in &module.roms {
            let words = rom.words.clone();
            flat.roms.push(FlatRom { q: lanes(rom.q), address: net(rom.address), words });
        }
        for ram in &module.rams {
            flat.rams.push(FlatRam {
                q: lanes(ram.q),
                d: lanes(ram.d),
                write: net(ram.write),
                write_address: net(ram.write_address),
                read_address: net(ram.read_address),
                words: ram.words,
            });
        }
    }

    fn scope(&self, tree: &Tree) -> Scope {
        let module = self.design.module(tree.module);
        let named = |name: &str, signals: std::ops::Range<u32>| Named {
            name: name.to_owned(),
            nets: signals.map(|s| self.net(tree.base + s)).collect(),
        };
        let bound = |binding: PortBinding| match binding {
            PortBinding::Signal(signal) => &module.signal(signal).name,
            PortBinding::Bus(bus) => &module.bus(bus).name,
        };
        let ports: Vec<Named> = module
            .ports
            .iter()
            .map(|port| named(bound(port.binding), signals(module, port.binding)))
            .collect();
        let is_port = |binding: PortBinding| module.ports.iter().any(|p| p.binding == binding);
        let buses = (0..module.buses.len() as u32).map(rtl4ml_hdl::BusId);
        let buses = buses.map(PortBinding::Bus);
        let single = (0..).map(SignalId).zip(&module.signals);
        let single = single.filter(|(_, signal)| signal.bus.is_none());
        let locals = buses
            .chain(single.map(|(id, _)| PortBinding::Signal(id)))
            .filter(|binding| !is_port(*binding))
            .map(|binding| named(bound(binding), signals(module, binding)))
            .collect();
        Scope {
            name: tree.name.clone(),
            ports,
            locals,
            clocked: self.design.is_clocked(module),
            children: tree.children.iter().map(|child| self.scope(child)).collect(),
        }
    }
}

/// Replaces the signals of an expression.
fn map_operands(
    expr: &mut Expr,
    id: impl Fn(SignalId) -> SignalId,
    operand: impl Fn(Operand) -> Operand,
) {
    match expr {
        Expr::Add { a, b, .. } | Expr::Sub { a, b, .. } | Expr::Mul { a, b, .. } => {
            (*a, *b) = (operand(*a), operand(*b));
        }
        Expr::ShiftLeft { a, .. }
        | Expr::ShiftRight { a, .. }
        | Expr::Fits { a, .. }
        | Expr::AnyBit { a, .. }
        | Expr::Equal { a, .. }
        | Expr::Not { a } => *a = id(*a),
        Expr::Select { condition, then, otherwise } => {
            condition.signal = id(condition.signal);
            (*then, *otherwise) = (operand(*then), operand(*otherwise));
        }
        Expr::And { a, b } | Expr::Or { a, b } => (*a, *b) = (id(*a), id(*b)),
        Expr::Compress(sum) => {
            **sum = sum.map(|of| BitOf { signal: id(of.signal), bit: of.bit });
        }
    }
}

/// The nets that an expression reads.
pub(super) fn reads(expr: &Expr) -> impl Iterator<Item = u32> + '_ {
    rtl4ml_hdl::reads(expr).map(|signal| signal.0)
}

/// The statements, each after those whose targets it reads.
fn ordered(statements: Vec<FlatStatement>, nets: usize) -> Result<Vec<FlatStatement>, EngineError> {
    const NONE: usize = usize::MAX;
    let mut driver = vec![NONE; nets];
    for (index, statement) in statements.iter().enumerate() {
        driver[statement.target as usize] = index;
    }
    let mut waits_for = vec![0usize; statements.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); statements.len()];
    for (index, statement) in statements.iter().enumerate() {
        for net in reads(&statement.expr) {
            let before = driver[net as usize];
            if before != NONE {
                waits_for[index] += 1;
                readers[before].push(index);
            }
        }
    }
    let mut ready: Vec<usize> = (0..statements.len()).filter(|i| waits_for[*i] == 0).collect();
    let mut order = Vec::with_capacity(statements.len());
    while let Some(index) = ready.pop() {
        order.push(index);
        for reader in &readers[index] {
            waits_for[*reader] -= 1;
            if waits_for[*reader] == 0 {
                ready.push(*reader);
            }
        }
    }
    if order.len() < statements.len() {
        return Err(EngineError::Unstable);
    }
    let mut statements: Vec<Option<FlatStatement>> = statements.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| statements[index].take()).collect())
}
