//! The architecture of a model: its layers, and which reads which.
//!
//! Guarantees: every call reads inputs or calls before it.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// How many layers a model may have, and how many calls of them.
const MAX_LAYERS: usize = 1 << 12;

/// A model.
pub struct Architecture {
    /// Whether it was written by Keras 3, some of whose functions differ.
    pub is_version_3: bool,
    /// The inputs: names and extents without the batch.
    pub inputs: Vec<(Tensor, Vec<Option<usize>>)>,
    /// The layers, in the order of the file.
    pub layers: Vec<Layer>,
    /// The calls of layers, in an order in which they can compute.
    pub calls: Vec<Call>,
    /// What the model gives.
    pub outputs: Vec<Tensor>,
}

/// A tensor: the layer that makes it, and in which of its calls.
pub type Tensor = (String, usize);

/// A layer.
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Its class, without what registers it.
    pub class: String,
    /// Whose it is: some layers of different packages are called alike.
    pub package: Package,
    /// Its parameters.
    pub config: Map<String, Value>,
}

/// Whose a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// Keras' own, or QKeras'.
    Keras,
    /// HGQ's, for Keras 2, or one of the models that it makes for hls4ml.
    Hgq,
    /// HGQ2's, for Keras 3.
    Hgq2,
}

/// A call of a layer.
pub struct Call {
    /// The layer's index.
    pub layer: usize,
    /// What it makes.
    pub output: Tensor,
    /// What it reads.
    pub inputs: Vec<Tensor>,
}

impl Layer {
    /// A parameter.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    /// A number, or what it is where nothing is said.
    pub fn number(&self, key: &str, default: f64) -> f64 {
        self.get(key).and_then(Value::as_f64).unwrap_or(default)
    }

    /// Whether something is said to be so.
    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    /// A word.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// A natural number for each of `rank` axes; one stands for all.
    pub fn sizes(&self, key: &str, rank: usize, default: usize) -> Option<Vec<usize>> {
        let size = |value: &Value| {
            value.as_u64().filter(|size| (1..=65536).contains(size)).map(|size| size as usize)
        };
        match self.get(key) {
            None => Some(vec![default; rank]),
            Some(Value::Array(sizes)) => {
                let sizes: Option<Vec<usize>> = sizes.iter().map(size).collect();
                sizes.filter(|sizes| sizes.len() == rank)
            }
            Some(value) => size(value).map(|size| vec![size; rank]),
        }
    }
}

/// A class without the package that it is registered in.
pub fn class_name(value: &Value) -> Option<&str> {
    let class = value.get("class_name")?.as_str()?;
    Some(class.rsplit('>').next().unwrap_or(class))
}

/// Whose a layer is, by what its class is registered as or by its module.
fn package(layer: &Value) -> Package {
    let starts = |key: &str, start: &str| {
        layer.get(key).and_then(Value::as_str).is_some_and(|text| text.starts_with(start))
    };
    let is_of = |name: &str| {
        let registered = format!("{name}>");
        starts("registered_name", &registered)
            || starts("class_name", &registered)
            || starts("module", &format!("{name}."))
    };
    match () {
        () if is_of("hgq") => Package::Hgq2,
        () if is_of("HGQ") => Package::Hgq,
        () => Package::Keras,
    }
}

impl Architecture {
    /// Whether quantisers of HGQ or HGQ2 make its numbers, all of which are then fixed-point
    /// numbers.
    pub fn is_granular(&self) -> bool {
        self.layers.iter().any(|layer| layer.package != Package::Keras)
    }

    /// Reads an architecture.
    ///
    /// # Errors
    /// What of it is not as it should be.
    pub fn read(model: &Value) -> Result<Self, String> {
        let class = class_name(model).ok_or("it has no class_name: this is no Keras model")?;
        let config = model.get("config").ok_or("it has no config")?;
        // The last files of Keras 2 say in which module a class is, as those of Keras 3 do.
        let version = model.get("keras_version").and_then(Value::as_str);
        let is_version_3 =
            version.map_or(model.get("module").is_some(), |version| version.starts_with('3'));
        // Keras 1 and 2.0 have the layers of a sequence as the configuration itself.
        let list = config.as_array().or_else(|| config.get("layers")?.as_array());
        let list = list.ok_or("it has no layers")?;
        if list.len() > MAX_LAYERS {
            return Err(format!("it has more than {MAX_LAYERS} layers"));
        }
        let mut layers = Vec::new();
        for (number, layer) in list.iter().enumerate() {
            let class = class_name(layer).ok_or_else(|| format!("layer {number} has no class"))?;
            let config =
                layer.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
            let name = layer.get("name").or_else(|| config.get("name")).and_then(Value::as_str);
            let name = name.map_or_else(|| format!("layer_{number}"), str::to_owned);
            let package = package(layer);
            layers.push(Layer { name, class: class.to_owned(), package, config });
        }
        if layers.is_empty() {
            return Err("it has no layers".to_owned());
        }
        let mut architecture = Self {
            is_version_3,
            inputs: Vec::new(),
            layers,
            calls: Vec::new(),
            outputs: Vec::new(),
        };
        match class {
            "Sequential" => architecture.chain(config)?,
            "Functional" | "Model" => architecture.connect(config, list)?,
            other => {
                return Err(format!(
                    "a model of the class `{other}` is not imported; legal: Sequential, Functional"
                ));
            }
        }
        Ok(architecture)
    }

