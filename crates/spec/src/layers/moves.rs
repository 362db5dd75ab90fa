//! Layers that only move elements: `permute`, `zero_padding1d`, `cropping1d`, `up_sampling1d`
//! and their kin of two dimensions.

use rtl4ml_ir::Rearrange;

use super::{LayerSpec, LayerType, Lowered};
use crate::diagnostics::Mistakes;
use crate::reader::{self, Read};
use crate::yaml::{Kind, Node};

pub(super) const PERMUTE: LayerType = LayerType { name: "permute", keys: &["dims"], read: permute };

const fn padding(name: &'static str) -> LayerType {
    LayerType { name, keys: &["padding"], read: read_padding }
}

const fn cropping(name: &'static str) -> LayerType {
    LayerType { name, keys: &["cropping"], read: read_cropping }
}

const fn up_sampling(name: &'static str) -> LayerType {
    LayerType { name, keys: &["size"], read: read_up_sampling }
}

pub(super) const ZERO_PADDING1D: LayerType = padding("zero_padding1d");
pub(super) const ZERO_PADDING2D: LayerType = padding("zero_padding2d");
pub(super) const CROPPING1D: LayerType = cropping("cropping1d");
pub(super) const CROPPING2D: LayerType = cropping("cropping2d");
pub(super) const UP_SAMPLING1D: LayerType = up_sampling("up_sampling1d");
pub(super) const UP_SAMPLING2D: LayerType = up_sampling("up_sampling2d");

fn permute(layer: &mut LayerSpec) -> Read<Lowered> {
    let Some(node) = layer.fields.get("dims") else {
        return Err(layer.missing("dims", "dims: [2, 1]"));
    };
    let items = reader::items(node, "`dims`", "a list of axes", layer.mistakes)?;
    // The author counts the batch as axis 0, which stays where it is.
    let axes = reader::all(items.iter().map(|item| {
        let axis = reader::extent(item, "an item of `dims`", layer.mistakes)?;
        Ok(axis - 1)
    }))?;
    Ok(Lowered::plain(Rearrange::Permute(axes)))
}

fn read_padding(layer: &mut LayerSpec) -> Read<Lowered> {
    Ok(Lowered::plain(Rearrange::ZeroPadding(ends(layer, "padding")?)))
}

fn read_cropping(layer: &mut LayerSpec) -> Read<Lowered> {
    Ok(Lowered::plain(Rearrange::Cropping(ends(layer, "cropping")?)))
}

fn read_up_sampling(layer: &mut LayerSpec) -> Read<Lowered> {
    match layer.per_axis("size")? {
        Some(factors) => Ok(Lowered::plain(Rearrange::UpSampling(factors))),
        None => Err(layer.missing("size", "size: 2")),
    }
}

/// What is added or dropped before and after each spatial axis, in the forms that Keras has.
fn ends(layer: &mut LayerSpec, key: &str) -> Read<Vec<(usize, usize)>> {
    let rank = layer.rank();
    let Some(node) = layer.fields.get(key) else {
        return Err(layer.missing(key, &format!("{key}: 1")));
    };
    let mistakes = &mut *layer.mistakes;
    let Kind::Sequence(items) = &node.kind else {
        let both = elements(node, key, mistakes)?;
        return Ok(vec![(both, both); rank]);
    };
    if items.len() != 2 {
        return Err(wrong(node, key, rank, mistakes));
    }
    if rank == 1 {
        let ends = reader::all(items.iter().map(|item| elements(item, key, mistakes)))?;
        return Ok(vec![(ends[0], ends[1])]);
    }
    reader::all(items.iter().map(|item| {
        let Kind::Sequence(inner) = &item.kind else {
            let both = elements(item, key, mistakes)?;
            return Ok((both, both));
        };
        if inner.len() != 2 {
            return Err(wrong(item, key, rank, mistakes));
        }
        let ends = reader::all(inner.iter().map(|item| elements(item, key, mistakes)))?;
        Ok((ends[0], ends[1]))
    }))
}

fn wrong(
    node: &Node,
    key: &str,
    rank: usize,
    mistakes: &mut Mistakes,
) -> crate::diagnostics::Reported {
    let legal = match rank {
        1 => "an integer or [before, after]",
        _ => "an integer, [rows, columns] or [[top, bottom], [left, right]]",
    };
    let found = match &node.kind {
        Kind::Sequence(items) => format!("a list of {}", items.len()),
        _ => reader::describe(node),
    };
    mistakes.add(node.span, format!("`{key}` must be {legal}, found {found}"))
}

/// A number of elements at one end of an axis.
fn elements(node: &Node, key: &str, mistakes: &mut Mistakes) -> Read<usize> {
    let what = format!("a number of `{key}`");
    reader::integer(node, &what, 0..=i128::from(u32::MAX), mistakes).map(|n| n as usize)
}
