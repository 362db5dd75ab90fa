//! Tables: the index by the rule of `ir`'s table, then a memory of the entries that can be read.

use std::sync::Arc;

use rtl4ml_ir::layers::{IndexRule, Table};
use rtl4ml_ir::{FixedType, Format, Overflow, Range, Value};

use super::{Dataflow, Material, NodeOp, Term, TooWide};

impl Dataflow {
    /// The entry that x reads.
    pub fn lookup(&mut self, x: Term, table: &Table, name: &str) -> Result<Term, TooWide> {
        let last = table.entries.len() as i128 - 1;
        let index = self.index(x, table.index, last, &format!("{name}_index"))?;
        // An index that is a multiple of 2^n is its upper bits, and reads every 2^n-th entry.
        let stride = 1i128 << index.fraction_bits.unsigned_abs();
        let indices = self.range(index.node);
        let entry = |i: i128| table.entries[(i * stride) as usize];
        let mut read = (indices.lo..=indices.hi).map(entry);
        let first = Range::constant(read.next().unwrap_or_default());
        let range = read.fold(first, |range, entry| range.union(Range::constant(entry)));
        let node = if let Some(constant) = indices.as_constant() {
            self.constant(entry(constant))
        } else {
            let entries: Arc<[i128]> = (0..=indices.hi).map(entry).collect();
            let op = NodeOp::Lookup { index: index.node, entries };
            self.operation(op, Some(range), name)?
        };
        Ok(Term { node, fraction_bits: table.fraction_bits, negative: false })
    }

    /// The index of x, from 0 to `last`, on a grid of integers or a coarser one.
    fn index(&mut self, x: Term, rule: IndexRule, last: i128, name: &str) -> Result<Term, TooWide> {
        let IndexRule { origin, scale, rounding, offset } = rule;
        let origin = Value { mantissa: -origin.mantissa, ..origin };
        let origin = self.constant_term(origin);
        let distance = self.add(x, origin, &format!("{name}_distance"))?;
        let scaled = self.multiply_constant(distance, scale, Material::Lut)?;
        // What saturates here would be clamped below to the same index.
        let ends = Range::new((-offset).min(0), (last - offset).max(0));
        let ty = FixedType::new(Format::holding(ends, 0)).with_modes(rounding, Overflow::Sat);
        let integer = self.cast(scaled, ty, &format!("{name}_integer"))?;
        let offset = self.constant_term(Value { mantissa: offset, fraction_bits: 0 });
        let index = self.add(integer, offset, &format!("{name}_unclamped"))?;
        let index = self.positive(index, &format!("{name}_positive"))?;
        let zero = self.constant_term(Value::ZERO);
        let index = self.maximum(index, zero, &format!("{name}_not_negative"))?;
        let highest = self.range_at(index, 0).map(|range| range.hi);
        if highest.is_some_and(|highest| highest <= last) {
            return Ok(if self.range(index.node) == Range::ZERO { zero } else { index });
        }
        let last = self.constant_term(Value { mantissa: last, fraction_bits: 0 });
        let index = self.minimum(index, last, name)?;
        Ok(if self.range(index.node) == Range::ZERO { zero } else { index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtl4ml_ir::Rounding;

    /// The upper bits of the input are the index, and no operation is built but the memory.
    #[test]
    fn an_index_of_upper_bits_costs_no_arithmetic() {
        let mut dataflow = Dataflow::default();
        let node = dataflow.input("x", Range::new(0, 255));
        let x = Term { node, fraction_bits: 4, negative: false };
        let index = IndexRule {
            origin: Value::ZERO,
            scale: Value { mantissa: 16, fraction_bits: 4 },
            rounding: Rounding::Trn,
            offset: 0,
        };
        let table = Table { entries: (0..16).rev().collect(), fraction_bits: 3, index };
        let y = dataflow.lookup(x, &table, "y").unwrap();
        assert_eq!((dataflow.range(y.node), y.fraction_bits), (Range::new(0, 15), 3));
        let arithmetic = |op: &NodeOp| matches!(op, NodeOp::Add(..) | NodeOp::Select { .. });
        assert_eq!(dataflow.count(arithmetic), 0);
        assert_eq!(dataflow.lookup(x, &table, "again"), Ok(y));
    }
}
