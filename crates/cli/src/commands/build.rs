//! `rtl4ml build`: from a spec to a folder that holds proven Verilog.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, value_parser};
use rtl4ml_circuit::choose::Decision;
use rtl4ml_circuit::{Circuit, Interface};
use rtl4ml_ir::{Io, Source, VerifiedNetwork};
use rtl4ml_verilog::{rtl_files, testbench_name};

use crate::answer::Answer;
use crate::choices::describe_budget;
use crate::failure::Failure;
use crate::handoff::{self, Built, MOST_VECTORS, check_replaceable};
use crate::layer_table::{Columns, align_numbers, layer_rows, layer_table, text_of, totals_text};
use crate::overview::{describe_network, describe_timing, input_sources};
use crate::page::{Page, cycles_text};
use crate::samples::Samples;
use crate::terminal;

/// The options of `rtl4ml build`.
#[derive(Debug, Args)]
pub struct Build {
    /// The spec
    #[arg(value_name = "NETWORK.yaml")]
    spec: PathBuf,
    /// The folder to write, in place of an older one [default: rtl-out/NAME, after the network]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// How many test vectors to generate: the corners of the input formats, then random ones [default: 64, or as many as run in some seconds]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=MOST_VECTORS))]
    vectors: Option<u64>,
    /// Samples to put ahead of the generated vectors: FILE.npy or FILE.npz:KEY; with several inputs NAME=FILE for each
    #[arg(long, value_name = "FILE.npy")]
    input: Vec<String>,
    /// Print a representation of the circuit instead of the summary
    #[arg(long, value_name = "WHAT", conflicts_with = "json")]
    dump: Option<Dump>,
    /// Print report.json instead of the summary
    #[arg(long)]
    pub json: bool,
}

/// A representation of the circuit.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dump {
    /// Each layer's arithmetic, with the exact range of each operation
    Dataflow,
    /// The stage and the arrival of each operation
    Schedule,
    /// The modules as Verilog
    Module,
}

impl Build {
    /// Builds, simulates and writes.
    pub fn run(&self) -> Result<Answer, Failure> {
        let loaded = rtl4ml_spec::load(&self.spec)?;
        let network = &loaded.network;
        let default = || Path::new("rtl-out").join(&network.network().name);
        let folder = self.output.clone().unwrap_or_else(default);
        // Nobody waits for samples to be read for a folder that is not to be written.
        check_replaceable(&folder)?;
        let given = match self.input.as_slice() {
            [] => None,
            files => Some(Samples::read(network, files, None)?),
        };
        let samples = given.iter().flat_map(Samples::iter).collect();
        let built = handoff::build(&loaded, &folder, samples, self.vectors)?;
        let page = match self.dump {
            Some(dump) => dump_page(dump, &built.circuit),
            None => summary(network, &built, given.as_ref(), &folder),
        };
        Ok(Answer::new(page, &built.report, Vec::new()))
    }
}

fn dump_page(dump: Dump, circuit: &Circuit) -> Page {
    if let Dump::Module = dump {
        let texts: Vec<String> = rtl_files(circuit).into_iter().map(|file| file.text).collect();
        let mut page = Page::default();
        page.say(texts.join("\n").trim_end());
        return page;
    }
    let mut page = Page::default();
    for layer in &circuit.layers {
        if layer.parts.is_empty() {
            page.say(format!("{}: only wires", layer.name));
        }
        for part in &layer.parts {
            let what = match dump {
                Dump::Schedule => part.schedule.display(&part.dataflow).to_string(),
                Dump::Dataflow | Dump::Module => part.dataflow.to_string(),
            };
            page.say(format!("{}: {}\n{}", layer.name, part.title, what.trim_end()));
        }
    }
    page
}

/// What was built, where it is, and what to do with it.
fn summary(
    network: &VerifiedNetwork,
    built: &Built,
    given: Option<&Samples>,
    folder: &Path,
) -> Page {
    let Built { circuit, report, run } = built;
    let rows = layer_rows(network, Some(circuit));
    let (vectors, cycles) = (run.outputs.len(), cycles_text(run.cycles));
    let (top, testbench) = (&circuit.interface.top, testbench_name(&circuit.interface));
    let mut page = Page::default();
    describe_network(&mut page, network);
    describe_timing(&mut page, network, circuit);
    describe_budget(&mut page, &report.budget);
    page.entry("layers", totals_text(&rows).unwrap_or_default());
    let checked = format!(
        "{vectors} vectors in {cycles} against the reference: every bit, latency and interval"
    );
    page.entry("checked", checked);
    for line in given.iter().flat_map(|samples| samples.texts()) {
        page.entry("samples", line);
    }
    page.block(port_table(network, &circuit.interface));
    page.block(layer_table(&rows, Columns::Circuit));
    for Decision { layer, reason, .. } in &report.decisions {
        page.block(format!("{layer}, chosen: {reason}"));
    }
    page.remarks("warning", &report.warnings);
    page.block(format!("Written to {}. Next, in that folder:", folder.display()));
    page.say(format!(
        "  iverilog -g2005 -s {testbench} -o {testbench}.vvp rtl/*.v tb/*.v && vvp -n {testbench}.vvp"
    ));
    page.say("  vivado -mode batch -source vivado/synth.tcl");
    page.say(format!("Read report.md, and the RTL from rtl/{top}.v down."));
    page
}

/// The ports of the top module.
fn port_table(network: &VerifiedNetwork, interface: &Interface) -> String {
    let mut table = terminal::table();
    table.set_header(["port", "direction", "what", "bits"]);
    let mut add = |name: &str, direction: &str, what: &str, bits: u64| {
        table.add_row([name, direction, what, &bits.to_string()]);
    };
    let tensor_text = |source: Source| {
        let tensor = network.tensor_type(source);
        format!("{} of {}", tensor.shape, tensor.format_text())
    };
    add("clk", "input", "the clock", 1);
    add("rst", "input", "synchronous reset, active high", 1);
    let inputs = interface.inputs.iter().zip(input_sources(network));
    let outputs = interface.outputs.iter().zip(network.network().outputs.iter().copied());
    match interface.io {
        Io::Parallel => {
            add("in_valid", "input", "an input is offered", 1);
            add("in_ready", "output", "an input is taken, if one is offered", 1);
            for (port, source) in inputs {
                add(&port.name, "input", &tensor_text(source), port.width);
            }
            add("out_valid", "output", "the outputs are there", 1);
            for (port, source) in outputs {
                add(&port.name, "output", &tensor_text(source), port.width);
            }
        }
        Io::Stream => {
            let with_directions = inputs
                .map(|(port, source)| (port, source, "input", "output"))
                .chain(outputs.map(|(port, source)| (port, source, "output", "input")));
            for (port, source, ahead, back) in with_directions {
                let count = port.transfers;
                let transfers =
                    if count == 1 { "1 transfer".to_owned() } else { format!("{count} transfers") };
                let what = format!("{}, {transfers}", tensor_text(source));
                add(&port.valid_name(), ahead, "a transfer is offered", 1);
                add(&port.ready_name(), back, "a transfer is taken, if one is offered", 1);
                add(&port.data_name(Io::Stream), ahead, &what, port.width);
            }
        }
    }
    align_numbers(&mut table, [false, false, false, true]);
    text_of(&table)
}
