//! The engines that simulate a circuit, behind one function.
//!
//! Guarantees: what [`run`] returns is what the circuit computed for every sample, equal to the
//! reference in each bit, with the latency and the interval that the circuit promises; anything
//! else is a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rtl4ml_circuit::protocol::{RESET_CYCLES, Stimulus};
use rtl4ml_circuit::{Circuit, Interface};
use rtl4ml_ir::Io;
use rtl4ml_sim::external::{Simulator, read_cycles, read_results};
use rtl4ml_sim::reference::Mantissas;
use rtl4ml_sim::{
    Cycle, CycleProgram, EngineError, Mismatch, RustHdl, Shown, judge, judge_side_by_side,
};
use rtl4ml_verilog::{
    TextFile, rtl_files, testbench_files, testbench_name, vector_files, write_files,
};

use crate::failure::Failure;
use crate::terminal;
use crate::waves::{VcdFile, Waves};

/// What can simulate a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// The circuit as a program for the processor, many streams at a time
    Cycle,
    /// The circuit on Rust-HDL's own kernel
    RustHdl,
    /// The emitted Verilog in Verilator, with the generated testbench
    Verilator,
    /// The emitted Verilog in Icarus Verilog, with the generated testbench
    Icarus,
}

/// What an engine did with a stimulus.
pub struct Run {
    /// The outputs of each transaction; `None` where a reset discarded them.
    pub outputs: Vec<Option<Vec<Mantissas>>>,
    /// How many clock cycles were simulated.
    pub cycles: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether that includes compiling the Verilog.
    pub compiled: bool,
}

impl EngineName {
    /// The engine's name on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cycle => "cycle",
            Self::RustHdl => "rust-hdl",
            Self::Verilator => Simulator::Verilator.name(),
            Self::Icarus => Simulator::Icarus.name(),
        }
    }
}

/// Drives a stimulus into an engine and holds what it does against the rules of the protocol and
/// the `expected` outputs, one entry a transaction.
///
/// # Errors
/// When the engine fails, or anything is not as it must be.
pub fn run(
    engine: EngineName,
    circuit: &Circuit,
    stimulus: &Stimulus,
    expected: &[Vec<Mantissas>],
    waves: Option<&Waves>,
) -> Result<Run, Failure> {
    match engine {
        EngineName::Cycle => cycle(circuit, stimulus, expected, waves),
        EngineName::RustHdl => rust_hdl(circuit, stimulus, expected, waves),
        EngineName::Verilator => external(Simulator::Verilator, circuit, stimulus, expected),
        EngineName::Icarus => external(Simulator::Icarus, circuit, stimulus, expected),
    }
}

fn cycle(
    circuit: &Circuit,
    stimulus: &Stimulus,
    expected: &[Vec<Mantissas>],
    waves: Option<&Waves>,
) -> Result<Run, Failure> {
    let engine = EngineName::Cycle.word();
    let failed = |source| match (source, waves) {
        (Mismatch::Engine(EngineError::Waves(source)), Some(waves)) => waves.not_written(source),
        (source, _) => Failure::Mismatch { engine, source: Box::new(source) },
    };
    let program = CycleProgram::new(circuit).map_err(|error| failed(error.into()))?;
    let file = waves.map(Waves::file).transpose()?;
    let start = Instant::now();
    let bar = terminal::progress_bar("simulating", stimulus.transactions.len());
    // A wave file shows one stream, and streams of transfers wait for each other.
    let result = if waves.is_none() && circuit.interface.io == Io::Parallel {
        judge_side_by_side(&program, stimulus, expected, |came| bar.inc(came as u64))
    } else {
        let mut simulator = Cycle::new(&program);
        if let Some((waves, file)) = waves.zip(file) {
            let traced = simulator.trace(file, waves.period_ps, &waves.shown);
            traced.map_err(|error| failed(error.into()))?;
        }
        let come = |done| bar.set_position(done as u64);
        let result = judge(&mut simulator, stimulus, expected, come);
        simulator.finish_trace().map_err(|error| failed(error.into()))?;
        result
    };
    let elapsed = start.elapsed();
    bar.finish_and_clear();
    let judgement = result.map_err(failed)?;
    Ok(Run { outputs: judgement.outputs, cycles: judgement.cycles, elapsed, compiled: false })
}

