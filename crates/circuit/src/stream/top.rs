//! The top module of a network of streams: the parts of the plan, wired.

use rtl4ml_hdl::names::Namer;
use rtl4ml_hdl::{
    BusDriver, BusId, Connection, Expr, Instance, MemoryStyle, Module, Operand, SignalId,
};
use rtl4ml_ir::{Io, Source, TensorType, VerifiedNetwork};

use super::model::ChannelId;
use super::plan::{Channel, Core, Front, Part, Plan, Stage};
use super::{collect, emit, fifo, fork, gate};
use crate::bus::{BusLayout, port_lanes};
use crate::circuit::{Circuit, Interface, LayerSummary, Port};
use crate::doc;
use crate::layer::{BIT, Statistics};
use crate::library::Library;

/// What follows a port's name in the names of its signals.
const PORT_SUFFIXES: [&str; 3] = ["_tdata", "_tvalid", "_tready"];

/// A stream in the top module.
#[derive(Clone, Copy, Debug)]
struct Wires {
    valid: SignalId,
    ready: SignalId,
    /// `None` where all that a transfer holds is known.
    bus: Option<BusId>,
}

struct Top<'a> {
    verified: &'a VerifiedNetwork,
    library: Library,
    module: Module,
    namer: Namer,
    channels: Vec<Channel>,
    wires: Vec<Wires>,
    layers: Vec<LayerSummary>,
}

/// The circuit of a plan: its parts and the top module.
pub(crate) fn build(verified: &VerifiedNetwork, plan: Plan) -> Circuit {
    let network = verified.network();
    let Plan { parts, channels, layer_intervals, run } = plan;
    let (library, top_name) = Library::new(&network.name);
    let mut namer = Namer::default();
    // A signal must not have the name of its module: linters take it for a mistake.
    for port in ["clk", "rst", "unused", &top_name] {
        namer.name(port);
    }
    let summary = |(layer, interval): (&rtl4ml_ir::Layer, u64)| LayerSummary {
        name: layer.name.clone(),
        implementation: layer.implementation,
        module: None,
        latency_cycles: 0,
        initiation_interval_cycles: interval,
        statistics: Statistics::default(),
        parts: Vec::new(),
        instances: Vec::new(),
    };
    let mut top = Top {
        verified,
        library,
        module: Module::new(top_name.clone()),
        namer,
        channels,
        wires: Vec::new(),
        layers: network.layers.iter().zip(layer_intervals).map(summary).collect(),
    };
    top.module.add_reset();
    let inputs = top.inputs();
    top.channel_wires(&parts);
    let mut outputs = Vec::new();
    for part in parts {
        match part {
            Part::Input { .. } => {}
            Part::Stage(stage) => top.stage(stage),
            Part::Emit { name, input, output } => top.emit(&name, input, output),
            Part::Fork { name, input, outputs } => top.fork(&name, input, &outputs),
            Part::Output { input } => {
                let port = top.output(outputs.len(), input);
                outputs.push(port);
            }
        }
    }
    let interface = Interface {
        top: top_name,
        io: Io::Stream,
        inputs,
        outputs,
        latency_cycles: run.latency_cycles,
        initiation_interval_cycles: run.interval_cycles,
        regular_from: run.regular_from,
    };
    let Top { library: Library { mut design, .. }, mut module, layers, .. } = top;
    module.doc = doc::top(verified, &interface);
    design.add(module);
    Circuit { design, interface, layers, decisions: Vec::new() }
}

