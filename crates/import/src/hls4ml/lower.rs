//! From a Keras model and a configuration to a spec: the walk over the layers.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rtl4ml_ir::{FixedType, Format, Part};

use super::config::{Declared, Project};
use crate::builder::{Builder, Options};
use crate::draft::{DraftLayer, Source};
use crate::error::{ImportError, Lowered, Refused, refuse};
use crate::imported::{Imported, Port, finish_exact};
use crate::keras::config::Layer;
use crate::keras::{Architecture, Weights, groups, trained};
use crate::tensor::{MAX_TOTAL, Tensor, element_count};

/// Layers whose results may have another type than the one that they compute with.
const SAFE: [&str; 18] = [
    "dense",
    "conv1d",
    "conv2d",
    "depthwise_conv1d",
    "depthwise_conv2d",
    "batch_norm",
    "relu",
    "leaky_relu",
    "prelu",
    "elu",
    "selu",
    "sigmoid",
    "tanh",
    "softplus",
    "softsign",
    "hard_sigmoid",
    "softmax",
    "quantize",
];

/// A tensor of the spec.
#[derive(Clone, Debug)]
pub struct Known {
    /// Which one.
    pub source: Source,
    /// Its extents.
    pub extents: Vec<usize>,
    /// Its type.
    pub ty: FixedType,
    /// The type that hls4ml takes it to have where it derives another one: what moves elements
    /// keeps their type, whatever its own is.
    pub seen: FixedType,
    /// Whether its type was left open.
    pub is_open: bool,
    /// Whether hls4ml lets a linear activation behind it go where its type was left open.
    pub is_safe: bool,
}

/// A model while it is lowered.
pub struct Lowering<'a> {
    /// What the configuration says.
    pub project: Project,
    /// The model.
    pub architecture: &'a Architecture,
    /// Its numbers.
    pub weights: &'a Weights,
    /// The spec.
    pub builder: Builder,
    /// hls4ml's type for everything that nothing else is said of.
    pub default_type: FixedType,
    /// The groups of the layers' numbers in the file.
    groups: Vec<String>,
    /// The calls of batch normalisations that have become part of the layer before.
    pub fused: HashSet<usize>,
}

/// Lowers a project.
///
/// # Errors
/// All layers that are not imported.
pub fn lower(
    project: Project,
    architecture: &Architecture,
    weights: &Weights,
    path: &Path,
    options: &Options,
) -> Result<Imported, ImportError> {
    let Some(default_type) = project.default_type() else {
        let message = "`HLSConfig.Model.Precision` must be a type, or have a `default` that is one";
        return Err(ImportError::Malformed { path: path.to_owned(), message: message.to_owned() });
    };
    let mut options = options.clone();
    options.name = options.name.or_else(|| project.name.clone());
    let mut lowering = Lowering {
        builder: Builder::new(options),
        project,
        architecture,
        weights,
        default_type,
        groups: groups(architecture),
        fused: HashSet::new(),
    };
    lowering.head();
    let mut refused = Vec::new();
    let mut ports = Vec::new();
    let mut known: HashMap<(String, usize), Option<Known>> = HashMap::new();
    for ((name, call), extents) in &architecture.inputs {
        let input = lowering.input(name, extents);
        if let Ok(input) = &input {
            ports.push(port(name, &input.extents));
        }
        known.insert((name.clone(), *call), noted(input, name, "InputLayer", &mut refused));
    }
    let mut total = 0;
    for (index, call) in architecture.calls.iter().enumerate() {
        let layer = &architecture.layers[call.layer];
        let inputs: Option<Vec<Known>> =
            call.inputs.iter().map(|input| known.get(input).cloned().flatten()).collect();
        // That an input is lost has been told.
        let made = inputs.and_then(|inputs| {
            let made = lowering.layer(index, &inputs);
            noted(made, &layer.name, &layer.class, &mut refused)
        });
        let extents = made.as_ref().map_or(&[][..], |made| &made.extents);
        total += extents.iter().fold(1, |product: usize, extent| product.saturating_mul(*extent));
        if total > MAX_TOTAL {
            let reason = format!("the tensors up to it have more than {MAX_TOTAL} elements");
            let (node, operator) = (layer.name.clone(), layer.class.clone());
            refused.push(Refused { node, operator, reason });
            return Err(ImportError::Unsupported(refused));
        }
        known.insert(call.output.clone(), made);
    }
    let mut outputs = Vec::new();
    for output in &architecture.outputs {
        match known.get(output) {
            Some(Some(known)) => outputs.push((port(&output.0, &known.extents), known.source)),
            Some(None) => {}
            None => refused.push(Refused {
                node: output.0.clone(),
                operator: "output".to_owned(),
                reason: "nothing makes it".to_owned(),
            }),
        }
    }
    finish_exact(lowering.builder, ports, outputs, refused, path, "an hls4ml project")
}

