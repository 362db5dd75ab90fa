//! `rtl4ml bench`: how fast each engine computes a network on this machine.
//!
//! Guarantees: every output that is computed on the way is compared with the reference. The engines
//! take turns, and of each the median is told, so that a machine that is busy now and then
//! disturbs all of them alike.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, value_parser};
use rayon::ThreadPool;
use rtl4ml_circuit::Circuit;
use rtl4ml_circuit::protocol::Stimulus;
use rtl4ml_ir::VerifiedNetwork;
use rtl4ml_sim::Mismatch;
use rtl4ml_sim::emulator::Emulator;
use rtl4ml_sim::reference::Mantissas;
use rtl4ml_sim::vectors::{Random, corners_and_random};
use serde::Serialize;

use crate::answer::Answer;
use crate::engine::{self, EngineName};
use crate::failure::Failure;
use crate::handoff::{SEED, circuit, reference_outputs};
use crate::layer_table::{align_numbers, text_of};
use crate::page::{Page, samples_text};
use crate::{terminal, threads};

/// How often each engine takes its turn.
const ROUNDS: usize = 5;

/// How long a turn should take, if there are samples enough.
const TURN: Duration = Duration::from_millis(300);

/// The fewest samples of a turn.
const FEWEST: usize = 64;

/// The options of `rtl4ml bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// The spec
    #[arg(value_name = "NETWORK.yaml")]
    spec: PathBuf,
    /// The most random samples that an engine computes in a turn
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u64).range(1..=10_000_000))]
    samples: u64,
    /// How many threads to use, one run after the other
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [1u16, 2], value_parser = value_parser!(u16).range(1..))]
    threads: Vec<u16>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Emulator,
    Reference,
    Circuit(EngineName),
}

impl Subject {
    const ALL: [Self; 4] = [
        Self::Emulator,
        Self::Reference,
        Self::Circuit(EngineName::Cycle),
        Self::Circuit(EngineName::RustHdl),
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Emulator => "emulator",
            Self::Reference => "reference",
            Self::Circuit(engine) => engine.word(),
        }
    }

    /// Whether more threads are of any use.
    fn is_parallel(self) -> bool {
        self != Self::Circuit(EngineName::RustHdl)
    }
}

/// An engine on some threads, and its turns.
struct Entry {
    subject: Subject,
    threads: u16,
    pool: ThreadPool,
    /// How many samples a turn takes.
    samples: usize,
    /// How many clock cycles that are.
    cycles: Option<u64>,
    turns: Vec<Duration>,
}

/// What an engine achieves, for scripts.
#[derive(Serialize)]
struct Row {
    engine: &'static str,
    threads: u16,
    samples: usize,
    seconds: f64,
    samples_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cycles_per_second: Option<f64>,
}

/// Everything that was measured, for scripts.
#[derive(Serialize)]
struct Measured<'a> {
    name: &'a str,
    rounds: usize,
    engines: &'a [Row],
    compared: usize,
    differ: usize,
}

/// What the engines compute, and what must come out.
struct Work<'n> {
    network: &'n VerifiedNetwork,
    circuit: Circuit,
    emulator: Emulator<&'n VerifiedNetwork>,
    samples: Vec<Vec<Mantissas>>,
    expected: Vec<Vec<Mantissas>>,
}

impl Bench {
    /// Measures every engine.
    pub fn run(&self) -> Result<Answer, Failure> {
        let loaded = crate::load(&self.spec)?;
        let network = &loaded.network;
        let spinner = terminal::spinner("preparing");
        let samples = corners_and_random(network, self.samples as usize, &mut Random::new(SEED));
        let expected = threads::on_threads(None, || reference_outputs(network, &samples))?;
        let circuit = circuit(&loaded)?;
        let emulator = Emulator::new(network);
        let work = Work { network, circuit, emulator, samples, expected };
        let mut entries = self.entries()?;
        spinner.finish_and_clear();

        let bar = terminal::progress_bar("measuring", entries.len() * (ROUNDS + 1));
        let mut compared = 0;
        for entry in &mut entries {
            compared += work.calibrate(entry)?;
            bar.inc(1);
        }
        for _ in 0..ROUNDS {
            for entry in &mut entries {
                let (elapsed, outputs) = work.turn(entry)?;
                entry.turns.push(elapsed);
                compared += outputs;
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        let rows: Vec<Row> = entries.iter().map(Entry::row).collect();
        let name = &network.network().name;
        let mut page = Page::default();
        page.entry("network", name);
        page.entry("samples", format!("random, at most {}", samples_text(work.samples.len())));
        page.block(table(&rows));
        page.block(format!("medians of {ROUNDS} turns; 0 of {compared} outputs differ"));
        let measured = Measured { name, rounds: ROUNDS, engines: &rows, compared, differ: 0 };
        Ok(Answer::new(page, &measured, Vec::new()))
    }

    fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::new();
        for subject in Subject::ALL {
            let most = if subject.is_parallel() { self.threads.len() } else { 1 };
            for threads in &self.threads[..most] {
                entries.push(Entry {
                    subject,
                    threads: *threads,
                    pool: threads::pool(Some(*threads))?,
                    samples: FEWEST.min(self.samples as usize),
                    cycles: None,
                    turns: Vec::new(),
                });
            }
        }
        Ok(entries)
    }
}

impl Work<'_> {
    /// Finds how many samples a turn takes; returns how many outputs were compared on the way.
    fn calibrate(&self, entry: &mut Entry) -> Result<usize, Failure> {
        let mut compared = 0;
        loop {
            let (elapsed, outputs) = self.turn(entry)?;
            compared += outputs;
            if elapsed >= TURN || entry.samples == self.samples.len() {
                return Ok(compared);
            }
            entry.samples = (entry.samples * 4).min(self.samples.len());
        }
    }

