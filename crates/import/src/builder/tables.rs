//! Tables with an entry for each value that a signal can have.

use super::curves::bits_before;
use super::{Builder, Curve, Signal};
use crate::draft::{DraftLayer, Numbers, Setting};
use crate::error::{Lowered, refuse};
use crate::tables::round_to_odd;
use crate::types::{common_fraction_bits, exp2, extremes, format_holding};

/// Values of a function keep so many bits, before the point and after it.
const VALUE_BITS: i32 = 44;

/// Where a function has come nearer to what it tends to than so many bits after the point show, its
/// value is taken for that of all numbers beyond.
const FLAT_BITS: f64 = 30.0;

impl Builder {
    /// A function whose values are those that a program computes in single precision, each on its
    /// own, where a table has room for all of them. What casts them rounds each value once.
    pub fn whole_curve(&mut self, x: &Signal, curve: Curve) -> Lowered<Signal> {
        let x = self.materialized(x.clone())?;
        let (least, most) = match curve {
            // It is steep where no table of other numbers looks.
            Curve::Exp => (f64::MIN, f64::MAX),
            _ => curve.limits(FLAT_BITS),
        };
        let power = |limit: f64| {
            if limit.abs() == f64::MAX { limit } else { exp2(bits_before(limit)).copysign(limit) }
        };
        match self.whole_table(&x, (power(least), power(most)), &|x| curve.at(x))? {
            Ok(y) => Ok(y),
            Err(count) => {
                self.note(&format!(
                    "its input can be {count} numbers, more than the entries of a table: outputs may differ, unless there are more by `--table-size`"
                ));
                self.curve(&x, curve)
            }
        }
    }

    /// The same of any function, whose values beyond some limits are those at them; or how many
    /// entries it needs that there are not.
    pub fn whole_table(
        &mut self,
        x: &Signal,
        (least, most): (f64, f64),
        function: &dyn Fn(f64) -> f64,
    ) -> Lowered<Result<Signal, f64>> {
        let x = self.materialized(x.clone())?;
        let (lo, hi) = x.extremes();
        let (lo, hi) = (lo.clamp(least, most), hi.clamp(least, most));
        let step = exp2(-x.fraction);
        let first = (lo / step).floor();
        let count = (hi / step).floor() - first + 1.0;
        if count > self.options.table_size as f64 {
            return Ok(Err(count));
        }
        let at = |index: usize| f64::from(function((first + index as f64) * step) as f32);
        let values: Vec<f64> = (0..count as usize).map(at).collect();
        let (least, greatest) = extremes(&values);
        if !(greatest - least).is_finite() {
            return refuse(format!(
                "it has no finite value everywhere from {lo} to {hi}, which its input can be"
            ));
        }
        let largest = greatest.max(-least).max(exp2(-VALUE_BITS));
        let fraction = VALUE_BITS - libm::ceil(libm::log2(largest)) as i32;
        let values = values.into_iter().map(|value| round_to_odd(value, fraction)).collect();
        self.lookup(&x, first * step, step, values).map(Ok)
    }

    /// The entries of a table, exactly: the first is for `low`, each other for a step more.
    pub fn lookup(&mut self, x: &Signal, low: f64, step: f64, values: Vec<f64>) -> Lowered<Signal> {
        let (least, greatest) = extremes(&values);
        let fraction = common_fraction_bits(&values);
        let Some(format) = format_holding(least, greatest, fraction, 64) else {
            return refuse(format!("its results from {least} to {greatest} fit no type"));
        };
        let ty = format.into();
        let high = low + values.len() as f64 * step;
        let mut layer = DraftLayer::new("table", vec![x.source])
            .with("range", Setting::Numbers(vec![low, high]));
        let bounds = vec![(least, greatest); x.bounds.len()];
        layer.numbers.push(Numbers { key: "values", extents: vec![values.len()], values, ty });
        layer.types.push(("table", ty));
        let source = self.push(layer);
        let extents = x.extents.clone();
        Ok(Signal { source, extents, fraction, bounds, factor: vec![1.0], is_rough: false })
    }
}
