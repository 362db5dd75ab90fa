//! Types that hls4ml derives where its configuration says `auto`.
//!
//! The formulas are hls4ml 1.3.0's: a type that holds every value that the types of what comes in
//! allow, unless `maximum` limits it. They are kept as they are where fewer bits would do, because
//! what reads the result may look at its width.

use rtl4ml_ir::{FixedType, Format, Overflow, Rounding};

use crate::error::{Lowered, refuse};

/// The widest type of a spec.
const MAX_WIDTH: i64 = 64;

/// Bits before and after the binary point, and the sign.
#[derive(Clone, Copy)]
struct Bits {
    signed: bool,
    integer: i64,
    fraction: i64,
}

impl From<FixedType> for Bits {
    fn from(ty: FixedType) -> Self {
        let Format { signed, integer_bits, .. } = ty.format;
        Self { signed, integer: integer_bits.into(), fraction: ty.fraction_bits().into() }
    }
}

impl Bits {
    /// Bits that hold the values of two, their points aligned.
    fn union(self, other: Self) -> Self {
        let signed = self.signed || other.signed;
        let before = |bits: Self| bits.integer + i64::from(signed && !bits.signed);
        Self {
            signed,
            integer: before(self).max(before(other)),
            fraction: self.fraction.max(other.fraction),
        }
    }

    fn ty(self, most: Option<FixedType>) -> Lowered<FixedType> {
        let (mut width, mut integer) = (self.integer + self.fraction, self.integer);
        if let Some(most) = most {
            width = width.min(most.format.width.into());
            integer = integer.min(most.format.integer_bits.into());
        }
        if !(1..=MAX_WIDTH).contains(&width) {
            return refuse(format!(
                "`auto` stands for {width} bits here; give it a type of at most {MAX_WIDTH}"
            ));
        }
        let format =
            Format { signed: self.signed, width: width as u32, integer_bits: integer as i32 };
        Ok(format.into())
    }
}

/// The least n with 2^n at least `count`.
fn log2_up(count: usize) -> i64 {
    i64::from(count.max(1).next_power_of_two().trailing_zeros())
}

/// The sum of `count` products and a bias.
pub fn sum(
    x: FixedType,
    weight: FixedType,
    bias: FixedType,
    count: usize,
    most: Option<FixedType>,
) -> Lowered<FixedType> {
    let (x, weight) = (Bits::from(x), Bits::from(weight));
    let products = Bits {
        signed: x.signed || weight.signed,
        integer: x.integer + weight.integer + log2_up(count),
        fraction: x.fraction + weight.fraction,
    };
    let sum = products.union(bias.into());
    Bits { integer: sum.integer + 1, ..sum }.ty(most)
}

/// x times a scale plus a shift.
pub fn affine(
    x: FixedType,
    scale: FixedType,
    shift: FixedType,
    most: Option<FixedType>,
) -> Lowered<FixedType> {
    sum(x, scale, shift, 1, most)
}

/// What a merge of two tensors gives.
pub fn merge(
    kind: &str,
    a: FixedType,
    b: FixedType,
    most: Option<FixedType>,
) -> Lowered<FixedType> {
    let (x, y) = (Bits::from(a), Bits::from(b));
    match kind {
        "multiply" => Bits {
            signed: x.signed || y.signed,
            integer: x.integer + y.integer,
            fraction: x.fraction + y.fraction,
        }
        .ty(most),
        "maximum" | "minimum" | "concatenate" if a == b => Ok(a),
        "maximum" | "minimum" => x.union(y).ty(None),
        "concatenate" => {
            let ty = x.union(y).ty(most)?;
            let rounding = if a.rounding == Rounding::Trn { b.rounding } else { a.rounding };
            let overflow = if a.overflow == Overflow::Wrap { b.overflow } else { a.overflow };
            Ok(FixedType { rounding, overflow, ..ty })
        }
        _ => {
            let sum = x.union(y);
            let signed = sum.signed || kind == "subtract";
            Bits { signed, integer: sum.integer + 1, ..sum }.ty(most)
        }
    }
}

/// The sum of a window of `cells` and its quotient.
pub fn average_accumulator(x: FixedType, cells: usize) -> Lowered<FixedType> {
    let (bits, more) = (Bits::from(x), log2_up(cells));
    Bits { integer: bits.integer + more, fraction: bits.fraction + more, ..bits }.ty(None)
}

/// A type for one positive number: the bits that it has, but not more than eight.
pub fn constant(number: f64) -> Lowered<FixedType> {
    const MOST: i64 = 8;
    if number == 0.0 {
        return Ok(Format::unsigned(1, 1).into());
    }
    let Some(fraction) = crate::types::fraction_bits(number).filter(|_| number > 0.0) else {
        return refuse(format!(
            "`auto` is not imported for the parameter {number}: give it a type"
        ));
    };
    let integer = libm::floor(libm::log2(number)) as i64 + 1;
    let width = (integer + i64::from(fraction)).min(MOST);
    Bits { signed: false, integer, fraction: width - integer }.ty(None)
}
