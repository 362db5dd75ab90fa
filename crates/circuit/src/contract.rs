//! The contract of a network against the circuit that was built: kept, or refused with the reason
//! and the nearest that can be had, which is found by planning the network for other clocks.

use rtl4ml_ir::{Clock, Io, LatencyBound, Layer, Op, Target, VerifiedNetwork};

use crate::circuit::{Circuit, CircuitError, Planned};
use crate::delay::DelayModel;
use crate::distributed::Rule;

/// Whether the contract of a network allows a latency.
pub(crate) fn keeps_latency(network: &VerifiedNetwork, cycles: u64) -> bool {
    let clock = network.network().target.clock;
    let bound = network.network().contract.latency;
    bound.is_none_or(|bound| cycles <= bound.cycles(clock.period_ps))
}

/// Checks a circuit against the contract of its network.
pub(crate) fn check(network: &VerifiedNetwork, circuit: &Circuit) -> Result<(), CircuitError> {
    let contract = network.network().contract;
    let found = circuit.interface.initiation_interval_cycles;
    if let Some(asked) = contract.initiation_interval_cycles.filter(|asked| *asked < found) {
        return Err(interval_error(network, circuit, asked));
    }
    match contract.latency.filter(|_| !keeps_latency(network, circuit.interface.latency_cycles)) {
        Some(bound) => Err(latency_error(network, circuit, bound)),
        None => Ok(()),
    }
}

/// At most so many layers are told of.
const MOST_TOLD: usize = 8;

fn listed(mut texts: Vec<String>) -> String {
    let more = texts.len().saturating_sub(MOST_TOLD);
    texts.truncate(MOST_TOLD);
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    texts.join(", ")
}

/// A layer, its cycles and what makes them.
fn told(layer: &Layer, cycles: u64) -> String {
    let (name, reuse) = (&layer.name, layer.implementation.reuse_factor);
    if reuse > 1 {
        format!("`{name}` {cycles} with reuse_factor {reuse}")
    } else {
        format!("`{name}` {cycles}")
    }
}

fn interval_error(network: &VerifiedNetwork, circuit: &Circuit, asked: u64) -> CircuitError {
    let found = circuit.interface.initiation_interval_cycles;
    let slow: Vec<(&Layer, u64)> = network
        .network()
        .layers
        .iter()
        .zip(&circuit.layers)
        .map(|(layer, summary)| (layer, summary.initiation_interval_cycles))
        .filter(|(_, interval)| *interval > asked)
        .collect();
    let reasons = slow.iter().map(|(layer, interval)| told(layer, *interval)).collect();
    let advice = match network.network().io {
        Io::Stream => {
            "choose smaller reuse factors; a layer takes at least a cycle a transfer, and \
                       a window one a step over its padded image"
                .to_owned()
        }
        Io::Parallel => {
            let advice = slow.iter().map(|(layer, interval)| faster(layer, *interval, asked));
            format!("choose {}", listed(advice.collect()))
        }
    };
    CircuitError::InitiationInterval { asked, found, reason: listed(reasons), advice }
}

/// The largest reuse factor with which a layer keeps an interval, or the passes that it needs.
fn faster(layer: &Layer, found: u64, asked: u64) -> String {
    let (name, reuse) = (&layer.name, layer.implementation.reuse_factor);
    let passes = found / reuse;
    let shape = match &layer.op {
        Op::Dense(dense) => dense.kernel.shape(),
        Op::Conv(conv) => conv.groups.first().and_then(rtl4ml_ir::Kernel::shape),
        _ => None,
    };
    let products = shape.map_or(1, |shape| (shape.n_in * shape.n_out) as u64);
    let legal = (1..=asked / passes).rev().find(|factor| products.is_multiple_of(*factor));
    match (legal, layer.implementation.parallelization_factor) {
        (Some(factor), _) => format!("reuse_factor {factor} in `{name}`"),
        (None, Some(at_once)) => {
            let least = (at_once * passes).div_ceil(asked);
            format!("reuse_factor 1 and parallelization_factor {least} or more in `{name}`")
        }
        (None, None) => format!("another layer than `{name}`"),
    }
}

fn latency_error(
    network: &VerifiedNetwork,
    circuit: &Circuit,
    bound: LatencyBound,
) -> CircuitError {
    let clock = network.network().target.clock;
    let layers = network.network().layers.iter().zip(&circuit.layers);
    let slow = layers.map(|(layer, summary)| (layer, u64::from(summary.latency_cycles)));
    let reasons = slow.filter(|(_, cycles)| *cycles > 0);
    let reason = listed(reasons.map(|(layer, cycles)| told(layer, cycles)).collect());
    let asked = match bound {
        LatencyBound::Cycles(cycles) => format!("{cycles} cycles"),
        LatencyBound::Picoseconds(ps) => {
            format!("{:.3} ns ({} cycles)", ps as f64 / 1e3, bound.cycles(clock.period_ps))
        }
    };
    let advice = match nearest_clock(network, bound) {
        Some((mhz, cycles)) => format!("it can be kept at {mhz} MHz, with {cycles} cycles"),
        None if has_reuse(network) => "no clock keeps it; choose smaller reuse factors".to_owned(),
        None => "no clock keeps it".to_owned(),
    };
    let found = circuit.interface.latency_cycles;
    CircuitError::Latency { asked, clock, found, reason, advice }
}

fn has_reuse(network: &VerifiedNetwork) -> bool {
    network.network().layers.iter().any(|layer| layer.implementation.reuse_factor > 1)
}

/// The latency of a network at another clock, with the fewest levels of adders.
fn latency_at(network: &VerifiedNetwork, clock: Clock) -> Option<u64> {
    let target = Target { clock, ..network.network().target.clone() };
    let planned = Planned::new(network, &DelayModel::new(&target), Rule::Quick).ok()?;
    Some(planned.latency_cycles(network))
}

/// A clock near the network's, in whole megahertz, at which it keeps the bound, and the cycles that
/// it then takes.
///
/// A slower clock takes no more cycles, so that the fastest clock for a bound in cycles is found by
/// halving. A bound in time is kept in so many cycles by the slowest clock that has them within it,
/// or by none: there is a clock to try for each number of cycles, up to twice those that the
/// network's own clock has within the bound, and the nearest comes first.
fn nearest_clock(network: &VerifiedNetwork, bound: LatencyBound) -> Option<(u64, u64)> {
    let own = network.network().target.clock.mhz() as u64;
    let kept = |mhz: u64| {
        let clock = Clock::from_mhz(mhz as f64)?;
        let cycles = latency_at(network, clock)?;
        (cycles <= bound.cycles(clock.period_ps)).then_some((mhz, cycles))
    };
    match bound {
        LatencyBound::Cycles(_) => {
            let mut best = kept(1)?;
            let mut too_fast = own + 1;
            while best.0 + 1 < too_fast {
                let middle = u64::midpoint(best.0, too_fast);
                match kept(middle) {
                    Some(found) => best = found,
                    None => too_fast = middle,
                }
            }
            Some(best)
        }
        LatencyBound::Picoseconds(ps) => {
            let most = 2 * (ps * own).div_ceil(1_000_000);
            let mut clocks: Vec<u64> =
                (1..=most).map(|cycles| (cycles * 1_000_000).div_ceil(ps)).collect();
            clocks.sort_by_key(|mhz| mhz.abs_diff(own));
            clocks.into_iter().find_map(kept)
        }
    }
}
