//! Ways that part and meet again: where the buffers are that make up for the slower one's time.

use std::collections::BTreeSet;

use rtl4ml_ir::{Layer, LayerId};

use super::{Front, Part, Planner};
use crate::stream::model::ChannelId;

impl Planner<'_> {
    /// Where ways that began together meet again, the faster ones are buffered.
    pub(super) fn balance(&mut self, id: LayerId, layer: &Layer, inputs: &mut [ChannelId]) {
        let ancestors: Vec<BTreeSet<usize>> =
            inputs.iter().map(|input| self.ancestors(*input)).collect();
        for index in 0..inputs.len() {
            let meets =
                |other: usize| other != index && !ancestors[index].is_disjoint(&ancestors[other]);
            if !(0..inputs.len()).any(meets) {
                continue;
            }
            let input = inputs[index];
            if let Part::Stage(stage) = &mut self.parts[self.channels[input.0].producer] {
                stage.is_balancing = true;
            } else {
                let name = format!("{}_skip{index}", layer.name);
                let transfer = self.channels[input.0].transfer.clone();
                inputs[index] = self.buffer(id, name, Front::Gate, input, transfer, true);
            }
        }
    }

    /// The part that feeds a stream, and all before it.
    fn ancestors(&self, channel: ChannelId) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.channels[channel.0].producer];
        while let Some(part) = open.pop() {
            if found.insert(part) {
                let inputs: &[ChannelId] = match &self.parts[part] {
                    Part::Input { .. } => &[],
                    Part::Stage(stage) => &stage.inputs,
                    Part::Emit { input, .. }
                    | Part::Fork { input, .. }
                    | Part::Output { input } => std::slice::from_ref(input),
                };
                open.extend(inputs.iter().map(|input| self.channels[input.0].producer));
            }
        }
        found
    }
}
