//! Parameters of layers in the forms that Keras has for them.

use serde_json::Value;

use super::config::Layer;
use crate::builder::{Pad, Windows};
use crate::error::{Lowered, refuse};

/// How far an image may be padded, or a window reach.
const MAX_LENGTH: u64 = 65536;

impl Layer {
    /// A number for each of `rank` axes.
    pub fn lengths(&self, key: &str, rank: usize, default: usize) -> Lowered<Vec<usize>> {
        match self.sizes(key, rank, default) {
            Some(sizes) => Ok(sizes),
            None => refuse(format!("its {key} is not a number for each of {rank} axes")),
        }
    }

    /// How its windows move.
    pub fn windows(&self, rank: usize, strides: Vec<usize>) -> Lowered<Windows> {
        let dilations = self.lengths("dilation_rate", rank, 1)?;
        let pad = match self.text("padding").unwrap_or("valid") {
            "same" => Pad::Same,
            "valid" => Pad::Valid,
            "causal" => Pad::Causal,
            other => return refuse(format!("its padding is `{other}`")),
        };
        Ok(Windows { strides, dilations, pad })
    }

    /// The cells of a pool's windows, and how far they are apart.
    pub fn pool_windows(&self, rank: usize) -> Lowered<(Vec<usize>, Vec<usize>)> {
        let cells = self.lengths("pool_size", rank, 2)?;
        let strides = match self.get("strides") {
            Some(_) => self.lengths("strides", rank, 1)?,
            None => cells.clone(),
        };
        Ok((cells, strides))
    }

    /// The axis of a tensor of `rank` axes that a concatenation is along, counted from 0.
    pub fn axis_of_tensor(&self, rank: usize) -> Lowered<usize> {
        let axis = self.get("axis").map_or(Some(-1), Value::as_i64).unwrap_or(0);
        let axis = if axis < 0 { axis + rank as i64 } else { axis - 1 };
        match usize::try_from(axis) {
            Ok(axis) => Ok(axis),
            Err(_) => refuse("it puts samples of a batch together"),
        }
    }

    /// The extents that `count` elements are brought into.
    pub fn target_shape(&self, count: usize) -> Lowered<Vec<usize>> {
        let Some(target) = self.get("target_shape").and_then(Value::as_array) else {
            return refuse("its target_shape is missing");
        };
        let target: Vec<i64> = target.iter().map(|extent| extent.as_i64().unwrap_or(-1)).collect();
        let known = target
            .iter()
            .filter(|extent| **extent > 0)
            .try_fold(1i64, |product, extent| product.checked_mul(*extent));
        let (Some(known), true) =
            (known, target.iter().filter(|extent| **extent <= 0).count() <= 1)
        else {
            return refuse(format!("its target_shape is {target:?}"));
        };
        let extent =
            |extent: &i64| if *extent > 0 { *extent as usize } else { count / known as usize };
        Ok(target.iter().map(extent).collect())
    }

    /// Which axis each of the result's is, counted from 0.
    pub fn order_of_axes(&self, rank: usize) -> Lowered<Vec<usize>> {
        let dims = self.get("dims").and_then(Value::as_array);
        let axes: Option<Vec<usize>> = dims.and_then(|dims| {
            dims.iter().map(|dim| (dim.as_u64()? as usize).checked_sub(1)).collect()
        });
        let is_order = |axes: &Vec<usize>| {
            let mut sorted = axes.clone();
            sorted.sort_unstable();
            sorted.into_iter().eq(0..rank)
        };
        match axes.filter(is_order) {
            Some(axes) => Ok(axes),
            None => refuse("its dims are no order of the axes"),
        }
    }

    /// Two numbers for each spatial axis.
    pub fn ends(&self, key: &str, rank: usize) -> Lowered<Vec<(usize, usize)>> {
        let number =
            |value: &Value| value.as_u64().filter(|n| *n <= MAX_LENGTH).map(|n| n as usize);
        let pair = |value: &Value| match value {
            Value::Array(items) => match &items[..] {
                [before, after] => Some((number(before)?, number(after)?)),
                [both] => number(both).map(|both| (both, both)),
                _ => None,
            },
            value => number(value).map(|both| (both, both)),
        };
        let ends = match (self.get(key), rank) {
            (Some(value), 1) => pair(value).map(|ends| vec![ends]),
            (Some(Value::Array(items)), _) if items.len() == rank => {
                items.iter().map(pair).collect()
            }
            (Some(value), _) => pair(value).map(|ends| vec![ends; rank]),
            (None, _) => Some(vec![(1, 1); rank]),
        };
        match ends {
            Some(ends) => Ok(ends),
            None => refuse(format!("its {key} is not two numbers for each axis")),
        }
    }
}
