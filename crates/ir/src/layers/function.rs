//! Unary functions by a table.

use super::activation::union;
use super::curve;
use super::kernel::ExactRange;
use super::table::{AUTO_FRACTION_BITS, IndexRule, Intervals, Table, cast_number, check_size};
use super::{ResultType, bounded, result_tensor};
use crate::constant::Constant;
use crate::error::Problem;
use crate::fixed::{FixedType, Format, Overflow, Rounding, Value};
use crate::range::Range;
use crate::tensor::TensorType;

/// The most bits after the binary point of [`FunctionTables::slope_from_zero`].
pub const MAX_SLOPE_FRACTION_BITS: i32 = 24;

/// y = result( f( x ) ), f by a table whose integers are computed here and nowhere else.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// The function.
    pub curve: Curve,
    /// The table.
    pub table: TableChoice,
    /// The type of the result. `Auto` is that of the exact value that the table gives.
    pub result: ResultType,
}

/// A unary function.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// tanh(x).
    Tanh,
    /// ln(1 + exp(x)).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// x where x >= 0, else alpha * (exp(x) - 1).
    Elu {
        /// The factor.
        alpha: Value,
    },
    /// 1.0507.. * x where x >= 0, else 1.0507.. * 1.6732.. * (exp(x) - 1).
    Selu,
    /// The author's own table: entry floor((x - low) / step), clamped to the first and the last.
    Given {
        /// The entries.
        entries: Constant,
        /// The x at which the first entry's interval begins.
        low: Value,
        /// The binary logarithm of the length of each entry's interval.
        log2_step: i32,
    },
}

/// How a function's table is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableChoice {
    /// As hls4ml does: `size` entries over a fixed interval.
    Fixed {
        /// The number of entries.
        size: usize,
        /// The type of the entries.
        ty: FixedType,
    },
    /// Over the actual range of the input: an entry for each value that it can take, or, where
    /// these are more than `max_size`, for each interval of 2^n of them. An entry is the function
    /// at the middle of its interval, rounded to nearest and saturated; its error is at most half
    /// a step of its type, plus half the length of an interval (from its first to its last value)
    /// times the steepest slope: [`FunctionTables::error_bound`]. Where x >= 0 is a straight line
    /// (ELU, SELU), only x < 0 is tabulated, alpha included.
    Ranged {
        /// The most entries.
        max_size: usize,
        /// The type of the entries. Where there is none, the result's, rounded to nearest and
        /// saturated; and where that is `Auto`, 10 bits after the binary point and as many before
        /// it as the entries need.
        ty: Option<FixedType>,
    },
}

/// The tables of a function on one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionTables {
    /// In the order in which elements first read them; none that no element reads.
    tables: Vec<Table>,
    /// For each element, which of the tables it reads.
    of: Vec<Option<usize>>,
    error_bound: f64,
    slope_from_zero: Value,
}

impl FunctionTables {
    /// The table that an element reads; `None` where the function needs none for it.
    pub fn of(&self, element: usize) -> Option<&Table> {
        self.of[element].map(|index| &self.tables[index])
    }

    /// The tables, each once, in the order in which elements first read them.
    pub fn distinct(&self) -> &[Table] {
        &self.tables
    }

    /// For each element, which of the [`FunctionTables::distinct`] tables it reads; `None` where
    /// the function needs none for it.
    pub fn indices(&self) -> &[Option<usize>] {
        &self.of
    }

    /// How far an entry is at most from the function at any x that reads it, in tables over the
    /// range of the input: the largest error of an entry at the middle of its interval, plus half
    /// the length of an interval times the steepest slope.
    pub fn error_bound(&self) -> f64 {
        self.error_bound
    }

    /// The slope of the straight line that ELU (1) and SELU (its lambda) are for x >= 0. hls4ml's
    /// lambda has 15 bits after the binary point. Beside tables over the range of the input it has
    /// the fewest, and at most 24, with which the line is off by at most a
    /// quarter of a step of the result ([`AUTO_FRACTION_BITS`] where that is `Auto`).
    pub fn slope_from_zero(&self) -> Value {
        self.slope_from_zero
    }
}

impl Function {
    /// The tables for an input.
    ///
    /// # Errors
    /// When they would have too many entries, or none.
    pub fn tables(&self, input: &TensorType) -> Result<FunctionTables, Problem> {
        let count = input.element_count();
        let everywhere = |table: Table| FunctionTables {
            tables: vec![table],
            of: vec![Some(0); count],
            error_bound: 0.0,
            slope_from_zero: self.curve.hls4ml_slope_from_zero(),
        };
        if let Curve::Given { entries, low, log2_step } = &self.curve {
            check_size(entries.len())?;
            let fraction_bits = entries.fraction_bits();
            let mantissa = |index| entries.get(index).mantissa_at(fraction_bits);
            let entries = (0..entries.len()).map(mantissa).collect();
            let index = IndexRule {
                origin: *low,
                scale: Value { mantissa: 1, fraction_bits: *log2_step },
                rounding: Rounding::Trn,
                offset: 0,
            };
            return Ok(everywhere(Table { entries, fraction_bits, index }));
        }
        match self.table {
            TableChoice::Fixed { size, ty } => {
                check_size(size)?;
                Ok(everywhere(curve::fixed_table(&self.curve, size, ty)))
            }
            TableChoice::Ranged { max_size, ty } => {
                check_size(max_size)?;
                Ok(self.ranged_tables(input, max_size, ty))
            }
        }
    }

