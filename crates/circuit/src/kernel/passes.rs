//! Some positions at a time: one pass after the other through a core that does as many positions
//! as the parallelization factor says.
//!
//! The module around the core:
//! - a bank of registers is loaded with the whole input at the start; what the core reads of it is
//!   one pass's windows, and it moves on by a pass whenever the core has taken one;
//! - the core is given a pass every `reuse_factor` cycles;
//! - its results are collected in registers, and flagged when those of the last pass are there.
//!
//! A register of the bank is known by the elements that it holds from then on, pass by pass.
//! Registers with the same future are one register, so that overlapping windows share what they
//! can: the bank holds little more than the image, not every window.

use std::collections::HashMap;

use rtl4ml_hdl::{BusDriver, Connection, Expr, Instance, Operand, Register, SignalId, Type};
use rtl4ml_ir::layers::ExactRange;
use rtl4ml_ir::{Format, Range, ResultType, Shape, TensorType, Types};

use super::draft::Draft;
use super::shared::common_grid;
use super::{Applied, core};
use crate::bus::BusLayout;
use crate::circuit::CircuitError;
use crate::dataflow::TooWide;
use crate::layer::{BIT, BuiltLayer, CORE, add_input_bus, add_output_bus, add_valid_input};
use crate::layers::LayerContext;
use crate::lower::{constant, signal_type};

/// The element that a register holds in each pass from some pass on; `None` is a zero.
type Future = [Option<usize>];

/// Which elements the core reads pass by pass, and what it then is.
struct Passes {
    /// How many.
    count: usize,
    /// For each element of the core's input, what it is in each pass. All are different, and none
    /// is always zero.
    slots: Vec<Vec<Option<usize>>>,
    /// The core, on those elements.
    core: Applied,
}

impl Passes {
    fn new(applied: &Applied, at_once: usize) -> Self {
        let per_pass = at_once * applied.groups();
        let count = applied.windows.len() / per_pass;
        let mut known: HashMap<Vec<Option<usize>>, usize> = HashMap::new();
        let mut slots = Vec::new();
        let mut slot_of = |slot: Vec<Option<usize>>| {
            if slot.iter().all(Option::is_none) {
                return None;
            }
            Some(*known.entry(slot).or_insert_with_key(|slot| {
                slots.push(slot.clone());
                slots.len() - 1
            }))
        };
        let window = |window: usize, slot_of: &mut dyn FnMut(_) -> Option<usize>| {
            let in_pass = |pass: usize, k: usize| applied.windows[pass * per_pass + window][k];
            let slot = |k| (0..count).map(|pass| in_pass(pass, k)).collect();
            (0..applied.shape().n_in).map(|k| slot_of(slot(k))).collect()
        };
        let windows = (0..per_pass).map(|index| window(index, &mut slot_of)).collect();
        let core = Applied { kernels: applied.kernels.clone(), windows };
        Self { count, slots, core }
    }

    /// For each slot and pass from which on it is meant, the slot and pass of the register that
    /// holds it: of those whose futures begin alike, the one that is meant longest.
    fn shared_registers(&self) -> HashMap<(usize, usize), (usize, usize)> {
        let mut places: Vec<(usize, usize)> = (0..self.slots.len())
            .flat_map(|slot| (0..self.count).map(move |pass| (slot, pass)))
            .collect();
        // Descending, a future comes right after those that it is the beginning of.
        places.sort_by(|a, b| self.future(*b).cmp(self.future(*a)));
        let mut shared = HashMap::new();
        let mut longest: Option<(usize, usize)> = None;
        for place in places {
            let same = longest.filter(|l| self.future(*l).starts_with(self.future(place)));
            let register = same.unwrap_or(place);
            longest = Some(register);
            shared.insert(place, register);
        }
        shared
    }

    fn future(&self, (slot, pass): (usize, usize)) -> &Future {
        &self.slots[slot][pass..]
    }
}

