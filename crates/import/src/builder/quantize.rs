//! Quantisers: of a signal as casts, of trained numbers as the numbers that they make.
//!
//! q = round( clamp( x / scale + zero point ) ), and the value is (q - zero point) * scale. The
//! clamp's bounds are integers, so that a cast that rounds first and saturates then gives the
//! same.

use std::rc::Rc;

use rtl4ml_ir::{FixedType, Format, Overflow, Rounding};

use super::affine::shortened;
use super::{Builder, Signal};
use crate::error::{Lowered, refuse};
use crate::tensor::{Grid, Tensor};
use crate::types::{exp2, log2_exact};

/// How a quantiser rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundingMode {
    /// As one of the modes of a fixed-point type.
    Cast(Rounding),
    /// Towards plus infinity.
    Ceil,
    /// Away from zero.
    Up,
}

/// A quantiser.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantizer {
    /// The step of each element, with extents that broadcast to those of the tensor.
    pub scale: Tensor,
    /// What is added to the integers.
    pub zero_point: f64,
    /// The integers; the widest of them where not all elements have the same width.
    pub integers: Format,
    /// The width of each element, with extents that broadcast to those of the tensor, where not
    /// all have the same.
    pub widths: Option<Tensor>,
    /// Whether the least of the integers (signed) or the greatest (unsigned) is not used.
    pub is_narrow: bool,
    /// How it rounds.
    pub rounding: RoundingMode,
}

impl Quantizer {
    /// Whether it gives the sign alone: one bit with a sign is -1 or 1.
    pub fn is_sign(&self) -> bool {
        self.integers.signed && self.integers.width == 1
    }

    /// The least and the greatest integer.
    fn range(&self) -> (f64, f64) {
        self.range_of(self.integers.width)
    }

    /// The same of the integers of so many bits.
    fn range_of(&self, width: u32) -> (f64, f64) {
        let range = Format { width, ..self.integers }.range();
        let (lo, hi) = (range.lo as f64, range.hi as f64);
        match (self.is_narrow, self.integers.signed) {
            (false, _) => (lo, hi),
            (true, true) => (lo + 1.0, hi),
            (true, false) => (lo, hi - 1.0),
        }
    }

    /// What it makes of numbers, computed in single precision as the model's own executor does.
    pub fn apply(&self, x: &Tensor) -> Lowered<Tensor> {
        let Some(scale) = self.scale.broadcast_to(&x.extents) else {
            return refuse(format!(
                "its scale {:?} is not for {:?}",
                self.scale.extents, x.extents
            ));
        };
        let widths = self.widths.as_ref().map(|widths| widths.broadcast_to(&x.extents));
        if let Some(None) = widths {
            return refuse(format!("its widths are not for {:?}", x.extents));
        }
        let widths = widths.flatten().map(|widths| widths.numbers);
        let integer = |index: usize, number: f64, scale: f64| {
            let width = widths.as_ref().map_or(self.integers.width, |all| all[index] as u32);
            let (lo, hi) = self.range_of(width);
            if self.integers.signed && width == 1 {
                return if number >= 0.0 { 1.0 } else { -1.0 };
            }
            let scaled = f64::from((number / scale + self.zero_point) as f32);
            self.rounding.round(scaled.clamp(lo, hi)) - self.zero_point
        };
        let pairs = x.numbers.iter().zip(scale.numbers.iter()).enumerate();
        let numbers =
            pairs.map(|(index, (number, scale))| integer(index, *number, *scale) * scale).collect();
        let steps = shortened(scale.numbers.to_vec());
        let mut integers = self.integers;
        if self.is_sign() || self.zero_point != 0.0 {
            integers = Format::signed(integers.width + 1, integers.integer_bits + 1);
        }
        let grid = Some(Grid { steps: Rc::new(steps), integers });
        Ok(Tensor {
            extents: x.extents.clone(),
            numbers: Rc::new(numbers),
            grid,
            is_integer: false,
        })
    }
}

impl RoundingMode {
    /// The number rounded to an integer.
    pub fn round(self, x: f64) -> f64 {
        let half = |towards: f64| if (x - x.trunc()).abs() == 0.5 { towards } else { x.round() };
        match self {
            Self::Ceil => x.ceil(),
            Self::Up => {
                if x < 0.0 {
                    x.floor()
                } else {
                    x.ceil()
                }
            }
            Self::Cast(Rounding::Trn) => x.floor(),
            Self::Cast(Rounding::TrnZero) => x.trunc(),
            Self::Cast(Rounding::Rnd) => half(x.ceil()),
            Self::Cast(Rounding::RndMinInf) => half(x.floor()),
            Self::Cast(Rounding::RndZero) => half(x.trunc()),
            Self::Cast(Rounding::RndInf) => x.round(),
            Self::Cast(Rounding::RndConv) => libm::rint(x),
        }
    }
}

