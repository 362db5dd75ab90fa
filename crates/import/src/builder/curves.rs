//! Functions by tables, softmax, argmax.

use rtl4ml_ir::{FixedType, Overflow, Rounding};

use super::{Builder, Signal};
use crate::draft::{DraftLayer, Setting};
use crate::error::{Lowered, refuse};
use crate::types::{exp2, format_holding};

/// SELU's factors, lambda and alpha.
const SELU: (f64, f64) = (1.050_700_987_355_480_5, 1.673_263_242_354_377_3);

/// The default of `max_table_size`.
const DEFAULT_TABLE_SIZE: usize = 4096;

/// A unary function that is no straight line.
#[derive(Clone, Copy, Debug)]
pub enum Curve {
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// tanh(x).
    Tanh,
    /// ln(1 + exp(x)).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// x where x >= 0, else alpha * (exp(x) - 1).
    Elu(f64),
    /// The scaled exponential unit with its standard constants.
    Selu,
    /// exp(x), which saturates beyond what 24 bits before the point hold.
    Exp,
    /// The error function.
    Erf,
    /// Any other, by a table of its values.
    Other(fn(f64) -> f64),
}

/// The bits before the point of the least power of two that is not below a magnitude.
pub(super) fn bits_before(limit: f64) -> i32 {
    libm::ceil(libm::log2(limit.abs())) as i32
}

impl Curve {
    /// x * tanh(ln(1 + exp(x))).
    pub const MISH: Self = Self::Other(|x| x * libm::tanh(libm::log1p(libm::exp(x))));

    fn kind(self) -> Option<&'static str> {
        match self {
            Self::Sigmoid => Some("sigmoid"),
            Self::Tanh => Some("tanh"),
            Self::Softplus => Some("softplus"),
            Self::Softsign => Some("softsign"),
            Self::Elu(_) => Some("elu"),
            Self::Selu => Some("selu"),
            Self::Exp | Self::Erf | Self::Other(_) => None,
        }
    }

    /// The least and the greatest x beyond which the function is flat but for less than half a
    /// step of 2^-`fraction`, or is not looked at.
    pub(super) fn limits(self, fraction: f64) -> (f64, f64) {
        let decay = (fraction + 2.0) * std::f64::consts::LN_2;
        match self {
            Self::Sigmoid => (-decay, decay),
            Self::Tanh => (-decay / 2.0, decay / 2.0),
            Self::Elu(_) | Self::Selu => (-decay, f64::MAX),
            Self::Exp => (-16.0, 16.0),
            Self::Erf => (-6.0, 6.0),
            Self::Softplus | Self::Softsign | Self::Other(_) => (f64::MIN, f64::MAX),
        }
    }

    /// The same for a table of so many entries over numbers with `x_fraction` bits after the point,
    /// whose largest and smallest are `x_extent` apart. Where not each number can have its own, an
    /// entry is off by up to half its interval; what is flatter than that would take entries from
    /// where the function is not.
    fn limits_of_table(
        self,
        fraction: f64,
        (x_extent, x_fraction): (f64, i32),
        entries: f64,
    ) -> (f64, f64) {
        /// The fewest bits to which a function is called flat.
        const LEAST: f64 = 2.0;
        let (least, most) = self.limits(fraction);
        let sides = match self {
            Self::Sigmoid | Self::Tanh => 2.0,
            Self::Elu(_) | Self::Selu => 1.0,
            Self::Softsign if x_extent * exp2(x_fraction) > entries => {
                // It is 1 / limit from flat there, and around 0 an entry is off by limit / entries.
                let limit = entries.sqrt();
                return (-limit, limit);
            }
            _ => return (least, most),
        };
        let extent = sides * exp2(bits_before(least));
        if extent * exp2(x_fraction) <= entries {
            return (least, most);
        }
        let bits = -libm::log2(extent / entries / 2.0);
        self.limits(bits.max(LEAST).min(fraction))
    }

    /// The function's value.
    pub(super) fn at(self, x: f64) -> f64 {
        match self {
            Self::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Self::Tanh => libm::tanh(x),
            Self::Softplus => x.max(0.0) + libm::log1p(libm::exp(-x.abs())),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Elu(alpha) => {
                if x >= 0.0 {
                    x
                } else {
                    alpha * libm::expm1(x)
                }
            }
            Self::Selu => {
                let (lambda, alpha) = SELU;
                lambda * Self::Elu(alpha).at(x)
            }
            Self::Exp => libm::exp(x),
            Self::Erf => libm::erf(x),
            Self::Other(function) => function(x),
        }
    }
}