/// Builds a layer that does `at_once` positions at a time.
///
/// # Errors
/// When an intermediate needs more than 64 bits, or results that share a place have other types.
pub fn build(
    context: &LayerContext,
    applied: &Applied,
    result: &ResultType,
    at_once: usize,
) -> Result<BuiltLayer, CircuitError> {
    let too_wide = |error| CircuitError::too_wide(context.layer, error);
    let passes = Passes::new(applied, at_once);
    let bank = Bank::new(context.input(), &passes).map_err(too_wide)?;
    let core_input = bank.tensor();
    let core_output = collected_tensor(context.output, passes.count);
    let core_result = pass_result(result, core_output.element_count()).ok_or_else(|| {
        CircuitError::PerElementPasses { layer: context.layer.name.clone(), at_once }
    })?;
    let core_name = format!("{}_core", context.module_name);
    let core_context = LayerContext {
        module_name: &core_name,
        inputs: &[&core_input],
        output: &core_output,
        ..*context
    };
    let mut built = core(&core_context, &passes.core, &core_result)?;
    built.module.doc = vec![
        format!("The core of layer {}: {at_once} positions at a time.", context.layer.name),
        format!(
            "Latency {} cycles, initiation interval {} cycles.",
            built.latency_cycles, built.initiation_interval_cycles
        ),
    ];

    let interval = built.initiation_interval_cycles as usize;
    let mut draft = Draft::new(context.module_name);
    let start = add_valid_input(&mut draft.module);
    let elements = add_input_bus(&mut draft.module, &mut draft.namer, "x", context.input());
    let core_valid = controller(&mut draft, start, passes.count, interval);
    let windows = bank.write(&mut draft, &passes, &elements, start, core_valid);
    let (results, core_out_valid) =
        instance(&mut draft, &built, &core_input, &core_output, &windows, core_valid);

    let done = last_pass(&mut draft, core_out_valid, passes.count);
    let out_valid = draft.module.register_with_reset("out_valid", done);
    draft.module.add_output(out_valid);
    draft.module.comment("Output registers.");
    let (lanes, enable) = (results.len(), Some(core_out_valid));
    let held =
        draft.collected(&results, &core_output.ranges, passes.count, enable, |pass, lane| {
            pass * lanes + lane
        });
    let held = held.into_iter().flatten().enumerate();
    let elements: Vec<Operand> = held
        .map(|(index, value)| draft.narrowed(value, context.output.ranges[index], index))
        .collect();
    add_output_bus(&mut draft.module, context.output, &elements);

    let mut statistics = built.statistics;
    statistics.register_bits += draft.module.register_bits();
    Ok(BuiltLayer {
        module: draft.module,
        core: Some(built.module),
        has_valid: true,
        // The bank is loaded in one cycle, and the last pass's results are held in another.
        latency_cycles: 1 + ((passes.count - 1) * interval) as u32 + built.latency_cycles + 1,
        initiation_interval_cycles: (passes.count * interval) as u64,
        arrivals_ps: vec![0; context.output.element_count()],
        statistics,
        parts: built.parts,
    })
}

/// The core's output: each element is in turn one of each pass.
fn collected_tensor(output: &TensorType, passes: usize) -> TensorType {
    let lanes = output.element_count() / passes;
    let range = |lane: usize| {
        let ranges = (lane..output.element_count()).step_by(lanes).map(|i| output.ranges[i]);
        ranges.reduce(Range::union).unwrap_or(Range::ZERO)
    };
    let indices: Vec<Option<usize>> = (0..lanes).map(Some).collect();
    let shape = Shape::new([lanes]).expect("it has fewer elements than the output");
    let mut tensor = output.gathered(shape, &indices);
    tensor.ranges = (0..lanes).map(range).collect();
    tensor
}

/// The result's types for the first pass, if all passes have the same.
fn pass_result(result: &ResultType, lanes: usize) -> Option<ResultType> {
    match result {
        ResultType::Cast(Types::PerElement(types)) => {
            let (first, rest) = types.split_at(lanes);
            let same = rest.chunks(lanes).all(|pass| pass == first);
            same.then(|| ResultType::Cast(Types::PerElement(first.to_vec())))
        }
        result => Some(result.clone()),
    }
}

