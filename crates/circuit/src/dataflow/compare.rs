//! Comparisons, made of a subtraction whose sign decides: smaller, larger, first maximum.

use rtl4ml_ir::{Range, Value};

use super::{BitOf, Dataflow, Term, TooWide};

/// Which of two numbers is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    /// The larger.
    Maximum,
    /// The smaller.
    Minimum,
}

/// The first maximum of several numbers.
#[derive(Clone, Debug)]
pub struct Winner {
    /// The largest number.
    pub value: Term,
    /// For each number, 1 where it is the first that is the largest, else 0.
    pub flags: Vec<Term>,
    /// The position of that number.
    pub index: Term,
}

impl Dataflow {
    /// Whether a < b, as a bit.
    pub fn less(&mut self, a: Term, b: Term, name: &str) -> Result<BitOf, TooWide> {
        if a == b {
            return Ok(self.constant(0).into());
        }
        let difference = self.add(a, Term { negative: !b.negative, ..b }, name)?;
        let difference = self.positive(difference, name)?;
        let range = self.range(difference.node);
        Ok(if range.lo >= 0 {
            self.constant(0).into()
        } else if range.hi < 0 {
            self.constant(1).into()
        } else {
            // The sign of the two's complement number.
            BitOf { node: difference.node, bit: range.width() - 1 }
        })
    }

    /// The larger of a and b.
    pub fn maximum(&mut self, a: Term, b: Term, name: &str) -> Result<Term, TooWide> {
        if self.range(b.node) == Range::ZERO && !a.negative {
            let node = self.rectify(a.node, name)?;
            return Ok(Term { node, ..a });
        }
        let less = self.less(a, b, &format!("{name}_difference"))?;
        self.chosen_of(less, [b, a], name, |a, b| Range::new(a.lo.max(b.lo), a.hi.max(b.hi)))
    }

    /// The smaller of a and b.
    pub fn minimum(&mut self, a: Term, b: Term, name: &str) -> Result<Term, TooWide> {
        let less = self.less(a, b, &format!("{name}_difference"))?;
        self.chosen_of(less, [a, b], name, |a, b| Range::new(a.lo.min(b.lo), a.hi.min(b.hi)))
    }

    /// The largest or smallest of several numbers, as a balanced tree; 0 of none.
    pub fn extreme(
        &mut self,
        which: Extreme,
        mut terms: Vec<Term>,
        name: &str,
    ) -> Result<Term, TooWide> {
        let mut level = 0;
        while terms.len() > 1 {
            let pairs = terms.chunks(2).enumerate().map(|(index, pair)| match (pair, which) {
                ([a, b], Extreme::Maximum) => {
                    self.maximum(*a, *b, &format!("{name}_{level}_{index}"))
                }
                ([a, b], Extreme::Minimum) => {
                    self.minimum(*a, *b, &format!("{name}_{level}_{index}"))
                }
                _ => Ok(pair[0]),
            });
            terms = pairs.collect::<Result<_, _>>()?;
            level += 1;
        }
        let zero = || Term { node: self.constant(0), fraction_bits: 0, negative: false };
        Ok(terms.first().copied().unwrap_or_else(zero))
    }

    /// One of two numbers, in the range that follows from theirs.
    fn chosen_of(
        &mut self,
        condition: BitOf,
        [then, otherwise]: [Term; 2],
        name: &str,
        range: fn(Range, Range) -> Range,
    ) -> Result<Term, TooWide> {
        if self.range(condition.node).as_constant().is_some() {
            return self.select(condition, then, otherwise, name);
        }
        let chosen = self.select(condition, then, otherwise, name)?;
        let on_grid = |term: Term| self.range_at(term, chosen.fraction_bits);
        match on_grid(then).zip(on_grid(otherwise)) {
            Some((a, b)) => Ok(self.proven(chosen, range(a, b))),
            None => Ok(chosen),
        }
    }

