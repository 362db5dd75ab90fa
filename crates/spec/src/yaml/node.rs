//! The tree that the rest of the crate reads.

use crate::scalar::{self, Core};
use crate::source::Span;

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
    pub(super) fn size(&self) -> Size {
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
pub(super) struct Size {
    pub nodes: usize,
    pub height: usize,
    /// In all of its texts.
    pub bytes: usize,
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
