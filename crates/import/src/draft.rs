//! A spec before it is text: inputs, layers with their settings, numbers and comments.
//!
//! A draft is plain data. [`builder`](crate::builder) makes it, [`tidy`](crate::tidy) shortens it,
//! and [`write`](crate::write) gives it its text.

use rtl4ml_ir::{FixedType, Types};

/// A spec in the making.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Lines of the spec that are about the circuit: the target, and how data moves.
    pub head: Vec<String>,
    /// The inputs, in the order of the model.
    pub inputs: Vec<DraftInput>,
    /// The layers; each reads inputs and layers before it.
    pub layers: Vec<DraftLayer>,
    /// What the network gives, in the order of the model.
    pub outputs: Vec<Source>,
}

/// A tensor of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// An input.
    Input(usize),
    /// What a layer computes.
    Layer(usize),
}

/// An input.
#[derive(Clone, Debug)]
pub struct DraftInput {
    /// Its name.
    pub name: String,
    /// Its extents, channels last.
    pub extents: Vec<usize>,
    /// Its type, or those of its elements.
    pub types: Types,
    /// Whether the importer chose them, so that others may replace them.
    pub types_are_chosen: bool,
    /// Where that comes from.
    pub comments: Vec<String>,
}

/// A layer.
#[derive(Clone, Debug)]
pub struct DraftLayer {
    /// Its name.
    pub name: String,
    /// The word of its type.
    pub kind: &'static str,
    /// What it reads.
    pub inputs: Vec<Source>,
    /// Keys and their values, in the order in which they are written.
    pub settings: Vec<(&'static str, Setting)>,
    /// Trained numbers.
    pub numbers: Vec<Numbers>,
    /// Types of its `precision` beside those of its numbers and of its result.
    pub types: Vec<(&'static str, FixedType)>,
    /// The type of its result, or those of its elements, where it has any.
    pub result: Option<Types>,
    /// Whether the importer chose that type, so that one that the model gives may replace it.
    pub result_is_chosen: bool,
    /// Where choices come from.
    pub comments: Vec<String>,
}

/// Trained numbers of a layer.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// Their key.
    pub key: &'static str,
    /// Their extents.
    pub extents: Vec<usize>,
    /// The numbers, row-major.
    pub values: Vec<f64>,
    /// Their type.
    pub ty: FixedType,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// An integer.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A word.
    Word(&'static str),
    /// Integers.
    Integers(Vec<usize>),
    /// Numbers.
    Numbers(Vec<f64>),
    /// Before and after each of two axes.
    Ends([(usize, usize); 2]),
}

impl DraftLayer {
    /// A layer without settings.
    pub fn new(kind: &'static str, inputs: Vec<Source>) -> Self {
        Self {
            name: String::new(),
            kind,
            inputs,
            settings: Vec::new(),
            numbers: Vec::new(),
            types: Vec::new(),
            result: None,
            result_is_chosen: false,
            comments: Vec::new(),
        }
    }

    /// The same layer with a setting more.
    pub fn with(mut self, key: &'static str, value: Setting) -> Self {
        self.settings.push((key, value));
        self
    }

    /// The numbers of a key.
    pub fn numbers_of(&self, key: &str) -> Option<&Numbers> {
        self.numbers.iter().find(|numbers| numbers.key == key)
    }

    /// The value of a key.
    pub fn setting(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

impl Draft {
    /// How many layers and outputs read a tensor.
    pub fn reader_count(&self, source: Source) -> usize {
        let inputs = self.layers.iter().flat_map(|layer| &layer.inputs);
        inputs.chain(&self.outputs).filter(|read| **read == source).count()
    }
}
