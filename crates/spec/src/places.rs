//! From the verifier's errors back to the keys of the spec that they are about.

use rtl4ml_ir::{InputId, LayerId, Site, VerifyError};

use crate::diagnostics::{Mistakes, quoted};
use crate::layers::Renamed;
use crate::source::Span;
use crate::yaml::Node;

/// The nodes of a spec's parts, which the verifier's errors are mapped back to.
pub(crate) struct Places<'n> {
    pub root: &'n Node,
    pub inputs: Vec<&'n Node>,
    /// One for each layer of the graph, of which several may come from one of the spec.
    pub layers: Vec<LayerPlace<'n>>,
    pub outputs: Vec<&'n Node>,
}

/// Where a layer of the graph comes from.
#[derive(Clone, Copy)]
pub(crate) struct LayerPlace<'n> {
    pub node: &'n Node,
    /// Keys that the spec calls otherwise than the verifier does.
    pub renamed: Renamed,
}

/// Keys for which a layer may have another one.
const OTHER_KEYS: [(&str, &str); 4] = [
    ("shape", "target_shape"),
    ("kernel_size", "pool_size"),
    ("scale", "variance"),
    ("shift", "mean"),
];

impl Places<'_> {
    /// Tells a problem at the key that it is about.
    pub fn tell(&self, network_names: &[String], error: &VerifyError, mistakes: &mut Mistakes) {
        let VerifyError { site, problem } = error;
        let key = problem.key();
        match site {
            Site::Layer(LayerId(index)) => {
                let name = quoted(&network_names[*index as usize]);
                let text = problem.to_string();
                let message =
                    if text.contains(&name) { text } else { format!("layer {name}: {text}") };
                let LayerPlace { node, renamed } = self.layers[*index as usize];
                let own_key = renamed.iter().find(|(known, _)| *known == key);
                let own_key = own_key.map_or(key, |(_, own_key)| *own_key);
                let (span, is_default) = self.layer_place(node, key, own_key);
                let help = is_default.then(|| {
                    format!("give layer {name} a `{own_key}` of its own, or change the default")
                });
                mistakes.add_with_help(span, message, help);
            }
            Site::Input(InputId(index)) => {
                let node = self.inputs.get(*index as usize).copied();
                let span =
                    node.map_or(Span::START, |node| value_span(node, key).unwrap_or(node.span));
                mistakes.add(span, problem.to_string());
            }
            Site::Output(index) => {
                let node = self.outputs.get(*index).copied();
                let span = node.or_else(|| self.root_value("outputs"));
                mistakes.add(span.map_or(Span::START, |node| node.span), problem.to_string());
            }
            Site::Network => {
                let [contract, budget] = ["contract", "budget"].map(|part| self.root_value(part));
                let span = value_span(self.root, key)
                    .or_else(|| value_span(contract?, key))
                    .or_else(|| value_span(budget?, key))
                    .unwrap_or(Span::START);
                mistakes.add(span, problem.to_string());
            }
        }
    }

    fn root_value(&self, key: &str) -> Option<&Node> {
        self.root.entry(key).map(|entry| &entry.value)
    }

    /// Where a key of a layer was given, and whether that is among the defaults.
    fn layer_place(&self, layer: &Node, key: &str, own_key: &str) -> (Span, bool) {
        let others = OTHER_KEYS.into_iter().filter(|(known, _)| *known == own_key);
        let mut keys = [own_key].into_iter().chain(others.map(|(_, other)| other));
        if let Some(span) = keys.find_map(|key| value_span(layer, key)) {
            return (span, false);
        }
        let defaults = self.root_value("defaults");
        if let Some(span) = defaults.and_then(|defaults| value_span(defaults, key)) {
            return (span, true);
        }
        (value_span(layer, "type").unwrap_or(layer.span), false)
    }
}

fn value_span(node: &Node, key: &str) -> Option<Span> {
    node.entry(key).map(|entry| entry.value.span)
}
