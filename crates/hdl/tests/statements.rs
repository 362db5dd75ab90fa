//! Every kind of statement means the same to Rust-HDL's kernel, Icarus and Verilator.
//!
//! Evaluation and lowering are two pieces of code. A module of some hundred statements of random
//! kinds, types and operands is run on random inputs and corners on all three engines.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may panic, and lists many kinds"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rtl4ml_hdl::{
    Addend, BitOf, BusDriver, Compression, Counter, Design, Expr, MemoryStyle, Module, ModuleBlock,
    MultiplierHint, Operand, Ram, SignalId, Type,
};
use rust_hdl::core::prelude::*;

const BIT: Type = Type { width: 1, signed: false };
const INPUTS: usize = 24;
const STATEMENTS: usize = 220;
const VECTORS: usize = 200;

/// The vector from which on every bit is known.
const KNOWN_FROM: usize = 24;

fn runner(seed: u8) -> TestRunner {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    TestRunner::new_with_rng(Config::default(), rng)
}

fn draw<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

fn ty() -> impl Strategy<Value = Type> {
    let width = prop_oneof![Just(1u32), Just(2), Just(63), Just(64), 1u32..=64, 1u32..20];
    (width, any::<bool>()).prop_map(|(width, signed)| Type { width, signed })
}

/// A value of the type, often an end of its range.
fn value(ty: Type) -> impl Strategy<Value = i64> {
    let corner = prop_oneof![Just(0), Just(-1), Just(1), Just(i64::MIN), Just(i64::MAX)];
    prop_oneof![any::<i64>(), corner.clone(), corner.prop_map(move |c| c >> (64 - ty.width))]
        .prop_map(move |bits| ty.wrap(bits))
}

/// Random bits of the signals as a compression of so many columns.
fn compression(
    runner: &mut TestRunner,
    module: &Module,
    signals: &[SignalId],
    width: u32,
) -> Compression {
    let addend = |runner: &mut TestRunner| {
        let signal = signals[draw(runner, &(0..signals.len()))];
        let bit = BitOf { signal, bit: draw(runner, &(0..module.ty(signal).width)) };
        match draw(runner, &(0..6u8)) {
            0 => Addend::Zero,
            1 => Addend::One,
            2 | 3 => Addend::Inverse(bit),
            _ => Addend::Bit(bit),
        }
    };
    let columns = draw(runner, &(0..=width));
    let mut plain: Vec<Addend> = (0..columns).map(|_| addend(runner)).collect();
    // A slice of a signal, as a word leaves it.
    let word = signals[draw(runner, &(0..signals.len()))];
    for bit in 0..module.ty(word).width.min(columns) {
        plain[bit as usize] = Addend::Bit(BitOf { signal: word, bit });
    }
    let mut counters = Vec::new();
    let mut column = draw(runner, &(0..4u32));
    while column < width {
        let shapes = [(3, 2), (3, 0), (2, 0), (1, 0), (4, 1), (5, 0), (1, 2), (7, 0), (2, 2)];
        let (ones, twos): (usize, usize) = shapes[draw(runner, &(0..shapes.len()))];
        // The top column may cut a count off, and a count need not fill its columns.
        let full = (ones + 2 * twos).ilog2() + 1;
        let kept = (full + draw(runner, &(0..2u32))).min(width - column);
        let twos = if kept == 1 { 0 } else { twos };
        let mut bits = |count: usize| (0..count).map(|_| addend(runner)).collect();
        counters.push(Counter { column, width: kept, ones: bits(ones), twos: bits(twos) });
        column += kept + draw(runner, &(0..2u32));
    }
    Compression { plain, counters }
}