    /// Computes a turn's samples; returns how long it took and how many outputs were compared.
    fn turn(&self, entry: &mut Entry) -> Result<(Duration, usize), Failure> {
        let (samples, expected) = (&self.samples[..entry.samples], &self.expected[..entry.samples]);
        let mut cycles = None;
        let elapsed = match entry.subject {
            Subject::Emulator => {
                let graph = self.network.network();
                let input = |i: usize| samples.iter().flat_map(|s| s[i].iter().copied()).collect();
                let inputs: Vec<Mantissas> = (0..graph.inputs.len()).map(input).collect();
                let start = Instant::now();
                let run = || self.emulator.run(&inputs, samples.len(), &graph.outputs, false);
                let found = entry.pool.install(run).tensors;
                let elapsed = start.elapsed();
                self.compare(&found, expected)?;
                elapsed
            }
            Subject::Reference => {
                let start = Instant::now();
                entry.pool.install(|| reference_outputs(self.network, samples));
                return Ok((start.elapsed(), 0));
            }
            Subject::Circuit(engine) => {
                let stimulus = Stimulus::back_to_back(samples.to_vec());
                let run = || engine::run(engine, &self.circuit, &stimulus, expected, None);
                let run = entry.pool.install(run)?;
                cycles = Some(run.cycles);
                run.elapsed
            }
        };
        entry.cycles = cycles;
        let outputs = expected.iter().flatten().map(Vec::len).sum();
        Ok((elapsed, outputs))
    }

    /// Compares what the emulator gave, a tensor a port, with the reference.
    fn compare(&self, found: &[Mantissas], expected: &[Vec<Mantissas>]) -> Result<(), Failure> {
        let graph = self.network.network();
        for (port, found) in found.iter().enumerate() {
            let expected = expected.iter().flat_map(|sample| &sample[port]);
            let mut pairs = found.iter().zip(expected).enumerate();
            if let Some((place, (found, expected))) = pairs.find(|(_, (f, e))| f != e) {
                let elements = self.network.tensor_type(graph.outputs[port]).element_count();
                let source = Mismatch::Output {
                    transaction: place / elements,
                    port: graph.source_name(graph.outputs[port]).to_owned(),
                    element: place % elements,
                    found: *found,
                    expected: *expected,
                };
                return Err(Failure::Mismatch {
                    engine: Subject::Emulator.word(),
                    source: Box::new(source),
                });
            }
        }
        Ok(())
    }
}

impl Entry {
    fn row(&self) -> Row {
        let mut turns = self.turns.clone();
        turns.sort_unstable();
        let seconds = turns[turns.len() / 2].as_secs_f64();
        let rate = |count: f64| count / seconds.max(f64::MIN_POSITIVE);
        Row {
            engine: self.subject.word(),
            threads: self.threads,
            samples: self.samples,
            seconds,
            samples_per_second: rate(self.samples as f64),
            cycles_per_second: self.cycles.map(|cycles| rate(cycles as f64)),
        }
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = terminal::table();
    table.set_header(["engine", "threads", "samples", "samples/s", "cycles/s"]);
    for row in rows {
        let cycles = row.cycles_per_second.map_or(String::new(), |rate| format!("{rate:.0}"));
        table.add_row([
            row.engine.to_owned(),
            row.threads.to_string(),
            row.samples.to_string(),
            format!("{:.0}", row.samples_per_second),
            cycles,
        ]);
    }
    align_numbers(&mut table, [false, true, true, true, true]);
    text_of(&table)
}
