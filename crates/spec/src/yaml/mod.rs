//! YAML as a tree in which every node knows its place in the text.
//!
//! Guarantees:
//! - a tree is at most [`MAX_DEPTH`] deep and has at most [`MAX_NODES`] nodes, aliases resolved,
//!   and its texts are at most [`MAX_REPEATED_BYTES`] longer than the spec; a text that would need more (a bomb of aliases, brackets without end) costs an error, and
//!   neither the stack nor memory nor time;
//! - a mapping has each key once, at most [`MAX_KEYS`] of them, and keys are scalars;
//! - only the tags of the core schema are there, and they have been applied;
//! - the text is one document.

mod offsets;
mod repair;

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use offsets::CharOffsets;
use repair::{is_cut_type, not_yaml, rejoin_type};
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use crate::diagnostics::{Mistakes, Reported, quoted, suggestion};
use crate::scalar::{self, Core};
use crate::source::Span;

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

/// A node of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub span: Span,
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A scalar: its text, and whether the text may stand for something else than a string.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub text: Box<str>,
    /// False where quotes, a block style or the tag `!!str` make it a string.
    pub plain: bool,
}

/// A key of a mapping and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub key: Box<str>,
    pub key_span: Span,
    pub value: Node,
}

impl Node {
    /// Whether the node is nothing: `key:`, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.core() == Core::Null)
    }

    /// The entry of a mapping with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Mapping(entries) => entries.iter().find(|entry| &*entry.key == key),
            _ => None,
        }
    }

    /// The size of the tree below and with this node.
    fn size(&self) -> Size {
        let below = match &self.kind {
            Kind::Scalar(scalar) => Size { bytes: scalar.text.len(), ..Size::default() },
            Kind::Sequence(items) => {
                items.iter().map(Self::size).fold(Size::default(), Size::beside)
            }
            Kind::Mapping(entries) => entries
                .iter()
                .map(|entry| {
                    let size = entry.value.size();
                    Size { bytes: size.bytes + entry.key.len(), ..size }
                })
                .fold(Size::default(), Size::beside),
        };
        Size { nodes: below.nodes + 1, height: below.height + 1, bytes: below.bytes }
    }
}

/// How large a tree is.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    height: usize,
    /// In all of its texts.
    bytes: usize,
}

impl Size {
    /// The size of two trees side by side.
    fn beside(self, other: Self) -> Self {
        Self {
            nodes: self.nodes + other.nodes,
            height: self.height.max(other.height),
            bytes: self.bytes + other.bytes,
        }
    }
}

impl Scalar {
    /// What the scalar stands for in the core schema.
    pub fn core(&self) -> Core {
        if self.plain { scalar::core(&self.text) } else { Core::Text }
    }
}

/// Reads the text, which is at most 4 GiB long, as one YAML document.
pub(crate) fn parse(text: &str, mistakes: &mut Mistakes) -> Result<Node, Reported> {
    check_volume(text, mistakes)?;
    let offsets = CharOffsets::new(text);
    let mut tree = Tree {
        text,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        repeated_bytes: 0,
        root: None,
        mistakes,
    };
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

/// The tree as far as it has been read.
struct Tree<'t, 'm> {
    text: &'t str,
    /// The collections that have begun and not ended, outermost first.
    open: Vec<Open>,
    /// What each anchor names, and how large it is.
    anchors: HashMap<usize, (Node, Size)>,
    nodes: usize,
    /// The bytes of the texts that were copied, not read.
    repeated_bytes: usize,
    root: Option<Node>,
    mistakes: &'m mut Mistakes,
}

/// A collection that has begun and not ended.
struct Open {
    start: u32,
    anchor: usize,
    items: Items,
}

enum Items {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        /// The key whose value comes next.
        key: Option<(Box<str>, Span)>,
        /// Where each key stands.
        seen: HashMap<Box<str>, Span>,
    },
}

