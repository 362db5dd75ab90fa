//! A network over the reuse factors that it can have: what each would take.
//!
//! Guarantees: each point is a circuit that was built, not simulated; a layer has the largest
//! factor that is legal for it and no larger than that of the point; all else is as in the spec,
//! but that points are not held to the contract.

use rtl4ml_circuit::LayerSummary;
use rtl4ml_circuit::estimate::{Resources, Shares, estimate};
use rtl4ml_ir::{
    Budget, Contract, Layer, Network, Strategy, VerifiedNetwork, layers::nearest_divisors,
};
use serde::Serialize;

/// The largest reuse factor that is tried.
const MOST: u64 = 1024;

/// A network with one reuse factor.
#[derive(Debug, Serialize)]
pub struct Point {
    /// The reuse factor that no layer exceeds.
    pub reuse_factor: u64,
    /// The layers with multipliers.
    pub layers: Vec<PointLayer>,
    /// Cycles from an input to its output.
    pub latency_cycles: u64,
    /// The same in nanoseconds.
    pub latency_ns: f64,
    /// Cycles between two inputs.
    pub initiation_interval_cycles: u64,
    /// What it is expected to take.
    pub estimate: Resources,
    /// What share of the part that is.
    pub share: Shares,
}

/// How a layer of a point is built.
#[derive(Debug, Serialize)]
pub struct PointLayer {
    /// Its name.
    pub name: String,
    /// The strategy's word.
    pub strategy: &'static str,
    /// Its reuse factor.
    pub reuse_factor: u64,
}

/// The points of a network at 1, 2, 4, ..., and why others are none.
pub fn scan(verified: &VerifiedNetwork) -> (Vec<Point>, Vec<String>) {
    let network = verified.network();
    let products = network.layers.iter().filter_map(products);
    let most = products.max().unwrap_or(1).min(MOST);
    let mut points: Vec<Point> = Vec::new();
    let mut notes = Vec::new();
    let mut before: Option<Network> = None;
    for power in (0..).map(|exponent| 1_u64 << exponent).take_while(|power| *power <= most) {
        let changed = with_factor(network, power);
        if before.as_ref() == Some(&changed) {
            continue;
        }
        match point(&changed, power) {
            Ok(point) => points.push(point),
            Err(reason) => notes.push(format!("no point for reuse factor {power}: {reason}")),
        }
        before = Some(changed);
    }
    (points, notes)
}

/// The products of a position of a layer, which its reuse factor divides.
fn products(layer: &Layer) -> Option<u64> {
    layer.op.kernel_shape().map(|shape| shape.n_in as u64 * shape.n_out as u64)
}

/// The network with factors up to this one.
fn with_factor(network: &Network, most: u64) -> Network {
    let mut network = network.clone();
    network.contract = Contract::default();
    network.budget = Budget::default();
    for layer in &mut network.layers {
        let Some(products) = products(layer) else { continue };
        let implementation = &mut layer.implementation;
        implementation.reuse_factor = nearest_divisors(products, most).0.unwrap_or(1);
        implementation.reuse_factor_is_fixed = true;
        // Shifted adders cannot be shared; multipliers can.
        if implementation.reuse_factor > 1
            && implementation.strategy == Strategy::DistributedArithmetic
        {
            implementation.strategy = Strategy::Latency;
        }
    }
    network
}

fn point(network: &Network, reuse_factor: u64) -> Result<Point, String> {
    let verified = rtl4ml_ir::verify(network.clone())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let circuit = rtl4ml_circuit::build(&verified).map_err(|error| error.to_string())?;
    let of = |(layer, built): (&Layer, &LayerSummary)| {
        products(layer).map(|_| PointLayer {
            name: layer.name.clone(),
            strategy: built.implementation.strategy.word(),
            reuse_factor: built.implementation.reuse_factor,
        })
    };
    let latency_cycles = circuit.interface.latency_cycles;
    let estimate = estimate(&circuit).total;
    Ok(Point {
        reuse_factor,
        layers: network.layers.iter().zip(&circuit.layers).filter_map(of).collect(),
        latency_cycles,
        latency_ns: latency_cycles as f64 * network.target.clock.period_ns(),
        initiation_interval_cycles: circuit.interface.initiation_interval_cycles,
        estimate,
        share: estimate.shares(network.target.part.device),
    })
}
