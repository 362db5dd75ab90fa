//! Convolutions: a kernel at each position of a sliding window.

use std::collections::HashMap;

use super::kernel::{ExactRange, Kernel};
use super::{KernelShape, ResultType, result_tensor};
use crate::error::Problem;
use crate::range::Range;
use crate::tensor::{Shape, TensorType};
use crate::window::{Sliding, Window};

/// y\[position\] = result( kernel( window of x at the position ) ), group by group.
///
/// The channels of the input are split evenly among the groups, and so are those of the output:
/// one group is an ordinary convolution, one group a channel a depthwise one. A window is read
/// cell by cell (rows, then columns), in each cell channel by channel; a cell beyond the image
/// is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// The window.
    pub window: Window,
    /// One kernel a group, each \[cells * channels of the group, filters of the group\].
    pub groups: Vec<Kernel>,
    /// Whether the author calls it depthwise, whatever the number of groups.
    pub depthwise: bool,
    /// The type of the result. `Auto` is the accumulator's type where that is explicit.
    pub result: ResultType,
}

impl Conv {
    /// An ordinary convolution.
    pub fn new(window: Window, kernel: Kernel) -> Self {
        Self { window, groups: vec![kernel], depthwise: false, result: ResultType::Auto }
    }

    /// The layer type's word in a spec.
    pub fn kind(&self) -> &'static str {
        match (self.depthwise, self.window.axes.len()) {
            (false, 1) => "conv1d",
            (false, _) => "conv2d",
            (true, 1) => "depthwise_conv1d",
            (true, _) => "depthwise_conv2d",
        }
    }

    /// How the exact result of a sum becomes the layer's result.
    pub fn result_type(&self) -> ResultType {
        self.result.clone().or_accum(self.groups.first().and_then(|kernel| kernel.accum))
    }

    /// The matrix of a group; all groups have the same.
    pub fn group_shape(&self) -> Option<KernelShape> {
        self.groups.first().and_then(Kernel::shape)
    }

    /// The filters of all groups.
    pub fn filters(&self) -> usize {
        self.group_shape().map_or(0, |shape| shape.n_out * self.groups.len())
    }

    /// The elements that a group reads of the window at a position, in the kernel's order;
    /// `None` beyond the image.
    pub fn group_elements(
        &self,
        sliding: &Sliding,
        position: usize,
        group: usize,
    ) -> Vec<Option<usize>> {
        let channels = sliding.channels / self.groups.len();
        let of_cell = |cell: usize| {
            let first = sliding.pixel(position, cell).map(|pixel| pixel * sliding.channels);
            (0..channels).map(move |c| first.map(|first| first + group * channels + c))
        };
        (0..sliding.cells()).flat_map(of_cell).collect()
    }

    pub(super) fn check(&self) -> Vec<Problem> {
        self.groups.iter().find_map(Kernel::check).into_iter().collect()
    }

    /// The window on an input with these extents.
    ///
    /// # Errors
    /// When window, weights and input do not fit together.
    pub fn slide(&self, extents: &[usize]) -> Result<Sliding, Problem> {
        let sliding = self.window.slide(extents)?;
        let found = self.group_shape().map_or(0, |shape| shape.n_in) * self.groups.len();
        let n_in = sliding.cells() * sliding.channels;
        if found != n_in {
            let weight_channels = found / sliding.cells().max(1);
            let channels = sliding.channels;
            return Err(Problem::WeightChannels { found: weight_channels, channels });
        }
        Ok(sliding)
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let sliding = self.slide(input.shape.extents())?;
        let extents = self.window.output_extents(&sliding, self.filters());
        let shape = Shape::new(extents.clone()).ok_or(Problem::TensorSize { extents })?;
        let mut exact = Vec::with_capacity(shape.element_count());
        // Most windows of an image have the same ranges, and so the same sums.
        let mut known: HashMap<(usize, Vec<ExactRange>), Vec<ExactRange>> = HashMap::new();
        for position in 0..sliding.positions() {
            for (group, kernel) in self.groups.iter().enumerate() {
                let element = |element: Option<usize>| {
                    element.map_or((Range::ZERO, 0), |index| input.exact_range(index))
                };
                let elements = self.group_elements(&sliding, position, group);
                let ranges: Vec<ExactRange> = elements.into_iter().map(element).collect();
                let key = (group, ranges);
                if !known.contains_key(&key) {
                    let n_out = kernel.weight.extents[1];
                    let sums = (0..n_out).map(|j| kernel.sum_range(&key.1, j));
                    known.insert(key.clone(), sums.collect::<Result<_, _>>()?);
                }
                exact.extend(&known[&key]);
            }
        }
        result_tensor(shape, &exact, &self.result_type())
    }
}
