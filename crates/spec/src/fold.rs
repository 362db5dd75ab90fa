//! Folding: a batch normalisation that becomes part of the layer it reads.
//!
//! Guarantees: what is folded because its author wants it is multiplied into the weights before
//! they are rounded; what is folded without being asked for changes no bit of any result.

use std::collections::HashMap;

use rtl4ml_ir::error::with_article;
use rtl4ml_ir::{
    BatchNorm, Constant, FixedType, Kernel, LayerId, Network, Op, ResultType, Site, Source, Value,
};

use crate::diagnostics::{Mistakes, Reported, quoted};
use crate::graph::Graph;
use crate::layers::{Fold, Trained};
use crate::reader::Read;
use crate::yaml::{Kind, Node};

/// Who reads each name of a spec.
pub(crate) struct Readers<'n> {
    of_name: HashMap<&'n str, Vec<String>>,
}

impl<'n> Readers<'n> {
    /// The readers among these layers, each of which reads the one before it unless it says
    /// otherwise, and among the outputs.
    pub fn new(layers: &'n [Node], outputs: Option<&'n Node>) -> Self {
        let mut readers = Self { of_name: HashMap::new() };
        let mut before = None;
        for layer in layers {
            let name = layer.entry("name").and_then(|entry| text(&entry.value));
            let reader = format!("layer {}", quoted(name.unwrap_or_default()));
            for read in read_names(layer, before) {
                readers.of_name.entry(read).or_default().push(reader.clone());
            }
            before = name;
        }
        let outputs = outputs.map_or_else(|| before.into_iter().collect(), names);
        for read in outputs {
            readers.of_name.entry(read).or_default().push("`outputs`".to_owned());
        }
        readers
    }

    /// Those who read a name, other than one layer that does.
    fn others(&self, name: &str, reader: &str) -> Vec<&str> {
        let all = self.of_name.get(name).map_or(&[][..], Vec::as_slice);
        all.iter().map(String::as_str).filter(|other| *other != reader).collect()
    }
}

/// The names that a layer reads; `before` is that of the layer before it.
pub(crate) fn read_names<'n>(layer: &'n Node, before: Option<&'n str>) -> Vec<&'n str> {
    match layer.entry("inputs") {
        Some(entry) => names(&entry.value),
        None => before.into_iter().collect(),
    }
}

/// A name or a list of names.
fn names(node: &Node) -> Vec<&str> {
    match &node.kind {
        Kind::Sequence(items) => items.iter().filter_map(text).collect(),
        _ => text(node).into_iter().collect(),
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(&scalar.text),
        _ => None,
    }
}

/// A batch normalisation and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Normalisation<'a, 'n> {
    /// What messages call it, e.g. "layer `bn1`".
    pub what: &'a str,
    pub node: &'n Node,
    /// What it reads.
    pub source: Source,
    /// The name by which it reads it.
    pub read_name: &'a str,
    pub readers: &'a Readers<'n>,
}

impl Normalisation<'_, '_> {
    /// Puts scale and shift into the layer that is read, because the author wants it.
    pub fn fold(
        self,
        fold: &Fold,
        graph: &Graph,
        network: &mut Network,
        trained: &mut [Option<Trained>],
        mistakes: &mut Mistakes,
    ) -> Read<()> {
        let place =
            |key: &str| self.node.entry(key).map_or(self.node.span, |entry| entry.value.span);
        let Self { what, .. } = self;
        let read = quoted(self.read_name);
        let cannot = "only a dense layer or a convolution takes the scale and the shift";
        let help = || "without `fold: true` it is a layer of its own".to_owned();
        let id = match self.source {
            source if graph.is_unknown(source) => return Err(Reported),
            Source::Layer(id) if graph.is_broken(Site::Layer(id)) => return Err(Reported),
            Source::Layer(id) => id,
            Source::Input(_) => {
                let message = format!("{what} cannot be folded into the input {read}; {cannot}");
                return Err(mistakes.add_with_help(place("fold"), message, help()));
            }
        };
        let layer = &mut network.layers[id.0 as usize];
        let Some(before) = &mut trained[id.0 as usize] else {
            let kind = layer.op.kind();
            let kind = with_article(kind);
            let message = format!("{what} cannot be folded into {read}, {kind} layer; {cannot}");
            return Err(mistakes.add_with_help(place("fold"), message, help()));
        };
        let others = self.readers.others(self.read_name, what);
        if !others.is_empty() {
            let others = others.join(" and ");
            let message = format!("{what} cannot be folded into {read}, which {others} reads too");
            return Err(mistakes.add_with_help(place("fold"), message, help()));
        }
        if before.bias_type.is_none() {
            return Err(mistakes.add_with_help(
                place("fold"),
                format!("{what} gives {read} a bias, whose type is missing"),
                format!("write e.g. `precision: {{bias: \"fixed<8,2>\"}}` at layer {read}, or a `precision` under `defaults`"),
            ));
        }
        let Some(folded) = before.folded(&fold.scale, &fold.shift) else {
            let (found, legal) = (fold.scale.len(), before.output_count());
            let key = if self.node.entry("scale").is_some() { "scale" } else { "variance" };
            return Err(mistakes.add(
                place(key),
                format!("{what} has {found} channels, but layer {read} has {legal}"),
            ));
        };
        let kernels = folded.kernels().map_err(|(what, error)| {
            mistakes.add(place("fold"), format!("the folded {what} of {read}: {error}"))
        })?;
        *before = folded;
        replace(&mut layer.op, kernels, fold.result.clone());
        Ok(())
    }