fn noted(
    made: Lowered<Known>,
    node: &str,
    operator: &str,
    refused: &mut Vec<Refused>,
) -> Option<Known> {
    made.map_err(|reason| {
        let (node, operator) = (node.to_owned(), operator.to_owned());
        refused.push(Refused { node, operator, reason: reason.0 });
    })
    .ok()
}

fn port(name: &str, extents: &[usize]) -> Port {
    let count = extents.iter().product();
    Port { name: name.to_owned(), extents: extents.to_vec(), order: (0..count).collect() }
}

impl Lowering<'_> {
    /// The target, how data moves, and what of the configuration is not used.
    fn head(&mut self) {
        let mut target = Vec::new();
        match self.project.part.as_deref().map(|part| (part, part.parse::<Part>())) {
            Some((part, Ok(_))) => target.push(format!("part: {part}")),
            Some((part, Err(_))) => self.builder.notes.push(format!(
                "the part {part:?} is not known, so that the spec has the default one"
            )),
            None => {}
        }
        if let Some(period) = &self.project.clock_ns {
            target.push(format!("clock: {period} ns"));
        }
        let head = &mut self.builder.draft.head;
        if !target.is_empty() {
            head.push(format!("target: {{{}}}", target.join(", ")));
        }
        if self.project.is_stream {
            head.push("io: stream".to_owned());
        }
        self.builder.notes.append(&mut self.project.remarks);
    }

    fn input(&mut self, name: &str, extents: &[Option<usize>]) -> Lowered<Known> {
        let known: Option<Vec<usize>> = extents.iter().copied().collect();
        let Some(extents) = known else {
            return refuse(format!("its extents {extents:?} are not all known"));
        };
        self.builder.begin("");
        let signal = self.builder.input(name, extents.clone())?;
        let ty = self.type_of(name, "Input", "result");
        if let Some(input) = self.builder.draft.inputs.last_mut() {
            input.types = ty.into();
            input.comments.clear();
        }
        Ok(Known { source: signal.source, extents, ty, seen: ty, is_open: false, is_safe: false })
    }

    /// What is said of a tensor's type.
    pub fn declared(&self, layer: &str, class: &str, tensor: &str) -> Declared {
        self.project.precision(layer, class, tensor)
    }

    /// A tensor's type, where hls4ml derives none but takes the default.
    pub fn type_of(&self, layer: &str, class: &str, tensor: &str) -> FixedType {
        match self.declared(layer, class, tensor) {
            Declared::Type { ty, .. } => ty,
            Declared::Auto => self.default_type,
        }
    }

    /// The numbers of a call's layer.
    pub fn numbers_of(&self, index: usize) -> HashMap<String, Tensor> {
        let layer = self.architecture.calls[index].layer;
        trained(self.weights, &self.architecture.layers[layer], &self.groups[layer])
    }

    /// The layer of a call.
    pub fn called(&self, index: usize) -> &'_ Layer {
        &self.architecture.layers[self.architecture.calls[index].layer]
    }

    /// Adds a layer under a name.
    pub fn push(
        &mut self,
        name: &str,
        mut layer: DraftLayer,
        extents: Vec<usize>,
        ty: FixedType,
        is_open: bool,
    ) -> Lowered<Known> {
        if element_count(&extents).is_none_or(|count| count == 0) {
            return refuse(format!("its result has the extents {extents:?}"));
        }
        let Format { width, .. } = ty.format;
        if width > 64 {
            return refuse(format!("its type has {width} bits; a spec's have at most 64"));
        }
        layer.result = Some(ty.into());
        let kind = layer.kind;
        let source = self.push_moving(name, layer);
        let is_safe = SAFE.contains(&kind);
        Ok(Known { source, extents, ty, seen: ty, is_open, is_safe })
    }

    /// Adds a layer that keeps the formats that it reads.
    pub fn push_moving(&mut self, name: &str, layer: DraftLayer) -> Source {
        self.builder.begin(name);
        self.builder.push(layer)
    }

    /// The only call that reads a tensor, through activations and dropouts that hls4ml takes
    /// away where the tensor's type is derived.
    pub fn only_reader(&self, tensor: &(String, usize)) -> Option<usize> {
        let mut tensor = tensor.clone();
        loop {
            if self.architecture.outputs.contains(&tensor) {
                return None;
            }
            let calls = self.architecture.calls.iter().enumerate();
            let mut readers = calls.filter(|(_, call)| call.inputs.contains(&tensor));
            let (Some((index, call)), None) = (readers.next(), readers.next()) else {
                return None;
            };
            let layer = &self.architecture.layers[call.layer];
            let is_dropout = super::layers::DROPOUTS.contains(&layer.class.as_str());
            if !(is_dropout
                || layer.class == "Activation" && layer.text("activation") == Some("linear"))
            {
                return Some(index);
            }
            tensor.clone_from(&call.output);
        }
    }
}