impl Builder {
    /// A unary function.
    pub fn curve(&mut self, x: &Signal, curve: Curve) -> Lowered<Signal> {
        let x = self.materialized(x.clone())?;
        let x = self.narrowed(x, 0)?;
        let x = self.limited(x, curve)?;
        let Some(kind) = curve.kind() else {
            return self.tabulated(&x, curve);
        };
        let mut layer = DraftLayer::new(kind, vec![x.source]);
        if let Curve::Elu(alpha) = curve {
            layer = layer.with("alpha", Setting::Number(alpha));
        }
        if self.options.table_size != DEFAULT_TABLE_SIZE {
            layer = layer.with("max_table_size", Setting::Integer(self.options.table_size as i64));
        }
        // All of them are monotonic.
        let bound = |(lo, hi): &(f64, f64)| (curve.at(*lo), curve.at(*hi));
        let bounds = x.bounds.iter().map(bound).collect();
        self.with_chosen_result(&x, layer, bounds)
    }

    /// The signal without what lies where the function is flat, so that a table need not hold it.
    fn limited(&mut self, x: Signal, curve: Curve) -> Lowered<Signal> {
        let fraction = f64::from(self.options.fraction_bits);
        let entries = self.options.table_size as f64;
        let (lo, hi) = x.extremes();
        let (least, most) = curve.limits_of_table(fraction, (hi - lo, x.fraction), entries);
        // A power of two, so that a cast does it; a little beyond costs nothing.
        if lo >= -exp2(bits_before(least)) && (most == f64::MAX || hi <= exp2(bits_before(most))) {
            return Ok(x);
        }
        if curve.kind().is_none() && matches!(curve, Curve::Exp) {
            self.note(&format!("saturates where its input is beyond {most}"));
        }
        if most == f64::MAX {
            if least == f64::MIN {
                return Ok(x);
            }
            let hint = self.hint().to_owned();
            self.begin(&format!("{hint}_limit"));
            let limited = self.clip(&x, Some(-exp2(bits_before(least))), None);
            self.begin(&hint);
            return limited;
        }
        let integer_bits = bits_before(least.abs().max(most)) + 1;
        let width = (integer_bits + x.fraction).clamp(1, 64) as u32;
        let format = rtl4ml_ir::Format::signed(width, integer_bits);
        let ty = FixedType::from(format).with_modes(Rounding::Trn, Overflow::Sat);
        let mut layer = DraftLayer::new("quantize", vec![x.source]);
        layer.result = Some(ty.into());
        layer.comments.push("saturates where the function that follows is flat".to_owned());
        let source = self.push_beside(layer, "limit");
        Ok(super::cast_signal(&x, source, ty))
    }

    /// A layer whose result the importer gives a type.
    fn with_chosen_result(
        &mut self,
        x: &Signal,
        mut layer: DraftLayer,
        bounds: Vec<(f64, f64)>,
    ) -> Lowered<Signal> {
        let (lo, hi) =
            bounds.iter().fold((0.0f64, 0.0f64), |(lo, hi), (l, h)| (lo.min(*l), hi.max(*h)));
        let fraction = self.result_fraction(lo, hi);
        let Some(format) = format_holding(lo, hi, fraction, 64) else {
            return refuse(format!("its results from {lo} to {hi} fit no type"));
        };
        let ty = FixedType::from(format).with_modes(Rounding::RndConv, Overflow::Sat);
        layer.result = Some(ty.into());
        layer.result_is_chosen = true;
        let source = self.push(layer);
        Ok(Signal {
            source,
            extents: x.extents.clone(),
            fraction,
            bounds,
            factor: vec![1.0],
            is_rough: true,
        })
    }

