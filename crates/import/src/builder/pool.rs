//! Pooling: the maximum or the average of a window.

use super::{Builder, Pad, Signal, Windows};
use crate::draft::{DraftLayer, Setting};
use crate::error::{Lowered, refuse};
use crate::tensor::{Tensor, element_count};
use crate::types::is_power_of_two;

/// What a window becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// Its maximum; cells beyond the image never win.
    Max,
    /// Its average over the cells on the image.
    Average,
    /// Its average over all cells, those beyond the image being zeros.
    AverageWithPad,
}

impl Builder {
    /// Pooling with windows of `cells`.
    pub fn pool(
        &mut self,
        x: &Signal,
        kind: PoolKind,
        cells: &[usize],
        windows: &Windows,
    ) -> Lowered<Signal> {
        let rank = cells.len();
        if x.extents.len() != rank + 1 || !(1..=2).contains(&rank) || cells.contains(&0) {
            return refuse(format!("a window of {cells:?} cells cannot move over {:?}", x.extents));
        }
        if windows.dilations.iter().any(|dilation| *dilation != 1) {
            return refuse("pooling with dilation has no layer");
        }
        let mut x = self.with_positive_factor_if(x.clone(), kind == PoolKind::Max)?;
        let mut windows = windows.simplified(&x.extents, cells);
        let mut lift = 0.0;
        if let Pad::Explicit(ends) = &windows.pad {
            let ends = ends.clone();
            match kind {
                PoolKind::Average => return self.average_on_image(&x, cells, &windows),
                PoolKind::AverageWithPad => {}
                // A zero wins over no value that is not below it: lifted, none is.
                PoolKind::Max => lift = (-x.extremes().0).max(0.0).ceil(),
            }
            if lift > 0.0 {
                let channels = x.channels();
                x = self.batch_norm(
                    &x,
                    &vec![1.0; channels],
                    &vec![lift; channels],
                    x.factor.clone(),
                )?;
            }
            x = self.zero_padding(&x, &ends)?;
            windows.pad = Pad::Valid;
        } else if kind == PoolKind::AverageWithPad && windows.pad != Pad::Valid {
            let ends: Vec<(usize, usize)> =
                (0..rank).map(|axis| windows.ends(axis, x.extents[axis], cells[axis])).collect();
            x = self.zero_padding(&x, &ends)?;
            windows.pad = Pad::Valid;
        }
        let pooled = self.pool_layer(&x, kind, cells, &windows)?;
        if lift == 0.0 {
            return Ok(pooled);
        }
        let channels = x.channels();
        self.batch_norm(
            &pooled,
            &vec![1.0; channels],
            &vec![-lift; channels],
            pooled.factor.clone(),
        )
    }

    /// The sums of windows, exact: a depthwise convolution with ones.
    pub fn sums(&mut self, x: &Signal, cells: &[usize], windows: &Windows) -> Lowered<Signal> {
        let ones = [cells, &[x.channels(), 1]].concat();
        let weight = element_count(&ones).and_then(|n| Tensor::new(ones, vec![1.0; n]));
        let Some(weight) = weight else {
            return refuse("it is over too many elements");
        };
        self.depthwise(x, &weight, None, windows)
    }

    /// Averages over those cells of each window that lie on the image: sums, each divided by how many
    /// cells that are.
    fn average_on_image(
        &mut self,
        x: &Signal,
        cells: &[usize],
        windows: &Windows,
    ) -> Lowered<Signal> {
        let sums = self.sums(x, cells, windows)?;
        let mut counts = vec![1.0];
        for (axis, cells) in cells.iter().enumerate() {
            let (before, _) = windows.ends(axis, x.extents[axis], *cells);
            let on_image = |window: usize| {
                let first = window * windows.strides[axis];
                let image = before..before + x.extents[axis];
                (first..first + cells).filter(|cell| image.contains(cell)).count() as f64
            };
            counts = counts
                .iter()
                .flat_map(|others| (0..sums.extents[axis]).map(move |w| others * on_image(w)))
                .collect();
        }
        if counts.contains(&0.0) {
            return refuse("a window has no cell on the image, so that its average is of nothing");
        }
        let image = sums.extents.clone();
        if counts.iter().all(|count| *count == counts[0]) {
            return self.affine(&sums, &[1.0 / counts[0]], &[0.0]);
        }
        let scale: Vec<f64> =
            counts.iter().flat_map(|count| vec![1.0 / count; sums.channels()]).collect();
        let flat = self.reshape(&sums, &[scale.len()])?;
        let averages = self.affine(&flat, &scale, &[0.0])?;
        self.reshape(&averages, &image)
    }

    fn pool_layer(
        &mut self,
        x: &Signal,
        kind: PoolKind,
        cells: &[usize],
        windows: &Windows,
    ) -> Lowered<Signal> {
        let rank = cells.len();
        let mut extents = Vec::new();
        for axis in 0..rank {
            match windows.count(axis, x.extents[axis], cells[axis]) {
                Some(count) => extents.push(count),
                None => {
                    return refuse(format!(
                        "its window of {cells:?} cells is larger than the image {:?}",
                        x.extents
                    ));
                }
            }
        }
        extents.push(x.channels());
        let is_whole = windows.pad == Pad::Valid && cells == &x.extents[..rank];
        let name = match (kind, rank) {
            (PoolKind::Max, 1) => "max_pool1d",
            (PoolKind::Max, _) => "max_pool2d",
            (_, 1) => "average_pool1d",
            _ => "average_pool2d",
        };
        let mut layer = DraftLayer::new(name, vec![x.source])
            .with("pool_size", Setting::Integers(cells.to_vec()));
        if windows.strides != cells && !is_whole {
            layer = layer.with("strides", Setting::Integers(windows.strides.clone()));
        }
        if windows.pad == Pad::Same {
            layer = layer.with("padding", Setting::Word("same"));
        }
        let count: usize = cells.iter().product();
        let mut is_rough = x.is_rough;
        let mut fraction = x.fraction;
        if kind != PoolKind::Max {
            // The quotient has that many more bits, and is rounded towards zero there.
            fraction += count.next_power_of_two().ilog2() as i32;
            let is_exact = if windows.pad == Pad::Same {
                cells.iter().all(|cells| is_power_of_two(*cells as f64) && *cells <= 2)
            } else {
                count.is_power_of_two()
            };
            is_rough |= !is_exact;
            if !is_exact {
                self.note(&format!("an average of {count} is rounded to {fraction} bits after the point, towards zero"));
            }
        }
        let source = self.push(layer);
        let bounds = x.bounds.clone();
        Ok(Signal { source, extents, fraction, bounds, factor: x.factor.clone(), is_rough })
    }

    /// The maximum or average of the whole image: an image of one pixel.
    pub fn global_pool(&mut self, x: &Signal, kind: PoolKind) -> Lowered<Signal> {
        let rank = x.extents.len().saturating_sub(1);
        let cells = x.extents[..rank].to_vec();
        let windows = Windows { strides: cells.clone(), dilations: vec![1; rank], pad: Pad::Valid };
        self.pool(x, kind, &cells, &windows)
    }

    fn with_positive_factor_if(&mut self, x: Signal, is_needed: bool) -> Lowered<Signal> {
        let is_positive = x.factor.iter().all(|factor| *factor > 0.0);
        if is_needed && !is_positive { self.materialized(x) } else { Ok(x) }
    }
}
