//! `report.md`: the report for people.

use std::fmt::Write as _;

use rtl4ml_circuit::estimate::{Estimated, Resources};
use rtl4ml_ir::Io;

use super::Report;

/// One of the resources.
pub type ResourceOf = fn(&Resources) -> Estimated;

/// The columns of the resources: their header and their estimate.
pub const RESOURCES: [(&str, ResourceOf); 6] = [
    ("LUT", |r| r.lut),
    ("LUT as shift register", |r| r.srl),
    ("LUT as memory", |r| r.lutram),
    ("FF", |r| r.ff),
    ("DSP", |r| r.dsp),
    ("half BRAM", |r| r.half_bram),
];

impl Report {
    /// What each layer is expected to take.
    fn resources(&self, text: &mut String) {
        let headers: Vec<&str> = RESOURCES.iter().map(|(header, _)| *header).collect();
        let rule = "---|".repeat(headers.len() + 1);
        let _ = writeln!(
            text,
            "\n## Expected resources\n\nBefore synthesis; four of five designs of the calibration lie within the brackets.\n\n\
             | layer | {} |\n|{rule}",
            headers.join(" | ")
        );
        let layers = self.layers.iter().map(|layer| (layer.name.as_str(), &layer.estimate));
        let rest =
            [("between layers", &self.estimate.between_layers), ("all", &self.estimate.total)];
        for (name, resources) in layers.chain(rest) {
            let cells: Vec<String> =
                RESOURCES.iter().map(|(_, of)| of(resources).to_string()).collect();
            let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
        }
    }

    /// `report.md`.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# {}\n\nPart {}, clock period {:.3} ns, io {}, rtl4ml {}.\n\n\
             - latency: {} cycles ({:.1} ns)\n- initiation interval: {} cycles\n- multipliers: {}\n",
            self.name,
            self.part,
            self.clock_period_ns,
            self.io,
            self.version,
            self.latency_cycles,
            self.latency_ns,
            self.initiation_interval_cycles,
            self.multipliers,
        );
        text.push_str(
            "\n## Ports\n\n| port | tensor | shape | format | transfers | bits |\n|---|---|---|---|---|---|\n",
        );
        for (direction, port) in self
            .inputs
            .iter()
            .map(|port| ("input", port))
            .chain(self.outputs.iter().map(|port| ("output", port)))
        {
            let format = &port.formats;
            // Writing to a string cannot fail, here and below.
            let _ = writeln!(
                text,
                "| {direction} `{}` | {} | {:?} | {format} | {} | {} |",
                port.name, port.tensor, port.shape, port.transfers, port.width
            );
        }
        text.push_str(
            "\n## Layers\n\n| layer | type | reads | shape | result | strategy | reuse factor | positions at once | multipliers | \
             DSP blocks | adders | register bits | ROM bits | RAM bits | latency | interval | longest stage |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
        );
        for layer in &self.layers {
            let statistics = layer.statistics;
            let number = |value: Option<u64>| value.map_or("-".to_owned(), |v| v.to_string());
            let mut shapes: Vec<String> =
                layer.input_shapes.iter().map(|shape| format!("{shape:?}")).collect();
            shapes.dedup();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} -> {:?} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} ps |",
                layer.name,
                layer.kind,
                layer.inputs.join(", "),
                shapes.join(", "),
                layer.output_shape,
                layer.output_formats,
                layer.strategy.as_deref().unwrap_or("-"),
                number(layer.reuse_factor),
                number(layer.parallelization_factor),
                statistics.multipliers,
                statistics.dsp_blocks,
                statistics.adders,
                statistics.register_bits,
                statistics.rom_bits,
                statistics.ram_bits,
                layer.latency_cycles,
                layer.initiation_interval_cycles,
                statistics.worst_stage_ps,
            );
        }
        if self.io == Io::Stream.word() {
            text.push_str(
                "\nLatency is that of the arithmetic of one result, interval the fewest cycles of a frame.\n",
            );
        }
        self.resources(&mut text);
        text.push_str(&crate::choices::markdown(&self.budget, &self.decisions));
        text.push_str(
            "\n## Weights\n\n| layer | constant | type | count | zeros | rounded | out of range | \
             largest change | mean change |\n|---|---|---|---|---|---|---|---|---|\n",
        );
        for layer in &self.layers {
            for weight in &layer.weights {
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | {} | {} | {} | {:.3e} | {:.3e} |",
                    layer.name,
                    weight.name,
                    weight.ty,
                    weight.count,
                    weight.zeros,
                    weight.changed,
                    weight.overflowed,
                    weight.max_error,
                    weight.mean_error
                );
            }
        }
        if !self.warnings.is_empty() {
            text.push_str("\n## Warnings\n\n");
            for warning in &self.warnings {
                let _ = writeln!(text, "- {warning}");
            }
        }
        text
    }
}
