//! Layers that multiply by weights: dense layers and convolutions.

use rtl4ml_ir::Format;

use super::affine::{in_units, shortened};
use super::{Builder, Signal};
use crate::draft::{DraftLayer, Setting};
use crate::error::{Lowered, refuse};
use crate::tensor::{Tensor, element_count};
use crate::types::{exp2, fraction_bits, is_power_of_two, log2_exact};

/// What lies beyond the edges of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pad {
    /// Nothing: windows lie on the image.
    Valid,
    /// Enough for as many windows as the strides leave, more of it after than before.
    Same,
    /// All of it before, so that no window looks ahead.
    Causal,
    /// So many zeros before and after each spatial axis.
    Explicit(Vec<(usize, usize)>),
}

/// How windows move over an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The distance between windows, for each spatial axis.
    pub strides: Vec<usize>,
    /// The distance between the cells of a window.
    pub dilations: Vec<usize>,
    /// What lies beyond the edges.
    pub pad: Pad,
}

impl Windows {
    /// The zeros before and after an axis of `extent` pixels, for windows of `cells`.
    pub fn ends(&self, axis: usize, extent: usize, cells: usize) -> (usize, usize) {
        let span = (cells - 1) * self.dilations[axis] + 1;
        match &self.pad {
            Pad::Valid => (0, 0),
            Pad::Causal => (span - 1, 0),
            Pad::Explicit(ends) => ends[axis],
            Pad::Same => {
                let windows = extent.div_ceil(self.strides[axis]);
                let needed = (windows - 1) * self.strides[axis] + span;
                let all = needed.saturating_sub(extent);
                (all / 2, all - all / 2)
            }
        }
    }

    /// The number of windows on an axis; `None` where not even one fits.
    pub fn count(&self, axis: usize, extent: usize, cells: usize) -> Option<usize> {
        let (before, after) = self.ends(axis, extent, cells);
        let span = (cells - 1).checked_mul(self.dilations[axis])? + 1;
        let padded = extent.checked_add(before)?.checked_add(after)?;
        Some(padded.checked_sub(span)? / self.strides[axis] + 1)
    }

    /// The same windows, with `Same` or `Valid` where these say what explicit ends say.
    pub fn simplified(&self, extents: &[usize], cells: &[usize]) -> Self {
        let Pad::Explicit(_) = &self.pad else {
            return self.clone();
        };
        let is_as = |other: &Self| {
            (0..cells.len()).all(|axis| {
                let (extent, cells) = (extents[axis], cells[axis]);
                let same_start =
                    self.ends(axis, extent, cells).0 == other.ends(axis, extent, cells).0;
                same_start && self.count(axis, extent, cells) == other.count(axis, extent, cells)
            })
        };
        let valid = Self { pad: Pad::Valid, ..self.clone() };
        let same = Self { pad: Pad::Same, ..self.clone() };
        [valid, same].into_iter().find(is_as).unwrap_or_else(|| self.clone())
    }
}

/// Weights as integers times a scale of their column, or as they are.
struct Kernel {
    values: Vec<f64>,
    /// The scale that waits, for each output channel.
    scale: Vec<f64>,
    declared: Option<Format>,
}

/// The type that a quantiser gives numbers with one step, a power of two.
pub(super) fn declared_format(numbers: &Tensor) -> Option<Format> {
    let grid = numbers.grid.as_ref()?;
    let log2 = log2_exact(grid.steps[0])?;
    let uniform = grid.steps.iter().all(|step| *step == grid.steps[0]);
    let integer_bits = grid.integers.width as i32 + log2;
    uniform.then_some(Format { integer_bits, ..grid.integers })
}

/// Takes scales that are no powers of two out of weights, where each of the `columns` has one:
/// element i belongs to column i modulo `columns`.
fn split(weight: &Tensor, columns: usize) -> Kernel {
    let plain = |declared| Kernel { values: weight.numbers.to_vec(), scale: vec![1.0], declared };
    let Some(grid) = &weight.grid else {
        return plain(None);
    };
    let step = |index: usize| if grid.steps.len() == 1 { grid.steps[0] } else { grid.steps[index] };
    if grid.steps.iter().all(|step| is_power_of_two(*step)) {
        return plain(declared_format(weight));
    }
    let count = weight.numbers.len();
    if (columns..count).any(|index| step(index) != step(index % columns)) {
        // A scale for each input channel has to be multiplied in.
        return plain(None);
    }
    let integer = |(index, number): (usize, &f64)| (number / step(index)).round();
    Kernel {
        values: weight.numbers.iter().enumerate().map(integer).collect(),
        scale: shortened((0..columns).map(step).collect()),
        declared: Some(Format { integer_bits: grid.integers.width as i32, ..grid.integers }),
    }
}

