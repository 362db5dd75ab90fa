//! The combinational part: statements and what they compute.

use super::{BitOf, Operand, SignalId, Type};
use crate::compress::Compression;

/// The right-hand side of a statement.
///
/// Each computes an exact integer of its operands' integers; the statement's signal takes it
/// modulo 2^width. A signal that is read more widely than it is is extended by its own sign.
#[derive(Clone, Debug)]
pub enum Expr {
    /// a * 2^shift_a + b * 2^shift_b.
    Add {
        /// The first operand.
        a: Operand,
        /// Its shift to the left, in bits.
        shift_a: u32,
        /// The second operand.
        b: Operand,
        /// Its shift to the left, in bits.
        shift_b: u32,
    },
    /// a * 2^shift_a - b * 2^shift_b.
    Sub {
        /// The first operand.
        a: Operand,
        /// Its shift to the left, in bits.
        shift_a: u32,
        /// The second operand.
        b: Operand,
        /// Its shift to the left, in bits.
        shift_b: u32,
    },
    /// a * b. Alone among the expressions this one never wraps: whoever builds it has proven from
    /// the operands' ranges that the target holds every product. (Verilator 5.006 keeps the bits
    /// of a product above the target's width, where the language drops them.)
    Mul {
        /// The first operand.
        a: Operand,
        /// The second operand.
        b: Operand,
        /// What the multiplier is to be built of.
        hint: MultiplierHint,
    },
    /// a * 2^shift.
    ShiftLeft {
        /// The operand.
        a: SignalId,
        /// The shift, in bits.
        shift: u32,
    },
    /// The floor of a / 2^shift. With a shift of 0: a copy, modulo 2^width.
    ShiftRight {
        /// The operand.
        a: SignalId,
        /// The shift, in bits.
        shift: u32,
    },
    /// `then` where the condition is 1, else `otherwise`.
    Select {
        /// The condition.
        condition: BitOf,
        /// The value for 1.
        then: Operand,
        /// The value for 0.
        otherwise: Operand,
    },
    /// 1 where a value of type `ty` equals a.
    Fits {
        /// The operand.
        a: SignalId,
        /// The type that it is to fit.
        ty: Type,
    },
    /// 1 where one of the low `count` bits of a is 1; `count` is 1 to the width of a.
    AnyBit {
        /// The operand.
        a: SignalId,
        /// How many bits.
        count: u32,
    },
    /// 1 where a equals the constant, which is in a's type.
    Equal {
        /// The operand.
        a: SignalId,
        /// The constant.
        constant: i64,
    },
    /// a and b, both one bit.
    And {
        /// The first operand.
        a: SignalId,
        /// The second operand.
        b: SignalId,
    },
    /// a or b, both one bit.
    Or {
        /// The first operand.
        a: SignalId,
        /// The second operand.
        b: SignalId,
    },
    /// not a, one bit.
    Not {
        /// The operand.
        a: SignalId,
    },
    /// A sum of single bits.
    Compress(Box<Compression>),
}

/// What a synthesizer is told to build a multiplier of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MultiplierHint {
    /// DSP blocks.
    Dsp,
    /// Logic.
    Lut,
}

/// A combinational assignment.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The signal that is driven.
    pub target: SignalId,
    /// Its value.
    pub expr: Expr,
}

/// A line of a module's combinational part.
#[derive(Clone, Debug)]
pub enum Item {
    /// A remark for the reader of the Verilog.
    Comment(String),
    /// An assignment; it reads only what is driven before it.
    Statement(Statement),
}
