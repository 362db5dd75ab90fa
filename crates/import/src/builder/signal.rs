//! Tensors of a draft, and what is known of them.

use rtl4ml_ir::{FixedType, Format, Overflow};

use crate::draft::Source;
use crate::types::{exp2, format_holding};

/// A tensor of the draft.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Which one.
    pub source: Source,
    /// Its extents, channels last.
    pub extents: Vec<usize>,
    /// A number of bits after the binary point that holds its values.
    pub fraction: i32,
    /// The least and the greatest value of each channel.
    pub bounds: Vec<(f64, f64)>,
    /// What the model's values are the tensor's times: a number for all, or one for each channel.
    pub factor: Vec<f64>,
    /// Whether trained numbers were rounded on the way, so that its last bits mean nothing.
    pub is_rough: bool,
}

impl Signal {
    /// The number of channels: the last extent.
    pub fn channels(&self) -> usize {
        self.extents.last().copied().unwrap_or(1)
    }

    /// The factor, where it is one for all.
    pub fn uniform_factor(&self) -> Option<f64> {
        let first = self.factor[0];
        self.factor.iter().all(|factor| *factor == first).then_some(first)
    }

    /// The factor of a channel.
    pub fn factor_of(&self, channel: usize) -> f64 {
        if self.factor.len() == 1 { self.factor[0] } else { self.factor[channel] }
    }

    /// The least and the greatest value of all channels.
    pub fn extremes(&self) -> (f64, f64) {
        let first = self.bounds[0];
        self.bounds.iter().fold(first, |(lo, hi), (l, h)| (lo.min(*l), hi.max(*h)))
    }

    /// The format that holds the values exactly; `None` where it is too wide to tell.
    pub fn format(&self) -> Option<Format> {
        let (lo, hi) = self.extremes();
        format_holding(lo, hi, self.fraction, 100)
    }
}

/// What is known of a signal after a cast.
pub(super) fn cast_signal(signal: &Signal, source: Source, ty: FixedType) -> Signal {
    let bounds = signal.bounds.iter().map(|bound| cast_bounds(*bound, ty)).collect();
    Signal { source, fraction: ty.fraction_bits(), bounds, ..signal.clone() }
}

/// The same for types of its elements, row-major: a channel has the bounds of all of its elements.
pub(super) fn cast_elements(signal: &Signal, source: Source, types: &[FixedType]) -> Signal {
    let channels = signal.channels();
    let mut bounds = vec![(0.0f64, 0.0f64); channels];
    for (element, ty) in types.iter().enumerate().filter(|(_, ty)| ty.format.width > 0) {
        let channel = element % channels;
        let (lo, hi) = cast_bounds(signal.bounds[channel], *ty);
        let bound = &mut bounds[channel];
        *bound = (bound.0.min(lo), bound.1.max(hi));
    }
    let wide = types.iter().filter(|ty| ty.format.width > 0);
    let fraction = wide.map(|ty| ty.fraction_bits()).max().unwrap_or(0);
    Signal { source, fraction, bounds, ..signal.clone() }
}

/// The bounds of numbers after a cast: rounding moves a bound by a step at most, and never out of
/// the type's range.
fn cast_bounds((lo, hi): (f64, f64), ty: FixedType) -> (f64, f64) {
    let own = own_bounds(ty);
    let step = exp2(-ty.fraction_bits());
    if ty.overflow == Overflow::Wrap && (lo < own.0 || hi > own.1) {
        return own;
    }
    ((lo - step).clamp(own.0, own.1), (hi + step).clamp(own.0, own.1))
}

/// The least and the greatest number of a type.
fn own_bounds(ty: FixedType) -> (f64, f64) {
    let range = ty.overflow.range_of(ty.format);
    let step = exp2(-ty.fraction_bits());
    (range.lo as f64 * step, range.hi as f64 * step)
}

/// A tensor of which nothing is known but its type.
pub(super) fn typed(source: Source, extents: Vec<usize>, ty: FixedType) -> Signal {
    let bound = own_bounds(ty);
    let channels = extents.last().copied().unwrap_or(1);
    Signal {
        source,
        extents,
        fraction: ty.fraction_bits(),
        bounds: vec![bound; channels],
        factor: vec![1.0],
        is_rough: false,
    }
}
