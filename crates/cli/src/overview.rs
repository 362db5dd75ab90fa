//! A network and its circuit in a few lines: the head of what `check` and `build` print.

use rtl4ml_circuit::Circuit;
use rtl4ml_ir::{InputId, Io, LatencyBound, Source, VerifiedNetwork};
use serde::Serialize;

use crate::page::{Page, cycles_text};

/// A network and its circuit, for scripts.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// The network.
    pub name: String,
    /// The part.
    pub part: String,
    /// The clock period in nanoseconds.
    pub clock_period_ns: f64,
    /// `parallel` or `stream`: how data enters and leaves.
    pub io: &'static str,
    /// The inputs.
    pub inputs: Vec<TensorOverview>,
    /// The outputs.
    pub outputs: Vec<TensorOverview>,
    /// What the circuit must keep.
    pub contract: ContractOverview,
    /// From the edge that takes an input to the edge at which its output is seen, if there is a
    /// circuit.
    pub latency_cycles: Option<u64>,
    /// The same in nanoseconds.
    pub latency_ns: Option<f64>,
    /// The fewest cycles between two inputs, if there is a circuit.
    pub initiation_interval_cycles: Option<u64>,
}

/// An input or an output of a network.
#[derive(Debug, Serialize)]
pub struct TensorOverview {
    /// Its name.
    pub name: String,
    /// Its extents.
    pub shape: Vec<usize>,
    /// The format of its elements, where they share one.
    pub format: Option<String>,
}

/// What a circuit must keep.
#[derive(Debug, Serialize)]
pub struct ContractOverview {
    /// The most cycles between two inputs.
    pub initiation_interval_cycles: Option<u64>,
    /// The most cycles from an input to its output.
    pub latency_cycles: Option<u64>,
}

impl Overview {
    /// The overview of a network and of its circuit, if there is one.
    pub fn of(verified: &VerifiedNetwork, circuit: Option<&Circuit>) -> Self {
        let network = verified.network();
        let clock = network.target.clock;
        let tensor = |source: Source| TensorOverview {
            name: network.source_name(source).to_owned(),
            shape: verified.tensor_type(source).shape.extents().to_vec(),
            format: verified.tensor_type(source).common_format().map(|f| f.to_string()),
        };
        let latency_cycles = circuit.map(|circuit| circuit.interface.latency_cycles);
        Self {
            name: network.name.clone(),
            part: network.target.part.to_string(),
            clock_period_ns: clock.period_ns(),
            io: network.io.word(),
            inputs: input_sources(verified).map(tensor).collect(),
            outputs: network.outputs.iter().copied().map(tensor).collect(),
            contract: ContractOverview {
                initiation_interval_cycles: network.contract.initiation_interval_cycles,
                latency_cycles: network.contract.latency.map(|b| b.cycles(clock.period_ps)),
            },
            latency_cycles,
            latency_ns: latency_cycles.map(|cycles| cycles as f64 * clock.period_ns()),
            initiation_interval_cycles: circuit.map(|c| c.interface.initiation_interval_cycles),
        }
    }
}

/// The inputs of a network, in order.
pub fn input_sources(network: &VerifiedNetwork) -> impl Iterator<Item = Source> + use<> {
    (0..network.network().inputs.len() as u32).map(|index| Source::Input(InputId(index)))
}

/// The network, an entry for each thing that is to be known of it.
pub fn describe_network(page: &mut Page, verified: &VerifiedNetwork) {
    let network = verified.network();
    let tensor = |source: Source| {
        let tensor = verified.tensor_type(source);
        format!("{} {} of {}", network.source_name(source), tensor.shape, tensor.format_text())
    };
    let interval = network.contract.initiation_interval_cycles;
    let interval =
        interval.map(|most| format!("initiation interval at most {}", cycles_text(most)));
    let latency = network.contract.latency.map(|bound| match bound {
        LatencyBound::Cycles(most) => format!("latency at most {}", cycles_text(most)),
        LatencyBound::Picoseconds(ps) => {
            let cycles = bound.cycles(network.target.clock.period_ps);
            format!("latency at most {} ns, which is {}", ps as f64 / 1e3, cycles_text(cycles))
        }
    });
    let contract: Vec<String> = [interval, latency].into_iter().flatten().collect();
    page.entry("network", &network.name);
    page.entry("part", &network.target.part.name);
    page.entry("clock", network.target.clock.to_string());
    if network.io == Io::Stream {
        page.entry("io", "stream: one pixel, all channels, a transfer");
    }
    for source in input_sources(verified) {
        page.entry("input", tensor(source));
    }
    for source in &network.outputs {
        page.entry("output", tensor(*source));
    }
    if !contract.is_empty() {
        page.entry("contract", contract.join(", "));
    }
}

/// The timing of a circuit.
pub fn describe_timing(page: &mut Page, verified: &VerifiedNetwork, circuit: &Circuit) {
    let latency = circuit.interface.latency_cycles;
    let latency_ns = latency as f64 * verified.network().target.clock.period_ns();
    page.entry("latency", format!("{} ({latency_ns:.1} ns)", cycles_text(latency)));
    page.entry("interval", cycles_text(circuit.interface.initiation_interval_cycles));
}