    /// One table for each pair of an input's grid and an entry's type.
    fn ranged_tables(
        &self,
        input: &TensorType,
        max_size: usize,
        ty: Option<FixedType>,
    ) -> FunctionTables {
        type Key = (i32, FixedType);
        let entry_type = |element: usize| {
            let result = match (&self.result, ty) {
                (_, Some(ty)) => return ty,
                (ResultType::Cast(types), None) => types.get(element).format,
                (ResultType::Auto, None) => Format::signed(64, 64 - AUTO_FRACTION_BITS),
            };
            FixedType::new(result).with_modes(Rounding::Rnd, Overflow::Sat)
        };
        let mut keys: Vec<(Key, Range)> = Vec::new();
        let mut of = Vec::with_capacity(input.element_count());
        for (element, (range, fraction_bits)) in input.exact_ranges().enumerate() {
            // What lies on a straight line is computed, not tabulated.
            let hi = if self.curve.is_line_from_zero() { range.hi.min(-1) } else { range.hi };
            if hi < range.lo {
                of.push(None);
                continue;
            }
            let tabulated = Range::new(range.lo, hi);
            let key = (fraction_bits, entry_type(element));
            let place = keys.iter().position(|(known, _)| *known == key);
            let place = place.unwrap_or_else(|| {
                keys.push((key, tabulated));
                keys.len() - 1
            });
            keys[place].1 = keys[place].1.union(tabulated);
            of.push(Some(place));
        }
        let mut error_bound = 0.0f64;
        let tables = keys.into_iter().map(|((fraction_bits, ty), range)| {
            let intervals = Intervals::new((range, fraction_bits), max_size, false);
            let mut worst = 0.0f64;
            let entry = |x: f64| {
                let exact = self.curve.real(x);
                let entry = cast_number(ty, exact);
                worst = worst.max((ty.format.to_f64(entry) - exact).abs());
                entry
            };
            let entries = intervals.middles().map(entry).collect();
            error_bound =
                error_bound.max(worst + intervals.half_length() * self.curve.steepest_slope());
            intervals.table(entries, ty.fraction_bits())
        });
        let tables = tables.collect();
        let slope_from_zero = self.curve.slope_from_zero(self.slope_fraction_bits(input));
        FunctionTables { tables, of, error_bound, slope_from_zero }
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let tables = self.tables(input)?;
        let exact = |(element, (range, fraction)): (usize, ExactRange)| {
            let curved = |range| match tables.of(element) {
                Some(table) => table.range((range, fraction)),
                None => Ok((Range::ZERO, 0)),
            };
            if !self.curve.is_line_from_zero() {
                return curved(range);
            }
            let mut pieces = Vec::new();
            if range.lo < 0 {
                let (entries, entry_fraction) = curved(Range::new(range.lo, range.hi.min(-1)))?;
                let factor = self.entry_factor();
                let product = entries.times(Range::constant(factor.mantissa));
                let product = bounded(product, "the product with alpha")?;
                pieces.push((product, entry_fraction + factor.fraction_bits));
            }
            if range.hi >= 0 {
                let slope = tables.slope_from_zero();
                let line = Range::new(range.lo.max(0), range.hi);
                let line = line.times(Range::constant(slope.mantissa));
                pieces.push((bounded(line, "the straight line")?, fraction + slope.fraction_bits));
            }
            union(&pieces)
        };
        let exact = input.exact_ranges().enumerate().map(exact).collect::<Result<Vec<_>, _>>()?;
        result_tensor(input.shape.clone(), &exact, &self.result)
    }

    /// The bits after the binary point of [`FunctionTables::slope_from_zero`].
    fn slope_fraction_bits(&self, input: &TensorType) -> i32 {
        // Rounded to n bits, the slope is off by at most 2^-(n+1), and the line by 2^(log2_x-n-1).
        let log2_x = |(range, fraction_bits): ExactRange| {
            (range.hi > 0).then(|| range.hi.ilog2() as i32 + 1 - fraction_bits)
        };
        let log2_x = input.exact_ranges().filter_map(log2_x).max().unwrap_or(0);
        let result = match &self.result {
            ResultType::Auto => AUTO_FRACTION_BITS,
            ResultType::Cast(types) => {
                let fraction_bits = |element| types.get(element).fraction_bits();
                (0..input.element_count()).map(fraction_bits).max().unwrap_or(0)
            }
        };
        (result + log2_x + 1).clamp(0, MAX_SLOPE_FRACTION_BITS)
    }

    /// What an entry is multiplied by, exactly: ELU's alpha where the table is hls4ml's, which
    /// holds exp(x) - 1. Tables over the range of the input hold the product.
    pub fn entry_factor(&self) -> Value {
        match (&self.curve, self.table) {
            (Curve::Elu { alpha }, TableChoice::Fixed { .. }) => *alpha,
            _ => Value { mantissa: 1, fraction_bits: 0 },
        }
    }
}

impl Curve {
    /// The author's own table, where that is what gives the function.
    pub fn entries(&self) -> Option<&Constant> {
        match self {
            Self::Given { entries, .. } => Some(entries),
            _ => None,
        }
    }

    /// The layer type's word in a spec.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Softplus => "softplus",
            Self::Softsign => "softsign",
            Self::Elu { .. } => "elu",
            Self::Selu => "selu",
            Self::Given { .. } => "table",
        }
    }
}
