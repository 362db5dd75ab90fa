//! The waves of the cycle engine against those of Rust-HDL's kernel: every signal of every module
//! at every time.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;

use rtl4ml_circuit::protocol::Stimulus;
use rtl4ml_ir::{
    Constant, Dense, FixedType, Implementation, Io, Network, Relu, VerifiedNetwork, verify,
};
use rtl4ml_sim::reference::Reference;
use rtl4ml_sim::vectors::{Random, corners_and_random};
use rtl4ml_sim::{Cycle, CycleProgram, RustHdl, Shown, WaveFile, judge};

const PERIOD_PS: u64 = 2777;

/// Two layers, one of which shares its multipliers.
fn network(io: Io) -> VerifiedNetwork {
    let ty = |text: &str| text.parse::<FixedType>().unwrap();
    let mut network = Network::new("waves");
    network.io = io;
    let x = network.input("x", [4], ty("fixed<6,3>"));
    let numbers: Vec<f64> = (0..12).map(|i| f64::from(i % 7 - 3) / 4.0).collect();
    let weight = Constant::quantize([4, 3], &numbers, ty("fixed<5,2>")).unwrap();
    let bias = Constant::quantize([3], &numbers[..3], ty("fixed<5,2>")).unwrap();
    let shared = Implementation { reuse_factor: 4, ..Implementation::default() };
    let dense = Dense::new(weight, Some(bias)).with_result(ty("fixed<7,4>"));
    let fc = network.layer_with("fc", dense, [x], shared);
    let y = network.layer("act", Relu { result: ty("ufixed<4,3,RND,SAT>").into() }, [fc]);
    network.outputs = vec![y];
    verify(network).unwrap()
}

/// For each signal the values that it takes, with the time from which on.
type Changes = BTreeMap<String, Vec<(u64, String)>>;

/// What a VCD says; the first scope's name is left out.
fn changes(path: &Path) -> Changes {
    let mut parser = vcd::Parser::new(std::io::BufReader::new(std::fs::File::open(path).unwrap()));
    let header = parser.parse_header().unwrap();
    let mut names = BTreeMap::new();
    let mut scopes = vec![(String::new(), &header.items)];
    while let Some((path, items)) = scopes.pop() {
        for item in items {
            match item {
                vcd::ScopeItem::Scope(scope) => {
                    let top = path.is_empty() && scopes.is_empty() && names.is_empty();
                    let path =
                        if top { "top".to_owned() } else { format!("{path}.{}", scope.identifier) };
                    scopes.push((path, &scope.children));
                }
                vcd::ScopeItem::Var(var) => {
                    names
                        .entry(var.code)
                        .or_insert_with(Vec::new)
                        .push(format!("{path}.{}", var.reference));
                }
            }
        }
    }
    let (mut time, mut found) = (0, Changes::new());
    for command in parser {
        let (code, value) = match command.unwrap() {
            vcd::Command::Timestamp(now) => {
                time = now;
                continue;
            }
            vcd::Command::ChangeScalar(code, value) => (code, value.to_string()),
            vcd::Command::ChangeVector(code, value) => {
                (code, value.iter().map(ToString::to_string).collect())
            }
            _ => continue,
        };
        for name in &names[&code] {
            let own = found.entry(name.clone()).or_default();
            // The last value of a time is its value; one that is there already is no change.
            if own.last().is_some_and(|(at, _)| *at == time) {
                own.pop();
            }
            if own.last().is_none_or(|(_, last)| *last != value) {
                own.push((time, value.clone()));
            }
        }
    }
    found
}

