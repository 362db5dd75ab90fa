//! The meaning of a statement on integers, compiled to a form that is quick to run.
//!
//! A value is kept as an `i64`. Signals of up to 63 bits, and signed ones of 64, hold their
//! integer; an unsigned signal of 64 bits holds its two's complement bits, which only the
//! operations that look at the top of a number must know ([`Op::ShiftRight`], [`Op::Fits`]).

use crate::compress::MaskedBits;
use crate::design::{BusDriver, Expr, Module, Operand, SignalId, Type};

/// A statement whose operands are places in the value array.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    target: u32,
    wrap: Wrap,
    op: Op,
}

/// The reduction modulo 2^width, by two shifts.
#[derive(Clone, Copy, Debug)]
struct Wrap {
    unused_bits: u8,
    signed: bool,
}

#[derive(Clone, Debug)]
enum Op {
    Add { a: u32, shift_a: u8, b: u32, shift_b: u8 },
    Sub { a: u32, shift_a: u8, b: u32, shift_b: u8 },
    Mul { a: u32, b: u32 },
    ShiftLeft { a: u32, shift: u8 },
    ShiftRight { a: u32, shift: u8, logical: bool },
    Select { condition: u32, bit: u8, then: u32, otherwise: u32 },
    Fits { a: u32, ty: Type, logical: bool },
    AnyBit { a: u32, mask: u64 },
    Equal { a: u32, b: u32 },
    And { a: u32, b: u32 },
    Or { a: u32, b: u32 },
    Not { a: u32 },
    Compress { terms: Box<[MaskedBits]>, constant: u64 },
}

impl Type {
    fn wrapping(self) -> Wrap {
        Wrap { unused_bits: (64 - self.width) as u8, signed: self.signed }
    }

    /// The low bits of `value`, read in this type.
    pub fn wrap(self, value: i64) -> i64 {
        self.wrapping().apply(value)
    }

    /// Whether the type holds the integer.
    pub fn contains(self, value: i128) -> bool {
        let (lo, hi) = if self.signed {
            (-(1i128 << (self.width - 1)), (1i128 << (self.width - 1)) - 1)
        } else {
            (0, (1i128 << self.width) - 1)
        };
        (lo..=hi).contains(&value)
    }

    /// The bits of an integer that the type holds, as a value of this crate.
    pub fn encode(self, value: i128) -> i64 {
        debug_assert!(self.contains(value), "{value} is in {self:?}");
        value as i64
    }

    /// The integer that a value of this crate stands for.
    pub fn decode(self, value: i64) -> i128 {
        if self.signed { i128::from(value) } else { i128::from(value as u64) }
    }
}

impl Wrap {
    #[inline]
    fn apply(self, value: i64) -> i64 {
        if self.signed {
            (value << self.unused_bits) >> self.unused_bits
        } else {
            (((value as u64) << self.unused_bits) >> self.unused_bits) as i64
        }
    }
}

/// The statements of a module, in order, with the constants that they read.
pub(crate) struct Program {
    /// Initial values of all places: one a signal, then the constants.
    pub values: Vec<i64>,
    /// What to run, in order.
    pub statements: Vec<Compiled>,
}

/// Compiles the combinational part of a module, bus assignments included.
pub(crate) fn compile(module: &Module) -> Program {
    let mut values = vec![0; module.signals.len()];
    let mut statements = Vec::new();
    for statement in module.statements() {
        let target = statement.target;
        let op = compile_expr(module, target, &statement.expr, &mut values);
        let wrap = module.ty(target).wrapping();
        statements.push(Compiled { target: target.0, wrap, op });
    }
    for (index, bus) in module.buses.iter().enumerate() {
        if let BusDriver::Lanes(sources) = &bus.driver {
            let lanes = module.lanes(crate::design::BusId(index as u32));
            for (lane, source) in lanes.zip(sources) {
                let a = place(*source, &mut values);
                let wrap = module.ty(lane).wrapping();
                let op = Op::ShiftLeft { a, shift: 0 };
                statements.push(Compiled { target: lane.0, wrap, op });
            }
        }
    }
    Program { values, statements }
}

/// The place of an operand; a constant gets one of its own.
pub(crate) fn place(operand: Operand, values: &mut Vec<i64>) -> u32 {
    match operand {
        Operand::Signal(SignalId(id)) => id,
        Operand::Constant(constant) => {
            values.push(constant);
            values.len() as u32 - 1
        }
    }
}

