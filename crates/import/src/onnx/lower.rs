//! From nodes to layers, in their order.
//!
//! Guarantees: every node that is not imported is told of at once, but for those that only
//! depend on such a node.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::constant;
use super::graph::{Model, Node};
use super::operators::{ADVICE, OPERATORS, Set, set_of};
use crate::builder::{Builder, Options};
use crate::error::{ImportError, Lowered, Refused, refuse};
use crate::imported::{Imported, Port, finish};
use crate::tensor::{MAX_TOTAL, Tensor};
use crate::view::View;

/// A tensor of the model.
#[derive(Clone)]
pub enum Value {
    /// Numbers.
    Constant(Tensor),
    /// What a layer computes.
    View(View),
    /// What a node would have made that is not imported.
    Lost,
}

impl Value {
    /// How many elements it has.
    fn size(&self) -> usize {
        match self {
            Self::Constant(tensor) => tensor.numbers.len(),
            Self::View(view) => view
                .extents
                .iter()
                .fold(1, |product: usize, extent| product.saturating_mul(*extent)),
            Self::Lost => 0,
        }
    }
}

/// A node with what it reads.
pub struct Call<'a> {
    /// The node.
    pub node: &'a Node,
    /// What it reads; `None` where an optional input is not there.
    pub inputs: Vec<Option<Value>>,
    /// The draft.
    pub builder: &'a mut Builder,
    /// The version of the node's set of operators.
    pub version: i64,
    /// Whether the node has its channels last.
    pub is_channels_last: bool,
}

impl Call<'_> {
    /// An input that a layer computes.
    pub fn view(&self, index: usize) -> Lowered<View> {
        match self.inputs.get(index) {
            Some(Some(Value::View(view))) => Ok(view.clone()),
            Some(Some(Value::Constant(_))) => refuse(format!(
                "its input {index} is a constant, which is only imported for weights"
            )),
            _ => refuse(format!("its input {index} is missing")),
        }
    }

    /// An input that must be known; `None` where it is not there.
    pub fn constant(&self, index: usize) -> Lowered<Option<Tensor>> {
        match self.inputs.get(index) {
            None | Some(None) => Ok(None),
            Some(Some(Value::Constant(tensor))) => Ok(Some(tensor.clone())),
            Some(Some(_)) => {
                refuse(format!("its input {index} is computed; only constants are imported there"))
            }
        }
    }

    /// An input that must be there and known.
    pub fn required(&self, index: usize) -> Lowered<Tensor> {
        match self.constant(index)? {
            Some(tensor) => Ok(tensor),
            None => refuse(format!("its input {index} is missing")),
        }
    }

    /// Integers that older versions have as an attribute and newer ones as an input.
    pub fn integers(&self, attribute: &str, input: usize) -> Lowered<Option<Vec<i64>>> {
        if let Some(values) = self.node.attributes.integers(attribute) {
            return Ok(Some(values.to_vec()));
        }
        match self.constant(input)?.map(|tensor| tensor.as_integers()) {
            None => Ok(None),
            Some(Some(values)) => Ok(Some(values)),
            Some(None) => refuse(format!("`{attribute}` holds numbers that are no integers")),
        }
    }
}

/// Lowers a model.
///
/// # Errors
/// All operations that are not imported.
pub fn lower(model: &Model, path: &Path, options: &Options) -> Result<Imported, ImportError> {
    let mut builder = Builder::new(options.clone());
    let mut refused = Vec::new();
    let mut values: HashMap<String, Value> = HashMap::new();
    let mut ports = Vec::new();
    for (name, extents) in &model.inputs {
        builder.begin("");
        match input(model, name, extents, &mut builder) {
            Ok(view) => {
                ports.push(Port::new(name, &view));
                values.insert(name.clone(), Value::View(view));
            }
            Err(reason) => {
                refused.push(Refused {
                    node: format!("input `{name}`"),
                    operator: "input".to_owned(),
                    reason: reason.0,
                });
                values.insert(name.clone(), Value::Lost);
            }
        }
    }
    let mut total = 0;
    for node in &model.nodes {
        let outputs = match lower_node(model, node, &values, &mut builder) {
            Ok(outputs) => outputs,
            Err(reason) => {
                let operator = match node.domain.as_str() {
                    "" => node.operator.clone(),
                    domain => format!("{domain}.{}", node.operator),
                };
                refused.push(Refused { node: node.name.clone(), operator, reason: reason.0 });
                Vec::new()
            }
        };
        total += outputs.iter().map(Value::size).fold(0, usize::saturating_add);
        if total > MAX_TOTAL {
            refused.push(Refused {
                node: node.name.clone(),
                operator: node.operator.clone(),
                reason: format!("the tensors up to it have more than {MAX_TOTAL} elements"),
            });
            return Err(ImportError::Unsupported(refused));
        }
        let mut outputs = outputs.into_iter();
        for name in node.outputs.iter().filter(|name| !name.is_empty()) {
            values.insert(name.clone(), outputs.next().unwrap_or(Value::Lost));
        }
    }
    let mut outputs = Vec::new();
    for name in &model.outputs {
        match values.get(name) {
            Some(Value::View(view)) => outputs.push((name.clone(), view.clone())),
            Some(Value::Lost) => {}
            _ => refused.push(Refused {
                node: format!("output `{name}`"),
                operator: "output".to_owned(),
                reason: "it is a constant, which no input reaches".to_owned(),
            }),
        }
    }
    if outputs.is_empty() && refused.is_empty() {
        refused.push(Refused {
            node: "the model".to_owned(),
            operator: "graph".to_owned(),
            reason: "it has no outputs".to_owned(),
        });
    }
    let version = model.versions.get("").copied().unwrap_or(1);
    let kind = if model.nodes.iter().any(|node| set_of(&node.domain) != Some(Set::Onnx)) {
        "QONNX"
    } else {
        "ONNX"
    };
    let by =
        if model.producer.is_empty() { String::new() } else { format!(", by {}", model.producer) };
    let origin = format!("{kind}, opset {version}{by}");
    finish(builder, ports, &outputs, refused, path, &origin)
}

