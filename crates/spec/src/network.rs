//! The spec as a whole: its top-level keys, its inputs, its layers in order, its outputs.
//!
//! Guarantees: every part is read whatever is wrong with the others; what could not be read is
//! replaced by something of which nothing is inferred; the verifier's errors come back to the
//! keys they are about.

use rtl4ml_ir::{Input, InputId, Network, Site, Source, Types, VerifiedNetwork, verify};

use crate::budget::read_budget;
use crate::defaults::{Defaults, read_defaults};
use crate::diagnostics::{Mistakes, Reported, quoted};
use crate::graph::{Graph, unknown_input};
use crate::layer::{Progress, add_layer};
use crate::places::Places;
use crate::precision::input_types;
use crate::reader::{self, Fields, Read};
use crate::source::Span;
use crate::target::{read_contract, read_io, read_target};
use crate::weights::WeightFiles;
use crate::yaml::{Kind, Node};

const KEYS: [&str; 9] =
    ["name", "target", "contract", "budget", "io", "defaults", "inputs", "layers", "outputs"];

/// Reads a spec into a verified network; `None` when it has mistakes, which then are recorded.
pub(crate) fn read_network(
    root: &Node,
    weights: &mut WeightFiles,
    mistakes: &mut Mistakes,
) -> Option<VerifiedNetwork> {
    let fields = Fields::open(root, "the spec", &[&KEYS], mistakes).ok()?;
    let mut network = Network::new("");
    let name = match fields.get("name") {
        Some(node) => reader::text(node, "`name`", "the network's name", mistakes),
        None => Err(reader::missing(Span::START, "`name`", "name: jet_tagger", mistakes)),
    };
    // A legal name stands for one that has been told of.
    name.unwrap_or("network").clone_into(&mut network.name);
    network.target = read_target(fields.get("target"), weights, mistakes).unwrap_or_default();
    network.contract = read_contract(fields.get("contract"), mistakes).unwrap_or_default();
    network.budget = read_budget(fields.get("budget"), mistakes).unwrap_or_default();
    network.io = read_io(fields.get("io"), mistakes).unwrap_or_default();
    let defaults = read_defaults(fields.get("defaults"), mistakes);
    let inputs = list(fields, "inputs", "inputs: [{name: x, shape: [16]}]", mistakes);
    let layers = list(fields, "layers", "layers: [{name: fc1, type: dense, ...}]", mistakes);

    let lost = [("inputs", inputs.is_err()), ("layers", layers.is_err())];
    let (inputs, layers) = (inputs.unwrap_or_default(), layers.unwrap_or_default());
    let layer_names = layers.iter().filter_map(given_name).collect();
    let mut graph = Graph::new(inputs.len(), layer_names);
    for (key, _) in lost.into_iter().filter(|(_, is_lost)| *is_lost) {
        graph.lose_list(key);
    }
    if layers.is_empty() {
        // The last layer is the default output, and only layers can be named.
        graph.lose_list("outputs");
    }
    for node in inputs {
        add_input(node, &defaults, weights, (&mut network, &mut graph), mistakes);
    }
    let mut progress = Progress::new(layers, fields.get("outputs"));
    for (number, node) in (1..).zip(layers) {
        let graph = (&mut network, &mut graph);
        add_layer(number, node, &defaults, weights, graph, &mut progress, mistakes);
    }
    let Progress { places: layers, last, .. } = progress;
    let outputs = read_outputs(fields, last, &mut network, &mut graph, mistakes);
    graph.complete(&mut network);
    let places =
        Places { root, inputs: inputs.iter().collect(), layers, outputs: outputs.iter().collect() };
    verified(network, &graph, &places, mistakes)
}

/// Verifies the network and tells what is wrong with it, but for what follows from mistakes that
/// have been told.
fn verified(
    network: Network,
    graph: &Graph,
    places: &Places,
    mistakes: &mut Mistakes,
) -> Option<VerifiedNetwork> {
    let names: Vec<String> = network.layers.iter().map(|layer| layer.name.clone()).collect();
    let errors = match verify(network) {
        Ok(network) => return mistakes.is_empty().then_some(network),
        Err(errors) => errors,
    };
    for error in errors.iter().filter(|error| !graph.is_consequence(error)) {
        places.tell(&names, error, mistakes);
    }
    if mistakes.is_empty() {
        // Nothing was told that these could be consequences of.
        for error in &errors {
            places.tell(&names, error, mistakes);
        }
    }
    None
}