impl Quantizer {
    /// The types of elements with these scales and widths, where a cast is all that it is.
    pub fn element_types(&self, scales: &[f64], widths: &[u32]) -> Option<Vec<FixedType>> {
        let RoundingMode::Cast(rounding) = self.rounding else {
            return None;
        };
        let signed = self.integers.signed;
        if self.zero_point != 0.0 || (self.is_narrow && !signed) {
            return None;
        }
        let overflow = if self.is_narrow { Overflow::SatSym } else { Overflow::Sat };
        let ty = |(scale, width): (&f64, &u32)| {
            // One bit with a sign is the sign.
            let log2 = log2_exact(*scale).filter(|_| !(signed && *width == 1))?;
            let format = Format { signed, width: *width, integer_bits: *width as i32 + log2 };
            Some(FixedType::from(format).with_modes(rounding, overflow))
        };
        scales.iter().zip(widths).map(ty).collect()
    }
}

impl Builder {
    /// A quantiser with a scale and a width for each element, row-major.
    pub fn quantize_elements(
        &mut self,
        x: &Signal,
        quantizer: &Quantizer,
        scales: &[f64],
        widths: &[u32],
    ) -> Lowered<Signal> {
        if let Some(types) = quantizer.element_types(scales, widths) {
            let x = self.materialized(x.clone())?;
            return self.cast_elements(&x, &types);
        }
        let units = vec![1.0; scales.len()];
        let plain = Quantizer { zero_point: 0.0, ..quantizer.clone() };
        let Some(types) = plain.element_types(&units, widths) else {
            return refuse(
                "widths that differ are imported with a rounding to nearest or truncation, more than one bit with a sign, and no narrow range without one",
            );
        };
        // In units of the steps; where these are not one for each channel, each element is one.
        let own = x.extents.clone();
        let of_channels = &scales[..x.channels()];
        let (x, scales) = if scales.chunks(x.channels()).all(|pixel| pixel == of_channels) {
            (x.clone(), of_channels)
        } else {
            (self.reshape(x, &[scales.len()])?, scales)
        };
        let count = scales.len();
        let ratio: Vec<f64> = (0..count).map(|index| x.factor_of(index) / scales[index]).collect();
        let units = self.batch_norm_beside(&x, &ratio, &vec![quantizer.zero_point; count])?;
        let cast = self.cast_elements(&units, &types)?;
        let factor = shortened(scales.to_vec());
        let y = if quantizer.zero_point == 0.0 {
            Signal { factor, ..cast }
        } else {
            let back = vec![-quantizer.zero_point; count];
            self.batch_norm(&cast, &vec![1.0; count], &back, factor)?
        };
        if y.extents == own {
            return Ok(y);
        }
        // Channels of the whole have no factor of their own.
        let y = self.materialized(y)?;
        self.reshape(&y, &own)
    }

    /// A quantiser on a signal; `scale` is a number for all channels, or one for each.
    pub fn quantize(
        &mut self,
        x: &Signal,
        quantizer: &Quantizer,
        scale: &[f64],
    ) -> Lowered<Signal> {
        if quantizer.is_sign() {
            let sign = self.sign(x)?;
            return Ok(Signal { factor: shortened(scale.to_vec()), ..sign });
        }
        let of = |channel: usize| if scale.len() == 1 { scale[0] } else { scale[channel] };
        let channels = x.channels();
        let ratio: Vec<f64> = (0..channels).map(|c| x.factor_of(c) / of(c)).collect();
        let is_plain = quantizer.zero_point == 0.0;
        let common = ratio.iter().all(|r| *r == ratio[0]).then_some(ratio[0]);
        if let Some(log2) = common.and_then(log2_exact).filter(|_| is_plain) {
            // The values' own factor may stay: the cast is on a grid of 2^-log2.
            return self.quantize_to(x, quantizer, log2);
        }
        if let (true, Some(step)) = (is_plain, shortened(scale.to_vec()).first()) {
            let is_uniform = scale.iter().all(|s| s == step);
            if let Some(log2) = log2_exact(*step).filter(|_| is_uniform) {
                // The step is a place of the binary point: only the factor is multiplied in.
                let x = self.materialized(x.clone())?;
                return self.quantize_to(&x, quantizer, -log2);
            }
        }
        // In units of the steps.
        let shift = vec![quantizer.zero_point; channels];
        let units = self.batch_norm_beside(x, &ratio, &shift)?;
        let cast = self.quantize_to(&units, quantizer, 0)?;
        let factor = shortened((0..channels).map(of).collect());
        if is_plain {
            return Ok(Signal { factor, ..cast });
        }
        let back = vec![-quantizer.zero_point; channels];
        self.batch_norm(&cast, &vec![1.0; channels], &back, factor)
    }

