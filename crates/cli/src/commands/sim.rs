//! `rtl4ml sim`: samples through the circuit, on any engine, against the reference.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, value_parser};
use rtl4ml_circuit::protocol::Stimulus;
use rtl4ml_ir::Io;
use rtl4ml_sim::Shown;
use rtl4ml_sim::reference::Mantissas;
use serde::Serialize;

use crate::answer::Answer;
use crate::commands::{NpyPath, Written, write_outputs};
use crate::engine::{self, EngineName, Run};
use crate::failure::Failure;
use crate::handoff::{circuit, reference_outputs};
use crate::page::{Page, cycles_text, samples_text};
use crate::samples::{Cast, Samples};
use crate::threads::on_threads;
use crate::waves::{WaveFormat, Waves};

/// The options of `rtl4ml sim`.
#[derive(Debug, Args)]
pub struct Sim {
    /// The spec
    #[arg(value_name = "NETWORK.yaml")]
    spec: PathBuf,
    /// Samples, [N, ...input shape]: FILE.npy or FILE.npz:KEY; with several inputs NAME=FILE for each
    #[arg(long, value_name = "FILE.npy", required = true)]
    input: Vec<String>,
    /// Write the outputs, [N, ...output shape]; with several outputs FILE.NAME.npy each
    #[arg(long, value_name = "FILE.npy")]
    output: Option<NpyPath>,
    /// What simulates the circuit
    #[arg(long, value_enum, default_value_t = EngineName::Cycle)]
    engine: EngineName,
    /// Run only the first N samples
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    samples: Option<u64>,
    /// Offer some inputs after gaps; with streams, all again with pauses at every port
    #[arg(long)]
    gaps: bool,
    /// Write the waves of all ports as value change dump (engines cycle and rust-hdl)
    #[arg(long, value_name = "FILE.vcd", group = "waves")]
    vcd: Option<PathBuf>,
    /// The same as fast signal trace, compressed, for long runs (engine cycle)
    #[arg(long, value_name = "FILE.fst", group = "waves")]
    fst: Option<PathBuf>,
    /// Write the waves of the signals inside of the modules as well
    #[arg(long, alias = "vcd-locals", requires = "waves")]
    locals: bool,
    /// Write only the waves of signals whose path matches: TOP.out_valid,*.fc1.* (engine cycle)
    #[arg(
        long,
        value_name = "GLOB",
        value_delimiter = ',',
        requires = "waves",
        conflicts_with = "locals"
    )]
    signals: Vec<String>,
    /// How many threads to use [default: all processors]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What was checked, for scripts.
#[derive(Serialize)]
struct Checked<'a> {
    name: &'a str,
    engine: &'static str,
    samples: usize,
    cycles: u64,
    seconds: f64,
    seconds_include_compilation: bool,
    latency_cycles: u64,
    initiation_interval_cycles: u64,
    compared: usize,
    differ: usize,
    inputs: &'a [Cast],
    outputs: Vec<String>,
    warnings: &'a [String],
}