impl Top<'_> {
    /// The input ports; they are the wires of the first streams.
    fn inputs(&mut self) -> Vec<Port> {
        let network = self.verified.network();
        let mut ports = Vec::new();
        for (index, input) in network.inputs.iter().enumerate() {
            let Channel { transfer, transfers, .. } = self.channels[index].clone();
            let name = self.namer.name_with(&input.name, &PORT_SUFFIXES);
            let port =
                Port::streamed(name.clone(), &input.name, &input.extents, &transfer, transfers);
            let valid = self.module.add_input(port.valid_name(), BIT);
            let ready = self.module.add_signal(port.ready_name(), BIT);
            self.module.add_output(ready);
            let lanes = port_lanes(&transfer);
            let data_name = port.data_name(Io::Stream);
            let bus = (!lanes.is_empty())
                .then(|| self.module.add_input_bus(&mut self.namer, &data_name, &lanes));
            let bus = bus.and_then(|bus| self.as_ranges(&name, bus, &transfer));
            self.wires.push(Wires { valid, ready, bus });
            ports.push(port);
        }
        ports
    }

    /// The lanes of an input port as its readers take them. They are the same but where a format
    /// holds one value only, or where a signed format has no negative values.
    fn as_ranges(&mut self, name: &str, bus: BusId, transfer: &TensorType) -> Option<BusId> {
        let layout = BusLayout::of(transfer);
        let wanted = layout.lane_types();
        if wanted == self.module.lane_types(bus) {
            return Some(bus);
        }
        let values = layout.lane_values(&layout.port_elements(&self.module, Some(bus), transfer));
        let name = self.namer.name(&format!("{name}_lanes"));
        let driver = BusDriver::Lanes(values);
        (!wanted.is_empty()).then(|| self.module.add_bus(&mut self.namer, &name, &wanted, driver))
    }

    /// The wires of all other streams, named after the parts that feed them.
    fn channel_wires(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Input { .. } | Part::Output { .. } => {}
                Part::Stage(stage) => {
                    // A stage is called after its last layer.
                    let last = stage.cores.last().map(|core| core.layer.0 as usize);
                    let name = last.map_or(&stage.name, |layer| &self.layers[layer].name).clone();
                    self.wires_of(stage.output, &name, None);
                }
                Part::Emit { name, output, .. } => self.wires_of(*output, name, None),
                Part::Fork { name, input, outputs } => {
                    for (index, output) in outputs.iter().enumerate() {
                        self.wires_of(*output, &format!("{name}_{index}"), Some(*input));
                    }
                }
            }
        }
    }

    /// The wires of a stream; those of the data are its own unless they are `shared`.
    fn wires_of(&mut self, channel: ChannelId, name: &str, shared: Option<ChannelId>) {
        debug_assert_eq!(channel.0, self.wires.len(), "streams are numbered as parts feed them");
        let mut bit = |suffix: &str| {
            let name = self.namer.name(&format!("{name}_{suffix}"));
            self.module.add_signal(name, BIT)
        };
        let (valid, ready) = (bit("valid"), bit("ready"));
        let bus = if let Some(shared) = shared {
            self.wires[shared.0].bus
        } else {
            let tensor = self.channels[channel.0].transfer.clone();
            self.tensor_bus(&format!("{name}_data"), &tensor)
        };
        self.wires.push(Wires { valid, ready, bus });
    }

    /// A bus for a tensor that an instance drives.
    fn tensor_bus(&mut self, name: &str, tensor: &TensorType) -> Option<BusId> {
        let lanes = BusLayout::of(tensor).lane_types();
        let name = self.namer.name(name);
        (!lanes.is_empty())
            .then(|| self.module.add_bus(&mut self.namer, &name, &lanes, BusDriver::Whole))
    }

    fn bit(&mut self, name: &str) -> SignalId {
        let name = self.namer.name(name);
        self.module.add_signal(name, BIT)
    }

    fn reset(&self) -> Connection {
        Connection::Signal(self.module.reset.unwrap_or(SignalId(0)))
    }

    /// Adds an instance of a module and counts what that is made of for its layer.
    fn instance(
        &mut self,
        name: &str,
        module: Module,
        owner: Option<usize>,
        connections: Vec<Connection>,
    ) {
        let instance = self.namer.name(&format!("u_{name}"));
        if let Some(owner) = owner {
            self.layers[owner].instances.push(instance.clone());
            let statistics = &mut self.layers[owner].statistics;
            statistics.register_bits += module.register_bits();
            statistics.ram_bits += module.ram_bits();
        }
        let module = self.library.add(module);
        self.module.instances.push(Instance { name: instance, module, connections });
    }

    fn module_name(&self, part: &str) -> String {
        format!("{}_{part}", self.verified.network().name)
    }

    fn stage(&mut self, stage: Stage) {
        let owner = stage.owner.0 as usize;
        let name = stage.name.clone();
        let start = self.bit(&format!("{name}_start"));
        let room = self.bit(&format!("{name}_room"));
        let mut buses = self.front(&stage, start, room);
        let (output, depth) = (self.wires[stage.output.0], stage.depth);
        let mut valid = start;
        let result = stage.result().clone();
        for core in stage.cores {
            let operands = buses;
            (valid, buses) = self.core(core, valid, &operands);
        }
        // What reads a buffer was built before its depth was known: only of one that balances was
        // it assumed that it may be a block RAM, whose output comes late.
        let style =
            if stage.is_balancing { fifo::memory_style(depth) } else { MemoryStyle::Distributed };
        let module_name = self.module_name(&format!("{name}_buffer"));
        let mut module = fifo::module(&module_name, depth, &lanes_of(&result), style);
        module.doc = vec![
            format!("Buffer behind {name} of {}: {depth} transfers.", self.verified.network().name),
            format!("  a transfer: {result}"),
        ];
        let mut connections =
            vec![self.reset(), Connection::Signal(start), Connection::Signal(valid)];
        connections.extend(buses[0].map(Connection::Bus));
        connections.extend([output.ready, room, output.valid].map(Connection::Signal));
        connections.extend(output.bus.map(Connection::Bus));
        self.instance(&format!("{name}_buffer"), module, Some(owner), connections);
    }

    /// The front of a stage; returns what it hands on.
    fn front(&mut self, stage: &Stage, start: SignalId, room: SignalId) -> Vec<Option<BusId>> {
        let Stage { name, interval, .. } = stage;
        let inputs: Vec<Wires> = stage.inputs.iter().map(|input| self.wires[input.0]).collect();
        let network_name = &self.verified.network().name;
        let (mut module, suffix) = match &stage.front {
            Front::Gate if inputs.len() == 1 && *interval == 1 => {
                let Wires { valid, ready, bus } = inputs[0];
                self.module.drive(start, Expr::And { a: valid, b: room });
                self.module.drive(ready, Expr::ShiftRight { a: room, shift: 0 });
                return vec![bus];
            }
            Front::Gate => {
                let name = self.module_name(&format!("{name}_gate"));
                (gate::module(&name, inputs.len(), *interval), "gate")
            }
            Front::Scan(scan) => {
                let name = self.module_name(&format!("{name}_window"));
                (scan.module(&name, *interval), "window")
            }
            Front::Collect(transfers) => {
                let name = self.module_name(&format!("{name}_front"));
                let transfer = &self.channels[stage.inputs[0].0].transfer;
                let whole = &stage.operands[0];
                (collect::module(&name, transfer, *transfers, whole, *interval), "front")
            }
        };
        module.doc = vec![
            format!(
                "Front of {name} of {network_name}: starts a result every {interval} cycles at most."
            ),
            format!("  it hands on: {}", stage.operands[0]),
        ];
        let mut connections = vec![self.reset()];
        let signal = Connection::Signal;
        let buses = if let Front::Gate = stage.front {
            connections.extend(inputs.iter().map(|wires| signal(wires.valid)));
            connections.push(signal(room));
            connections.extend(inputs.iter().map(|wires| signal(wires.ready)));
            connections.push(signal(start));
            inputs.iter().map(|wires| wires.bus).collect()
        } else {
            let window = self.tensor_bus(&format!("{name}_{suffix}_data"), &stage.operands[0]);
            connections.push(signal(inputs[0].valid));
            connections.extend(inputs[0].bus.map(Connection::Bus));
            connections.extend([room, inputs[0].ready, start].map(signal));
            connections.extend(window.map(Connection::Bus));
            vec![window]
        };
        let owner = Some(stage.owner.0 as usize);
        self.instance(&format!("{name}_{suffix}"), module, owner, connections);
        buses
    }

    /// A layer's arithmetic; returns the flag and the bus of its result.
    fn core(
        &mut self,
        core: Core,
        valid: SignalId,
        operands: &[Option<BusId>],
    ) -> (SignalId, Vec<Option<BusId>>) {
        let Core { layer, built, wires, result, operands: tensors } = core;
        let index = layer.0 as usize;
        let name = self.layers[index].name.clone();
        let lanes = lanes_of(&result);
        let Some(built) = built else {
            let elements: Vec<Vec<Operand>> = operands
                .iter()
                .zip(&tensors)
                .map(|(bus, tensor)| BusLayout::of(tensor).elements(&self.module, *bus))
                .collect();
            let value = |(input, index): (usize, usize)| elements[input][index];
            let values: Vec<Operand> =
                wires.iter().map(|wire| wire.map_or(Operand::Constant(0), value)).collect();
            let values = BusLayout::of(&result).lane_values(&values);
            let name = self.namer.name(&format!("{name}_moved"));
            let driver = BusDriver::Lanes(values);
            let bus = (!lanes.is_empty())
                .then(|| self.module.add_bus(&mut self.namer, &name, &lanes, driver));
            return (valid, vec![bus]);
        };
        let summary = &mut self.layers[index];
        summary.latency_cycles = built.latency_cycles;
        summary.statistics.add(&built.statistics);
        summary.parts = built.parts;
        let mut module = built.module;
        module.doc = doc::layer(self.verified, index, &self.layers[index]);
        let id = self.library.add_layer(module, built.core);
        self.layers[index].module = Some(self.library.name(id));
        let bus = self.tensor_bus(&format!("{name}_result"), &result);
        let mut connections = Vec::new();
        let mut out_valid = valid;
        if built.has_valid {
            connections.extend([self.reset(), Connection::Signal(valid)]);
        }
        connections.extend(operands.iter().flatten().map(|bus| Connection::Bus(*bus)));
        if built.has_valid {
            out_valid = self.bit(&format!("{name}_done"));
            connections.push(Connection::Signal(out_valid));
        }
        connections.extend(bus.map(Connection::Bus));
        if !connections.is_empty() {
            let name = self.namer.name(&format!("u_{name}"));
            self.layers[index].instances.push(name.clone());
            self.module.instances.push(Instance { name, module: id, connections });
        }
        (out_valid, vec![bus])
    }

    fn emit(&mut self, name: &str, input: ChannelId, output: ChannelId) {
        let Channel { transfer: whole, .. } = self.channels[input.0].clone();
        let Channel { transfer, transfers, .. } = self.channels[output.0].clone();
        let transfers = transfers / self.channels[input.0].transfers;
        let mut module = emit::module(&self.module_name(name), &whole, &transfer, transfers);
        module.doc = vec![format!("{name}: {transfers} transfers of {transfer}.")];
        let (from, to) = (self.wires[input.0], self.wires[output.0]);
        let mut connections = vec![self.reset(), Connection::Signal(from.valid)];
        connections.extend(from.bus.map(Connection::Bus));
        connections.extend([to.ready, from.ready, to.valid].map(Connection::Signal));
        connections.extend(to.bus.map(Connection::Bus));
        self.instance(name, module, None, connections);
    }

    fn fork(&mut self, name: &str, input: ChannelId, outputs: &[ChannelId]) {
        let mut module = fork::module(&self.module_name(name), outputs.len());
        module.doc = vec![format!("{name}: {} readers.", outputs.len())];
        let from = self.wires[input.0];
        let to: Vec<Wires> = outputs.iter().map(|output| self.wires[output.0]).collect();
        let mut connections = vec![self.reset(), Connection::Signal(from.valid)];
        connections.extend(to.iter().map(|wires| Connection::Signal(wires.ready)));
        connections.push(Connection::Signal(from.ready));
        connections.extend(to.iter().map(|wires| Connection::Signal(wires.valid)));
        self.instance(name, module, None, connections);
    }

    fn output(&mut self, index: usize, input: ChannelId) -> Port {
        let source: Source = self.verified.network().outputs[index];
        let tensor_name = self.verified.network().source_name(source);
        let Channel { transfer, transfers, .. } = self.channels[input.0].clone();
        let name = self.namer.name_with(tensor_name, &PORT_SUFFIXES);
        let shape = self.verified.tensor_type(source).shape.extents();
        let port = Port::streamed(name, tensor_name, shape, &transfer, transfers);
        let Wires { valid, ready, bus } = self.wires[input.0];
        let taken = self.module.add_input(port.ready_name(), BIT);
        self.module.drive(ready, Expr::ShiftRight { a: taken, shift: 0 });
        let copy = Expr::ShiftRight { a: valid, shift: 0 };
        let valid = self.module.assign(port.valid_name(), BIT, copy);
        self.module.add_output(valid);
        let lanes = port_lanes(&transfer);
        if !lanes.is_empty() {
            let elements = BusLayout::of(&transfer).elements(&self.module, bus);
            let has_lane = |(index, _): &(usize, Operand)| transfer.format(*index).width > 0;
            let values = elements.into_iter().enumerate().filter(has_lane);
            let values = values.map(|(_, value)| value).collect();
            self.module.add_output_bus(&port.data_name(Io::Stream), &lanes, values);
        }
        port
    }
}

fn lanes_of(tensor: &TensorType) -> Vec<rtl4ml_hdl::Type> {
    BusLayout::of(tensor).lane_types()
}
