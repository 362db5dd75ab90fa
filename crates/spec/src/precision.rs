//! Fixed-point types in a spec: `precision` of a layer, of an input and of the defaults.
//!
//! Guarantees: a type is taken from the layer, else from the defaults, else it is missing; what
//! was given and was wrong is never taken for missing.

use rtl4ml_ir::{FixedType, ResultType, Types};

use crate::diagnostics::{Mistakes, Reported, quoted};
use crate::element_types::{element_types, is_element_types};
use crate::reader::{Fields, Read, Setting, text};
use crate::weights::WeightFiles;
use crate::yaml::{Kind, Node};

/// The types that a `precision` gives, each where it is given.
#[derive(Clone, Debug)]
pub(crate) struct Precision {
    pub weight: Setting<FixedType>,
    pub bias: Setting<FixedType>,
    pub input: Setting<FixedType>,
    pub accum: Setting<TypeOrAuto>,
    pub result: Setting<ResultType>,
}

impl Default for Precision {
    fn default() -> Self {
        Self {
            weight: Ok(None),
            bias: Ok(None),
            input: Ok(None),
            accum: Ok(None),
            result: Ok(None),
        }
    }
}

/// A type, or `auto`: the exact type that needs no rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeOrAuto {
    Auto,
    Type(FixedType),
}

impl TypeOrAuto {
    pub fn explicit(self) -> Option<FixedType> {
        match self {
            Self::Auto => None,
            Self::Type(ty) => Some(ty),
        }
    }
}

impl From<TypeOrAuto> for ResultType {
    fn from(ty: TypeOrAuto) -> Self {
        ty.explicit().map_or(Self::Auto, Self::from)
    }
}

/// What was given, else what `other` gives.
pub(crate) fn or<T>(given: Setting<T>, other: Setting<T>) -> Setting<T> {
    match given {
        Ok(None) => other,
        given => given,
    }
}

impl Precision {
    /// What a layer gives, completed by what the defaults give.
    pub fn or_defaults(self, defaults: &Self) -> Self {
        Self {
            weight: or(self.weight, defaults.weight),
            bias: or(self.bias, defaults.bias),
            input: or(self.input, defaults.input),
            accum: or(self.accum, defaults.accum),
            result: or(self.result, defaults.result.clone()),
        }
    }

    /// What remains of a precision that is wrong as a whole: nothing of it counts as missing.
    pub fn reported(reported: Reported) -> Self {
        Self {
            weight: Err(reported),
            bias: Err(reported),
            input: Err(reported),
            accum: Err(reported),
            result: Err(reported),
        }
    }
}

/// The `precision` of a layer: one word or element types for the result, or a mapping with some
/// of `keys`.
pub(crate) fn layer_precision(
    node: &Node,
    what: &str,
    keys: &[&str],
    weights: &mut WeightFiles,
    mistakes: &mut Mistakes,
) -> Precision {
    match &node.kind {
        Kind::Mapping(_) if !is_element_types(node) => {
            mapping(node, what, keys, Some(weights), mistakes)
        }
        _ => Precision {
            result: result_type(node, "`precision`", Some(weights), mistakes).map(Some),
            ..Precision::default()
        },
    }
}

/// The `precision` of the defaults: one word for every type but the accumulator's, whose default
/// stays exact, or a mapping.
pub(crate) fn default_precision(node: &Node, mistakes: &mut Mistakes) -> Precision {
    let what = "`precision` of the defaults";
    if let Kind::Mapping(_) = &node.kind
        && !is_element_types(node)
    {
        let keys = ["weight", "bias", "input", "accum", "result"];
        return mapping(node, what, &keys, None, mistakes);
    }
    let ty = fixed_type(node, what, mistakes);
    Precision {
        weight: ty.map(Some),
        bias: ty.map(Some),
        input: ty.map(Some),
        accum: Ok(None),
        result: ty.map(|ty| Some(ty.into())),
    }
}

