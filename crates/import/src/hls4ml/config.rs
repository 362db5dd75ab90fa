//! The configuration of an hls4ml project, and which of its places says something of a layer.
//!
//! Guarantees: a type is taken from `LayerName`, else from `LayerType`, else from `Model`, in each
//! of them the tensor's own before the one for all, as hls4ml does; what was given and is wrong is
//! an error with its key and line, never taken for missing.

use std::collections::BTreeMap;

use rtl4ml_ir::{FixedType, Overflow, Rounding};

use super::yaml::{Kind, Node};

/// A type, or what hls4ml derives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// `auto`.
    Auto,
    /// A type.
    Type {
        /// It.
        ty: FixedType,
        /// Whether it was written as an integer, for which hls4ml multiplies in another way.
        is_integer: bool,
    },
}

/// What one place says: of the model, of a type of layers, or of a layer.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Types by the tensor in small letters; `default` is for all.
    precision: BTreeMap<String, Declared>,
    /// Whether `Precision` is there, which then replaces that of another place as a whole.
    has_precision: bool,
    /// Everything else, by the key without underscores, in small letters.
    others: BTreeMap<String, Other>,
}

/// A value that is no precision.
#[derive(Clone, Debug)]
pub struct Other {
    /// The key as it is written.
    pub key: String,
    /// Its line.
    pub line: usize,
    /// The value; of a list or a mapping, nothing.
    pub text: Option<String>,
}

/// A project.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// The architecture or the whole model, as it is written.
    pub model: String,
    /// The weights, where they have a file of their own.
    pub weights: Option<String>,
    /// `ProjectName`.
    pub name: Option<String>,
    /// `Part`.
    pub part: Option<String>,
    /// `ClockPeriod`, in nanoseconds.
    pub clock_ns: Option<String>,
    /// Whether `IOType` is `io_stream`.
    pub is_stream: bool,
    /// What is not used, and why that does no harm.
    pub remarks: Vec<String>,
    everywhere: Section,
    types: Vec<(String, Section)>,
    names: Vec<(String, Section)>,
}

/// Keys that say how a project is made, and nothing of what it computes.
const SILENT: [&str; 10] = [
    "OutputDir",
    "Backend",
    "XilinxPart",
    "Board",
    "InputData",
    "OutputPredictions",
    "Stamp",
    "WriterConfig",
    "Version",
    "ClockUncertainty",
];

/// Keys of sections that have no meaning for the outputs or for the circuit here.
const IGNORED: [&str; 14] = [
    "bramfactor",
    "trace",
    "targetcycles",
    "pipelinestyle",
    "pipelineinterval",
    "convimplementation",
    "bitexact",
    "namespace",
    "allowdafallback",
    "allowv2fallback",
    "multiplicationlimit",
    "loopmode",
    "compression",
    "traceoutput",
];

/// Keys of sections that are read.
const KNOWN: [&str; 12] = [
    "reusefactor",
    "strategy",
    "parallelizationfactor",
    "depthwisereusefactor",
    "pointwisereusefactor",
    "tablesize",
    "tablet",
    "exptablet",
    "invtablet",
    "invinpt",
    "implementation",
    "accumt",
];

