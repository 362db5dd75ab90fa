//! Products: by constants, and of two variables.

use rtl4ml_ir::{Range, Value};

use super::sum::signed_digits;
use super::{BitOf, Dataflow, Material, NodeId, NodeOp, Term, TooWide};

impl Dataflow {
    /// a * constant. A power of two is no operation; without a DSP block the product is a sum of
    /// shifted copies of a, one for each digit of the constant's signed-digit form, or a choice
    /// where a is one of -1, 0 and 1.
    pub fn multiply_constant(
        &mut self,
        a: Term,
        constant: Value,
        material: Material,
    ) -> Result<Term, TooWide> {
        let zeros = if constant.mantissa == 0 { 0 } else { constant.mantissa.trailing_zeros() };
        let odd = (constant.mantissa >> zeros).abs();
        let product = |node| Term {
            node,
            fraction_bits: a.fraction_bits + constant.fraction_bits - zeros as i32,
            negative: a.negative != (constant.mantissa < 0),
        };
        if odd == 0 {
            return Ok(product(self.constant(0)));
        }
        if odd == 1 {
            return Ok(product(a.node));
        }
        let name = format!("{}_times_{odd}", self.node(a.node).name);
        match material {
            Material::Lut if self.range(a.node).within(Range::new(-1, 1)) => {
                let chosen = self.chosen(a.node, odd, &name)?;
                let whole = product(chosen.node);
                Ok(Term { negative: whole.negative != chosen.negative, ..whole })
            }
            Material::Dsp => {
                let range = self.range(a.node).times(Range::constant(odd));
                let op = NodeOp::MultiplyConstant(a.node, odd as i64);
                Ok(product(self.operation(op, range, &name)?))
            }
            Material::Lut => {
                let digits = signed_digits(odd);
                let terms = digits.into_iter().map(|(position, negative)| Term {
                    node: a.node,
                    fraction_bits: -(position as i32),
                    negative,
                });
                let terms: Vec<Term> = terms.collect();
                let sum = self.sum(terms, &name)?;
                // The largest digit is positive, so the sum is; its lowest is at position 0.
                debug_assert!(!sum.negative && sum.fraction_bits == 0);
                Ok(product(sum.node))
            }
        }
    }

    /// a * b, both variable. Without a DSP block: a copy of a for each bit of b, gated by it.
    pub fn multiply(
        &mut self,
        a: Term,
        b: Term,
        material: Material,
        name: &str,
    ) -> Result<Term, TooWide> {
        let negative = a.negative != b.negative;
        let fraction_bits = a.fraction_bits + b.fraction_bits;
        let whole = |mantissa: i128| Value { mantissa, fraction_bits: 0 };
        if let Some(constant) = self.range(b.node).as_constant() {
            let constant = Value { fraction_bits: b.fraction_bits, ..whole(constant) };
            let product = self.multiply_constant(a, constant, material)?;
            return Ok(Term { negative: product.negative != b.negative, ..product });
        }
        if self.range(a.node).as_constant().is_some() {
            return self.multiply(b, a, material, name);
        }
        let range = self.range(a.node).times(self.range(b.node));
        if material == Material::Dsp {
            let node = self.operation(NodeOp::Multiply(a.node, b.node), range, name)?;
            return Ok(Term { node, fraction_bits, negative });
        }
        if self.range(a.node).width() == 1 && self.range(b.node).width() > 1 {
            return self.multiply(b, a, material, name);
        }
        let b_range = self.range(b.node);
        let (bits, signed) = (b_range.width(), b_range.lo < 0);
        let zero = self.constant_term(whole(0));
        let mut terms = Vec::new();
        for position in 0..bits {
            let bit = BitOf { node: b.node, bit: position };
            let copy = Term { node: a.node, fraction_bits: 0, negative: false };
            let gated = self.select(bit, copy, zero, &format!("{name}_row_{position}"))?;
            // The top bit of a two's complement number counts negatively.
            let negative = signed && position == bits - 1;
            terms.push(Term { fraction_bits: -(position as i32), negative, ..gated });
        }
        let sum = self.sum(terms, name)?;
        let range = range.ok_or_else(|| TooWide { name: name.to_owned() })?;
        self.restrict(sum.node, if sum.negative { range.negated() } else { range });
        let negative = negative != sum.negative;
        Ok(Term { node: sum.node, fraction_bits: sum.fraction_bits + fraction_bits, negative })
    }

    /// a * factor for an a that is -1, 0 or 1: the factor, its negative or 0.
    fn chosen(&mut self, a: NodeId, factor: i128, name: &str) -> Result<Term, TooWide> {
        let whole = |mantissa: i128| Value { mantissa, fraction_bits: 0 };
        let [zero, one] = [0, factor].map(|mantissa| self.constant_term(whole(mantissa)));
        // The low bit tells 0 from the others, and of two bits the high one the sign.
        let magnitude = if self.range(a).width() == 2 {
            let minus = self.constant_term(whole(-factor));
            self.select(BitOf { node: a, bit: 1 }, minus, one, &format!("{name}_signed"))?
        } else {
            one
        };
        let chosen = self.select(a.into(), magnitude, zero, name)?;
        Ok(Term { negative: self.range(a).hi <= 0, ..chosen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is built of a product in logic of an input with this range.
    fn built(range: Range, constant: Option<i128>) -> Dataflow {
        let mut dataflow = Dataflow::default();
        let term = |node| Term { node, fraction_bits: 0, negative: false };
        let x = term(dataflow.input("x", range));
        let weight = match constant {
            Some(mantissa) => dataflow.constant_term(Value { mantissa, fraction_bits: 0 }),
            None => term(dataflow.input("weight", Range::new(-100, 100))),
        };
        dataflow.multiply(x, weight, Material::Lut, "product").unwrap();
        dataflow
    }

    #[test]
    fn a_product_of_one_bit_is_a_choice() {
        let adders = |op: &NodeOp| matches!(op, NodeOp::Add(..) | NodeOp::Sub(..));
        let choices = |op: &NodeOp| matches!(op, NodeOp::Select { .. });
        for (range, bits) in [(Range::new(0, 1), 1), (Range::new(-1, 0), 1), (Range::new(-1, 1), 2)]
        {
            let constant = built(range, Some(-85));
            assert_eq!((constant.count(adders), constant.count(choices)), (0, bits));
        }
        for range in [Range::new(0, 1), Range::new(-1, 0)] {
            let variable = built(range, None);
            assert_eq!((variable.count(adders), variable.count(choices)), (0, 1));
        }
        assert!(built(Range::new(0, 3), Some(85)).count(adders) > 0);
    }

    /// The input of a layer may be known: with streams its result is computed all the same.
    #[test]
    fn a_product_of_minus_one_is_negative() {
        let mut dataflow = Dataflow::default();
        let node = dataflow.constant(-1);
        let x = Term { node, fraction_bits: 0, negative: false };
        let weight = Value { mantissa: 85, fraction_bits: 0 };
        let product = dataflow.multiply_constant(x, weight, Material::Lut).unwrap();
        let magnitude = dataflow.range(product.node).as_constant().unwrap();
        assert_eq!(if product.negative { -magnitude } else { magnitude }, -85);
    }
}
