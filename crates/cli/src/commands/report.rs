//! `rtl4ml report`: what a network will cost and how long it takes, before any synthesis.

use std::path::PathBuf;

use clap::Args;
use rtl4ml_verilog::Report;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::page::Page;
use crate::terminal;

/// The options of `rtl4ml report`.
#[derive(Debug, Args)]
pub struct ReportCommand {
    /// The spec
    #[arg(value_name = "NETWORK.yaml")]
    spec: PathBuf,
    /// Print report.json, as `build` writes it
    #[arg(long)]
    pub json: bool,
}

impl ReportCommand {
    /// Builds the circuit, estimates it and describes it.
    pub fn run(&self) -> Result<Answer, Failure> {
        let spinner = terminal::spinner("estimating");
        let loaded = rtl4ml_spec::load(&self.spec)?;
        let network = &loaded.network;
        let circuit =
            rtl4ml_circuit::build(network).map_err(|error| Failure::circuit(&self.spec, error))?;
        let report = Report::new(network, &circuit);
        spinner.finish_and_clear();
        let page = Page::default();
        Ok(Answer::new(page, &report, Vec::new()))
    }
}
