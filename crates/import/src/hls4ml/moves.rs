//! Pools, merges and what moves elements, as hls4ml computes them.

use rtl4ml_ir::FixedType;

use super::config::Declared;
use super::infer;
use super::layers::windowed;
use super::lower::{Known, Lowering};
use crate::builder::Pad;
use crate::draft::{DraftLayer, Setting};
use crate::error::{Lowered, refuse};
use crate::keras::config::Layer;

impl Lowering<'_> {
    /// A pool over windows.
    pub fn pool(&mut self, layer: &Layer, x: &Known, rank: usize) -> Lowered<Known> {
        let is_maximum = layer.class.starts_with("Max");
        let (kind, class) = match (is_maximum, rank) {
            (true, 1) => ("max_pool1d", "Pooling1D"),
            (true, _) => ("max_pool2d", "Pooling2D"),
            (false, 1) => ("average_pool1d", "Pooling1D"),
            (false, _) => ("average_pool2d", "Pooling2D"),
        };
        let (cells, strides) = layer.pool_windows(rank)?;
        let windows = layer.windows(rank, strides)?;
        if x.extents.len() != rank + 1 {
            return refuse(format!("it reads {:?}, which is no image of {rank} axes", x.extents));
        }
        let (mut extents, settings) = windowed(&cells, &windows, &x.extents)?;
        extents.push(x.extents[rank]);
        let mut made = DraftLayer::new(kind, vec![x.source])
            .with("pool_size", Setting::Integers(cells.clone()));
        made.settings.extend(settings);
        if windows.strides != cells && windows.strides.iter().all(|stride| *stride == 1) {
            made.settings.push(("strides", Setting::Integers(windows.strides.clone())));
        }
        if is_maximum && !x.ty.format.signed && windows.pad == Pad::Same {
            self.builder.begin(&layer.name);
            self.builder.note(
                "hls4ml counts what lies beyond the image as half of the range of an unsigned type, so that outputs at the edges may differ",
            );
        }
        let accum = match self.declared(&layer.name, class, "accum") {
            Declared::Type { ty, .. } => ty,
            Declared::Auto if is_maximum => x.seen,
            Declared::Auto => infer::average_accumulator(x.seen, cells.iter().product())?,
        };
        made.types.push(("accum", accum));
        let declared = self.declared(&layer.name, class, "result");
        let is_open = declared == Declared::Auto;
        let ty = match declared {
            Declared::Type { ty, .. } => ty,
            Declared::Auto => x.seen,
        };
        self.push(&layer.name, made, extents, ty, is_open)
    }

    /// A pool over the whole image.
    pub fn global_pool(&mut self, layer: &Layer, x: &Known, rank: usize) -> Lowered<Known> {
        let is_maximum = layer.class.starts_with("GlobalMax");
        let (kind, class) = match (is_maximum, rank) {
            (true, 1) => ("global_max_pool1d", "GlobalPooling1D"),
            (true, _) => ("global_max_pool2d", "GlobalPooling2D"),
            (false, 1) => ("global_average_pool1d", "GlobalPooling1D"),
            (false, _) => ("global_average_pool2d", "GlobalPooling2D"),
        };
        if layer.flag("keepdims", false) {
            return refuse("hls4ml takes no keepdims");
        }
        if x.extents.len() != rank + 1 {
            return refuse(format!("it reads {:?}, which is no image of {rank} axes", x.extents));
        }
        let mut made = DraftLayer::new(kind, vec![x.source]);
        made.types.push(("accum", self.type_of(&layer.name, class, "accum")));
        let is_open = self.declared(&layer.name, class, "result") == Declared::Auto;
        let ty = self.type_of(&layer.name, class, "result");
        self.push(&layer.name, made, vec![x.extents[rank]], ty, is_open)
    }

    /// A merge of two tensors.
    pub fn merge(&mut self, name: &str, kind: &'static str, inputs: &[Known]) -> Lowered<Known> {
        let [a, b] = inputs else {
            return refuse(format!("hls4ml merges two tensors; there are {}", inputs.len()));
        };
        if a.extents != b.extents {
            return refuse("what hls4ml computes of tensors of different extents is not known");
        }
        let declared = self.declared(name, "Merge", "result");
        let is_open = declared == Declared::Auto;
        let ty = match declared {
            Declared::Type { ty, .. } => ty,
            Declared::Auto => infer::merge(kind, a.seen, b.seen, self.project.widest_type())?,
        };
        let layer = DraftLayer::new(kind, vec![a.source, b.source]);
        self.push(name, layer, a.extents.clone(), ty, is_open)
    }

    /// Two tensors one after the other.
    pub fn concatenate(&mut self, layer: &Layer, inputs: &[Known]) -> Lowered<Known> {
        let [a, b] = inputs else {
            return refuse(format!("hls4ml puts two tensors together; there are {}", inputs.len()));
        };
        let axis = layer.axis_of_tensor(a.extents.len())?;
        let others = |extents: &[usize]| {
            let mut extents = extents.to_vec();
            if axis < extents.len() {
                extents[axis] = 0;
            }
            extents
        };
        if axis >= a.extents.len() || others(&a.extents) != others(&b.extents) {
            return refuse(format!("{:?} and {:?} do not fit together", a.extents, b.extents));
        }
        let mut extents = a.extents.clone();
        extents[axis] += b.extents[axis];
        let declared = self.declared(&layer.name, "Concatenate", "result");
        let is_open = declared == Declared::Auto;
        let ty = match declared {
            Declared::Type { ty, .. } => ty,
            Declared::Auto => {
                infer::merge("concatenate", a.seen, b.seen, self.project.widest_type())?
            }
        };
        let mut made = DraftLayer::new("concatenate", vec![a.source, b.source]);
        if axis + 1 != a.extents.len() {
            made.settings.push(("axis", Setting::Integer(axis as i64 + 1)));
        }
        self.push(&layer.name, made, extents, ty, is_open)
    }

    /// The same elements elsewhere, whose type hls4ml keeps.
    pub fn moved(&mut self, layer: &Layer, x: &Known, rank: usize) -> Lowered<Known> {
        let is_image = x.extents.len() == rank + 1;
        let (made, extents) = match layer.class.as_str() {
            "Flatten" => {
                if x.extents.len() == 1 {
                    let (seen, is_open) = self.seen(&layer.name, "Reshape", x);
                    return Ok(Known { seen, is_open, is_safe: false, ..x.clone() });
                }
                (DraftLayer::new("flatten", vec![x.source]), vec![x.extents.iter().product()])
            }
            "Reshape" => {
                let count: usize = x.extents.iter().product();
                let extents = layer.target_shape(count)?;
                if extents.iter().try_fold(1, |n: usize, e| n.checked_mul(*e)) != Some(count) {
                    return refuse(format!("{count} elements do not fill {extents:?}"));
                }
                let made = DraftLayer::new("reshape", vec![x.source]);
                (made.with("shape", Setting::Integers(extents.clone())), extents)
            }
            "Permute" => {
                let axes = layer.order_of_axes(x.extents.len())?;
                let dims = axes.iter().map(|axis| axis + 1).collect();
                let made = DraftLayer::new("permute", vec![x.source]);
                let extents = axes.iter().map(|axis| x.extents[*axis]).collect();
                (made.with("dims", Setting::Integers(dims)), extents)
            }
            _ if !is_image => {
                return refuse(format!("it reads {:?}, no image of {rank} axes", x.extents));
            }
            "UpSampling1D" | "UpSampling2D" => {
                if layer.text("interpolation").is_some_and(|how| how != "nearest") {
                    return refuse("only nearest up-sampling is imported");
                }
                let kind = if rank == 1 { "up_sampling1d" } else { "up_sampling2d" };
                let size = layer.lengths("size", rank, 2)?;
                let mut extents = x.extents.clone();
                extents.iter_mut().zip(&size).for_each(|(extent, size)| *extent *= size);
                let made = DraftLayer::new(kind, vec![x.source]);
                (made.with("size", Setting::Integers(size)), extents)
            }
            class => Self::ended(layer, class, x, rank)?,
        };
        let source = self.push_moving(&layer.name, made);
        let (seen, is_open) = match layer.class.as_str() {
            "Flatten" | "Reshape" => self.seen(&layer.name, "Reshape", x),
            "Permute" => self.seen(&layer.name, "Transpose", x),
            "UpSampling1D" | "UpSampling2D" => self.seen(&layer.name, "Resize", x),
            _ => (x.seen, x.is_open),
        };
        Ok(Known { source, extents, ty: x.ty, seen, is_open, is_safe: false })
    }

    /// The type that hls4ml takes what is moved to have, and whether it was left open.
    fn seen(&self, name: &str, class: &str, x: &Known) -> (FixedType, bool) {
        match self.declared(name, class, "result") {
            Declared::Type { ty, .. } => (ty, false),
            Declared::Auto => (x.seen, true),
        }
    }

    /// Zeros around an image, or less of it.
    fn ended(
        layer: &Layer,
        class: &str,
        x: &Known,
        rank: usize,
    ) -> Lowered<(DraftLayer, Vec<usize>)> {
        let is_padding = class.starts_with("Zero");
        let key = if is_padding { "padding" } else { "cropping" };
        let kind = match (is_padding, rank) {
            (true, 1) => "zero_padding1d",
            (true, _) => "zero_padding2d",
            (false, 1) => "cropping1d",
            (false, _) => "cropping2d",
        };
        let ends = layer.ends(key, rank)?;
        let mut extents = x.extents.clone();
        for (extent, (before, after)) in extents.iter_mut().zip(&ends) {
            let both = before + after;
            *extent = if is_padding { *extent + both } else { extent.saturating_sub(both) };
        }
        let setting = match ends[..] {
            [rows, columns] => Setting::Ends([rows, columns]),
            _ => Setting::Integers(vec![ends[0].0, ends[0].1]),
        };
        if extents.contains(&0) {
            return refuse("nothing of the image is left");
        }
        Ok((DraftLayer::new(kind, vec![x.source]).with(key, setting), extents))
    }

    /// A ReLU in a layer of its own.
    pub fn relu(&mut self, layer: &Layer, x: &Known) -> Lowered<Known> {
        if layer.get("max_value").is_some() || layer.number("threshold", 0.0) != 0.0 {
            return refuse("hls4ml takes no max_value and no threshold");
        }
        let slope = layer.number("negative_slope", 0.0);
        if slope != 0.0 {
            return self.leaky_relu(&layer.name, slope, x);
        }
        // hls4ml's reader of Keras 3 takes it for one with a threshold, of 0.
        let is_version_3 = self.architecture.is_version_3;
        let class = if is_version_3 { "ParametrizedActivation" } else { "Activation" };
        self.plain(&layer.name, class, "relu", x)
    }
}