/// Whether a factor of the input is multiplied into the weights, instead of waiting until after the
/// bias: where the bias is no multiple of it, and the weights stay exact.
fn goes_in_before(bias: Option<&Tensor>, factor: f64, scale: &[f64]) -> bool {
    /// A factor that weights are multiplied by is below this many of its last bit.
    const MOST: f64 = 256.0;
    let is_short = fraction_bits(factor).is_some_and(|bits| factor.abs() * exp2(bits) < MOST);
    let is_multiple = |number: &f64| (number / factor).fract() == 0.0;
    let is_rounded = bias.is_some_and(|bias| !bias.numbers.iter().all(is_multiple));
    is_short && is_rounded && scale == [1.0]
}

/// Which input and output channel a weight is between, and whether cells may lie off the image.
struct Wiring<'a> {
    columns: usize,
    row: &'a dyn Fn(usize) -> usize,
    is_padded: bool,
}

impl Builder {
    /// x times a matrix [inputs, outputs] at every position, plus a bias.
    pub fn dense(&mut self, x: &Signal, weight: &Tensor, bias: Option<&Tensor>) -> Lowered<Signal> {
        let [inputs, outputs] = weight.extents[..] else {
            return refuse(format!("its weight has the extents {:?}", weight.extents));
        };
        if x.channels() != inputs || x.extents.is_empty() {
            return refuse(format!(
                "its weight is for {inputs} inputs, but there are {}",
                x.channels()
            ));
        }
        let row = |index: usize| index / outputs;
        let wiring = Wiring { columns: outputs, row: &row, is_padded: false };
        let layer =
            DraftLayer::new("dense", Vec::new()).with("units", Setting::Integer(outputs as i64));
        let extents = [&x.extents[..x.extents.len() - 1], &[outputs]].concat();
        self.weighted(x, layer, weight, bias, &wiring, extents)
    }

    /// A convolution of all channels; the weight is [cells.., channels, filters].
    pub(super) fn whole_conv(
        &mut self,
        x: &Signal,
        weight: &Tensor,
        bias: Option<&Tensor>,
        windows: &Windows,
    ) -> Lowered<Signal> {
        let rank = windows.strides.len();
        let Some([channels, filters]) =
            weight.extents.get(rank..).and_then(|e| <[usize; 2]>::try_from(e).ok())
        else {
            return refuse(format!("its weight has the extents {:?}", weight.extents));
        };
        if x.channels() != channels {
            return refuse(format!(
                "its weight is for {channels} channels, but there are {}",
                x.channels()
            ));
        }
        let kind = if rank == 1 { "conv1d" } else { "conv2d" };
        let row = |index: usize| index / filters % channels;
        self.window_layer(x, kind, ("filters", filters), weight, bias, windows, filters, &row)
    }

