//! Sums: balanced trees where the order does not matter, chains where it does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rtl4ml_ir::{FixedType, Overflow, Range, Value};

use super::{Dataflow, Term, TooWide};

/// How the products of a sum are added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Accumulator {
    /// Exactly.
    Exact,
    /// Each product is cast to the type, then the sums are taken in it in ascending order.
    Typed(FixedType),
}

impl Dataflow {
    /// The exact sum of the terms, as a tree that combines the two shallowest terms first.
    pub fn sum(&mut self, terms: Vec<Term>, name: &str) -> Result<Term, TooWide> {
        let key = |dataflow: &Self, term: Term, order: usize| {
            let node = dataflow.node(term.node);
            Reverse((node.depth, node.range.width(), order))
        };
        let mut terms: Vec<Term> =
            terms.into_iter().filter(|term| self.range(term.node) != Range::ZERO).collect();
        let mut queue: BinaryHeap<_> =
            terms.iter().enumerate().map(|(order, term)| key(self, *term, order)).collect();
        let last = terms.len().saturating_sub(2);
        for step in 0.. {
            let Some(Reverse((.., first))) = queue.pop() else {
                break;
            };
            let Some(Reverse((.., second))) = queue.pop() else {
                return Ok(terms[first]);
            };
            let own_name = if step == last { name.to_owned() } else { format!("{name}_{step}") };
            let sum = self.add(terms[first], terms[second], &own_name)?;
            terms.push(sum);
            queue.push(key(self, sum, terms.len() - 1));
        }
        let node = self.constant(0);
        Ok(Term { node, fraction_bits: 0, negative: false })
    }

    /// The sum of products, on top of a start value (the bias, cast by the accumulator already).
    pub fn accumulate(
        &mut self,
        accumulator: Accumulator,
        start: Term,
        products: Vec<Term>,
        name: &str,
    ) -> Result<Term, TooWide> {
        let accum = match accumulator {
            Accumulator::Exact => {
                let terms = products.into_iter().chain([start]).collect();
                return self.sum(terms, name);
            }
            Accumulator::Typed(accum) => accum,
        };
        let products = self.cast_products(accum, products, name)?;
        let parts = std::iter::once(&start).chain(&products).map(|term| self.signed_range(*term));
        if order_is_free(accum, parts) {
            let terms = products.into_iter().chain([start]).collect();
            let sum = self.sum(terms, &format!("{name}_exact"))?;
            return self.cast(sum, accum, name);
        }
        let mut sum = start;
        for (k, product) in products.into_iter().enumerate() {
            let exact = self.add(sum, product, &format!("{name}_{k}_exact"))?;
            sum = self.cast(exact, accum, &format!("{name}_{k}"))?;
        }
        Ok(sum)
    }

    /// The sum of numbers that are not cast before they are added: each sum is exact, and then
    /// cast to the accumulator's type.
    pub fn accumulate_exact_terms(
        &mut self,
        accum: FixedType,
        terms: Vec<Term>,
        name: &str,
    ) -> Result<Term, TooWide> {
        let zero = self.constant_term(Value::ZERO);
        let on_grid = |term: &Term| {
            let is_zero = self.range(term.node) == Range::ZERO;
            is_zero || term.fraction_bits <= accum.fraction_bits()
        };
        let parts = || terms.iter().map(|term| self.signed_range(*term));
        if terms.iter().all(on_grid) && order_is_free(accum, parts()) {
            let sum = self.sum(terms, &format!("{name}_exact"))?;
            return self.cast(sum, accum, name);
        }
        terms.into_iter().enumerate().try_fold(zero, |sum, (k, term)| {
            let exact = self.add(sum, term, &format!("{name}_{k}_exact"))?;
            self.cast(exact, accum, &format!("{name}_{k}"))
        })
    }

    /// Each product in the accumulator's type.
    pub fn cast_products(
        &mut self,
        accum: FixedType,
        products: Vec<Term>,
        name: &str,
    ) -> Result<Vec<Term>, TooWide> {
        let cast =
            |(k, product): (usize, Term)| self.cast(product, accum, &format!("{name}_product_{k}"));
        products.into_iter().enumerate().map(cast).collect()
    }

    /// The integers of a term and the bits after their binary point.
    fn signed_range(&self, term: Term) -> (Range, i32) {
        let range = self.range(term.node);
        (if term.negative { range.negated() } else { range }, term.fraction_bits)
    }
}

/// Whether the exact sum, cast once, equals the sums taken in the accumulator one by one: so it is
/// when sums wrap, and when no prefix of them leaves the accumulator's range. The parts are the
/// start value and the products in their order, each by its integers and the bits after their
/// binary point, no more than the accumulator has.
pub(crate) fn order_is_free(accum: FixedType, parts: impl Iterator<Item = (Range, i32)>) -> bool {
    if accum.overflow == Overflow::Wrap {
        return true;
    }
    let grid = accum.fraction_bits();
    let legal = accum.overflow.range_of(accum.format);
    let mut prefix = Range::ZERO;
    let mut parts = parts.filter(|(range, _)| *range != Range::ZERO);
    parts.all(|(range, fraction_bits)| {
        let range = u32::try_from(grid - fraction_bits).ok().and_then(|s| range.shifted_left(s));
        let next = range.and_then(|range| prefix.plus(range));
        next.is_some_and(|next| {
            prefix = next;
            next.within(legal)
        })
    })
}

/// The canonical signed digits of a positive integer: position and whether it counts negatively.
/// No two neighbours are both used, so that there are as few digits as can be.
pub(crate) fn signed_digits(mut number: i128) -> Vec<(u32, bool)> {
    let mut digits = Vec::new();
    let mut position = 0;
    while number != 0 {
        if number & 1 == 1 {
            let negative = number & 3 == 3;
            digits.push((position, negative));
            number += if negative { 1 } else { -1 };
        }
        number >>= 1;
        position += 1;
    }
    digits
}

/// The bias as the start value of a sum.
pub(crate) fn start_value(accumulator: Accumulator, bias: Value) -> Value {
    match accumulator {
        Accumulator::Exact => bias,
        Accumulator::Typed(accum) => {
            Value { mantissa: accum.cast(bias), fraction_bits: accum.fraction_bits() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_digits_add_up_and_have_no_neighbours() {
        for number in 1..4096i128 {
            let digits = signed_digits(number);
            let sum: i128 =
                digits.iter().map(|(p, negative)| if *negative { -(1 << p) } else { 1 << p }).sum();
            assert_eq!(sum, number);
            assert!(digits.windows(2).all(|pair| pair[1].0 > pair[0].0 + 1));
        }
    }

    #[test]
    fn a_saturating_accumulator_is_a_tree_while_no_prefix_can_saturate() {
        let accum: FixedType = "fixed<8,8,TRN,SAT>".parse().unwrap();
        let build = |inputs: usize| {
            let mut dataflow = Dataflow::default();
            let terms = (0..inputs)
                .map(|i| {
                    let node = dataflow.input(format!("x_{i}"), Range::new(-16, 15));
                    Term { node, fraction_bits: 0, negative: false }
                })
                .collect();
            let zero = dataflow.constant_term(Value::ZERO);
            let sum = dataflow.accumulate(Accumulator::Typed(accum), zero, terms, "acc").unwrap();
            dataflow.node(sum.node).depth
        };
        assert_eq!(build(8), 3);
        assert!(build(16) > 8);
    }
}
