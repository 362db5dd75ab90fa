//! `rtl4ml check`: what a network is, and whether it can be built and keeps its contract.

use std::path::PathBuf;

use clap::Args;
use rtl4ml_circuit::Circuit;
use rtl4ml_circuit::choose::{BudgetUse, Decision, budget_uses};
use rtl4ml_circuit::estimate::estimate;
use rtl4ml_verilog::circuit_warnings;
use serde::Serialize;

use crate::answer::Answer;
use crate::choices::{describe_budget, describe_decisions};
use crate::failure::Failure;
use crate::handoff::circuit;
use crate::layer_table::{Columns, LayerRow, layer_rows, layer_table, totals_text};
use crate::overview::{Overview, describe_network, describe_timing};
use crate::page::Page;
use crate::terminal;

/// The options of `rtl4ml check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The spec
    #[arg(value_name = "NETWORK.yaml")]
    spec: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What was found, for scripts.
#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    overview: &'a Overview,
    layers: &'a [LayerRow],
    #[serde(skip_serializing_if = "<[BudgetUse]>::is_empty")]
    budget: &'a [BudgetUse],
    #[serde(skip_serializing_if = "<[Decision]>::is_empty")]
    decisions: &'a [Decision],
    warnings: &'a [String],
    notes: &'a [String],
}

impl Check {
    /// Verifies the network, builds its circuit if that can be built, and describes both.
    pub fn run(&self) -> Result<Answer, Failure> {
        let spinner = terminal::spinner("checking");
        let loaded = rtl4ml_spec::load(&self.spec)?;
        let network = &loaded.network;
        let notes: Vec<String> = Vec::new();
        let mut failures = Vec::new();
        let circuit = match circuit(&loaded) {
            Ok(circuit) => Some(circuit),
            Err(failure) => {
                failures.push(failure);
                None
            }
        };
        spinner.finish_and_clear();
        let circuit: Option<&Circuit> = circuit.as_ref();
        let rows = layer_rows(network, circuit);
        let decisions = circuit.map_or(&[][..], |circuit| &circuit.decisions);
        // Estimates take time, and are asked for where there is something to hold them against.
        let budget = match circuit {
            Some(circuit) if !network.network().budget.is_empty() => {
                budget_uses(network, &estimate(circuit).total)
            }
            _ => Vec::new(),
        };
        let warnings = circuit.map_or(Vec::new(), |c| circuit_warnings(network, c));

        let mut page = Page::default();
        describe_network(&mut page, network);
        if let Some(circuit) = circuit {
            describe_timing(&mut page, network, circuit);
        }
        describe_budget(&mut page, &budget);
        if let Some(totals) = totals_text(&rows) {
            page.entry("layers", totals);
        }
        page.block(layer_table(&rows, Columns::Network));
        describe_decisions(&mut page, decisions);
        page.remarks("warning", &warnings);
        page.remarks("note", &notes);
        let overview = Overview::of(network, circuit);
        let found = Found {
            overview: &overview,
            layers: &rows,
            budget: &budget,
            decisions,
            warnings: &warnings,
            notes: &notes,
        };
        Ok(Answer::new(page, &found, failures))
    }
}