fn rust_hdl(
    circuit: &Circuit,
    stimulus: &Stimulus,
    expected: &[Vec<Mantissas>],
    waves: Option<&Waves>,
) -> Result<Run, Failure> {
    let engine = EngineName::RustHdl.word();
    let failed = |source| Failure::Engine { engine, source };
    let mut simulator = RustHdl::new(circuit).map_err(failed)?;
    let file = waves.map(VcdFile::create).transpose()?;
    if let Some((waves, file)) = waves.zip(file.as_ref()) {
        let writer = Box::new(file.clone());
        let locals = waves.shown == Shown::All;
        simulator.trace(writer, waves.period_ps, locals).map_err(failed)?;
    }
    let start = Instant::now();
    let bar = terminal::progress_bar("simulating", stimulus.transactions.len());
    let result = judge(&mut simulator, stimulus, expected, |done| bar.set_position(done as u64));
    let elapsed = start.elapsed();
    bar.finish_and_clear();
    // The simulator writes the last changes when it goes.
    drop(simulator);
    if let Some(file) = file {
        file.finish()?;
    }
    let judgement =
        result.map_err(|source| Failure::Mismatch { engine, source: Box::new(source) })?;
    Ok(Run { outputs: judgement.outputs, cycles: judgement.cycles, elapsed, compiled: false })
}

fn external(
    simulator: Simulator,
    circuit: &Circuit,
    stimulus: &Stimulus,
    expected: &[Vec<Mantissas>],
) -> Result<Run, Failure> {
    const VECTORS: &str = "vectors";
    let engine = simulator.name();
    let failed = |source| Failure::External { engine, source };
    let interface = &circuit.interface;
    let count = stimulus.transactions.len();
    let start = Instant::now();
    let spinner = terminal::spinner(simulator.name());
    let folder = tempfile::Builder::new().prefix("rtl4ml-").tempdir();
    let in_temporary = |path: &Path| {
        let path = path.to_owned();
        move |source| Failure::Write { path, source }
    };
    let folder = folder.map_err(in_temporary(&std::env::temp_dir()))?;
    // The simulators run in the folder, which a relative path would not reach from there.
    let root = fs::canonicalize(folder.path()).map_err(in_temporary(folder.path()))?;
    let work = root.join("work");
    fs::create_dir(&work).map_err(in_temporary(&work))?;
    let mut sources = rtl_files(circuit);
    sources.extend(testbench_files(circuit, stimulus, VECTORS));
    write_files(&root, &sources)?;
    write_files(&root, &vector_files(interface, stimulus, expected))?;
    let paths: Vec<PathBuf> = sources.iter().map(|TextFile { path, .. }| path.into()).collect();
    let text = simulator.run(&paths, &testbench_name(interface), &root, &work).map_err(failed)?;
    let mut results = read_results(&root.join("results.txt"), interface).map_err(failed)?;
    spinner.finish_and_clear();
    let outputs: Vec<_> = (0..count).map(|index| results.remove(&index)).collect();
    check_outputs(engine, interface, &outputs, expected)?;
    let cycles = match interface.io {
        Io::Parallel => cycle_count(interface, stimulus),
        Io::Stream => read_cycles(&text, &interface.top).unwrap_or_default(),
    };
    Ok(Run { outputs, cycles, elapsed: start.elapsed(), compiled: true })
}

/// Compares outputs with the reference once more: that the testbench's verdict was read, and read
/// from the right text, is not taken on trust.
fn check_outputs(
    engine: &'static str,
    interface: &Interface,
    outputs: &[Option<Vec<Mantissas>>],
    expected: &[Vec<Mantissas>],
) -> Result<(), Failure> {
    for (transaction, (found, expected)) in outputs.iter().zip(expected).enumerate() {
        let ports = interface.outputs.iter().zip(found.iter().flatten().zip(expected));
        for (port, (found, expected)) in ports {
            let mut pairs = found.iter().zip(expected).enumerate();
            if let Some((element, (found, expected))) = pairs.find(|(_, (f, e))| f != e) {
                let (port, found, expected) = (port.name.clone(), *found, *expected);
                let source = Mismatch::Output { transaction, port, element, found, expected };
                return Err(Failure::Mismatch { engine, source: Box::new(source) });
            }
        }
    }
    Ok(())
}

