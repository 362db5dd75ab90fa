//! The top module: the layers wired in the network's order, and the handshake around them.

use std::collections::HashMap;

use rtl4ml_hdl::names::Namer;
use rtl4ml_hdl::{
    BusDriver, BusId, Connection, Expr, Instance, Module, Operand, Register, SignalId, Type,
};
use rtl4ml_ir::{Io, Layer, Source, VerifiedNetwork};

use crate::bus::{BusLayout, port_lanes};
use crate::circuit::{Circuit, Interface, LayerSummary, Port};
use crate::doc;
use crate::layer::{BIT, BuiltLayer, Statistics};
use crate::layers::Wire;
use crate::library::Library;
use crate::plan::{LayerCircuit, Plan, PlannedLayer, Timing};

/// A tensor on its way through the top module.
#[derive(Clone, Debug)]
struct Placed {
    /// Its elements' values.
    elements: Vec<Operand>,
    /// Its lanes as a bus, once somebody has needed one; `None` also where all elements are
    /// constants.
    bus: Option<BusId>,
    /// 1 in the cycle in which it is there.
    valid: SignalId,
}

struct Top<'a> {
    network: &'a VerifiedNetwork,
    library: Library,
    module: Module,
    namer: Namer,
    placed: HashMap<Source, Placed>,
    /// When each tensor is there.
    timings: HashMap<Source, Timing>,
    /// Tensors behind so many registers.
    delayed: HashMap<(Source, u64), BusId>,
    /// Flags behind so many registers.
    delayed_flags: HashMap<(SignalId, u64), SignalId>,
    layers: Vec<LayerSummary>,
}

/// The circuit of a plan: its layers and the top module.
pub(crate) fn build(verified: &VerifiedNetwork, plan: Plan) -> Circuit {
    let network = verified.network();
    let initiation_interval_cycles = plan.initiation_interval_cycles();
    let latency_cycles = plan.latency_cycles(&network.outputs);
    let (library, top_name) = Library::new(&network.name);
    let mut namer = Namer::default();
    // A signal must not have the name of its module: linters take it for a mistake.
    for port in ["clk", "rst", "in_valid", "in_ready", "out_valid", "unused", &top_name] {
        namer.name(port);
    }
    let mut top = Top {
        network: verified,
        library,
        module: Module::new(top_name.clone()),
        namer,
        placed: HashMap::new(),
        timings: plan.timings,
        delayed: HashMap::new(),
        delayed_flags: HashMap::new(),
        layers: Vec::new(),
    };
    let inputs = top.inputs(initiation_interval_cycles);
    for (index, layer) in plan.layers.into_iter().enumerate() {
        top.layer(index, layer);
    }
    let outputs = top.outputs(latency_cycles);
    let interface = Interface {
        top: top_name,
        io: Io::Parallel,
        inputs,
        outputs,
        latency_cycles,
        initiation_interval_cycles,
        regular_from: 1,
    };
    let Top { library: Library { mut design, .. }, mut module, layers, .. } = top;
    module.doc = doc::top(verified, &interface);
    design.add(module);
    Circuit { design, interface, layers, decisions: Vec::new() }
}

