//! `strategy: auto`: how each such layer is built, chosen before the network is.
//!
//! Each layer's candidates are built alone and estimated, equal layers once; a search takes the
//! choice of the lowest price that keeps contract and budget by the sum of them; the network is
//! built, and what the sum lacked of it corrects the next search, a few times at most. The price
//! of a candidate is the sum, over LUT, FF, DSP and BRAM, of what it takes by what there is: of the
//! budget where that says so, else of the part.
//!
//! Without `initiation_interval` in the contract, the interval is the least that the network can
//! have; it is raised, step by step, only where the budget cannot be kept otherwise.
//!
//! What this module guarantees: what it returns is built and estimated as a whole; a network without
//! such layers is built as it says; nothing is chosen by time, and what a layer computes is not
//! touched.

mod alone;
mod candidates;
mod reason;
mod search;

use std::borrow::Cow;

use rtl4ml_ir::{Allowance, Budget, Implementation, LayerId, Strategy, VerifiedNetwork};
use serde::Serialize;

use crate::circuit::{Circuit, CircuitError, assemble};
use crate::delay::DelayModel;
use crate::estimate::{Resources, estimate};
use alone::Alone;
pub use reason::{BudgetUse, budget_uses};
use search::{Bounds, Choice, Cost, Problem, Total, search};

/// How a layer with `strategy: auto` is built, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// The layer.
    pub layer: String,
    /// What was looked at.
    pub candidates: Vec<Candidate>,
    /// The number of the candidate that was taken.
    pub taken: usize,
    /// Why, in a sentence.
    pub reason: String,
}

/// A way to build a layer, and what the layer alone would take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The strategy's word.
    pub strategy: &'static str,
    /// The word for what multipliers are built of.
    pub multiplier: &'static str,
    /// The reuse factor.
    pub reuse_factor: u64,
    /// How many positions are computed at a time, where not all of them.
    pub parallelization_factor: Option<u64>,
    /// Look-up tables, whatever they are used for.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// DSP blocks.
    pub dsp: u64,
    /// Block RAMs, in halves of 36 kilobit.
    pub half_bram: u64,
    /// Cycles that it adds to the latency.
    pub latency_cycles: u64,
    /// Cycles between two inputs, or two frames of a stream.
    pub initiation_interval_cycles: u64,
    /// The sum of what it takes of the budget, or of the part.
    pub price: f64,
}

/// A network that is built, as it was chosen to be.
#[derive(Debug)]
pub(crate) struct Chosen<'a> {
    /// The network, without `auto`.
    pub network: Cow<'a, VerifiedNetwork>,
    /// Its circuit.
    pub circuit: Circuit,
    /// What keeps it from being what was asked for, beside the contract.
    pub over_budget: Option<CircuitError>,
}

/// Builds a network, with its `auto` layers chosen.
pub(crate) fn chosen(verified: &VerifiedNetwork) -> Result<Chosen<'_>, CircuitError> {
    let network = verified.network();
    let is_auto = |strategy| strategy == Strategy::Auto;
    if network.layers.iter().any(|layer| is_auto(layer.implementation.strategy)) {
        return Chooser::new(verified).run();
    }
    let circuit = assemble(verified)?;
    let over_budget = if network.budget.is_empty() {
        None
    } else {
        reason::over_budget(verified, &estimate(&circuit).total, None)
    };
    Ok(Chosen { network: Cow::Borrowed(verified), circuit, over_budget })
}

/// At most so many times is the network built for one interval.
const ROUNDS: usize = 4;

/// At most so many longer intervals are tried for a budget.
const MOST_STEPS: usize = 24;

/// Why layers may take so many cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// The contract has it.
    Contract(u64),
    /// The network cannot be faster.
    Least(u64),
    /// The budget needs it.
    Raised(u64),
}

impl Limit {
    fn cycles(self) -> u64 {
        match self {
            Self::Contract(cycles) | Self::Least(cycles) | Self::Raised(cycles) => cycles,
        }
    }
}

/// A layer to choose for.
struct AutoLayer {
    id: LayerId,
    alone: Alone,
    /// An equal layer before it, whose candidates are its own.
    same_as: Option<usize>,
    /// What was looked at so far; `None` is what cannot be built.
    looked_at: Vec<(Implementation, Option<Cost>)>,
}

/// A network that was built.
struct Attempt {
    network: VerifiedNetwork,
    circuit: Circuit,
    estimate: Resources,
    limit: Limit,
    choice: Choice,
    /// The candidates of each layer that were chosen from.
    options: Vec<Vec<(Implementation, Cost)>>,
    /// What it takes.
    total: Total,
    /// By how much it exceeds the bounds.
    excess: f64,
}

struct Chooser<'a> {
    verified: &'a VerifiedNetwork,
    model: DelayModel,
    bounds: Bounds,
    layers: Vec<AutoLayer>,
    /// The least interval of the network.
    least_interval: u64,
    /// The interval with which no layer can have longer ones.
    most_interval: u64,
}

