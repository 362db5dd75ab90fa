//! Tags: only those of the core schema, and what they make of a node.

use saphyr_parser::Tag;

use super::Scalar;
use crate::diagnostics::{Mistakes, quoted, suggestion};
use crate::scalar::Core;
use crate::source::Span;

const CORE_TAGS: [&str; 7] = ["str", "int", "float", "bool", "null", "seq", "map"];

/// The scalar with its tag applied.
pub(super) fn tagged(
    scalar: Scalar,
    tag: Option<&Tag>,
    span: Span,
    mistakes: &mut Mistakes,
) -> Scalar {
    let Some(tag) = tag else {
        return scalar;
    };
    let wanted = match core_tag(tag) {
        Some("str") => {
            return Scalar { plain: false, ..scalar };
        }
        Some("null") => &[Core::Null][..],
        Some("bool") => &[Core::Bool(true), Core::Bool(false)],
        Some("int") => &[Core::Integer],
        Some("float") => &[Core::Integer, Core::Float],
        _ => {
            illegal_tag(tag, span, mistakes);
            return scalar;
        }
    };
    let scalar = Scalar { plain: true, ..scalar };
    if !wanted.contains(&scalar.core()) {
        mistakes
            .add(span, format!("{} is not of the type `!!{}`", quoted(&scalar.text), tag.suffix));
    }
    scalar
}

/// Refuses a tag that does not say what a collection is anyway: a list's `seq`, a mapping's `map`.
pub(super) fn check_collection(tag: &Tag, legal: &str, span: Span, mistakes: &mut Mistakes) {
    if !is_non_specific(tag) && core_tag(tag) != Some(legal) {
        illegal_tag(tag, span, mistakes);
    }
}

/// Whether a tag is the lone `!`, which says that a node is of the kind that it looks like.
fn is_non_specific(tag: &Tag) -> bool {
    tag.handle.is_empty() && tag.suffix == "!"
}

/// The name of a tag of the core schema.
fn core_tag(tag: &Tag) -> Option<&str> {
    let name = &*tag.suffix;
    if is_non_specific(tag) {
        // It makes a scalar a string.
        return Some("str");
    }
    let full = [&*tag.handle, name].concat();
    let name = full.strip_prefix("tag:yaml.org,2002:")?;
    CORE_TAGS.into_iter().find(|core| *core == name)
}

fn illegal_tag(tag: &Tag, span: Span, mistakes: &mut Mistakes) {
    let found = quoted(&tag.to_string());
    mistakes.add_with_help(
        span,
        format!(
            "the tag {found} does not belong here; legal on a value of its kind: !!{}",
            CORE_TAGS.join(", !!")
        ),
        suggestion(&tag.suffix, CORE_TAGS),
    );
}
