//! The tree as it grows, event by event, within the limits.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use saphyr_parser::{Event, ScalarStyle, Tag};

use super::node::Size;
use super::repair::{is_cut_type, rejoin_type};
use super::tags::{check_collection, tagged};
use super::{
    Entry, Kind, MAX_DEPTH, MAX_KEYS, MAX_NODES, MAX_REPEATED_BYTES, Node, Scalar, too_deep,
};
use crate::diagnostics::{Mistakes, Reported, quoted};
use crate::source::Span;

/// The tree as far as it has been read.
pub(super) struct Tree<'t, 'm> {
    text: &'t str,
    /// The collections that have begun and not ended, outermost first.
    open: Vec<Open>,
    /// What each anchor names, and how large it is.
    anchors: HashMap<usize, (Node, Size)>,
    nodes: usize,
    /// The bytes of the texts that were copied, not read.
    repeated_bytes: usize,
    pub root: Option<Node>,
    pub mistakes: &'m mut Mistakes,
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

impl<'t, 'm> Tree<'t, 'm> {
    /// Nothing of this text yet.
    pub fn new(text: &'t str, mistakes: &'m mut Mistakes) -> Self {
        Self {
            text,
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            repeated_bytes: 0,
            root: None,
            mistakes,
        }
    }
}

impl Tree<'_, '_> {
    /// Takes the next event.
    pub fn take(&mut self, event: Event, span: Span) -> Result<(), Reported> {
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
                let scalar = tagged(scalar, tag.as_deref(), span, self.mistakes);
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
        if let Some(tag) = tag {
            check_collection(tag, legal, span, self.mistakes);
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