impl Project {
    /// Reads a configuration.
    ///
    /// # Errors
    /// What of it is wrong, with the key and the line.
    pub fn read(root: &Node) -> Result<Self, String> {
        if root.entries().is_empty() {
            return Err("it is no configuration of hls4ml: KerasJson, KerasH5 or KerasModel and HLSConfig are missing".to_owned());
        }
        let mut project = Self::default();
        let mut files = BTreeMap::new();
        let mut sections = None;
        for (key, node) in root.entries() {
            let text = || word(key, node);
            match key.as_str() {
                "KerasJson" | "KerasH5" | "KerasModel" => {
                    files.insert(key.as_str(), text()?.to_owned());
                }
                "OnnxModel" | "PytorchModel" | "TensorFlowModel" => {
                    return Err(format!(
                        "line {}: `{key}`: projects of Keras models are imported; import the ONNX file itself instead",
                        node.line
                    ));
                }
                "ProjectName" => project.name = Some(text()?.to_owned()),
                "Part" => project.part = node.text().map(str::to_owned),
                "XilinxPart" if root.get("Part").is_none() => {
                    project.part = node.text().map(str::to_owned);
                }
                "ClockPeriod" => {
                    let period = text()?;
                    if !period.parse::<f64>().is_ok_and(|ns| ns > 0.0 && ns.is_finite()) {
                        return Err(format!(
                            "line {}: `ClockPeriod` must be a number of nanoseconds, found `{period}`",
                            node.line
                        ));
                    }
                    project.clock_ns = Some(period.to_owned());
                }
                "IOType" => {
                    project.is_stream = match text()? {
                        "io_stream" => true,
                        "io_parallel" => false,
                        other => {
                            return Err(format!(
                                "line {}: `IOType` must be io_parallel or io_stream, found `{other}`",
                                node.line
                            ));
                        }
                    }
                }
                "HLSConfig" => sections = Some(node),
                key if SILENT.contains(&key) => {}
                _ => project.remarks.push(ignored("", key, node.line)),
            }
        }
        let model = files.remove("KerasModel");
        let (json, weights) = (files.remove("KerasJson"), files.remove("KerasH5"));
        (project.model, project.weights) = match (model, json, weights) {
            (Some(model), _, _) => (model, None),
            (None, Some(json), weights) => (json, weights),
            (None, None, Some(whole)) => (whole, None),
            (None, None, None) => {
                return Err("it names no model: KerasJson with KerasH5, or KerasModel".to_owned());
            }
        };
        let Some(sections) = sections else {
            return Err("`HLSConfig` is missing".to_owned());
        };
        project.read_sections(sections)?;
        Ok(project)
    }

    fn read_sections(&mut self, sections: &Node) -> Result<(), String> {
        for (key, node) in sections.entries() {
            match key.as_str() {
                "Model" => self.everywhere = self.section("Model", node)?,
                "LayerType" | "LayerName" => {
                    for (name, inner) in node.entries() {
                        let section = self.section(&format!("{key}.{name}"), inner)?;
                        let list =
                            if key == "LayerType" { &mut self.types } else { &mut self.names };
                        list.push((name.clone(), section));
                    }
                }
                "Optimizers" | "SkipOptimizers" | "Flows" => {
                    return Err(format!(
                        "line {}: `{key}` changes what hls4ml computes and is not imported",
                        node.line
                    ));
                }
                _ => self.remarks.push(ignored("HLSConfig.", key, node.line)),
            }
        }
        if !self.everywhere.precision.contains_key("default") {
            return Err("`HLSConfig.Model.Precision` is missing, which hls4ml needs".to_owned());
        }
        Ok(())
    }

    fn section(&mut self, place: &str, node: &Node) -> Result<Section, String> {
        let mut section = Section::default();
        for (key, node) in node.entries() {
            let full = format!("{place}.{key}");
            if key == "Precision" {
                section.has_precision = true;
                match &node.kind {
                    Kind::Mapping(entries) => {
                        for (tensor, node) in entries {
                            let declared = declared(&format!("{full}.{tensor}"), node)?;
                            section.precision.insert(tensor.clone(), declared);
                        }
                    }
                    _ if node.text().is_none() => section.has_precision = false,
                    _ => {
                        section.precision.insert("default".to_owned(), declared(&full, node)?);
                    }
                }
                continue;
            }
            let short = short(key);
            if !KNOWN.contains(&short.as_str()) {
                if !IGNORED.contains(&short.as_str()) {
                    self.remarks.push(ignored(&format!("{place}."), key, node.line));
                }
                continue;
            }
            let text = node.text().map(str::to_owned);
            section.others.insert(short, Other { key: full, line: node.line, text });
        }
        Ok(section)
    }

    /// The type of a tensor (`weight`, `result`, ...) of a layer.
    pub fn precision(&self, layer: &str, class: &str, tensor: &str) -> Declared {
        let own = [find(&self.names, layer, true), find(&self.types, class, true)];
        let sections = own.into_iter().flatten().chain([&self.everywhere]);
        let mut found = sections.filter_map(|section| section.of(tensor));
        // The model has one for all, which was asked for.
        found.next().unwrap_or(Declared::Auto)
    }

    /// The model's type for everything.
    pub fn default_type(&self) -> Option<FixedType> {
        match self.everywhere.precision.get("default") {
            Some(Declared::Type { ty, .. }) => Some(*ty),
            _ => None,
        }
    }