impl Top<'_> {
    /// The ports on the input side, and when an input is taken.
    fn inputs(&mut self, interval: u64) -> Vec<Port> {
        let network = self.network.network();
        let reset = self.module.add_reset();
        let in_valid = self.module.add_input("in_valid", BIT);
        let in_ready = self.module.add_signal("in_ready", BIT);
        self.module.add_output(in_ready);
        let taken = self.handshake(reset, in_valid, in_ready, interval);
        let mut ports = Vec::new();
        for (index, input) in network.inputs.iter().enumerate() {
            let source = Source::Input(rtl4ml_ir::InputId(index as u32));
            let tensor = self.network.tensor_type(source);
            let name = self.namer.name(&input.name);
            let port = Port::of(name.clone(), &input.name, tensor);
            let lanes = port_lanes(tensor);
            let bus = (!lanes.is_empty())
                .then(|| self.module.add_input_bus(&mut self.namer, &name, &lanes));
            // The port's lanes have the formats' types; the layers read lanes of the ranges'.
            let layout = BusLayout::of(tensor);
            let elements = layout.port_elements(&self.module, bus, tensor);
            let bus = bus.filter(|bus| self.module.lane_types(*bus) == layout.lane_types());
            let placed = Placed { elements, bus, valid: taken };
            self.placed.insert(source, placed);
            ports.push(port);
        }
        ports
    }

    /// The lanes of a tensor as a bus; `None` where all elements are constants.
    fn bus(&mut self, source: Source) -> Option<BusId> {
        let placed = &self.placed[&source];
        let layout = BusLayout::of(self.network.tensor_type(source));
        let types = layout.lane_types();
        if placed.bus.is_some() || types.is_empty() {
            return placed.bus;
        }
        let values = layout.lane_values(&placed.elements);
        let name = format!("{}_lanes", self.network.network().source_name(source));
        let name = self.namer.name(&name);
        let bus = self.module.add_bus(&mut self.namer, &name, &types, BusDriver::Lanes(values));
        self.placed.entry(source).and_modify(|placed| placed.bus = Some(bus));
        Some(bus)
    }

    /// The bus of a tensor in a later cycle.
    fn bus_at(&mut self, source: Source, cycle: u64) -> Option<BusId> {
        let mut bus = self.bus(source)?;
        for delay in 1..=cycle - self.timings[&source].cycle {
            if let Some(known) = self.delayed.get(&(source, delay)) {
                bus = *known;
                continue;
            }
            let tensor_name = self.network.network().source_name(source);
            let name = self.namer.name(&format!("{tensor_name}_q{delay}"));
            bus = self.module.register_bus(&mut self.namer, &name, bus);
            self.delayed.insert((source, delay), bus);
        }
        Some(bus)
    }

    /// The flag of a tensor in a later cycle.
    fn valid_at(&mut self, source: Source, cycle: u64) -> SignalId {
        let (first, name) =
            (self.placed[&source].valid, self.network.network().source_name(source));
        let mut valid = first;
        for delay in 1..=cycle - self.timings[&source].cycle {
            if let Some(known) = self.delayed_flags.get(&(first, delay)) {
                valid = *known;
                continue;
            }
            let name = self.namer.name(&format!("{name}_valid_q{delay}"));
            valid = self.module.register_with_reset(name, valid);
            self.delayed_flags.insert((first, delay), valid);
        }
        valid
    }

    /// The elements of a tensor in a later cycle.
    fn elements_at(&mut self, source: Source, cycle: u64) -> Vec<Operand> {
        if cycle == self.timings[&source].cycle {
            return self.placed[&source].elements.clone();
        }
        let bus = self.bus_at(source, cycle);
        BusLayout::of(self.network.tensor_type(source)).elements(&self.module, bus)
    }

    /// `in_ready`: low while the slowest layer is busy, and in reset. Returns the flag that an
    /// input is taken.
    fn handshake(
        &mut self,
        reset: SignalId,
        in_valid: SignalId,
        in_ready: SignalId,
        interval: u64,
    ) -> SignalId {
        if interval == 1 {
            self.module.comment("An input is taken in every cycle.");
            self.module.drive(in_ready, Expr::Not { a: reset });
        } else {
            self.module.comment(format!("An input is taken every {interval} cycles at most."));
            let width = 64 - (interval - 1).leading_zeros();
            let ty = Type { width, signed: false };
            let wait = self.namer.name("wait_cycles");
            let wait = self.module.add_signal(wait, ty);
            let idle = self.namer.name("idle");
            let idle = self.module.assign(idle, BIT, Expr::Equal { a: wait, constant: 0 });
            let running = self.namer.name("running");
            let running = self.module.assign(running, BIT, Expr::Not { a: reset });
            self.module.drive(in_ready, Expr::And { a: idle, b: running });
            let minus_one = self.namer.name("wait_minus_one");
            let one = Operand::Constant(1);
            let expr = Expr::Sub { a: wait.into(), shift_a: 0, b: one, shift_b: 0 };
            let minus_one = self.module.assign(minus_one, ty, expr);
            // From idle the counter starts with an input, else it stays; it is only read then.
            let start = self.namer.name("wait_from_idle");
            let then = Operand::Constant(interval as i64 - 1);
            let otherwise = Operand::Constant(0);
            let expr = Expr::Select { condition: in_valid.into(), then, otherwise };
            let start = self.module.assign(start, ty, expr);
            let next = self.namer.name("wait_next");
            let (then, otherwise) = (start.into(), minus_one.into());
            let expr = Expr::Select { condition: idle.into(), then, otherwise };
            let next = self.module.assign(next, ty, expr);
            self.module.registers.push(Register {
                q: wait,
                d: next.into(),
                enable: None,
                reset: true,
            });
        }
        let taken = self.namer.name("taken");
        self.module.assign(taken, BIT, Expr::And { a: in_valid, b: in_ready })
    }

    /// Wires a layer to what it reads.
    fn layer(&mut self, index: usize, planned: PlannedLayer) {
        let network = self.network.network();
        let layer = &network.layers[index];
        let PlannedLayer { start_cycle, circuit } = planned;
        // The flags of tensors that are there in the same cycle are the same. A tensor of constants
        // does not keep a layer waiting.
        let in_time = layer.inputs.iter().filter(|s| self.timings[s].cycle <= start_cycle);
        let latest = in_time.max_by_key(|source| self.timings[source].cycle);
        let valid = match latest {
            Some(source) => self.valid_at(*source, start_cycle),
            None => self.taken(),
        };
        let mut summary = LayerSummary {
            name: layer.name.clone(),
            implementation: layer.implementation,
            module: None,
            latency_cycles: 0,
            initiation_interval_cycles: 1,
            statistics: Statistics::default(),
            parts: Vec::new(),
            instances: Vec::new(),
        };
        let source = Source::Layer(rtl4ml_ir::LayerId(index as u32));
        let placed = match circuit {
            LayerCircuit::Wires(wires) => self.wires(layer, &wires, start_cycle, valid),
            LayerCircuit::Constants(built) => {
                // There is nothing to compute, and no time passes.
                let layout = BusLayout::of(self.network.tensor_type(source));
                let elements = layout.elements(&self.module, None);
                summary.initiation_interval_cycles = built.initiation_interval_cycles;
                summary.statistics = built.statistics;
                summary.parts = built.parts;
                Placed { elements, bus: None, valid }
            }
            LayerCircuit::Module(built) => {
                self.instance(index, built, start_cycle, valid, &mut summary)
            }
        };
        self.placed.insert(source, placed);
        self.layers.push(summary);
    }

    /// A layer that only moves elements.
    fn wires(&mut self, layer: &Layer, wires: &[Wire], cycle: u64, valid: SignalId) -> Placed {
        let inputs: Vec<Vec<Operand>> =
            layer.inputs.iter().map(|source| self.elements_at(*source, cycle)).collect();
        let value = |(input, index): (usize, usize)| inputs[input][index];
        let elements = wires.iter().map(|wire| wire.map_or(Operand::Constant(0), value)).collect();
        // The same elements in the same order are the same bus.
        let is_same = inputs[0].len() == wires.len()
            && wires.iter().enumerate().all(|(index, wire)| *wire == Some((0, index)));
        let bus = self.placed[&layer.inputs[0]].bus.filter(|_| is_same && inputs.len() == 1);
        Placed { elements, bus, valid }
    }

    /// A layer that is a module.
    fn instance(
        &mut self,
        index: usize,
        built: BuiltLayer,
        start_cycle: u64,
        read_valid: SignalId,
        summary: &mut LayerSummary,
    ) -> Placed {
        let network = self.network.network();
        let layer = &network.layers[index];
        let output = self.network.tensor_type(Source::Layer(rtl4ml_ir::LayerId(index as u32)));
        let BuiltLayer { mut module, core, has_valid, latency_cycles, .. } = built;
        summary.latency_cycles = latency_cycles;
        summary.initiation_interval_cycles = built.initiation_interval_cycles;
        summary.statistics = built.statistics;
        summary.parts = built.parts;
        module.doc = doc::layer(self.network, index, summary);
        let id = self.library.add_layer(module, core);
        summary.module = Some(self.library.name(id));

        let buses: Vec<BusId> =
            layer.inputs.iter().filter_map(|source| self.bus_at(*source, start_cycle)).collect();
        let lanes = BusLayout::of(output).lane_types();
        let bus_name = self.namer.name(&format!("{}_y", layer.name));
        let bus = self.module.add_bus(&mut self.namer, &bus_name, &lanes, BusDriver::Whole);
        let mut connections = Vec::new();
        let mut valid = read_valid;
        if has_valid {
            let reset = self.module.reset.unwrap_or(read_valid);
            connections.extend([Connection::Signal(reset), Connection::Signal(read_valid)]);
        }
        connections.extend(buses.into_iter().map(Connection::Bus));
        if has_valid {
            let name = self.namer.name(&format!("{}_valid", layer.name));
            valid = self.module.add_signal(name, BIT);
            connections.push(Connection::Signal(valid));
        }
        connections.push(Connection::Bus(bus));
        let name = self.namer.name(&format!("u_{}", layer.name));
        summary.instances.push(name.clone());
        self.module.instances.push(Instance { name, module: id, connections });
        let elements = BusLayout::of(output).elements(&self.module, Some(bus));
        Placed { elements, bus: Some(bus), valid }
    }

    /// The ports on the output side: registered, and all in the same cycle.
    fn outputs(&mut self, latency_cycles: u64) -> Vec<Port> {
        let network = self.network.network();
        let mut valid = None;
        let mut ports = Vec::new();
        let mut port_buses = Vec::new();
        for source in &network.outputs {
            let tensor_name = network.source_name(*source);
            let tensor = self.network.tensor_type(*source);
            let elements = self.elements_at(*source, latency_cycles);
            let delay = latency_cycles - self.timings[source].cycle;
            if valid.is_none() {
                valid = Some((self.placed[source].valid, delay));
            }
            let name = self.namer.name(tensor_name);
            let values = (0..tensor.element_count())
                .filter(|index| tensor.format(*index).width > 0)
                .map(|index| elements[index])
                .collect::<Vec<_>>();
            ports.push(Port::of(name.clone(), tensor_name, tensor));
            port_buses.push((name, port_lanes(tensor), values));
        }
        let (valid, delay) = valid.unwrap_or((self.taken(), 1));
        let mut out_valid = valid;
        for cycle in 1..=delay {
            let name = if cycle == delay {
                "out_valid".to_owned()
            } else {
                self.namer.name(&format!("valid_q{cycle}"))
            };
            out_valid = self.module.register_with_reset(name, out_valid);
        }
        if delay == 0 {
            let expr = Expr::ShiftRight { a: valid, shift: 0 };
            out_valid = self.module.assign("out_valid", BIT, expr);
        }
        self.module.add_output(out_valid);
        for (name, lanes, values) in port_buses {
            if !lanes.is_empty() {
                self.module.add_output_bus(&name, &lanes, values);
            }
        }
        ports
    }

    /// The flag that an input is taken.
    fn taken(&self) -> SignalId {
        self.placed[&Source::Input(rtl4ml_ir::InputId(0))].valid
    }
}
