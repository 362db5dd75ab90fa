//! How fast the engines compute the examples, one thread each: `cargo bench -p rtl4ml-conformance`.
//!
//! (`rtl4ml bench` measures the same of any network, on several threads.)

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rtl4ml_circuit::protocol::Stimulus;
use rtl4ml_conformance::root;
use rtl4ml_ir::Io;
use rtl4ml_sim::emulator::Emulator;
use rtl4ml_sim::reference::{Mantissas, Reference};
use rtl4ml_sim::vectors::{Random, corners_and_random};
use rtl4ml_sim::{Cycle, CycleProgram, RustHdl, judge, judge_side_by_side};

/// Fully parallel, a shared kernel over windows, and a stream.
const SPECS: &[&str] =
    &["jet_tagger/network.yaml", "digits_cnn/network.yaml", "digits_cnn/stream.yaml"];

/// Samples a turn: of the fast engines, and of those that go one sample after the other.
const MANY: usize = 4096;
const FEW: usize = 32;

fn engines(criterion: &mut Criterion) {
    // On one thread, so that the figures say what each engine costs.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    for spec in SPECS {
        let network = rtl4ml_spec::load(&root().join("examples").join(spec)).unwrap().network;
        let graph = network.network();
        let samples = corners_and_random(&network, MANY, &mut Random::new(1));
        let reference = Reference::new(&network);
        let expected: Vec<_> =
            samples.iter().map(|sample| reference.evaluate(sample).outputs(&network)).collect();
        let few = Stimulus::back_to_back(samples[..FEW].to_vec());
        let circuit = rtl4ml_circuit::build(&network).unwrap();
        let program = CycleProgram::new(&circuit).unwrap();
        let mut group = criterion.benchmark_group(*spec);

        group.throughput(Throughput::Elements(FEW as u64));
        group.bench_function(BenchmarkId::new("reference", FEW), |bencher| {
            bencher.iter(|| {
                for sample in &samples[..FEW] {
                    black_box(reference.evaluate(sample));
                }
            });
        });
        group.bench_function(BenchmarkId::new("cycle, one stream", FEW), |bencher| {
            bencher
                .iter(|| judge(&mut Cycle::new(&program), &few, &expected[..FEW], |_| {}).unwrap());
        });
        group.sample_size(10);
        group.bench_function(BenchmarkId::new("rust-hdl", FEW), |bencher| {
            bencher.iter(|| {
                judge(&mut RustHdl::new(&circuit).unwrap(), &few, &expected[..FEW], |_| {}).unwrap()
            });
        });

        group.throughput(Throughput::Elements(MANY as u64));
        let emulator = Emulator::new(&network);
        let input = |i: usize| samples.iter().flat_map(|s| s[i].iter().copied()).collect();
        let inputs: Vec<Mantissas> = (0..graph.inputs.len()).map(input).collect();
        group.bench_function(BenchmarkId::new("emulator", MANY), |bencher| {
            bencher.iter(|| emulator.run(&inputs, MANY, &graph.outputs, false));
        });
        if graph.io == Io::Parallel {
            let many = Stimulus::back_to_back(samples.clone());
            group.bench_function(BenchmarkId::new("cycle, side by side", MANY), |bencher| {
                bencher.iter(|| judge_side_by_side(&program, &many, &expected, |_| {}).unwrap());
            });
        }
        group.finish();
    }
}

criterion_group!(benches, engines);
criterion_main!(benches);
