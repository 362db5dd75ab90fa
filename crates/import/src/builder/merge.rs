//! Layers that read several tensors.

use super::affine::shortened;
use super::{Builder, Signal};
use crate::draft::{DraftLayer, Setting};
use crate::error::{Lowered, refuse};
use crate::tensor::{broadcast, element_count};

impl Builder {
    /// `add`, `subtract`, `multiply`, `average`, `maximum` or `minimum` of signals whose extents
    /// broadcast.
    pub fn merge(&mut self, kind: &'static str, signals: &[Signal]) -> Lowered<Signal> {
        let mut extents = Vec::new();
        for signal in signals {
            match broadcast(&extents, &signal.extents) {
                Some(both) => extents = both,
                None => {
                    return refuse(format!(
                        "{extents:?} and {:?} do not broadcast",
                        signal.extents
                    ));
                }
            }
        }
        if element_count(&extents).is_none() {
            return refuse(format!("its result would have the extents {extents:?}"));
        }
        let is_product = kind == "multiply";
        let has_sign = matches!(kind, "maximum" | "minimum");
        let mut signals = signals.to_vec();
        let first = signals[0].uniform_factor();
        let is_common = |signal: &Signal| {
            let factor = signal.uniform_factor();
            if is_product {
                factor.is_some()
            } else {
                factor.is_some() && factor == first && !(has_sign && factor < Some(0.0))
            }
        };
        if !signals.iter().all(is_common) {
            signals = signals.into_iter().map(|s| self.materialized(s)).collect::<Lowered<_>>()?;
        }
        if is_product {
            let widths = signals.iter().map(|s| s.format().map_or(64, |format| format.width));
            let all: u32 = widths.sum();
            let narrow = |builder: &mut Self, signal: Signal| {
                let own = signal.format().map_or(64, |format| format.width);
                builder.narrowed(signal, all - own)
            };
            signals = signals.into_iter().map(|s| narrow(self, s)).collect::<Lowered<_>>()?;
        }
        let factor = if is_product {
            signals.iter().map(|signal| signal.factor[0]).product()
        } else {
            signals[0].factor[0]
        };
        let channels = extents.last().copied().unwrap_or(1);
        let bound = |channel: usize| {
            let own = |signal: &Signal| signal.bounds[channel.min(signal.bounds.len() - 1)];
            let all = signals.iter().map(own);
            let combined = all.reduce(|a, b| combine(kind, a, b)).unwrap_or_default();
            match kind {
                "average" => (combined.0 / signals.len() as f64, combined.1 / signals.len() as f64),
                _ => combined,
            }
        };
        let bounds = (0..channels).map(bound).collect();
        let fractions = signals.iter().map(|signal| signal.fraction);
        let fraction = match kind {
            "multiply" => fractions.sum(),
            "average" => {
                if !signals.len().is_power_of_two() {
                    return refuse(format!(
                        "an average of {} tensors is not exact: use an add and a scale",
                        signals.len()
                    ));
                }
                fractions.max().unwrap_or(0) + signals.len().ilog2() as i32
            }
            _ => fractions.max().unwrap_or(0),
        };
        let is_rough = signals.iter().any(|signal| signal.is_rough);
        let sources = signals.iter().map(|signal| signal.source).collect();
        let source = self.push(DraftLayer::new(kind, sources));
        Ok(Signal { source, extents, fraction, bounds, factor: vec![factor], is_rough })
    }

    /// The signals one after the other along an axis, which is counted without the batch.
    pub fn concatenate(&mut self, signals: &[Signal], axis: usize) -> Lowered<Signal> {
        let Some(first) = signals.first() else {
            return refuse("it has no inputs");
        };
        if let [only] = signals {
            return Ok(only.clone());
        }
        let rank = first.extents.len();
        let rest = |extents: &[usize]| {
            let mut extents = extents.to_vec();
            (axis < extents.len()).then(|| extents.remove(axis))?;
            Some(extents)
        };
        if axis >= rank || signals.iter().any(|s| rest(&s.extents) != rest(&first.extents)) {
            return refuse("its inputs have different extents beside those that are put together");
        }
        let mut signals = signals.to_vec();
        let is_last = axis + 1 == rank;
        let common = first.uniform_factor();
        if !(is_last || signals.iter().all(|s| s.uniform_factor() == common && common.is_some())) {
            signals = signals.into_iter().map(|s| self.materialized(s)).collect::<Lowered<_>>()?;
        }
        let mut extents = signals[0].extents.clone();
        extents[axis] = signals.iter().map(|signal| signal.extents[axis]).sum();
        let channels = |signal: &Signal| signal.channels();
        let (bounds, factor) = if is_last {
            let factor = signals.iter().flat_map(|s| (0..channels(s)).map(|c| s.factor_of(c)));
            (signals.iter().flat_map(|s| s.bounds.clone()).collect(), shortened(factor.collect()))
        } else {
            let union = |channel: usize| {
                let all = signals.iter().map(|signal| signal.bounds[channel]);
                all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or_default()
            };
            ((0..channels(&signals[0])).map(union).collect(), signals[0].factor.clone())
        };
        let mut layer =
            DraftLayer::new("concatenate", signals.iter().map(|signal| signal.source).collect());
        if !is_last {
            layer = layer.with("axis", Setting::Integer(axis as i64 + 1));
        }
        let fraction = signals.iter().map(|signal| signal.fraction).max().unwrap_or(0);
        let is_rough = signals.iter().any(|signal| signal.is_rough);
        let source = self.push(layer);
        Ok(Signal { source, extents, fraction, bounds, factor, is_rough })
    }
}

/// What a merge makes of two ranges.
fn combine(kind: &str, a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    match kind {
        "subtract" => (a.0 - b.1, a.1 - b.0),
        "multiply" => {
            let products = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
            products.iter().fold((f64::MAX, f64::MIN), |(lo, hi), p| (lo.min(*p), hi.max(*p)))
        }
        "maximum" => (a.0.max(b.0), a.1.max(b.1)),
        "minimum" => (a.0.min(b.0), a.1.min(b.1)),
        _ => (a.0 + b.0, a.1 + b.1),
    }
}
