//! What an import gives.

use std::path::Path;

use crate::builder::{Builder, Options, legal_name};
use crate::draft::{Draft, Source};
use crate::error::{ImportError, Refused};
use crate::tidy::{prune, tidy};
use crate::view::View;
use crate::write::{spec_text, weights_archive};

/// A model as a spec.
#[derive(Debug)]
pub struct Imported {
    /// The network's name.
    pub name: String,
    /// The text of `network.yaml`.
    pub spec: String,
    /// The bytes of `weights.npz`.
    pub weights: Vec<u8>,
    /// The inputs as the model has them.
    pub inputs: Vec<Port>,
    /// The outputs as the model has them.
    pub outputs: Vec<Port>,
    /// How many layers the spec has, by their types.
    pub layers: Vec<(&'static str, usize)>,
    /// What is not exact, and what was assumed.
    pub notes: Vec<String>,
}

/// An input or an output: how the model's numbers lie in the spec's tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The model's name.
    pub name: String,
    /// The model's extents, without the batch.
    pub extents: Vec<usize>,
    /// For each element of the model's tensor, row-major, its index in that of the spec.
    pub order: Vec<usize>,
}

impl Port {
    /// The port of a tensor.
    pub fn new(name: &str, view: &View) -> Self {
        let extents = match view.extents.as_slice() {
            [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
            all => all.to_vec(),
        };
        Self { name: name.to_owned(), extents, order: view.indices() }
    }

    /// Whether the spec has the elements in the model's order.
    pub fn is_plain(&self) -> bool {
        self.order.iter().enumerate().all(|(place, index)| place == *index)
    }

    /// Numbers in the model's order in that of the spec.
    pub fn to_spec(&self, numbers: &[f64]) -> Vec<f64> {
        let mut moved = vec![0.0; numbers.len()];
        for (number, index) in numbers.iter().zip(&self.order) {
            moved[*index] = *number;
        }
        moved
    }

    /// Numbers in the spec's order in that of the model.
    pub fn to_model(&self, numbers: &[f64]) -> Vec<f64> {
        self.order.iter().map(|index| numbers[*index]).collect()
    }
}

/// Ends a draft: multiplies what waits into the outputs, shortens the draft and writes its text.
pub fn finish(
    mut builder: Builder,
    inputs: Vec<Port>,
    outputs: &[(String, View)],
    mut refused: Vec<Refused>,
    path: &Path,
    origin: &str,
) -> Result<Imported, ImportError> {
    let mut ports = Vec::new();
    for (name, view) in outputs {
        match named_output(&mut builder, name, view) {
            Ok(view) => {
                builder.draft.outputs.push(view.signal.source);
                ports.push(Port::new(name, &view));
            }
            Err(reason) => refused.push(Refused {
                node: format!("output `{name}`"),
                operator: "output".to_owned(),
                reason: reason.0,
            }),
        }
    }
    if !refused.is_empty() {
        return Err(ImportError::Unsupported(refused));
    }
    tidy(&mut builder.draft, builder.options.fraction_bits);
    written(builder, inputs, ports, path, origin)
}

/// Ends a draft whose layers are what they have to be.
pub fn finish_exact(
    mut builder: Builder,
    inputs: Vec<Port>,
    outputs: Vec<(Port, Source)>,
    refused: Vec<Refused>,
    path: &Path,
    origin: &str,
) -> Result<Imported, ImportError> {
    if !refused.is_empty() {
        return Err(ImportError::Unsupported(refused));
    }
    let (ports, sources) = outputs.into_iter().unzip();
    builder.draft.outputs = sources;
    prune(&mut builder.draft);
    written(builder, inputs, ports, path, origin)
}

/// The text and the numbers of a draft.
fn written(
    builder: Builder,
    inputs: Vec<Port>,
    ports: Vec<Port>,
    path: &Path,
    origin: &str,
) -> Result<Imported, ImportError> {
    let Builder { draft, options, notes, .. } = builder;
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = network_name(&options, path);
    let mut header = vec![format!("Imported from {file} ({origin}).")];
    header.extend(options.remarks.iter().cloned());
    for (kind, ports, sources) in [
        ("Input", &inputs, (0..draft.inputs.len()).map(Source::Input).collect::<Vec<_>>()),
        ("Output", &ports, draft.outputs.clone()),
    ] {
        for (port, source) in ports.iter().zip(sources).filter(|(port, _)| !port.is_plain()) {
            let name = source_name(&draft, source);
            header.push(format!(
                "{kind} `{name}` has its channels last; the model's is {:?}, channels first.",
                port.extents
            ));
        }
    }
    header.extend(notes.iter().map(|note| format!("Note: {note}.")));
    let weights = weights_archive(&draft)
        .map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let spec = spec_text(&name, &header, &draft);
    Ok(Imported { name, spec, weights, inputs, outputs: ports, layers: counts(&draft), notes })
}

/// An output without a factor, in the model's order unless it is an image.
fn named_output(
    builder: &mut Builder,
    name: &str,
    view: &View,
) -> Result<View, crate::error::Refusal> {
    builder.begin(name);
    let signal = builder.materialized(view.signal.clone())?;
    let mut view = view.with(builder.narrowed_output(signal)?);
    let axes = view.extents.iter().filter(|extent| **extent > 1).count();
    if axes <= 1 && !Port::new(name, &view).is_plain() {
        let extents = view.extents.clone();
        let count = extents.iter().product();
        let flat = view.reshaped(vec![count]).in_order(&[0], builder)?;
        view = View::plain(flat, extents);
    }
    Ok(view)
}

fn source_name(draft: &Draft, source: Source) -> &str {
    match source {
        Source::Input(index) => &draft.inputs[index].name,
        Source::Layer(index) => &draft.layers[index].name,
    }
}

/// The network's name: the one that was asked for, or that of the file.
fn network_name(options: &Options, path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let given = options.name.clone().or(stem).unwrap_or_default();
    let name = legal_name(&given);
    if name.is_empty() { "network".to_owned() } else { name }
}

/// How many layers there are of each type, in the order in which they come.
fn counts(draft: &Draft) -> Vec<(&'static str, usize)> {
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    for layer in &draft.layers {
        match counts.iter_mut().find(|(kind, _)| *kind == layer.kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((layer.kind, 1)),
        }
    }
    counts
}