    /// A cast to the quantiser's integers times 2^-`fraction`, of the values without their factor.
    fn quantize_to(&mut self, x: &Signal, quantizer: &Quantizer, fraction: i32) -> Lowered<Signal> {
        let Quantizer { integers, is_narrow, rounding, .. } = *quantizer;
        let format = Format { integer_bits: integers.width as i32 - fraction, ..integers };
        let overflow = if is_narrow && integers.signed { Overflow::SatSym } else { Overflow::Sat };
        let ty = FixedType::from(format);
        let mut x = x.clone();
        if is_narrow && !integers.signed {
            let greatest = quantizer.range().1 * exp2(-fraction);
            x = self.rectified(&x, Some(greatest))?;
        }
        match rounding {
            RoundingMode::Cast(rounding) => Ok(self.cast(&x, ty.with_modes(rounding, overflow))),
            RoundingMode::Ceil => {
                let lifted = self.lifted(&x, fraction, 1.0)?;
                Ok(self.cast(&lifted, ty.with_modes(Rounding::Trn, overflow)))
            }
            RoundingMode::Up => {
                // Away from zero: the positive part upwards less the negative part's magnitude
                // upwards.
                let width = integers.width + 1;
                let half = Format::unsigned(width, width as i32 - fraction);
                let half = FixedType::from(half).with_modes(Rounding::Trn, Overflow::Sat);
                let mut parts = Vec::new();
                for sign in [1.0, -1.0] {
                    let lifted = self.lifted(&x, fraction, sign)?;
                    let part = self.rectified(&lifted, None)?;
                    parts.push(self.cast(&part, half));
                }
                let whole = Signal { factor: x.factor.clone(), ..self.merge("subtract", &parts)? };
                Ok(self.cast(&whole, ty.with_modes(Rounding::Trn, overflow)))
            }
        }
    }

    /// `sign` * x plus a step of 2^-`fraction` less one unit of x's own grid: what truncation
    /// then makes of it is x rounded upwards.
    fn lifted(&mut self, x: &Signal, fraction: i32, sign: f64) -> Lowered<Signal> {
        let lift = (exp2(-fraction) - exp2(-x.fraction)).max(0.0);
        let channels = x.channels();
        self.batch_norm(x, &vec![sign; channels], &vec![lift; channels], x.factor.clone())
    }

    /// A `batch_norm` in front of the layer that the operation is about.
    fn batch_norm_beside(&mut self, x: &Signal, scale: &[f64], shift: &[f64]) -> Lowered<Signal> {
        if scale.iter().all(|s| *s == 1.0) && shift.iter().all(|s| *s == 0.0) {
            return Ok(Signal { factor: vec![1.0], ..x.clone() });
        }
        self.batch_norm(x, scale, shift, vec![1.0])
    }

    /// A quantiser that drops low bits of integers: x / 2^`bits` in units of the scale, rounded,
    /// and the magnitude is not given back.
    pub fn shift_right(
        &mut self,
        x: &Signal,
        scale: f64,
        bits: u32,
        rounding: RoundingMode,
    ) -> Lowered<Signal> {
        let x = self.affine(x, &[exp2(-(bits as i32))], &[0.0])?;
        let (lo, hi) = x.extremes();
        let most = lo.abs().max(hi) * x.uniform_factor().unwrap_or(1.0) / scale + 2.0;
        let width = (libm::log2(most).ceil() as u32 + 1).min(64);
        let integers = Format::signed(width, width as i32);
        let scale_tensor = Tensor {
            extents: Vec::new(),
            numbers: Rc::new(vec![scale]),
            grid: None,
            is_integer: false,
        };
        let quantizer = Quantizer {
            scale: scale_tensor,
            zero_point: 0.0,
            widths: None,
            integers,
            is_narrow: false,
            rounding,
        };
        self.quantize(&x, &quantizer, &[scale])
    }
}
