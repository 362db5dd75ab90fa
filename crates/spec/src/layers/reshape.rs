//! `flatten` and `reshape`: the same elements in another shape.

use rtl4ml_ir::Reshape;

use super::{LayerSpec, LayerType, Lowered};
use crate::reader::{self, Read};

pub(super) const FLATTEN: LayerType =
    LayerType { name: "flatten", keys: &[], read: |_| Ok(Lowered::plain(Reshape::Flatten)) };

pub(super) const RESHAPE: LayerType =
    LayerType { name: "reshape", keys: &["shape", "target_shape"], read };

const EXAMPLE: &str = "shape: [4, -1]";

fn read(layer: &mut LayerSpec) -> Read<Lowered> {
    let node = match (layer.fields.get("shape"), layer.fields.get("target_shape")) {
        (Some(node), None) | (None, Some(node)) => node,
        (Some(_), Some(second)) => {
            return Err(layer.mistakes.add(
                second.span,
                "`target_shape` is another name of `shape`; one of them must go",
            ));
        }
        (None, None) => return Err(layer.missing("shape", EXAMPLE)),
    };
    let what = "`shape`";
    let items = reader::items(node, what, "a list of extents", layer.mistakes)?;
    let extents = reader::all(items.iter().map(|item| {
        let legal = -1..=usize::MAX as i128;
        let extent = reader::integer(item, "an extent of `shape`", legal, layer.mistakes)?;
        match extent {
            -1 => Ok(None),
            0 => Err(layer.mistakes.add(
                item.span,
                "an extent of `shape` must be an integer from 1 on, or -1 for the one that follows from the others, found `0`",
            )),
            extent => Ok(Some(extent as usize)),
        }
    }))?;
    if extents.iter().filter(|extent| extent.is_none()).count() > 1 {
        return Err(layer.mistakes.add(
            node.span,
            format!("{what} may leave one extent open by -1, found more than one"),
        ));
    }
    Ok(Lowered::plain(Reshape::To(extents)))
}
