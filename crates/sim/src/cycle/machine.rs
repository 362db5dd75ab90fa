//! The machine that runs a flat design: three kinds of integers, straight-line runs of equal
//! operations, and many independent streams side by side.

#![allow(clippy::inline_always, reason = "see `lanes::Work`")]

use crate::lanes::{Int, Work, vectorized};

/// Which integers hold a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    /// 16 bits.
    Narrow,
    /// 32 bits.
    Middle,
    /// 64 bits; alone among them it may hold the bits of an unsigned type of as many.
    Wide,
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub class: Class,
    pub index: u32,
}

/// What an instruction does with its operands `a`, `b`, `c`, its numbers `k`, `h` and its shifts
/// `x`, `y`; all values are of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// a + b.
    Add,
    /// a * 2^x + b * 2^y.
    AddShifted,
    /// a - b.
    Sub,
    /// a * 2^x - b * 2^y.
    SubShifted,
    /// a * b.
    Mul,
    /// a * k.
    MulNumber,
    /// a * 2^x.
    ShiftLeft,
    /// The floor of a / 2^x.
    ShiftRight,
    /// The same of the bits of an unsigned number of 64.
    ShiftRightLogical,
    /// b where bit x of a is 1, else c.
    Select,
    /// b where a, which is 0 or 1, is 1, else c.
    SelectFlag,
    /// Whether a is one of k to h.
    Between,
    /// Whether a, as a number without sign, is at most h.
    AtMostLogical,
    /// Whether one of the bits k of a is 1.
    AnyBit,
    /// Whether a is k.
    Equal,
    /// The bits of a and b.
    And,
    /// The bits of a or b.
    Or,
    /// 1 - a.
    Not,
    /// The low bits of a, without the top x, read with a sign.
    WrapSigned,
    /// The bits k of a.
    WrapUnsigned,
    /// a.
    Copy,
    /// b plus the bits k of a, times 2^x.
    AddBits,
    /// b plus the bits k of a / 2^x.
    AddBitsDown,
    /// b less the bits k of a, times 2^x.
    SubBits,
    /// b less the bits k of a / 2^x.
    SubBitsDown,
}

/// An instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instruction<T> {
    pub target: u32,
    pub a: u32,
    pub b: u32,
    pub c: u32,
    pub k: T,
    pub h: T,
    pub x: u8,
    pub y: u8,
}

/// Instructions of one kind, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Run {
    Narrow(Kind, usize, usize),
    Middle(Kind, usize, usize),
    Wide(Kind, usize, usize),
    /// Values that go over into another class.
    Convert(Class, Class, usize, usize),
}

/// A straight-line program.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    pub runs: Vec<Run>,
    pub narrow: Vec<Instruction<i16>>,
    pub middle: Vec<Instruction<i32>>,
    pub wide: Vec<Instruction<i64>>,
    /// Target and source.
    pub converts: Vec<(u32, u32)>,
}

/// One value of each stream. Where `A` is [`Line`] it begins with a line of the cache, so that no
/// vector lies in two of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<T, A, const L: usize>([T; L], [A; 0]);

/// A line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Line;

impl<T: Int, A, const L: usize> Slot<T, A, L> {
    /// A zero for each stream.
    pub const fn zero(zero: T) -> Self {
        Self([zero; L], [])
    }
}

/// The values of `L` streams.
#[derive(Clone, Debug)]
pub(super) struct Values<A, const L: usize> {
    pub narrow: Vec<Slot<i16, A, L>>,
    pub middle: Vec<Slot<i32, A, L>>,
    pub wide: Vec<Slot<i64, A, L>>,
}

impl<A: Copy, const L: usize> Values<A, L> {
    #[inline(always)]
    pub fn get(&self, place: Place, lane: usize) -> i64 {
        let index = place.index as usize;
        match place.class {
            Class::Narrow => i64::from(self.narrow[index].0[lane]),
            Class::Middle => i64::from(self.middle[index].0[lane]),
            Class::Wide => self.wide[index].0[lane],
        }
    }

    #[inline(always)]
    pub fn set(&mut self, place: Place, lane: usize, value: i64) {
        let index = place.index as usize;
        match place.class {
            Class::Narrow => self.narrow[index].0[lane] = value as i16,
            Class::Middle => self.middle[index].0[lane] = value as i32,
            Class::Wide => self.wide[index].0[lane] = value,
        }
    }

    /// Runs a program.
    pub fn run(&mut self, program: &Program) {
        if L == 1 {
            Runs { program, values: self }.work();
        } else {
            vectorized(Runs { program, values: self });
        }
    }
}

struct Runs<'a, A, const L: usize> {
    program: &'a Program,
    values: &'a mut Values<A, L>,
}

