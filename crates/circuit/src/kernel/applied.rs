//! Kernels applied to windows of a tensor: what a dense layer or a convolution computes before the
//! cast of its sums.

use rtl4ml_ir::layers::{Conv, Dense, ExactRange, KernelShape};
use rtl4ml_ir::{Range, TensorType};

use super::Kernel;

/// Kernels and the windows that they are applied to. At each position there is a window for each
/// kernel, and output j of kernel g at position p is element (p * groups + g) * n_out + j.
#[derive(Clone, Debug)]
pub struct Applied {
    /// One kernel a group, all of one shape.
    pub kernels: Vec<Kernel>,
    /// One window a position and group, groups first: the element that each input of the kernel
    /// is; `None` is a zero.
    pub windows: Vec<Vec<Option<usize>>>,
}

impl Applied {
    /// A dense layer on a tensor of so many elements.
    pub fn dense(dense: &Dense, elements: usize) -> Self {
        let kernel = Kernel::of(&dense.kernel);
        let n_in = kernel.shape.n_in;
        let window = |first| (first..first + n_in).map(Some).collect();
        Self { windows: (0..elements).step_by(n_in).map(window).collect(), kernels: vec![kernel] }
    }

    /// A convolution of an image with these extents.
    ///
    /// # Panics
    /// When the layer is not verified.
    pub fn conv(conv: &Conv, extents: &[usize]) -> Self {
        let sliding = conv.slide(extents).expect("a verified layer's window fits its input");
        let groups = 0..conv.groups.len();
        let windows = (0..sliding.positions())
            .flat_map(|position| groups.clone().map(move |group| (position, group)))
            .map(|(position, group)| conv.group_elements(&sliding, position, group))
            .collect();
        Self { kernels: conv.groups.iter().map(Kernel::of).collect(), windows }
    }

    /// The size of every kernel.
    pub fn shape(&self) -> KernelShape {
        self.kernels[0].shape
    }

    /// How many kernels there are.
    pub fn groups(&self) -> usize {
        self.kernels.len()
    }

    /// How many windows each kernel is applied to.
    pub fn positions(&self) -> usize {
        self.windows.len() / self.groups()
    }

    /// The kernel of a window.
    pub fn kernel(&self, window: usize) -> &Kernel {
        &self.kernels[window % self.groups()]
    }

    /// The range of input `k` of a window, and the bits after its binary point.
    pub fn exact_range(&self, tensor: &TensorType, window: usize, k: usize) -> ExactRange {
        self.windows[window][k].map_or((Range::ZERO, 0), |index| tensor.exact_range(index))
    }
}
