//! A layer as a module, whatever its kind.

use rtl4ml_hdl::names::Namer;
use rtl4ml_hdl::{BusDriver, Module, ModuleId, Operand, SignalId};
use rtl4ml_ir::TensorType;

use crate::bus::BusLayout;
use crate::circuit::CircuitError;
use crate::dataflow::{Dataflow, NodeOp, Term, TooWide};
use crate::delay::{dsp_blocks, factor_width};
use crate::layers::LayerContext;
use crate::lower::{constant, lower};
use crate::schedule::{Moment, Schedule};

/// A layer's module, its timing and what it is made of.
#[derive(Debug)]
pub struct BuiltLayer {
    /// The module. Its ports, each where it is needed: `rst`, `in_valid`, `x` (with several inputs
    /// `x0`, `x1`, ...), `out_valid`, `y`.
    pub module: Module,
    /// A module that this one instantiates, which names it [`CORE`].
    pub core: Option<Module>,
    /// Whether the module has the ports `rst`, `in_valid` and `out_valid`: a purely
    /// combinational one has not.
    pub has_valid: bool,
    /// Cycles from the input to the output.
    pub latency_cycles: u32,
    /// Cycles between two inputs.
    pub initiation_interval_cycles: u64,
    /// When each output element is there within its stage.
    pub arrivals_ps: Vec<u32>,
    /// What the layer is made of.
    pub statistics: Statistics,
    /// The arithmetic, in the order of the data.
    pub parts: Vec<Part>,
}

/// What a layer's module calls its core until that is part of a design.
pub const CORE: ModuleId = ModuleId(u32::MAX);

/// A dataflow that was lowered, with its schedule.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it computes, for people.
    pub title: &'static str,
    /// The operations.
    pub dataflow: Dataflow,
    /// Their moments.
    pub schedule: Schedule,
}

/// What a layer is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Statistics {
    /// The size of the multiplier array: products a cycle, less those whose weights are all zero
    /// or powers of two.
    pub multipliers: u64,
    /// The multipliers in DSP blocks that remain when equal products are computed once.
    pub dsp_multipliers: u64,
    /// The DSP blocks that these take.
    pub dsp_blocks: u64,
    /// Adders and subtractors, those of multipliers in logic included.
    pub adders: u64,
    /// Bits in registers.
    pub register_bits: u64,
    /// Bits of weights and tables in ROMs.
    pub rom_bits: u64,
    /// Bits of line buffers and of buffers between layers in RAMs.
    pub ram_bits: u64,
    /// The longest delay between two registers by the delay model, in picoseconds.
    pub worst_stage_ps: u32,
}

impl Statistics {
    /// Adds what another part of the layer is made of.
    pub fn add(&mut self, other: &Self) {
        self.multipliers += other.multipliers;
        self.dsp_multipliers += other.dsp_multipliers;
        self.dsp_blocks += other.dsp_blocks;
        self.adders += other.adders;
        self.register_bits += other.register_bits;
        self.rom_bits += other.rom_bits;
        self.ram_bits += other.ram_bits;
        self.worst_stage_ps = self.worst_stage_ps.max(other.worst_stage_ps);
    }

    /// Adds what a dataflow is made of.
    pub fn count(&mut self, Part { dataflow, schedule, .. }: &Part) {
        self.worst_stage_ps = self.worst_stage_ps.max(schedule.worst_ps);
        let adders = |op: &NodeOp| match op {
            NodeOp::Add(..) | NodeOp::Sub(..) => true,
            NodeOp::Compress(sum, _) => !sum.counters.is_empty(),
            _ => false,
        };
        self.adders += dataflow.count(adders) as u64;
        for (_, node) in dataflow.nodes() {
            let width = |id| factor_width(dataflow.range(id));
            let blocks = match &node.op {
                NodeOp::MultiplyConstant(a, constant) => {
                    dsp_blocks(width(*a), 65 - constant.leading_zeros())
                }
                NodeOp::Multiply(a, b) => dsp_blocks(width(*a), width(*b)),
                NodeOp::Lookup { entries, .. } => {
                    self.rom_bits += entries.len() as u64 * u64::from(node.range.width());
                    continue;
                }
                _ => continue,
            };
            self.dsp_multipliers += 1;
            self.dsp_blocks += u64::from(blocks);
        }
    }
}

/// What the port of an input is called, of so many inputs.
pub(crate) fn input_name(input: usize, inputs: usize) -> String {
    if inputs == 1 { "x".to_owned() } else { format!("x{input}") }
}

/// The elements of the tensors that a layer reads, as inputs of a dataflow.
fn input_terms(dataflow: &mut Dataflow, inputs: &[&TensorType]) -> Vec<Vec<Term>> {
    let of_input = |(input, tensor): (usize, &&TensorType)| {
        let port = input_name(input, inputs.len());
        let term = |(index, range)| {
            let node = dataflow.input(format!("{port}_{index}"), range);
            let fraction_bits = tensor.format(index).fraction_bits();
            Term { node, fraction_bits, negative: false }
        };
        tensor.ranges.iter().copied().enumerate().map(term).collect()
    };
    inputs.iter().enumerate().map(of_input).collect()
}

/// A layer that is fully parallel: its arithmetic, without time.
#[derive(Debug)]
pub struct Untimed {
    /// The operations from the elements of its inputs to those of its output.
    pub dataflow: Dataflow,
    /// What only who made the dataflow knows of what it is made of.
    pub statistics: Statistics,
}

