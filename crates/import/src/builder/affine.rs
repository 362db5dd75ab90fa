//! Scales and shifts: `batch_norm`, and the factors that wait for somebody to take them.

use super::{Builder, Signal};
use crate::draft::DraftLayer;
use crate::error::{Lowered, refuse};
use crate::types::is_power_of_two;

/// How far a quotient of two scales, each rounded to single precision, may be from the integer
/// that it stands for.
const SNAP: f64 = 4e-7;

/// Numbers in units of a factor; those that are an integer but for single precision become it,
/// where all of them are.
pub(super) fn in_units(numbers: &[f64], factor: impl Fn(usize) -> f64) -> Vec<f64> {
    let quotients: Vec<f64> =
        numbers.iter().enumerate().map(|(index, number)| number / factor(index)).collect();
    let is_integer = |q: &f64| (q - q.round()).abs() <= SNAP * q.abs().max(1.0);
    let exact = (0..numbers.len()).all(|index| is_power_of_two(factor(index).abs()));
    if !exact && quotients.iter().all(is_integer) {
        return quotients.iter().map(|q| q.round()).collect();
    }
    quotients
}

impl Builder {
    /// scale * x + shift, a number of each for each channel.
    pub fn affine(&mut self, x: &Signal, scale: &[f64], shift: &[f64]) -> Lowered<Signal> {
        let channels = x.channels();
        if scale.iter().chain(shift).any(|number| !number.is_finite()) {
            return refuse("its scale or shift is not finite");
        }
        let of = |numbers: &[f64], channel: usize| {
            if numbers.len() == 1 { numbers[0] } else { numbers[channel] }
        };
        let factor: Vec<f64> = (0..channels).map(|c| of(scale, c) * x.factor_of(c)).collect();
        let shift: Vec<f64> = (0..channels).map(|c| of(shift, c)).collect();
        let has_shift = shift.iter().any(|shift| *shift != 0.0);
        let can_wait = factor.iter().all(|factor| *factor != 0.0 && factor.is_normal());
        if !has_shift && can_wait {
            return Ok(Signal { factor: shortened(factor), ..x.clone() });
        }
        if can_wait && scale.iter().all(|scale| *scale == 1.0) {
            let shift = in_units(&shift, |channel| x.factor_of(channel));
            // A shift by whole units changes no factor, and nothing is rounded.
            let is_exact = x.factor.iter().all(|factor| is_power_of_two(*factor))
                || shift.iter().all(|shift| shift.fract() == 0.0);
            if is_exact {
                return self.batch_norm(x, &vec![1.0; channels], &shift, x.factor.clone());
            }
        }
        self.batch_norm(x, &factor, &shift, vec![1.0])
    }

    /// The values with their factor: a signal whose factor is 1.
    pub fn materialized(&mut self, x: Signal) -> Lowered<Signal> {
        if x.uniform_factor() == Some(1.0) {
            return Ok(x);
        }
        let channels = x.channels();
        let factor: Vec<f64> = (0..channels).map(|channel| x.factor_of(channel)).collect();
        self.batch_norm(&x, &factor, &vec![0.0; channels], vec![1.0])
    }

    /// A signal with one positive factor for all channels.
    pub fn with_positive_factor(&mut self, x: Signal) -> Lowered<Signal> {
        match x.uniform_factor() {
            Some(factor) if factor > 0.0 => Ok(x),
            _ => self.materialized(x),
        }
    }

    /// A layer that multiplies the values, without their factor, by a scale and adds a shift.
    pub(super) fn batch_norm(
        &mut self,
        x: &Signal,
        scale: &[f64],
        shift: &[f64],
        factor: Vec<f64>,
    ) -> Lowered<Signal> {
        if x.extents.is_empty() {
            return refuse("a tensor without axes has no channels to scale");
        }
        let channels = x.channels();
        let (scales, scale_is_exact) =
            self.numbers("scale", vec![channels], scale.to_vec(), None)?;
        let x = &self.narrowed(x.clone(), scales.ty.format.width)?;
        let (shifts, shift_is_exact) =
            self.numbers("shift", vec![channels], shift.to_vec(), None)?;
        let fraction = (x.fraction + scales.ty.fraction_bits()).max(shifts.ty.fraction_bits());
        let bound = |channel: usize| {
            let (lo, hi) = x.bounds[channel];
            let (a, b) = (scale[channel] * lo, scale[channel] * hi);
            (a.min(b) + shift[channel], a.max(b) + shift[channel])
        };
        let bounds = (0..channels).map(bound).collect();
        let mut layer = DraftLayer::new("batch_norm", vec![x.source]);
        layer.numbers = vec![scales, shifts];
        let source = self.push(layer);
        let is_rough = x.is_rough || !scale_is_exact || !shift_is_exact;
        Ok(Signal { source, extents: x.extents.clone(), fraction, bounds, factor, is_rough })
    }
}

/// One number where all are the same.
pub(super) fn shortened(factor: Vec<f64>) -> Vec<f64> {
    if factor.iter().all(|f| *f == factor[0]) { vec![factor[0]] } else { factor }
}
