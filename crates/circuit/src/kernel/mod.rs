//! Constant matrix times vector: the kernel of dense layers, and of whatever else multiplies by
//! trained weights.
//!
//! [`parallel`] has a multiplier for each product; [`shared`] lets each multiplier do as many
//! products per inference as the reuse factor says.

mod draft;
pub mod parallel;
pub mod shared;
mod tiling;

pub use tiling::Tiling;

use rtl4ml_ir::layers::KernelShape;
use rtl4ml_ir::{MultiplierStyle, Range, Value};

use crate::dataflow::{Accumulator, Material};

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

    /// How many products need a multiplier: weights that are neither zero nor a power of two.
    pub fn product_count(&self) -> u64 {
        self.weights.iter().filter(|weight| needs_multiplier(**weight)).count() as u64
    }
}

/// Whether a product with the weight is more than a shift, a negation or nothing.
pub fn needs_multiplier(weight: Value) -> bool {
    weight.mantissa != 0 && !weight.mantissa.unsigned_abs().is_power_of_two()
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