fn list<'n>(
    fields: Fields<'n>,
    key: &'static str,
    example: &str,
    mistakes: &mut Mistakes,
) -> Read<&'n [Node]> {
    let what = format!("`{key}`");
    match fields.get(key) {
        Some(node) => reader::items(node, &what, "a list", mistakes),
        None => Err(reader::missing(Span::START, &what, example, mistakes)),
    }
}

/// The name that a part gives itself, if it is a text at all.
fn given_name(node: &Node) -> Option<&str> {
    match &node.entry("name")?.value.kind {
        Kind::Scalar(scalar) => Some(&scalar.text),
        _ => None,
    }
}

/// The name of a part; `what` is the part in messages, e.g. `input 1`.
pub(crate) fn name_of<'n>(
    node: &'n Node,
    what: &str,
    example: &str,
    mistakes: &mut Mistakes,
) -> Read<&'n str> {
    let name = format!("`name` of {what}");
    match node.entry("name") {
        Some(entry) => reader::text(&entry.value, &name, "a name", mistakes),
        None if matches!(node.kind, Kind::Mapping(_)) => {
            Err(reader::missing(node.span, &name, example, mistakes))
        }
        // That it is no mapping is told where its keys are read.
        None => Err(Reported),
    }
}

fn add_input<'n>(
    node: &'n Node,
    defaults: &Defaults,
    weights: &mut WeightFiles,
    (network, graph): (&mut Network, &mut Graph<'n>),
    mistakes: &mut Mistakes,
) {
    let id = InputId(network.inputs.len() as u32);
    let site = Site::Input(id);
    let number = format!("input {}", network.inputs.len() + 1);
    let fields = Fields::open(node, "an input", &[&["name", "shape", "precision"]], mistakes);
    let name = name_of(node, &number, "name: x", mistakes);
    let what = name.map_or(number, |name| format!("input {}", quoted(name)));
    let content = fields.and_then(|fields| read_input(fields, &what, defaults, weights, mistakes));
    let given = name.map_or_else(|_| format!("unnamed_input_{}", id.0), str::to_owned);
    match name {
        Ok(name) => graph.define(name, Source::Input(id)),
        Err(Reported) => graph.mark_unnamed(site),
    }
    network.inputs.push(if let Ok((extents, types)) = content {
        Input { name: given, extents, types }
    } else {
        graph.mark_broken(site);
        unknown_input(given)
    });
}

fn read_input(
    fields: Fields,
    what: &str,
    defaults: &Defaults,
    weights: &mut WeightFiles,
    mistakes: &mut Mistakes,
) -> Read<(Vec<usize>, Types)> {
    let shape_name = format!("`shape` of {what}");
    let shape = match fields.get("shape") {
        Some(node) => reader::items(node, &shape_name, "a list of extents, e.g. `[16]`", mistakes)
            .and_then(|items| {
                let extent = format!("an extent of {what}");
                reader::all(items.iter().map(|item| reader::extent(item, &extent, mistakes)))
            }),
        None => Err(reader::missing(fields.node.span, &shape_name, "shape: [16]", mistakes)),
    };
    let precision = format!("`precision` of {what}");
    let ty = match (fields.get("precision"), defaults.precision.input) {
        (Some(node), _) => input_types(node, &precision, weights, mistakes),
        (None, Ok(Some(ty))) => Ok(ty.into()),
        (None, Err(reported)) => Err(reported),
        (None, Ok(None)) => Err(mistakes.add_with_help(
            fields.node.span,
            format!("{precision} is missing"),
            "write e.g. `precision: \"fixed<16,6>\"`, or a `precision` under `defaults`".to_owned(),
        )),
    };
    Ok((shape?, ty?))
}

/// Reads `outputs`, whose default is the last layer; gives the nodes that name them.
fn read_outputs<'n>(
    fields: Fields<'n>,
    last: Option<Source>,
    network: &mut Network,
    graph: &mut Graph<'n>,
    mistakes: &mut Mistakes,
) -> &'n [Node] {
    let Some(node) = fields.get("outputs") else {
        network.outputs = last.into_iter().collect();
        return &[];
    };
    let legal = "a name or a list of names of layers";
    let Ok(names) = reader::one_or_more(node, "`outputs`", legal, mistakes) else {
        graph.lose_list("outputs");
        return &[];
    };
    if network.layers.is_empty() {
        // The names could only stand for layers.
        return &[];
    }
    for (position, name) in names.iter().enumerate() {
        let source = graph.output(name, mistakes).unwrap_or_else(|| {
            graph.mark_broken(Site::Output(position));
            graph.dangle()
        });
        network.outputs.push(source);
    }
    names
}
