//! What is said of a choice: why each layer is built as it is, and why a budget cannot be kept.

use rtl4ml_ir::{Budget, Implementation, VerifiedNetwork};
use serde::Serialize;

use super::search::{Bounds, Cost, RESOURCES, Total};
use super::{Attempt, Candidate, Decision, Limit};
use crate::circuit::CircuitError;
use crate::estimate::Resources;

/// What is taken of a resource that a budget bounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetUse {
    /// The resource's key.
    pub resource: &'static str,
    /// What the network is expected to take; block RAMs count in halves.
    pub taken: f64,
    /// What the budget says.
    pub most: f64,
}

/// What a network is expected to take of its budget.
pub fn budget_uses(network: &VerifiedNetwork, estimate: &Resources) -> Vec<BudgetUse> {
    let taken = super::alone::uses(estimate);
    let most = super::bounds(network).most;
    let all = (0..RESOURCES).filter_map(|index| {
        let (resource, unit) = (Budget::KEYS[index], unit(index));
        let most = most[index]? as f64 / unit;
        Some(BudgetUse { resource, taken: taken[index] as f64 / unit, most })
    });
    all.collect()
}

/// What is counted of a resource as one of what is spoken of: block RAMs are counted in halves.
fn unit(resource: usize) -> f64 {
    if Budget::KEYS[resource] == "bram" { 2.0 } else { 1.0 }
}

/// Why a network does not keep its budget. Where something was chosen, `chosen` is how long layers
/// might take, and an interval with which the budget could be kept.
pub(super) fn over_budget(
    network: &VerifiedNetwork,
    estimate: &Resources,
    chosen: Option<(Limit, Option<u64>)>,
) -> Option<CircuitError> {
    let uses = budget_uses(network, estimate);
    let over: Vec<&BudgetUse> = uses.iter().filter(|used| used.taken > used.most).collect();
    if over.is_empty() {
        return None;
    }
    let asked = joined(over.iter().map(|used| format!("{} {}", used.resource, used.most)));
    let needed = joined(over.iter().map(|used| format!("{} {}", used.resource, used.taken)));
    let (found, advice) = match chosen {
        None => (
            format!("the network takes {needed}"),
            "choose `strategy: auto` or larger reuse factors".to_owned(),
        ),
        Some((limit, nearest)) => (
            format!("the nearest choice needs {needed} at interval {}", limit.cycles()),
            match nearest {
                Some(cycles) => format!("it can be kept with `initiation_interval: {cycles}`"),
                None => "no longer interval that was tried keeps it".to_owned(),
            },
        ),
    };
    Some(CircuitError::Budget { asked, found, advice })
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// How a candidate is spoken of.
fn name(how: &Implementation) -> String {
    let mut words = vec![how.strategy.word().to_owned()];
    if how.reuse_factor > 1 {
        words.push(format!("reuse_factor {}", how.reuse_factor));
    }
    words.extend(how.parallelization_factor.map(|n| format!("parallelization_factor {n}")));
    if how.strategy != rtl4ml_ir::Strategy::DistributedArithmetic {
        words.push(format!("multiplier {}", how.multiplier.word()));
    }
    words.join(" ")
}

/// What was looked at for each layer, what was taken and why.
pub(super) fn decisions(
    network: &VerifiedNetwork,
    bounds: &Bounds,
    names: Vec<String>,
    found: &Attempt,
) -> Vec<Decision> {
    let budget = budget_text(network, found);
    let mut decisions = Vec::with_capacity(names.len());
    for (index, layer) in names.into_iter().enumerate() {
        let (options, taken) = (&found.options[index], found.choice.picks[index]);
        let (how, cost) = &options[taken];
        let limit = limit_text(found.limit, cost);
        let why = why(bounds, found, index, taken);
        let reason = format!("{}: {limit}; {why}{budget}", name(how));
        let candidates = options.iter().map(|(how, cost)| candidate(how, cost, bounds)).collect();
        decisions.push(Decision { layer, candidates, taken, reason });
    }
    decisions
}

fn candidate(how: &Implementation, cost: &Cost, bounds: &Bounds) -> Candidate {
    let [lut, ff, dsp, half_bram] = cost.uses;
    Candidate {
        strategy: how.strategy.word(),
        multiplier: how.multiplier.word(),
        reuse_factor: how.reuse_factor,
        parallelization_factor: how.parallelization_factor,
        lut,
        ff,
        dsp,
        half_bram,
        latency_cycles: cost.latency,
        initiation_interval_cycles: cost.interval,
        price: bounds.price(cost),
    }
}

/// How long the layer may take, and who says so.
fn limit_text(limit: Limit, taken: &Cost) -> String {
    let interval = taken.interval;
    match limit {
        Limit::Contract(most) if interval == most => {
            format!("interval {interval} is what the contract allows")
        }
        Limit::Contract(most) => format!("interval {interval}, the contract allows {most}"),
        Limit::Least(1) => {
            "interval 1, since neither contract nor budget asks for a longer one".to_owned()
        }
        Limit::Least(least) => {
            format!("interval {interval}, other layers need {least} in any case")
        }
        Limit::Raised(most) => {
            format!("interval {interval}, {most} is the first that keeps the budget")
        }
    }
}

/// Why a candidate and no cheaper one.
fn why(bounds: &Bounds, found: &Attempt, layer: usize, taken: usize) -> String {
    let options = &found.options[layer];
    let price = |index: &usize| bounds.price(&options[*index].1);
    let count = options.len();
    let cheapest = (0..count).min_by(|a, b| price(a).total_cmp(&price(b))).unwrap_or(taken);
    if count == 1 {
        return "the only candidate".to_owned();
    }
    if price(&cheapest) >= price(&taken) {
        return format!("the cheapest of {count}");
    }
    let mut total = found.total;
    for (sum, (less, more)) in
        total.uses.iter_mut().zip(options[taken].1.uses.iter().zip(options[cheapest].1.uses))
    {
        *sum += more as i64 - *less as i64;
    }
    total.latency += options[cheapest].1.latency as i64 - options[taken].1.latency as i64;
    let broken = broken(bounds, &total);
    let other = name(&options[cheapest].0);
    if broken.is_empty() {
        return format!("{other} is cheaper, but not together with what other layers take");
    }
    format!("{other} is cheaper, but the network would take {broken}")
}

/// The bounds that something exceeds.
fn broken(bounds: &Bounds, total: &Total) -> String {
    let over = |index: usize| {
        let (used, most) = (total.uses[index], bounds.most[index]?);
        let (taken, most) = (used as f64 / unit(index), most as f64 / unit(index));
        (taken > most).then(|| format!("{} {taken} of the budget's {most}", Budget::KEYS[index]))
    };
    let latency = bounds.latency.filter(|most| total.latency > *most as i64);
    let latency = latency.map(|most| {
        format!("about {} cycles of the {most} that the contract allows", total.latency)
    });
    joined((0..RESOURCES).filter_map(over).chain(latency))
}

/// What the network takes of its budget.
fn budget_text(network: &VerifiedNetwork, found: &Attempt) -> String {
    let uses = budget_uses(network, &found.estimate);
    if uses.is_empty() {
        return String::new();
    }
    let used = |used: &BudgetUse| format!("{} {} of {}", used.resource, used.taken, used.most);
    format!("; the network takes {}", joined(uses.iter().map(used)))
}
