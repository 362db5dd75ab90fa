//! Constant matrix times vector: the kernel of dense layers and convolutions.
//!
//! A layer is its kernels [`Applied`] to windows of its input. The core of its circuit does some
//! positions at a time, with a multiplier for each product ([`parallel`]) or with multipliers
//! each of which does as many products as the reuse factor says ([`shared`]). Where these are not
//! all positions, `passes` leads one window after the other through the core.

mod applied;
mod draft;
pub mod parallel;
mod passes;
pub mod shared;
mod tiling;

pub use applied::Applied;
pub use tiling::Tiling;

use rtl4ml_ir::layers::KernelShape;
use rtl4ml_ir::{Implementation, MultiplierStyle, Range, ResultType, Value};

use crate::circuit::CircuitError;
use crate::dataflow::{Accumulator, Material};
use crate::layer::{BuiltLayer, Untimed};
use crate::layers::LayerContext;

/// Whether all positions are done at once, with a multiplier for each product. `positions` counts
/// them.
pub(crate) fn is_fully_parallel(
    implementation: &Implementation,
    positions: impl FnOnce() -> usize,
) -> bool {
    let at_once = implementation.parallelization_factor;
    implementation.reuse_factor == 1
        && at_once.is_none_or(|at_once| positions() <= at_once as usize)
}

/// The dataflow of a layer that applies kernels and casts their sums, all at once.
///
/// # Errors
/// What of the layer cannot be built, and what can.
pub(crate) fn untimed(
    context: &LayerContext,
    applied: &Applied,
    result: &ResultType,
) -> Result<Untimed, CircuitError> {
    parallel::untimed(context, applied, result)
}

/// Builds a layer that applies kernels and casts their sums, a part of them at a time.
///
/// # Errors
/// What of the layer cannot be built, and what can.
pub(crate) fn build(
    context: &LayerContext,
    applied: &Applied,
    result: &ResultType,
) -> Result<BuiltLayer, CircuitError> {
    let implementation = context.layer.implementation;
    let positions = applied.positions();
    let at_once = implementation.parallelization_factor.map_or(positions, |p| p as usize);
    if at_once < positions {
        passes::build(context, applied, result, at_once)
    } else {
        core(context, applied, result)
    }
}

/// Builds all positions at once, on inputs from registers.
fn core(
    context: &LayerContext,
    applied: &Applied,
    result: &ResultType,
) -> Result<BuiltLayer, CircuitError> {
    if context.layer.implementation.reuse_factor == 1 {
        let arrivals_ps = vec![0; context.input().element_count()];
        Ok(parallel::untimed(context, applied, result)?.on_its_own(context, &[arrivals_ps]))
    } else {
        shared::build(context, applied, result)
    }
}

/// A constant matrix with a bias and the way its products are summed.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Its size.
    pub shape: KernelShape,
    /// The weights, row-major: input k to output j is at k * n_out + j.
    weights: Vec<Value>,
    /// The start value of each output's sum.
    pub bias: Vec<Value>,
    /// How products are summed.
    pub accumulator: Accumulator,
}

impl Kernel {
    /// The kernel of a verified layer.
    ///
    /// # Panics
    /// When the layer is not verified.
    pub fn of(kernel: &rtl4ml_ir::Kernel) -> Self {
        let shape = kernel.shape().expect("a verified layer's kernel has a matrix");
        let accumulator = kernel.accum.map_or(Accumulator::Exact, Accumulator::Typed);
        let weights = (0..kernel.weight.len()).map(|index| kernel.weight.get(index)).collect();
        let bias = (0..shape.n_out).map(|j| kernel.bias_at(j)).collect();
        Self { shape, weights, bias, accumulator }
    }

    /// The weight from input `k` to output `j`.
    pub fn weight(&self, k: usize, j: usize) -> Value {
        self.weights[k * self.shape.n_out + j]
    }
}

/// Whether a product with the weight is more than a shift, a negation or nothing.
pub fn needs_multiplier(weight: Value) -> bool {
    weight.mantissa != 0 && !weight.mantissa.unsigned_abs().is_power_of_two()
}

/// Whether a product with an input of this range is more than nothing or a choice.
fn varies(input: Range, material: Material) -> bool {
    input.as_constant().is_none() && (input.width() > 1 || material == Material::Dsp)
}

/// Below this many bits in either operand, a DSP block is wasted on a product.
const DSP_WORTHWHILE_BITS: u32 = 10;

/// What the product of two operands with these ranges is built of. `auto` takes a DSP block
/// where both are at least 10 bits wide.
pub fn material(style: MultiplierStyle, a: Range, b: Range) -> Material {
    match style {
        MultiplierStyle::Dsp => Material::Dsp,
        MultiplierStyle::Auto if a.width().min(b.width()) >= DSP_WORTHWHILE_BITS => Material::Dsp,
        MultiplierStyle::Auto | MultiplierStyle::Lut => Material::Lut,
    }
}
