//! Casts as constants of the header.
//!
//! Guarantees the integers of [`FixedType::cast`] for every number of the range that the cast is
//! made for, with no step that leaves the machine's integers.

use rtl4ml_ir::exact::{CastSteps, Target, moved};
use rtl4ml_ir::layers::ExactRange;
use rtl4ml_ir::{FixedType, Overflow, Range, Rounding};

use crate::number::{Number, array, literal};

/// What becomes of numbers that the type does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// There are none.
    Keep,
    Wrap,
    Sat,
    SatZero,
    /// Every number becomes 0.
    Zero,
}

/// A cast of numbers on one grid to one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cast {
    down: u32,
    rounding: Rounding,
    up: u32,
    ends: Ends,
    limits: [i128; 2],
    extremes: [i128; 2],
    unused_bits: u32,
    signed: bool,
}

impl Cast {
    const NOTHING: Self = Self {
        down: 0,
        rounding: Rounding::Trn,
        up: 0,
        ends: Ends::Keep,
        limits: [0; 2],
        extremes: [0; 2],
        unused_bits: 0,
        signed: true,
    };

    const ZERO: Self = Self { ends: Ends::Zero, ..Self::NOTHING };

    /// The cast of numbers in a range; `None` where the integers are too narrow for its steps.
    pub fn new(number: Number, from: ExactRange, ty: FixedType) -> Option<Self> {
        let (range, bits) = (from.0, number.bits());
        let CastSteps { down, up, overflows, vanishes, limits, ends: extremes, result } =
            CastSteps::new(from, ty);
        if !number.holds(range) || !number.holds(result) {
            return None;
        }
        if vanishes {
            return Some(Self::ZERO);
        }
        // What is dropped beyond the integers is on the same side of one half as long as the
        // number is below half of what they hold.
        let quarter = 1i128 << (bits - 2);
        if down >= bits - 1 && !range.within(Range::new(1 - quarter, quarter - 1)) {
            return None;
        }
        let ends = match ty.overflow {
            _ if !overflows => Ends::Keep,
            Overflow::Wrap => Ends::Wrap,
            Overflow::Sat | Overflow::SatSym => Ends::Sat,
            Overflow::SatZero => Ends::SatZero,
        };
        if ends == Ends::Keep {
            // An up-shift beyond the integers is of 0 alone, which was excluded.
            let (down, rounding) = (down.min(bits - 1), ty.rounding);
            return Some(Self { down, rounding, up: up.min(bits - 1), ..Self::NOTHING });
        }
        let saturated = |range: Range| [range.lo, range.hi].map(|end| number.saturated(end));
        Some(Self {
            down: down.min(bits - 1),
            rounding: ty.rounding,
            up: up.min(bits - 1),
            ends,
            limits: saturated(limits),
            extremes: saturated(extremes),
            unused_bits: bits.saturating_sub(ty.format.width).min(bits - 1),
            signed: ty.format.signed,
        })
    }

    /// The cast of numbers in a range to what they become in a tensor.
    pub fn to(number: Number, from: ExactRange, target: Target) -> Option<Self> {
        match target {
            Target::Type(ty) => Self::new(number, from, ty),
            Target::Grid(fraction_bits, to) => Self::to_grid(number, from, fraction_bits, to),
        }
    }

    /// A move to a grid that has every number of the range, whose result is in `to`.
    pub fn to_grid(
        number: Number,
        from: ExactRange,
        fraction_bits: i32,
        to: Range,
    ) -> Option<Self> {
        if to == Range::ZERO || from.0 == Range::ZERO {
            return Some(Self::ZERO);
        }
        let (down, up) = moved(from.1, fraction_bits);
        let fits = number.holds(from.0) && number.holds(to) && down.max(up) < number.bits();
        fits.then_some(Self { down, up, ..Self::NOTHING })
    }

    /// The low bits of every integer of the machine, read in the type.
    pub fn wrap(number: Number, ty: FixedType) -> Option<Self> {
        if ty.format.width == 0 {
            return Some(Self::ZERO);
        }
        number.holds(ty.format.range()).then_some(Self {
            ends: Ends::Wrap,
            unused_bits: number.bits() - ty.format.width,
            signed: ty.format.signed,
            ..Self::NOTHING
        })
    }

    /// The same without what the end of the type's range does.
    pub fn without_ends(self) -> Self {
        if self.ends == Ends::Zero {
            self
        } else {
            Self {
                ends: Ends::Keep,
                limits: [0; 2],
                extremes: [0; 2],
                unused_bits: 0,
                signed: true,
                ..self
            }
        }
    }

    /// Whether it gives every number as it is.
    pub fn is_nothing(&self) -> bool {
        self.ends == Ends::Keep && self.down == 0 && self.up == 0
    }

    /// Whether it only appends bits, and how many.
    pub fn appended_bits(&self) -> Option<u32> {
        (self.ends == Ends::Keep && self.down == 0).then_some(self.up)
    }

    /// The initializer of a `Cast`.
    pub fn text(&self) -> String {
        let rounding = rounding_text(self.rounding);
        let ends = match self.ends {
            Ends::Keep => "KEEP",
            Ends::Wrap => "WRAP",
            Ends::Sat => "SAT",
            Ends::SatZero => "SAT_ZERO",
            Ends::Zero => "ZERO",
        };
        let [low, high] = self.limits.map(literal);
        let [lowest, highest] = self.extremes.map(literal);
        format!(
            "{{{}, Rounding::{rounding}, {}, Overflow::{ends}, {low}, {high}, {lowest}, {highest}, {}, {}}}",
            self.down, self.up, self.unused_bits, self.signed
        )
    }
}

/// The name of a rounding mode.
pub(crate) fn rounding_text(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::Trn => "TRN",
        Rounding::TrnZero => "TRN_ZERO",
        Rounding::Rnd => "RND",
        Rounding::RndZero => "RND_ZERO",
        Rounding::RndInf => "RND_INF",
        Rounding::RndMinInf => "RND_MIN_INF",
        Rounding::RndConv => "RND_CONV",
    }
}

/// Casts of the elements of a tensor: one for all, or one each.
#[derive(Clone, Debug)]
pub(crate) struct Casts(Vec<Cast>);

impl Casts {
    /// One for each; one for all where they are equal.
    pub fn new(mut casts: Vec<Cast>) -> Self {
        if casts.iter().all(|cast| *cast == casts[0]) {
            casts.truncate(1);
        }
        Self(casts)
    }

    /// The constant, where there is something to do.
    pub fn constant(&self, name: &str) -> String {
        match self.0.as_slice() {
            [cast] if cast.is_nothing() => String::new(),
            [cast] => constant(name, cast),
            casts => {
                let texts: Vec<String> = casts.iter().map(Cast::text).collect();
                array(name, "Cast<T>", &texts)
            }
        }
    }

    /// The expression of a cast number.
    pub fn apply(&self, name: &str, element: &str, exact: &str) -> String {
        match self.0.as_slice() {
            [cast] if cast.is_nothing() => exact.to_owned(),
            [_] => format!("cast({name}, {exact})"),
            _ => format!("cast({name}[{element}], {exact})"),
        }
    }
}

/// A cast as a constant.
pub(crate) fn constant(name: &str, cast: &Cast) -> String {
    format!("  static constexpr Cast<T> {name} = {};\n", cast.text())
}