/// The dataflow of a layer that is fully parallel: `results` computes the elements of the output
/// from those of each input.
///
/// # Errors
/// When an intermediate needs more than 64 bits.
pub fn parallel_layer(
    context: &LayerContext,
    results: impl FnOnce(&mut Dataflow, &[Vec<Term>]) -> Result<Vec<Term>, TooWide>,
) -> Result<Untimed, CircuitError> {
    let mut dataflow = Dataflow::default();
    let terms = input_terms(&mut dataflow, context.inputs);
    results(&mut dataflow, &terms)
        .and_then(|results| outputs(&mut dataflow, results, context.output))
        .map_err(|error| CircuitError::too_wide(context.layer, error))?;
    Ok(Untimed { dataflow, statistics: Statistics::default() })
}

impl Untimed {
    /// The layer's module, scheduled without regard to its neighbours.
    pub fn on_its_own(self, context: &LayerContext, arrivals_ps: &[Vec<u32>]) -> BuiltLayer {
        let moment = |ps: &u32| Moment { stage: 0, arrival_ps: *ps };
        let moments: Vec<Moment> = arrivals_ps.iter().flatten().map(moment).collect();
        let schedule = Schedule::new(&self.dataflow, &moments, context.model);
        self.timed(context, schedule)
    }

    /// The layer's module, with its operations at these moments.
    pub fn timed(self, context: &LayerContext, schedule: Schedule) -> BuiltLayer {
        let Self { dataflow, mut statistics } = self;
        let LayerContext { module_name, inputs, output, .. } = *context;
        let mut module = Module::new(module_name);
        let mut namer = port_namer(inputs.len());
        let latency_cycles = schedule.last_stage;
        let has_valid = latency_cycles > 0;
        let valid = has_valid.then(|| add_valid_input(&mut module));
        let mut elements = Vec::new();
        for (index, tensor) in inputs.iter().enumerate() {
            let port = input_name(index, inputs.len());
            elements.extend(add_input_bus(&mut module, &mut namer, &port, tensor));
        }
        if let Some(valid) = valid {
            add_valid_output(&mut module, &mut namer, valid, latency_cycles);
        }
        let values = lower(&mut module, &mut namer, &dataflow, &schedule, &elements);
        add_output_bus(&mut module, output, &values);

        let outputs = dataflow.outputs.iter();
        let arrivals_ps = outputs.map(|out| schedule.arrival_in_last_stage_ps(out.node)).collect();
        let part = Part { title: "Layer", dataflow, schedule };
        statistics.count(&part);
        statistics.register_bits = module.register_bits();
        BuiltLayer {
            module,
            core: None,
            has_valid,
            latency_cycles,
            initiation_interval_cycles: 1,
            arrivals_ps,
            statistics,
            parts: vec![part],
        }
    }
}

/// The results as outputs of a dataflow, each on the grid of its element.
fn outputs(
    dataflow: &mut Dataflow,
    results: Vec<Term>,
    tensor: &TensorType,
) -> Result<(), TooWide> {
    for (index, term) in results.into_iter().enumerate() {
        let fraction_bits = tensor.format(index).fraction_bits();
        dataflow.output(term, fraction_bits, &format!("y_{index}_negated"))?;
    }
    Ok(())
}

/// A namer that leaves the names of the ports of a layer with so many inputs to the ports.
pub fn port_namer(inputs: usize) -> Namer {
    let mut namer = Namer::default();
    for port in ["clk", "rst", "in_valid", "out_valid", "y", "unused"] {
        namer.name(port);
    }
    for input in 0..inputs {
        namer.name(&input_name(input, inputs));
    }
    namer
}

/// Adds the ports `rst` and `in_valid`; returns the latter.
pub fn add_valid_input(module: &mut Module) -> SignalId {
    module.add_reset();
    module.add_input("in_valid", BIT)
}

/// One bit.
pub const BIT: rtl4ml_hdl::Type = rtl4ml_hdl::Type { width: 1, signed: false };

/// Adds the port `out_valid`: `valid` after so many cycles, cleared by the reset.
fn add_valid_output(module: &mut Module, namer: &mut Namer, valid: SignalId, cycles: u32) {
    let mut delayed = valid;
    for cycle in 1..=cycles {
        let name = if cycle == cycles {
            "out_valid".to_owned()
        } else {
            namer.name(&format!("valid_s{cycle}"))
        };
        delayed = module.register_with_reset(name, delayed);
    }
    module.add_output(delayed);
}

/// Adds an input port for a tensor, unless all of it is constant; returns the elements.
pub fn add_input_bus(
    module: &mut Module,
    namer: &mut Namer,
    port: &str,
    tensor: &TensorType,
) -> Vec<Operand> {
    let layout = BusLayout::of(tensor);
    let lanes = layout.lane_types();
    let bus = (!lanes.is_empty()).then(|| {
        // The lanes are named after the elements that they carry.
        let elements = tensor.ranges.iter().enumerate().filter(|(_, r)| r.as_constant().is_none());
        let names: Vec<String> =
            elements.map(|(index, _)| namer.name(&format!("{port}_{index}"))).collect();
        let bus = module.add_bus_with_names(port, names.into_iter().zip(lanes), BusDriver::Whole);
        module.add_bus_port(rtl4ml_hdl::Direction::Input, bus);
        bus
    });
    layout.elements(module, bus)
}

/// Adds the port `y` for a tensor, unless all of it is constant.
pub fn add_output_bus(module: &mut Module, tensor: &TensorType, elements: &[Operand]) {
    let layout = BusLayout::of(tensor);
    let lanes = layout.lane_types();
    if !lanes.is_empty() {
        module.add_output_bus("y", &lanes, layout.lane_values(elements));
    }
    debug_assert!(
        tensor.ranges.iter().zip(elements).all(|(range, element)| {
            range.as_constant().is_none_or(|mantissa| *element == constant(mantissa))
                || matches!(element, Operand::Signal(_))
        }),
        "the circuit's constants are those of the verified ranges"
    );
}
