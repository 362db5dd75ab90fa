//! Tables: integers that stand for a function, and the rule that says which of them a value reads.
//!
//! The contents of every table are computed below this crate's layers and nowhere else; the
//! reference and the circuit read the same entries, and each applies the rule on its own.

use super::bounded;
use super::kernel::ExactRange;
use crate::error::Problem;
use crate::exact::{at, times, up};
use crate::fixed::{FixedType, Format, Overflow, Rounding, Value, from_f64_exact};
use crate::range::Range;

/// The most entries of a table.
pub const MAX_TABLE_SIZE: usize = 1 << 20;

/// The bits after the binary point of a table whose type nothing gives.
pub const AUTO_FRACTION_BITS: i32 = 10;

/// A function as integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The mantissas of the function's values; at least one.
    pub entries: Vec<i128>,
    /// The bits after their binary point.
    pub fraction_bits: i32,
    /// Which of them a value reads.
    pub index: IndexRule,
}

/// Which entry x reads: round( (x - origin) * scale ) + offset, clamped to the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexRule {
    /// What is subtracted from x.
    pub origin: Value,
    /// The entries in an interval of length 1; negative where the entries run against x.
    pub scale: Value,
    /// How the product becomes an integer.
    pub rounding: Rounding,
    /// What is added to that integer.
    pub offset: i128,
}

/// How numbers on one grid read a table, in the steps of a computation in plain integers: x reads
/// the entry integer_type( ((x << up) - origin) * scale ) + offset, clamped to the first and the
/// last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactLookup {
    /// The bits to append to x; 0 where x is always 0.
    pub up: u32,
    /// What is subtracted.
    pub origin: i128,
    /// What the difference is multiplied by.
    pub scale: i128,
    /// The exact products.
    pub product: ExactRange,
    /// The type by which a product becomes an integer.
    pub integer_type: FixedType,
    /// What is added to that integer.
    pub offset: i128,
    /// The mantissas of the entries.
    pub entries: Vec<i128>,
    /// What is read.
    pub result: ExactRange,
    /// The ranges of x, of the constants and of every step.
    pub steps: [Range; 10],
}

impl ExactLookup {
    /// The index of the last entry.
    pub fn last(&self) -> i128 {
        self.entries.len() as i128 - 1
    }
}

impl IndexRule {
    /// The integer that [`IndexRule::scale`] times the difference is rounded to: 64 bits hold
    /// every index of a verified layer.
    const INTEGER: Format = Format::signed(64, 64);

    /// The top `bits` bits of the two's complement or unsigned pattern of a value in `format`,
    /// negative values first.
    pub(super) fn top_bits(format: Format, bits: u32) -> Self {
        Self {
            origin: Value::ZERO,
            scale: Value { mantissa: 1, fraction_bits: format.integer_bits - bits as i32 },
            rounding: Rounding::Trn,
            offset: if format.signed { 1 << bits >> 1 } else { 0 },
        }
    }

    /// The type by which the product becomes an integer.
    pub fn integer_type(&self) -> FixedType {
        FixedType::new(Self::INTEGER).with_modes(self.rounding, Overflow::Sat)
    }

    /// The grid of the difference of x and the origin.
    fn grid(&self, x: i32) -> i32 {
        if self.origin.mantissa == 0 { x } else { x.max(self.origin.fraction_bits) }
    }

    /// The index of x before it is clamped; the caller has proven by [`Table::index_range`] that
    /// no intermediate overflows.
    fn unclamped(&self, x: Value) -> i128 {
        let fraction_bits = self.grid(x.fraction_bits);
        let difference = x.mantissa_at(fraction_bits) - self.origin.mantissa_at(fraction_bits);
        let product = Value {
            mantissa: difference * self.scale.mantissa,
            fraction_bits: fraction_bits + self.scale.fraction_bits,
        };
        self.integer_type().cast(product) + self.offset
    }

    /// Refuses inputs whose product with the scale needs more bits than a signal may have.
    fn check(&self, (range, fraction_bits): ExactRange) -> Result<(), Problem> {
        let origin = self.origin;
        let grid = if origin.mantissa == 0 || range == Range::ZERO {
            fraction_bits.min(origin.fraction_bits)
        } else {
            origin.fraction_bits
        };
        let grid = grid.max(fraction_bits);
        let product = range.shifted_left((grid - fraction_bits) as u32).and_then(|x| {
            // The grid of a zero may be coarser than the origin's, which then is that of both.
            let shift = if origin.mantissa == 0 { 0 } else { (grid - origin.fraction_bits).max(0) };
            let origin = Range::constant(origin.mantissa).shifted_left(shift as u32)?;
            x.plus(origin.negated())?.times(Range::constant(self.scale.mantissa))
        });
        bounded(product, "the index of the table").map(|_| ())
    }
}

impl Table {
    /// The index that x reads.
    pub fn index_of(&self, x: Value) -> usize {
        self.index.unclamped(x).clamp(0, self.entries.len() as i128 - 1) as usize
    }

