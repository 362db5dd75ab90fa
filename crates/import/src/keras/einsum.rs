//! Dense layers that are written as sums over indices, as `bnc,cd->bnd`.
//!
//! Those are dense layers whose sums are over the last axes of the input and whose results have
//! the axes of the kernel last: between reshapes, which are wires.

use super::layers::Lowering;
use crate::builder::Signal;
use crate::error::{Lowered, refuse};

/// The axes of an equation.
#[derive(Debug, PartialEq)]
struct Axes {
    /// How many axes of the input are summed over; they are its last.
    summed: usize,
    /// Which axis of the kernel each is of those that are summed over, and then of those that the
    /// result has.
    kernel: Vec<usize>,
}

impl Axes {
    /// Reads an equation; `None` where it is no dense layer.
    fn read(equation: &str) -> Option<Self> {
        // The axes that are left out are some of those that stay.
        let equation = equation.replace(' ', "").replace("...", "0");
        let (inputs, output) = equation.split_once("->")?;
        let (input, kernel) = inputs.split_once(',')?;
        let [input, kernel, output] =
            [input, kernel, output].map(|axes| axes.chars().collect::<Vec<char>>());
        let is_summed = |axis: &char| kernel.contains(axis);
        let kept = input.iter().position(is_summed)?;
        let (kept, summed) = input.split_at(kept);
        let own = output.strip_prefix(kept)?;
        let place = |axis: &char| kernel.iter().position(|other| other == axis);
        let places: Option<Vec<usize>> = summed.iter().chain(own).map(place).collect();
        let kernel_axes = places?;
        let mut sorted = kernel_axes.clone();
        sorted.sort_unstable();
        // Each axis of the kernel once, and a batch in front.
        let is_dense = sorted.into_iter().eq(0..kernel.len()) && !kept.is_empty();
        (is_dense && !own.is_empty()).then_some(Self { summed: summed.len(), kernel: kernel_axes })
    }
}

impl Lowering<'_> {
    /// A layer with an equation.
    pub fn einsum(&mut self, x: &Signal) -> Lowered<Signal> {
        let equation = self.layer.text("equation").unwrap_or_default();
        let Some(axes) = Axes::read(equation) else {
            return refuse(format!(
                "its equation `{equation}` is no dense layer: sums over the last axes and results with those of the kernel last, as bnc,cd->bnd, are imported"
            ));
        };
        let kernel = self.numbers("kernel", "kernel_quantizer")?;
        if kernel.extents.len() != axes.kernel.len() || x.extents.len() < axes.summed {
            return refuse(format!("its kernel {:?} is not for `{equation}`", kernel.extents));
        }
        let kernel = kernel.transposed(&axes.kernel);
        let (summed, own) = kernel.extents.split_at(axes.summed);
        let (kept, last) = x.extents.split_at(x.extents.len() - axes.summed);
        if last != summed {
            return refuse(format!("its kernel {:?} is not for {:?}", kernel.extents, x.extents));
        }
        let outputs: usize = own.iter().product();
        let Some(matrix) = kernel.reshaped(vec![summed.iter().product(), outputs]) else {
            return refuse("its kernel has other extents than numbers");
        };
        let mut bias = None;
        if self.layer.text("bias_axes").is_some() {
            let of_axes = self.numbers("bias", "bias_quantizer")?;
            bias = of_axes.broadcast_to(own).and_then(|bias| bias.reshaped(vec![outputs]));
            if bias.is_none() {
                return refuse("its bias differs between what the kernel is applied to");
            }
        }
        let rows = [kept, &[matrix.extents[0]]].concat();
        let x = self.builder.reshape(x, &rows)?;
        let y = self.builder.dense(&x, &matrix, bias.as_ref())?;
        self.builder.reshape(&y, &[kept, own].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_layers_are_recognised() {
        let axes = |summed, kernel: &[usize]| Some(Axes { summed, kernel: kernel.to_vec() });
        assert_eq!(Axes::read("bc,cd->bd"), axes(1, &[0, 1]));
        assert_eq!(Axes::read("bnc, dc -> bnd"), axes(1, &[1, 0]));
        assert_eq!(Axes::read("...x,xy->...y"), axes(1, &[0, 1]));
        assert_eq!(Axes::read("abc,ecbd->aed"), axes(2, &[2, 1, 0, 3]));
        for other in ["bnc,ncd->bnd", "bc,cd->db", "bnc,nd->bcd", "bc,cd->b", "bc,cd", "bc,cc->bc"]
        {
            assert_eq!(Axes::read(other), None, "{other}");
        }
    }
}
