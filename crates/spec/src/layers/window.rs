//! Keys of layers with windows: `kernel_size`, `pool_size`, `strides`, `padding`, `dilation`.

use rtl4ml_ir::{Padding, Window, WindowAxis};

use super::LayerSpec;
use crate::diagnostics::Mistakes;
use crate::reader::{self, Read, Setting};
use crate::yaml::{Kind, Node};

/// The largest size, stride or dilation of a window: far above any image that fits an FPGA.
const MAX_SIZE: i128 = 1 << 16;

impl LayerSpec<'_> {
    /// The window with so many cells along each axis, moved and padded as the layer says; where
    /// it does not say, by `strides`.
    pub(super) fn window(
        &mut self,
        cells: Read<&[usize]>,
        strides: Option<&[usize]>,
    ) -> Read<Window> {
        let rank = self.rank();
        let given_strides = self.per_axis("strides");
        let dilation = self.dilation();
        let padding = self.padding();
        let cells = cells?;
        let ones = || vec![1; rank];
        let standard = strides.map_or_else(ones, <[usize]>::to_vec);
        let (strides, dilation) = (given_strides?.unwrap_or(standard), dilation?.unwrap_or(ones()));
        let axis = |index: usize| WindowAxis {
            kernel: cells[index],
            stride: strides[index],
            dilation: dilation[index],
        };
        Ok(Window::new((0..rank).map(axis).collect::<Vec<_>>(), padding?))
    }

    /// How many spatial axes the layer's type has, which its name says.
    pub(super) fn rank(&self) -> usize {
        if self.ty.ends_with("1d") { 1 } else { 2 }
    }

    /// An integer for each spatial axis: a list of them, or one for all.
    pub(super) fn per_axis(&mut self, key: &str) -> Setting<Vec<usize>> {
        let rank = self.rank();
        let Some(node) = self.fields.get(key) else {
            return Ok(None);
        };
        let items = match &node.kind {
            Kind::Sequence(items) if items.len() == rank => items,
            Kind::Sequence(items) => {
                let count = items.len();
                return Err(self.mistakes.add(
                    node.span,
                    format!(
                        "`{key}` must be an integer or a list of {rank}, one a spatial axis; found a list of {count}"
                    ),
                ));
            }
            _ => {
                let size = size(node, &format!("`{key}`"), self.mistakes)?;
                return Ok(Some(vec![size; rank]));
            }
        };
        let what = format!("an item of `{key}`");
        reader::all(items.iter().map(|item| size(item, &what, self.mistakes))).map(Some)
    }

    /// `dilation`, or `dilation_rate` as Keras calls it.
    fn dilation(&mut self) -> Setting<Vec<usize>> {
        match (self.fields.get("dilation"), self.fields.get("dilation_rate")) {
            (Some(_), Some(second)) => Err(self.mistakes.add(
                second.span,
                "`dilation_rate` is another name of `dilation`; one of them must go",
            )),
            (None, Some(_)) => self.per_axis("dilation_rate"),
            _ => self.per_axis("dilation"),
        }
    }

    fn padding(&mut self) -> Read<Padding> {
        const ANY: &[Padding] = &[Padding::Valid, Padding::Same];
        let is_causal_legal = self.rank() == 1 && self.ty.contains("conv");
        let legal = if is_causal_legal { Padding::ALL } else { ANY };
        let Some(node) = self.fields.get("padding") else {
            return Ok(Padding::default());
        };
        reader::word(node, "`padding`", legal, Padding::word, self.mistakes)
    }
}

/// A window's size, stride or dilation along one axis.
fn size(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<usize> {
    reader::integer(node, what, 1..=MAX_SIZE, mistakes).map(|size| size as usize)
}