    /// A function by a table of its values, over all that its input can be.
    fn tabulated(&mut self, x: &Signal, curve: Curve) -> Lowered<Signal> {
        let (lo, hi) = x.extremes();
        let mut log2_step = -x.fraction;
        let (first, count) = loop {
            let step = exp2(log2_step);
            let (first, last) = ((lo / step).floor(), (hi / step).floor());
            let count = last - first + 1.0;
            if count <= self.options.table_size as f64 {
                break (first, count as usize);
            }
            log2_step += 1;
        };
        let step = exp2(log2_step);
        // The middle of the first and the last value that share an entry.
        let middle = (step - exp2(-x.fraction)) / 2.0;
        let values: Vec<f64> =
            (0..count).map(|index| curve.at((first + index as f64) * step + middle)).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return refuse(format!(
                "it has no finite value everywhere from {lo} to {hi}, which its input can be"
            ));
        }
        let (least, greatest) = values
            .iter()
            .fold((f64::MAX, f64::MIN), |(lo, hi), value| (lo.min(*value), hi.max(*value)));
        let fraction = self.options.fraction_bits as i32;
        let Some(format) = format_holding(least, greatest, fraction, 64) else {
            return refuse(format!("its results from {least} to {greatest} fit no type"));
        };
        let ty = FixedType::from(format).with_modes(Rounding::RndConv, Overflow::Sat);
        let mut layer = DraftLayer::new("table", vec![x.source])
            .with("range", Setting::Numbers(vec![first * step, (first + count as f64) * step]));
        layer.numbers.push(crate::draft::Numbers {
            key: "values",
            extents: vec![count],
            values,
            ty,
        });
        layer.types.push(("table", ty));
        if log2_step > -x.fraction {
            self.note(&format!("a table of {count} entries, each for an interval of {step}"));
        }
        let source = self.push(layer);
        let bounds = vec![(least, greatest); x.bounds.len()];
        Ok(Signal {
            source,
            extents: x.extents.clone(),
            fraction,
            bounds,
            factor: vec![1.0],
            is_rough: true,
        })
    }

    /// Softmax over the channels.
    pub fn softmax(&mut self, x: &Signal) -> Lowered<Signal> {
        let x = self.materialized(x.clone())?;
        let x = self.narrowed(x, 1)?;
        let mut layer = DraftLayer::new("softmax", vec![x.source]);
        if self.options.fraction_bits > 16 {
            layer = layer
                .with("exp_bits", Setting::Integer(28))
                .with("reciprocal_bits", Setting::Integer(20))
                .with("max_table_size", Setting::Integer(self.options.table_size as i64));
        }
        let bounds = vec![(0.0, 1.0); x.bounds.len()];
        self.with_chosen_result(&x, layer, bounds)
    }

    /// The index of the first maximum over the channels.
    pub fn argmax(&mut self, x: &Signal) -> Lowered<Signal> {
        let x = self.with_positive_factor(x.clone())?;
        let mut extents = x.extents.clone();
        let Some(last) = extents.last_mut() else {
            return refuse("a tensor without axes has no maximum");
        };
        let count = std::mem::replace(last, 1);
        let source = self.push(DraftLayer::new("argmax", vec![x.source]));
        let bounds = vec![(0.0, count as f64 - 1.0)];
        Ok(Signal { source, extents, fraction: 0, bounds, factor: vec![1.0], is_rough: false })
    }
}
