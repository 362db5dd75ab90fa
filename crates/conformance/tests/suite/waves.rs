//! The cycle engine against Verilator, signal for signal: every signal of every module in every
//! clock cycle, with random offers, pauses and resets.
//!
//! (`rtl4ml-sim` compares its waves with Rust-HDL's in the same way; the ports of every case are
//! compared on every engine.)

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::process::Command;

use rtl4ml_circuit::{Circuit, Interface, Port};
use rtl4ml_conformance::root;
use rtl4ml_ir::{Io, VerifiedNetwork};
use rtl4ml_sim::reference::Mantissas;
use rtl4ml_sim::vectors::{Random, corners_and_random};
use rtl4ml_sim::{Cycle, CycleProgram, Engine, Pins, Shown, StreamPins, WaveFile};

/// Shared multipliers, a convolution that takes its windows one after the other, distributed
/// arithmetic with tables, and a stream with line buffers and a memory.
const CASES: &[&str] =
    &["mixed_reuse", "conv2d_one_at_a_time", "softmax_stable", "conv2d_valid_stride2_stream"];

const CYCLES: usize = 400;

/// The pins of the top module in a cycle, by name, as binary numbers.
type Driven = Vec<(String, String)>;

/// What each signal is at the end of each cycle.
type Sampled = BTreeMap<String, Vec<String>>;

/// Elements as the bits of a port, the first element lowest.
fn bits(port: &Port, elements: &[i128]) -> String {
    let pairs = port.elements.iter().zip(elements).rev();
    pairs.map(|(e, value)| binary(*value, e.width)).collect()
}

fn binary(value: i128, width: u32) -> String {
    (0..width).rev().map(|bit| if value >> bit & 1 == 1 { '1' } else { '0' }).collect()
}

fn flag(name: impl Into<String>, is_high: bool) -> (String, String) {
    (name.into(), binary(is_high.into(), 1))
}

fn data(interface: &Interface, inputs: &[Option<&[i128]>]) -> Driven {
    let mut driven = Driven::new();
    for (port, elements) in interface.inputs.iter().zip(inputs).filter(|(p, _)| p.width > 0) {
        let nothing = vec![0; port.elements.len()];
        driven.push((port.data_name(interface.io), bits(port, elements.unwrap_or(&nothing))));
    }
    driven
}

/// Runs random cycles on the cycle engine, with its waves in a file; returns what was driven.
fn run_cycles(network: &VerifiedNetwork, circuit: &Circuit, waves: &Path) -> Vec<Driven> {
    let mut random = Random::new(11);
    let samples = corners_and_random(network, CYCLES, &mut Random::new(5));
    let interface = &circuit.interface;
    let mut engine = Cycle::new(&CycleProgram::new(circuit).unwrap());
    let file = WaveFile::Vcd(Box::new(std::io::BufWriter::new(File::create(waves).unwrap())));
    engine.trace(file, 2000, &Shown::All).unwrap();
    let mut all = Vec::new();
    // Of each input of a stream, the transfer that is on offer: it stays until it is taken.
    let mut offered: Vec<Option<Mantissas>> = vec![None; interface.inputs.len()];
    let mut sent = vec![0usize; interface.inputs.len()];
    for cycle in 0..CYCLES {
        let rst = cycle < 2 || random.below(97) == 0;
        let mut driven = vec![flag("rst", rst)];
        if interface.io == Io::Parallel {
            let in_valid = random.below(3) > 0;
            let inputs = if in_valid { samples[cycle].as_slice() } else { &[] };
            let shown: Vec<_> =
                (0..interface.inputs.len()).map(|i| inputs.get(i).map(Vec::as_slice)).collect();
            driven.push(flag("in_valid", in_valid));
            driven.extend(data(interface, &shown));
            engine.cycle(&Pins { rst, in_valid, inputs }).unwrap();
        } else {
            for (index, port) in interface.inputs.iter().enumerate() {
                if offered[index].is_none() && random.below(4) > 0 {
                    let count = port.elements.len();
                    let (frame, place) =
                        (sent[index] / port.transfers, sent[index] % port.transfers);
                    offered[index] = Some(samples[frame][index][place * count..][..count].to_vec());
                }
                driven.push(flag(port.valid_name(), offered[index].is_some()));
            }
            let taking: Vec<bool> = interface.outputs.iter().map(|_| random.below(4) > 0).collect();
            for (port, taking) in interface.outputs.iter().zip(&taking) {
                driven.push(flag(port.ready_name(), *taking));
            }
            let shown: Vec<_> = offered.iter().map(Option::as_deref).collect();
            driven.extend(data(interface, &shown));
            let sampled =
                engine.stream_cycle(&StreamPins { rst, offered: offered.clone(), taking }).unwrap();
            for (index, ready) in sampled.ready.iter().enumerate() {
                if *ready && offered[index].take().is_some() {
                    sent[index] += 1;
                }
                if rst {
                    // A frame that a reset has cut begins again.
                    offered[index] = None;
                    sent[index] = sent[index].next_multiple_of(interface.inputs[index].transfers);
                }
            }
        }
        all.push(driven);
    }
    engine.finish_trace().unwrap();
    all
}