    /// The range of a term's mantissa on a grid that is no coarser than the term's own.
    pub fn range_at(&self, term: Term, fraction_bits: i32) -> Option<Range> {
        let range = self.range(term.node);
        let range = if term.negative { range.negated() } else { range };
        if range == Range::ZERO {
            return Some(range);
        }
        range.shifted_left(u32::try_from(fraction_bits - term.fraction_bits).ok()?)
    }

    /// The same number, whose integers the caller has proven to lie in `range` as well. The term
    /// is the result of an operation no bit of which is read as a sign.
    pub fn proven(&mut self, term: Term, range: Range) -> Term {
        debug_assert!(!term.negative, "the range is that of the node");
        if self.range(term.node).as_constant().is_some() {
            return term;
        }
        self.restrict(term.node, range);
        match self.range(term.node).as_constant() {
            // A node of one value would be a signal that nothing reads.
            Some(constant) => Term { node: self.constant(constant), ..term },
            None => term,
        }
    }

    /// The first maximum, by a tournament of neighbours.
    pub fn winner(&mut self, terms: &[Term], name: &str) -> Result<Winner, TooWide> {
        let whole = |mantissa| Value { mantissa, fraction_bits: 0 };
        if let [value] = terms {
            let flags = vec![self.constant_term(whole(1))];
            return Ok(Winner { value: *value, flags, index: self.constant_term(whole(0)) });
        }
        let (left, right) = terms.split_at(terms.len().next_power_of_two() / 2);
        let offset = self.constant_term(whole(left.len() as i128));
        let left = self.winner(left, &format!("{name}_l"))?;
        let right = self.winner(right, &format!("{name}_r"))?;
        let right_wins = self.less(left.value, right.value, &format!("{name}_difference"))?;
        let value = self.chosen_of(
            right_wins,
            [right.value, left.value],
            &format!("{name}_top"),
            |a, b| Range::new(a.lo.max(b.lo), a.hi.max(b.hi)),
        )?;
        let right_index = self.add(right.index, offset, &format!("{name}_right"))?;
        let index = self.select(right_wins, right_index, left.index, &format!("{name}_index"))?;
        let zero = self.constant_term(Value::ZERO);
        let mut flags = Vec::with_capacity(terms.len());
        for flag in left.flags {
            let name = format!("{name}_flag_{}", flags.len());
            flags.push(self.select(right_wins, zero, flag, &name)?);
        }
        for flag in right.flags {
            let name = format!("{name}_flag_{}", flags.len());
            flags.push(self.select(right_wins, flag, zero, &name)?);
        }
        Ok(Winner { value, flags, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(dataflow: &mut Dataflow, ranges: &[(i128, i128)]) -> Vec<Term> {
        let input = |(index, (lo, hi)): (usize, &(i128, i128))| {
            let node = dataflow.input(format!("x_{index}"), Range::new(*lo, *hi));
            Term { node, fraction_bits: 0, negative: false }
        };
        ranges.iter().enumerate().map(input).collect()
    }

    #[test]
    fn ranges_that_do_not_overlap_need_no_comparison() {
        let mut dataflow = Dataflow::default();
        let x = inputs(&mut dataflow, &[(0, 3), (4, 9)]);
        assert_eq!(dataflow.maximum(x[0], x[1], "max"), Ok(x[1]));
        assert_eq!(dataflow.minimum(x[0], x[1], "min"), Ok(x[0]));
        let winner = dataflow.winner(&x, "top").unwrap();
        assert_eq!(winner.value, x[1]);
        assert_eq!(dataflow.range(winner.index.node), Range::constant(1));
    }

    #[test]
    fn the_larger_of_two_is_at_least_the_larger_low_end() {
        let mut dataflow = Dataflow::default();
        let x = inputs(&mut dataflow, &[(-8, 7), (-2, 3)]);
        let larger = dataflow.maximum(x[0], x[1], "max").unwrap();
        assert_eq!(dataflow.range(larger.node), Range::new(-2, 7));
        let smaller = dataflow.minimum(x[0], x[1], "min").unwrap();
        assert_eq!(dataflow.range(smaller.node), Range::new(-8, 3));
    }
}
