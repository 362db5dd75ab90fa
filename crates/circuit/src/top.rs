//! The top module: the layers wired in the network's order, and the handshake around them.

use std::collections::HashMap;

use rtl4ml_hdl::names::Namer;
use rtl4ml_hdl::{
    BusDriver, BusId, Connection, Design, Expr, Instance, Module, ModuleId, Operand, Register,
    SignalId, Type,
};
use rtl4ml_ir::{Source, TensorType, VerifiedNetwork};

use crate::bus::BusLayout;
use crate::circuit::{Circuit, CircuitError, Interface, LayerSummary, Port};
use crate::delay::DelayModel;
use crate::doc;
use crate::layer::{BIT, BuiltLayer, Statistics};
use crate::layers::LayerContext;

/// A tensor on its way through the top module.
#[derive(Clone, Debug)]
struct Placed {
    /// Its lanes; `None` where all elements are constants.
    bus: Option<BusId>,
    /// 1 in the cycle in which it is there.
    valid: SignalId,
    /// That cycle, counted from the one in which the input is taken.
    cycle: u64,
    /// When each element is there within the cycle.
    arrivals_ps: Vec<u32>,
}

struct Top<'a> {
    network: &'a VerifiedNetwork,
    model: DelayModel,
    design: Design,
    module: Module,
    namer: Namer,
    module_namer: Namer,
    /// Modules by what they are but for their names, so that equal ones are emitted once.
    known: HashMap<String, ModuleId>,
    placed: HashMap<Source, Placed>,
    layers: Vec<LayerSummary>,
}

/// Builds all layers and the top module.
pub(crate) fn build(verified: &VerifiedNetwork) -> Result<Circuit, CircuitError> {
    let network = verified.network();
    let mut module_namer = Namer::default();
    let top_name = module_namer.name(&network.name);
    let mut namer = Namer::default();
    for port in ["clk", "rst", "in_valid", "in_ready", "out_valid", "unused"] {
        namer.name(port);
    }
    let mut top = Top {
        network: verified,
        model: DelayModel::new(&network.target),
        design: Design::default(),
        module: Module::new(top_name.clone()),
        namer,
        module_namer,
        known: HashMap::new(),
        placed: HashMap::new(),
        layers: Vec::new(),
    };
    let initiation_interval_cycles = network
        .layers
        .iter()
        .filter(|layer| layer.op.kernel_shape().is_some())
        .map(|layer| layer.implementation.reuse_factor)
        .max()
        .unwrap_or(1);
    let inputs = top.inputs(initiation_interval_cycles);
    for index in 0..network.layers.len() {
        top.layer(index)?;
    }
    let (outputs, latency_cycles) = top.outputs();
    let interface =
        Interface { top: top_name, inputs, outputs, latency_cycles, initiation_interval_cycles };
    let Top { mut design, mut module, layers, .. } = top;
    module.doc = doc::top(verified, &interface);
    design.add(module);
    Ok(Circuit { design, interface, layers })
}

