//! Functions by a table: `sigmoid`, `tanh`, `softplus`, `softsign`, `elu`, `selu` and `table`.

use rtl4ml_ir::layers::MAX_TABLE_SIZE;
use rtl4ml_ir::{Curve, FixedType, Format, Function, TableChoice, Value};

use super::{LayerSpec, LayerType, Lowered};
use crate::diagnostics::{Mistakes, Reported};
use crate::precision::Precision;
use crate::reader::{self, Read, Setting};
use crate::yaml::Node;

const KEYS: &[&str] = &["table_size", "max_table_size", "precision"];

/// The most entries of a table over the range of its input, where nothing is said.
pub(super) const DEFAULT_MAX_SIZE: usize = 4096;

/// hls4ml's number of entries, and their type.
pub(super) const HLS4ML_SIZE: usize = 1024;
const HLS4ML_TYPE: FixedType = FixedType::new(Format::signed(18, 8));

/// A layer type that only its curve makes different from others.
const fn plain(name: &'static str, read: fn(&mut LayerSpec) -> Read<Lowered>) -> LayerType {
    LayerType { name, keys: KEYS, read }
}

pub(super) const SIGMOID: LayerType = plain("sigmoid", |layer| read(layer, Curve::Sigmoid));
pub(super) const TANH: LayerType = plain("tanh", |layer| read(layer, Curve::Tanh));
pub(super) const SOFTPLUS: LayerType = plain("softplus", |layer| read(layer, Curve::Softplus));
pub(super) const SOFTSIGN: LayerType = plain("softsign", |layer| read(layer, Curve::Softsign));
pub(super) const SELU: LayerType = plain("selu", |layer| read(layer, Curve::Selu));

pub(super) const ELU: LayerType = LayerType {
    name: "elu",
    keys: &["alpha", "table_size", "max_table_size", "precision"],
    read: elu,
};

pub(super) const TABLE: LayerType =
    LayerType { name: "table", keys: &["values", "range", "precision"], read: given };

fn read(layer: &mut LayerSpec, curve: Curve) -> Read<Lowered> {
    let types = layer.precision(&["table", "result"]);
    let table = choice(layer);
    lowered(curve, table?, &types)
}

fn lowered(curve: Curve, table: TableChoice, types: &Precision) -> Read<Lowered> {
    let result = types.result.clone()?.unwrap_or_default();
    Ok(Lowered::plain(Function { curve, table, result }))
}

/// hls4ml's table where its size or its type is given, else one over the range of the input.
fn choice(layer: &mut LayerSpec) -> Read<TableChoice> {
    let ty = layer.own_type("table");
    let size = layer.setting("table_size", table_size);
    let max_size = layer.setting("max_table_size", max_table_size);
    let (ty, size, max_size) = (ty?, size?, max_size?);
    if ty.is_none() && size.is_none() {
        return Ok(TableChoice::Ranged {
            max_size: max_size.unwrap_or(DEFAULT_MAX_SIZE),
            ty: None,
        });
    }
    match layer.fields.get("max_table_size") {
        Some(node) => Err(layer.mistakes.add_with_help(
            node.span,
            "`max_table_size` is of a table over the range of the input; `table_size` and the type `table` ask for hls4ml's",
            "remove `max_table_size`, or both `table_size` and `table`".to_owned(),
        )),
        None => Ok(TableChoice::Fixed {
            size: size.unwrap_or(HLS4ML_SIZE),
            ty: ty.unwrap_or(HLS4ML_TYPE),
        }),
    }
}