impl<A: Copy, const L: usize> Work for Runs<'_, A, L> {
    type Output = ();

    #[inline(always)]
    fn work(self) {
        let Self { program, values } = self;
        for run in &program.runs {
            match *run {
                Run::Narrow(kind, from, to) => {
                    execute(kind, &program.narrow[from..to], &mut values.narrow);
                }
                Run::Middle(kind, from, to) => {
                    execute(kind, &program.middle[from..to], &mut values.middle);
                }
                Run::Wide(Kind::ShiftRightLogical, from, to) => {
                    unary(&program.wide[from..to], &mut values.wide, |a, i| {
                        (a as u64 >> i.x) as i64
                    });
                }
                Run::Wide(Kind::AtMostLogical, from, to) => {
                    unary(&program.wide[from..to], &mut values.wide, |a, i| {
                        i64::from(a as u64 <= i.h as u64)
                    });
                }
                Run::Wide(kind, from, to) => {
                    execute(kind, &program.wide[from..to], &mut values.wide);
                }
                Run::Convert(from, to, first, last) => {
                    let pairs = &program.converts[first..last];
                    let Values { narrow, middle, wide } = &mut *values;
                    match (from, to) {
                        (Class::Narrow, Class::Middle) => convert(pairs, narrow, middle),
                        (Class::Narrow, Class::Wide) => convert(pairs, narrow, wide),
                        (Class::Middle, Class::Narrow) => convert(pairs, middle, narrow),
                        (Class::Middle, Class::Wide) => convert(pairs, middle, wide),
                        (Class::Wide, Class::Narrow) => convert(pairs, wide, narrow),
                        (Class::Wide, Class::Middle) => convert(pairs, wide, middle),
                        _ => unreachable!("a value stays in its class without a conversion"),
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn convert<T: Int, U: Int, A, const L: usize>(
    pairs: &[(u32, u32)],
    from: &[Slot<T, A, L>],
    to: &mut [Slot<U, A, L>],
) {
    for (target, source) in pairs {
        let source = &from[*source as usize].0;
        let target = &mut to[*target as usize].0;
        for lane in 0..L {
            target[lane] = U::low_bits(source[lane].widened());
        }
    }
}

#[inline(always)]
fn unary<T: Int, A: Copy, const L: usize>(
    instructions: &[Instruction<T>],
    values: &mut [Slot<T, A, L>],
    f: impl Fn(T, &Instruction<T>) -> T,
) {
    for i in instructions {
        let mut a = values[i.a as usize].0;
        for a in &mut a {
            *a = f(*a, i);
        }
        values[i.target as usize].0 = a;
    }
}

#[inline(always)]
fn binary<T: Int, A: Copy, const L: usize>(
    instructions: &[Instruction<T>],
    values: &mut [Slot<T, A, L>],
    f: impl Fn(T, T, &Instruction<T>) -> T,
) {
    for i in instructions {
        let mut result = values[i.a as usize].0;
        let b = &values[i.b as usize].0;
        for (a, b) in result.iter_mut().zip(b) {
            *a = f(*a, *b, i);
        }
        values[i.target as usize].0 = result;
    }
}

#[inline(always)]
fn ternary<T: Int, A: Copy, const L: usize>(
    instructions: &[Instruction<T>],
    values: &mut [Slot<T, A, L>],
    f: impl Fn(T, T, T, &Instruction<T>) -> T,
) {
    for i in instructions {
        let mut result = values[i.a as usize].0;
        let (b, c) = (&values[i.b as usize].0, &values[i.c as usize].0);
        for (a, (b, c)) in result.iter_mut().zip(b.iter().zip(c)) {
            *a = f(*a, *b, *c, i);
        }
        values[i.target as usize].0 = result;
    }
}

#[inline(always)]
fn execute<T: Int, A: Copy, const L: usize>(
    kind: Kind,
    own: &[Instruction<T>],
    values: &mut [Slot<T, A, L>],
) {
    let zero = T::default();
    let one = T::from_bool(true);
    let (x, y) = (|i: &Instruction<T>| u32::from(i.x), |i: &Instruction<T>| u32::from(i.y));
    match kind {
        Kind::Add => binary(own, values, |a, b, _| a.plus(b)),
        Kind::AddShifted => binary(own, values, |a, b, i| a.up(x(i)).plus(b.up(y(i)))),
        Kind::Sub => binary(own, values, |a, b, _| a.minus(b)),
        Kind::SubShifted => binary(own, values, |a, b, i| a.up(x(i)).minus(b.up(y(i)))),
        Kind::Mul => binary(own, values, |a, b, _| a.times(b)),
        Kind::MulNumber => unary(own, values, |a, i| a.times(i.k)),
        Kind::ShiftLeft => unary(own, values, |a, i| a.up(x(i))),
        Kind::ShiftRight => unary(own, values, |a, i| a.down(x(i))),
        Kind::ShiftRightLogical | Kind::AtMostLogical => unreachable!("64 bits only"),
        Kind::Select => {
            ternary(own, values, |a, b, c, i| if a.and(one.up(x(i))) == zero { c } else { b });
        }
        Kind::SelectFlag => ternary(own, values, |a, b, c, _| if a == zero { c } else { b }),
        Kind::Between => unary(own, values, |a, i| T::from_bool(a >= i.k && a <= i.h)),
        Kind::AnyBit => unary(own, values, |a, i| T::from_bool(a.and(i.k) != zero)),
        Kind::Equal => unary(own, values, |a, i| T::from_bool(a == i.k)),
        Kind::And => binary(own, values, |a, b, _| a.and(b)),
        // Both are 0 or 1.
        Kind::Or => binary(own, values, |a, b, _| a.max(b)),
        Kind::Not => unary(own, values, |a, _| one.minus(a)),
        Kind::WrapSigned => unary(own, values, |a, i| a.up(x(i)).down(x(i))),
        Kind::WrapUnsigned => unary(own, values, |a, i| a.and(i.k)),
        Kind::Copy => unary(own, values, |a, _| a),
        Kind::AddBits => binary(own, values, |a, b, i| b.plus(a.and(i.k).up(x(i)))),
        Kind::AddBitsDown => binary(own, values, |a, b, i| b.plus(a.down(x(i)).and(i.k))),
        Kind::SubBits => binary(own, values, |a, b, i| b.minus(a.and(i.k).up(x(i)))),
        Kind::SubBitsDown => binary(own, values, |a, b, i| b.minus(a.down(x(i)).and(i.k))),
    }
}