/// The bounds of a network.
fn bounds(verified: &VerifiedNetwork) -> Bounds {
    let network = verified.network();
    let allowances = network.budget.allowances(network.target.part.device);
    // Half a block RAM is what is counted.
    let unit = |allowance: &Allowance| if allowance.key == Budget::KEYS[3] { 2 } else { 1 };
    let most = allowances.map(|a| a.most().map(|most| most.saturating_mul(unit(&a))));
    let period_ps = network.target.clock.period_ps;
    Bounds {
        most,
        available: allowances.map(|a| a.most().unwrap_or(a.available).saturating_mul(unit(&a))),
        latency: network.contract.latency.map(|bound| bound.cycles(period_ps)),
    }
}

impl<'a> Chooser<'a> {
    fn new(verified: &'a VerifiedNetwork) -> Self {
        let network = verified.network();
        let (mut layers, mut least_interval, mut most_interval) = (Vec::<AutoLayer>::new(), 1, 1);
        for (id, layer) in network.layers_with_ids() {
            let Some(alone) = Alone::of(verified, id, layer) else { continue };
            let wanted = alone.wanted();
            let is_free = wanted.strategy == Strategy::Auto && alone.products().is_some();
            let fastest = match candidates::implementations(&alone, 1).first() {
                Some(fastest) if is_free => alone.cycles(fastest),
                _ => alone.cycles(&wanted),
            };
            least_interval = least_interval.max(alone.interval(fastest));
            if is_free {
                most_interval = most_interval.max(alone.interval(alone.all_products().max(1)));
                let same_as = layers.iter().position(|other| other.alone == alone);
                layers.push(AutoLayer { id, alone, same_as, looked_at: Vec::new() });
            }
        }
        let model = DelayModel::new(&network.target);
        let bounds = bounds(verified);
        Self { verified, model, bounds, layers, least_interval, most_interval }
    }

