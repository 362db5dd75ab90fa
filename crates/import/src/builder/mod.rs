//! Layers of a spec for what a model computes, one call an operation, whatever file it is from.
//!
//! A [`Signal`] is a tensor of the draft together with what is known of it: exact bounds, the
//! grid of its values, and a *factor* that is yet to be multiplied by. Scales wait in the factor
//! until a layer can take them for nothing: a cast moves the binary point, a layer with weights
//! multiplies them. Only where nobody can is a `batch_norm` written.
//!
//! Guarantees: what a signal stands for, factor times value, is what the model computes, exactly,
//! but where a note says by how much it is not.

mod affine;
mod curves;
mod groups;
mod linear;
mod merge;
mod moves;
mod piecewise;
mod pool;
mod quantize;
mod signal;
mod tables;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use rtl4ml_ir::{FixedType, Format, Overflow, Rounding};

use crate::draft::{Draft, DraftInput, DraftLayer, Numbers, Source};
use crate::element_types;
use crate::error::{Lowered, refuse};
use crate::tensor::{MAX_NUMBERS, element_count};
use crate::types::{self, choose, exp2, format_holding};

pub use curves::Curve;
pub use linear::{Pad, Windows};
pub use pool::PoolKind;
pub use quantize::{Quantizer, RoundingMode};
pub use signal::Signal;
use signal::{cast_signal, typed};

/// The widest signal that is left exact; a layer that multiplies needs room above it.
const MAX_EXACT_WIDTH: u32 = 60;

/// What the user says beside the model.
#[derive(Clone, Debug)]
pub struct Options {
    /// The network's name; else that of the file.
    pub name: Option<String>,
    /// The file of the weights, where they are not in that of the model.
    pub weights: Option<PathBuf>,
    /// The type of inputs that the model does not quantise.
    pub input_type: FixedType,
    /// How many bits after the first trained numbers keep that are on no coarse grid, and how
    /// many after the point the results that they give.
    pub fraction_bits: u32,
    /// The width of the results whose types the importer chooses; else they have `fraction_bits`
    /// after the point.
    pub result_bits: Option<u32>,
    /// Whether trained numbers of hls4ml projects go through decimal text as there.
    pub decimal_weights: bool,
    /// Lines for the head of the spec.
    pub remarks: Vec<String>,
    /// The most entries of a table.
    pub table_size: usize,
    /// The values that layers have on data, by the layer's name: types that the importer chooses
    /// are for them instead of for all that could be.
    pub measured: BTreeMap<String, (f64, f64)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: None,
            weights: None,
            input_type: FixedType::new(Format::signed(16, 6))
                .with_modes(Rounding::RndConv, Overflow::Sat),
            fraction_bits: 16,
            result_bits: None,
            decimal_weights: true,
            remarks: Vec::new(),
            table_size: 4096,
            measured: BTreeMap::new(),
        }
    }
}

/// A draft in the making.
#[derive(Debug)]
pub struct Builder {
    /// The draft.
    pub draft: Draft,
    /// What the user says.
    pub options: Options,
    /// What is not exact, and what was assumed.
    pub notes: Vec<String>,
    /// The name of the operation that is being lowered.
    hint: String,
    /// What is said of its first layer.
    comment: Option<String>,
    names: HashSet<String>,
    /// How many trained numbers the layers have.
    number_count: usize,
}

impl Builder {
    /// An empty draft.
    pub fn new(options: Options) -> Self {
        Self {
            draft: Draft::default(),
            options,
            notes: Vec::new(),
            hint: String::new(),
            comment: None,
            names: HashSet::new(),
            number_count: 0,
        }
    }

    /// Names the layers of the operation that comes next; without a name they are called by
    /// their type.
    pub fn begin(&mut self, hint: &str) {
        self.hint = legal_name(hint);
        self.comment = None;
    }

    /// Says something of the next layer.
    pub fn comment(&mut self, text: impl Into<String>) {
        self.comment = Some(text.into());
    }

    /// What an operation is called in messages.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Adds an input of the default type.
    pub fn input(&mut self, name: &str, extents: Vec<usize>) -> Lowered<Signal> {
        if element_count(&extents).is_none_or(|count| count == 0) {
            return refuse(format!("the extents {extents:?} are none that an input can have"));
        }
        let ty = self.options.input_type;
        let name = self.unique(&legal_name(name), "x");
        let comments = vec!["the model does not say: the importer's choice".to_owned()];
        let source = Source::Input(self.draft.inputs.len());
        let types = ty.into();
        self.draft.inputs.push(DraftInput {
            name,
            extents: extents.clone(),
            types,
            types_are_chosen: true,
            comments,
        });
        Ok(typed(source, extents, ty))
    }

