//! A draft made shorter: what a person would have written in one layer is one.
//!
//! Guarantees: every output keeps its values, bit for bit, but where a type that the importer
//! chose is replaced by one that the model gives.

use std::collections::HashMap;

use rtl4ml_ir::{FixedType, Rounding};

use crate::draft::{Draft, DraftLayer, Source};
use crate::element_types;
use crate::tables;
use crate::types::choose;

/// Layers that cast an exact result once, so that a cast behind them can be theirs.
const CASTING: [&str; 21] = [
    "dense",
    "conv1d",
    "conv2d",
    "depthwise_conv1d",
    "depthwise_conv2d",
    "max_pool1d",
    "max_pool2d",
    "batch_norm",
    "add",
    "subtract",
    "multiply",
    "average",
    "maximum",
    "minimum",
    "concatenate",
    "relu",
    "leaky_relu",
    "prelu",
    "hard_tanh",
    "average_pool1d",
    "average_pool2d",
];

/// Layers that read a table whose entries are rounded to nearest.
const TABULATED: [&str; 7] = ["sigmoid", "tanh", "softplus", "softsign", "elu", "selu", "softmax"];

/// Layers that have a bias.
const BIASED: [&str; 5] = ["dense", "conv1d", "conv2d", "depthwise_conv1d", "depthwise_conv2d"];

/// Looks at one layer; says whether it changed something.
type Pass<'a> = &'a dyn Fn(&mut Draft, usize) -> bool;

/// Makes a draft shorter.
pub fn tidy(draft: &mut Draft, fraction_bits: u32) {
    drop_unread(draft);
    let passes: [Pass; 4] = [
        &|draft, layer| compose(draft, layer, fraction_bits),
        &|draft, layer| shift_into_bias(draft, layer, fraction_bits),
        &cast_in_producer,
        &cast_at_input,
    ];
    for pass in passes {
        let mut index = 0;
        while index < draft.layers.len() {
            // A layer that is gone has no readers, and no pass changes it again.
            pass(draft, index);
            index += 1;
        }
    }
    drop_unread(draft);
    (0..draft.inputs.len()).for_each(|input| type_before_casts(draft, input));
    name_outputs(draft);
}

/// Leaves all layers as they are, but drops those that nothing reads, and names the outputs.
pub fn prune(draft: &mut Draft) {
    drop_unread(draft);
    name_outputs(draft);
}

/// Lets every reader of a layer read what the layer reads.
fn bypass(draft: &mut Draft, layer: usize) {
    // What is gone reads nothing, so that it counts as no reader.
    let inputs = std::mem::take(&mut draft.layers[layer].inputs);
    let by = inputs[0];
    replace(draft, Source::Layer(layer), by);
}

fn replace(draft: &mut Draft, old: Source, new: Source) {
    let inputs = draft.layers.iter_mut().flat_map(|layer| layer.inputs.iter_mut());
    for source in inputs.chain(&mut draft.outputs).filter(|source| **source == old) {
        *source = new;
    }
}

/// The layer that `layer` alone reads, if that gives its result to nobody else.
fn only_producer(draft: &Draft, layer: usize) -> Option<usize> {
    let [Source::Layer(producer)] = draft.layers[layer].inputs[..] else {
        return None;
    };
    let is_read = draft.reader_count(Source::Layer(layer)) > 0;
    (is_read && draft.reader_count(Source::Layer(producer)) == 1).then_some(producer)
}

