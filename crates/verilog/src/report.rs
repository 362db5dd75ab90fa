//! The report: what was built, for people and for scripts.

use std::fmt::Write as _;

use rtl4ml_circuit::Circuit;
use rtl4ml_circuit::choose::{BudgetUse, Decision, budget_uses};
use rtl4ml_circuit::estimate::{Counts, Estimate, Estimated, Resources, Shares, estimate};
use rtl4ml_circuit::layer::Statistics;
use rtl4ml_ir::target::Device;
use rtl4ml_ir::{
    Constant, Io, Op, QuantizationReport, ResultType, Source, TensorType, VerifiedNetwork,
};
use serde::Serialize;

/// What is known of a circuit before synthesis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The network.
    pub name: String,
    /// The version of rtl4ml that built it.
    pub version: String,
    /// The part.
    pub part: String,
    /// The clock period in nanoseconds.
    pub clock_period_ns: f64,
    /// How data enters and leaves.
    pub io: &'static str,
    /// From the edge that takes an input to the edge at which its output is seen.
    pub latency_cycles: u64,
    /// The same in nanoseconds.
    pub latency_ns: f64,
    /// The fewest cycles between two inputs.
    pub initiation_interval_cycles: u64,
    /// Multipliers of all layers.
    pub multipliers: u64,
    /// What the network is expected to take on the part.
    pub estimate: NetworkEstimate,
    /// The ports of the top module.
    pub inputs: Vec<PortReport>,
    /// The ports of the top module.
    pub outputs: Vec<PortReport>,
    /// What it is expected to take of its budget, one entry a resource that has a bound.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budget: Vec<BudgetUse>,
    /// The layers, in the network's order.
    pub layers: Vec<LayerReport>,
    /// What was chosen for layers with `strategy: auto`, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// What the user should know: rounded weights, stages beyond the clock period.
    pub warnings: Vec<String>,
}

/// What a network is expected to take on its part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkEstimate {
    /// All of it.
    #[serde(flatten)]
    pub total: Resources,
    /// The part of it that belongs to no layer.
    pub between_layers: Resources,
    /// What share of the part it is.
    pub share: Shares,
    /// What share of the part belongs to no layer.
    pub between_share: Shares,
    /// What was counted; the estimate is this times the coefficients of the calibration.
    pub counts: Counts,
}

/// A port of the top module.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PortReport {
    /// The port's name.
    pub name: String,
    /// The tensor's name.
    pub tensor: String,
    /// The tensor's extents.
    pub shape: Vec<usize>,
    /// The elements' format, where they share one.
    pub format: Option<String>,
    /// The same for whoever reads: where they do not share one, what the formats span.
    #[serde(skip)]
    pub formats: String,
    /// In how many transfers the tensor travels; 1 unless it is streamed.
    pub transfers: usize,
    /// The port's width in bits.
    pub width: u64,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// Its type's word.
    pub kind: String,
    /// The names of what it reads.
    pub inputs: Vec<String>,
    /// The extents of each of its inputs.
    pub input_shapes: Vec<Vec<usize>>,
    /// The format of each of its inputs, where the elements share one.
    pub input_formats: Vec<Option<String>>,
    /// The extents of its output.
    pub output_shape: Vec<usize>,
    /// The format of its output, where the elements share one.
    pub output_format: Option<String>,
    /// The same for whoever reads: where they do not share one, what the formats span.
    #[serde(skip)]
    pub output_formats: String,
    /// The type of its weights.
    pub weight_type: Option<String>,
    /// The type of its bias.
    pub bias_type: Option<String>,
    /// The type of its accumulator; `auto` is exact.
    pub accum_type: Option<String>,
    /// The type to which its exact result is cast; `auto` is none.
    pub result_type: String,
    /// The strategy's word, for a layer with multipliers.
    pub strategy: Option<String>,
    /// The reuse factor, for a layer with multipliers.
    pub reuse_factor: Option<u64>,
    /// How many positions it computes at a time, where not all of them.
    pub parallelization_factor: Option<u64>,
    /// What its multipliers are to be built of.
    pub multiplier: Option<String>,
    /// The module that computes it; none where it is only wires.
    pub module: Option<String>,
    /// Cycles from its input to its output.
    pub latency_cycles: u32,
    /// The same in nanoseconds.
    pub latency_ns: f64,
    /// Cycles between two inputs.
    pub initiation_interval_cycles: u64,
    /// What it is made of.
    #[serde(flatten)]
    pub statistics: Statistics,
    /// What it is expected to take on the part.
    pub estimate: Resources,
    /// What share of the part that is.
    pub share: Shares,
    /// What rounding did to its constants.
    pub weights: Vec<WeightReport>,
}

