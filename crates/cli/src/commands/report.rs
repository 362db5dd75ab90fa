//! `rtl4ml report`: what a network will cost and how long it takes, before any synthesis.
//!
//! Guarantees: every number is that of a circuit that was built; nothing is simulated.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use rtl4ml_circuit::estimate::{Estimated, Resources, Shares};
use rtl4ml_verilog::{LayerReport, RESOURCES, Report};
use serde::Serialize;

use crate::answer::Answer;
use crate::choices::{describe_budget, describe_decisions};
use crate::failure::Failure;
use crate::handoff;
use crate::layer_table::{align_numbers, text_of};
use crate::overview::{describe_network, describe_timing};
use crate::page::Page;
use crate::plot;
use crate::scan::{Point, scan};
use crate::terminal;

/// The options of `rtl4ml report`.
#[derive(Debug, Args)]
pub struct ReportOptions {
    /// The spec
    #[arg(value_name = "NETWORK.yaml")]
    spec: PathBuf,
    /// Draw the cost by layer
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    /// Build the network with reuse factors 1, 2, 4, ..., and draw latency against resources
    #[arg(long, value_name = "FILE.svg")]
    scan: Option<PathBuf>,
    /// Print one JSON object: report.json as `build` writes it, and the points of the scan
    #[arg(long)]
    pub json: bool,
}

/// What was found, for scripts.
#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan: Option<&'a [Point]>,
}

impl ReportOptions {
    /// Builds the circuit, estimates it and describes it.
    pub fn run(&self) -> Result<Answer, Failure> {
        let spinner = terminal::spinner("estimating");
        let loaded = rtl4ml_spec::load(&self.spec)?;
        let network = &loaded.network;
        let (circuit, report) = handoff::report(&loaded)?;
        let (points, notes) = match &self.scan {
            Some(_) => scan(network),
            None => (Vec::new(), Vec::new()),
        };
        spinner.finish_and_clear();

        let mut page = Page::default();
        describe_network(&mut page, network);
        describe_timing(&mut page, network, &circuit);
        describe_budget(&mut page, &report.budget);
        page.block(cost_table(&report));
        page.say("In brackets: the 10th and 90th percentile of the designs of the calibration.");
        describe_decisions(&mut page, &report.decisions);
        if self.scan.is_some() {
            page.block(scan_table(&points));
        }
        page.remarks("warning", &report.warnings);
        page.remarks("note", &notes);
        let plots = [
            self.plot.as_ref().map(|path| (path, plot::cost_by_layer(&report))),
            self.scan
                .as_ref()
                .map(|path| (path, plot::latency_against_resources(&report, &points))),
        ];
        for (path, text) in plots.iter().flatten() {
            write_whole(path, text)?;
            page.entry("written", path.display().to_string());
        }
        let scan = self.scan.as_ref().map(|_| points.as_slice());
        Ok(Answer::new(page, &Found { report: &report, scan }, Vec::new()))
    }
}

/// Writes a file that is complete or not there.
fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let write = || {
        // A file that is made like any other has the permissions that the user's files have.
        let mut file = tempfile::Builder::new()
            .prefix(".rtl4ml-")
            .make_in(folder.unwrap_or(Path::new(".")), |path| File::create_new(path))?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(drop).map_err(|source| Failure::Write { path: path.to_owned(), source })
}

/// What stands where there is nothing to say.
const NONE: &str = "-";

/// The layers and what they are expected to take.
fn cost_table(report: &Report) -> String {
    let total = &report.estimate.total;
    let used: Vec<_> =
        RESOURCES.into_iter().filter(|(_, of)| of(total) != Estimated::default()).collect();
    let mut table = terminal::table();
    let mut headers = vec!["layer".to_owned(), "strategy".to_owned(), "reuse\nfactor".to_owned()];
    headers.extend(used.iter().map(|(name, _)| name.replacen(' ', "\n", 1)));
    let last = ["share of\nthe part", "latency\ncycles", "latency\nns", "interval\ncycles"];
    headers.extend(last.map(str::to_owned));
    table.set_header(&headers);
    let costs = |resources: &Resources| -> Vec<String> {
        used.iter().map(|(_, of)| of(resources).to_string()).collect()
    };
    for layer in &report.layers {
        let LayerReport { name, strategy, reuse_factor, estimate, share, .. } = layer;
        let strategy = strategy.clone().unwrap_or(NONE.to_owned());
        let reuse_factor = reuse_factor.map_or(NONE.to_owned(), |factor| factor.to_string());
        let mut row = vec![name.clone(), strategy, reuse_factor];
        row.extend(costs(estimate));
        let (cycles, interval) = (layer.latency_cycles, layer.initiation_interval_cycles);
        row.extend([share_text(share), cycles.to_string(), format!("{:.1}", layer.latency_ns)]);
        row.push(interval.to_string());
        table.add_row(row);
    }
    let mut rest = |name: &str, resources: &Resources, share: &Shares, timing: [String; 3]| {
        let mut row = vec![name.to_owned(), NONE.to_owned(), NONE.to_owned()];
        row.extend(costs(resources));
        row.push(share_text(share));
        row.extend(timing);
        table.add_row(row);
    };
    let estimate = &report.estimate;
    let none = || NONE.to_owned();
    let between = estimate.between_share;
    rest("between layers", &estimate.between_layers, &between, [none(), none(), none()]);
    let timing = [
        report.latency_cycles.to_string(),
        format!("{:.1}", report.latency_ns),
        report.initiation_interval_cycles.to_string(),
    ];
    rest("all", &estimate.total, &estimate.share, timing);
    align_numbers(&mut table, (0..headers.len()).map(|column| column >= 2));
    text_of(&table)
}

/// The largest share and of what it is.
fn share_text(share: &Shares) -> String {
    let all = [(share.lut, "LUT"), (share.ff, "FF"), (share.dsp, "DSP"), (share.bram, "BRAM")];
    let largest = all.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(s, _)| *s > 0.0);
    largest.map_or(NONE.to_owned(), |(share, name)| format!("{:.2} % {name}", 100.0 * share))
}

/// The points of a scan.
fn scan_table(points: &[Point]) -> String {
    let mut table = terminal::table();
    table.set_header([
        "reuse\nfactor",
        "latency\ncycles",
        "latency\nns",
        "interval\ncycles",
        "LUT",
        "FF",
        "DSP",
        "half BRAM",
        "share of\nthe part",
    ]);
    for point in points {
        let Resources { ff, dsp, half_bram, .. } = point.estimate;
        table.add_row([
            point.reuse_factor.to_string(),
            point.latency_cycles.to_string(),
            format!("{:.1}", point.latency_ns),
            point.initiation_interval_cycles.to_string(),
            point.estimate.all_luts().value.to_string(),
            ff.value.to_string(),
            dsp.value.to_string(),
            half_bram.value.to_string(),
            share_text(&point.share),
        ]);
    }
    align_numbers(&mut table, [true; 9]);
    text_of(&table)
}
