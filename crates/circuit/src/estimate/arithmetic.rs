//! Sums and products of bits, as synthesis builds them.
//!
//! An addition is a carry chain with the exclusive or of its operands in front; what is short is
//! gates, and a product is a DSP block unless its result is short.

use super::bits::{Adder, Bit, Cell, Kind, Netlist};

/// A multiplication with fewer bits in its result is built of look-up tables.
const SHORTEST_DSP_PRODUCT: usize = 9;

/// A carry chain has more bits than this; a shorter sum is gates.
const LONGEST_SUM_OF_GATES: usize = 2;

impl Netlist {
    /// a + b, or a - b, modulo 2^width; both operands have as many bits as the result.
    pub fn add(&mut self, a: &[Bit], b: &[Bit], subtract: bool) -> Vec<Bit> {
        let mut result = Vec::with_capacity(a.len());
        // Below a shift one operand passes.
        let passes = |a: Bit, b: Bit| b == Bit::ZERO || (a == Bit::ZERO && !subtract);
        let low = a.iter().zip(b).take_while(|(a, b)| passes(**a, **b)).count();
        result
            .extend(a.iter().zip(b).take(low).map(|(a, b)| if *b == Bit::ZERO { *a } else { *b }));
        let (a, b) = (&a[low..], &b[low..]);
        // Above the signs of both operands the result is its own sign.
        let sign = |bits: &[Bit]| {
            let top = bits.last().copied().unwrap_or(Bit::ZERO);
            bits.len() - bits.iter().rev().take_while(|bit| **bit == top).count()
        };
        let width = a.len().min(sign(a).max(sign(b)) + 2);
        let inverted: Vec<Bit> = b[..width].iter().map(|bit| bit.not_if(subtract)).collect();
        result.extend(self.sum(&a[..width], &inverted, subtract));
        let top = result.last().copied().unwrap_or(Bit::ZERO);
        result.resize(low + a.len(), top);
        result
    }

    /// a + b + carry, modulo 2^width.
    fn sum(&mut self, a: &[Bit], b: &[Bit], carry: bool) -> Vec<Bit> {
        let kind = self.kind.replace(Kind::Chain);
        let sums: Vec<Bit> = a.iter().zip(b).map(|(a, b)| self.xor(*a, *b)).collect();
        self.kind = kind;
        let is_short = a.len() <= LONGEST_SUM_OF_GATES;
        let is_known = a.iter().chain(b).all(|bit| bit.is_constant());
        if is_short || is_known {
            return self.ripple(a, b, &sums, carry);
        }
        let operands = [a.to_vec(), b.to_vec()];
        let mut key = operands.clone();
        // The carry in is 1 for a difference, and tells it from a sum.
        key[0].push(Bit::constant(carry));
        if let Some(known) = self.adders.get(&key) {
            return known.clone();
        }
        let first = self.nodes.len();
        let outputs = self.cell(Cell::Adder(Adder { operands, sums, first }), a.len());
        self.adders.insert(key, outputs.clone());
        outputs
    }

    /// A sum of gates, as synthesis builds those that are too short for a carry chain.
    fn ripple(&mut self, a: &[Bit], b: &[Bit], sums: &[Bit], carry: bool) -> Vec<Bit> {
        let mut carry = Bit::constant(carry);
        let mut result = Vec::new();
        for ((a, b), sum) in a.iter().zip(b).zip(sums) {
            result.push(self.xor(*sum, carry));
            let (both, either) = (self.and(*a, *b), self.or(*a, *b));
            let propagated = self.and(either, carry);
            carry = self.or(both, propagated);
        }
        result
    }

    /// How many bits are 1, each column's counting twice as much as those of the one before it.
    pub fn count(&mut self, mut columns: Vec<Vec<Bit>>) -> Vec<Bit> {
        for column in 0..columns.len() {
            while columns[column].len() > 1 {
                let taken = columns[column].len().min(3);
                let bits: Vec<Bit> = columns[column].drain(..taken).collect();
                let (a, b, c) = (bits[0], bits[1], bits.get(2).copied().unwrap_or(Bit::ZERO));
                let (parity, both) = (self.xor(a, b), self.and(a, b));
                let sum = self.xor(parity, c);
                let third = self.and(parity, c);
                let carry = self.or(both, third);
                columns[column].insert(0, sum);
                if let Some(next) = columns.get_mut(column + 1) {
                    next.push(carry);
                }
            }
        }
        columns.into_iter().map(|bits| bits.first().copied().unwrap_or(Bit::ZERO)).collect()
    }

    /// A multiplier of so many result bits; both factors have the sign of their last bit.
    pub fn product(&mut self, a: Vec<Bit>, b: Vec<Bit>, width: usize) -> Vec<Bit> {
        if width < SHORTEST_DSP_PRODUCT {
            return self.product_of_gates(&a, &b, width);
        }
        self.cell(Cell::Product { factors: [a, b] }, width)
    }

    /// a * b modulo 2^width, row by row.
    fn product_of_gates(&mut self, a: &[Bit], b: &[Bit], width: usize) -> Vec<Bit> {
        let extended = |bits: &[Bit], index: usize| {
            bits.get(index).or(bits.last()).copied().unwrap_or(Bit::ZERO)
        };
        let mut sum = vec![Bit::ZERO; width];
        for (row, bit) in b.iter().enumerate().take(width) {
            let part: Vec<Bit> =
                (0..width - row).map(|index| self.and(extended(a, index), *bit)).collect();
            let before = sum.split_off(row);
            // The last bit of a signed factor counts less.
            sum.extend(self.add(&before, &part, row + 1 == b.len()));
        }
        sum
    }
}
