//! QKeras' quantisers of weights whose scales follow from the weights: `alpha` is `auto` or
//! `auto_po2`.
//!
//! Each column, the weights with one index on the last axis, has a scale of its own. Numbers are
//! in single precision as there; sums over a column are rounded once, so that a scale that is not
//! rounded to a power of two may be off by its last bits.

use std::rc::Rc;

use rtl4ml_ir::Format;

use crate::error::{Lowered, refuse};
use crate::tensor::{Grid, Tensor};

/// What keeps Keras from dividing by zero.
const EPSILON: f32 = 1e-7;

/// How often `auto_po2` of `quantized_bits` looks for a better scale.
const BITS_ROUNDS: usize = 5;

/// A quantiser whose scale follows from the weights.
#[derive(Clone, Copy, Debug)]
pub struct Scaled {
    /// What it makes integers.
    pub integers: Integers,
    /// Whether scales are rounded to powers of two.
    pub is_po2: bool,
}

/// The integers that are scaled.
#[derive(Clone, Copy, Debug)]
pub enum Integers {
    /// As many bits, of which so many before the point; as many negative as positive ones.
    Bits {
        /// All of them.
        bits: u32,
        /// Those before the point, without the sign.
        integer: i32,
    },
    /// -1, 0 and 1; how often a better scale is looked for.
    Ternary {
        /// The number of rounds.
        rounds: usize,
    },
    /// -1 and 1.
    Binary,
}

impl Scaled {
    /// The numbers that it makes of weights.
    pub fn apply(&self, weights: &Tensor) -> Lowered<Tensor> {
        if let Integers::Bits { bits: 1, .. } = self.integers {
            return refuse("quantized_bits of one bit has no scale that follows from the weights");
        }
        let columns = weights.extents.last().copied().unwrap_or(1);
        let is_vector = weights.extents.len() < 2;
        let mut steps = vec![0.0; weights.numbers.len()];
        let mut numbers = vec![0.0; weights.numbers.len()];
        // A vector has a column for each element, but for where the largest is looked for.
        let whole: Vec<f32> = weights.numbers.iter().map(|number| *number as f32).collect();
        for column in 0..columns {
            let own: Vec<f32> = whole.iter().skip(column).step_by(columns).copied().collect();
            let seen = if is_vector { &whole } else { &own };
            let (integers, scale) = self.column(&own, seen);
            if !(scale.is_finite() && integers.iter().all(|q| q.is_finite())) {
                return refuse("its scales follow from weights that have none");
            }
            let step = f64::from(scale);
            for (row, q) in integers.iter().enumerate() {
                let index = row * columns + column;
                // A column of zeros has a scale of zero, and any step will do.
                steps[index] = if step == 0.0 { 1.0 } else { step };
                numbers[index] = f64::from(scale * q);
            }
        }
        let width = match self.integers {
            Integers::Bits { bits, .. } => bits,
            Integers::Ternary { .. } | Integers::Binary => 2,
        };
        Ok(Tensor {
            extents: weights.extents.clone(),
            numbers: Rc::new(numbers),
            grid: Some(Grid {
                steps: Rc::new(steps),
                integers: Format::signed(width, width as i32),
            }),
            is_integer: false,
        })
    }

    /// The integers of a column and what they are multiplied by; the first scale is by `seen`.
    fn column(&self, x: &[f32], seen: &[f32]) -> (Vec<f32>, f32) {
        match self.integers {
            Integers::Bits { bits, integer } => self.bits(x, seen, bits, integer),
            Integers::Ternary { rounds } => self.ternary(x, seen, rounds),
            Integers::Binary => {
                let signs: Vec<f32> = x.iter().map(|x| if *x < 0.0 { -1.0 } else { 1.0 }).collect();
                let scale = self.fitted(x, &signs);
                (signs, scale)
            }
        }
    }

