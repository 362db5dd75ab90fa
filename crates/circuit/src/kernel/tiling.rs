//! Which product each multiplier does in which cycle: the slot table of a reuse factor.

use rtl4ml_ir::layers::KernelShape;

/// The steps of a matrix-vector product whose multipliers are shared.
///
/// With g the greatest common divisor of the reuse factor R and n_in, the inputs are taken in g
/// chunks and the outputs in R / g groups. In each step an array of n_in / g lanes times
/// n_out / (R / g) units multiplies one chunk for one group; a group's chunks follow each other,
/// so that every sum is taken in ascending order of the inputs. Every divisor of n_in * n_out is
/// such a product: R / g has no factor in common with n_in / g, and so divides n_out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Chunks of inputs.
    pub input_steps: usize,
    /// Groups of outputs.
    pub output_steps: usize,
    /// Inputs of a chunk, each on its own lane.
    pub lanes: usize,
    /// Outputs of a group, each with its own accumulator.
    pub units: usize,
}

impl Tiling {
    /// The tiling of a kernel for a reuse factor that divides n_in * n_out.
    pub fn new(shape: KernelShape, reuse_factor: u64) -> Self {
        let reuse_factor = reuse_factor as usize;
        let input_steps = greatest_common_divisor(reuse_factor, shape.n_in);
        let output_steps = reuse_factor / input_steps;
        debug_assert_eq!(shape.n_out % output_steps, 0, "the reuse factor is legal");
        Self {
            input_steps,
            output_steps,
            lanes: shape.n_in / input_steps,
            units: shape.n_out / output_steps,
        }
    }

    /// The steps of an inference: the reuse factor.
    pub fn steps(&self) -> usize {
        self.input_steps * self.output_steps
    }

    /// The input that a lane carries in a step.
    pub fn input(&self, step: usize, lane: usize) -> usize {
        step % self.input_steps * self.lanes + lane
    }

    /// The output that a unit computes in a step.
    pub fn output(&self, step: usize, unit: usize) -> usize {
        step / self.input_steps * self.units + unit
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_divisor_does_every_product_once_and_each_sum_in_ascending_order() {
        for (n_in, n_out) in [(1, 1), (6, 4), (16, 5), (12, 18), (7, 9)] {
            let shape = KernelShape { n_in, n_out };
            for reuse_factor in (1..=n_in * n_out).filter(|r| (n_in * n_out) % r == 0) {
                let tiling = Tiling::new(shape, reuse_factor as u64);
                assert_eq!(tiling.steps(), reuse_factor);
                assert_eq!(tiling.lanes * tiling.units * reuse_factor, n_in * n_out);
                let mut done = BTreeSet::new();
                let mut next_input = vec![0; n_out];
                for step in 0..tiling.steps() {
                    for unit in 0..tiling.units {
                        for lane in 0..tiling.lanes {
                            let (k, j) = (tiling.input(step, lane), tiling.output(step, unit));
                            assert!(done.insert((k, j)));
                            assert_eq!(k, next_input[j]);
                            next_input[j] += 1;
                        }
                    }
                }
                assert_eq!(done.len(), n_in * n_out);
            }
        }
    }
}