/// Two scales and shifts, one after the other, as one.
fn compose(draft: &mut Draft, index: usize, fraction_bits: u32) -> bool {
    let Some(producer) = only_producer(draft, index) else {
        return false;
    };
    let (first, second) = (&draft.layers[producer], &draft.layers[index]);
    if [first.kind, second.kind] != ["batch_norm"; 2] || first.result.is_some() {
        return false;
    }
    let numbers = |layer: &DraftLayer, at: usize| layer.numbers[at].values.clone();
    let (s1, b1, s2, b2) =
        (numbers(first, 0), numbers(first, 1), numbers(second, 0), numbers(second, 1));
    let scale: Vec<f64> = s1.iter().zip(&s2).map(|(a, b)| a * b).collect();
    let shift: Vec<f64> = b1.iter().zip(&s2).zip(&b2).map(|((b1, s), b2)| b1 * s + b2).collect();
    let chosen = [choose(&scale, None, fraction_bits), choose(&shift, None, fraction_bits)];
    if chosen.iter().any(|chosen| chosen.error > 0.0) {
        return false;
    }
    let comments = draft.layers[producer].comments.clone();
    let first_inputs = std::mem::take(&mut draft.layers[producer].inputs);
    let second = &mut draft.layers[index];
    second.inputs = first_inputs;
    second.comments.splice(0..0, comments);
    for ((numbers, values), chosen) in second.numbers.iter_mut().zip([scale, shift]).zip(chosen) {
        numbers.values = values;
        numbers.ty = chosen.ty;
    }
    true
}

/// A shift behind a layer with a bias as part of the bias.
fn shift_into_bias(draft: &mut Draft, index: usize, fraction_bits: u32) -> bool {
    let Some(producer) = only_producer(draft, index) else {
        return false;
    };
    let (first, second) = (&draft.layers[producer], &draft.layers[index]);
    let is_shift =
        second.kind == "batch_norm" && second.numbers[0].values.iter().all(|scale| *scale == 1.0);
    if !is_shift || !BIASED.contains(&first.kind) || first.result.is_some() {
        return false;
    }
    let mut shift = second.numbers[1].clone();
    shift.key = "bias";
    if let Some(bias) = first.numbers_of("bias") {
        for (sum, bias) in shift.values.iter_mut().zip(&bias.values) {
            *sum += bias;
        }
        let chosen = choose(&shift.values, None, fraction_bits);
        if chosen.error > 0.0 {
            return false;
        }
        shift.ty = chosen.ty;
    }
    let (result, chosen, comments) =
        (second.result.clone(), second.result_is_chosen, second.comments.clone());
    let first = &mut draft.layers[producer];
    first.numbers.retain(|numbers| numbers.key != "bias");
    first.numbers.push(shift);
    first.result = result;
    first.result_is_chosen = chosen;
    first.comments.extend(comments);
    bypass(draft, index);
    true
}

/// A cast as the type of the result of the layer that it reads.
fn cast_in_producer(draft: &mut Draft, index: usize) -> bool {
    let Some(producer) = only_producer(draft, index) else {
        return false;
    };
    let (first, second) = (&draft.layers[producer], &draft.layers[index]);
    let Some(types) = second.result.clone().filter(|_| second.kind == "quantize") else {
        return false;
    };
    let is_free = first.result.is_none() || first.result_is_chosen;
    let is_cut = |ty: &FixedType| matches!(ty.rounding, Rounding::Trn | Rounding::TrnZero);
    let is_nearest = !types.all().iter().any(is_cut);
    if first.kind == "table" && first.result.is_none() && !second.result_is_chosen {
        let is_done = tables::cast_entries(draft, producer, index);
        if is_done {
            let comments = draft.layers[index].comments.clone();
            draft.layers[producer].comments.extend(comments);
            bypass(draft, index);
        }
        return is_done;
    }
    if first.kind == "quantize" && first.result_is_chosen && !second.result_is_chosen {
        bypass(draft, producer);
        return cast_in_producer(draft, index);
    }
    let takes = CASTING.contains(&first.kind) || TABULATED.contains(&first.kind) && is_nearest;
    if !(is_free && takes) {
        return false;
    }
    let (chosen, comments) = (second.result_is_chosen, second.comments.clone());
    let first = &mut draft.layers[producer];
    first.result = Some(types);
    first.result_is_chosen = chosen;
    first.comments.extend(comments);
    bypass(draft, index);
    true
}