    /// Layers one after the other.
    fn chain(&mut self, config: &Value) -> Result<(), String> {
        let mut before: Tensor = ("input".to_owned(), 0);
        for (index, layer) in self.layers.iter().enumerate() {
            if layer.class == "InputLayer" {
                before = (layer.name.clone(), 0);
                self.inputs.push((before.clone(), input_extents(layer)?));
                continue;
            }
            if self.inputs.is_empty() {
                let given = config.get("build_input_shape").and_then(extents);
                let shape = extents_of(layer).or(given).ok_or_else(|| {
                    format!("the input's extents are missing: give `{}` an input_shape", layer.name)
                })?;
                self.inputs.push((before.clone(), shape));
            }
            let output = (layer.name.clone(), 0);
            self.calls.push(Call { layer: index, output: output.clone(), inputs: vec![before] });
            before = output;
        }
        self.outputs = vec![before];
        Ok(())
    }

    /// A graph of layers.
    fn connect(&mut self, config: &Value, list: &[Value]) -> Result<(), String> {
        let mut waiting = Vec::new();
        for (index, (layer, value)) in self.layers.iter().zip(list).enumerate() {
            if layer.class == "InputLayer" {
                self.inputs.push(((layer.name.clone(), 0), input_extents(layer)?));
                continue;
            }
            let nodes = value.get("inbound_nodes").and_then(Value::as_array);
            for (number, node) in nodes.into_iter().flatten().enumerate() {
                let mut inputs = Vec::new();
                read_tensors(node, 0, &mut inputs);
                let output = (layer.name.clone(), number);
                waiting.push(Call { layer: index, output, inputs });
                if waiting.len() > MAX_LAYERS {
                    return Err(format!("its layers are called more than {MAX_LAYERS} times"));
                }
            }
        }
        let mut known: HashSet<Tensor> =
            self.inputs.iter().map(|(tensor, _)| tensor.clone()).collect();
        // Each round takes the calls that can compute, in the file's order.
        while !waiting.is_empty() {
            let (ready, others): (Vec<Call>, Vec<Call>) = waiting
                .into_iter()
                .partition(|call| call.inputs.iter().all(|input| known.contains(input)));
            if ready.is_empty() {
                let name = &others[0].output.0;
                return Err(format!("`{name}` reads what nothing makes before it"));
            }
            known.extend(ready.iter().map(|call| call.output.clone()));
            self.calls.extend(ready);
            waiting = others;
        }
        let mut outputs = Vec::new();
        if let Some(value) = config.get("output_layers") {
            read_tensors(value, 0, &mut outputs);
        }
        self.outputs = outputs;
        // The order of the inputs is that of the model, not that of the layers.
        let mut order = Vec::new();
        if let Some(value) = config.get("input_layers") {
            read_tensors(value, 0, &mut order);
        }
        self.inputs.sort_by_key(|(tensor, _)| order.iter().position(|other| other == tensor));
        if self.inputs.is_empty() || self.outputs.is_empty() {
            return Err("it has no inputs or no outputs".to_owned());
        }
        Ok(())
    }
}

fn input_extents(layer: &Layer) -> Result<Vec<Option<usize>>, String> {
    extents_of(layer).ok_or_else(|| format!("the input `{}` has no extents", layer.name))
}

/// The extents of a layer's input, as it has them itself.
fn extents_of(layer: &Layer) -> Option<Vec<Option<usize>>> {
    let keys = ["batch_shape", "batch_input_shape"];
    keys.iter().find_map(|key| extents(layer.get(key)?))
}

/// Extents without the batch.
fn extents(shape: &Value) -> Option<Vec<Option<usize>>> {
    let extent = |value: &Value| value.as_u64().map(|extent| extent as usize);
    Some(shape.as_array()?.iter().skip(1).map(extent).collect())
}

/// The tensors that an argument names: `[name, call, output]` in Keras 2, objects in Keras 3.
fn read_tensors(value: &Value, depth: usize, tensors: &mut Vec<Tensor>) {
    const MAX_DEPTH: usize = 16;
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Array(items) => {
            if let [Value::String(name), Value::Number(call), Value::Number(_), ..] = &items[..] {
                tensors.push((name.clone(), call.as_u64().unwrap_or(0) as usize));
                return;
            }
            for item in items {
                read_tensors(item, depth + 1, tensors);
            }
        }
        Value::Object(object) => {
            if let Some(history) =
                object.get("config").and_then(|config| config.get("keras_history"))
            {
                read_tensors(history, depth + 1, tensors);
            } else if let Some(arguments) = object.get("args") {
                read_tensors(arguments, depth + 1, tensors);
                if let Some(named) = object.get("kwargs").and_then(Value::as_object) {
                    for value in named.values() {
                        read_tensors(value, depth + 1, tensors);
                    }
                }
            }
        }
        _ => {}
    }
}
