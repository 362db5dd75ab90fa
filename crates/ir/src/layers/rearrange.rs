//! Layers that only move elements: permutation, zero padding, cropping, up-sampling.

use crate::error::Problem;
use crate::tensor::{Shape, TensorType};

/// Where each element of the output comes from. Formats stay those of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rearrange {
    /// The axes in another order: axis i of the output is axis `axes[i]` of the input.
    Permute(Vec<usize>),
    /// Zeros before and after each spatial axis.
    ZeroPadding(Vec<(usize, usize)>),
    /// So many elements dropped before and after each spatial axis.
    Cropping(Vec<(usize, usize)>),
    /// Each element repeated so many times along each spatial axis.
    UpSampling(Vec<usize>),
}

impl Rearrange {
    /// The layer type's word in a spec.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Permute(_) => "permute",
            Self::ZeroPadding(pads) if pads.len() == 1 => "zero_padding1d",
            Self::ZeroPadding(_) => "zero_padding2d",
            Self::Cropping(crops) if crops.len() == 1 => "cropping1d",
            Self::Cropping(_) => "cropping2d",
            Self::UpSampling(factors) if factors.len() == 1 => "up_sampling1d",
            Self::UpSampling(_) => "up_sampling2d",
        }
    }

    /// The extents of the output.
    ///
    /// # Errors
    /// When the input has other axes than the layer, or a cropping leaves nothing.
    pub fn output_extents(&self, extents: &[usize]) -> Result<Vec<usize>, Problem> {
        let rank = match self {
            Self::Permute(axes) => {
                let mut sorted = axes.clone();
                sorted.sort_unstable();
                if sorted != (0..extents.len()).collect::<Vec<_>>() {
                    let found = axes.iter().map(|axis| axis + 1).collect();
                    return Err(Problem::Permutation { found, rank: extents.len() });
                }
                return Ok(axes.iter().map(|axis| extents[*axis]).collect());
            }
            Self::ZeroPadding(ends) | Self::Cropping(ends) => ends.len(),
            Self::UpSampling(factors) => factors.len(),
        };
        if extents.len() != rank + 1 {
            return Err(Problem::ImageRank { found: extents.to_vec(), rank });
        }
        let mut output = extents.to_vec();
        for (axis, extent) in output[..rank].iter_mut().enumerate() {
            let nothing_left = || match self {
                Self::Cropping(crops) => {
                    let (before, after) = crops[axis];
                    Problem::Cropping { before, after, found: extents[axis] }
                }
                _ => Problem::TensorSize { extents: extents.to_vec() },
            };
            let changed = match self {
                Self::Permute(_) => Some(*extent),
                Self::ZeroPadding(pads) => {
                    extent.checked_add(pads[axis].0).and_then(|e| e.checked_add(pads[axis].1))
                }
                Self::Cropping(crops) => {
                    let left = extent.checked_sub(crops[axis].0);
                    left.and_then(|left| left.checked_sub(crops[axis].1)).filter(|left| *left > 0)
                }
                Self::UpSampling(factors) => extent.checked_mul(factors[axis]),
            };
            *extent = changed.ok_or_else(nothing_left)?;
        }
        Ok(output)
    }

    /// For each element of the output that of the input that it is; `None` for a zero.
    ///
    /// The extents are those of the input, for which [`Rearrange::output_extents`] has given
    /// `output`.
    pub fn sources(&self, extents: &[usize], output: &[usize]) -> Vec<Option<usize>> {
        let count = output.iter().product();
        let mut place = vec![0; output.len()];
        let mut sources = Vec::with_capacity(count);
        for _ in 0..count {
            sources.push(self.source(&place, extents));
            for (index, extent) in place.iter_mut().zip(output).rev() {
                *index += 1;
                if *index < *extent {
                    break;
                }
                *index = 0;
            }
        }
        sources
    }

    fn source(&self, place: &[usize], extents: &[usize]) -> Option<usize> {
        let index_on = |axis: usize| -> Option<usize> {
            let moved = match self {
                Self::Permute(axes) => place[axes.iter().position(|from| *from == axis)?],
                Self::ZeroPadding(pads) => {
                    place[axis].checked_sub(pads.get(axis).map_or(0, |pad| pad.0))?
                }
                Self::Cropping(crops) => place[axis] + crops.get(axis).map_or(0, |crop| crop.0),
                Self::UpSampling(factors) => place[axis] / factors.get(axis).unwrap_or(&1),
            };
            Some(moved).filter(|moved| *moved < extents[axis])
        };
        (0..extents.len()).try_fold(0, |flat, axis| Some(flat * extents[axis] + index_on(axis)?))
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let extents = self.output_extents(input.shape.extents())?;
        let shape = Shape::new(extents.clone()).ok_or(Problem::TensorSize { extents })?;
        let sources = self.sources(input.shape.extents(), shape.extents());
        Ok(input.gathered(shape, &sources))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(rearrange: &Rearrange, extents: &[usize]) -> Vec<Option<usize>> {
        rearrange.sources(extents, &rearrange.output_extents(extents).unwrap())
    }

    #[test]
    fn each_layer_takes_its_elements_from_where_they_are() {
        let some = |indices: &[usize]| indices.iter().copied().map(Some).collect::<Vec<_>>();
        let permute = Rearrange::Permute(vec![1, 0]);
        assert_eq!(sources(&permute, &[2, 3]), some(&[0, 3, 1, 4, 2, 5]));
        let pad = Rearrange::ZeroPadding(vec![(1, 2)]);
        assert_eq!(sources(&pad, &[2, 1]), [None, Some(0), Some(1), None, None]);
        let crop = Rearrange::Cropping(vec![(1, 0), (0, 1)]);
        assert_eq!(sources(&crop, &[2, 3, 1]), some(&[3, 4]));
        let up = Rearrange::UpSampling(vec![2]);
        assert_eq!(sources(&up, &[2, 2]), some(&[0, 1, 0, 1, 2, 3, 2, 3]));
        let all = Rearrange::Cropping(vec![(1, 1)]);
        assert!(all.output_extents(&[2, 3]).is_err());
        assert!(Rearrange::Permute(vec![0, 0]).output_extents(&[2, 3]).is_err());
    }
}
