//! What holds for the network as a whole: names, ends, bounds, and that nothing is in vain.

use std::collections::BTreeSet;

use super::Errors;
use crate::budget::Allowance;
use crate::error::{Problem, Site};
use crate::network::{InputId, LayerId, Network, Source};

/// Invariant 1.
pub(super) fn check_names(network: &Network, errors: &mut Errors) {
    check_name(Site::Network, &network.name, errors);
    let mut seen = BTreeSet::new();
    let inputs = (0..).map(|i| Site::Input(InputId(i))).zip(network.inputs.iter().map(|i| &i.name));
    let layers = (0..).map(|i| Site::Layer(LayerId(i))).zip(network.layers.iter().map(|l| &l.name));
    for (site, name) in inputs.chain(layers) {
        check_name(site, name, errors);
        if !seen.insert(name) {
            errors.push(site, Problem::DuplicateName { name: name.clone() });
        }
    }
}

/// The most characters of a name, so that the names made from it stay readable.
const MAX_NAME_LENGTH: usize = 64;

fn check_name(site: Site, name: &str, errors: &mut Errors) {
    let legal_start = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if legal_start && name.chars().all(legal) && name.len() <= MAX_NAME_LENGTH {
        return;
    }
    let mut suggestion: String =
        name.chars().take(MAX_NAME_LENGTH - 1).map(|c| if legal(c) { c } else { '_' }).collect();
    if !suggestion.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        suggestion.insert(0, 'n');
    }
    let found = name.chars().take(2 * MAX_NAME_LENGTH).collect();
    errors.push(site, Problem::Name { found, suggestion });
}

/// Invariants 2, 8 and 11.
pub(super) fn check_ends(network: &Network, errors: &mut Errors) {
    let counts = [
        ("inputs", network.inputs.len()),
        ("layers", network.layers.len()),
        ("outputs", network.outputs.len()),
    ];
    for (what, _) in counts.into_iter().filter(|(_, count)| *count == 0) {
        errors.push(Site::Network, Problem::Empty { what });
    }
    let mut seen = BTreeSet::new();
    for (position, source) in network.outputs.iter().enumerate() {
        let known = match source {
            Source::Input(id) => (id.0 as usize) < network.inputs.len(),
            Source::Layer(id) => (id.0 as usize) < network.layers.len(),
        };
        if !known {
            let what = format!("output {position}");
            errors.push(Site::Output(position), Problem::ForwardReference { what });
        } else if !seen.insert(*source) {
            let name = network.source_name(*source).to_owned();
            errors.push(Site::Output(position), Problem::DuplicateOutput { name });
        }
    }
    if network.contract.initiation_interval_cycles == Some(0) {
        errors.push(Site::Network, Problem::Contract { what: "initiation_interval" });
    }
    let period_ps = network.target.clock.period_ps;
    if network.contract.latency.is_some_and(|bound| bound.cycles(period_ps) == 0) {
        errors.push(Site::Network, Problem::Contract { what: "latency" });
    }
    let device = network.target.part.device;
    for allowance in network.budget.allowances(device) {
        let Allowance { key: what, available, .. } = allowance;
        if let Some(found) = allowance.most().filter(|most| *most > available) {
            let device = device.name.clone();
            errors.push(Site::Network, Problem::Budget { what, found, device, available });
        }
    }
}

/// Invariant 4.
pub(super) fn check_liveness(network: &Network, errors: &mut Errors) {
    let mut live: BTreeSet<Source> = network.outputs.iter().copied().collect();
    for (id, layer) in network.layers_with_ids().collect::<Vec<_>>().into_iter().rev() {
        if live.contains(&Source::Layer(id)) {
            live.extend(&layer.inputs);
        }
    }
    let inputs = (0..network.inputs.len() as u32).map(InputId);
    let layers = (0..network.layers.len() as u32).map(LayerId);
    let dead = inputs
        .map(|id| (Site::Input(id), Source::Input(id)))
        .chain(layers.map(|id| (Site::Layer(id), Source::Layer(id))))
        .filter(|(_, source)| !live.contains(source));
    for (site, source) in dead {
        errors.push(site, Problem::Dead { name: network.source_name(source).to_owned() });
    }
}
