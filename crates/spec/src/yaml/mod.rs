//! YAML as a tree in which every node knows its place in the text.
//!
//! Guarantees:
//! - a tree is at most [`MAX_DEPTH`] deep and has at most [`MAX_NODES`] nodes, aliases resolved,
//!   and its texts are at most [`MAX_REPEATED_BYTES`] longer than the spec; a text that would need
//!   more (a bomb of aliases, brackets without end) costs an error, and neither the stack nor
//!   memory nor time;
//! - a mapping has each key once, at most [`MAX_KEYS`] of them, and keys are scalars;
//! - only the tags of the core schema are there, and they have been applied;
//! - the text is one document.

mod node;
mod offsets;
mod repair;
mod tags;
mod tree;

use offsets::CharOffsets;
use repair::not_yaml;
use saphyr_parser::{Event, Parser};
use tree::Tree;

use crate::diagnostics::{Mistakes, Reported};
use crate::source::Span;

pub(crate) use node::{Entry, Kind, Node, Scalar};

/// How deep nodes may nest.
pub(crate) const MAX_DEPTH: usize = 64;

/// How many nodes a tree may have, copies made by aliases counted.
pub(crate) const MAX_NODES: usize = 1 << 20;

/// How many bytes the texts that aliases repeat may have together.
pub(crate) const MAX_REPEATED_BYTES: usize = 1 << 24;

/// How many keys a mapping may have.
pub(crate) const MAX_KEYS: usize = 1 << 10;

/// How many characters with a meaning in YAML a text may have.
///
/// The scanner keeps all tokens of an outermost `[...]` or `{...}` until it ends, about a hundred
/// bytes each, before the first of them can be counted here; this bounds them.
pub(crate) const MAX_INDICATORS: usize = 1 << 19;

/// Reads the text, which is at most 4 GiB long, as one YAML document.
pub(crate) fn parse(text: &str, mistakes: &mut Mistakes) -> Result<Node, Reported> {
    check_volume(text, mistakes)?;
    let offsets = CharOffsets::new(text);
    let mut tree = Tree::new(text, mistakes);
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok((event, span)) => (event, offsets.span(&span)),
            Err(error) => return Err(not_yaml(&error, &offsets, tree.mistakes)),
        };
        if matches!(event, Event::DocumentStart(_)) && tree.root.is_some() {
            return Err(tree.mistakes.add_with_help(
                span,
                "a second YAML document starts here; a spec is one document",
                "remove the line `---` or write the other document into a file of its own"
                    .to_owned(),
            ));
        }
        tree.take(event, span)?;
    }
    match tree.root {
        Some(root) => Ok(root),
        None => Err(mistakes.add(Span::START, "the spec is empty")),
    }
}

fn check_volume(text: &str, mistakes: &mut Mistakes) -> Result<(), Reported> {
    let is_indicator = |byte: &u8| b"[]{},:?&*!\"'".contains(byte);
    let excess =
        text.bytes().enumerate().filter(|(_, byte)| is_indicator(byte)).nth(MAX_INDICATORS);
    match excess {
        None => Ok(()),
        Some((at, _)) => Err(mistakes.add_with_help(
            span_at(at),
            format!("the spec has more than {MAX_INDICATORS} separators; that many values cannot be read from YAML"),
            "write large weights to an .npy or .npz file, e.g. `weight: weights.npz:fc1.weight`".to_owned(),
        )),
    }
}

fn span_at(at: usize) -> Span {
    let start = at as u32;
    Span { start, end: start + 1 }
}

fn too_deep(span: Span, mistakes: &mut Mistakes) -> Reported {
    mistakes.add(span, format!("lists and mappings are nested more than {MAX_DEPTH} deep here"))
}
