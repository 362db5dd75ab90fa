//! Functions of straight lines: rectifiers, clips, signs.

use super::{Builder, Signal};
use crate::draft::{DraftLayer, Setting};
use crate::error::{Lowered, refuse};
use crate::tensor::Tensor;
use crate::types::{MAX_NUMBER, exp2, fraction_bits};

/// The finest grid on which the largest result of a `relu` may be.
const MAX_VALUE_FRACTION: i32 = 24;

impl Builder {
    /// max(0, x), or min(`most`, max(0, x)).
    pub fn relu(&mut self, x: &Signal, most: Option<f64>) -> Lowered<Signal> {
        let mut x = self.with_positive_factor(x.clone())?;
        let mut most = most.map(|most| most / x.factor[0]);
        if most.is_some_and(|most| fraction_bits(most).is_some_and(|f| f > MAX_VALUE_FRACTION)) {
            most = most.map(|most| most * x.factor[0]);
            x = self.materialized(x)?;
        }
        self.rectified(&x, most)
    }

    /// The same for the values without their factor.
    pub(super) fn rectified(&mut self, x: &Signal, most: Option<f64>) -> Lowered<Signal> {
        let mut layer = DraftLayer::new("relu", vec![x.source]);
        let mut fraction = x.fraction;
        let mut is_rough = x.is_rough;
        let mut most = most;
        if let Some(value) = most {
            if !(value > 0.0 && value < MAX_NUMBER) {
                return refuse(format!("the largest value {value} cannot be kept"));
            }
            let grid = f64::from(1u32 << MAX_VALUE_FRACTION);
            let kept = (value * grid).round() / grid;
            if kept != value {
                is_rough = true;
                self.note(&format!("the largest value {value} becomes {kept}"));
            }
            most = Some(kept);
            fraction = fraction.max(fraction_bits(kept).unwrap_or(0));
            layer = layer.with("max_value", Setting::Number(kept));
        }
        let source = self.push(layer);
        let bound = |(lo, hi): &(f64, f64)| {
            let most = most.unwrap_or(f64::MAX);
            (lo.max(0.0).min(most), hi.max(0.0).min(most))
        };
        let bounds = x.bounds.iter().map(bound).collect();
        Ok(Signal { source, fraction, bounds, is_rough, ..x.clone() })
    }

    /// min(`most`, max(`least`, x)); either may be missing.
    pub fn clip(&mut self, x: &Signal, least: Option<f64>, most: Option<f64>) -> Lowered<Signal> {
        let finite = |bound: &f64| bound.abs() < MAX_NUMBER;
        let (least, most) = (least.filter(finite), most.filter(finite));
        match (least, most) {
            (None, None) => Ok(x.clone()),
            (Some(0.0), most) if most.is_none_or(|most| most > 0.0) => self.relu(x, most),
            (Some(least), Some(most)) if least >= most => {
                refuse(format!("nothing is between its bounds {least} and {most}"))
            }
            (Some(least), Some(most)) if least == -1.0 && most == 1.0 => {
                let x = self.materialized(x.clone())?;
                let source = self.push(DraftLayer::new("hard_tanh", vec![x.source]));
                let bound = |(lo, hi): &(f64, f64)| (lo.clamp(-1.0, 1.0), hi.clamp(-1.0, 1.0));
                let bounds = x.bounds.iter().map(bound).collect();
                Ok(Signal { source, bounds, fraction: x.fraction.max(0), ..x })
            }
            (Some(least), most) => {
                let lifted = self.affine(x, &[1.0], &[-least])?;
                let clipped = self.relu(&lifted, most.map(|most| most - least))?;
                self.affine(&clipped, &[1.0], &[least])
            }
            (None, Some(most)) => {
                let lowered = self.affine(x, &[-1.0], &[most])?;
                let clipped = self.relu(&lowered, None)?;
                self.affine(&clipped, &[-1.0], &[most])
            }
        }
    }

    /// x, or `alpha` * x where x is negative.
    pub fn leaky_relu(&mut self, x: &Signal, alpha: f64) -> Lowered<Signal> {
        if alpha == 0.0 {
            return self.relu(x, None);
        }
        let x = self.with_positive_factor(x.clone())?;
        let (numbers, is_exact) = self.numbers("alpha", vec![1], vec![alpha], None)?;
        let x = self.narrowed(x, numbers.ty.format.width)?;
        let mut layer =
            DraftLayer::new("leaky_relu", vec![x.source]).with("alpha", Setting::Number(alpha));
        layer.types.push(("alpha", numbers.ty));
        let source = self.push(layer);
        Ok(sloped(&x, source, &[alpha], numbers.ty.fraction_bits(), is_exact))
    }

