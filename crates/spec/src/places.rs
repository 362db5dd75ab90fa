//! From the verifier's errors back to the keys of the spec that they are about.

use rtl4ml_ir::{InputId, LayerId, Site, VerifyError};

use crate::diagnostics::{Mistakes, quoted};
use crate::source::Span;
use crate::yaml::Node;

/// The nodes of a spec's parts, which the verifier's errors are mapped back to.
pub(crate) struct Places<'n> {
    pub root: &'n Node,
    pub inputs: Vec<&'n Node>,
    pub layers: Vec<&'n Node>,
    pub outputs: Vec<&'n Node>,
}

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
                let node = self.layers[*index as usize];
                let (span, is_default) = self.layer_place(node, key);
                let help = is_default.then(|| {
                    format!("give layer {name} a `{key}` of its own, or change the default")
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
                let contract = self.root_value("contract");
                let span = value_span(self.root, key)
                    .or_else(|| value_span(contract?, key))
                    .unwrap_or(Span::START);
                mistakes.add(span, problem.to_string());
            }
        }
    }

    fn root_value(&self, key: &str) -> Option<&Node> {
        self.root.entry(key).map(|entry| &entry.value)
    }

    /// Where a key of a layer was given, and whether that is among the defaults.
    fn layer_place(&self, layer: &Node, key: &str) -> (Span, bool) {
        let own = value_span(layer, key).or_else(|| {
            // The other name of the same key.
            value_span(layer, if key == "shape" { "target_shape" } else { key })
        });
        if let Some(span) = own {
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
