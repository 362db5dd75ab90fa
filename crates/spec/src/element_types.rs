//! Types that differ between the elements of a tensor: a mapping with arrays in place of a type's
//! numbers.
//!
//! Guarantees: every number of an array is checked, and the first wrong one is told with its
//! place; arrays broadcast to each other as numpy's do, and the verifier holds what comes out
//! against the tensor's shape.

use rtl4ml_ir::fixed::{MAX_INTEGER_BITS, MAX_WIDTH};
use rtl4ml_ir::tensor::{broadcast_extents, broadcast_indices};
use rtl4ml_ir::{BroadcastTypes, FixedType, Format, Overflow, Rounding, Types};

use crate::diagnostics::{Mistakes, Reported};
use crate::reader::{self, Fields, Read, Setting};
use crate::weights::{Array, WeightFiles, index_of};
use crate::yaml::{Kind, Node};

const KEYS: [&str; 6] = ["type", "signed", "width", "integer", "rounding", "overflow"];

const EXAMPLE: &str =
    "write e.g. `{type: fixed, width: [8, 6, 0], integer: 2, rounding: RND, overflow: SAT}`";

/// Whether a node is meant to be types for each element: no other mapping has these keys.
pub(crate) fn is_element_types(node: &Node) -> bool {
    ["width", "integer"].iter().any(|key| node.entry(key).is_some())
}

/// Reads types for each element; `what` is their key in messages.
pub(crate) fn element_types(
    node: &Node,
    what: &str,
    weights: &mut WeightFiles,
    mistakes: &mut Mistakes,
) -> Read<Types> {
    let fields = Fields::open(node, what, &[&KEYS], mistakes)?;
    let signed = signs(fields, what, weights, mistakes);
    let mut numbers = |key: &'static str, low: i32, high: i32| {
        if let Some(node) = fields.get(key) {
            return integers(node, key, low..=high, weights, mistakes);
        }
        let message = format!("{what} has no `{key}`");
        Err(mistakes.add_with_help(fields.node.span, message, EXAMPLE.to_owned()))
    };
    let width = numbers("width", 0, MAX_WIDTH as i32);
    let integer_bits = numbers("integer", -MAX_INTEGER_BITS, MAX_INTEGER_BITS);
    let rounding = mode(fields, "rounding", &Rounding::ALL, Rounding::name, mistakes);
    let overflow = mode(fields, "overflow", &Overflow::ALL, Overflow::name, mistakes);
    let arrays = [signed?, width?, integer_bits?];
    let (rounding, overflow) = (rounding?.unwrap_or_default(), overflow?.unwrap_or_default());
    spread(&arrays)
        .and_then(|(extents, places)| {
            let types = places.map(|[signed, width, integer_bits]| {
                let (signed, width) = (signed != 0, width as u32);
                let format = Format { signed, width, integer_bits };
                FixedType::new(format).with_modes(rounding, overflow)
            });
            Some(BroadcastTypes::new(extents, types.collect())?.into())
        })
        .ok_or_else(|| {
            let shapes: Vec<String> =
                arrays.iter().map(|array| format!("{:?}", array.extents)).collect();
            mistakes.add(
                node.span,
                format!(
                    "{what}: the arrays' shapes do not broadcast to one of a legal size; signs, `width` and `integer` have {}",
                    shapes.join(", ")
                ),
            )
        })
}

/// Integers with the extents of an array; of no axis where one serves all.
struct Integers {
    extents: Vec<usize>,
    values: Vec<i32>,
}

/// The common extents of three arrays, and the three numbers of each place.
fn spread(arrays: &[Integers; 3]) -> Option<(Vec<usize>, impl Iterator<Item = [i32; 3]>)> {
    let extents = broadcast_extents(&arrays.each_ref().map(|array| &*array.extents))?;
    // Before the indices take memory: no tensor is larger.
    rtl4ml_ir::Shape::new(extents.clone())?;
    let indices = arrays.each_ref().map(|array| broadcast_indices(&array.extents, &extents));
    let count = indices[0].len();
    let place = move |at: usize| [0, 1, 2].map(|i: usize| arrays[i].values[indices[i][at]]);
    Some((extents, (0..count).map(place)))
}

/// `type: fixed` or `ufixed`, or `signed` with 1 or 0 for each element.
fn signs(
    fields: Fields,
    what: &str,
    weights: &mut WeightFiles,
    mistakes: &mut Mistakes,
) -> Read<Integers> {
    let for_all = |value| Integers { extents: Vec::new(), values: vec![value] };
    match (fields.get("type"), fields.get("signed")) {
        (Some(node), None) => {
            let words = [("ufixed", 0), ("fixed", 1)];
            reader::word(node, "`type`", &words, |(word, _)| word, mistakes)
                .map(|(_, sign)| for_all(sign))
        }
        (None, Some(node)) => match &node.kind {
            Kind::Scalar(scalar) if matches!(&*scalar.text, "true" | "false") && scalar.plain => {
                Ok(for_all(i32::from(&*scalar.text == "true")))
            }
            _ => integers(node, "signed", 0..=1, weights, mistakes),
        },
        (Some(_), Some(node)) => Err(mistakes.add_with_help(
            node.span,
            format!("{what} has a `type` and `signed`, which say the same"),
            "remove one of the two".to_owned(),
        )),
        (None, None) => {
            let message = format!("{what} has neither `type` nor `signed`");
            Err(mistakes.add_with_help(fields.node.span, message, EXAMPLE.to_owned()))
        }
    }
}

/// One integer, or an array of them, all within `legal`.
fn integers(
    node: &Node,
    key: &str,
    legal: std::ops::RangeInclusive<i32>,
    weights: &mut WeightFiles,
    mistakes: &mut Mistakes,
) -> Read<Integers> {
    let is_number = |text: &str| crate::scalar::number(text).is_some();
    if matches!(&node.kind, Kind::Scalar(scalar) if scalar.plain && is_number(&scalar.text)) {
        let bounds = i128::from(*legal.start())..=i128::from(*legal.end());
        let value = reader::integer(node, &format!("`{key}`"), bounds, mistakes)? as i32;
        return Ok(Integers { extents: Vec::new(), values: vec![value] });
    }
    let Array { extents, numbers } = weights.array(node, key, mistakes)?;
    let bounds = f64::from(*legal.start())..=f64::from(*legal.end());
    let is_legal = |number: &f64| number.fract() == 0.0 && bounds.contains(number);
    if let Some(at) = numbers.iter().position(|number| !is_legal(number)) {
        let (number, index) = (numbers[at], index_of(at, &extents));
        let (low, high) = legal.into_inner();
        return Err(mistakes.add(
            node.span,
            format!(
                "`{key}` must hold integers from {low} to {high}, found {number} at index {index:?}"
            ),
        ));
    }
    Ok(Integers { extents, values: numbers.into_iter().map(|number| number as i32).collect() })
}

/// A mode by its name, with or without the prefix `AP_`.
fn mode<T: Copy>(
    fields: Fields,
    key: &str,
    all: &[T],
    name: fn(T) -> &'static str,
    mistakes: &mut Mistakes,
) -> Setting<T> {
    fields.setting(key, |node| {
        let found = reader::text(node, &format!("`{key}`"), "the name of a mode", mistakes)?;
        let plain = found.strip_prefix("AP_").unwrap_or(found);
        match all.iter().find(|mode| name(**mode) == plain) {
            Some(mode) => Ok(*mode),
            None => reader::word(node, &format!("`{key}`"), all, name, mistakes).or(Err(Reported)),
        }
    })
}