    /// Puts scale and shift into the layer that is read if that changes no bit; whether it did.
    ///
    /// It does not when the sums are exact and are cast by the normalisation alone, and the types
    /// of the weights and biases hold the products exactly. What its weights happen to be must
    /// not decide on the names of ports, so that an output is never folded.
    pub fn fold_if_exact(
        self,
        norm: &BatchNorm,
        graph: &Graph,
        network: &mut Network,
        trained: &mut [Option<Trained>],
    ) -> bool {
        let Source::Layer(id) = self.source else {
            return false;
        };
        let own_name = self.node.entry("name").and_then(|entry| text(&entry.value));
        let is_output =
            own_name.is_none_or(|name| self.readers.others(name, "").contains(&"`outputs`"));
        let is_exact = |op: &Op| op.result_type() == ResultType::Auto;
        let LayerId(index) = id;
        let layer = &mut network.layers[index as usize];
        let Some(before) = trained[index as usize].as_mut().filter(|_| {
            !is_output
                && !graph.is_broken(Site::Layer(id))
                && self.readers.others(self.read_name, self.what).is_empty()
                && is_exact(&layer.op)
                && norm.result != ResultType::Auto
        }) else {
            return false;
        };
        let numbers = |constant: &Constant| -> Vec<f64> {
            (0..constant.len()).map(|index| constant.get(index).to_f64()).collect()
        };
        let folded = before.folded(&numbers(&norm.scale), &numbers(&norm.shift));
        let (Some(kernels), Some(folded)) =
            (exact_kernels(layer.op.kernels(), before, norm), folded)
        else {
            return false;
        };
        *before = folded;
        replace(&mut layer.op, kernels, Some(norm.result.clone()));
        true
    }
}

/// Gives an operation other kernels, and another type of its result where there is one.
fn replace(op: &mut Op, kernels: Vec<Kernel>, result: Option<ResultType>) {
    let old = match op {
        Op::Dense(dense) => {
            dense.kernel = kernels.into_iter().next().unwrap_or_else(|| dense.kernel.clone());
            &mut dense.result
        }
        Op::Conv(conv) => {
            conv.groups = kernels;
            &mut conv.result
        }
        _ => unreachable!("only dense layers and convolutions have trained weights"),
    };
    if let Some(result) = result {
        *old = result;
    }
}

/// The kernels times scale plus shift, if their types hold all of it exactly.
fn exact_kernels(kernels: &[Kernel], trained: &Trained, norm: &BatchNorm) -> Option<Vec<Kernel>> {
    if trained.output_count() != norm.scale.len() || norm.scale.len() != norm.shift.len() {
        return None;
    }
    let mut first = 0;
    let mut folded = Vec::with_capacity(kernels.len());
    for kernel in kernels {
        let [n_in, n_out] = kernel.weight.extents[..] else {
            return None;
        };
        let weight = |index: usize| {
            let (k, j) = (index / n_out, index % n_out);
            let product = product(kernel.weight_at(k, j), norm.scale.get(first + j))?;
            exact(product, trained.weight_type)
        };
        let weight = (0..n_in * n_out).map(weight).collect::<Option<Vec<_>>>()?;
        let bias = |j: usize| {
            let product = product(kernel.bias_at(j), norm.scale.get(first + j))?;
            sum(product, norm.shift.get(first + j))
        };
        let bias = (0..n_out).map(bias).collect::<Option<Vec<_>>>()?;
        let bias = match trained.bias_type {
            Some(ty) => {
                let bias = bias.iter().map(|sum| exact(*sum, ty)).collect::<Option<Vec<_>>>()?;
                Some(Constant::from_mantissas([n_out], bias, ty).ok()?)
            }
            None if bias.iter().all(|sum| sum.mantissa == 0) => None,
            None => return None,
        };
        let weight = Constant::from_mantissas([n_in, n_out], weight, trained.weight_type).ok()?;
        folded.push(Kernel { weight, bias, accum: None });
        first += n_out;
    }
    Some(folded)
}

/// The mantissa of a number in a type that holds it exactly.
fn exact(value: Value, ty: FixedType) -> Option<i128> {
    let is_held = ty.is_on_grid(value) && !ty.overflows(value);
    is_held.then(|| ty.cast(value))
}

/// The exact product, unless it is too large to be held by any type.
fn product(a: Value, b: Value) -> Option<Value> {
    let mantissa = a.mantissa.checked_mul(b.mantissa)?;
    castable(Value { mantissa, fraction_bits: a.fraction_bits + b.fraction_bits })
}

/// The exact sum, unless it is too large to be held by any type.
fn sum(a: Value, b: Value) -> Option<Value> {
    match (a.mantissa, b.mantissa) {
        (0, _) => Some(b),
        (_, 0) => Some(a),
        _ => {
            let fraction_bits = a.fraction_bits.max(b.fraction_bits);
            let on_grid = |value: Value| {
                let up = (fraction_bits - value.fraction_bits) as u32;
                let factor = 1i128.checked_shl(up).filter(|factor| *factor > 0)?;
                value.mantissa.checked_mul(factor)
            };
            let mantissa = on_grid(a)?.checked_add(on_grid(b)?)?;
            castable(Value { mantissa, fraction_bits })
        }
    }
}

/// The value, if it is of the magnitude that a cast takes.
fn castable(value: Value) -> Option<Value> {
    (value.mantissa.unsigned_abs() < 1 << 126).then_some(value)
}
