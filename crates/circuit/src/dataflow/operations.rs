//! The operations that most layers need: sums of two, selections and casts. What needs nothing
//! built, because the result is known or there already, builds nothing.

use rtl4ml_ir::{FixedType, Range};

use super::{BitOf, Dataflow, NodeId, NodeOp, Shifted, Term, TooWide};

impl Dataflow {
    /// max(0, a).
    pub fn rectify(&mut self, a: NodeId, name: &str) -> Result<NodeId, TooWide> {
        let range = self.range(a);
        if range.lo >= 0 {
            return Ok(a);
        }
        self.operation(NodeOp::Rectify(a), Some(range.rectified()), name)
    }

    /// The mantissa of a term in a type. Where every value is in the type already, nothing is
    /// built: the term comes back as it is.
    pub fn cast(&mut self, a: Term, to: FixedType, name: &str) -> Result<Term, TooWide> {
        let a = self.positive(a, &format!("{name}_negated"))?;
        let range = self.range(a.node);
        let exact = a.fraction_bits <= to.fraction_bits();
        let fits = exact
            && range
                .shifted_left((to.fraction_bits() - a.fraction_bits) as u32)
                .is_some_and(|range| range.within(to.overflow.range_of(to.format)));
        if fits {
            return Ok(a);
        }
        let op = NodeOp::Cast { a: a.node, fraction_bits: a.fraction_bits, to };
        let node = self.operation(op, Some(range.cast(a.fraction_bits, to)), name)?;
        Ok(Term { node, fraction_bits: to.fraction_bits(), negative: false })
    }

    /// `then` where the condition is 1, else `otherwise`, on one grid.
    pub fn select(
        &mut self,
        condition: BitOf,
        then: Term,
        otherwise: Term,
        name: &str,
    ) -> Result<Term, TooWide> {
        let then = self.positive(then, &format!("{name}_then"))?;
        let otherwise = self.positive(otherwise, &format!("{name}_else"))?;
        match self.range(condition.node).as_constant().map(|m| (m >> condition.bit) & 1) {
            Some(0) => return Ok(otherwise),
            Some(_) => return Ok(then),
            None => {}
        }
        let (then, otherwise, fraction_bits) = self.aligned(then, otherwise);
        let ranges = [then, otherwise].map(|s| self.range(s.node).shifted_left(s.shift));
        let range = ranges[0].zip(ranges[1]).map(|(a, b)| a.union(b));
        let node = self.operation(NodeOp::Select { condition, then, otherwise }, range, name)?;
        Ok(Term { node, fraction_bits, negative: false })
    }

    /// a + b.
    pub fn add(&mut self, a: Term, b: Term, name: &str) -> Result<Term, TooWide> {
        if self.range(a.node) == Range::ZERO {
            return Ok(b);
        }
        if self.range(b.node) == Range::ZERO {
            return Ok(a);
        }
        // Two negatives make a negative sum; with one, the positive number comes first.
        let (a, b) = if a.negative && !b.negative { (b, a) } else { (a, b) };
        let (left, right, fraction_bits) = self.aligned(a, b);
        let ranges = [left, right].map(|s| self.range(s.node).shifted_left(s.shift));
        let subtract = a.negative != b.negative;
        let range = ranges[0]
            .zip(ranges[1])
            .and_then(|(a, b)| a.plus(if subtract { b.negated() } else { b }));
        let op = if subtract {
            NodeOp::Sub(left, right)
        } else if left <= right {
            NodeOp::Add(left, right)
        } else {
            NodeOp::Add(right, left)
        };
        let node = self.operation(op, range, name)?;
        Ok(Term { node, fraction_bits, negative: a.negative && b.negative })
    }

    /// The same number as a term that is not negative.
    pub fn positive(&mut self, a: Term, name: &str) -> Result<Term, TooWide> {
        if !a.negative {
            return Ok(a);
        }
        if let Some(constant) = self.range(a.node).as_constant() {
            let node = self.constant(-constant);
            return Ok(Term { node, negative: false, ..a });
        }
        let zero = Shifted { node: self.constant(0), shift: 0 };
        let range = self.range(a.node).negated();
        let op = NodeOp::Sub(zero, Shifted { node: a.node, shift: 0 });
        let node = self.operation(op, Some(range), name)?;
        Ok(Term { node, negative: false, ..a })
    }

    /// Two terms on the finer of their grids: their shifts, and the bits after its point.
    fn aligned(&self, a: Term, b: Term) -> (Shifted, Shifted, i32) {
        let is_zero = |t: Term| self.range(t.node) == Range::ZERO;
        let fraction_bits = match (is_zero(a), is_zero(b)) {
            (true, _) => b.fraction_bits,
            (_, true) => a.fraction_bits,
            _ => a.fraction_bits.max(b.fraction_bits),
        };
        let shifted = |t: Term| Shifted {
            node: t.node,
            shift: if is_zero(t) { 0 } else { (fraction_bits - t.fraction_bits) as u32 },
        };
        (shifted(a), shifted(b), fraction_bits)
    }
}

#[cfg(test)]
mod tests {
    use rtl4ml_ir::Value;

    use super::*;
    use crate::dataflow::Material;

    fn x(dataflow: &mut Dataflow) -> Term {
        let node = dataflow.input("x", Range::new(-128, 127));
        Term { node, fraction_bits: 4, negative: false }
    }

    fn value(mantissa: i128) -> Value {
        Value { mantissa, fraction_bits: 3 }
    }

    #[test]
    fn powers_of_two_and_zero_are_no_operations() {
        let mut dataflow = Dataflow::default();
        let x = x(&mut dataflow);
        let times = |d: &mut Dataflow, m| d.multiply_constant(x, value(m), Material::Lut).unwrap();
        assert_eq!(times(&mut dataflow, -8), Term { fraction_bits: 4, negative: true, ..x });
        assert_eq!(times(&mut dataflow, 2), Term { fraction_bits: 6, ..x });
        let zero = times(&mut dataflow, 0);
        assert_eq!(dataflow.range(zero.node), Range::ZERO);
        assert_eq!(dataflow.count(|op| matches!(op, NodeOp::Add(..) | NodeOp::Sub(..))), 0);
    }

    #[test]
    fn equal_products_are_one_node_whatever_their_sign_and_shift() {
        let mut dataflow = Dataflow::default();
        let x = x(&mut dataflow);
        for material in [Material::Lut, Material::Dsp] {
            let a = dataflow.multiply_constant(x, value(5), material).unwrap();
            let b = dataflow.multiply_constant(x, value(-20), material).unwrap();
            assert_eq!(a.node, b.node);
            assert_eq!((b.fraction_bits, b.negative), (a.fraction_bits - 2, true));
            assert_eq!(dataflow.range(a.node), Range::new(-640, 635));
        }
    }

    #[test]
    fn casts_that_change_nothing_are_not_built() {
        let mut dataflow = Dataflow::default();
        let x = x(&mut dataflow);
        let wide: FixedType = "fixed<20,10,RND,SAT>".parse().unwrap();
        assert_eq!(dataflow.cast(x, wide, "y"), Ok(x));
        let narrow: FixedType = "fixed<6,3,RND,SAT>".parse().unwrap();
        let y = dataflow.cast(x, narrow, "y").unwrap();
        assert_eq!(dataflow.range(y.node), Range::new(-32, 31));
    }
}
