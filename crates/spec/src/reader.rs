//! Typed access to the tree: each function takes a node and says what is legal if it is not.
//!
//! Guarantees: a function that gives [`Reported`] has recorded exactly one mistake for what it
//! was asked to read, at that place, with what was found and what is legal.

use std::ops::RangeInclusive;

use rtl4ml_ir::Value;
use rtl4ml_ir::fixed::from_f64_exact;

use crate::diagnostics::{Mistakes, Reported, quoted, suggestion};
use crate::scalar::{self, Core};
use crate::source::Span;
use crate::yaml::{Entry, Kind, Node, Scalar};

/// What was read, or the knowledge that its mistake has been told.
pub(crate) type Read<T> = Result<T, Reported>;

/// A value that need not be given.
pub(crate) type Setting<T> = Read<Option<T>>;

/// The mapping with the keys that belong to it.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'n> {
    pub node: &'n Node,
}

impl<'n> Fields<'n> {
    /// Takes `node` for a mapping, and tells each of its keys that is not among the legal ones.
    ///
    /// `what` names the mapping in messages, e.g. `a dense layer`.
    pub fn open(
        node: &'n Node,
        what: &str,
        legal: &[&[&str]],
        mistakes: &mut Mistakes,
    ) -> Read<Self> {
        let Kind::Mapping(entries) = &node.kind else {
            return Err(wrong(node, what, "a mapping of keys to values", mistakes));
        };
        let legal = || legal.iter().copied().flatten().copied();
        for entry in entries {
            if !legal().any(|key| key == &*entry.key) {
                tell_unknown_key(entry, what, legal(), mistakes);
            }
        }
        Ok(Self { node })
    }

    /// The value of a key, if the key is there.
    pub fn get(self, key: &str) -> Option<&'n Node> {
        self.node.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key as `read` takes it, if the key is there.
    pub fn setting<T>(self, key: &str, read: impl FnOnce(&'n Node) -> Read<T>) -> Setting<T> {
        self.get(key).map(read).transpose()
    }
}

fn tell_unknown_key<'k>(
    entry: &Entry,
    what: &str,
    legal: impl Iterator<Item = &'k str> + Clone,
    mistakes: &mut Mistakes,
) {
    if mistakes.is_full() {
        mistakes.count();
        return;
    }
    let help = match &*entry.key {
        "<<" => Some(
            "merge keys are not part of YAML 1.2; `defaults` gives what layers share".to_owned(),
        ),
        "activation" => {
            Some("an activation is a layer of its own, e.g. `{name: relu1, type: relu}`".to_owned())
        }
        key => suggestion(key, legal.clone()),
    };
    let keys: Vec<&str> = legal.collect();
    mistakes.add_with_help(
        entry.key_span,
        format!("unknown key {} in {what}; legal: {}", quoted(&entry.key), keys.join(", ")),
        help,
    );
}

/// What a node is, in the words of a message.
pub(crate) fn describe(node: &Node) -> String {
    match &node.kind {
        Kind::Sequence(_) => "a list".to_owned(),
        Kind::Mapping(_) => "a mapping".to_owned(),
        Kind::Scalar(scalar) => match scalar.core() {
            Core::Null => "nothing".to_owned(),
            Core::Bool(_) | Core::Integer | Core::Float => quoted(&scalar.text),
            Core::Text if scalar.plain => format!("the text {}", quoted(&scalar.text)),
            Core::Text => format!("the quoted text {}", quoted(&scalar.text)),
        },
    }
}

/// Tells that a node is not what its key needs.
pub(crate) fn wrong(node: &Node, what: &str, legal: &str, mistakes: &mut Mistakes) -> Reported {
    let found = describe(node);
    let is_quoted_number = |scalar: &Scalar| {
        !scalar.plain && matches!(scalar::core(&scalar.text), Core::Integer | Core::Float)
    };
    let help = match &node.kind {
        Kind::Scalar(scalar) if is_quoted_number(scalar) => {
            Some("a number in quotes is a text; remove the quotes".to_owned())
        }
        Kind::Scalar(scalar) if scalar.plain && scalar.text.contains('_') => {
            let digits = scalar.text.replace('_', "");
            let is_number = matches!(scalar::core(&digits), Core::Integer | Core::Float);
            is_number.then(|| format!("write {}", quoted(&digits)))
        }
        _ => None,
    };
    mistakes.add_with_help(node.span, format!("{what} must be {legal}, found {found}"), help)
}

/// Tells that a key is missing.
pub(crate) fn missing(span: Span, what: &str, example: &str, mistakes: &mut Mistakes) -> Reported {
    mistakes.add_with_help(span, format!("{what} is missing"), format!("write e.g. `{example}`"))
}

/// A scalar's text, whatever it stands for, unless it is nothing.
pub(crate) fn text<'n>(
    node: &'n Node,
    what: &str,
    legal: &str,
    mistakes: &mut Mistakes,
) -> Read<&'n str> {
    match &node.kind {
        Kind::Scalar(scalar) if !node.is_null() => Ok(&scalar.text),
        _ => Err(wrong(node, what, legal, mistakes)),
    }
}