/// Counts the passes; returns the flag that the core takes one.
fn controller(draft: &mut Draft, start: SignalId, passes: usize, interval: usize) -> SignalId {
    draft.module.comment(format!("Controller: {passes} passes, one every {interval} cycles."));
    let (_, is_last) = draft.counter("step", start, passes * interval);
    let busy = draft.open_register("busy", BIT);
    draft.close_busy(busy, start, is_last);
    if interval == 1 {
        return busy;
    }
    let (cycle, _) = draft.counter("cycle", start, interval);
    let is_first = draft.assign("pass_is_next", BIT, Expr::Equal { a: cycle, constant: 0 });
    draft.assign("core_in_valid", BIT, Expr::And { a: busy, b: is_first })
}

/// The registers that hold the input on one grid.
struct Bank<'a> {
    input: &'a TensorType,
    /// The bits after the binary point of every register.
    grid: i32,
    /// The range of each slot.
    ranges: Vec<Range>,
}

impl<'a> Bank<'a> {
    fn new(input: &'a TensorType, passes: &Passes) -> Result<Self, TooWide> {
        let of_slot = |slot: &Vec<Option<usize>>| -> Vec<ExactRange> {
            slot.iter().map(|e| e.map_or((Range::ZERO, 0), |e| input.exact_range(e))).collect()
        };
        let all: Vec<ExactRange> = passes.slots.iter().flat_map(of_slot).collect();
        let (grid, _) = common_grid(all.iter().copied(), || "bank".to_owned())?;
        let mut bank = Self { input, grid, ranges: Vec::new() };
        bank.ranges = passes.slots.iter().map(|slot| bank.range(slot)).collect();
        Ok(bank)
    }

    /// The range of all that a register holds.
    fn range(&self, future: &Future) -> Range {
        let element = |element: &Option<usize>| match element {
            None => Range::ZERO,
            Some(index) => {
                let (range, fraction_bits) = self.input.exact_range(*index);
                // Every range fits the common grid, or there would be no bank.
                range.shifted_left((self.grid - fraction_bits).max(0) as u32).unwrap_or(range)
            }
        };
        future.iter().map(element).reduce(Range::union).unwrap_or(Range::ZERO)
    }

    /// The core's input.
    fn tensor(&self) -> TensorType {
        let union = self.ranges.iter().fold(Range::new(0, 1), |union, range| union.union(*range));
        let shape =
            Shape::new([self.ranges.len().max(1)]).expect("it has fewer elements than weights");
        let mut ranges = self.ranges.clone();
        ranges.resize(ranges.len().max(1), Range::ZERO);
        TensorType::uniform(shape, Format::holding(union, self.grid), ranges)
    }

    /// Writes the registers; returns what the core reads.
    fn write(
        &self,
        draft: &mut Draft,
        passes: &Passes,
        elements: &[Operand],
        start: SignalId,
        taken: SignalId,
    ) -> Vec<Operand> {
        draft.module.comment("The bank: loaded at the start, then moved on by a pass at a time.");
        let shared = passes.shared_registers();
        let mut places: Vec<(usize, usize)> = shared.values().copied().collect();
        places.sort_unstable();
        places.dedup();
        let varies =
            |place: &(usize, usize)| self.range(passes.future(*place)).as_constant().is_none();
        let registers: HashMap<(usize, usize), SignalId> = places
            .iter()
            .filter(|place| varies(place))
            .map(|place| {
                let name = format!("bank_{}_{}", place.0, place.1);
                let ty = signal_type(self.range(passes.future(*place)));
                (*place, draft.open_register(&name, ty))
            })
            .collect();
        let moves = draft.assign("bank_moves", BIT, Expr::Or { a: start, b: taken });
        for place in &places {
            let Some(q) = registers.get(place).copied() else { continue };
            let ty = draft.module.ty(q);
            let name = draft.module.signal(q).name.clone();
            let load = self.load(draft, passes.future(*place)[0], elements, &name);
            let (slot, pass) = *place;
            let next = (pass + 1 < passes.count).then(|| {
                let later = shared[&(slot, pass + 1)];
                match self.range(passes.future((slot, pass + 1))).as_constant() {
                    Some(mantissa) => constant(mantissa),
                    None => registers.get(&later).map_or(constant(0), |later| (*later).into()),
                }
            });
            // After the last pass nobody reads it.
            let (d, enable) = match next {
                None => (draft.copy(&format!("{name}_load"), load, ty), start),
                Some(next) => {
                    let condition = start.into();
                    let expr = Expr::Select { condition, then: load, otherwise: next };
                    (draft.assign(&format!("{name}_next"), ty, expr), moves)
                }
            };
            draft.close_register(q, d, Some(enable), false);
        }
        let read = |(slot, range): (usize, &Range)| match range.as_constant() {
            Some(mantissa) => constant(mantissa),
            None => registers.get(&shared[&(slot, 0)]).map_or(constant(0), |q| (*q).into()),
        };
        self.ranges.iter().enumerate().map(read).collect()
    }