    fn run(mut self) -> Result<Chosen<'a>, CircuitError> {
        let network = self.verified.network();
        let first = match network.contract.initiation_interval_cycles {
            Some(cycles) => Limit::Contract(cycles),
            None => Limit::Least(self.least_interval),
        };
        let mut found = self.at_limit(first)?;
        if self.bounds.excess_of_resources(&found.total) == 0.0 {
            return Ok(self.answer(found, None));
        }
        let has_contract = matches!(first, Limit::Contract(_));
        let mut nearest: Option<(u64, f64)> = None;
        for cycles in self.longer_intervals(first.cycles()) {
            let costs = costs(&self.options(cycles)?);
            let rest = found.rest();
            let choice = search(&Problem { options: &costs, rest, bounds: &self.bounds });
            if nearest.is_none_or(|(_, excess)| choice.excess < excess) {
                nearest = Some((cycles, choice.excess));
            }
            if choice.excess == 0.0 {
                if has_contract {
                    // It is not what was asked for, but what can be had.
                    return Ok(self.answer(found, Some(cycles)));
                }
                found = self.nearer(found, cycles)?;
                if found.excess == 0.0 {
                    return Ok(self.answer(found, None));
                }
            }
        }
        if let Some((cycles, _)) = nearest.filter(|_| !has_contract) {
            // So that what is refused is told with the least that would be needed.
            found = self.nearer(found, cycles)?;
        }
        Ok(self.answer(found, None))
    }

    /// What was found, or what is found with a longer interval where that exceeds less.
    fn nearer(&mut self, found: Attempt, cycles: u64) -> Result<Attempt, CircuitError> {
        let next = self.at_limit(Limit::Raised(cycles))?;
        Ok(if next.excess < found.excess { next } else { found })
    }

    /// Intervals beyond the first, each about two thirds or half of the next.
    fn longer_intervals(&self, first: u64) -> Vec<u64> {
        let powers = (0..MOST_STEPS).map(|power| 1_u64 << power);
        let steps = powers.flat_map(|power| {
            [3 * power, 4 * power].map(|halves| first.saturating_mul(halves) / 2)
        });
        let mut longer: Vec<u64> =
            steps.take(MOST_STEPS).filter(|cycles| *cycles > first).collect();
        // The last is that of the network with a single multiplier a layer.
        longer.retain(|cycles| *cycles < self.most_interval);
        if self.most_interval > first && longer.len() < MOST_STEPS {
            longer.push(self.most_interval);
        }
        longer
    }

    /// The candidates of each layer that keep an interval; where none does, those that come
    /// nearest.
    fn options(&mut self, interval: u64) -> Result<Vec<Vec<(Implementation, Cost)>>, CircuitError> {
        let mut all: Vec<Vec<(Implementation, Cost)>> = Vec::with_capacity(self.layers.len());
        for index in 0..self.layers.len() {
            let options = match self.layers[index].same_as {
                Some(same) => all[same].clone(),
                None => self.options_of(index, interval)?,
            };
            all.push(options);
        }
        Ok(all)
    }

    fn options_of(
        &mut self,
        index: usize,
        interval: u64,
    ) -> Result<Vec<(Implementation, Cost)>, CircuitError> {
        let layer = &mut self.layers[index];
        let mut refused = None;
        for implementation in candidates::implementations(&layer.alone, interval) {
            if layer.looked_at.iter().any(|(known, _)| *known == implementation) {
                continue;
            }
            let cost = match layer.alone.cost(implementation, &self.model) {
                Ok(cost) => Some(cost.unwrap_or_default()),
                Err(error) => {
                    refused = Some(error);
                    None
                }
            };
            layer.looked_at.push((implementation, cost));
        }
        let built = layer.looked_at.iter().filter_map(|(how, cost)| cost.map(|cost| (*how, cost)));
        let built: Vec<(Implementation, Cost)> = built.collect();
        let Some(least) = built.iter().map(|(_, cost)| cost.interval).min() else {
            let unknown = || CircuitError::Undecided { layer: layer.alone.name().to_owned() };
            return Err(refused.unwrap_or_else(unknown));
        };
        Ok(built.into_iter().filter(|(_, cost)| cost.interval <= interval.max(least)).collect())
    }

    /// Chooses and builds the network with at most so many cycles between two inputs.
    fn at_limit(&mut self, limit: Limit) -> Result<Attempt, CircuitError> {
        let options = self.options(limit.cycles())?;
        let costs = costs(&options);
        let mut rest = Total::default();
        let mut found: Option<Attempt> = None;
        for _ in 0..ROUNDS {
            let choice = search(&Problem { options: &costs, rest, bounds: &self.bounds });
            let is_known = found.as_ref().is_some_and(|found| found.choice.picks == choice.picks);
            if is_known {
                break;
            }
            let attempt = self.attempt(limit, choice, &options)?;
            rest = attempt.rest();
            let is_better = found.as_ref().is_none_or(|found| attempt.excess < found.excess);
            if is_better {
                found = Some(attempt);
            }
            if found.as_ref().is_some_and(|found| found.excess == 0.0) {
                break;
            }
        }
        found.ok_or_else(|| CircuitError::Undecided { layer: self.verified.network().name.clone() })
    }

    /// Builds the network as it was chosen.
    fn attempt(
        &self,
        limit: Limit,
        choice: Choice,
        options: &[Vec<(Implementation, Cost)>],
    ) -> Result<Attempt, CircuitError> {
        let network = self.resolved(&choice, options);
        let circuit = assemble(&network)?;
        let estimate = estimate(&circuit).total;
        let uses = alone::uses(&estimate).map(|used| used as i64);
        let total = Total { uses, latency: circuit.interface.latency_cycles as i64 };
        let excess = self.bounds.excess(&total);
        let options = options.to_vec();
        Ok(Attempt { network, circuit, estimate, limit, choice, options, total, excess })
    }

    /// The network with its layers built as they were chosen to be.
    fn resolved(
        &self,
        choice: &Choice,
        options: &[Vec<(Implementation, Cost)>],
    ) -> VerifiedNetwork {
        let layers = &self.verified.network().layers;
        let as_given = |how: Implementation| match how.strategy {
            // What is only moved is built in one way.
            Strategy::Auto => Implementation { strategy: Strategy::default(), ..how },
            _ => how,
        };
        let mut implementations: Vec<Implementation> =
            layers.iter().map(|layer| as_given(layer.implementation)).collect();
        for ((layer, options), pick) in self.layers.iter().zip(options).zip(&choice.picks) {
            implementations[layer.id.0 as usize] = options[*pick].0;
        }
        self.verified
            .with_implementations(&implementations)
            .expect("candidates have the divisors that the verifier asks for")
    }

    fn answer(&self, found: Attempt, nearest: Option<u64>) -> Chosen<'a> {
        let names = self.layers.iter().map(|layer| layer.alone.name().to_owned()).collect();
        let decisions = reason::decisions(self.verified, &self.bounds, names, &found);
        let over_budget =
            reason::over_budget(self.verified, &found.estimate, Some((found.limit, nearest)));
        let Attempt { network, mut circuit, .. } = found;
        circuit.decisions = decisions;
        Chosen { network: Cow::Owned(network), circuit, over_budget }
    }
}

impl Attempt {
    /// What the network takes beside the layers that were chosen for.
    fn rest(&self) -> Total {
        let picked = self.options.iter().zip(&self.choice.picks);
        self.total.beyond(picked.map(|(options, pick)| &options[*pick].1))
    }
}

fn costs(options: &[Vec<(Implementation, Cost)>]) -> Vec<Vec<Cost>> {
    options.iter().map(|options| options.iter().map(|(_, cost)| *cost).collect()).collect()
}
