//! Names and their meaning: which tensor a name stands for where it is used.
//!
//! Guarantees: what a wrong name would have named is replaced by a tensor of which nothing is
//! known, so that the verifier infers nothing from it and one mistake does not become many.

use std::collections::{HashMap, HashSet};

use rtl4ml_ir::{FixedType, Format, Input, InputId, Network, Problem, Site, Source, VerifyError};

use crate::diagnostics::{Mistakes, quoted, suggestion};
use crate::reader;
use crate::yaml::Node;

/// The names of a spec, and what has been told of its parts.
pub(crate) struct Graph<'n> {
    /// What each name stands for that has been read so far.
    sources: HashMap<&'n str, Source>,
    /// The names of all layers, for telling a name that comes too late from one that is nowhere.
    layer_names: HashSet<&'n str>,
    /// The input that stands for what wrong names would have named.
    unknown: InputId,
    /// Parts with a mistake that has been told; nothing is inferred from them.
    broken: HashSet<Site>,
    /// Parts without a name, or with one that has been told of.
    unnamed: HashSet<Site>,
    /// Lists that are missing or that could not be read.
    lost_lists: HashSet<&'static str>,
    /// Whether some name stands for nothing, so that a part may only seem to reach no output.
    dangling: bool,
}

impl<'n> Graph<'n> {
    /// The names of a spec with `input_count` inputs and these layers.
    pub fn new(input_count: usize, layer_names: HashSet<&'n str>) -> Self {
        Self {
            sources: HashMap::new(),
            layer_names,
            unknown: InputId(input_count as u32),
            broken: HashSet::new(),
            unnamed: HashSet::new(),
            lost_lists: HashSet::new(),
            dangling: false,
        }
    }

    /// Lets a name stand for a tensor; the first that takes a name keeps it.
    pub fn define(&mut self, name: &'n str, source: Source) {
        self.sources.entry(name).or_insert(source);
    }

    /// Records that a part has a mistake that has been told.
    pub fn mark_broken(&mut self, site: Site) {
        self.broken.insert(site);
    }

    /// Records that a part has no name of its own.
    pub fn mark_unnamed(&mut self, site: Site) {
        self.unnamed.insert(site);
        // What it was meant to be called may be read by others.
        self.dangling = true;
    }

    /// Records that a list of the spec could not be read.
    pub fn lose_list(&mut self, key: &'static str) {
        self.lost_lists.insert(key);
        self.dangling = true;
    }

    /// A tensor of which nothing is known.
    pub fn unknown(&self) -> Source {
        Source::Input(self.unknown)
    }

    /// Whether a tensor is the one of which nothing is known.
    pub fn is_unknown(&self, source: Source) -> bool {
        source == self.unknown()
    }

    /// Whether a part has a mistake that has been told.
    pub fn is_broken(&self, site: Site) -> bool {
        self.broken.contains(&site)
    }

    /// Whether a name already stands for a tensor.
    pub fn is_defined(&self, name: &str) -> bool {
        self.sources.contains_key(name)
    }

    /// The same, in place of what a wrong name would have named.
    pub fn dangle(&mut self) -> Source {
        self.dangling = true;
        self.unknown()
    }

    /// The tensor that a layer's `inputs` names.
    pub fn source(&mut self, node: &'n Node, reader: &str, mistakes: &mut Mistakes) -> Source {
        let Ok(name) = reader::text(node, "an item of `inputs`", "a name", mistakes) else {
            return self.dangle();
        };
        if let Some(source) = self.sources.get(name) {
            return *source;
        }
        if mistakes.is_full() {
            mistakes.count();
            return self.dangle();
        }
        let quoted_name = quoted(name);
        let known = self.known();
        let legal = legal_names(&known);
        if self.layer_names.contains(name) {
            mistakes.add_with_help(
                node.span,
                format!("{reader} reads {quoted_name}, which does not come before it{legal}"),
                "layers stand in the order in which they compute".to_owned(),
            );
        } else {
            mistakes.add_with_help(
                node.span,
                format!("{reader} reads {quoted_name}, but nothing before it has this name{legal}"),
                suggestion(name, known),
            );
        }
        self.dangle()
    }

    /// The tensor that `outputs` names, if it names a layer.
    pub fn output(&mut self, node: &'n Node, mistakes: &mut Mistakes) -> Option<Source> {
        let name =
            reader::text(node, "an item of `outputs`", "the name of a layer", mistakes).ok()?;
        match self.sources.get(name) {
            Some(source @ Source::Layer(_)) => return Some(*source),
            Some(Source::Input(_)) => {
                mistakes.add_with_help(
                    node.span,
                    format!("{} is an input; `outputs` names layers", quoted(name)),
                    "to pass an input through, add a `quantize` layer".to_owned(),
                );
            }
            None if mistakes.is_full() => {
                mistakes.count();
            }
            None => {
                let mut layers: Vec<&str> = self.layer_names.iter().copied().collect();
                layers.sort_unstable();
                mistakes.add_with_help(
                    node.span,
                    format!("no layer has the name {}{}", quoted(name), legal_names(&layers)),
                    suggestion(name, layers),
                );
            }
        }
        None
    }

    /// The known names, sorted.
    fn known(&self) -> Vec<&'n str> {
        let mut names: Vec<&str> = self.sources.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// Adds the tensor of which nothing is known, where a name needed it.
    pub fn complete(&self, network: &mut Network) {
        let is_needed =
            network.layers.iter().any(|layer| layer.inputs.contains(&Source::Input(self.unknown)))
                || network.outputs.contains(&Source::Input(self.unknown));
        if is_needed {
            network.inputs.push(unknown_input(String::new()));
        }
    }

    /// Whether a problem is, or may only be, a consequence of a mistake that has been told.
    pub fn is_consequence(&self, VerifyError { site, problem }: &VerifyError) -> bool {
        if let Problem::Dead { .. } = problem
            && self.dangling
        {
            return true;
        }
        if let Problem::Empty { what } = problem {
            return self.lost_lists.contains(what);
        }
        let is_name = problem.key() == "name";
        *site == Site::Input(self.unknown)
            || (is_name && self.unnamed.contains(site))
            || (!is_name && self.broken.contains(site))
    }
}

/// An input of which nothing can be inferred: no tensor is empty.
pub(crate) fn unknown_input(name: String) -> Input {
    Input { name, extents: vec![0], types: FixedType::new(Format::unsigned(1, 1)).into() }
}

/// `; legal: a, b, c`, as many as one wants to read.
fn legal_names(names: &[&str]) -> String {
    const MOST: usize = 12;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| quoted(name)).collect();
    match names.len() {
        0 => String::new(),
        count if count > MOST => format!("; legal: {} and {} more", shown.join(", "), count - MOST),
        _ => format!("; legal: {}", shown.join(", ")),
    }
}