    /// The widest type that hls4ml may derive.
    pub fn widest_type(&self) -> Option<FixedType> {
        match self.everywhere.precision.get("maximum") {
            Some(Declared::Type { ty, .. }) => Some(*ty),
            _ => None,
        }
    }

    /// A value of a layer or of its type: what hls4ml makes an attribute of the layer.
    pub fn attribute(&self, layer: &str, class: &str, key: &str) -> Option<&Other> {
        let own = [find(&self.names, layer, false), find(&self.types, class, false)];
        own.into_iter().flatten().find_map(|section| section.others.get(key))
    }

    /// A value of a layer, of its type, or of the model.
    pub fn value(&self, layer: &str, class: &str, key: &str) -> Option<&Other> {
        self.attribute(layer, class, key).or_else(|| self.everywhere.others.get(key))
    }

    /// Gives a layer that another one becomes what was said of that: types whose names have
    /// `prefix` are its own, `other` names those of its sibling.
    pub fn derive(&mut self, layer: &str, class: &str, prefix: &str, other: &str) {
        let (by_type, by_name) = (find(&self.types, class, false), find(&self.names, layer, false));
        let Some(mut section) = by_name.or(by_type).cloned() else {
            return;
        };
        if let (Some(by_type), Some(_)) = (by_type, by_name) {
            if !section.has_precision {
                section.precision.clone_from(&by_type.precision);
            }
            for (key, value) in &by_type.others {
                section.others.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        for (from, to) in [
            (prefix.to_owned(), "weight"),
            (format!("{prefix}_accum"), "accum"),
            (format!("{prefix}_result"), "result"),
        ] {
            if let Some(declared) = section.precision.remove(&from) {
                section.precision.insert(to.to_owned(), declared);
            }
        }
        section.precision.remove(other);
        section.precision.remove(&format!("{other}_accum"));
        self.names.push((format!("{layer}_{prefix}"), section));
    }
}

impl Section {
    fn of(&self, tensor: &str) -> Option<Declared> {
        self.precision.get(tensor).or_else(|| self.precision.get("default")).copied()
    }
}

/// hls4ml finds precisions by names in small letters, and everything else by names as they are.
fn find<'s>(sections: &'s [(String, Section)], name: &str, any_case: bool) -> Option<&'s Section> {
    let is_it =
        |other: &str| if any_case { other.eq_ignore_ascii_case(name) } else { other == name };
    sections.iter().rev().find(|(other, _)| is_it(other)).map(|(_, section)| section)
}

fn ignored(place: &str, key: &str, line: usize) -> String {
    format!("line {line}: `{place}{key}` is not known and is not used")
}

/// A key without underscores, in small letters.
fn short(key: &str) -> String {
    key.chars().filter(|c| *c != '_').collect::<String>().to_lowercase()
}

fn word<'n>(key: &str, node: &'n Node) -> Result<&'n str, String> {
    node.text().ok_or_else(|| format!("line {}: `{key}` must be a word", node.line))
}

fn declared(key: &str, node: &Node) -> Result<Declared, String> {
    let text = word(key, node)?;
    parse_type(text).map_err(|reason| format!("line {}: `{key}`: {reason}", node.line))
}

/// A type as hls4ml writes it.
pub fn parse_type(text: &str) -> Result<Declared, String> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(Declared::Auto);
    }
    let is_integer = text.trim_start_matches("ap_").trim_start_matches('u').starts_with("int");
    let parsed: Result<FixedType, _> = match ac_fixed(text) {
        Some(ap) => ap.parse(),
        None => text.parse(),
    };
    let mut ty = parsed.map_err(|error| error.to_string())?;
    if is_integer {
        // hls4ml drops the modes of integers, and C++ rounds them towards zero.
        ty = FixedType { rounding: Rounding::TrnZero, overflow: Overflow::Wrap, ..ty };
    }
    Ok(Declared::Type { ty, is_integer })
}

/// `ac_fixed<W,I,signed,modes>` in the other notation.
fn ac_fixed(text: &str) -> Option<String> {
    let inner = text.strip_prefix("ac_fixed<")?.strip_suffix('>')?;
    let mut parts: Vec<&str> = inner.split(',').map(str::trim).collect();
    let is_unsigned = parts.len() > 2 && matches!(parts.remove(2), "false" | "0");
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_start_matches("AC_")).collect();
    Some(format!("{}fixed<{}>", if is_unsigned { "u" } else { "" }, parts.join(",")))
}
