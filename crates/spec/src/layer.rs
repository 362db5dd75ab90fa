//! The layers of the spec in their order: what each reads, and what it becomes in the graph.
//!
//! Guarantees: a layer with a mistake is replaced by one of which nothing is inferred.

use rtl4ml_ir::error::with_article;
use rtl4ml_ir::{
    BatchNorm, Implementation, InputId, Layer, LayerId, Network, Problem, Relu, Site, Source,
};

use crate::defaults::Defaults;
use crate::diagnostics::{Mistakes, Reported, quoted};
use crate::fold::{Normalisation, Readers, read_names};
use crate::graph::Graph;
use crate::layers::{LayerSpec, Lowered, Part, Trained, layer_type};
use crate::network::name_of;
use crate::places::LayerPlace;
use crate::reader::{self, Fields, Read};
use crate::weights::WeightFiles;
use crate::yaml::{Kind, Node};

/// The keys that every layer has.
const LAYER_KEYS: [&str; 3] = ["name", "type", "inputs"];

/// What is remembered of the layers that have been read.
pub(crate) struct Progress<'n> {
    /// Where each layer of the graph comes from.
    pub places: Vec<LayerPlace<'n>>,
    /// What the last layer of the spec computes.
    pub last: Option<Source>,
    /// Its name.
    last_name: Option<&'n str>,
    /// The weights of each layer of the graph before they were rounded, where others may be
    /// multiplied into them.
    trained: Vec<Option<Trained>>,
    readers: Readers<'n>,
    /// Whether anything can be folded, so that weights need be kept.
    may_fold: bool,
    /// The names of layers that were folded; none of the graph's layers has them.
    folded: Vec<&'n str>,
}

impl<'n> Progress<'n> {
    pub fn new(layers: &'n [Node], outputs: Option<&'n Node>) -> Self {
        let is_batch_norm = |node: &Node| {
            let ty = node.entry("type").map(|entry| &entry.value.kind);
            matches!(ty, Some(Kind::Scalar(scalar)) if &*scalar.text == "batch_norm")
        };
        Self {
            places: Vec::new(),
            last: None,
            last_name: None,
            trained: Vec::new(),
            readers: Readers::new(layers, outputs),
            may_fold: layers.iter().any(is_batch_norm),
            folded: Vec::new(),
        }
    }
}

/// The layer's number and name in messages, and its name where it has one.
struct Named<'n> {
    what: String,
    name: Read<&'n str>,
}

pub(crate) fn add_layer<'n>(
    number: usize,
    node: &'n Node,
    defaults: &Defaults,
    weights: &mut WeightFiles,
    (network, graph): (&mut Network, &mut Graph<'n>),
    progress: &mut Progress<'n>,
    mistakes: &mut Mistakes,
) {
    let number = format!("layer {number}");
    let name = name_of(node, &number, "name: fc1", mistakes);
    let what = name.map_or(number, |name| format!("layer {}", quoted(name)));
    let lowered = read_layer(node, &what, defaults, weights, mistakes);
    let inputs = match node.entry("inputs") {
        Some(entry) => named_inputs(&entry.value, &what, graph, mistakes),
        None => vec![standard_input(node, &what, network, progress.last, graph, mistakes)],
    };
    let named = Named { what, name };
    let lowered = match lowered {
        Ok(Lowered::Layers(parts)) => Ok(parts),
        Ok(lowered) => {
            match folded(lowered, node, &named, &inputs, (network, graph), progress, mistakes) {
                Ok(Folded::Into(source)) => {
                    define_folded(node, &named, source, graph, progress, mistakes);
                    return;
                }
                Ok(Folded::Not(norm)) => Ok(vec![Part::new(norm, Implementation::default())]),
                Err(reported) => Err(reported),
            }
        }
        Err(reported) => Err(reported),
    };
    let parts = lowered.map(Some).unwrap_or_default();
    let source = push(node, &named, parts, inputs, (network, graph), progress);
    if let Ok(name) = named.name {
        if progress.folded.contains(&name) {
            tell_duplicate(node, name, mistakes);
            if let Source::Layer(id) = source {
                graph.mark_unnamed(Site::Layer(id));
            }
        }
        graph.define(name, source);
    }
    progress.last = Some(source);
    progress.last_name = named.name.ok();
}

/// Adds the layers of the graph that a layer becomes, or, where it is wrong, one of which nothing
/// can be inferred.
fn push<'n>(
    node: &'n Node,
    named: &Named<'n>,
    parts: Option<Vec<Part>>,
    inputs: Vec<Source>,
    (network, graph): (&mut Network, &mut Graph<'n>),
    progress: &mut Progress<'n>,
) -> Source {
    let first = network.layers.len() as u32;
    let given = named.name.map_or_else(|_| format!("unnamed_layer_{first}"), str::to_owned);
    let is_broken = parts.is_none();
    let mut inputs = inputs;
    let parts = parts.unwrap_or_else(|| {
        // Whatever the operation, nothing can be inferred from an unknown input.
        inputs.push(graph.unknown());
        vec![Part::new(Relu::default(), Implementation::default())]
    });
    for part in parts {
        let id = LayerId(network.layers.len() as u32);
        let site = Site::Layer(id);
        if is_broken {
            graph.mark_broken(site);
        }
        if named.name.is_err() {
            graph.mark_unnamed(site);
        }
        let Part { suffix, op, implementation, trained, renamed } = part;
        let name = format!("{given}{suffix}");
        network.layers.push(Layer { name, op, inputs, implementation });
        progress.places.push(LayerPlace { node, renamed });
        progress.trained.push(trained.filter(|_| progress.may_fold));
        inputs = vec![Source::Layer(id)];
    }
    inputs[0]
}

