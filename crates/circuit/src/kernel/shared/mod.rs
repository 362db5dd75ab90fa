//! The kernel with shared multipliers: each does `reuse_factor` products per inference.
//!
//! The module of a shared layer:
//! - the inputs are loaded into registers with `in_valid`, and shift by one chunk a step, so
//!   that each lane of the array always reads the same register;
//! - a controller counts the steps; the weights of a step are one word of a ROM;
//! - in each step an array of multipliers works on one chunk of inputs for one group of outputs
//!   (see [`Tiling`]), pipelined as the delay model says;
//! - an accumulator for each unit starts from the bias and takes the sum of each step;
//! - with the last chunk of a group the accumulators are cast into the output registers.
//!
//! A new input can be taken every `reuse_factor` cycles; the module relies on not being given one
//! earlier. Reset clears the controller; data in flight is then never flagged as valid.

mod accumulators;
mod array;
mod controller;
mod inputs;
mod outputs;
mod weights;

use rtl4ml_hdl::MemoryStyle;
use rtl4ml_ir::layers::KernelShape;
use rtl4ml_ir::{MultiplierStyle, Range, ResultType, Strategy, TensorType, Types};

use super::draft::Draft;
use super::{Applied, Tiling};
use crate::circuit::CircuitError;
use crate::dataflow::TooWide;
use crate::delay::DelayModel;
use crate::layer::{BuiltLayer, Part, Statistics, add_input_bus, add_valid_input};
use crate::layers::LayerContext;
use weights::Field;

/// ROMs of `resource` layers deeper than this go to block RAM.
pub(crate) const DISTRIBUTED_ROM_WORDS: usize = 64;

/// The module of a layer while it is being written.
struct Builder<'a> {
    applied: &'a Applied,
    /// The size of every kernel.
    shape: KernelShape,
    tiling: Tiling,
    input: &'a TensorType,
    output: &'a TensorType,
    result: &'a ResultType,
    style: MultiplierStyle,
    model: &'a DelayModel,
    draft: Draft,
    fields: Vec<Field>,
    statistics: Statistics,
    parts: Vec<Part>,
}

/// Builds the module of a layer whose kernels share their multipliers.
///
/// # Errors
/// When an intermediate needs more than 64 bits, or results that share a unit have other types.
pub fn build(
    context: &LayerContext,
    applied: &Applied,
    result: &ResultType,
) -> Result<BuiltLayer, CircuitError> {
    let tiling = Tiling::new(applied.shape(), context.layer.implementation.reuse_factor);
    if let ResultType::Cast(types) = result
        && !units_have_one_type(applied, tiling, types)
    {
        let layer = context.layer.name.clone();
        return Err(CircuitError::PerElementResult { layer, n_in: applied.shape().n_in });
    }
    module(context, applied, tiling, result)
        .map_err(|error| CircuitError::too_wide(context.layer, error))
}

/// Whether all results of each unit have the same type.
fn units_have_one_type(applied: &Applied, tiling: Tiling, types: &Types) -> bool {
    let n_out = applied.shape().n_out;
    (0..applied.windows.len()).all(|window| {
        (0..n_out).all(|j| {
            let first = window * n_out;
            types.get(first + j) == types.get(first + j % tiling.units)
        })
    })
}

fn module(
    context: &LayerContext,
    applied: &Applied,
    tiling: Tiling,
    result: &ResultType,
) -> Result<BuiltLayer, TooWide> {
    let implementation = context.layer.implementation;
    let mut builder = Builder {
        applied,
        shape: applied.shape(),
        tiling,
        input: context.input(),
        output: context.output,
        result,
        style: implementation.multiplier,
        model: context.model,
        draft: Draft::new(context.module_name),
        fields: Vec::new(),
        statistics: Statistics::default(),
        parts: Vec::new(),
    };
    let start = add_valid_input(&mut builder.draft.module);
    let elements =
        add_input_bus(&mut builder.draft.module, &mut builder.draft.namer, "x", context.input());
    let controller = builder.controller(start);
    let lanes = builder.input_registers(controller.start, &elements)?;
    let deep = tiling.steps() > DISTRIBUTED_ROM_WORDS;
    let style = if implementation.strategy == Strategy::Resource && deep {
        MemoryStyle::Block
    } else {
        MemoryStyle::Distributed
    };
    let last_stage = builder.array(&controller, &lanes, style)?;

    let done = builder.draft.delayed_flag("done", controller.done, last_stage, true);
    let out_valid = builder.draft.module.register_with_reset("out_valid", done);
    builder.draft.module.add_output(out_valid);
    let ports = &mut builder.draft.module.ports;
    // The data comes after its flag, as in every other module.
    let data = ports.iter().position(|port| port.direction == rtl4ml_hdl::Direction::Output);
    if let Some(data) = data.filter(|data| *data + 1 < ports.len()) {
        ports[data..].rotate_right(1);
    }

    builder.statistics.register_bits = builder.draft.module.register_bits();
    Ok(BuiltLayer {
        has_valid: true,
        latency_cycles: tiling.steps() as u32 + last_stage + 1,
        initiation_interval_cycles: tiling.steps() as u64,
        arrivals_ps: vec![0; context.output.element_count()],
        statistics: builder.statistics,
        parts: builder.parts,
        module: builder.draft.module,
        core: None,
    })
}

impl Builder<'_> {
    /// The name of something of a window.
    fn window_name(&self, window: usize, indices: &[usize]) -> String {
        index_name(window, self.applied.windows.len(), indices)
    }

    /// The name of something of a group.
    fn group_name(&self, group: usize, indices: &[usize]) -> String {
        index_name(group, self.applied.groups(), indices)
    }
}

/// The fraction bits of the finest and the union of the ranges on that grid.
pub(super) fn common_grid(
    values: impl Iterator<Item = (Range, i32)> + Clone,
    name: impl Fn() -> String,
) -> Result<(i32, Range), TooWide> {
    let nonzero = values.filter(|(range, _)| *range != Range::ZERO);
    let grid = nonzero.clone().map(|(_, fraction)| fraction).max().unwrap_or(0);
    let union = nonzero
        .map(|(range, fraction)| range.shifted_left((grid - fraction) as u32))
        .try_fold(Range::ZERO, |union, range| Some(union.union(range?)))
        .filter(|union| union.width() <= rtl4ml_ir::fixed::MAX_WIDTH);
    union.map(|union| (grid, union)).ok_or_else(|| TooWide { name: name() })
}

/// One of several, where there are several, and further indices, joined by underscores.
fn index_name(one: usize, of: usize, indices: &[usize]) -> String {
    let one = (of > 1).then_some(one);
    let parts: Vec<String> = one.iter().chain(indices).map(ToString::to_string).collect();
    parts.join("_")
}