/// A module with random statements on random inputs; each statement's signal is a lane of `y`.
fn random_module(runner: &mut TestRunner) -> Module {
    let mut module = Module::new("dut");
    let mut namer = rtl4ml_hdl::names::Namer::default();
    let reset = module.add_reset();
    let mut lanes = vec![BIT; 4];
    lanes.extend((4..INPUTS).map(|_| draw(runner, &ty())));
    let x = module.add_input_bus(&mut namer, "x", &lanes);
    let mut signals: Vec<SignalId> = module.lanes(x).collect();
    let bits: Vec<SignalId> = signals[..4].to_vec();
    let mut results = Vec::new();
    for index in 0..STATEMENTS {
        let target_ty = draw(runner, &ty());
        let a = signals[draw(runner, &(0..signals.len()))];
        let b = signals[draw(runner, &(0..signals.len()))];
        let constant = draw(runner, &value(target_ty));
        let operand =
            if draw(runner, &(0..4u8)) == 0 { Operand::Constant(constant) } else { b.into() };
        let (shift_a, shift_b) = draw(runner, &(0u32..6, 0u32..70));
        let (bit_a, bit_b) = (bits[draw(runner, &(0..4usize))], bits[draw(runner, &(0..4usize))]);
        let hint = MultiplierHint::Lut;
        let (target_ty, expr) = match draw(runner, &(0..15u8)) {
            0 => (target_ty, Expr::Add { a: a.into(), shift_a, b: operand, shift_b: shift_b % 8 }),
            1 => (
                target_ty,
                Expr::Sub { a: operand, shift_a: shift_b, b: b.into(), shift_b: shift_a },
            ),
            2 => {
                let (ty_a, ty_b) = (module.ty(a), module.ty(b));
                let signed = ty_a.signed || ty_b.signed;
                let width = ty_a.width + ty_b.width;
                if width > 64 {
                    continue;
                }
                (Type { width, signed }, Expr::Mul { a: a.into(), b: b.into(), hint })
            }
            3 => (target_ty, Expr::ShiftLeft { a, shift: shift_b }),
            4 => (target_ty, Expr::ShiftRight { a, shift: shift_b }),
            5 => (
                target_ty,
                Expr::Select {
                    condition: BitOf { signal: a, bit: shift_b % module.ty(a).width },
                    then: a.into(),
                    otherwise: operand,
                },
            ),
            6 => (BIT, Expr::Fits { a, ty: target_ty }),
            7 => {
                let count = 1 + shift_b % module.ty(a).width;
                (BIT, Expr::AnyBit { a, count })
            }
            8 => {
                let constant = draw(runner, &value(module.ty(a)));
                (BIT, Expr::Equal { a, constant })
            }
            9 => (BIT, Expr::And { a: bit_a, b: bit_b }),
            10 => (BIT, Expr::Or { a: bit_a, b: bit_b }),
            11 => (BIT, Expr::Not { a: bit_a }),
            _ => {
                let sum = compression(runner, &module, &signals, target_ty.width);
                (target_ty, Expr::Compress(Box::new(sum)))
            }
        };
        let signal = module.assign(format!("s_{index}"), target_ty, expr);
        signals.push(signal);
        results.push(signal);
    }
    // State: a register of each sort and a ROM.
    let plain = module.register("plain", results[0]);
    let cleared = module.register_with_reset("cleared", results[1]);
    let enabled = module.register("enabled", results[2]);
    module.registers.last_mut().unwrap().enable = Some(bits[0]);
    let both = module.register_with_reset("both", results[3]);
    module.registers.last_mut().unwrap().enable = Some(bits[1]);
    let address = module.assign(
        "address",
        Type { width: 3, signed: false },
        Expr::ShiftRight { a: results[0], shift: 0 },
    );
    let fields = [Type { width: 5, signed: true }, Type { width: 64, signed: false }];
    let words = (0..6).map(|_| fields.map(|ty| draw(runner, &value(ty))).to_vec()).collect();
    let names = fields.iter().enumerate().map(|(i, ty)| (format!("field_{i}"), *ty));
    let rom = module.rom("memory", names, address, words, MemoryStyle::Distributed);
    results.extend([plain, cleared, enabled, both]);
    results.extend(module.lanes(rom));
    let types: Vec<Type> = results.iter().map(|s| module.ty(*s)).collect();
    module.add_output_bus("y", &types, results.into_iter().map(Into::into).collect());
    let delayed_in = module.add_bus(
        &mut namer,
        "pair",
        &[BIT, BIT],
        BusDriver::Lanes(vec![bits[0].into(), bits[1].into()]),
    );
    let delayed = module.register_bus(&mut namer, "pair_q", delayed_in);
    let held = module.register_bus_if(&mut namer, "pair_held", delayed_in, Some(bits[2]));
    let remembered = module.ram(
        &mut namer,
        "pair_memory",
        Ram {
            q: delayed_in,
            d: delayed_in,
            write: bits[1],
            write_address: bits[2],
            read_address: bits[3],
            words: 2,
            style: MemoryStyle::Block,
        },
    );
    let buses = [delayed, held, remembered];
    let pairs = buses.into_iter().flat_map(|bus| module.lanes(bus));
    let pairs: Vec<Operand> = pairs.map(Into::into).collect();
    module.add_output_bus("pair_y", &[BIT; 6], pairs);
    let _ = reset;
    module
}

fn hex(types: impl Iterator<Item = Type>, values: &[i64]) -> String {
    let mut bits = Vec::new();
    for (ty, value) in types.zip(values) {
        bits.extend((0..ty.width).map(|b| (value >> b) & 1 == 1));
    }
    let digit = |nibble: &[bool]| {
        nibble.iter().enumerate().fold(0u32, |d, (i, bit)| d | (u32::from(*bit) << i))
    };
    bits.chunks(4).rev().map(|nibble| char::from_digit(digit(nibble), 16).unwrap()).collect()
}

fn run(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed by this test: {error}"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stderr.is_empty(),
        "{program} {arguments:?}:\n{stdout}{stderr}"
    );
    stdout
}

