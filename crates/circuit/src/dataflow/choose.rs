//! The larger and the smaller of two numbers, by the sign of their difference.

use rtl4ml_ir::Range;

use super::{BitOf, Dataflow, Term, TooWide};

/// Which of two numbers is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    /// The larger.
    Maximum,
    /// The smaller.
    Minimum,
}

impl Dataflow {
    /// The largest or smallest of several numbers, as a balanced tree; 0 of none.
    pub fn extreme(
        &mut self,
        which: Extreme,
        mut terms: Vec<Term>,
        name: &str,
    ) -> Result<Term, TooWide> {
        let mut level = 0;
        while terms.len() > 1 {
            let pairs = terms.chunks(2).enumerate().map(|(index, pair)| match *pair {
                [a, b] => self.extreme_of_two(which, a, b, &format!("{name}_{level}_{index}")),
                _ => Ok(pair[0]),
            });
            terms = pairs.collect::<Result<_, _>>()?;
            level += 1;
        }
        match terms.first() {
            Some(term) => Ok(*term),
            None => Ok(Term { node: self.constant(0), fraction_bits: 0, negative: false }),
        }
    }

    fn extreme_of_two(
        &mut self,
        which: Extreme,
        a: Term,
        b: Term,
        name: &str,
    ) -> Result<Term, TooWide> {
        let a = self.positive(a, &format!("{name}_a"))?;
        let b = self.positive(b, &format!("{name}_b"))?;
        let minus_b = Term { negative: true, ..b };
        let difference = self.add(a, minus_b, &format!("{name}_difference"))?;
        // The node is negative where `below` is the smaller of the two.
        let (below, above) = if difference.negative { (b, a) } else { (a, b) };
        let (then, otherwise) = match which {
            Extreme::Maximum => (above, below),
            Extreme::Minimum => (below, above),
        };
        let range = self.range(difference.node);
        if range.lo >= 0 {
            return Ok(otherwise);
        }
        if range.hi <= 0 {
            return Ok(then);
        }
        let sign = BitOf { node: difference.node, bit: range.width() - 1 };
        let chosen = self.select(sign, then, otherwise, name)?;
        let on_grid = |term: Term| {
            let range = self.range(term.node);
            let shift = chosen.fraction_bits - term.fraction_bits;
            if range == Range::ZERO { Some(range) } else { range.shifted_left(shift as u32) }
        };
        if let Some((a, b)) = on_grid(a).zip(on_grid(b)) {
            self.restrict(
                chosen.node,
                match which {
                    Extreme::Maximum => Range::new(a.lo.max(b.lo), a.hi.max(b.hi)),
                    Extreme::Minimum => Range::new(a.lo.min(b.lo), a.hi.min(b.hi)),
                },
            );
        }
        Ok(chosen)
    }
}
