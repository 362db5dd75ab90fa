//! The report: what was built, for people and for scripts.

mod layer;
mod markdown;

use rtl4ml_circuit::Circuit;
use rtl4ml_circuit::choose::{BudgetUse, Decision, budget_uses};
use rtl4ml_circuit::estimate::{Counts, Estimate, Resources, Shares, estimate};
use rtl4ml_ir::target::Device;
use rtl4ml_ir::{Source, TensorType, VerifiedNetwork};
use serde::Serialize;

use layer::layer;
pub use layer::{LayerReport, WeightReport};
pub use markdown::{RESOURCES, ResourceOf};

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

fn common_format(tensor: &TensorType) -> Option<String> {
    tensor.common_format().map(|format| format.to_string())
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