    /// A convolution of each channel on its own; the weight is [cells.., channels, multiplier].
    pub fn depthwise(
        &mut self,
        x: &Signal,
        weight: &Tensor,
        bias: Option<&Tensor>,
        windows: &Windows,
    ) -> Lowered<Signal> {
        let rank = windows.strides.len();
        let Some([channels, multiplier]) =
            weight.extents.get(rank..).and_then(|e| <[usize; 2]>::try_from(e).ok())
        else {
            return refuse(format!("its weight has the extents {:?}", weight.extents));
        };
        if x.channels() != channels {
            return refuse(format!(
                "its weight is for {channels} channels, but there are {}",
                x.channels()
            ));
        }
        let kind = if rank == 1 { "depthwise_conv1d" } else { "depthwise_conv2d" };
        let row = |index: usize| index / multiplier % channels;
        let columns = channels * multiplier;
        self.window_layer(
            x,
            kind,
            ("depth_multiplier", multiplier),
            weight,
            bias,
            windows,
            columns,
            &row,
        )
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of a convolution, used twice")]
    fn window_layer(
        &mut self,
        x: &Signal,
        kind: &'static str,
        (size_key, size): (&'static str, usize),
        weight: &Tensor,
        bias: Option<&Tensor>,
        windows: &Windows,
        columns: usize,
        row: &dyn Fn(usize) -> usize,
    ) -> Lowered<Signal> {
        let rank = windows.strides.len();
        let cells = &weight.extents[..rank];
        if x.extents.len() != rank + 1 || cells.contains(&0) {
            return refuse(format!("a window of {cells:?} cells cannot move over {:?}", x.extents));
        }
        let windows = windows.simplified(&x.extents, cells);
        let mut counts = Vec::new();
        for axis in 0..rank {
            match windows.count(axis, x.extents[axis], cells[axis]) {
                Some(count) => counts.push(count),
                None => {
                    return refuse(format!(
                        "its window of {cells:?} cells is larger than the image {:?}",
                        x.extents
                    ));
                }
            }
        }
        let mut x = x.clone();
        if let Pad::Explicit(ends) = &windows.pad {
            x = self.zero_padding(&x, ends)?;
        }
        let mut layer = DraftLayer::new(kind, Vec::new())
            .with(size_key, Setting::Integer(size as i64))
            .with("kernel_size", Setting::Integers(cells.to_vec()));
        if windows.strides.iter().any(|stride| *stride != 1) {
            layer = layer.with("strides", Setting::Integers(windows.strides.clone()));
        }
        match windows.pad {
            Pad::Same => layer = layer.with("padding", Setting::Word("same")),
            Pad::Causal => layer = layer.with("padding", Setting::Word("causal")),
            Pad::Valid | Pad::Explicit(_) => {}
        }
        if windows.dilations.iter().any(|dilation| *dilation != 1) {
            layer = layer.with("dilation", Setting::Integers(windows.dilations.clone()));
        }
        counts.push(columns);
        let is_padded = matches!(windows.pad, Pad::Same | Pad::Causal);
        let wiring = Wiring { columns, row, is_padded };
        self.weighted(&x, layer, weight, bias, &wiring, counts)
    }

    /// The layer with its weights, its bias, and what is known of its result.
    fn weighted(
        &mut self,
        x: &Signal,
        mut layer: DraftLayer,
        weight: &Tensor,
        bias: Option<&Tensor>,
        wiring: &Wiring,
        extents: Vec<usize>,
    ) -> Lowered<Signal> {
        let &Wiring { columns, row, is_padded } = wiring;
        if columns == 0 || weight.numbers.is_empty() {
            return refuse("it has no weights");
        }
        if element_count(&extents).is_none() {
            return refuse(format!("its result would have the extents {extents:?}"));
        }
        let Kernel { mut values, scale, declared } = split(weight, columns);
        let mut factor: Vec<f64> = (0..columns).map(|column| scale[column % scale.len()]).collect();
        let mut declared = declared;
        match x.uniform_factor() {
            Some(1.0) => {}
            Some(common)
                if !is_power_of_two(common.abs()) && !goes_in_before(bias, common, &scale) =>
            {
                for factor in &mut factor {
                    *factor *= common;
                }
            }
            _ => {
                // Powers of two move the binary point of a weight; a factor that would round the
                // bias costs some bits of the weights; and other factors of channels have
                // nowhere else to go.
                for (index, value) in values.iter_mut().enumerate() {
                    *value *= x.factor_of(row(index));
                }
                let shift = x.uniform_factor().and_then(log2_exact);
                declared = declared.zip(shift).map(|(declared, shift)| Format {
                    integer_bits: declared.integer_bits + shift,
                    ..declared
                });
            }
        }
        let (weights, weight_is_exact) =
            self.numbers("weight", weight.extents.clone(), values, declared)?;
        let terms = weights.values.len() / columns;
        let x = &self.narrowed(x.clone(), weights.ty.format.width + terms.ilog2() + 1)?;
        let mut bounds = vec![(0.0, 0.0); columns];
        for (index, value) in weights.values.iter().enumerate() {
            let (lo, hi) = x.bounds[row(index)];
            let (a, b) = (value * lo, value * hi);
            let (mut least, mut greatest) = (a.min(b), a.max(b));
            if is_padded {
                (least, greatest) = (least.min(0.0), greatest.max(0.0));
            }
            let bound: &mut (f64, f64) = &mut bounds[index % columns];
            *bound = (bound.0 + least, bound.1 + greatest);
        }
        let mut fraction = x.fraction + weights.ty.fraction_bits();
        let mut is_rough = x.is_rough || !weight_is_exact;
        layer.inputs = vec![x.source];
        layer.numbers.push(weights);
        if let Some(bias) = bias {
            let Some(bias) = bias.broadcast_to(&[columns]) else {
                return refuse(format!("its bias has the extents {:?}", bias.extents));
            };
            let values = in_units(&bias.numbers, |column| factor[column]);
            for (bound, value) in bounds.iter_mut().zip(&values) {
                *bound = (bound.0 + value, bound.1 + value);
            }
            let declared = declared_format(&bias).filter(|_| factor.iter().all(|f| *f == 1.0));
            let (biases, bias_is_exact) = self.numbers("bias", vec![columns], values, declared)?;
            fraction = fraction.max(biases.ty.fraction_bits());
            is_rough |= !bias_is_exact;
            layer.numbers.push(biases);
        }
        let source = self.push(layer);
        Ok(Signal { source, extents, fraction, bounds, factor: shortened(factor), is_rough })
    }
}
