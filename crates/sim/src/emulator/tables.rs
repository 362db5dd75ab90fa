//! Functions by a table, softmax and argmax.
//!
//! The tables are `ir`'s, computed once for a network; which entry a number reads is computed
//! here, for many samples at once.

#![allow(clippy::inline_always, reason = "see `lanes::Work`")]

use rtl4ml_ir::exact::{times, up};
use rtl4ml_ir::layers::{
    ExactLookup, ExactRange, ExactSoftmax, LegacySoftmax, SoftmaxQuotients, SoftmaxSteps, Table,
};
use rtl4ml_ir::{Function, Range, Softmax, TensorType};

use super::cast::Cast;
use super::sink::Sink;
use crate::lanes::{Int, LANES, Lanes, map, map2};

/// A table that numbers on one grid read.
#[derive(Clone, Debug)]
pub(super) struct Lookup<T> {
    up: u32,
    origin: T,
    scale: T,
    integer: Cast<T>,
    offset: T,
    last: T,
    entries: Vec<T>,
    /// What the entries are.
    pub result: ExactRange,
}

impl<T: Int> Lookup<T> {
    /// The table of a plan.
    pub fn of(plan: &ExactLookup) -> Option<Self> {
        if !plan.steps.into_iter().all(T::holds) {
            return None;
        }
        Some(Self {
            up: plan.up,
            origin: T::low_bits(plan.origin),
            scale: T::low_bits(plan.scale),
            integer: Cast::new(plan.product, plan.integer_type)?,
            offset: T::low_bits(plan.offset),
            last: T::low_bits(plan.last()),
            entries: plan.entries.iter().map(|entry| T::low_bits(*entry)).collect(),
            result: plan.result,
        })
    }

    /// The entries that numbers read.
    #[inline(always)]
    pub fn read(&self, x: &Lanes<T>) -> Lanes<T> {
        let product = map(x, |x| x.up(self.up).minus(self.origin).times(self.scale));
        let index = self.integer.apply(&product);
        let zero = T::default();
        let index = map(&index, |index| index.plus(self.offset).max(zero).min(self.last));
        map(&index, |index| self.entries[index.index()])
    }
}

/// A unary function.
#[derive(Clone, Debug)]
pub(super) struct ByTable<T> {
    tables: Vec<Lookup<T>>,
    of: Vec<Option<usize>>,
    /// Where the function is a straight line from zero on.
    slope: Option<T>,
    up_table: u32,
    up_line: u32,
}

impl<T: Int> ByTable<T> {
    /// The function of numbers in a range.
    pub fn new(
        function: &Function,
        tensor: &TensorType,
        x: ExactRange,
    ) -> Option<(Self, ExactRange)> {
        let own = function.tables(tensor).ok()?;
        let factor = function.entry_factor();
        let lookup = |table: &Table| Lookup::of(&table.exact_lookup(x, factor)?);
        let tables: Vec<Lookup<T>> = own.distinct().iter().map(lookup).collect::<Option<_>>()?;
        let of = own.indices().to_vec();
        let line = function.curve.is_line_from_zero().then(|| own.slope_from_zero());
        let line_grid = line.map(|slope| x.1 + slope.fraction_bits);
        let grids = tables.iter().map(|table| table.result.1).chain(line_grid);
        let grid = grids.max().unwrap_or_default();
        let up_table = tables.iter().map(|table| grid - table.result.1).max().unwrap_or(0);
        if tables.iter().any(|table| grid - table.result.1 != up_table) {
            // Entries on several grids: the reference computes it.
            return None;
        }
        let mut result = Range::ZERO;
        for table in &tables {
            result = result.union(up(table.result.0, up_table)?);
        }
        let mut up_line = 0;
        if let Some((slope, line_grid)) = line.zip(line_grid) {
            up_line = grid - line_grid;
            result = result.union(up(times(x.0.rectified(), slope.mantissa)?, up_line)?);
        }
        let slope = match line {
            Some(slope) => Some(T::exactly(slope.mantissa)?),
            None => None,
        };
        let shiftable = (up_table.max(up_line) as u32) < T::BITS;
        let (up_table, up_line) = (up_table as u32, up_line as u32);
        let body = Self { tables, of, slope, up_table, up_line };
        (T::holds(result) && shiftable).then_some((body, (result, grid)))
    }