/// The clock cycles that a stimulus takes by the rules of the protocol: what a testbench that
/// passes has simulated.
fn cycle_count(interface: &Interface, stimulus: &Stimulus) -> u64 {
    let reset = u64::from(RESET_CYCLES);
    let mut cycle = reset;
    let mut ready_at = cycle;
    for transaction in &stimulus.transactions {
        let taken_at = ready_at.max(cycle + u64::from(transaction.idle_cycles));
        cycle = taken_at + 1;
        ready_at = taken_at + interface.initiation_interval_cycles;
        if transaction.reset_after_cycles > 0 {
            cycle += u64::from(transaction.reset_after_cycles) - 1 + reset;
            ready_at = cycle;
        }
    }
    cycle + interface.latency_cycles + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waves::WaveFormat;
    use rtl4ml_ir::{FixedType, Network, Relu, verify};
    use rtl4ml_sim::reference::evaluate;
    use rtl4ml_sim::vectors::{Random, corners_and_random};

    /// A circuit with some samples and what the reference makes of them.
    fn example() -> (Circuit, Vec<Vec<Mantissas>>, Vec<Vec<Mantissas>>) {
        let ty = |text: &str| text.parse::<FixedType>().unwrap();
        let mut network = Network::new("count");
        let x = network.input("x", [3], ty("fixed<6,3>"));
        let y = network.layer("act", Relu { result: ty("ufixed<4,3>").into() }, [x]);
        network.outputs = vec![y];
        let network = verify(network).unwrap();
        let circuit = rtl4ml_circuit::build(&network).unwrap();
        let samples = corners_and_random(&network, 40, &mut Random::new(5));
        let expected = samples.iter().map(|x| evaluate(&network, x).outputs(&network)).collect();
        (circuit, samples, expected)
    }

    /// The engine counts the cycles that it simulates; the count by the protocol must be the same
    /// for every stimulus, resets and gaps included.
    #[test]
    fn cycles_are_counted_as_the_engine_counts_them() {
        let (circuit, samples, expected) = example();
        let latency_cycles = circuit.interface.latency_cycles;
        for stimulus in [
            Stimulus::back_to_back(samples.clone()),
            Stimulus::varied(samples.clone(), latency_cycles),
        ] {
            for engine in [EngineName::RustHdl, EngineName::Cycle] {
                // Few samples are one stream, whose cycles are those of the protocol.
                let samples = &stimulus.transactions[..32];
                let stimulus = Stimulus { transactions: samples.to_vec(), ..stimulus.clone() };
                let run = run(engine, &circuit, &stimulus, &expected[..32], None).unwrap();
                assert_eq!(run.cycles, cycle_count(&circuit.interface, &stimulus));
            }
        }
    }

    #[test]
    fn one_wrong_bit_or_a_wrong_latency_is_a_failure_on_every_engine() {
        let (circuit, samples, expected) = example();
        let stimulus = Stimulus::back_to_back(samples);
        let mut wrong = expected.clone();
        wrong[39][0][2] ^= 1;
        let mut late = example().0;
        late.interface.latency_cycles += 1;
        for engine in EngineName::value_variants() {
            let run = |circuit, expected| run(*engine, circuit, &stimulus, expected, None);
            assert!(run(&circuit, &expected).is_ok(), "{engine:?}");
            assert!(run(&circuit, &wrong).is_err(), "{engine:?}");
            assert!(run(&late, &expected).is_err(), "{engine:?}");
        }
    }

    #[test]
    fn waves_that_cannot_be_written_are_a_failure_and_no_panic() {
        let (circuit, samples, expected) = example();
        let stimulus = Stimulus::back_to_back(samples);
        for (engine, format) in [
            (EngineName::RustHdl, WaveFormat::Vcd),
            (EngineName::Cycle, WaveFormat::Vcd),
            (EngineName::Cycle, WaveFormat::Fst),
        ] {
            let path = "/dev/full".into();
            let full = Waves { path, format, shown: Shown::All, period_ps: 5000 };
            let result = run(engine, &circuit, &stimulus, &expected, Some(&full));
            assert!(matches!(result, Err(Failure::Write { .. })), "{engine:?} {format:?}");
        }
    }
}
