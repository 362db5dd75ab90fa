//! What of a network's numbers left the range of their types, and which types would hold them.

use rtl4ml_ir::{FixedType, LayerId, Op, Overflow, Range, ResultType, Source, VerifiedNetwork};
use rtl4ml_sim::emulator::{Counters, ElementCounters, holding};
use serde::Serialize;

use crate::page::{Page, samples_text};
use crate::tensors::position;

/// How many elements of a layer are told one by one.
const TOLD: usize = 4;

/// A layer some of whose numbers left the range of their types.
#[derive(Debug, Serialize)]
pub struct LayerRanges {
    /// The layer.
    layer: String,
    /// Its elements that are concerned, the worst first.
    elements: Vec<Overflowing>,
    /// What would hold every result; `None` where all are held or each element has its own type.
    #[serde(skip_serializing_if = "Option::is_none")]
    result_would_hold: Option<String>,
    /// What would hold every sum on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    accum_would_hold: Option<String>,
}

/// An element whose numbers left the range of their type.
#[derive(Debug, Serialize)]
struct Overflowing {
    index: Vec<usize>,
    /// How many results were outside of the range of `result`.
    outside: u64,
    /// What became of them.
    became: &'static str,
    result: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_hold: Option<String>,
    /// In how many samples a sum left the accumulator's type.
    left_accum: u64,
}

/// What becomes of a number that its type does not hold.
fn became(overflow: Overflow) -> &'static str {
    match overflow {
        Overflow::Wrap => "wrapped",
        Overflow::Sat | Overflow::SatSym => "saturated",
        Overflow::SatZero => "became 0",
    }
}

/// The type on the same grid that would hold a range.
fn would_hold(range: Option<Range>, ty: FixedType) -> Option<String> {
    let held = range?.within(ty.overflow.range_of(ty.format));
    (!held).then(|| holding(range.unwrap_or(Range::ZERO), ty.format, ty.overflow).to_string())
}

fn accum_of(op: &Op) -> Option<FixedType> {
    op.kernels().first().and_then(|kernel| kernel.accum)
}

/// The layers of a network some of whose numbers left the range of their types.
pub fn of_layers(network: &VerifiedNetwork, counters: &[Counters]) -> Vec<LayerRanges> {
    let layers = network.network().layers_with_ids().zip(counters);
    layers.filter_map(|((id, _), counters)| of_layer(network, id, counters)).collect()
}

fn of_layer(network: &VerifiedNetwork, id: LayerId, counters: &Counters) -> Option<LayerRanges> {
    let layer = &network.network().layers[id.0 as usize];
    let tensor = network.tensor_type(Source::Layer(id));
    let result = layer.op.result_type();
    let type_of = |element: usize| match &result {
        ResultType::Cast(types) => types.get(element),
        ResultType::Auto => FixedType::new(tensor.format(element)),
    };
    let overflowing = |(element, own): (usize, &ElementCounters)| {
        let ty = type_of(element);
        (own.outside + own.left_accumulator > 0).then(|| Overflowing {
            index: position(element, tensor.shape.extents()),
            outside: own.outside,
            became: became(ty.overflow),
            result: ty.format.to_string(),
            would_hold: would_hold(own.range, ty),
            left_accum: own.left_accumulator,
        })
    };
    let mut elements: Vec<Overflowing> =
        counters.elements.iter().enumerate().filter_map(overflowing).collect();
    // The order of equals stays that of the elements.
    elements.sort_by_key(|own| std::cmp::Reverse(own.outside.max(own.left_accum)));
    let union = |of: fn(&ElementCounters) -> Option<Range>| {
        counters.elements.iter().filter_map(of).reduce(Range::union)
    };
    let one_type = tensor.common_format().map(|_| type_of(0));
    let result_would_hold = one_type.and_then(|ty| would_hold(union(|own| own.range), ty));
    let leaves = counters.elements.iter().any(|own| own.left_accumulator > 0);
    let accum = accum_of(&layer.op).filter(|_| leaves);
    let accum_would_hold = accum.and_then(|ty| would_hold(union(|own| own.sums), ty));
    (!elements.is_empty()).then(|| LayerRanges {
        layer: layer.name.clone(),
        elements,
        result_would_hold,
        accum_would_hold,
    })
}

/// An index as people write it.
fn index_text(index: &[usize]) -> String {
    match index {
        [one] => one.to_string(),
        several => format!("{several:?}"),
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// What was found, some lines a layer.
pub fn describe(layers: &[LayerRanges], samples: usize, page: &mut Page) {
    let samples = samples_text(samples);
    if layers.is_empty() {
        page.say(format!("no number left the range of its type in {samples}"));
    }
    for LayerRanges { layer, elements, result_would_hold, accum_would_hold } in layers {
        for element in elements.iter().take(TOLD) {
            let output = format!("layer {layer} output {}", index_text(&element.index));
            if element.left_accum > 0 {
                let times = times(element.left_accum);
                page.say(format!("{output} left its accumulator's type {times} in {samples}"));
            }
            if let Some(held) = &element.would_hold {
                let (became, times) = (element.became, times(element.outside));
                page.say(format!("{output} {became} {times} in {samples}; {held} would hold"));
            }
        }
        if elements.len() > TOLD {
            page.say(format!("layer {layer}: and {} outputs more", elements.len() - TOLD));
        }
        if let Some(held) = accum_would_hold {
            page.say(format!("layer {layer}: `accum: {held}` would hold every sum"));
        }
        if let Some(held) = result_would_hold.as_ref().filter(|_| elements.len() > 1) {
            page.say(format!("layer {layer}: {held} would hold every result"));
        }
    }
}