/// A cast that alone reads an input as the type of the input.
fn cast_at_input(draft: &mut Draft, index: usize) -> bool {
    let layer = &draft.layers[index];
    let ([Source::Input(input)], "quantize", Some(types), false) =
        (&layer.inputs[..], layer.kind, layer.result.clone(), layer.result_is_chosen)
    else {
        return false;
    };
    let (input, source) = (*input, Source::Layer(index));
    // A second cast in a row rounds what the first, which is the input's type by now, has made.
    if !draft.inputs[input].types_are_chosen {
        return false;
    }
    let is_only = draft.reader_count(Source::Input(input)) == 1;
    if !is_only || draft.reader_count(source) == 0 || draft.outputs.contains(&source) {
        return false;
    }
    let comments = layer.comments.clone();
    draft.inputs[input].types = types;
    draft.inputs[input].types_are_chosen = false;
    draft.inputs[input].comments = comments;
    bypass(draft, index);
    true
}

/// An input that casts alone read, several of them, gets a type that changes nothing of what they
/// make of the model's numbers.
fn type_before_casts(draft: &mut Draft, input: usize) {
    let source = Source::Input(input);
    let readers: Vec<&DraftLayer> =
        draft.layers.iter().filter(|layer| layer.inputs.contains(&source)).collect();
    let is_cast = |layer: &&DraftLayer| layer.kind == "quantize" && !layer.result_is_chosen;
    let is_chosen = draft.inputs[input].types_are_chosen;
    if !is_chosen
        || readers.len() < 2
        || !readers.iter().all(is_cast)
        || draft.outputs.contains(&source)
    {
        return;
    }
    let extents = draft.inputs[input].extents.clone();
    let casts: Vec<Vec<FixedType>> = readers
        .iter()
        .filter_map(|layer| Some(element_types::spread(layer.result.as_ref()?, &extents)))
        .collect();
    let of_element = |element: usize| {
        let types: Vec<FixedType> = casts.iter().map(|types| types[element]).collect();
        element_types::before_all(&types)
    };
    let types: Option<Vec<FixedType>> = (0..extents.iter().product()).map(of_element).collect();
    if let Some(types) = types.and_then(|types| element_types::types(extents, types)) {
        draft.inputs[input].types = types;
        draft.inputs[input].comments =
            vec!["what its readers round is not rounded here".to_owned()];
    }
}

/// Layers that reach no output are dropped, and the others move up.
fn drop_unread(draft: &mut Draft) {
    let mut is_read = vec![false; draft.layers.len()];
    let mark = |is_read: &mut Vec<bool>, source: &Source| {
        if let Source::Layer(layer) = source {
            is_read[*layer] = true;
        }
    };
    draft.outputs.iter().for_each(|source| mark(&mut is_read, source));
    for index in (0..draft.layers.len()).rev() {
        if is_read[index] {
            draft.layers[index].inputs.iter().for_each(|source| mark(&mut is_read, source));
        }
    }
    let mut places = HashMap::new();
    let mut index = 0;
    draft.layers.retain(|_| {
        let keep = is_read[index];
        if keep {
            places.insert(index, places.len());
        }
        index += 1;
        keep
    });
    let inputs = draft.layers.iter_mut().flat_map(|layer| layer.inputs.iter_mut());
    for source in inputs.chain(&mut draft.outputs) {
        if let Source::Layer(layer) = source {
            *layer = places[layer];
        }
    }
}

/// A spec's outputs are layers, each once: anything else gets a layer that changes nothing.
fn name_outputs(draft: &mut Draft) {
    for index in 0..draft.outputs.len() {
        let source = draft.outputs[index];
        let is_repeated = draft.outputs[..index].contains(&source);
        if matches!(source, Source::Layer(_)) && !is_repeated {
            continue;
        }
        // The maximum of a tensor and itself has its formats and values.
        let mut layer = match source {
            Source::Input(input) => {
                let mut layer = DraftLayer::new("quantize", vec![source]);
                layer.result = Some(draft.inputs[input].types.clone());
                layer
            }
            Source::Layer(_) => DraftLayer::new("maximum", vec![source, source]),
        };
        layer.name = format!("output{}", index + 1);
        layer.comments.push("gives the tensor a name of its own".to_owned());
        draft.layers.push(layer);
        draft.outputs[index] = Source::Layer(draft.layers.len() - 1);
    }
}