/// A mapping with some of `keys`; without `weights`, each is one type for all elements.
fn mapping(
    node: &Node,
    what: &str,
    keys: &[&str],
    weights: Option<&mut WeightFiles>,
    mistakes: &mut Mistakes,
) -> Precision {
    let fields = match Fields::open(node, what, &[keys], mistakes) {
        Ok(fields) => fields,
        Err(reported) => return Precision::reported(reported),
    };
    let given = |key: &str| fields.get(key).filter(|_| keys.contains(&key));
    let mut fixed = |key: &str| {
        given(key).map(|node| fixed_type(node, &format!("`{key}`"), mistakes)).transpose()
    };
    let (weight, bias, input) = (fixed("weight"), fixed("bias"), fixed("input"));
    let accum = given("accum").map(|node| type_or_auto(node, "`accum`", mistakes)).transpose();
    let result =
        given("result").map(|node| result_type(node, "`result`", weights, mistakes)).transpose();
    Precision { weight, bias, input, accum, result }
}

/// The type of a result, or its element types where those may be given: with `weights`, which
/// their arrays are read from.
pub(crate) fn result_type(
    node: &Node,
    what: &str,
    weights: Option<&mut WeightFiles>,
    mistakes: &mut Mistakes,
) -> Read<ResultType> {
    match weights {
        Some(weights) if is_element_types(node) => {
            element_types(node, what, weights, mistakes).map(ResultType::Cast)
        }
        _ => type_or_auto(node, what, mistakes).map(ResultType::from),
    }
}

/// The type of an input, or its element types.
pub(crate) fn input_types(
    node: &Node,
    what: &str,
    weights: &mut WeightFiles,
    mistakes: &mut Mistakes,
) -> Read<Types> {
    if is_element_types(node) {
        element_types(node, what, weights, mistakes)
    } else {
        fixed_type(node, what, mistakes).map(Types::from)
    }
}

/// A fixed-point type.
pub(crate) fn fixed_type(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<FixedType> {
    match type_or_auto(node, what, mistakes)? {
        TypeOrAuto::Type(ty) => Ok(ty),
        TypeOrAuto::Auto => Err(mistakes.add_with_help(
            node.span,
            format!(
                "{what} cannot be `auto`: nothing here says which exact type would do; `auto` is legal for `accum` and `result`"
            ),
            "write a type, e.g. \"fixed<16,6>\"".to_owned(),
        )),
    }
}

/// A fixed-point type or `auto`.
pub(crate) fn type_or_auto(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<TypeOrAuto> {
    /// Longer texts are no types, and would make messages long.
    const MAX_TYPE: usize = 100;
    if is_element_types(node) {
        return Err(mistakes.add_with_help(
            node.span,
            format!("{what} must be one type for all elements, found types for each element"),
            "types for each element are legal for the `result` of a layer and the `precision` of an input".to_owned(),
        ));
    }
    let found = text(node, what, "a type such as \"fixed<16,6>\"", mistakes)?;
    if found.trim() == "auto" {
        return Ok(TypeOrAuto::Auto);
    }
    if found.len() > MAX_TYPE {
        return Err(mistakes.add(
            node.span,
            format!(
                "{what}: {} is not a fixed-point type, e.g. fixed<16,6,RND,SAT>",
                quoted(found)
            ),
        ));
    }
    found.parse().map(TypeOrAuto::Type).map_err(|error| {
        let help = upper_case_repair(found);
        mistakes.add_with_help(node.span, format!("{what}: {error}"), help)
    })
}

/// Proposes the text with its modes in upper case and its name in lower case, if that is a type.
fn upper_case_repair(found: &str) -> Option<String> {
    let (name, parameters) = found.split_once('<')?;
    let repaired = format!("{}<{}", name.to_lowercase(), parameters.to_uppercase());
    let legal = repaired != found && repaired.parse::<FixedType>().is_ok();
    legal.then(|| format!("did you mean \"{repaired}\"?"))
}