    /// Adds a layer.
    pub fn push(&mut self, mut layer: DraftLayer) -> Source {
        layer.name = self.unique(&self.hint.clone(), layer.kind);
        layer.comments.extend(self.comment.take());
        self.draft.layers.push(layer);
        Source::Layer(self.draft.layers.len() - 1)
    }

    /// Gives the last layer the operation's own name, if the operation has made one since there
    /// were `before` layers: what only moves elements is called by what it is for otherwise.
    pub fn name_last(&mut self, before: usize) {
        if self.draft.layers.len() > before && !self.names.contains(&self.hint) {
            let name = self.unique(&self.hint.clone(), "");
            if let Some(layer) = self.draft.layers.last_mut() {
                layer.name = name;
            }
        }
    }

    /// Adds a layer that comes before the one that the operation is about, or after it.
    pub fn push_beside(&mut self, layer: DraftLayer, suffix: &str) -> Source {
        let hint = self.hint.clone();
        let comment = self.comment.take();
        if !hint.is_empty() {
            self.hint = format!("{hint}_{suffix}");
        }
        let source = self.push(layer);
        self.hint = hint;
        self.comment = comment;
        source
    }

    /// The name of a tensor.
    pub fn name(&self, source: Source) -> &str {
        match source {
            Source::Input(index) => &self.draft.inputs[index].name,
            Source::Layer(index) => &self.draft.layers[index].name,
        }
    }

    /// A name that no other part has.
    fn unique(&mut self, hint: &str, kind: &str) -> String {
        if !hint.is_empty() && self.names.insert(hint.to_owned()) {
            return hint.to_owned();
        }
        let candidates = (1..).map(|number| match hint {
            "" => format!("{kind}{number}"),
            hint if number == 1 => format!("{hint}_{kind}"),
            hint => format!("{hint}_{kind}{number}"),
        });
        let mut fresh = candidates.filter(|name| !self.names.contains(name));
        let name = fresh.next().unwrap_or_default();
        self.names.insert(name.clone());
        name
    }

    /// Notes something of the operation that is being lowered.
    pub fn note(&mut self, text: &str) {
        let whose = if self.hint.is_empty() { "a layer" } else { &self.hint };
        self.notes.push(format!("{whose}: {text}"));
    }

    /// Trained numbers with a type, and whether that is exact; what it is not is noted.
    fn numbers(
        &mut self,
        key: &'static str,
        extents: Vec<usize>,
        values: Vec<f64>,
        declared: Option<Format>,
    ) -> Lowered<(Numbers, bool)> {
        if let Some(number) = values.iter().find(|n| n.is_nan() || n.abs() > types::MAX_NUMBER) {
            return refuse(format!("its {key} holds {number}, which no fixed-point type does"));
        }
        self.number_count += values.len();
        if self.number_count > MAX_NUMBERS {
            return refuse(format!(
                "the layers up to it have more than {MAX_NUMBERS} trained numbers"
            ));
        }
        let chosen = choose(&values, declared, self.options.fraction_bits);
        if chosen.error > 0.0 {
            let (ty, error) = (chosen.ty, chosen.error);
            let note = format!("the {key} is rounded to {ty}: off by at most {error:.1e}");
            self.note(&note);
        }
        Ok((Numbers { key, extents, values, ty: chosen.ty }, chosen.error == 0.0))
    }

    /// The signal, rounded where the next layer's exact sums would become too wide, `more_bits`
    /// wider, or where its last bits mean nothing.
    fn narrowed(&mut self, signal: Signal, more_bits: u32) -> Lowered<Signal> {
        let (lo, hi) = self.chosen_range(&signal);
        let fraction = self.result_fraction(lo, hi);
        let width = signal.format().map_or(u32::MAX / 2, |format| format.width);
        let is_too_wide = width + more_bits > MAX_EXACT_WIDTH;
        let is_needlessly_wide = signal.is_rough && signal.fraction > fraction;
        if !(is_too_wide || is_needlessly_wide) || signal.fraction <= fraction {
            return Ok(signal);
        }
        let Some(format) = format_holding(lo, hi, fraction, 64) else {
            return refuse("its input has values beyond 64 bits");
        };
        let ty = FixedType::from(format).with_modes(Rounding::RndConv, Overflow::Sat);
        let comment = format!("rounded to {fraction} bits after the point: the importer's choice");
        let mut layer = DraftLayer::new("quantize", vec![signal.source]);
        layer.result = Some(ty.into());
        layer.result_is_chosen = true;
        layer.comments = vec![comment];
        let source = self.push_beside(layer, "in");
        Ok(Signal { is_rough: true, ..cast_signal(&signal, source, ty) })
    }