/// What rounding did to the numbers of one constant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightReport {
    /// `weight` or `bias`.
    pub name: String,
    /// The type that they were cast to.
    pub ty: String,
    /// How many there are.
    pub count: usize,
    /// How many are 0.
    pub zeros: usize,
    /// How many the type did not hold exactly.
    pub changed: usize,
    /// How many of those left its range.
    pub overflowed: usize,
    /// The largest magnitude of a change.
    pub max_error: f64,
    /// The mean magnitude of the change.
    pub mean_error: f64,
}

impl Report {
    /// The report of a circuit.
    pub fn new(verified: &VerifiedNetwork, circuit: &Circuit) -> Self {
        let network = verified.network();
        let target = &network.target;
        let interface = &circuit.interface;
        let estimate = estimate(circuit);
        let layers: Vec<LayerReport> = estimate
            .layers
            .iter()
            .enumerate()
            .map(|(index, resources)| layer(verified, circuit, index, *resources))
            .collect();
        let inputs = (0..network.inputs.len() as u32).map(|i| Source::Input(rtl4ml_ir::InputId(i)));
        let ports = |ports: &[rtl4ml_circuit::Port], sources: Vec<Source>| {
            let port = |(port, source): (&rtl4ml_circuit::Port, Source)| PortReport {
                name: port.name.clone(),
                tensor: port.tensor.clone(),
                shape: port.shape.clone(),
                format: common_format(verified.tensor_type(source)),
                formats: verified.tensor_type(source).format_text(),
                transfers: port.transfers,
                width: port.width,
            };
            ports.iter().zip(sources).map(port).collect()
        };
        Self {
            name: network.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            part: target.part.to_string(),
            clock_period_ns: target.clock.period_ns(),
            io: interface.io.word(),
            latency_cycles: interface.latency_cycles,
            latency_ns: interface.latency_cycles as f64 * target.clock.period_ns(),
            initiation_interval_cycles: interface.initiation_interval_cycles,
            multipliers: layers.iter().map(|layer| layer.statistics.multipliers).sum(),
            estimate: NetworkEstimate::new(&estimate, target.part.device),
            inputs: ports(&interface.inputs, inputs.collect()),
            outputs: ports(&interface.outputs, network.outputs.clone()),
            warnings: warnings(verified, &layers),
            budget: budget_uses(verified, &estimate.total),
            decisions: circuit.decisions.clone(),
            layers,
        }
    }

