//! What people most often meant where YAML reads something else, or nothing.

use saphyr_parser::ScanError;

use super::offsets::CharOffsets;
use super::{Entry, Kind, Node, too_deep};
use crate::diagnostics::{Mistakes, Reported, quoted};
use crate::source::Span;

/// Whether a value is the first part of a type such as `fixed<8,2>`: inside `{...}` a comma ends
/// a value that is not quoted, and `2>` becomes a key.
pub(super) fn is_cut_type(value: &Node) -> bool {
    /// No type is longer; a text that never ends must not grow with every key.
    const MAX_TYPE: usize = 64;
    matches!(&value.kind, Kind::Scalar(scalar)
        if scalar.plain
            && scalar.text.len() <= MAX_TYPE
            && scalar.text.contains(['<', '('])
            && !scalar.text.contains(['>', ')']))
}

/// Makes a value that was cut whole again, so that this mistake is told once and hides no other.
pub(super) fn rejoin_type(value: &mut Node, rest: &Entry, mistakes: &mut Mistakes) {
    let Kind::Scalar(scalar) = &mut value.kind else {
        return;
    };
    scalar.text = [&*scalar.text, ",", &*rest.key].concat().into();
    value.span.end = rest.key_span.end;
    if scalar.text.contains(['>', ')']) {
        let whole = quoted(&scalar.text);
        mistakes.add_with_help(
            value.span,
            format!("{whole} must be quoted here: inside `{{...}}` a comma ends a value"),
            format!("write \"{}\"", whole.trim_matches('`')),
        );
    }
}

/// Tells a syntax error, with what people most often meant.
pub(super) fn not_yaml(
    error: &ScanError,
    offsets: &CharOffsets,
    mistakes: &mut Mistakes,
) -> Reported {
    let start = offsets.byte(error.marker().index());
    let span = Span { start, end: start };
    let info = error.info();
    if info.contains("recursion limit") {
        return too_deep(span, mistakes);
    }
    let repairs = [
        ("tabs", "YAML is indented with spaces; replace the tab by spaces"),
        (
            "mapping values are not allowed",
            "a text with `: ` in it must be quoted, and a key must stand at the indentation of its neighbours",
        ),
        ("in flow construct", "a `[` or `{` before this line is not closed"),
        ("simple key", "check the indentation of this line and the `:` after its key"),
        ("expected key", "check the indentation of this line"),
        ("'-' indicator", "check the indentation of this line"),
        ("indentation", "check the indentation of this line"),
        ("',' or '}'", "close the `{` with `}`, and separate its entries by commas"),
        ("',' or ']'", "close the `[` with `]`, and separate its items by commas"),
        ("end of plain scalar", "a `{` or `[` is not closed, or a value is missing here"),
        ("quoted scalar", "check the quotes of this text"),
        ("unexpected character", "quote a text that begins with this character"),
        (
            "unknown anchor",
            "an alias `*name` needs an anchor `&name` before it; quote a text that begins with `*`",
        ),
    ];
    let repair = repairs
        .iter()
        .find(|(symptom, _)| info.contains(symptom))
        .map(|(_, repair)| (*repair).to_owned());
    mistakes.add_with_help(span, format!("this is not valid YAML: {info}"), repair)
}