    /// An element of the input on the bank's grid.
    fn load(
        &self,
        draft: &mut Draft,
        element: Option<usize>,
        elements: &[Operand],
        name: &str,
    ) -> Operand {
        let Some(index) = element else { return constant(0) };
        let (range, fraction_bits) = self.input.exact_range(index);
        let shift = (self.grid - fraction_bits).max(0) as u32;
        let range = range.shifted_left(shift).unwrap_or(range);
        draft.aligned(&format!("{name}_aligned"), elements[index], shift, range)
    }
}

/// Instantiates the core; returns its results and the flag that they are there.
fn instance(
    draft: &mut Draft,
    core: &BuiltLayer,
    input: &TensorType,
    output: &TensorType,
    windows: &[Operand],
    valid: SignalId,
) -> (Vec<Operand>, SignalId) {
    let layout = BusLayout::of(input);
    let types = layout.lane_types();
    let mut connections = Vec::new();
    let mut out_valid = valid;
    if core.has_valid {
        connections.extend(draft.module.reset.map(Connection::Signal));
        connections.push(Connection::Signal(valid));
    }
    if !types.is_empty() {
        let values = layout.lane_values(windows);
        let name = draft.name("windows");
        let module = &mut draft.module;
        let bus = module.add_bus(&mut draft.namer, &name, &types, BusDriver::Lanes(values));
        connections.push(Connection::Bus(bus));
    }
    if core.has_valid {
        let name = draft.name("core_out_valid");
        out_valid = draft.module.add_signal(name, BIT);
        connections.push(Connection::Signal(out_valid));
    }
    let layout = BusLayout::of(output);
    let types = layout.lane_types();
    let bus = (!types.is_empty()).then(|| {
        let name = draft.name("pixels");
        draft.module.add_bus(&mut draft.namer, &name, &types, BusDriver::Whole)
    });
    connections.extend(bus.map(Connection::Bus));
    let name = draft.name("u_core");
    draft.module.instances.push(Instance { name, module: CORE, connections });
    (layout.elements(&draft.module, bus), out_valid)
}

/// Counts the passes that have come out; returns the flag of the last.
fn last_pass(draft: &mut Draft, valid: SignalId, passes: usize) -> SignalId {
    let width = usize::BITS - (passes - 1).leading_zeros();
    let ty = Type { width, signed: false };
    let count = draft.open_register("passes_done", ty);
    let is_last = Expr::Equal { a: count, constant: passes as i64 - 1 };
    let is_last = draft.assign("pass_is_last", BIT, is_last);
    let one = Operand::Constant(1);
    let plus_one = Expr::Add { a: count.into(), shift_a: 0, b: one, shift_b: 0 };
    let plus_one = draft.assign("passes_done_plus_one", ty, plus_one);
    let then = Operand::Constant(0);
    let next = Expr::Select { condition: is_last.into(), then, otherwise: plus_one.into() };
    let next = draft.assign("passes_done_next", ty, next);
    let enable = Some(valid);
    draft.module.registers.push(Register { q: count, d: next.into(), enable, reset: true });
    draft.assign("all_passes_done", BIT, Expr::And { a: valid, b: is_last })
}
