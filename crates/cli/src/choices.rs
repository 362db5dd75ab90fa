//! What was chosen for layers with `strategy: auto`, and what of the budget is taken, for people.

use rtl4ml_circuit::choose::{BudgetUse, Candidate, Decision};

use crate::layer_table::{align_numbers, text_of};
use crate::page::Page;
use crate::terminal;

/// What the network is expected to take of its budget, in one entry.
pub fn describe_budget(page: &mut Page, budget: &[BudgetUse]) {
    let used =
        |BudgetUse { resource, taken, most }: &BudgetUse| format!("{resource} {taken} of {most}");
    let texts: Vec<String> = budget.iter().map(used).collect();
    if !texts.is_empty() {
        page.entry("budget", texts.join(", "));
    }
}

/// Each decision: the reason, and what was looked at.
pub fn describe_decisions(page: &mut Page, decisions: &[Decision]) {
    for decision in decisions {
        page.block(format!("{}, chosen: {}", decision.layer, decision.reason));
        page.say(candidate_table(decision));
    }
}

fn candidate_table(decision: &Decision) -> String {
    let mut table = terminal::table();
    let header = ["", "candidate", "multiplier", "reuse\nfactor", "positions\nat once"];
    let costs = ["LUT", "FF", "DSP", "half\nBRAM", "latency\ncycles", "interval\ncycles", "price"];
    table.set_header(header.into_iter().chain(costs));
    for (number, candidate) in decision.candidates.iter().enumerate() {
        let Candidate { strategy, multiplier, reuse_factor, lut, ff, dsp, half_bram, .. } =
            candidate;
        let at_once = candidate.parallelization_factor;
        table.add_row([
            if number == decision.taken { "*" } else { "" }.to_owned(),
            (*strategy).to_owned(),
            (*multiplier).to_owned(),
            reuse_factor.to_string(),
            at_once.map_or("-".to_owned(), |at_once| at_once.to_string()),
            lut.to_string(),
            ff.to_string(),
            dsp.to_string(),
            half_bram.to_string(),
            candidate.latency_cycles.to_string(),
            candidate.initiation_interval_cycles.to_string(),
            format!("{:.5}", candidate.price),
        ]);
    }
    align_numbers(&mut table, (0..header.len() + costs.len()).map(|column| column >= 3));
    text_of(&table)
}