#[test]
fn statements_agree_on_all_engines() {
    for seed in 0..4 {
        let mut runner = runner(seed);
        let module = random_module(&mut runner);
        let types = |binding: usize| {
            let rtl4ml_hdl::PortBinding::Bus(bus) = module.ports[binding].binding else { panic!() };
            module.lanes(bus).map(|lane| module.ty(lane)).collect::<Vec<_>>()
        };
        let (x_types, y_types) = (types(1), types(2));
        let mut design = Design::default();
        design.add(module.clone());

        let mut block = ModuleBlock::new(&Arc::new(design.clone())).unwrap();
        let mut stimulus = String::new();
        let mut expected = String::new();
        for vector in 0..VECTORS {
            let x: Vec<i64> = x_types.iter().map(|ty| draw(&mut runner, &value(*ty))).collect();
            let reset = i64::from(vector < 2 || draw(&mut runner, &(0..9u8)) == 0);
            block.set_port(0, &[reset]);
            block.set_port(1, &x);
            assert!(simulate(&mut block, 20));
            block.clock.next = true.into();
            assert!(simulate(&mut block, 20));
            writeln!(stimulus, "{reset}{:0>400}", hex(x_types.iter().copied(), &x)).unwrap();
            // In the first cycles Icarus has unknown values in registers that no reset clears and
            // in words that were not written.
            if vector >= KNOWN_FROM {
                let pair = hex([BIT; 6].into_iter(), block.port(3));
                writeln!(expected, "{}{pair}", hex(y_types.iter().copied(), block.port(2)))
                    .unwrap();
            }
            block.clock.next = false.into();
            assert!(simulate(&mut block, 20));
        }

        let folder = tempfile::tempdir().unwrap();
        let bits = |types: &[Type]| types.iter().map(|ty| ty.width).sum::<u32>();
        let (x_bits, y_bits) = (bits(&x_types), bits(&y_types));
        let testbench = format!(
            "`timescale 1ns/1ps
module tb;
    reg clk = 1'b0;
    reg [1603:0] vectors [0:{last}];
    reg rst;
    reg [{x_high}:0] x;
    wire [{y_high}:0] y;
    wire [5:0] pair_y;
    integer i;
    dut dut (.clk(clk), .rst(rst), .x(x), .y(y), .pair_y(pair_y));
    initial begin
        $readmemh(\"vectors.hex\", vectors);
        for (i = 0; i <= {last}; i = i + 1) begin
            rst = vectors[i][1600];
            x = vectors[i][{x_high}:0];
            #1 clk = 1'b1;
            #1 if (i >= {KNOWN_FROM}) $display(\"%h%h\", y, pair_y);
            #1 clk = 1'b0;
            #1;
        end
        $finish;
    end
endmodule
",
            last = VECTORS - 1,
            x_high = x_bits - 1,
            y_high = y_bits - 1,
        );
        std::fs::write(folder.path().join("vectors.hex"), stimulus).unwrap();
        std::fs::write(folder.path().join("tb.v"), testbench).unwrap();
        let text = rtl4ml_hdl::verilog::design_text(&design);
        std::fs::write(folder.path().join("dut.v"), &text).unwrap();
        let check = |engine: &str, output: &str| {
            let found: Vec<&str> = output.lines().filter(|l| !l.starts_with('-')).collect();
            for (vector, (found, expected)) in found.iter().zip(expected.lines()).enumerate() {
                assert_eq!(*found, expected, "{engine}, seed {seed}, vector {vector}\n{text}");
            }
            assert_eq!(found.len(), expected.lines().count());
        };
        run(folder.path(), "iverilog", &["-g2001", "-Wall", "-o", "tb.vvp", "dut.v"]);
        run(folder.path(), "iverilog", &["-g2001", "-o", "tb.vvp", "tb.v", "dut.v"]);
        check("Icarus", &run(folder.path(), "vvp", &["-n", "tb.vvp"]));
        run(folder.path(), "verilator", &["--lint-only", "-Wall", "--top-module", "dut", "dut.v"]);
        if seed == 0 {
            let arguments = [
                "--binary",
                "--timing",
                "-Wno-fatal",
                "-Wno-lint",
                "-Wno-style",
                "--top-module",
                "tb",
                "tb.v",
                "dut.v",
            ];
            run(folder.path(), "verilator", &arguments);
            check("Verilator", &run(folder.path(), "./obj_dir/Vtb", &[]));
        }
    }
}

#[test]
fn rust_hdl_writes_the_same_text() {
    let mut runner = runner(9);
    let mut design = Design::default();
    design.add(random_module(&mut runner));
    let text = rtl4ml_hdl::verilog::design_text(&design);
    let block = ModuleBlock::new(&Arc::new(design)).unwrap();
    assert!(generate_verilog(&block).contains(text.trim()));
}
