//! A model's graph as its file has it: nodes in an order in which they can compute.
//!
//! Guarantees: every input of a node is an initializer, an input of the graph or an output of a
//! node before it; no tensor is made twice; numbers are as many as their extents say.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};
use std::rc::Rc;

use prost::Message;
use rtl4ml_ir::Format;

use super::attributes::Attributes;
use super::proto::{
    GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, dimension_proto,
};
use crate::error::ImportError;
use crate::tensor::{Grid, Tensor, element_count};

/// How many bytes a model's file may have.
const MAX_BYTES: u64 = 1 << 28;

/// How many nodes a model may have.
const MAX_NODES: usize = 1 << 12;

/// A model.
pub struct Model {
    /// What wrote it, if it says so.
    pub producer: String,
    /// The version of each set of operators; ONNX itself is the empty name.
    pub versions: BTreeMap<String, i64>,
    /// The inputs: names and extents, `None` where one is not known.
    pub inputs: Vec<(String, Vec<Option<usize>>)>,
    /// The names of the outputs.
    pub outputs: Vec<String>,
    /// Trained numbers by their names.
    pub constants: HashMap<String, Tensor>,
    /// The nodes, in an order in which they can compute.
    pub nodes: Vec<Node>,
}

/// An operation.
pub struct Node {
    /// Its name, or one that says which it is.
    pub name: String,
    /// What it does.
    pub operator: String,
    /// The set of operators that it is of; ONNX itself is the empty name.
    pub domain: String,
    /// What it reads; the empty name where an optional input is not there.
    pub inputs: Vec<String>,
    /// What it makes.
    pub outputs: Vec<String>,
    /// Its parameters.
    pub attributes: Attributes,
}

/// Reads a model.
///
/// # Errors
/// When the file is no model, or one with contradictions.
pub fn read(path: &Path) -> Result<Model, ImportError> {
    let malformed = |message: String| ImportError::Malformed { path: path.to_owned(), message };
    let bytes = crate::file::read(path, MAX_BYTES)?;
    super::wire::check(&bytes)
        .map_err(|message| malformed(format!("this is no ONNX model: {message}")))?;
    let model = ModelProto::decode(&bytes[..])
        .map_err(|error| malformed(format!("this is no ONNX model: {error}")))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    convert(model, folder).map_err(malformed)
}

fn convert(model: ModelProto, folder: &Path) -> Result<Model, String> {
    let Some(graph) = model.graph else {
        return Err("the model has no graph".to_owned());
    };
    let versions =
        model.opset_import.iter().map(|set| (domain_name(&set.domain), set.version)).collect();
    let producer = format!("{} {}", model.producer_name, model.producer_version);
    let mut constants = HashMap::new();
    let mut total = 0;
    for initializer in &graph.initializer {
        let tensor = tensor(initializer, folder, &mut total)
            .map_err(|error| format!("initializer `{}`: {error}", initializer.name))?;
        constants.insert(initializer.name.clone(), tensor);
    }
    let is_constant = |value: &&ValueInfoProto| !constants.contains_key(&value.name);
    // Before IR version 4 initializers are listed among the inputs.
    let inputs = graph.input.iter().filter(is_constant).map(|value| {
        let extents = extents(value);
        (value.name.clone(), extents)
    });
    let inputs = inputs.collect();
    let outputs = graph.output.iter().map(|value| value.name.clone()).collect();
    if graph.node.len() > MAX_NODES {
        return Err(format!("the model has more than {MAX_NODES} nodes"));
    }
    let nodes = nodes(&graph, folder, &mut total)?;
    let mut model =
        Model { producer: producer.trim().to_owned(), versions, inputs, outputs, constants, nodes };
    order(&mut model)?;
    Ok(model)
}

/// ONNX itself goes by two names.
fn domain_name(domain: &str) -> String {
    if domain == "ai.onnx" { String::new() } else { domain.to_owned() }
}

fn extents(value: &ValueInfoProto) -> Vec<Option<usize>> {
    let tensor = value.r#type.as_ref().and_then(|ty| ty.tensor_type.as_ref());
    let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
    let dimensions = shape.map(|shape| shape.dim.as_slice()).unwrap_or_default();
    let extent = |value: &Option<dimension_proto::Value>| match value {
        Some(dimension_proto::Value::DimValue(extent)) => {
            usize::try_from(*extent).ok().filter(|extent| *extent > 0)
        }
        _ => None,
    };
    dimensions.iter().map(|dimension| extent(&dimension.value)).collect()
}