    fn bits(&self, x: &[f32], seen: &[f32], bits: u32, integer: i32) -> (Vec<f32>, f32) {
        let before = libm::ldexpf(1.0, integer);
        let x: Vec<f32> = x.iter().map(|x| x / before).collect();
        let most = libm::ldexpf(1.0, bits as i32 - 1) - 1.0;
        let rounded = |scale: f32| -> Vec<f32> {
            let integer = |x: &f32| (x.abs() / scale + 0.5).floor().min(most).copysign(*x);
            x.iter().map(integer).collect()
        };
        let mut scale = largest(seen) / before * 2.0 / (most * 2.0);
        if !self.is_po2 {
            return (rounded(scale), scale * before);
        }
        scale = power_of_two(scale);
        let mut integers = Vec::new();
        for _ in 0..BITS_ROUNDS {
            // The integers of the last round stay those of the scale before it.
            integers = rounded(scale);
            scale = self.fitted(&x, &integers);
        }
        (integers, scale * before)
    }

    fn ternary(&self, x: &[f32], seen: &[f32], rounds: usize) -> (Vec<f32>, f32) {
        let mut scale = 2.0 * largest(seen) / 3.0;
        if self.is_po2 {
            scale = power_of_two(scale);
        }
        let mut signs = vec![0.0; x.len()];
        for _ in 0..rounds {
            let sign = |x: &f32| {
                let is_zero = (x / scale).round_ties_even() == 0.0;
                if is_zero { 0.0 } else { 1f32.copysign(*x) }
            };
            signs = x.iter().map(sign).collect();
            scale = self.fitted(x, &signs);
        }
        (signs, scale)
    }

    /// The scale with which the integers are nearest to the numbers, by least squares.
    fn fitted(&self, x: &[f32], q: &[f32]) -> f32 {
        let mean = |products: &mut dyn Iterator<Item = f32>| {
            (products.map(f64::from).sum::<f64>() / x.len() as f64) as f32
        };
        let xq = mean(&mut x.iter().zip(q).map(|(x, q)| x * q));
        let qq = mean(&mut q.iter().map(|q| q * q));
        let scale = xq / (qq + EPSILON);
        if self.is_po2 { power_of_two(scale) } else { scale }
    }
}

fn largest(numbers: &[f32]) -> f32 {
    numbers.iter().fold(0.0, |most: f32, number| most.max(number.abs()))
}

/// The nearest power of two, by the logarithm.
fn power_of_two(scale: f32) -> f32 {
    libm::exp2f((libm::logf(scale + EPSILON) / std::f32::consts::LN_2).round_ties_even())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of two columns of weights, in units of 1/128.
    fn numbers(integers: Integers, is_po2: bool, weights: &[f64]) -> Vec<f64> {
        let extents = vec![weights.len() / 2, 2];
        let weights = Tensor::new(extents, weights.to_vec()).unwrap();
        let scaled = Scaled { integers, is_po2 }.apply(&weights).unwrap();
        scaled.numbers.iter().map(|number| number * 128.0).collect()
    }

    #[test]
    fn each_column_has_a_scale_of_its_own() {
        let weights = [1.0, 0.01, -0.5, -0.02, 0.2, 0.03];
        let bits = numbers(Integers::Bits { bits: 3, integer: 0 }, true, &weights);
        // Scales of 1/4 and 1/128.
        assert_eq!(bits, [96.0, 1.0, -64.0, -3.0, 32.0, 3.0]);
        let binary = numbers(Integers::Binary, true, &weights);
        assert_eq!(binary, [64.0, 2.0, -64.0, -2.0, 64.0, 2.0]);
        let ternary = numbers(Integers::Ternary { rounds: 5 }, true, &weights);
        assert_eq!(ternary, [128.0, 2.0, 0.0, -2.0, 0.0, 2.0]);
    }

    #[test]
    fn columns_of_zeros_stay_zero() {
        let bits = Integers::Bits { bits: 4, integer: 0 };
        assert_eq!(numbers(bits, true, &[0.0, 1.0, 0.0, 1.0])[0], 0.0);
        let one = Scaled { integers: Integers::Bits { bits: 1, integer: 0 }, is_po2: true };
        assert!(one.apply(&Tensor::new(vec![1], vec![1.0]).unwrap()).is_err());
    }
}