/// `true` or `false`.
pub(crate) fn boolean(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<bool> {
    match &node.kind {
        Kind::Scalar(scalar) if let Core::Bool(value) = scalar.core() => Ok(value),
        _ => Err(wrong(node, what, "`true` or `false`", mistakes)),
    }
}

/// An integer within `legal`.
pub(crate) fn integer(
    node: &Node,
    what: &str,
    legal: RangeInclusive<i128>,
    mistakes: &mut Mistakes,
) -> Read<i128> {
    let (low, high) = (*legal.start(), *legal.end());
    let legal_text = if high >= i128::from(u32::MAX) {
        format!("an integer from {low} on")
    } else {
        format!("an integer from {low} to {high}")
    };
    let Kind::Scalar(scalar) = &node.kind else {
        return Err(wrong(node, what, &legal_text, mistakes));
    };
    match scalar.core() {
        Core::Integer => {
            let value = scalar::integer(&scalar.text);
            value.filter(|value| legal.contains(value)).ok_or_else(|| {
                let limit =
                    if value.is_none_or(|value| value > high) && !scalar.text.starts_with('-') {
                        format!("the largest legal value is {high}")
                    } else {
                        format!("the smallest legal value is {low}")
                    };
                let found = describe(node);
                mistakes.add_with_help(
                    node.span,
                    format!("{what} must be {legal_text}, found {found}"),
                    limit,
                )
            })
        }
        Core::Float => {
            let whole = scalar::number(&scalar.text)
                .filter(|value| value.fract() == 0.0 && value.abs() < 1e15)
                .map(|value| format!("write `{value:.0}`, without a point or an exponent"));
            let found = describe(node);
            Err(mistakes.add_with_help(
                node.span,
                format!("{what} must be {legal_text}, found {found}"),
                whole,
            ))
        }
        _ => Err(wrong(node, what, &legal_text, mistakes)),
    }
}

/// A finite number.
pub(crate) fn number(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<f64> {
    let Kind::Scalar(scalar) = &node.kind else {
        return Err(wrong(node, what, "a number", mistakes));
    };
    let number = scalar.plain.then(|| scalar::number(&scalar.text)).flatten();
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| wrong(node, what, "a finite number", mistakes))
}

/// A finite number without rounding, on the coarsest grid that holds it.
pub(crate) fn exact(number: f64) -> Value {
    let Value { mantissa, fraction_bits } = from_f64_exact(number).unwrap_or(Value::ZERO);
    if mantissa == 0 {
        return Value::ZERO;
    }
    let zeros = mantissa.trailing_zeros();
    Value { mantissa: mantissa >> zeros, fraction_bits: fraction_bits - zeros as i32 }
}

/// A number of things, at least one.
pub(crate) fn count(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<u64> {
    integer(node, what, 1..=i128::from(u64::MAX), mistakes).map(|value| value as u64)
}

/// An axis' extent.
pub(crate) fn extent(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<usize> {
    integer(node, what, 1..=usize::MAX as i128, mistakes).map(|value| value as usize)
}

/// One of the words that stand for the values of a type.
pub(crate) fn word<T: Copy>(
    node: &Node,
    what: &str,
    all: &[T],
    to_word: fn(T) -> &'static str,
    mistakes: &mut Mistakes,
) -> Read<T> {
    let words = || all.iter().map(|value| to_word(*value));
    let legal: Vec<&str> = words().collect();
    let legal = match legal.as_slice() {
        [only] => format!("`{only}`"),
        _ => format!("one of {}", legal.join(", ")),
    };
    let found = text(node, what, &legal, mistakes)?;
    all.iter().copied().find(|value| to_word(*value) == found).ok_or_else(|| {
        mistakes.add_with_help(
            node.span,
            format!("{what} must be {legal}, found {}", quoted(found)),
            suggestion(found, words()),
        )
    })
}

/// The items of a list.
pub(crate) fn items<'n>(
    node: &'n Node,
    what: &str,
    legal: &str,
    mistakes: &mut Mistakes,
) -> Read<&'n [Node]> {
    match &node.kind {
        Kind::Sequence(items) => Ok(items),
        _ => Err(wrong(node, what, legal, mistakes)),
    }
}

/// The items of a list, or the node itself where it is one scalar.
pub(crate) fn one_or_more<'n>(
    node: &'n Node,
    what: &str,
    legal: &str,
    mistakes: &mut Mistakes,
) -> Read<&'n [Node]> {
    match &node.kind {
        Kind::Scalar(_) if !node.is_null() => Ok(std::slice::from_ref(node)),
        _ => items(node, what, legal, mistakes),
    }
}

/// The results in order, or the knowledge that at least one of them was wrong.
pub(crate) fn all<T>(results: impl IntoIterator<Item = Read<T>>) -> Read<Vec<T>> {
    // Every item is read before the first failure is given back, so that none hides another.
    let results: Vec<Read<T>> = results.into_iter().collect();
    results.into_iter().collect()
}
