//! Convolutions in groups of channels: by the layers that there are.

use super::{Builder, Signal, Windows};
use crate::error::{Lowered, refuse};
use crate::tensor::{Grid, Tensor, element_count};

impl Builder {
    /// A convolution in `groups`; the weight is [cells.., channels of a group, filters], the filters
    /// of each group side by side. A group for each channel is a depthwise convolution.
    pub fn conv(
        &mut self,
        x: &Signal,
        weight: &Tensor,
        bias: Option<&Tensor>,
        windows: &Windows,
        groups: usize,
    ) -> Lowered<Signal> {
        let rank = windows.strides.len();
        let [cells @ .., of_group, filters] = &weight.extents[..] else {
            return refuse(format!("its weight has the extents {:?}", weight.extents));
        };
        let (of_group, filters) = (*of_group, *filters);
        let channels = of_group.checked_mul(groups);
        if cells.len() != rank || groups == 0 || filters % groups != 0 {
            return refuse(format!(
                "{filters} filters are no {groups} groups of windows {cells:?}"
            ));
        }
        if channels != Some(x.channels()) {
            return refuse(format!(
                "its weight is for {groups} times {of_group} channels, but there are {}",
                x.channels()
            ));
        }
        if groups > 1 && of_group == 1 {
            let by_channel = [cells, &[groups, filters / groups]].concat();
            let Some(weight) = weight.reshaped(by_channel) else {
                return refuse("its weight does not fit");
            };
            return self.depthwise(x, &weight, bias, windows);
        }
        let weight = if groups > 1 { &ungrouped(weight, groups)? } else { weight };
        self.whole_conv(x, weight, bias, windows)
    }
}

/// The weight of a convolution in groups as one of all channels: zeros, which cost nothing, are
/// between the groups.
fn ungrouped(weight: &Tensor, groups: usize) -> Lowered<Tensor> {
    let rank = weight.extents.len() - 2;
    let (of_group, filters) = (weight.extents[rank], weight.extents[rank + 1]);
    let channels = of_group * groups;
    let extents = [&weight.extents[..rank], &[channels, filters]].concat();
    let Some(count) = element_count(&extents) else {
        return refuse("its weight is too large");
    };
    // Where a weight comes from, and whether it is one of its filter's own group.
    let origin = |to: usize| {
        let (filter, channel) = (to % filters, to / filters % channels);
        let group = filter / (filters / groups);
        let from = (to / filters / channels * of_group + channel % of_group) * filters + filter;
        (from, channel / of_group == group)
    };
    let number = |to: usize| match origin(to) {
        (from, true) => weight.numbers[from],
        (_, false) => 0.0,
    };
    let numbers: Vec<f64> = (0..count).map(number).collect();
    let grid = weight.grid.as_ref().map(|grid| {
        let step = |to: usize| grid.steps[origin(to).0];
        let is_common = grid.steps.len() == 1;
        let steps = if is_common {
            grid.steps.clone()
        } else {
            (0..count).map(step).collect::<Vec<_>>().into()
        };
        Grid { steps, integers: grid.integers }
    });
    Ok(Tensor { extents, numbers: numbers.into(), grid, is_integer: false })
}
