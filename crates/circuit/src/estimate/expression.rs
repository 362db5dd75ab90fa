//! Expressions as bits.

use rtl4ml_hdl::{Addend, Compression, Expr, Operand, SignalId, Type};

use super::bits::{Bit, Kind};
use super::flatten::Flattening;

impl Flattening<'_> {
    /// The value of an expression in so many bits.
    pub(super) fn expression(&mut self, place: usize, expr: &Expr, width: u32) -> Vec<Bit> {
        let base = self.places[place].base;
        let whole = |this: &Self, id: SignalId| this.bits[base + id.0 as usize].clone();
        let low = |this: &Self, id: SignalId| this.bits[base + id.0 as usize][0];
        match *expr {
            Expr::Add { a, shift_a, b, shift_b } => {
                let a = self.operand(place, a, shift_a, width);
                let b = self.operand(place, b, shift_b, width);
                self.netlist.add(&a, &b, false)
            }
            Expr::Sub { a, shift_a, b, shift_b } => {
                let a = self.operand(place, a, shift_a, width);
                let b = self.operand(place, b, shift_b, width);
                self.netlist.add(&a, &b, true)
            }
            Expr::Mul { a, b, .. } => {
                // A DSP block takes signed factors.
                let factor = |operand: Operand| match operand {
                    Operand::Signal(id) => {
                        let mut bits = whole(self, id);
                        if !self.ty(base + id.0 as usize).signed {
                            bits.push(Bit::ZERO);
                        }
                        bits
                    }
                    Operand::Constant(value) => {
                        let width = 65 - (if value < 0 { !value } else { value }).leading_zeros();
                        self.operand(place, operand, 0, width)
                    }
                };
                let (a, b) = (factor(a), factor(b));
                self.netlist.product(a, b, width as usize)
            }
            Expr::ShiftLeft { a, shift } => self.operand(place, a.into(), shift, width),
            Expr::ShiftRight { a, shift } => {
                let signed = self.ty(base + a.0 as usize).signed;
                let bits = whole(self, a);
                (shift..shift + width).map(|index| bit_of(&bits, signed, index)).collect()
            }
            Expr::Select { condition, then, otherwise } => {
                let condition = whole(self, condition.signal)[condition.bit as usize];
                let then = self.operand(place, then, 0, width);
                let otherwise = self.operand(place, otherwise, 0, width);
                let pairs = then.into_iter().zip(otherwise);
                pairs.map(|(t, e)| self.netlist.select(condition, t, e)).collect()
            }
            Expr::Fits { a, ty } => {
                let own = self.ty(base + a.0 as usize);
                let bits = whole(self, a);
                vec![self.fits(&bits, own, ty)]
            }
            Expr::AnyBit { a, count } => {
                let bits = whole(self, a);
                vec![self.netlist.any(&bits[..count as usize])]
            }
            Expr::Equal { a, constant } => {
                let bits = whole(self, a).into_iter().enumerate();
                let equal = |(index, bit): (usize, Bit)| {
                    if (constant >> index) & 1 == 1 { bit } else { bit.not() }
                };
                let bits: Vec<Bit> = bits.map(equal).collect();
                vec![self.netlist.all(&bits)]
            }
            Expr::And { a, b } => vec![self.netlist.and(low(self, a), low(self, b))],
            Expr::Or { a, b } => vec![self.netlist.or(low(self, a), low(self, b))],
            Expr::Not { a } => vec![low(self, a).not()],
            Expr::Compress(ref sum) => {
                let sum = sum.map(|of| self.bits[base + of.signal.0 as usize][of.bit as usize]);
                self.compress(&sum, width as usize)
            }
        }
    }

    /// Whether the upper bits, beyond those of the type, are all alike.
    fn fits(&mut self, bits: &[Bit], own: Type, ty: Type) -> Bit {
        let top = own.width as usize - 1;
        if own.signed && ty.signed {
            let upper = &bits[(ty.width as usize - 1).min(top)..];
            let (all, any) = (self.netlist.all(upper), self.netlist.any(upper));
            return self.netlist.or(all, any.not());
        }
        let value_bits = (ty.width - u32::from(ty.signed)) as usize;
        let lowest = if own.signed { value_bits.min(top) } else { value_bits };
        self.netlist.any(bits.get(lowest..).unwrap_or(&[])).not()
    }

    /// A sum of single bits: one operand of the carry chain is there, the other is counted.
    fn compress(&mut self, sum: &Compression<Bit>, width: usize) -> Vec<Bit> {
        let value = |addend: &Addend<Bit>| match *addend {
            Addend::Zero => Bit::ZERO,
            Addend::One => Bit::ONE,
            Addend::Bit(bit) => bit,
            Addend::Inverse(bit) => bit.not(),
        };
        let mut plain: Vec<Bit> = sum.plain.iter().map(value).take(width).collect();
        plain.resize(width, Bit::ZERO);
        let mut counted = vec![Bit::ZERO; width];
        self.netlist.kind = Some(Kind::Chain);
        for counter in &sum.counters {
            let of = |addends: &[Addend<Bit>]| addends.iter().map(value).collect::<Vec<Bit>>();
            let mut columns = vec![Vec::new(); counter.width as usize];
            for (column, bits) in columns.iter_mut().zip([of(&counter.ones), of(&counter.twos)]) {
                *column = bits;
            }
            let counts = self.netlist.count(columns);
            counted[counter.column as usize..][..counts.len()].copy_from_slice(&counts);
        }
        self.netlist.kind = None;
        self.netlist.add(&plain, &counted, false)
    }
}

/// A bit of an integer: beyond its own it is extended by its sign.
pub(super) fn bit_of(bits: &[Bit], signed: bool, index: u32) -> Bit {
    match bits.get(index as usize) {
        Some(bit) => *bit,
        None if signed => bits.last().copied().unwrap_or(Bit::ZERO),
        None => Bit::ZERO,
    }
}
