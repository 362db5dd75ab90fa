//! What a circuit will take on the part, before any synthesis.
//!
//! The modules are taken apart into bits (`flatten`, `bits`), as synthesis does, and what they need
//! is counted (`count`): registers, shift registers, DSP blocks, memories, and look-up tables by a
//! cover of the gates (`cover`). A few coefficients turn counts into what
//! Yosys gives; they and their error bars come from the designs of `benchmarks/calibration`, which
//! `benchmarks/calibrate.py` builds, synthesizes and fits.
//!
//! Guarantees: the sum of the layers' estimates, and of what is between them, is the network's;
//! the same circuit has the same estimate.

mod arithmetic;
mod bits;
mod count;
mod cover;
mod drivers;
mod expression;
mod flatten;

use std::fmt;
use std::sync::LazyLock;

use rtl4ml_hdl::Design;
use rtl4ml_ir::target::Device;
use serde::{Deserialize, Serialize};

use crate::circuit::Circuit;
pub use count::Counts;

/// How counts become estimates, as `benchmarks/calibrate.py` writes it.
const COEFFICIENTS: &str = include_str!("../../../../benchmarks/calibration/coefficients.json");

/// What becomes of counts.
#[derive(Clone, Debug, Deserialize)]
struct Coefficients {
    lut: LutCoefficients,
    ff: Coefficient,
    srl: Coefficient,
    dsp: Coefficient,
    bram: Coefficient,
    lutram: Coefficient,
}

/// The look-up tables for each that is counted, and the error bars of their sum.
#[derive(Clone, Debug, Deserialize)]
struct LutCoefficients {
    chain: f64,
    logic: f64,
    table: f64,
    #[serde(flatten)]
    bars: Bars,
}

/// A factor, and the error bars of what it gives.
#[derive(Clone, Debug, Deserialize)]
struct Coefficient {
    factor: f64,
    #[serde(flatten)]
    bars: Bars,
}

/// The 10th and 90th percentile of measured over estimated, over the calibration's designs.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Bars {
    low: f64,
    high: f64,
}

static COEFFICIENT: LazyLock<Coefficients> = LazyLock::new(|| {
    serde_json::from_str(COEFFICIENTS)
        .expect("calibrate.py writes what this reads; a test reads it")
});

/// A number that is expected, and between which two four of five measured ones were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimated {
    /// The expected number.
    pub value: u64,
    /// One of ten was lower.
    pub low: u64,
    /// One of ten was higher.
    pub high: u64,
}

/// What a layer, or a network, will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Resources {
    /// Look-up tables of logic.
    pub lut: Estimated,
    /// Flip-flops.
    pub ff: Estimated,
    /// Look-up tables that are shift registers.
    pub srl: Estimated,
    /// Look-up tables that are memories.
    pub lutram: Estimated,
    /// DSP blocks.
    pub dsp: Estimated,
    /// Block RAMs, in halves of 36 kilobit.
    pub half_bram: Estimated,
}

/// What share of a device something takes, 1 being all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Shares {
    /// Of its look-up tables; memories and shift registers of look-up tables count.
    pub lut: f64,
    /// Of its flip-flops.
    pub ff: f64,
    /// Of its DSP blocks.
    pub dsp: f64,
    /// Of its block RAMs.
    pub bram: f64,
}

/// The estimates of a circuit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// One a layer, in the network's order.
    pub layers: Vec<Resources>,
    /// What belongs to no layer: handshakes, tensors that wait for others, output registers.
    pub between: Resources,
    /// All of it.
    pub total: Resources,
    /// What the total was made from.
    pub counts: Counts,
}

impl Estimated {
    fn new(value: f64, bars: Bars) -> Self {
        let round = |value: f64| value.round() as u64;
        let value = value.max(0.0);
        // Exact where it is small: a bar of less than one is none.
        let (low, high) = (round(value * bars.low), round(value * bars.high));
        Self { value: round(value), low: low.min(round(value)), high: high.max(round(value)) }
    }