    /// How many bits after the point a result from `lo` to `hi` keeps.
    fn result_fraction(&self, lo: f64, hi: f64) -> i32 {
        let Some(bits) = self.options.result_bits else {
            return self.options.fraction_bits as i32;
        };
        let largest = hi.max(-lo).max(exp2(-30));
        let before = libm::floor(libm::log2(largest)) as i32 + 1 + i32::from(lo < 0.0);
        bits as i32 - before
    }

    /// A signal as an output: without the bits that mean nothing.
    pub fn narrowed_output(&mut self, signal: Signal) -> Lowered<Signal> {
        if signal.is_rough { self.narrowed(signal, 0) } else { Ok(signal) }
    }

    /// What a signal was on data, with some room.
    pub fn measured_range(&self, signal: &Signal) -> Option<(f64, f64)> {
        let is_measured = self.options.measured.contains_key(self.name(signal.source));
        is_measured.then(|| self.chosen_range(signal))
    }

    /// Whether a signal is an input of which the model has said nothing yet.
    pub fn has_chosen_input_type(&self, signal: &Signal) -> bool {
        let is_chosen = |input: usize| self.draft.inputs[input].types_are_chosen;
        matches!(signal.source, Source::Input(input) if is_chosen(input))
    }

    /// The values for which a chosen type must do: what was measured, with some room, or all.
    fn chosen_range(&self, signal: &Signal) -> (f64, f64) {
        let (lo, hi) = signal.extremes();
        match self.options.measured.get(self.name(signal.source)) {
            Some((least, greatest)) => {
                let room = (greatest - least) / 4.0;
                (lo.max(least - room), hi.min(greatest + room))
            }
            None => (lo, hi),
        }
    }

    /// A cast.
    pub fn cast(&mut self, signal: &Signal, ty: FixedType) -> Signal {
        let mut layer = DraftLayer::new("quantize", vec![signal.source]);
        layer.result = Some(ty.into());
        let source = self.push(layer);
        cast_signal(signal, source, ty)
    }
}

impl Builder {
    /// A cast of each element to a type of its own, row-major.
    pub fn cast_elements(&mut self, signal: &Signal, types: &[FixedType]) -> Lowered<Signal> {
        let count: usize = signal.extents.iter().product();
        if types.len() != count {
            return refuse(format!(
                "its {} types are for other than {count} elements",
                types.len()
            ));
        }
        let Some(own) = element_types::types(signal.extents.clone(), types.to_vec()) else {
            return refuse(format!("a tensor {:?} can have no types", signal.extents));
        };
        let mut layer = DraftLayer::new("quantize", vec![signal.source]);
        layer.result = Some(own);
        let source = self.push(layer);
        Ok(signal::cast_elements(signal, source, types))
    }
}

/// A name that a spec takes, made of whatever a model has: empty where nothing of it is left.
pub fn legal_name(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars() {
        match character {
            c if c.is_ascii_alphanumeric() => name.push(c),
            _ if !name.is_empty() && !name.ends_with('_') => name.push('_'),
            _ => {}
        }
    }
    let name = name.trim_end_matches('_');
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("n{name}")
    } else {
        name.to_owned()
    };
    // Room is left for what makes names unique.
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_legal_and_stay_different() {
        assert_eq!(legal_name("/fc1/Gemm.0:out"), "fc1_Gemm_0_out");
        assert_eq!(legal_name("12"), "n12");
        assert_eq!(legal_name("é-"), "");
        let mut builder = Builder::new(Options::default());
        let names: Vec<String> = (0..3).map(|_| builder.unique("fc", "dense")).collect();
        assert_eq!(names, ["fc", "fc_dense", "fc_dense2"]);
        assert_eq!(builder.unique("", "relu"), "relu1");
    }
}
