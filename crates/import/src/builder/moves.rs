//! Layers that only move elements.

use super::affine::shortened;
use super::{Builder, Signal};
use crate::draft::{DraftLayer, Setting};
use crate::error::{Lowered, refuse};
use crate::tensor::{element_count, strides, walk};

impl Builder {
    /// The same elements, row-major, with other extents.
    pub fn reshape(&mut self, x: &Signal, extents: &[usize]) -> Lowered<Signal> {
        if x.extents == extents {
            return Ok(x.clone());
        }
        let layer = match extents {
            [_] => DraftLayer::new("flatten", vec![x.source]),
            _ => DraftLayer::new("reshape", vec![x.source])
                .with("shape", Setting::Integers(extents.to_vec())),
        };
        let count = x.extents.iter().product();
        if extents.is_empty() || element_count(extents) != Some(count) {
            return refuse(format!("{:?} cannot become {extents:?}", x.extents));
        }
        let order: Vec<usize> = (0..count).collect();
        self.moved(x, layer, extents, &order)
    }

    /// The axes in another order: axis i of the result is axis `axes[i]`.
    pub fn permute(&mut self, x: &Signal, axes: &[usize]) -> Lowered<Signal> {
        if axes.iter().enumerate().all(|(to, from)| to == *from) {
            return Ok(x.clone());
        }
        let own = strides(&x.extents);
        let extents: Vec<usize> = axes.iter().map(|axis| x.extents[*axis]).collect();
        let moved: Vec<usize> = axes.iter().map(|axis| own[*axis]).collect();
        let dims = axes.iter().map(|axis| axis + 1).collect();
        let layer =
            DraftLayer::new("permute", vec![x.source]).with("dims", Setting::Integers(dims));
        let order = walk(&extents, &moved);
        self.moved(x, layer, &extents, &order)
    }

    /// A layer that gives for each of its elements that of `x` at `order`.
    fn moved(
        &mut self,
        x: &Signal,
        layer: DraftLayer,
        extents: &[usize],
        order: &[usize],
    ) -> Lowered<Signal> {
        let (from, to) = (x.channels(), extents.last().copied().unwrap_or(1));
        let channel = |index: usize| order[index] % from;
        let mut bounds: Vec<(f64, f64)> = (0..to).map(|c| x.bounds[channel(c)]).collect();
        let mut factor: Vec<f64> = (0..to).map(|c| x.factor_of(channel(c))).collect();
        let is_uniform = x.uniform_factor().is_some();
        for index in 0..order.len() {
            let (lo, hi) = x.bounds[channel(index)];
            let bound = &mut bounds[index % to];
            *bound = (bound.0.min(lo), bound.1.max(hi));
            if !is_uniform && x.factor_of(channel(index)) != factor[index % to] {
                // Channels with different scales end up in one: the scales go in before.
                let x = self.materialized(x.clone())?;
                let layer = DraftLayer { inputs: vec![x.source], ..layer };
                return self.moved(&x, layer, extents, order);
            }
        }
        factor = shortened(factor);
        let source = self.push_beside(layer, "order");
        Ok(Signal { source, extents: extents.to_vec(), bounds, factor, ..x.clone() })
    }

    /// Zeros before and after each spatial axis.
    pub fn zero_padding(&mut self, x: &Signal, ends: &[(usize, usize)]) -> Lowered<Signal> {
        if ends.iter().all(|ends| *ends == (0, 0)) {
            return Ok(x.clone());
        }
        self.ends_layer(
            x,
            ["zero_padding1d", "zero_padding2d"],
            "padding",
            ends,
            |extent, (before, after)| extent.checked_add(before)?.checked_add(after),
        )
    }

    /// Elements dropped before and after each spatial axis.
    pub fn cropping(&mut self, x: &Signal, ends: &[(usize, usize)]) -> Lowered<Signal> {
        if ends.iter().all(|ends| *ends == (0, 0)) {
            return Ok(x.clone());
        }
        self.ends_layer(
            x,
            ["cropping1d", "cropping2d"],
            "cropping",
            ends,
            |extent, (before, after)| {
                extent.checked_sub(before)?.checked_sub(after).filter(|left| *left > 0)
            },
        )
    }

    fn ends_layer(
        &mut self,
        x: &Signal,
        kinds: [&'static str; 2],
        key: &'static str,
        ends: &[(usize, usize)],
        changed: impl Fn(usize, (usize, usize)) -> Option<usize>,
    ) -> Lowered<Signal> {
        let rank = ends.len();
        if x.extents.len() != rank + 1 || !(1..=2).contains(&rank) {
            return refuse(format!(
                "an image of the extents {:?} has no layer of this kind",
                x.extents
            ));
        }
        let new = x.extents.iter().zip(ends).map(|(extent, ends)| changed(*extent, *ends));
        let Some(mut extents) = new.collect::<Option<Vec<usize>>>() else {
            return refuse(format!("{key} of {ends:?} does not fit the image {:?}", x.extents));
        };
        extents.push(x.channels());
        if element_count(&extents).is_none() {
            return refuse(format!("the image would become {extents:?}"));
        }
        let value = match ends {
            [(before, after)] => Setting::Integers(vec![*before, *after]),
            [rows, columns, ..] => Setting::Ends([*rows, *columns]),
            [] => return Ok(x.clone()),
        };
        let layer = DraftLayer::new(kinds[rank - 1], vec![x.source]).with(key, value);
        let source = self.push_beside(layer, if key == "padding" { "pad" } else { "crop" });
        let bounds = x.bounds.iter().map(|(lo, hi)| (lo.min(0.0), hi.max(0.0))).collect();
        Ok(Signal { source, extents, bounds, ..x.clone() })
    }

    /// Each element repeated along the spatial axes.
    pub fn up_sampling(&mut self, x: &Signal, factors: &[usize]) -> Lowered<Signal> {
        if factors.iter().all(|factor| *factor == 1) {
            return Ok(x.clone());
        }
        let rank = factors.len();
        if x.extents.len() != rank + 1 || !(1..=2).contains(&rank) {
            return refuse(format!("an image of the extents {:?} is not resized", x.extents));
        }
        let mut extents: Vec<usize> =
            x.extents.iter().zip(factors).map(|(e, f)| e.saturating_mul(*f)).collect();
        extents.push(x.channels());
        if element_count(&extents).is_none() {
            return refuse(format!("the image would become {extents:?}"));
        }
        let kind = if rank == 1 { "up_sampling1d" } else { "up_sampling2d" };
        let layer =
            DraftLayer::new(kind, vec![x.source]).with("size", Setting::Integers(factors.to_vec()));
        let source = self.push(layer);
        Ok(Signal { source, extents, ..x.clone() })
    }
}