    /// The same with a slope for each element; the slopes' extents broadcast to those of x.
    pub fn prelu(&mut self, x: &Signal, alpha: &Tensor) -> Lowered<Signal> {
        let x = self.with_positive_factor(x.clone())?;
        let declared = super::linear::declared_format(alpha);
        let extents = if alpha.extents.is_empty() { vec![1] } else { alpha.extents.clone() };
        let (numbers, is_exact) =
            self.numbers("alpha", extents, alpha.numbers.to_vec(), declared)?;
        let x = self.narrowed(x, numbers.ty.format.width)?;
        let fraction = numbers.ty.fraction_bits();
        let slopes = numbers.values.clone();
        let mut layer = DraftLayer::new("prelu", vec![x.source]);
        layer.numbers.push(numbers);
        let source = self.push(layer);
        Ok(sloped(&x, source, &slopes, fraction, is_exact))
    }

    /// 1 where x >= 0, else -1: the sign of what the signal stands for.
    pub fn sign(&mut self, x: &Signal) -> Lowered<Signal> {
        let x = self.with_positive_factor(x.clone())?;
        let source = self.push(DraftLayer::new("binary_tanh", vec![x.source]));
        let bounds = vec![(-1.0, 1.0); x.bounds.len()];
        Ok(Signal { source, fraction: 0, bounds, factor: vec![1.0], is_rough: false, ..x })
    }

    /// 1 where x >= `threshold`, -1 where x <= -`threshold`, else 0.
    pub fn ternary(&mut self, x: &Signal, threshold: f64) -> Lowered<Signal> {
        let x = self.with_positive_factor(x.clone())?;
        let step = exp2(-x.fraction);
        // The least value that is not below the threshold, without the factor.
        let least = (threshold / x.factor_of(0) / step).ceil() * step;
        let channels = x.channels();
        let mut signs = Vec::new();
        for shift in [-least, least - step] {
            let (ones, shifts) = (vec![1.0; channels], vec![shift; channels]);
            let shifted = self.batch_norm(&x, &ones, &shifts, x.factor.clone())?;
            signs.push(self.sign(&shifted)?);
        }
        let sum = self.merge("add", &signs)?;
        self.affine(&sum, &[0.5], &[0.0])
    }

    /// |x|.
    pub fn absolute(&mut self, x: &Signal) -> Lowered<Signal> {
        let x = self.with_positive_factor(x.clone())?;
        let channels = x.channels();
        let negative =
            self.batch_norm(&x, &vec![-1.0; channels], &vec![0.0; channels], x.factor.clone())?;
        self.merge("maximum", &[x, negative])
    }

    /// min(1, max(0, `slope` * x + `offset`)).
    pub fn hard_sigmoid(&mut self, x: &Signal, slope: f64, offset: f64) -> Lowered<Signal> {
        let line = self.affine(x, &[slope], &[offset])?;
        let line = self.materialized(line)?;
        self.relu(&line, Some(1.0))
    }

    /// x * min(1, max(0, x / 6 + 1/2)).
    pub fn hard_swish(&mut self, x: &Signal) -> Lowered<Signal> {
        let line = self.hard_sigmoid(x, 1.0 / 6.0, 0.5)?;
        self.merge("multiply", &[x.clone(), line])
    }
}

/// What is known of a signal after slopes where it is negative.
fn sloped(
    x: &Signal,
    source: crate::draft::Source,
    slopes: &[f64],
    fraction: i32,
    is_exact: bool,
) -> Signal {
    let (least, greatest) =
        slopes.iter().fold((0.0f64, 0.0f64), |(lo, hi), slope| (lo.min(*slope), hi.max(*slope)));
    let bound = |(lo, hi): &(f64, f64)| {
        let negative = lo.min(0.0);
        (hi.min(0.0).min(negative * greatest), hi.max(0.0).max(negative * least))
    };
    Signal {
        source,
        fraction: x.fraction + fraction.max(0),
        bounds: x.bounds.iter().map(bound).collect(),
        is_rough: x.is_rough || !is_exact,
        ..x.clone()
    }
}