/// The lanes of a port, which are as wide as the format says.
fn port_lanes(tensor: &TensorType) -> Vec<Type> {
    (0..tensor.element_count())
        .map(|index| tensor.format(index))
        .filter(|format| format.width > 0)
        .map(|format| Type { width: format.width, signed: format.signed })
        .collect()
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
            let bus = bus.and_then(|bus| self.as_ranges(&name, bus, tensor, &layout));
            let arrivals_ps = vec![0; tensor.element_count()];
            self.placed.insert(source, Placed { bus, valid: taken, cycle: 0, arrivals_ps });
            ports.push(port);
        }
        ports
    }

    /// The lanes of an input port as the layers read them. They are the same but where a format
    /// holds one value only, or where a signed format has no negative values.
    fn as_ranges(
        &mut self,
        name: &str,
        bus: BusId,
        tensor: &TensorType,
        layout: &BusLayout,
    ) -> Option<BusId> {
        let wanted = layout.lane_types();
        let port: Vec<Type> = self.module.lanes(bus).map(|lane| self.module.ty(lane)).collect();
        if wanted == port {
            return Some(bus);
        }
        let mut lanes = self.module.lanes(bus);
        let values: Vec<Operand> = (0..tensor.element_count())
            .map(|index| match tensor.format(index).width {
                0 => Operand::Constant(0),
                _ => lanes.next().map_or(Operand::Constant(0), Operand::Signal),
            })
            .collect();
        let values = layout.lane_values(&values);
        let name = self.namer.name(&format!("{name}_lanes"));
        (!wanted.is_empty())
            .then(|| self.module.add_bus(&mut self.namer, &name, &wanted, BusDriver::Lanes(values)))
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

    /// Builds a layer and wires it to what it reads.
    fn layer(&mut self, index: usize) -> Result<(), CircuitError> {
        let network = self.network.network();
        let layer = &network.layers[index];
        let source = Source::Layer(rtl4ml_ir::LayerId(index as u32));
        let from = layer.inputs[0];
        let input = self.network.tensor_type(from);
        let output = self.network.tensor_type(source);
        let placed = self.placed[&from].clone();
        let module_name = format!("{}_{}", network.name, layer.name);
        let context = LayerContext {
            module_name: &module_name,
            layer,
            input,
            output,
            arrivals_ps: &placed.arrivals_ps,
            model: &self.model,
        };
        let Some(built) = context.build()? else {
            self.layers.push(LayerSummary {
                name: layer.name.clone(),
                module: None,
                latency_cycles: 0,
                initiation_interval_cycles: 1,
                statistics: Statistics::default(),
                parts: Vec::new(),
            });
            self.placed.insert(source, placed);
            return Ok(());
        };
        let BuiltLayer { mut module, has_valid, latency_cycles, .. } = built;
        let lanes = BusLayout::of(output).lane_types();
        let is_needed = !lanes.is_empty();
        let mut summary = LayerSummary {
            name: layer.name.clone(),
            module: None,
            latency_cycles,
            initiation_interval_cycles: built.initiation_interval_cycles,
            statistics: built.statistics,
            parts: built.parts,
        };
        let arrivals_ps = built.arrivals_ps;
        if !is_needed {
            // Every element is known: there is nothing to compute, and no time passes.
            summary.latency_cycles = 0;
            let Placed { valid, cycle, .. } = placed;
            self.placed.insert(source, Placed { bus: None, valid, cycle, arrivals_ps });
            self.layers.push(summary);
            return Ok(());
        }
        module.doc = doc::layer(self.network, index, &summary);
        let id = self.add_module(module);
        summary.module = Some(self.design.module(id).name.clone());

        let bus_name = self.namer.name(&format!("{}_y", layer.name));
        let bus = self.module.add_bus(&mut self.namer, &bus_name, &lanes, BusDriver::Whole);
        let mut connections = Vec::new();
        let mut valid = placed.valid;
        if has_valid {
            let reset = self.module.reset.unwrap_or(placed.valid);
            connections.extend([Connection::Signal(reset), Connection::Signal(placed.valid)]);
        }
        connections.extend(placed.bus.map(Connection::Bus));
        if has_valid {
            let name = self.namer.name(&format!("{}_valid", layer.name));
            valid = self.module.add_signal(name, BIT);
            connections.push(Connection::Signal(valid));
        }
        connections.push(Connection::Bus(bus));
        let name = self.namer.name(&format!("u_{}", layer.name));
        self.module.instances.push(Instance { name, module: id, connections });
        let cycle = placed.cycle + u64::from(latency_cycles);
        self.placed.insert(source, Placed { bus: Some(bus), valid, cycle, arrivals_ps });
        self.layers.push(summary);
        Ok(())
    }

    /// Adds a module, unless one that differs in its name alone is there.
    fn add_module(&mut self, mut module: Module) -> ModuleId {
        let name = std::mem::take(&mut module.name);
        let doc = std::mem::take(&mut module.doc);
        let key = rtl4ml_hdl::verilog::module_text(&self.design, &module);
        if let Some(id) = self.known.get(&key) {
            let same = &mut self.design.modules[id.0 as usize];
            same.doc.push(String::new());
            same.doc.push("The same module serves:".to_owned());
            same.doc.extend(doc);
            return *id;
        }
        module.name = self.module_namer.name(&name);
        module.doc = doc;
        let id = self.design.add(module);
        self.known.insert(key, id);
        id
    }

    /// The ports on the output side: registered, and all in the same cycle.
    fn outputs(&mut self) -> (Vec<Port>, u64) {
        let network = self.network.network();
        let placed: Vec<Placed> =
            network.outputs.iter().map(|source| self.placed[source].clone()).collect();
        // A result that is not at the start of a cycle, or comes straight from an input, is
        // registered once more.
        let registered = |placed: &Placed| {
            let late = placed.cycle == 0 || placed.arrivals_ps.iter().any(|ps| *ps > 0);
            placed.cycle + u64::from(late)
        };
        let latency_cycles = placed.iter().map(registered).max().unwrap_or(1);
        let mut valid = None;
        let mut ports = Vec::new();
        let mut port_buses = Vec::new();
        for (source, placed) in network.outputs.iter().zip(placed) {
            let tensor_name = network.source_name(*source);
            let delay = latency_cycles - placed.cycle;
            let tensor = self.network.tensor_type(*source);
            let layout = BusLayout::of(tensor);
            let bus = placed.bus.map(|bus| {
                (1..=delay).fold(bus, |bus, cycle| {
                    let name = self.namer.name(&format!("{tensor_name}_q{cycle}"));
                    self.module.register_bus(&mut self.namer, &name, bus)
                })
            });
            if valid.is_none() {
                valid = Some((placed.valid, delay));
            }
            let name = self.namer.name(tensor_name);
            let elements = layout.elements(&self.module, bus);
            let values = (0..tensor.element_count())
                .filter(|index| tensor.format(*index).width > 0)
                .map(|index| elements[index])
                .collect::<Vec<_>>();
            ports.push(Port::of(name.clone(), tensor_name, tensor));
            port_buses.push((name, port_lanes(tensor), values));
        }
        let (valid, delay) = valid.unwrap_or((self.placed_input_valid(), 1));
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
        (ports, latency_cycles)
    }

    fn placed_input_valid(&self) -> SignalId {
        self.placed[&Source::Input(rtl4ml_ir::InputId(0))].valid
    }
}