    #[inline(always)]
    pub fn run(&self, x: &[Lanes<T>], sink: &mut Sink<T>) {
        let zero = T::default();
        for (element, (table, x)) in self.of.iter().zip(x).enumerate() {
            let entries = match table {
                Some(table) => map(&self.tables[*table].read(x), |entry| entry.up(self.up_table)),
                None => [zero; LANES],
            };
            let Some(slope) = self.slope else {
                sink.put(element, &entries);
                continue;
            };
            let pick = |x: T, entry: T| {
                if x >= zero { x.times(slope).up(self.up_line) } else { entry }
            };
            sink.put(element, &map2(x, &entries, pick));
        }
    }
}

/// A softmax over the last axis, or the index of its maximum.
#[derive(Clone, Debug)]
pub(super) struct Classes<T> {
    classes: usize,
    rule: Rule<T>,
}

#[derive(Clone, Debug)]
enum Rule<T> {
    Index,
    Winner,
    Exact { exp: Lookup<T>, reciprocal: Lookup<T>, winner: Cast<T>, own: Cast<T> },
    Quotients { difference: Option<Cast<T>>, exp: Lookup<T>, rest: Rest<T> },
    Legacy { exp: Lookup<T>, reciprocal: Lookup<T>, one: T, up: u32, sum: Cast<T> },
}

/// hls4ml's quotients from the exponentials on.
#[derive(Clone, Debug)]
struct Rest<T> {
    exponential: Cast<T>,
    sum: Cast<T>,
    argument: Cast<T>,
    reciprocal: Lookup<T>,
}

impl<T: Int> Classes<T> {
    /// The index of the first maximum.
    pub fn argmax(tensor: &TensorType) -> (Self, ExactRange) {
        let classes = tensor.shape.last_extent();
        (Self { classes, rule: Rule::Index }, (Range::new(0, classes as i128 - 1), 0))
    }

    /// The softmax of numbers in a range.
    pub fn softmax(
        softmax: &Softmax,
        tensor: &TensorType,
        x: ExactRange,
    ) -> Option<(Self, ExactRange)> {
        let classes = tensor.shape.last_extent();
        let (rule, result) = match softmax.exact_steps(tensor, x)? {
            SoftmaxSteps::Exact(steps) => exact(&steps)?,
            SoftmaxSteps::Quotients(steps) => quotients(&steps)?,
            SoftmaxSteps::Legacy(steps) => legacy(&steps)?,
            SoftmaxSteps::Winner => (Rule::Winner, (Range::new(0, 1), 0)),
        };
        let spread = Range::new(x.0.lo - x.0.hi, x.0.hi - x.0.lo);
        T::holds(spread).then_some((Self { classes, rule }, result))
    }

    #[inline(always)]
    pub fn run(&self, x: &[Lanes<T>], sink: &mut Sink<T>) {
        for (slice, x) in x.chunks_exact(self.classes).enumerate() {
            let first = slice * self.classes;
            match &self.rule {
                Rule::Index => sink.put(slice, &first_maximum(x)),
                Rule::Winner => {
                    let winner = first_maximum(x);
                    for class in 0..x.len() {
                        let class_index = T::low_bits(class as i128);
                        let wins = map(&winner, |winner| T::from_bool(winner == class_index));
                        sink.put(first + class, &wins);
                    }
                }
                Rule::Exact { exp, reciprocal, winner, own } => {
                    let top = maximum(x);
                    let away = |x: &Lanes<T>| exp.read(&map2(&top, x, T::minus));
                    let exponentials: Vec<Lanes<T>> = x.iter().map(away).collect();
                    let zeros = [T::default(); LANES];
                    let sum = exponentials.iter().fold(zeros, |sum, e| map2(&sum, e, T::plus));
                    let reciprocal = reciprocal.read(&sum);
                    let winner = winner.apply(&reciprocal);
                    let most =
                        map(&winner, |winner| winner.minus(T::from_bool(true)).max(T::default()));
                    for (class, (x, exponential)) in x.iter().zip(&exponentials).enumerate() {
                        let own = own.apply(&map2(exponential, &reciprocal, T::times));
                        let own = map2(&own, &most, T::min);
                        let mut result = winner;
                        for (lane, result) in result.iter_mut().enumerate() {
                            if x[lane] != top[lane] {
                                *result = own[lane];
                            }
                        }
                        sink.put(first + class, &result);
                    }
                }
                Rule::Quotients { difference, exp, rest } => {
                    let top = maximum(x);
                    let exponential = |x: &Lanes<T>| match difference {
                        Some(cast) => exp.read(&cast.apply(&map2(&top, x, T::minus))),
                        None => exp.read(x),
                    };
                    let exponentials = x.iter().map(exponential);
                    let exponentials: Vec<Lanes<T>> =
                        exponentials.map(|e| rest.exponential.apply(&e)).collect();
                    let sum = tree_sum(&exponentials, &rest.sum);
                    let reciprocal = rest.reciprocal.read(&rest.argument.apply(&sum));
                    for (class, exponential) in exponentials.iter().enumerate() {
                        sink.put(first + class, &map2(exponential, &reciprocal, T::times));
                    }
                }
                Rule::Legacy { exp, reciprocal, one, up, sum } => {
                    for (i, own) in x.iter().enumerate() {
                        let mut total = [T::default(); LANES];
                        for (j, x) in x.iter().enumerate() {
                            let term = if i == j {
                                [*one; LANES]
                            } else {
                                let entry = exp.read(&map2(x, own, T::minus));
                                map(&entry, |entry| entry.up(*up))
                            };
                            total = sum.apply(&map2(&total, &term, T::plus));
                        }
                        sink.put(first + i, &reciprocal.read(&total));
                    }
                }
            }
        }
    }
}