fn compile_expr(module: &Module, target: SignalId, expr: &Expr, values: &mut Vec<i64>) -> Op {
    let logical = |a: SignalId| {
        let ty = module.ty(a);
        !ty.signed && ty.width == 64
    };
    // A shift beyond the target's width leaves nothing; 63 more keeps the shift itself legal.
    let left = |shift: u32| {
        if shift >= module.ty(target).width { 64 } else { shift as u8 }
    };
    match *expr {
        Expr::Add { a, shift_a, b, shift_b } => Op::Add {
            a: place(a, values),
            shift_a: left(shift_a),
            b: place(b, values),
            shift_b: left(shift_b),
        },
        Expr::Sub { a, shift_a, b, shift_b } => Op::Sub {
            a: place(a, values),
            shift_a: left(shift_a),
            b: place(b, values),
            shift_b: left(shift_b),
        },
        Expr::Mul { a, b, .. } => Op::Mul { a: place(a, values), b: place(b, values) },
        Expr::ShiftLeft { a, shift } => Op::ShiftLeft { a: a.0, shift: left(shift) },
        Expr::ShiftRight { a, shift } => {
            Op::ShiftRight { a: a.0, shift: shift.min(64) as u8, logical: logical(a) }
        }
        Expr::Select { condition, then, otherwise } => Op::Select {
            condition: condition.signal.0,
            bit: condition.bit as u8,
            then: place(then, values),
            otherwise: place(otherwise, values),
        },
        Expr::Fits { a, ty } => Op::Fits { a: a.0, ty, logical: logical(a) },
        Expr::AnyBit { a, count } => Op::AnyBit { a: a.0, mask: u64::MAX >> (64 - count) },
        Expr::Equal { a, constant } => {
            Op::Equal { a: a.0, b: place(Operand::Constant(constant), values) }
        }
        Expr::And { a, b } => Op::And { a: a.0, b: b.0 },
        Expr::Or { a, b } => Op::Or { a: a.0, b: b.0 },
        Expr::Not { a } => Op::Not { a: a.0 },
        Expr::Compress(ref compression) => {
            let (constant, terms) = compression.masked();
            Op::Compress { terms: terms.into(), constant }
        }
    }
}

/// Runs the statements on the values.
#[inline]
pub(crate) fn run(statements: &[Compiled], values: &mut [i64]) {
    for Compiled { target, wrap, op } in statements {
        let v = |place: u32| values[place as usize];
        let shl = |value: i64, shift: u8| value.checked_shl(u32::from(shift)).unwrap_or(0);
        let result = match *op {
            Op::Compress { ref terms, constant } => terms.iter().fold(constant, |sum, term| {
                let bits = v(term.signal.0) as u64 & term.mask;
                let bits = match term.shift {
                    0.. => bits << term.shift,
                    _ => bits >> -term.shift,
                };
                if term.negative { sum.wrapping_sub(bits) } else { sum.wrapping_add(bits) }
            }) as i64,
            Op::Add { a, shift_a, b, shift_b } => {
                shl(v(a), shift_a).wrapping_add(shl(v(b), shift_b))
            }
            Op::Sub { a, shift_a, b, shift_b } => {
                shl(v(a), shift_a).wrapping_sub(shl(v(b), shift_b))
            }
            Op::Mul { a, b } => v(a).wrapping_mul(v(b)),
            Op::ShiftLeft { a, shift } => shl(v(a), shift),
            Op::ShiftRight { a, shift, logical: true } => {
                (v(a) as u64).checked_shr(u32::from(shift)).unwrap_or(0) as i64
            }
            Op::ShiftRight { a, shift, logical: false } => v(a) >> shift.min(63),
            Op::Select { condition, bit, then, otherwise } => {
                if (v(condition) >> bit) & 1 == 0 {
                    v(otherwise)
                } else {
                    v(then)
                }
            }
            Op::Fits { a, ty, logical } => {
                let a = v(a);
                i64::from(ty.contains(if logical { i128::from(a as u64) } else { i128::from(a) }))
            }
            Op::AnyBit { a, mask } => i64::from(v(a) as u64 & mask != 0),
            Op::Equal { a, b } => i64::from(v(a) == v(b)),
            Op::And { a, b } => v(a) & v(b),
            Op::Or { a, b } => v(a) | v(b),
            Op::Not { a } => v(a) ^ 1,
        };
        values[*target as usize] = wrap.apply(result);
    }
}
