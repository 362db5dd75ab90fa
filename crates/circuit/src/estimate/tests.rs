//! Counts that can be worked out by hand, and what the calibration promises.

use rtl4ml_hdl::{Direction, Expr, MemoryStyle, Module, Operand, SignalId, Type, names::Namer};
use serde::Deserialize;

use super::*;

fn signed(width: u32) -> Type {
    Type { width, signed: true }
}

/// What a module takes whose last signal leaves it.
fn counts_of(module: Module) -> Counts {
    let mut module = module;
    let last = SignalId(module.signals.len() as u32 - 1);
    module.add_output(last);
    let mut design = rtl4ml_hdl::Design::default();
    design.add(module);
    design.check().unwrap();
    let (network, outputs) = flatten::flatten(&design, &[], 0);
    count::count(&network, &outputs, 1)[0]
}

fn sum(module: &mut Module, a: SignalId, b: SignalId, shift_b: u32, width: u32) -> SignalId {
    let expr = Expr::Add { a: a.into(), shift_a: 0, b: b.into(), shift_b };
    module.assign("sum", signed(width), expr)
}

#[test]
fn an_adder_takes_a_table_where_both_operands_vary() {
    let adder = |shift: u32| {
        let mut module = Module::new("m");
        let (a, b) = (module.add_input("a", signed(8)), module.add_input("b", signed(8)));
        let s = sum(&mut module, a, b, shift, 9 + shift);
        module.register("q", s);
        counts_of(module)
    };
    // Both signs are above the ninth bit what they are in the eighth.
    let expected = Counts { chain_luts: 8, flip_flops: 9, ..Counts::default() };
    assert_eq!(adder(0), expected);
    // Three bits pass; above a's sign each bit of b meets it.
    let expected = Counts { chain_luts: 8, flip_flops: 12, ..Counts::default() };
    assert_eq!(adder(3), expected);
}

#[test]
fn a_chain_of_registers_is_a_shift_register_unless_something_else_reads_it() {
    let chain = |length: usize, read: bool| {
        let mut module = Module::new("m");
        let x = module.add_input("x", signed(8));
        let mut stages = vec![x];
        for stage in 0..length {
            let before = stages[stage];
            stages.push(module.register(format!("q{stage}"), before));
        }
        if read {
            module.add_output(stages[length / 2]);
        }
        counts_of(module)
    };
    let registers = |flip_flops| Counts { flip_flops, ..Counts::default() };
    assert_eq!(chain(2, false), registers(16));
    assert_eq!(chain(40, false), Counts { shift_registers: 16, ..Counts::default() });
    assert_eq!(chain(5, true), Counts { shift_registers: 8, flip_flops: 16, ..Counts::default() });
}

#[test]
fn a_register_sets_to_zero_what_is_negative() {
    let mut module = Module::new("m");
    let x = module.add_input("x", signed(8));
    let sign = rtl4ml_hdl::BitOf { signal: x, bit: 7 };
    let expr =
        Expr::Select { condition: sign, then: Operand::Constant(0), otherwise: Operand::Signal(x) };
    let y = module.assign("y", Type { width: 7, signed: false }, expr);
    let mut free = module.clone();
    module.register("q", y);
    assert_eq!(counts_of(module), Counts { flip_flops: 7, ..Counts::default() });
    free.assign("z", Type { width: 7, signed: false }, Expr::ShiftRight { a: y, shift: 0 });
    assert_eq!(counts_of(free), Counts { logic_luts: 7, ..Counts::default() });
}

#[test]
fn a_counter_is_worked_out_although_it_reads_itself() {
    let mut module = Module::new("m");
    module.add_reset();
    let ty = Type { width: 4, signed: false };
    let count = module.add_signal("count", ty);
    let one = Operand::Constant(1);
    let expr = Expr::Add { a: count.into(), shift_a: 0, b: one, shift_b: 0 };
    let next = module.assign("next", ty, expr);
    module.registers.push(rtl4ml_hdl::Register {
        q: count,
        d: next.into(),
        enable: None,
        reset: true,
    });
    module.assign("y", ty, Expr::ShiftRight { a: count, shift: 0 });
    // Adding 1 only inverts the lowest bit in front of the chain.
    assert_eq!(counts_of(module), Counts { logic_luts: 1, flip_flops: 4, ..Counts::default() });
}

#[test]
fn tables_and_memories_go_where_they_are_told_to() {
    let rom = |words: usize, style: MemoryStyle| {
        let mut module = Module::new("m");
        let width = words.ilog2();
        let address = module.add_input("address", Type { width, signed: false });
        // Squares, of which bit 1 is always 0.
        let words = (0..words as i64).map(|word| vec![(word * word) & 0xfff]).collect();
        let lane = ("y_0".to_owned(), Type { width: 12, signed: false });
        let bus = module.rom("table", [lane], address, words, style);
        let q = module.bus(bus).first;
        module.assign("y", Type { width: 12, signed: false }, Expr::ShiftRight { a: q, shift: 0 });
        counts_of(module)
    };
    let small = rom(64, MemoryStyle::Distributed);
    // Bit 0 is the address's own; ten further bits vary, each one table of six inputs.
    assert_eq!(small, Counts { table_luts: 10, flip_flops: 11, ..Counts::default() });
    let large = rom(2048, MemoryStyle::Block);
    assert_eq!(large, Counts { half_block_rams: 2, ..Counts::default() });
}