/// The same of an FST.
fn fst_changes(path: &Path) -> Changes {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = fst_reader::FstReader::open(file).unwrap();
    let mut names: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut scopes = Vec::new();
    reader
        .read_hierarchy(|entry| match entry {
            fst_reader::FstHierarchyEntry::Scope { name, .. } if scopes.is_empty() => {
                assert_eq!(name, "waves");
                scopes.push("top".to_owned());
            }
            fst_reader::FstHierarchyEntry::Scope { name, .. } => scopes.push(name),
            fst_reader::FstHierarchyEntry::UpScope => drop(scopes.pop()),
            fst_reader::FstHierarchyEntry::Var { name, handle, .. } => {
                let name = name.split(' ').next().unwrap();
                let own = names.entry(handle.get_index()).or_default();
                own.push(format!("{}.{name}", scopes.join(".")));
            }
            _ => {}
        })
        .unwrap();
    let mut found = Changes::new();
    let all = fst_reader::FstFilter::all();
    reader
        .read_signals(&all, |time, handle, value| {
            let fst_reader::FstSignalValue::String(bits) = value else { panic!("bits only") };
            let bits = String::from_utf8(bits.to_vec()).unwrap();
            for name in &names[&handle.get_index()] {
                let own = found.entry(name.clone()).or_default();
                if own.last().is_none_or(|(_, last)| *last != bits) {
                    own.push((time, bits.clone()));
                }
            }
            Ok::<(), std::convert::Infallible>(())
        })
        .unwrap();
    found
}

fn compare(io: Io) {
    let network = network(io);
    let circuit = rtl4ml_circuit::build(&network).unwrap();
    let samples = corners_and_random(&network, 30, &mut Random::new(3));
    let reference = Reference::new(&network);
    let outputs: Vec<_> = samples.iter().map(|x| reference.evaluate(x).outputs(&network)).collect();
    let stimulus = Stimulus::varied(samples, circuit.interface.latency_cycles);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| Box::new(std::fs::File::create(folder.path().join(name)).unwrap());

    let mut kernel = RustHdl::new(&circuit).unwrap();
    kernel.trace(file("kernel.vcd"), PERIOD_PS, true).unwrap();
    judge(&mut kernel, &stimulus, &outputs, |_| {}).unwrap();
    drop(kernel);
    let program = CycleProgram::new(&circuit).unwrap();
    let mut cycle = Cycle::new(&program);
    cycle.trace(WaveFile::Vcd(file("cycle.vcd")), PERIOD_PS, &Shown::All).unwrap();
    judge(&mut cycle, &stimulus, &outputs, |_| {}).unwrap();
    cycle.finish_trace().unwrap();

    let expected = changes(&folder.path().join("kernel.vcd"));
    let found = changes(&folder.path().join("cycle.vcd"));
    assert!(expected.len() > 30, "only {} signals", expected.len());
    let fst = std::io::BufWriter::new(*file("cycle.fst"));
    let mut again = Cycle::new(&program);
    again.trace(WaveFile::Fst(fst), PERIOD_PS, &Shown::All).unwrap();
    judge(&mut again, &stimulus, &outputs, |_| {}).unwrap();
    again.finish_trace().unwrap();
    assert!(fst_changes(&folder.path().join("cycle.fst")) == found, "{io:?}: FST and VCD differ");
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, expected) in &expected {
        let found = &found[name];
        let first =
            (0..found.len().max(expected.len())).find(|i| found.get(*i) != expected.get(*i));
        if let Some(first) = first {
            let (found, expected) = (found.get(first), expected.get(first));
            panic!("{io:?}: {name}: change {first} is {found:?}, must be {expected:?}");
        }
    }

    let some = Shown::Matching(vec!["waves.*valid".into()]);
    let mut cycle = Cycle::new(&program);
    cycle.trace(WaveFile::Vcd(file("some.vcd")), PERIOD_PS, &some).unwrap();
    cycle.finish_trace().unwrap();
    let names: Vec<String> = changes(&folder.path().join("some.vcd")).into_keys().collect();
    let wanted: &[&str] = match io {
        Io::Parallel => &["top.in_valid", "top.out_valid"],
        Io::Stream => &["top.x_tvalid", "top.act_tvalid"],
    };
    assert!(wanted.iter().all(|name| names.iter().any(|found| found == name)), "{names:?}");
    assert!(names.iter().all(|name| name.ends_with("valid")), "{names:?}");
}

#[test]
fn every_signal_is_equal_at_every_time() {
    compare(Io::Parallel);
}

#[test]
fn every_signal_of_streams_is_equal_at_every_time() {
    compare(Io::Stream);
}