impl Tree<'_, '_> {
    fn take(&mut self, event: Event, span: Span) -> Result<(), Reported> {
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let scalar = Scalar { text: text.into(), plain };
                let scalar = self.tagged(scalar, tag.as_deref(), span);
                let kind = Kind::Scalar(scalar);
                self.grow(span, 1, 1)?;
                self.push(Node { span, kind }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(span, anchor, tag.as_deref(), "seq", || Items::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(span, anchor, tag.as_deref(), "map", || Items::Mapping {
                    entries: Vec::new(),
                    key: None,
                    seen: HashMap::new(),
                })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
        }
    }

    /// Accounts for `count` more nodes that reach `height` below the innermost open collection.
    fn grow(&mut self, span: Span, count: usize, height: usize) -> Result<(), Reported> {
        self.nodes += count;
        if self.nodes > MAX_NODES {
            return Err(self.mistakes.add_with_help(
                span,
                format!(
                    "the spec has more than {MAX_NODES} values, those that aliases repeat counted"
                ),
                "write large weights to an .npy or .npz file, and repeat less by aliases"
                    .to_owned(),
            ));
        }
        if self.open.len() + height > MAX_DEPTH {
            return Err(too_deep(span, self.mistakes));
        }
        Ok(())
    }

    /// Accounts for the texts of a copy.
    fn repeat(&mut self, span: Span, bytes: usize) -> Result<(), Reported> {
        self.repeated_bytes += bytes;
        if self.repeated_bytes > MAX_REPEATED_BYTES {
            return Err(self.mistakes.add(
                span,
                format!("the texts that aliases repeat have more than {MAX_REPEATED_BYTES} bytes"),
            ));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        span: Span,
        anchor: usize,
        tag: Option<&Tag>,
        legal: &str,
        items: impl FnOnce() -> Items,
    ) -> Result<(), Reported> {
        if let Some(tag) = tag.filter(|tag| !is_non_specific(tag) && core_tag(tag) != Some(legal)) {
            illegal_tag(tag, span, self.mistakes);
        }
        if self.key_is_next() {
            return Err(self
                .mistakes
                .add(span, "a key of a mapping must be a word, found a list or a mapping"));
        }
        self.grow(span, 1, 1)?;
        self.open.push(Open { start: span.start, anchor, items: items() });
        Ok(())
    }

    fn key_is_next(&self) -> bool {
        matches!(self.open.last().map(|open| &open.items), Some(Items::Mapping { key: None, .. }))
    }

    fn end(&mut self, span: Span) -> Result<(), Reported> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let kind = match open.items {
            Items::Sequence(items) => Kind::Sequence(items),
            Items::Mapping { entries, .. } => Kind::Mapping(entries),
        };
        let end = span.end.max(open.start);
        let span = Span { start: open.start, end };
        self.push(Node { span, kind }, open.anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Reported> {
        let Some(size) = self.anchors.get(&anchor).map(|(_, size)| *size) else {
            return Err(self
                .mistakes
                .add(span, "this alias stands for a value that it is a part of"));
        };
        self.grow(span, size.nodes, size.height)?;
        self.repeat(span, size.bytes)?;
        let node = self.anchors[&anchor].0.clone();
        self.push(node, 0)
    }

    /// Gives a complete node its place: in the innermost open collection, or as the root.
    fn push(&mut self, node: Node, anchor: usize) -> Result<(), Reported> {
        if anchor > 0 {
            let size = node.size();
            // The copy that the anchor keeps counts as well, though it adds no depth.
            self.grow(node.span, size.nodes, 0)?;
            self.repeat(node.span, size.bytes)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::Sequence(items)) => items.push(node),
            Some(Items::Mapping { entries, key, seen }) => match (key.take(), node.kind) {
                (Some((_, key_span)), _) if entries.len() >= MAX_KEYS => {
                    return Err(self
                        .mistakes
                        .add(key_span, format!("this mapping has more than {MAX_KEYS} keys")));
                }
                (Some((key, key_span)), kind) => {
                    let entry = Entry { key, key_span, value: Node { span: node.span, kind } };
                    enter(entry, entries, seen, self.text, self.mistakes);
                }
                (None, Kind::Scalar(scalar)) => *key = Some((scalar.text, node.span)),
                (None, _) => {
                    return Err(self.mistakes.add(
                        node.span,
                        "a key of a mapping must be a word, found a list or a mapping",
                    ));
                }
            },
        }
        Ok(())
    }

    /// The scalar with its tag applied.
    fn tagged(&mut self, scalar: Scalar, tag: Option<&Tag>, span: Span) -> Scalar {
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
                illegal_tag(tag, span, self.mistakes);
                return scalar;
            }
        };
        let scalar = Scalar { plain: true, ..scalar };
        if !wanted.contains(&scalar.core()) {
            self.mistakes.add(
                span,
                format!("{} is not of the type `!!{}`", quoted(&scalar.text), tag.suffix),
            );
        }
        scalar
    }
}

/// Adds an entry to a mapping, unless its key is there already.
fn enter(
    mut entry: Entry,
    entries: &mut Vec<Entry>,
    seen: &mut HashMap<Box<str>, Span>,
    text: &str,
    mistakes: &mut Mistakes,
) {
    let is_empty =
        matches!(&entry.value.kind, Kind::Scalar(scalar) if scalar.plain && scalar.text.is_empty());
    if is_empty {
        if let Some(last) = entries.last_mut().filter(|last| is_cut_type(&last.value)) {
            rejoin_type(&mut last.value, &entry, mistakes);
            return;
        }
        // A value that is not there is best shown by its key.
        entry.value.span = entry.key_span;
    }
    match seen.entry(entry.key.clone()) {
        Slot::Vacant(slot) => {
            slot.insert(entry.key_span);
            entries.push(entry);
        }
        Slot::Occupied(first) if !mistakes.is_full() => {
            let before = &text[..first.get().start as usize];
            let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
            mistakes.add(
                entry.key_span,
                format!(
                    "the key {} is given twice; it stands in line {line} already",
                    quoted(&entry.key)
                ),
            );
        }
        Slot::Occupied(_) => {
            mistakes.count();
        }
    }
}

const CORE_TAGS: [&str; 7] = ["str", "int", "float", "bool", "null", "seq", "map"];

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

fn too_deep(span: Span, mistakes: &mut Mistakes) -> Reported {
    mistakes.add(span, format!("lists and mappings are nested more than {MAX_DEPTH} deep here"))
}