    /// `report.json`.
    pub fn to_json(&self) -> String {
        // A report has neither maps with odd keys nor numbers that JSON lacks.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

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

impl NetworkEstimate {
    fn new(estimate: &Estimate, device: &Device) -> Self {
        Self {
            total: estimate.total,
            between_layers: estimate.between,
            share: estimate.total.shares(device),
            between_share: estimate.between.shares(device),
            counts: estimate.counts,
        }
    }
}

/// What the user should know of a circuit: rounded weights, stages beyond the clock period.
pub fn circuit_warnings(verified: &VerifiedNetwork, circuit: &Circuit) -> Vec<String> {
    let layer = |index| layer(verified, circuit, index, Resources::default());
    let layers: Vec<LayerReport> = (0..circuit.layers.len()).map(layer).collect();
    warnings(verified, &layers)
}

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

fn common_format(tensor: &TensorType) -> Option<String> {
    tensor.common_format().map(|format| format.to_string())
}

fn layer(
    verified: &VerifiedNetwork,
    circuit: &Circuit,
    index: usize,
    estimate: Resources,
) -> LayerReport {
    let network = verified.network();
    let layer = &network.layers[index];
    let built = &circuit.layers[index];
    let inputs = || layer.inputs.iter().map(|source| verified.tensor_type(*source));
    let output = verified.tensor_type(Source::Layer(rtl4ml_ir::LayerId(index as u32)));
    let kernel = layer.op.kernels().first();
    let implementation = kernel.map(|_| built.implementation);
    LayerReport {
        name: layer.name.clone(),
        kind: layer.op.kind().to_owned(),
        inputs: layer.inputs.iter().map(|s| network.source_name(*s).to_owned()).collect(),
        input_shapes: inputs().map(|input| input.shape.extents().to_vec()).collect(),
        input_formats: inputs().map(common_format).collect(),
        output_shape: output.shape.extents().to_vec(),
        output_format: common_format(output),
        output_formats: output.format_text(),
        weight_type: kernel.map(|kernel| kernel.weight.types.to_string()),
        bias_type: kernel
            .and_then(|kernel| kernel.bias.as_ref())
            .map(|bias| bias.types.to_string()),
        accum_type: kernel.map(|k| k.accum.map_or("auto".to_owned(), |ty| ty.to_string())),
        result_type: match layer.op.result_type() {
            ResultType::Auto => "auto".to_owned(),
            ResultType::Cast(types) => types.to_string(),
        },
        strategy: implementation.map(|i| i.strategy.word().to_owned()),
        reuse_factor: implementation.map(|i| i.reuse_factor),
        parallelization_factor: implementation
            .and_then(|i| i.parallelization_factor)
            .filter(|_| network.io == Io::Parallel),
        multiplier: implementation.map(|i| i.multiplier.word().to_owned()),
        module: built.module.clone(),
        latency_cycles: built.latency_cycles,
        latency_ns: f64::from(built.latency_cycles) * network.target.clock.period_ns(),
        initiation_interval_cycles: built.initiation_interval_cycles,
        statistics: built.statistics,
        estimate,
        share: estimate.shares(network.target.part.device),
        weights: weight_reports(&layer.op),
    }
}

/// One report for each key under which the layer has trained numbers.
fn weight_reports(op: &Op) -> Vec<WeightReport> {
    let constants = op.constants();
    let mut names: Vec<&str> = constants.iter().map(|(name, _)| *name).collect();
    names.dedup();
    let of_name = |name: &str| {
        let all = || constants.iter().filter(|(other, _)| *other == name).map(|(_, c)| *c);
        let report =
            all().map(|c| c.report).fold(QuantizationReport::default(), QuantizationReport::plus);
        let is_zero = |c: &Constant, index: usize| c.get(index).mantissa == 0;
        WeightReport {
            name: name.to_owned(),
            ty: all().next().map(|constant| constant.types.to_string()).unwrap_or_default(),
            count: report.count,
            zeros: all().map(|c| (0..c.len()).filter(|index| is_zero(c, *index)).count()).sum(),
            changed: report.changed,
            overflowed: report.overflowed,
            max_error: report.max_error,
            mean_error: report.mean_error,
        }
    };
    names.into_iter().map(of_name).collect()
}

fn warnings(verified: &VerifiedNetwork, layers: &[LayerReport]) -> Vec<String> {
    let mut warnings = Vec::new();
    let target = &verified.network().target;
    let budget_ps = rtl4ml_circuit::delay::DelayModel::new(target).budget_ps;
    for layer in layers {
        for weight in layer.weights.iter().filter(|weight| weight.overflowed > 0) {
            warnings.push(format!(
                "layer `{}`: {} of {} numbers of its {} are out of the range of {}",
                layer.name, weight.overflowed, weight.count, weight.name, weight.ty
            ));
        }
        let worst_ps = layer.statistics.worst_stage_ps;
        if worst_ps > budget_ps {
            let saturating = layer.accum_type.as_ref().is_some_and(|ty| ty.contains("SAT"));
            let advice = if saturating && layer.reuse_factor.is_some_and(|r| r > 1) {
                "; its saturating accumulator adds one product after the other: `accum: auto` needs one adder, a reuse factor that is a multiple of n_in one addition a cycle"
            } else {
                ""
            };
            warnings.push(format!(
                "layer `{}`: a stage takes {worst_ps} ps by the delay model, the clock leaves {budget_ps} ps{advice}",
                layer.name
            ));
        }
    }
    warnings
}