impl Sim {
    /// Simulates and compares.
    pub fn run(&self) -> Result<Answer, Failure> {
        self.check_usage()?;
        let loaded = rtl4ml_spec::load(&self.spec)?;
        let network = &loaded.network;
        let most = self.samples.map(|samples| samples as usize);
        let samples = Samples::read(network, &self.input, most)?;
        let circuit = circuit(&loaded)?;
        let interface = &circuit.interface;
        let inputs: Vec<_> = samples.iter().collect();
        let expected = reference_outputs(network, &inputs);
        let stimulus = if self.gaps {
            with_gaps(inputs, interface.latency_cycles)
        } else {
            Stimulus::back_to_back(inputs)
        };
        let waves = self.waves(network.network().target.clock.period_ps);
        let run = || engine::run(self.engine, &circuit, &stimulus, &expected, waves.as_ref());
        let run = on_threads(self.threads, run)??;
        let Run { outputs, cycles, elapsed, compiled } = run;
        let outputs: Vec<Vec<Mantissas>> = outputs.into_iter().flatten().collect();
        if outputs.len() != samples.count {
            let (engine, found, expected) = (self.engine.word(), outputs.len(), samples.count);
            return Err(Failure::Missing { engine, found, expected });
        }
        let compared = outputs.iter().flatten().map(Vec::len).sum();
        let written = match &self.output {
            Some(path) => write_outputs(network, &path.0, &outputs)?,
            None => Written::default(),
        };

        let seconds = elapsed.as_secs_f64();
        let took = if compiled {
            format!("{} in {seconds:.2} s with compilation", cycles_text(cycles))
        } else {
            let rate = cycles as f64 / seconds.max(f64::MIN_POSITIVE);
            format!("{} in {seconds:.2} s, {rate:.0} a second", cycles_text(cycles))
        };
        let order = match (self.gaps, interface.io) {
            (false, _) => "back to back",
            (true, Io::Parallel) => "some after gaps",
            (true, Io::Stream) => "back to back, then with pauses at every port",
        };
        let mut page = Page::default();
        page.entry("engine", self.engine.word());
        page.entry("samples", format!("{}, {order}", samples_text(samples.count)));
        for line in samples.texts() {
            page.entry("", line);
        }
        page.entry("cycles", took);
        let (latency, interval) = (interface.latency_cycles, interface.initiation_interval_cycles);
        page.entry("latency", cycles_text(latency));
        page.entry("interval", cycles_text(interval));
        written.describe(&mut page);
        // A stream has them at full speed; with pauses its transfers come when they can.
        let kept = match interface.io {
            Io::Parallel => "latency and interval hold in every cycle",
            Io::Stream => "latency and interval hold at full speed",
        };
        page.say(format!("0 of {compared} outputs differ from the reference; {kept}"));
        let checked = Checked {
            name: &network.network().name,
            engine: self.engine.word(),
            samples: samples.count,
            cycles,
            seconds,
            seconds_include_compilation: compiled,
            latency_cycles: interface.latency_cycles,
            initiation_interval_cycles: interface.initiation_interval_cycles,
            compared,
            differ: 0,
            inputs: &samples.casts,
            outputs: written.file_names(),
            warnings: &written.warnings,
        };
        Ok(Answer::new(page, &checked, Vec::new()))
    }

    /// The wave file that is asked for.
    fn waves(&self, period_ps: u64) -> Option<Waves> {
        let (path, format) = match (&self.vcd, &self.fst) {
            (Some(path), _) => (path.clone(), WaveFormat::Vcd),
            (None, Some(path)) => (path.clone(), WaveFormat::Fst),
            (None, None) => return None,
        };
        let shown = match (self.signals.as_slice(), self.locals) {
            ([], false) => Shown::Ports,
            ([], true) => Shown::All,
            (patterns, _) => Shown::Matching(patterns.to_vec()),
        };
        Some(Waves { path, format, shown, period_ps })
    }

    /// What the engine cannot do is a mistake on the command line.
    fn check_usage(&self) -> Result<(), Failure> {
        let message = match self.engine {
            EngineName::RustHdl if !self.signals.is_empty() => {
                "`--signals` is an option of the engine cycle; rust-hdl writes all signals"
                    .to_owned()
            }
            EngineName::RustHdl | EngineName::Verilator | EngineName::Icarus
                if self.fst.is_some() =>
            {
                format!(
                    "`--fst` is written by the engine cycle only, not by {}",
                    self.engine.word()
                )
            }
            EngineName::Verilator | EngineName::Icarus if self.vcd.is_some() => format!(
                "`--vcd` is written by the engines cycle and rust-hdl only, not by {}",
                self.engine.word()
            ),
            _ => return Ok(()),
        };
        let mut sim = Self::augment_args(clap::Command::new("rtl4ml sim"));
        Err(Failure::Usage(sim.error(ErrorKind::ArgumentConflict, message)))
    }
}

/// Inputs of which some come after gaps. None is lost in a reset, so that each has its output.
fn with_gaps(samples: Vec<Vec<Mantissas>>, latency_cycles: u64) -> Stimulus {
    let mut stimulus = Stimulus::varied(samples, latency_cycles);
    for transaction in &mut stimulus.transactions {
        transaction.reset_after_cycles = 0;
    }
    stimulus
}
