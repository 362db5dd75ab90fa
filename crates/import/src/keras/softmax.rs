//! HGQ2's softmax: exponentials and a reciprocal by tables, each quantised before and after, which
//! is a chain of layers that are all exact.

use serde_json::Value;

use super::layers::Lowering;
use crate::builder::{Pad, PoolKind, Signal, Windows};
use crate::error::{Lowered, refuse};
use crate::tensor::Tensor;

/// What HGQ2 adds to a sum before it divides by it.
const EPSILON: f32 = 1e-7;

impl Lowering<'_> {
    /// Softmax over the last axis.
    pub fn quantized_softmax(&mut self, x: &Signal) -> Lowered<Signal> {
        let axes = self.layer.get("axes").and_then(Value::as_array).map(Vec::as_slice);
        let is_last = match axes {
            Some([axis]) => axis.as_i64().is_some_and(|axis| {
                axis == -1 || usize::try_from(axis).is_ok_and(|axis| axis == x.extents.len())
            }),
            _ => false,
        };
        if !is_last {
            return refuse("a softmax is over the last axis");
        }
        let name = self.layer.name.clone();
        let begin = |this: &mut Self, part: &str| this.builder.begin(&format!("{name}_{part}"));
        let is_stable = self.layer.flag("stable", true);
        let x = self.builder.materialized(x.clone())?;
        let exponent = if is_stable {
            begin(self, "max");
            let most = self.row_maximum(&x)?;
            begin(self, "below");
            let below = self.builder.merge("subtract", &[most, x.clone()])?;
            begin(self, "exp_iq");
            self.quantized(&below, "exp_iq_conf", "exp_table/iq/quantizer")?
        } else {
            x.clone()
        };
        let scale = self.layer.number("input_scaler", 1.0) as f32;
        let scale = if is_stable { -scale } else { scale };
        begin(self, "exp");
        let exp = self.table(&exponent, &|x| libm::exp(f64::from(x as f32 * scale)))?;
        let exp = self.quantized(&exp, "exp_oq_conf", "exp_table/oq/quantizer")?;
        begin(self, "sum");
        let channels = x.channels();
        let Some(ones) = Tensor::new(vec![channels, 1], vec![1.0; channels]) else {
            return refuse(format!("its rows of {channels} are too long"));
        };
        let sum = self.builder.dense(&exp, &ones, None)?;
        begin(self, "inv_iq");
        let sum = self.quantized(&sum, "inv_iq_conf", "inv_table/iq/quantizer")?;
        begin(self, "inv");
        let inverse = self.table(&sum, &|x| f64::from(1.0 / (x as f32 + EPSILON)))?;
        let inverse = self.quantized(&inverse, "inv_oq_conf", "inv_table/oq/quantizer")?;
        self.builder.begin(&name);
        self.builder.merge("multiply", &[exp, inverse])
    }

    /// The maximum of each row, in a row of one.
    fn row_maximum(&mut self, x: &Signal) -> Lowered<Signal> {
        let channels = x.channels();
        let column = self.builder.reshape(x, &[x.extents.iter().product(), 1])?;
        let windows = Windows { strides: vec![channels], dilations: vec![1], pad: Pad::Valid };
        let most = self.builder.pool(&column, PoolKind::Max, &[channels], &windows)?;
        let mut extents = x.extents.clone();
        if let Some(last) = extents.last_mut() {
            *last = 1;
        }
        self.builder.reshape(&most, &extents)
    }

    /// A function with an entry for each number that a signal can be.
    fn table(&mut self, x: &Signal, function: &dyn Fn(f64) -> f64) -> Lowered<Signal> {
        match self.builder.whole_table(x, (f64::MIN, f64::MAX), function)? {
            Ok(y) => Ok(y),
            Err(count) => refuse(format!(
                "a table of it needs {count} entries, more than `--table-size` allows"
            )),
        }
    }
}