/// The most entries of a table over the range of the input.
pub(super) fn max_table_size(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<usize> {
    let legal = 2..=MAX_TABLE_SIZE as i128;
    reader::integer(node, what, legal, mistakes).map(|size| size as usize)
}

/// The number of entries of one of hls4ml's tables.
pub(super) fn table_size(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<usize> {
    let legal = 1..=MAX_TABLE_SIZE as i128;
    reader::integer(node, what, legal, mistakes).map(|size| size as usize)
}

fn elu(layer: &mut LayerSpec) -> Read<Lowered> {
    let types = layer.precision(&["alpha", "table", "result"]);
    let number = layer.setting("alpha", reader::number);
    let own = layer.own_type("alpha");
    let table = choice(layer)?;
    let ty = if let Ok(None) = own { types.weight } else { own };
    let alpha = alpha(layer, number?, ty, table)?;
    lowered(Curve::Elu { alpha }, table, &types)
}

/// ELU's factor. In hls4ml's way a multiplier takes it, so that it needs a type; in ours it is
/// only used to compute the table.
fn alpha(
    layer: &mut LayerSpec,
    number: Option<f64>,
    ty: Setting<FixedType>,
    table: TableChoice,
) -> Read<Value> {
    let number = number.unwrap_or(1.0);
    let exact = reader::exact(number);
    match (ty?, table) {
        (Some(ty), _) => Ok(Value { mantissa: ty.cast(exact), fraction_bits: ty.fraction_bits() }),
        (None, TableChoice::Fixed { .. }) if layer.fields.get("alpha").is_some() => {
            Err(layer.missing_type("alpha"))
        }
        (None, _) => Ok(exact),
    }
}

/// The author's own table.
fn given(layer: &mut LayerSpec) -> Read<Lowered> {
    let types = layer.precision(&["table", "result"]);
    let own = layer.own_type("table");
    let ty = if let Ok(None) = own { types.weight } else { own };
    let values = match layer.array("values") {
        Ok(None) => Err(layer.missing("values", "values: [0, 0.25, 0.5, 1]")),
        Ok(Some(array)) if array.extents.len() != 1 => {
            let node = layer.fields.get("values").unwrap_or(layer.fields.node);
            let message =
                format!("`values` must have one axis, found the shape {:?}", array.extents);
            Err(layer.mistakes.add(node.span, message))
        }
        Ok(Some(array)) if array.numbers.len() > MAX_TABLE_SIZE => {
            let node = layer.fields.get("values").unwrap_or(layer.fields.node);
            let message = format!(
                "`values` has {} entries; at most {MAX_TABLE_SIZE} are supported",
                array.numbers.len()
            );
            Err(layer.mistakes.add(node.span, message))
        }
        Ok(Some(array)) => Ok(array),
        Err(reported) => Err(reported),
    };
    let ends = ends(layer);
    let values = values?;
    let count = values.numbers.len();
    let entries = match ty {
        Ok(None) => Err(layer.missing_type_as("values", "table")),
        ty => layer.constant("values", values, ty),
    };
    let (low, log2_step) = ends.and_then(|ends| step(layer, ends, count))?;
    let table = TableChoice::Ranged { max_size: DEFAULT_MAX_SIZE, ty: None };
    lowered(Curve::Given { entries: entries?, low, log2_step }, table, &types)
}

/// The two numbers of `range`.
fn ends(layer: &mut LayerSpec) -> Read<(f64, f64)> {
    let Some(node) = layer.fields.get("range") else {
        return Err(layer.missing("range", "range: [-8, 8]"));
    };
    let what = "`range`";
    let items = reader::items(node, what, "a list of two numbers, e.g. `[-8, 8]`", layer.mistakes)?;
    let [low, high] = items else {
        let message = format!("{what} must have two numbers, found {}", items.len());
        return Err(layer.mistakes.add(node.span, message));
    };
    let mut number = |node| reader::number(node, "an end of `range`", layer.mistakes);
    let (low_number, high_number) = (number(low), number(high));
    let (low, high) = (low_number?, high_number?);
    if low < high {
        return Ok((low, high));
    }
    Err(layer.mistakes.add(
        node.span,
        format!("{what} must be from a smaller number to a larger, found [{low}, {high}]"),
    ))
}

/// The first end and the binary logarithm of the length of an entry's interval, which must be a
/// power of two, so that the index is bits of the input.
fn step(layer: &mut LayerSpec, (low, high): (f64, f64), count: usize) -> Read<(Value, i32)> {
    let node = layer.fields.get("range").unwrap_or(layer.fields.node);
    let step = (high - low) / count as f64;
    let log2_step = step.log2().round() as i32;
    let legal = 2f64.powi(log2_step);
    if step.to_bits() != legal.to_bits() {
        return Err(tell_step(layer, node, (low, step), count, legal));
    }
    let low = reader::exact(low);
    Ok((low, log2_step))
}

fn tell_step(
    layer: &mut LayerSpec,
    node: &Node,
    (low, step): (f64, f64),
    count: usize,
    legal: f64,
) -> Reported {
    let high = low + legal * count as f64;
    layer.mistakes.add_with_help(
        node.span,
        format!(
            "`range` divided by the {count} `values` gives intervals of {step}; legal are powers of two"
        ),
        format!("write e.g. `range: [{low}, {high}]`, whose intervals are {legal}"),
    )
}