fn exact<T: Int>(steps: &ExactSoftmax) -> Option<(Rule<T>, ExactRange)> {
    let &ExactSoftmax { ref exp, sum, ref reciprocal, product, ty } = steps;
    let (exp, reciprocal) = (Lookup::of(exp)?, Lookup::of(reciprocal)?);
    let (winner, own) = (Cast::new(reciprocal.result, ty)?, Cast::new(product, ty)?);
    let result = (ty.format.range(), ty.fraction_bits());
    let rule = Rule::Exact { exp, reciprocal, winner, own };
    (T::holds(result.0) && T::holds(sum)).then_some((rule, result))
}

fn quotients<T: Int>(steps: &SoftmaxQuotients) -> Option<(Rule<T>, ExactRange)> {
    let &SoftmaxQuotients { difference, ref exp, accum, sums, argument, ref reciprocal, result } =
        steps;
    let (exp, reciprocal) = (Lookup::of(exp)?, Lookup::of(reciprocal)?);
    let difference = match difference {
        Some((difference, ty)) => Some(Cast::new(difference, ty)?),
        None => None,
    };
    let all = (accum.format.range(), accum.fraction_bits());
    let rest = Rest {
        exponential: Cast::new(exp.result, accum)?,
        sum: Cast::new(sums, accum)?,
        argument: Cast::new(all, argument)?,
        reciprocal,
    };
    let holds = T::holds(sums.0) && T::holds(result.0);
    holds.then_some((Rule::Quotients { difference, exp, rest }, result))
}

fn legacy<T: Int>(steps: &LegacySoftmax) -> Option<(Rule<T>, ExactRange)> {
    let &LegacySoftmax { ref exp, entry_up, sum_up, one, sums, ty, ref reciprocal } = steps;
    if sum_up > 0 || entry_up >= T::BITS || !T::holds(sums.0) {
        // Terms that are finer than the sum: the reference computes it.
        return None;
    }
    let (exp, reciprocal) = (Lookup::of(exp)?, Lookup::of(reciprocal)?);
    let result = reciprocal.result;
    let (one, sum) = (T::exactly(one)?, Cast::new(sums, ty)?);
    Some((Rule::Legacy { exp, reciprocal, one, up: entry_up, sum }, result))
}

#[inline(always)]
fn maximum<T: Int>(x: &[Lanes<T>]) -> Lanes<T> {
    x[1..].iter().fold(x[0], |top, x| map2(&top, x, T::max))
}

#[inline(always)]
fn first_maximum<T: Int>(x: &[Lanes<T>]) -> Lanes<T> {
    let mut top = x[0];
    let mut index = [T::default(); LANES];
    for (class, x) in x.iter().enumerate().skip(1) {
        let class = T::low_bits(class as i128);
        for lane in 0..LANES {
            if x[lane] > top[lane] {
                top[lane] = x[lane];
                index[lane] = class;
            }
        }
    }
    index
}

/// The sum by halves, each sum cast; the first part has as many terms as the largest power of two
/// that is less than their number.
fn tree_sum<T: Int>(terms: &[Lanes<T>], sum: &Cast<T>) -> Lanes<T> {
    if let [term] = terms {
        return *term;
    }
    let (left, right) = terms.split_at(terms.len().next_power_of_two() / 2);
    sum.apply(&map2(&tree_sum(left, sum), &tree_sum(right, sum), T::plus))
}