    /// The entry that x reads.
    pub fn lookup(&self, x: Value) -> Value {
        Value { mantissa: self.entries[self.index_of(x)], fraction_bits: self.fraction_bits }
    }

    /// How numbers of a range read the table, each entry times a factor; `None` where 128 bits do
    /// not hold a step.
    pub fn exact_lookup(&self, (range, grid): ExactRange, factor: Value) -> Option<ExactLookup> {
        let rule = self.index;
        let fine = rule.grid(grid);
        let origin = at(rule.origin, fine)?;
        let shifted = up(range, fine - grid)?;
        let difference = shifted.plus(Range::constant(-origin))?;
        let product = times(difference, rule.scale.mantissa)?;
        let fraction_bits = fine + rule.scale.fraction_bits;
        let integer = product.cast(fraction_bits, rule.integer_type());
        let index = integer.plus(Range::constant(rule.offset))?;
        let entries = self.entries.iter().map(|entry| entry.checked_mul(factor.mantissa));
        let entries: Vec<i128> = entries.collect::<Option<_>>()?;
        let union = entries.iter().map(|entry| Range::constant(*entry)).reduce(Range::union)?;
        let last = entries.len() as i128 - 1;
        let [a, b, c, d] = [origin, rule.scale.mantissa, rule.offset, last].map(Range::constant);
        Some(ExactLookup {
            up: if range == Range::ZERO { 0 } else { (fine - grid) as u32 },
            origin,
            scale: rule.scale.mantissa,
            product: (product, fraction_bits),
            integer_type: rule.integer_type(),
            offset: rule.offset,
            entries,
            result: (union, self.fraction_bits + factor.fraction_bits),
            steps: [range, shifted, difference, product, index, union, a, b, c, d],
        })
    }

    /// The indices that values of a range read; the ends of the range read the ends of it.
    pub(super) fn index_range(&self, x: ExactRange) -> Result<Range, Problem> {
        self.index.check(x)?;
        let (range, fraction_bits) = x;
        let index = |mantissa| self.index_of(Value { mantissa, fraction_bits }) as i128;
        let (a, b) = (index(range.lo), index(range.hi));
        Ok(Range::new(a.min(b), a.max(b)))
    }

    /// The range of the entries that values of a range can read.
    pub(super) fn range(&self, x: ExactRange) -> Result<ExactRange, Problem> {
        let indices = self.index_range(x)?;
        let read = &self.entries[indices.lo as usize..=indices.hi as usize];
        let range = Range::constant(read[0]);
        let range = read.iter().fold(range, |range, entry| range.union(Range::constant(*entry)));
        Ok((range, self.fraction_bits))
    }
}

/// Equal intervals over a range of mantissas, each with one entry of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intervals {
    /// The mantissas.
    range: Range,
    /// The bits after their binary point.
    fraction_bits: i32,
    /// The binary logarithm of the length of an interval.
    log2_length: u32,
    /// Whether the first mantissa has an interval of its own.
    first_alone: bool,
}

impl Intervals {
    /// At most `max_size` intervals, each of as few mantissas as this allows. They begin at
    /// multiples of their length; with `first_alone` they end at the first mantissa plus
    /// multiples of it.
    pub fn new((range, fraction_bits): ExactRange, max_size: usize, first_alone: bool) -> Self {
        let at = |log2_length| Self { range, fraction_bits, log2_length, first_alone };
        let max_size = max_size.clamp(2, MAX_TABLE_SIZE);
        (0..=127).map(at).find(|it| it.count() <= max_size as i128).unwrap_or(at(127))
    }

    fn count(self) -> i128 {
        let Self { range, log2_length, first_alone, .. } = self;
        if first_alone {
            -(-(range.hi - range.lo) >> log2_length) + 1
        } else {
            (range.hi >> log2_length) - (range.lo >> log2_length) + 1
        }
    }

    /// The number in the middle of an interval: of its first and its last mantissa.
    fn middle(self, index: i128) -> f64 {
        let Self { range, fraction_bits, log2_length, first_alone } = self;
        if first_alone && index == 0 {
            return Value { mantissa: range.lo, fraction_bits }.to_f64();
        }
        let first = if first_alone {
            range.lo + ((index - 1) << log2_length) + 1
        } else {
            ((range.lo >> log2_length) + index) << log2_length
        };
        let last = first + (1 << log2_length) - 1;
        Value { mantissa: first + last, fraction_bits: fraction_bits + 1 }.to_f64()
    }

    /// Half the distance between the first and the last number of an interval.
    pub fn half_length(self) -> f64 {
        let mantissa = (1i128 << self.log2_length) - 1;
        Value { mantissa, fraction_bits: self.fraction_bits + 1 }.to_f64()
    }

    /// The numbers in the middle of the intervals, in order.
    pub fn middles(self) -> impl Iterator<Item = f64> {
        (0..self.count()).map(move |index| self.middle(index))
    }

