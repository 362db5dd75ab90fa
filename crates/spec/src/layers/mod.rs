//! The layer types of the spec, one file each: the keys of a type, and what they mean.
//!
//! To add a type, write its file and put it into [`LAYER_TYPES`]; the keys that every layer has
//! (`name`, `type`, `inputs`) are read by [`network`](crate::network).

mod activation;
mod dense;
mod function;
mod quantize;
mod relu;
mod reshape;
mod softmax;

use rtl4ml_ir::{Constant, FixedType, Implementation, MultiplierStyle, Op, ResultType, Strategy};

use crate::defaults::Defaults;
use crate::diagnostics::{Mistakes, Reported, nearest, quoted};
use crate::precision::{Precision, fixed_type, layer_precision};
use crate::reader::{self, Fields, Read, Setting};
use crate::weights::{Array, WeightFiles};
use crate::yaml::Node;

/// A layer type of the spec.
pub(crate) struct LayerType {
    /// Its word after `type:`.
    pub name: &'static str,
    /// The keys that it has beside those of every layer.
    pub keys: &'static [&'static str],
    /// Reads a layer of this type.
    pub read: fn(&mut LayerSpec) -> Read<Lowered>,
}

/// The layer types that this version builds.
pub(crate) const LAYER_TYPES: &[LayerType] = &[
    dense::DENSE,
    relu::RELU,
    activation::LEAKY_RELU,
    activation::PRELU,
    activation::HARD_SIGMOID,
    activation::HARD_TANH,
    activation::BINARY_TANH,
    activation::TERNARY_TANH,
    function::SIGMOID,
    function::TANH,
    function::SOFTPLUS,
    function::SOFTSIGN,
    function::ELU,
    function::SELU,
    function::TABLE,
    softmax::SOFTMAX,
    softmax::ARGMAX,
    quantize::QUANTIZE,
    reshape::FLATTEN,
    reshape::RESHAPE,
];

/// The layer types that the spec has and this version does not build yet.
const PLANNED_TYPES: &[&str] = &[
    "add",
    "average",
    "average_pool1d",
    "average_pool2d",
    "batch_norm",
    "concatenate",
    "conv1d",
    "conv2d",
    "depthwise_conv1d",
    "depthwise_conv2d",
    "global_average_pool1d",
    "global_average_pool2d",
    "global_max_pool1d",
    "global_max_pool2d",
    "max_pool1d",
    "max_pool2d",
    "maximum",
    "minimum",
    "multiply",
    "permute",
    "separable_conv1d",
    "separable_conv2d",
    "subtract",
    "up_sampling1d",
    "up_sampling2d",
    "zero_padding1d",
    "zero_padding2d",
];

/// The layer type that a node names.
pub(crate) fn layer_type(node: &Node, mistakes: &mut Mistakes) -> Read<&'static LayerType> {
    let found = reader::text(node, "`type`", "a layer type such as dense", mistakes)?;
    if let Some(known) = LAYER_TYPES.iter().find(|known| known.name == found) {
        return Ok(known);
    }
    if mistakes.is_full() {
        return Err(mistakes.count());
    }
    let built = || LAYER_TYPES.iter().map(|known| known.name);
    let list = built().collect::<Vec<_>>().join(", ");
    let name = quoted(found);
    if PLANNED_TYPES.contains(&found) {
        return Err(mistakes.add(
            node.span,
            format!("this version does not build layers of the type {name} yet; it builds: {list}"),
        ));
    }
    let near = nearest(found, built().chain(PLANNED_TYPES.iter().copied()));
    Err(mistakes.add_with_help(
        node.span,
        format!("unknown layer type {name}; this version builds: {list}"),
        near.map(|near| {
            if built().any(|known| known == near) {
                format!("did you mean `{near}`?")
            } else {
                format!("did you mean `{near}`? This version does not build it yet")
            }
        }),
    ))
}

/// What a layer of the spec becomes in the graph.
pub(crate) struct Lowered {
    pub op: Op,
    pub implementation: Implementation,
}

impl Lowered {
    /// An operation that is built in one way only.
    fn plain(op: impl Into<Op>) -> Self {
        Self { op: op.into(), implementation: Implementation::default() }
    }
}

/// A layer as its type's reader sees it.
pub(crate) struct LayerSpec<'s> {
    /// What the layer is called in messages, e.g. "layer `fc1`".
    pub what: String,
    pub fields: Fields<'s>,
    pub defaults: &'s Defaults,
    pub weights: &'s mut WeightFiles,
    pub mistakes: &'s mut Mistakes,
}

