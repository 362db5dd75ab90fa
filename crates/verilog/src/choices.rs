//! The part of the report that says what was chosen for layers with `strategy: auto`, and what of
//! the budget is taken.

use std::fmt::Write as _;

use rtl4ml_circuit::choose::{BudgetUse, Candidate, Decision};

/// What the budget bounds, and each decision with its candidates; nothing where there is neither.
pub(crate) fn markdown(budget: &[BudgetUse], decisions: &[Decision]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail, here and below.
    if !budget.is_empty() {
        text.push_str("\n## Budget\n\n| resource | expected | at most |\n|---|---|---|\n");
        for BudgetUse { resource, taken, most } in budget {
            let _ = writeln!(text, "| {resource} | {taken} | {most} |");
        }
    }
    if !decisions.is_empty() {
        text.push_str(
            "\n## Choices\n\nWhat each candidate of a layer with `strategy: auto` would take alone, before synthesis. \
             The price is the sum of the shares of the budget, or of the part where that says nothing.\n",
        );
    }
    for Decision { layer, candidates, taken, reason } in decisions {
        let _ = writeln!(
            text,
            "\n`{layer}`: {reason}.\n\n\
             | | strategy | reuse factor | positions at once | multiplier | LUT | FF | DSP | half BRAM | latency | interval | price |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|"
        );
        for (number, candidate) in candidates.iter().enumerate() {
            let mark = if number == *taken { "taken" } else { "" };
            let Candidate { strategy, reuse_factor, multiplier, lut, ff, dsp, half_bram, .. } =
                candidate;
            let at_once =
                candidate.parallelization_factor.map_or("-".to_owned(), |n| n.to_string());
            let _ = writeln!(
                text,
                "| {mark} | {strategy} | {reuse_factor} | {at_once} | {multiplier} | {lut} | {ff} | {dsp} | {half_bram} | {} | {} | {:.5} |",
                candidate.latency_cycles, candidate.initiation_interval_cycles, candidate.price
            );
        }
    }
    text
}
