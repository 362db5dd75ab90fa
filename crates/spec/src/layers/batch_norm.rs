//! `batch_norm`: a scale and a shift for each channel, or the statistics that they follow from.

use rtl4ml_ir::BatchNorm;

use super::{Fold, LayerSpec, LayerType, Lowered};
use crate::precision::or;
use crate::reader::{self, Read, Setting};
use crate::scalar;
use crate::weights::Array;
use crate::yaml::{Kind, Node};

pub(super) const BATCH_NORM: LayerType = LayerType {
    name: "batch_norm",
    keys: &[
        "scale",
        "shift",
        "gamma",
        "beta",
        "mean",
        "variance",
        "epsilon",
        "axis",
        "fold",
        "precision",
    ],
    read,
};

/// What Keras adds to the variance where nothing is said.
const EPSILON: f64 = 1e-3;

const STATISTICS: [&str; 5] = ["gamma", "beta", "mean", "variance", "epsilon"];

fn read(layer: &mut LayerSpec) -> Read<Lowered> {
    let fold = layer.setting("fold", reader::boolean);
    // What is folded is rounded into the types of the layer that it goes into.
    let is_folded = fold == Ok(Some(true));
    let keys: &[&str] = if is_folded { &["result"] } else { &["scale", "shift", "result"] };
    let what = format!("`precision` of {}", layer.what);
    let own_result = layer.own_precision(&what, keys).result;
    let axis = check_axis(layer);
    let channels = channels(layer);
    let defaults = &layer.defaults.precision;
    if is_folded {
        let (scale, shift) = channels?;
        let result = own_result?;
        axis?;
        return Ok(Lowered::Fold(Fold { scale: scale.numbers, shift: shift.numbers, result }));
    }
    let scale_type = or(layer.own_type("scale"), defaults.weight);
    let shift_type = or(layer.own_type("shift"), defaults.bias);
    let (fold, (scale, shift)) = (fold?, channels?);
    let scale = layer.constant("scale", scale, scale_type);
    let shift = layer.constant("shift", shift, shift_type);
    let result = or(own_result, defaults.result.clone())?.unwrap_or_default();
    axis?;
    let norm = BatchNorm { scale: scale?, shift: shift?, result };
    Ok(if fold == Some(false) { Lowered::plain(norm) } else { Lowered::FoldIfExact(norm) })
}

/// Tells when the normalisation is not over the channels.
fn check_axis(layer: &mut LayerSpec) -> Read<()> {
    match layer.fields.get("axis") {
        Some(node) if !is_minus_one(node) => {
            Err(reader::wrong(node, "`axis` of a batch_norm", "-1, the channels", layer.mistakes))
        }
        _ => Ok(()),
    }
}

fn is_minus_one(node: &Node) -> bool {
    matches!(&node.kind, Kind::Scalar(scalar) if scalar.plain && scalar::integer(&scalar.text) == Some(-1))
}

/// The scale and the shift, given or from the statistics.
fn channels(layer: &mut LayerSpec) -> Read<(Array, Array)> {
    let statistic = STATISTICS.into_iter().find(|key| layer.fields.get(key).is_some());
    let direct = ["scale", "shift"].into_iter().find(|key| layer.fields.get(key).is_some());
    match (direct, statistic) {
        (Some(direct), Some(statistic)) => {
            let node = layer.fields.get(statistic).unwrap_or(layer.fields.node);
            Err(layer.mistakes.add(
                node.span,
                format!(
                    "a batch_norm layer has either `scale` and `shift` or `mean` and `variance` with `gamma`, `beta` and `epsilon`, found both `{direct}` and `{statistic}`"
                ),
            ))
        }
        (None, Some(_)) => from_statistics(layer),
        _ => {
            let scale = channel_array(layer, "scale");
            let shift = channel_array(layer, "shift");
            let (scale, shift) = (scale?, shift?);
            agree(layer, "shift", &shift, "scale", &scale)?;
            Ok((scale, shift))
        }
    }
}

/// scale = gamma / sqrt(variance + epsilon), shift = beta - mean * scale.
fn from_statistics(layer: &mut LayerSpec) -> Read<(Array, Array)> {
    let epsilon = layer.fields.get("epsilon").map(|node| (node, epsilon(node)));
    let epsilon = match epsilon {
        Some((node, None)) => {
            Err(reader::wrong(node, "`epsilon`", "a number from 0 on", layer.mistakes))
        }
        Some((_, Some(epsilon))) => Ok(epsilon),
        None => Ok(EPSILON),
    };
    let mean = channel_array(layer, "mean");
    let variance = channel_array(layer, "variance");
    let gamma = optional_channel_array(layer, "gamma");
    let beta = optional_channel_array(layer, "beta");
    let (mean, variance, epsilon) = (mean?, variance?, epsilon?);
    let (gamma, beta) = (gamma?, beta?);
    for (key, array) in [("mean", Some(&mean)), ("gamma", gamma.as_ref()), ("beta", beta.as_ref())]
    {
        if let Some(array) = array {
            agree(layer, key, array, "variance", &variance)?;
        }
    }
    let not_positive = |number: &f64| *number + epsilon <= 0.0;
    if let Some(index) = variance.numbers.iter().position(not_positive) {
        let node = layer.fields.get("variance").unwrap_or(layer.fields.node);
        let found = variance.numbers[index];
        return Err(layer.mistakes.add(
            node.span,
            format!("`variance` + `epsilon` must be above 0, found {found} + {epsilon} at index [{index}]"),
        ));
    }
    let number = |array: &Option<Array>, index: usize, standard: f64| {
        array.as_ref().map_or(standard, |array| array.numbers[index])
    };
    let scale: Vec<f64> = variance
        .numbers
        .iter()
        .enumerate()
        .map(|(index, variance)| number(&gamma, index, 1.0) / (variance + epsilon).sqrt())
        .collect();
    let shift = scale
        .iter()
        .zip(&mean.numbers)
        .enumerate()
        .map(|(index, (scale, mean))| number(&beta, index, 0.0) - mean * scale)
        .collect();
    let extents = variance.extents;
    Ok((Array { extents: extents.clone(), numbers: scale }, Array { extents, numbers: shift }))
}

fn epsilon(node: &Node) -> Option<f64> {
    let Kind::Scalar(scalar) = &node.kind else {
        return None;
    };
    let number = scalar.plain.then(|| scalar::number(&scalar.text)).flatten()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// An array with one number a channel.
fn channel_array(layer: &mut LayerSpec, key: &str) -> Read<Array> {
    layer.shaped_array(key, "[channels]")
}

fn optional_channel_array(layer: &mut LayerSpec, key: &str) -> Setting<Array> {
    match layer.fields.get(key) {
        Some(_) => channel_array(layer, key).map(Some),
        None => Ok(None),
    }
}

/// Tells when two arrays have not as many channels.
fn agree(
    layer: &mut LayerSpec,
    key: &str,
    array: &Array,
    other_key: &str,
    other: &Array,
) -> Read<()> {
    if array.extents == other.extents {
        return Ok(());
    }
    let node = layer.fields.get(key).unwrap_or(layer.fields.node);
    let (found, legal) = (&array.extents, &other.extents);
    Err(layer.mistakes.add(
        node.span,
        format!("the {key}'s shape is {found:?}, but the {other_key}'s is {legal:?}; legal here: {legal:?}"),
    ))
}