#[test]
fn wide_products_are_dsp_blocks_and_short_ones_are_not() {
    let product = |width: u32| {
        let mut module = Module::new("m");
        let (a, b) = (module.add_input("a", signed(width)), module.add_input("b", signed(width)));
        let hint = rtl4ml_hdl::MultiplierHint::Dsp;
        module.assign("y", signed(2 * width), Expr::Mul { a: a.into(), b: b.into(), hint });
        counts_of(module)
    };
    assert_eq!(product(17), Counts { dsps: 1, ..Counts::default() });
    assert_eq!(product(4).dsps, 0);
    assert!(product(4).chain_luts > 8);
}

/// The same module in several places is built several times, and each place's share is its own.
#[test]
fn instances_are_counted_where_they_are() {
    let ty = signed(8);
    let mut inner = Module::new("inner");
    let x = inner.add_input("x", ty);
    let q = inner.register("q", x);
    inner.add_output(q);
    let mut design = rtl4ml_hdl::Design::default();
    let inner = design.add(inner);
    let mut top = Module::new("top");
    for name in ["a", "b", "c"] {
        let x = top.add_input(format!("{name}_x"), ty);
        let y = top.add_signal(format!("{name}_y"), ty);
        top.add_output(y);
        let connections = [x, y].map(rtl4ml_hdl::Connection::Signal).to_vec();
        top.instances.push(rtl4ml_hdl::Instance {
            name: format!("u_{name}"),
            module: inner,
            connections,
        });
    }
    assert_eq!(top.ports.iter().filter(|port| port.direction == Direction::Output).count(), 3);
    design.add(top);
    design.check().unwrap();
    let (network, outputs) = flatten::flatten(&design, &[0, 1, 0], 2);
    let flip_flops: Vec<u64> =
        count::count(&network, &outputs, 3).iter().map(|layer| layer.flip_flops).collect();
    assert_eq!(flip_flops, [16, 8, 0]);
}

#[test]
fn rows_add_up_to_their_total() {
    let counts = |luts| Counts { chain_luts: luts, flip_flops: 3 * luts, ..Counts::default() };
    let rows: Vec<Resources> = (1..30).map(|luts| Resources::of(&counts(luts))).collect();
    let total = Resources::sum(&rows);
    assert_eq!(total.lut.value, rows.iter().map(|row| row.lut.value).sum::<u64>());
    assert_eq!(total.ff.value, rows.iter().map(|row| row.ff.value).sum::<u64>());
    assert!(total.lut.low <= total.lut.value && total.lut.value <= total.lut.high);
}

/// A design of the calibration.
#[derive(Deserialize)]
struct Design {
    held_out: bool,
    counts: Counts,
    yosys: Measured,
}

/// What Yosys found.
#[derive(Deserialize)]
struct Measured {
    lut: u64,
    ff: u64,
}

/// Look-up tables and flip-flops are within 10 % for 80 % of the designs that no coefficient has
/// seen.
#[test]
fn the_committed_calibration_keeps_what_is_said_of_it() {
    let text = include_str!("../../../../benchmarks/calibration/designs.json");
    let designs: Vec<Design> = serde_json::from_str(text).unwrap();
    let held_out: Vec<&Design> = designs.iter().filter(|design| design.held_out).collect();
    assert!(held_out.len() >= 15 && designs.len() - held_out.len() >= 30);
    let good = |estimate: fn(&Resources) -> u64, measured: fn(&Measured) -> u64| {
        let is_near = |design: &&&Design| {
            let expected = estimate(&Resources::of(&design.counts)) as f64;
            let found = measured(&design.yosys) as f64;
            (expected - found).abs() <= 0.1 * found
        };
        held_out.iter().filter(is_near).count() as f64 / held_out.len() as f64
    };
    let shares = [good(|r| r.lut.value, |m| m.lut), good(|r| r.ff.value, |m| m.ff)];
    assert!(shares.iter().all(|share| *share >= 0.8), "{shares:?}");
}

/// Lanes of a bus carry no name of their own, and their bits are found all the same.
#[test]
fn buses_are_their_lanes() {
    let mut module = Module::new("m");
    let mut namer = Namer::default();
    let bus = module.add_input_bus(&mut namer, "x", &[signed(4), signed(6)]);
    let q = module.register_bus(&mut namer, "q", bus);
    module.add_bus_port(Direction::Output, q);
    let lane = module.bus(q).first;
    module.assign("y", signed(4), Expr::ShiftRight { a: lane, shift: 0 });
    assert_eq!(counts_of(module), Counts { flip_flops: 10, ..Counts::default() });
}