    fn sum(all: impl Iterator<Item = Self>, bars: Bars) -> Self {
        Self::new(all.map(|one| one.value as f64).sum(), bars)
    }
}

impl fmt::Display for Estimated {
    /// The expected number and, where it is not certain, its bars.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, low, high } = self;
        if low == high { write!(f, "{value}") } else { write!(f, "{value} ({low}-{high})") }
    }
}

impl Resources {
    fn of(counts: &Counts) -> Self {
        let Coefficients { lut, ff, srl, dsp, bram, lutram } = &*COEFFICIENT;
        let luts = lut.chain * counts.chain_luts as f64
            + lut.logic * counts.logic_luts as f64
            + lut.table * counts.table_luts as f64;
        let times =
            |count: u64, by: &Coefficient| Estimated::new(count as f64 * by.factor, by.bars);
        Self {
            lut: Estimated::new(luts, lut.bars),
            ff: times(counts.flip_flops, ff),
            srl: times(counts.shift_registers, srl),
            lutram: times(counts.memory_luts, lutram),
            dsp: times(counts.dsps, dsp),
            half_bram: times(counts.half_block_rams, bram),
        }
    }

    /// All look-up tables, whatever they are used for.
    pub fn all_luts(&self) -> Estimated {
        let all = [self.lut, self.srl, self.lutram];
        let sum = |field: fn(&Estimated) -> u64| all.iter().map(field).sum();
        Estimated { value: sum(|e| e.value), low: sum(|e| e.low), high: sum(|e| e.high) }
    }

    /// The shares of a device.
    pub fn shares(&self, device: &Device) -> Shares {
        let share = |value: u64, of: u32| value as f64 / f64::from(of);
        Shares {
            lut: share(self.all_luts().value, device.luts),
            ff: share(self.ff.value, device.flip_flops),
            dsp: share(self.dsp.value, device.dsps),
            bram: share(self.half_bram.value, 2 * device.block_rams),
        }
    }

    /// The sum of several, so that rows add up to their total.
    fn sum(all: &[Self]) -> Self {
        let of =
            |field: fn(&Self) -> Estimated, bars: Bars| Estimated::sum(all.iter().map(field), bars);
        let Coefficients { lut, ff, srl, dsp, bram, lutram } = &*COEFFICIENT;
        Self {
            lut: of(|one| one.lut, lut.bars),
            ff: of(|one| one.ff, ff.bars),
            srl: of(|one| one.srl, srl.bars),
            lutram: of(|one| one.lutram, lutram.bars),
            dsp: of(|one| one.dsp, dsp.bars),
            half_bram: of(|one| one.half_bram, bram.bars),
        }
    }
}

/// Estimates what a circuit takes.
pub fn estimate(circuit: &Circuit) -> Estimate {
    let between = circuit.layers.len();
    let owners: Vec<u32> = circuit
        .design
        .top()
        .instances
        .iter()
        .map(|instance| {
            let has = |layer: &crate::LayerSummary| layer.instances.contains(&instance.name);
            circuit.layers.iter().position(has).unwrap_or(between) as u32
        })
        .collect();
    let (network, outputs) = flatten::flatten(&circuit.design, &owners, between as u32);
    let counts = count::count(&network, &outputs, between + 1);
    let mut resources: Vec<Resources> = counts.iter().map(Resources::of).collect();
    let total = Resources::sum(&resources);
    let mut sum = Counts::default();
    for layer in &counts {
        sum.add(layer);
    }
    let between = resources.pop().unwrap_or_default();
    Estimate { layers: resources, between, total, counts: sum }
}

/// Estimates what a design takes as a whole, whatever its modules are.
pub(crate) fn estimate_design(design: &Design) -> Resources {
    let owners = vec![0; design.top().instances.len()];
    let (network, outputs) = flatten::flatten(design, &owners, 0);
    let counts = count::count(&network, &outputs, 1);
    counts.first().map(Resources::of).unwrap_or_default()
}

#[cfg(test)]
mod tests;