/// A testbench that drives the same, and writes the waves of the circuit.
fn testbench(circuit: &Circuit, driven: &[Driven]) -> String {
    let top = &circuit.interface.top;
    let (mut ports, mut regs) = (String::new(), String::new());
    for (name, bits) in &driven[0] {
        writeln!(regs, "    reg [{}:0] {name} = 0;", bits.len() - 1).unwrap();
        write!(ports, ", .{name}({name})").unwrap();
    }
    let mut steps = String::new();
    for cycle in driven {
        for (name, bits) in cycle {
            write!(steps, "        {name} = {}'b{bits};", bits.len()).unwrap();
        }
        steps += "\n        #1000 clk = 1'b1;\n        #1000 clk = 1'b0;\n";
    }
    format!(
        "`timescale 1ps/1ps\nmodule driver;\n    reg clk = 1'b0;\n{regs}    {top} dut(.clk(clk){ports});\n    initial begin\n        $dumpfile(\"verilator.vcd\");\n        $dumpvars(0, driver);\n{steps}        $finish;\n    end\nendmodule\n"
    )
}

/// What the signals below the scope `top` are just before each rising edge of its clock.
fn sampled(path: &Path, top: &str) -> Sampled {
    let mut parser = vcd::Parser::new(BufReader::new(File::open(path).unwrap()));
    let header = parser.parse_header().unwrap();
    let mut names: BTreeMap<vcd::IdCode, Vec<String>> = BTreeMap::new();
    let mut widths = BTreeMap::new();
    let mut scopes = vec![(Vec::<String>::new(), &header.items)];
    while let Some((path, items)) = scopes.pop() {
        for item in items {
            match item {
                vcd::ScopeItem::Scope(scope) => {
                    let mut path = path.clone();
                    if !path.is_empty() || scope.identifier == top {
                        path.push(scope.identifier.clone());
                    }
                    scopes.push((path, &scope.children));
                }
                vcd::ScopeItem::Var(var) if !path.is_empty() => {
                    let name = format!("{}.{}", path[1..].join("."), var.reference);
                    names.entry(var.code).or_default().push(name);
                    widths.insert(var.code, var.size as usize);
                }
                vcd::ScopeItem::Var(_) => {}
            }
        }
    }
    let clock = *names.iter().find(|(_, names)| names.iter().any(|n| n == ".clk")).unwrap().0;
    let mut now: BTreeMap<vcd::IdCode, String> = BTreeMap::new();
    let mut found = Sampled::new();
    let mut pending: Vec<(vcd::IdCode, String)> = Vec::new();
    let mut step = |pending: &mut Vec<(vcd::IdCode, String)>| {
        let rises = pending.iter().any(|(code, value)| *code == clock && value == "1")
            && now.get(&clock).is_some_and(|value| value == "0");
        if rises {
            for (code, names) in &names {
                for name in names {
                    found.entry(name.clone()).or_default().push(now[code].clone());
                }
            }
        }
        now.extend(pending.drain(..));
    };
    for command in parser {
        match command.unwrap() {
            vcd::Command::Timestamp(_) => step(&mut pending),
            vcd::Command::ChangeScalar(code, value) => pending.push((code, value.to_string())),
            vcd::Command::ChangeVector(code, value) => {
                let text: String = value.iter().map(ToString::to_string).collect();
                let width = widths.get(&code).copied().unwrap_or(text.len());
                pending.push((code, format!("{text:0>width$}")));
            }
            _ => {}
        }
    }
    step(&mut pending);
    found
}

#[test]
fn every_signal_is_that_of_verilator() {
    for case in CASES {
        let spec = root().join("testbenches").join(case).join("network.yaml");
        let network = rtl4ml_spec::load(&spec).unwrap().network;
        let circuit = rtl4ml_circuit::build(&network).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let driven = run_cycles(&network, &circuit, &folder.path().join("cycle.vcd"));
        let files = rtl4ml_verilog::rtl_files(&circuit);
        rtl4ml_verilog::write_files(folder.path(), &files).unwrap();
        fs::write(folder.path().join("driver.v"), testbench(&circuit, &driven)).unwrap();
        let output = Command::new("verilator")
            .args([
                "--binary",
                "--timing",
                "--trace",
                "--trace-underscore",
                "--trace-max-width",
                "0",
            ])
            .args(["-O1", "--top-module", "driver", "-Wno-fatal", "-Wno-lint", "-Wno-style"])
            .args(["-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0", "driver.v"])
            .args(files.iter().map(|file| &file.path))
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{case}: {}", String::from_utf8_lossy(&output.stderr));
        let run = Command::new("./obj_dir/Vdriver").current_dir(&folder).output().unwrap();
        assert!(run.status.success(), "{case}: {}", String::from_utf8_lossy(&run.stderr));

        let expected = sampled(&folder.path().join("verilator.vcd"), "dut");
        let found = sampled(&folder.path().join("cycle.vcd"), &circuit.interface.top);
        assert!(found.len() > 30, "{case}: only {} signals", found.len());
        for (name, found) in &found {
            let expected =
                expected.get(name).unwrap_or_else(|| panic!("{case}: Verilator has no {name}"));
            assert_eq!(found.len(), CYCLES, "{case}: {name}");
            let differ = (0..CYCLES).find(|cycle| found[*cycle] != expected[*cycle]);
            if let Some(cycle) = differ {
                let (found, expected) = (&found[cycle], &expected[cycle]);
                panic!("{case}: {name}, cycle {cycle}: {found}, must be {expected}");
            }
        }
    }
}