/// What became of a batch normalisation.
enum Folded {
    /// It is part of the layer that computes this.
    Into(Source),
    /// It is a layer of its own.
    Not(BatchNorm),
}

/// Folds a batch normalisation that is to be folded, or that can be without any change.
fn folded<'n>(
    lowered: Lowered,
    node: &'n Node,
    named: &Named<'n>,
    inputs: &[Source],
    (network, graph): (&mut Network, &mut Graph<'n>),
    progress: &mut Progress<'n>,
    mistakes: &mut Mistakes,
) -> Read<Folded> {
    let read = read_names(node, progress.last_name);
    let normalisation = |source| Normalisation {
        what: &named.what,
        node,
        source,
        read_name: read.first().copied().unwrap_or_default(),
        readers: &progress.readers,
    };
    let trained = progress.trained.as_mut_slice();
    match (lowered, inputs) {
        (Lowered::Fold(fold), [source]) => {
            normalisation(*source).fold(&fold, graph, network, trained, mistakes)?;
            Ok(Folded::Into(*source))
        }
        (Lowered::Fold(_), _) => {
            let found = inputs.len();
            let problem = Problem::InputCount { kind: "batch_norm", expected: "1", found };
            let place = node.entry("inputs").map_or(node.span, |entry| entry.value.span);
            Err(mistakes.add(place, format!("{}: {problem}", named.what)))
        }
        (Lowered::FoldIfExact(norm), [source]) => {
            if normalisation(*source).fold_if_exact(&norm, graph, network, trained) {
                return Ok(Folded::Into(*source));
            }
            Ok(Folded::Not(norm))
        }
        (Lowered::FoldIfExact(norm), _) => Ok(Folded::Not(norm)),
        (Lowered::Layers(_), _) => unreachable!("these are layers of their own"),
    }
}

/// Lets the name of a folded layer stand for what it is folded into.
fn define_folded<'n>(
    node: &'n Node,
    named: &Named<'n>,
    source: Source,
    graph: &mut Graph<'n>,
    progress: &mut Progress<'n>,
    mistakes: &mut Mistakes,
) {
    progress.last = Some(source);
    progress.last_name = named.name.ok();
    let Ok(name) = named.name else {
        return;
    };
    if graph.is_defined(name) {
        tell_duplicate(node, name, mistakes);
    }
    graph.define(name, source);
    progress.folded.push(name);
}

fn tell_duplicate(node: &Node, name: &str, mistakes: &mut Mistakes) {
    let place = node.entry("name").map_or(node.span, |entry| entry.value.span);
    let problem = Problem::DuplicateName { name: quoted(name).trim_matches('`').to_owned() };
    mistakes.add(place, problem.to_string());
}

fn read_layer(
    node: &Node,
    what: &str,
    defaults: &Defaults,
    weights: &mut WeightFiles,
    mistakes: &mut Mistakes,
) -> Read<Lowered> {
    let Kind::Mapping(_) = &node.kind else {
        return Err(reader::wrong(node, what, "a mapping of keys to values", mistakes));
    };
    let Some(entry) = node.entry("type") else {
        let key = format!("`type` of {what}");
        return Err(reader::missing(node.span, &key, "type: dense", mistakes));
    };
    let ty = layer_type(&entry.value, mistakes)?;
    let kind = format!("{} layer", with_article(ty.name));
    let fields = Fields::open(node, &kind, &[&LAYER_KEYS, ty.keys], mistakes)?;
    let (what, ty_name) = (what.to_owned(), ty.name);
    (ty.read)(&mut LayerSpec { what, ty: ty_name, fields, defaults, weights, mistakes })
}

/// What a layer reads that names it under `inputs`.
fn named_inputs<'n>(
    node: &'n Node,
    what: &str,
    graph: &mut Graph<'n>,
    mistakes: &mut Mistakes,
) -> Vec<Source> {
    let legal = "a name or a list of names";
    let inputs = format!("`inputs` of {what}");
    match reader::one_or_more(node, &inputs, legal, mistakes) {
        Ok(names) => names.iter().map(|name| graph.source(name, what, mistakes)).collect(),
        Err(Reported) => vec![graph.dangle()],
    }
}

/// What a layer reads that does not say: the layer before it, or the network's only input.
fn standard_input(
    node: &Node,
    what: &str,
    network: &Network,
    last: Option<Source>,
    graph: &mut Graph,
    mistakes: &mut Mistakes,
) -> Source {
    if let Some(last) = last {
        return last;
    }
    match network.inputs.as_slice() {
        // That there is no input has been told, or the verifier does.
        [] => graph.dangle(),
        [_] => Source::Input(InputId(0)),
        [first, ..] => {
            let count = network.inputs.len();
            mistakes.add_with_help(
                node.span,
                format!("{what} is the first, and the network has {count} inputs; it must say what it reads"),
                format!("write e.g. `inputs: [{}]`", first.name),
            );
            graph.dangle()
        }
    }
}