fn nodes(graph: &GraphProto, folder: &Path, total: &mut usize) -> Result<Vec<Node>, String> {
    let mut nodes = Vec::new();
    for (number, proto) in graph.node.iter().enumerate() {
        let NodeProto { input, output, name, op_type, attribute, domain } = proto;
        let name = match (name.as_str(), output.first()) {
            ("", Some(output)) => format!("node {number}, which makes `{output}`"),
            ("", None) => format!("node {number}"),
            (name, _) => name.to_owned(),
        };
        let attributes = Attributes::read(attribute, |proto| tensor(proto, folder, total))
            .map_err(|error| format!("{name}: {error}"))?;
        nodes.push(Node {
            name,
            operator: op_type.clone(),
            domain: domain_name(domain),
            inputs: input.clone(),
            outputs: output.clone(),
            attributes,
        });
    }
    Ok(nodes)
}

/// Brings the nodes into an order in which they can compute, the file's as far as that is one.
fn order(model: &mut Model) -> Result<(), String> {
    let mut known: HashSet<String> = model.constants.keys().cloned().collect();
    known.extend(model.inputs.iter().map(|(name, _)| name.clone()));
    let mut made = HashSet::new();
    for node in &model.nodes {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            if known.contains(output) || !made.insert(output.clone()) {
                return Err(format!("`{output}` is made more than once"));
            }
        }
    }
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut missing = vec![0usize; model.nodes.len()];
    for (index, node) in model.nodes.iter().enumerate() {
        for input in node.inputs.iter().filter(|input| !input.is_empty()) {
            if made.contains(input) {
                readers.entry(input).or_default().push(index);
                missing[index] += 1;
            } else if !known.contains(input) {
                return Err(format!("{}: nothing makes its input `{input}`", node.name));
            }
        }
    }
    let mut ready: std::collections::BTreeSet<usize> =
        (0..missing.len()).filter(|index| missing[*index] == 0).collect();
    let mut sorted = Vec::new();
    while let Some(index) = ready.pop_first() {
        sorted.push(index);
        for output in &model.nodes[index].outputs {
            for reader in readers.get(output.as_str()).into_iter().flatten() {
                missing[*reader] -= 1;
                if missing[*reader] == 0 {
                    ready.insert(*reader);
                }
            }
        }
    }
    if let Some(index) = (0..missing.len()).find(|index| missing[*index] > 0) {
        let name = &model.nodes[index].name;
        return Err(format!("{name} depends on what it computes: the graph has a cycle"));
    }
    let mut nodes: Vec<Option<Node>> = model.nodes.drain(..).map(Some).collect();
    model.nodes = sorted.into_iter().filter_map(|index| nodes[index].take()).collect();
    if let Some(output) = model.outputs.iter().find(|o| !made.contains(*o) && !known.contains(*o)) {
        return Err(format!("nothing makes the output `{output}`"));
    }
    Ok(())
}

/// The numbers of a tensor; `total` counts those of the whole model.
fn tensor(proto: &TensorProto, folder: &Path, total: &mut usize) -> Result<Tensor, String> {
    let extent = |dim: &i64| usize::try_from(*dim).ok();
    let extents: Option<Vec<usize>> = proto.dims.iter().map(extent).collect();
    let Some((extents, count)) = extents.and_then(|e| element_count(&e).map(|count| (e, count)))
    else {
        return Err(format!("its extents are {:?}", proto.dims));
    };
    *total += count;
    if element_count(&[*total]).is_none() {
        return Err("the model has more than 16,777,216 numbers".to_owned());
    }
    let kind = DataType::of(proto.data_type)
        .ok_or_else(|| format!("its data type {} is not read", proto.data_type))?;
    let external;
    let raw: &[u8] = if proto.data_location == 1 {
        external = external_data(proto, folder, (count * kind.size()) as u64)?;
        &external
    } else {
        &proto.raw_data
    };
    let numbers = if raw.is_empty() { kind.typed(proto) } else { kind.raw(raw) };
    let found = numbers.len();
    if found != count {
        return Err(format!("it has {found} numbers, but its extents {extents:?} are for {count}"));
    }
    // Narrow integers say which ones there are.
    let grid = match kind {
        DataType::Integer { bytes: bytes @ 1..=2, signed } => {
            let width = 8 * bytes as u32;
            let integers = Format { signed, width, integer_bits: width as i32 };
            Some(Grid { steps: Rc::new(vec![1.0]), integers })
        }
        _ => None,
    };
    let is_integer = kind.is_integer();
    Ok(Tensor { extents, numbers: Rc::new(numbers), grid, is_integer })
}