fn lower_node(
    model: &Model,
    node: &Node,
    values: &HashMap<String, Value>,
    builder: &mut Builder,
) -> Lowered<Vec<Value>> {
    let set = set_of(&node.domain);
    let known = OPERATORS.iter().find(|(of, name, _)| Some(*of) == set && *name == node.operator);
    let read = |name: &String| match values.get(name) {
        _ if name.is_empty() => None,
        Some(value) => Some(value.clone()),
        None => model.constants.get(name).cloned().map(Value::Constant),
    };
    let inputs: Vec<Option<Value>> = node.inputs.iter().map(read).collect();
    let version = version_of(model, &node.domain);
    let constant = |value: &Option<Value>| match value {
        None => Some(None),
        Some(Value::Constant(tensor)) => Some(Some(tensor.clone())),
        Some(_) => None,
    };
    if set.is_some()
        && let Some(constants) = inputs.iter().map(constant).collect::<Option<Vec<_>>>()
        && let Some(folded) = constant::evaluate(node, &constants, version)
    {
        return Ok(folded?.into_iter().map(Value::Constant).collect());
    }
    let Some((_, _, operation)) = known else {
        let advice = ADVICE.iter().find(|(operator, _)| *operator == node.operator);
        let advice = advice.map(|(_, advice)| format!("; {advice}")).unwrap_or_default();
        return refuse(format!("there is no layer for it{advice}"));
    };
    if inputs.iter().flatten().any(|value| matches!(value, Value::Lost)) {
        // That something is lost has been told.
        return Ok(Vec::new());
    }
    builder.begin(&layer_name(node));
    let is_channels_last = set == Some(Set::ChannelsLast);
    operation(&mut Call { node, inputs, builder, version, is_channels_last })
}

/// The version of a set of operators. QONNX files may not name the set; it then has version 1.
fn version_of(model: &Model, domain: &str) -> i64 {
    model.versions.get(domain).copied().unwrap_or(1)
}

/// A node's own name, unless it only says which operator it is: then that of its weight, without
/// what says that it is one.
fn layer_name(node: &Node) -> String {
    let generated = |name: &str| {
        let operator = node.operator.to_lowercase();
        let name = name.to_lowercase();
        name.starts_with("node ")
            || name.trim_start_matches('/').starts_with(&operator)
                && name.trim_start_matches('/')[operator.len()..]
                    .chars()
                    .all(|c| c.is_ascii_digit() || c == '_')
    };
    if !generated(&node.name) {
        return node.name.clone();
    }
    let weight =
        node.inputs.get(1).filter(|_| matches!(node.operator.as_str(), "Gemm" | "MatMul" | "Conv"));
    let ends = [".weight", "_weight", ".kernel", "_kernel"];
    weight
        .and_then(|weight| ends.iter().find_map(|end| weight.strip_suffix(end)))
        .unwrap_or_default()
        .to_owned()
}

/// An input as an image with its channels last, where the model's first are for convolutions.
fn input(
    model: &Model,
    name: &str,
    extents: &[Option<usize>],
    builder: &mut Builder,
) -> Lowered<View> {
    let mut known = Vec::new();
    for (axis, extent) in extents.iter().enumerate() {
        match extent {
            Some(extent) => known.push(*extent),
            // A batch is one sample.
            None if axis == 0 => known.push(1),
            None => {
                return refuse(format!(
                    "its extent {axis} is not known: export with fixed extents"
                ));
            }
        }
    }
    let own = if known.len() > 1 && known[0] == 1 { &known[1..] } else { &known[..] };
    let own = if own.is_empty() { vec![1] } else { own.to_vec() };
    if (3..=4).contains(&known.len()) && known[0] == 1 && feeds_channels_first(model, name) {
        let channels_last = [&own[1..], &own[..1]].concat();
        let signal = builder.input(name, channels_last)?;
        let order: Vec<usize> = (2..known.len()).chain([1]).collect();
        return Ok(View::ordered(signal, known, &order));
    }
    let signal = builder.input(name, own)?;
    Ok(View::plain(signal, known))
}

/// Whether a tensor reaches an operator that has channels first, on a way that moves no axis.
fn feeds_channels_first(model: &Model, name: &str) -> bool {
    const MOVING: [&str; 7] =
        ["Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "MatMul", "Gemm"];
    const FIRST: [&str; 10] = [
        "Conv",
        "MaxPool",
        "AveragePool",
        "GlobalMaxPool",
        "GlobalAveragePool",
        "Resize",
        "Upsample",
        "BatchNormalization",
        "Pad",
        "ReduceMean",
    ];
    let mut seen: HashSet<&str> = HashSet::from([name]);
    for node in &model.nodes {
        let data = if node.operator == "Concat" { node.inputs.len() } else { 1 };
        if !node.inputs.iter().take(data).any(|input| seen.contains(input.as_str())) {
            continue;
        }
        if FIRST.contains(&node.operator.as_str()) {
            return node.domain.is_empty();
        }
        if !MOVING.contains(&node.operator.as_str()) {
            seen.extend(node.outputs.iter().map(String::as_str));
        }
    }
    false
}
