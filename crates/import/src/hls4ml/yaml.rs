//! YAML as a tree whose nodes know their lines.
//!
//! Guarantees: a tree has at most [`MAX_NODES`] nodes, aliases resolved, and is at most
//! [`MAX_DEPTH`] deep; a text that would need more costs an error, and neither memory nor the stack.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

/// How many nodes a tree may have, copies made by aliases counted.
const MAX_NODES: usize = 1 << 16;

/// How deep nodes may nest.
const MAX_DEPTH: usize = 32;

/// How many bytes the texts that aliases repeat may have.
const MAX_REPEATED_BYTES: usize = 1 << 22;

/// How many keys a mapping may have.
const MAX_KEYS: usize = 1 << 12;

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its line, counted from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A word or a number, as it is written; nothing is the empty text.
    Scalar(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with their values, in the order of the text.
    Mapping(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The keys and their values; of no mapping, none.
    pub fn entries(&self) -> &[(String, Node)] {
        match &self.kind {
            Kind::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The text of a scalar; nothing, `null` and `~` are none.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text) if !matches!(text.as_str(), "" | "~" | "null" | "None") => {
                Some(text)
            }
            _ => None,
        }
    }

    /// How many nodes the tree below and with this node has, how many bytes, and how deep it is.
    fn size(&self) -> (usize, usize, usize) {
        let join = |(nodes, bytes, depth): (usize, usize, usize), inner: &Node| {
            let (n, b, d) = inner.size();
            (nodes + n, bytes + b, depth.max(d + 1))
        };
        match &self.kind {
            Kind::Scalar(text) => (1, text.len(), 1),
            Kind::Sequence(items) => items.iter().fold((1, 0, 1), join),
            Kind::Mapping(entries) => entries.iter().fold((1, 0, 1), |size, (key, inner)| {
                let (nodes, bytes, depth) = join(size, inner);
                (nodes, bytes + key.len(), depth)
            }),
        }
    }
}

/// A list or a mapping that has begun and not ended.
struct Open {
    node: Node,
    anchor: usize,
    /// The key whose value comes next.
    key: Option<String>,
}

/// Reads a text as one document.
///
/// # Errors
/// What is wrong, and in which line.
pub fn read(text: &str) -> Result<Node, String> {
    // The scanner keeps the tokens of brackets until they end.
    let marks = text.bytes().filter(|byte| b"[]{},:?&*!".contains(byte)).count();
    if marks > MAX_NODES * 8 {
        return Err("it has too many separators to be a configuration".to_owned());
    }
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, Node> = HashMap::new();
    let mut root = None;
    let (mut nodes, mut bytes) = (0, 0);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| format!("this is no YAML: {error}"))?;
        let line = span.start.line();
        let mut size = (1, 0, 1);
        let done = match event {
            Event::DocumentStart(_) if root.is_some() => {
                return Err(format!("line {line}: a second document begins"));
            }
            Event::Scalar(text, _, anchor, _) => {
                Some((Node { line, kind: Kind::Scalar(text.into_owned()) }, anchor))
            }
            Event::SequenceStart(anchor, _) => {
                let node = Node { line, kind: Kind::Sequence(Vec::new()) };
                open.push(Open { node, anchor, key: None });
                None
            }
            Event::MappingStart(anchor, _) => {
                let node = Node { line, kind: Kind::Mapping(Vec::new()) };
                open.push(Open { node, anchor, key: None });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop().map(|open| (open.node, open.anchor))
            }
            Event::Alias(anchor) => {
                let found = anchors.get(&anchor).cloned();
                let found = found.ok_or_else(|| {
                    format!("line {line}: this alias stands for what it is a part of")
                })?;
                size = found.size();
                Some((found, 0))
            }
            _ => None,
        };
        nodes += size.0;
        bytes += size.1;
        if nodes > MAX_NODES || bytes > MAX_REPEATED_BYTES {
            return Err(format!("line {line}: it has more values than are read"));
        }
        if open.len() + size.2 > MAX_DEPTH {
            return Err(format!("line {line}: values are nested more than {MAX_DEPTH} deep"));
        }
        let Some((node, anchor)) = done else { continue };
        if anchor > 0 {
            anchors.insert(anchor, node.clone());
        }
        match open.last_mut() {
            None => root = Some(node),
            Some(outer) => put(outer, node)?,
        }
    }
    root.ok_or_else(|| "it is empty".to_owned())
}

/// Puts a node into the list or the mapping that it is in.
fn put(outer: &mut Open, node: Node) -> Result<(), String> {
    match &mut outer.node.kind {
        Kind::Scalar(_) => {}
        Kind::Sequence(items) => items.push(node),
        Kind::Mapping(entries) => {
            if let Some(key) = outer.key.take() {
                entries.push((key, node));
                return Ok(());
            }
            let Kind::Scalar(key) = node.kind else {
                return Err(format!("line {}: a key must be a word", node.line));
            };
            if entries.iter().any(|(other, _)| *other == key) {
                return Err(format!("line {}: `{key}` stands here twice", node.line));
            }
            if entries.len() == MAX_KEYS {
                return Err(format!("line {}: more than {MAX_KEYS} keys", node.line));
            }
            outer.key = Some(key);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines_and_aliases_are_resolved() {
        let root = read("a: &x {b: ap_fixed<16,6>}\nc: *x\n\nd: !keras_model 'm.keras'\n").unwrap();
        let line = |key: &str| root.get(key).map(|node| node.line);
        assert_eq!((line("a"), line("d")), (Some(1), Some(4)));
        // Without quotes, a comma in braces ends the value.
        assert_eq!(root.get("c").unwrap().entries().len(), 2);
        assert_eq!(root.get("d").unwrap().text(), Some("m.keras"));
        assert!(root.get("e").is_none());
    }

    #[test]
    fn bombs_and_broken_texts_are_errors() {
        let error = |text: &str| read(text).unwrap_err();
        assert!(error("").contains("empty"));
        assert!(error("a: [").contains("YAML"));
        assert!(error("a: 1\na: 2").contains("line 2: `a` stands here twice"));
        assert!(error("? [1]\n: 2").contains("a key must be a word"));
        assert!(error("---\na: 1\n---\nb: 1").contains("second document"));
        assert!(error(&"[".repeat(100)).contains("nested"));
        let bomb: String =
            (1..9).fold("a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
                let many = vec![format!("*a{}", n - 1); 8].join(", ");
                format!("{text}a{n}: &a{n} [{many}]\n")
            });
        assert!(error(&bomb).contains("more values than are read"));
    }
}
