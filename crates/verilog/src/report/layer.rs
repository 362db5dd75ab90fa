//! What is said of each layer.

use rtl4ml_circuit::Circuit;
use rtl4ml_circuit::estimate::{Resources, Shares};
use rtl4ml_circuit::layer::Statistics;
use rtl4ml_ir::{Constant, Io, Op, QuantizationReport, ResultType, Source, VerifiedNetwork};
use serde::Serialize;

use super::common_format;

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

pub(super) fn layer(
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