    /// The table of these entries, one an interval.
    pub fn table(self, entries: Vec<i128>, fraction_bits: i32) -> Table {
        debug_assert_eq!(entries.len() as i128, self.count());
        let Self { range, log2_length, first_alone, .. } = self;
        let origin = if first_alone { range.lo + 1 - (1 << log2_length) } else { 0 };
        let index = IndexRule {
            origin: Value { mantissa: origin, fraction_bits: self.fraction_bits },
            scale: Value { mantissa: 1, fraction_bits: log2_length as i32 - self.fraction_bits },
            rounding: Rounding::Trn,
            offset: if first_alone { 0 } else { -(range.lo >> log2_length) },
        };
        Table { entries, fraction_bits, index }
    }
}

/// The mantissa of a number in a type. An infinity becomes the end of the range that it is
/// beyond where the type saturates, and else 0.
pub(super) fn cast_number(ty: FixedType, number: f64) -> i128 {
    let ends = ty.overflow.range_of(ty.format);
    match from_f64_exact(number) {
        Ok(value) => ty.cast(value),
        Err(_) if !matches!(ty.overflow, Overflow::Sat | Overflow::SatSym) => 0,
        Err(_) if number > 0.0 => ends.hi,
        Err(_) => ends.lo,
    }
}

/// Refuses tables of more entries than are supported, and of none.
pub(super) fn check_size(found: usize) -> Result<(), Problem> {
    if (1..=MAX_TABLE_SIZE).contains(&found) { Ok(()) } else { Err(Problem::TableSize { found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mantissa_reads_the_interval_that_it_lies_in() {
        for (lo, hi, max, first_alone) in
            [(-128, 127, 4096, false), (-100, 99, 16, false), (3, 900, 60, true), (0, 7, 3, true)]
        {
            let intervals = Intervals::new((Range::new(lo, hi), 3), max, first_alone);
            let middles: Vec<f64> = intervals.middles().collect();
            assert!(middles.len() <= max, "{lo}..{hi}: {}", middles.len());
            let table = intervals.table(vec![0; middles.len()], 0);
            for mantissa in lo..=hi {
                let x = Value { mantissa, fraction_bits: 3 };
                let middle = middles[table.index_of(x)];
                assert!((middle - x.to_f64()).abs() <= intervals.half_length(), "{mantissa}");
            }
            let second = Value { mantissa: lo + 1, fraction_bits: 3 };
            let first = table.index_of(Value { mantissa: lo, fraction_bits: 3 });
            assert_eq!(first, 0);
            if first_alone {
                assert_eq!(table.index_of(second), 1);
            }
        }
    }

    /// The entry that the steps of a plan read.
    fn by_steps(plan: &ExactLookup, mantissa: i128) -> i128 {
        let product = ((mantissa << plan.up) - plan.origin) * plan.scale;
        let fraction_bits = plan.product.1;
        let integer = plan.integer_type.cast(Value { mantissa: product, fraction_bits });
        plan.entries[(integer + plan.offset).clamp(0, plan.last()) as usize]
    }

    #[test]
    fn the_steps_of_a_lookup_read_what_the_table_says() {
        let value = |mantissa, fraction_bits| Value { mantissa, fraction_bits };
        let entries = vec![-7, -2, 0, 3, 9, 11];
        for (origin, scale, rounding, offset) in [
            (Value::ZERO, value(3, 2), Rounding::Trn, 3),
            (value(-9, 5), value(1, 1), Rounding::TrnZero, 1),
            (value(1, 0), value(-5, 3), Rounding::RndConv, 0),
        ] {
            let index = IndexRule { origin, scale, rounding, offset };
            let table = Table { entries: entries.clone(), fraction_bits: 2, index };
            let plan = table.exact_lookup((Range::new(-60, 60), 3), value(5, 1)).unwrap();
            assert_eq!(plan.result, (Range::new(-35, 55), 3));
            for mantissa in -60..=60 {
                let expected = table.lookup(value(mantissa, 3)).mantissa * 5;
                assert_eq!(by_steps(&plan, mantissa), expected, "{mantissa} by {index:?}");
            }
        }
    }

    #[test]
    fn a_zero_on_a_coarse_grid_reads_an_entry() {
        let index = IndexRule {
            origin: Value { mantissa: -1, fraction_bits: -3 },
            scale: Value { mantissa: 1, fraction_bits: 0 },
            rounding: Rounding::Trn,
            offset: 0,
        };
        let table = Table { entries: vec![0; 16], fraction_bits: 0, index };
        for fraction_bits in [-9, -4, -3, 0, 9] {
            let indices = table.index_range((Range::ZERO, fraction_bits)).unwrap();
            assert_eq!(indices, Range::new(8, 8), "{fraction_bits}");
        }
    }

    #[test]
    fn infinities_saturate_or_vanish() {
        let ty = |text: &str| text.parse::<FixedType>().unwrap();
        assert_eq!(cast_number(ty("fixed<8,4,RND,SAT>"), f64::INFINITY), 127);
        assert_eq!(cast_number(ty("fixed<8,4,RND,SAT_SYM>"), f64::NEG_INFINITY), -127);
        assert_eq!(cast_number(ty("fixed<8,4>"), f64::INFINITY), 0);
        assert_eq!(cast_number(ty("fixed<8,4,RND,SAT_ZERO>"), f64::INFINITY), 0);
    }
}