/// The types of numbers that are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DataType {
    Float,
    Double,
    Half,
    BFloat,
    Integer { bytes: usize, signed: bool },
    Bool,
}

impl DataType {
    fn of(number: i32) -> Option<Self> {
        let integer = |bytes, signed| Some(Self::Integer { bytes, signed });
        match number {
            1 => Some(Self::Float),
            2 => integer(1, false),
            3 => integer(1, true),
            4 => integer(2, false),
            5 => integer(2, true),
            6 => integer(4, true),
            7 => integer(8, true),
            9 => Some(Self::Bool),
            10 => Some(Self::Half),
            11 => Some(Self::Double),
            12 => integer(4, false),
            13 => integer(8, false),
            16 => Some(Self::BFloat),
            _ => None,
        }
    }

    fn is_integer(self) -> bool {
        matches!(self, Self::Integer { .. } | Self::Bool)
    }

    /// The bytes of a number.
    fn size(self) -> usize {
        match self {
            Self::Float => 4,
            Self::Double => 8,
            Self::Half | Self::BFloat => 2,
            Self::Bool => 1,
            Self::Integer { bytes, .. } => bytes,
        }
    }

    /// The numbers of bytes, little-endian; a rest that is no number is one too many.
    fn raw(self, bytes: &[u8]) -> Vec<f64> {
        let number = |chunk: &[u8]| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let bits = u64::from_le_bytes(word);
            match self {
                Self::Float => f64::from(f32::from_bits(bits as u32)),
                Self::Double => f64::from_bits(bits),
                Self::Half => half::f16::from_bits(bits as u16).to_f64(),
                Self::BFloat => half::bf16::from_bits(bits as u16).to_f64(),
                Self::Bool => f64::from(u8::from(bits != 0)),
                Self::Integer { bytes, signed: true } => {
                    let unused = 64 - 8 * bytes as u32;
                    (((bits << unused) as i64) >> unused) as f64
                }
                Self::Integer { signed: false, .. } => bits as f64,
            }
        };
        bytes.chunks(self.size()).map(number).collect()
    }

    /// The numbers of the field that is for this type.
    fn typed(self, proto: &TensorProto) -> Vec<f64> {
        let of_words = |number: &i32| match self {
            Self::Half => half::f16::from_bits(*number as u16).to_f64(),
            Self::BFloat => half::bf16::from_bits(*number as u16).to_f64(),
            _ => f64::from(*number),
        };
        match self {
            Self::Float => proto.float_data.iter().map(|number| f64::from(*number)).collect(),
            Self::Double => proto.double_data.clone(),
            Self::Integer { bytes: 8, signed: true } => {
                proto.int64_data.iter().map(|number| *number as f64).collect()
            }
            Self::Integer { bytes: 4 | 8, signed: false } => {
                proto.uint64_data.iter().map(|number| *number as f64).collect()
            }
            _ => proto.int32_data.iter().map(of_words).collect(),
        }
    }
}

/// The `needed` bytes of a tensor that are in another file, which must be in the model's folder.
fn external_data(proto: &TensorProto, folder: &Path, needed: u64) -> Result<Vec<u8>, String> {
    let value =
        |key: &str| proto.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
    let location = value("location").ok_or("its external data has no location")?;
    let path = Path::new(location);
    let is_inside =
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_inside || location.contains('\\') {
        return Err(format!("its external data `{location}` is outside of the model's folder"));
    }
    let full = folder.join(path);
    let resolved =
        |path: &Path| path.canonicalize().map_err(|error| format!("`{location}`: {error}"));
    let base = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if !resolved(&full)?.starts_with(resolved(base)?) {
        return Err(format!("its external data `{location}` is outside of the model's folder"));
    }
    let number = |key: &str| value(key).map(str::parse::<u64>).transpose();
    let (Ok(offset), Ok(length)) = (number("offset"), number("length")) else {
        return Err("the place of its external data is no number".to_owned());
    };
    let failed = |error: std::io::Error| format!("`{location}`: {error}");
    if length.is_some_and(|length| length != needed) {
        return Err(format!(
            "its external data has {} bytes, but its extents need {needed}",
            length.unwrap_or(0)
        ));
    }
    if !std::fs::metadata(&full).map_err(failed)?.is_file() {
        return Err(format!("`{location}` is no regular file"));
    }
    let mut file = File::open(&full).map_err(failed)?;
    file.seek(SeekFrom::Start(offset.unwrap_or(0))).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(needed).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 != needed {
        return Err(format!("`{location}` ends before its external data does"));
    }
    Ok(bytes)
}