impl LayerSpec<'_> {
    /// A setting that need not be given.
    fn setting<T>(
        &mut self,
        key: &str,
        read: fn(&Node, &str, &mut Mistakes) -> Read<T>,
    ) -> Setting<T> {
        let name = format!("`{key}`");
        self.fields.setting(key, |node| read(node, &name, self.mistakes))
    }

    /// The types of the layer: from its `precision`, which may have `keys`, else the defaults'.
    fn precision(&mut self, keys: &[&str]) -> Precision {
        let what = format!("`precision` of {}", self.what);
        self.own_precision(&what, keys).or_defaults(&self.defaults.precision)
    }

    /// The type of the result, of a layer whose `precision` has no other.
    fn result_type(&mut self) -> Read<ResultType> {
        let result = self.precision(&["result"]).result?;
        Ok(result.map(ResultType::from).unwrap_or_default())
    }

    /// A type that only the layer's own `precision` gives, under a key that few layers have.
    fn own_type(&mut self, key: &str) -> Setting<FixedType> {
        let entry = self.fields.get("precision").and_then(|node| node.entry(key));
        let name = format!("`{key}`");
        entry.map(|entry| fixed_type(&entry.value, &name, self.mistakes)).transpose()
    }

    /// The types that the layer itself gives.
    fn own_precision(&mut self, what: &str, keys: &[&str]) -> Precision {
        match self.fields.get("precision") {
            Some(node) => layer_precision(node, what, keys, self.mistakes),
            None => Precision::default(),
        }
    }

    /// Tells that a key is missing that the layer cannot do without.
    fn missing(&mut self, key: &str, example: &str) -> Reported {
        let what = format!("`{key}` of {}", self.what);
        reader::missing(self.fields.node.span, &what, example, self.mistakes)
    }

    /// The array of weights under a key.
    fn array(&mut self, key: &str) -> Setting<Array> {
        let Some(node) = self.fields.get(key) else {
            return Ok(None);
        };
        self.weights.array(node, key, self.mistakes).map(Some)
    }

    /// The weights of an array in the type that a precision gives for them.
    fn constant(&mut self, key: &str, array: Array, ty: Setting<FixedType>) -> Read<Constant> {
        let Some(ty) = ty? else {
            return Err(self.missing_type(key));
        };
        let Array { extents, numbers } = array;
        let node = self.fields.get(key).unwrap_or(self.fields.node);
        Constant::quantize(extents, &numbers, ty)
            .map_err(|error| self.mistakes.add(node.span, format!("`{key}`: {error}")))
    }

    /// Tells that nothing gives the type of the weights under a key.
    fn missing_type(&mut self, key: &str) -> Reported {
        self.missing_type_as(key, key)
    }

    /// The same for weights whose type has another key in `precision`.
    fn missing_type_as(&mut self, key: &str, type_key: &str) -> Reported {
        let given = self.fields.get("precision");
        let why = if given.is_some_and(|node| node.entry("result").is_none()) {
            " (a one-word `precision` of a layer is the type of its result)"
        } else {
            ""
        };
        let place = given.or_else(|| self.fields.get(key));
        self.mistakes.add_with_help(
            place.unwrap_or(self.fields.node).span,
            format!("the type of `{key}` of {} is missing{why}", self.what),
            format!(
                "write e.g. `precision: {{{type_key}: \"fixed<8,2>\"}}`, or a `precision` under `defaults`"
            ),
        )
    }

    /// How the layer is built: `strategy`, `reuse_factor` and `multiplier`, else the defaults'.
    fn implementation(&mut self) -> Read<Implementation> {
        let strategy = self.setting("strategy", strategy);
        let reuse_factor = self.setting("reuse_factor", reader::count);
        let multiplier = self.setting("multiplier", multiplier);
        let standard = Implementation::default();
        let defaults = self.defaults;
        Ok(Implementation {
            strategy: strategy?.or(defaults.strategy?).unwrap_or(standard.strategy),
            reuse_factor: reuse_factor?.or(defaults.reuse_factor?).unwrap_or(standard.reuse_factor),
            multiplier: multiplier?.or(defaults.multiplier?).unwrap_or(standard.multiplier),
            parallelization_factor: None,
        })
    }
}

/// A strategy's word.
pub(crate) fn strategy(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<Strategy> {
    reader::word(node, what, Strategy::ALL, Strategy::word, mistakes)
}

/// The word for what multipliers are built of.
pub(crate) fn multiplier(
    node: &Node,
    what: &str,
    mistakes: &mut Mistakes,
) -> Read<MultiplierStyle> {
    reader::word(node, what, MultiplierStyle::ALL, MultiplierStyle::word, mistakes)
}
