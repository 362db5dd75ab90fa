//! The layer types of the spec, one file each: the keys of a type, and what they mean.
//!
//! To add a type, write its file and put it into [`LAYER_TYPES`]; the keys that every layer has
//! (`name`, `type`, `inputs`) are read by [`network`](crate::network).

mod activation;
mod batch_norm;
mod conv;
mod dense;
mod depthwise;
mod function;
mod lowered;
mod merge;
mod moves;
mod pool;
mod quantize;
mod relu;
mod reshape;
mod separable;
mod softmax;
mod trained;
mod window;

pub(crate) use lowered::{Fold, Lowered, Part, Renamed, Trained};

use rtl4ml_ir::{Constant, FixedType, Implementation, MultiplierStyle, ResultType, Strategy};

use crate::defaults::Defaults;
use crate::diagnostics::{Mistakes, Reported, nearest, quoted};
use crate::precision::{Precision, layer_precision};
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
    conv::CONV1D,
    conv::CONV2D,
    depthwise::DEPTHWISE_CONV1D,
    depthwise::DEPTHWISE_CONV2D,
    separable::SEPARABLE_CONV1D,
    separable::SEPARABLE_CONV2D,
    pool::MAX_POOL1D,
    pool::MAX_POOL2D,
    pool::AVERAGE_POOL1D,
    pool::AVERAGE_POOL2D,
    pool::GLOBAL_MAX_POOL1D,
    pool::GLOBAL_MAX_POOL2D,
    pool::GLOBAL_AVERAGE_POOL1D,
    pool::GLOBAL_AVERAGE_POOL2D,
    batch_norm::BATCH_NORM,
    merge::ADD,
    merge::SUBTRACT,
    merge::MULTIPLY,
    merge::AVERAGE,
    merge::MAXIMUM,
    merge::MINIMUM,
    merge::CONCATENATE,
    merge::DOT,
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
    moves::PERMUTE,
    moves::ZERO_PADDING1D,
    moves::ZERO_PADDING2D,
    moves::CROPPING1D,
    moves::CROPPING2D,
    moves::UP_SAMPLING1D,
    moves::UP_SAMPLING2D,
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
    let near = nearest(found, built());
    Err(mistakes.add_with_help(
        node.span,
        format!("unknown layer type {name}; legal: {list}"),
        near.map(|near| format!("did you mean `{near}`?")),
    ))
}

/// A layer as its type's reader sees it.
pub(crate) struct LayerSpec<'s> {
    /// What the layer is called in messages, e.g. "layer `fc1`".
    pub what: String,
    /// The word of its type.
    pub ty: &'static str,
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
        Ok(result.unwrap_or_default())
    }

    /// The types that the layer itself gives.
    fn own_precision(&mut self, what: &str, keys: &[&str]) -> Precision {
        match self.fields.get("precision") {
            Some(node) => layer_precision(node, what, keys, self.weights, self.mistakes),
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

    /// How the layer is built: `strategy`, `reuse_factor` and `multiplier`, else the
    /// defaults', and `parallelization_factor`.
    fn implementation(&mut self) -> Read<Implementation> {
        let strategy = self.setting("strategy", strategy);
        let reuse_factor = self.setting("reuse_factor", reader::count);
        let multiplier = self.setting("multiplier", multiplier);
        let parallelization_factor = self.setting("parallelization_factor", reader::count);
        let standard = Implementation::default();
        let defaults = self.defaults;
        Ok(Implementation {
            strategy: strategy?.or(defaults.strategy?).unwrap_or(standard.strategy),
            reuse_factor: reuse_factor?.or(defaults.reuse_factor?).unwrap_or(standard.reuse_factor),
            reuse_factor_is_fixed: reuse_factor?.or(defaults.reuse_factor?).is_some(),
            multiplier: multiplier?.or(defaults.multiplier?).unwrap_or(standard.multiplier),
            parallelization_factor: parallelization_factor?,
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
