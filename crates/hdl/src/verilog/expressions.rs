//! Expressions: operands extended to the exact width of the result in the text.

use super::literals::{bit_range, constant_width, literal, signed_literal};
use super::{ALL_BITS, Writer};
use crate::compress;
use crate::design::{Expr, Operand, SignalId, Type};

impl Writer<'_> {
    /// The name of a signal, all of whose bits are read.
    pub(super) fn whole(&mut self, signal: SignalId) -> String {
        self.read[signal.0 as usize] = ALL_BITS;
        self.module.signal(signal).name.clone()
    }

    /// The bits `high` to `low` of a signal, which are within its width.
    pub(super) fn slice(&mut self, signal: SignalId, high: u32, low: u32) -> String {
        let width = self.module.ty(signal).width;
        debug_assert!(low <= high && high < width);
        self.read[signal.0 as usize] |= (u64::MAX >> (63 - (high - low))) << low;
        let name = &self.module.signal(signal).name;
        if width == 1 || (low == 0 && high == width - 1) {
            name.clone()
        } else {
            format!("{name}{}", bit_range(u64::from(high), u64::from(low)))
        }
    }

    /// operand * 2^shift in exactly `width` bits.
    pub(super) fn extended(&mut self, operand: Operand, shift: u32, width: u32) -> String {
        if shift >= width {
            return literal(0, width);
        }
        let signal = match operand {
            Operand::Constant(constant) => {
                return literal(constant << shift, width);
            }
            Operand::Signal(signal) => signal,
        };
        let kept = self.module.ty(signal).width.min(width - shift);
        self.sliced_and_extended(signal, kept - 1, 0, shift, width)
    }

    /// The bits `high` to `low` of a signal with `shift` zeros below, extended to `width` bits by
    /// the signal's own sign.
    pub(super) fn sliced_and_extended(
        &mut self,
        signal: SignalId,
        high: u32,
        low: u32,
        shift: u32,
        width: u32,
    ) -> String {
        let bits = self.slice(signal, high, low);
        let missing = width - shift - (high - low + 1);
        let mut parts = Vec::new();
        if missing > 0 {
            if self.module.ty(signal).signed {
                let sign = self.slice(signal, high, high);
                parts.push(if missing == 1 { sign } else { format!("{{{missing}{{{sign}}}}}") });
            } else {
                parts.push(literal(0, missing));
            }
        }
        parts.push(bits);
        if shift > 0 {
            parts.push(literal(0, shift));
        }
        if parts.len() == 1 { parts.remove(0) } else { format!("{{{}}}", parts.join(", ")) }
    }

    /// A statement's right-hand side in exactly the width of its signal.
    pub(super) fn expr(&mut self, expr: &Expr, ty: Type) -> String {
        let width = ty.width;
        match *expr {
            Expr::Add { a, shift_a, b, shift_b } => {
                let a = self.extended(a, shift_a, width);
                let b = self.extended(b, shift_b, width);
                format!("{a} + {b}")
            }
            Expr::Sub { a, shift_a, b, shift_b } => {
                let a = self.extended(a, shift_a, width);
                let b = self.extended(b, shift_b, width);
                format!("{a} - {b}")
            }
            Expr::Mul { a, b, .. } => self.product(a, b),
            Expr::ShiftLeft { a, shift } => self.extended(a.into(), shift, width),
            Expr::ShiftRight { a, shift } => self.shifted_right(a, shift, width),
            Expr::Select { condition, then, otherwise } => {
                let condition = self.slice(condition.signal, condition.bit, condition.bit);
                let then = self.extended(then, 0, width);
                let otherwise = self.extended(otherwise, 0, width);
                format!("{condition} ? {then} : {otherwise}")
            }
            Expr::Fits { a, ty } => self.fits(a, ty),
            Expr::AnyBit { a, count } => format!("|{}", self.slice(a, count - 1, 0)),
            Expr::Equal { a, constant } => {
                let width = self.module.ty(a).width;
                format!("{} == {}", self.unsigned(a), literal(constant, width))
            }
            Expr::And { a, b } => format!("{} & {}", self.whole(a), self.whole(b)),
            Expr::Or { a, b } => format!("{} | {}", self.whole(a), self.whole(b)),
            Expr::Not { a } => format!("~{}", self.whole(a)),
            Expr::Compress(ref compression) => {
                compress::text(compression, width, |signal, high, low| {
                    self.slice(signal, high, low)
                })
            }
        }
    }

    /// The bits of a signal without its sign, as comparisons with a literal need them.
    pub(super) fn unsigned(&mut self, signal: SignalId) -> String {
        let name = self.whole(signal);
        if self.module.ty(signal).signed { format!("$unsigned({name})") } else { name }
    }

    /// a * b. The operands keep their own widths, which is how a DSP block takes them; the result
    /// is no narrower than they are and holds the exact product (see [`Expr::Mul`]).
    pub(super) fn product(&mut self, a: Operand, b: Operand) -> String {
        let signed = [a, b].map(|operand| match operand {
            Operand::Signal(signal) => self.module.ty(signal).signed,
            Operand::Constant(constant) => constant < 0,
        });
        let signed = signed[0] || signed[1];
        let own_width = |operand: Operand| match operand {
            Operand::Signal(signal) => {
                let ty = self.module.ty(signal);
                ty.width + u32::from(signed && !ty.signed)
            }
            Operand::Constant(constant) => constant_width(constant, signed),
        };
        let widths = [a, b].map(own_width);
        let mut factor = |operand, own_width: u32| match operand {
            Operand::Constant(constant) if signed => signed_literal(constant),
            Operand::Constant(constant) => literal(constant, own_width),
            Operand::Signal(signal) => {
                let name = self.whole(signal);
                let is_unsigned = !self.module.ty(signal).signed;
                if signed && is_unsigned { format!("$signed({{1'b0, {name}}})") } else { name }
            }
        };
        let (a, b) = (factor(a, widths[0]), factor(b, widths[1]));
        format!("{a} * {b}")
    }

    pub(super) fn shifted_right(&mut self, a: SignalId, shift: u32, width: u32) -> String {
        let ty = self.module.ty(a);
        if shift >= ty.width {
            // Only the sign is left.
            if !ty.signed {
                return literal(0, width);
            }
            let sign = ty.width - 1;
            return self.sliced_and_extended(a, sign, sign, 0, width);
        }
        let high = (ty.width - 1).min(shift + width - 1);
        self.sliced_and_extended(a, high, shift, 0, width)
    }

    /// Whether a signal's value is one of another type: its upper bits are all alike.
    pub(super) fn fits(&mut self, a: SignalId, ty: Type) -> String {
        let own = self.module.ty(a);
        let top = own.width - 1;
        match (own.signed, ty.signed) {
            (true, true) if ty.width >= own.width => literal(1, 1),
            (true, true) => {
                let upper = self.slice(a, top, ty.width - 1);
                format!("(&{upper}) | ~(|{upper})")
            }
            (true, false) => {
                let upper = self.slice(a, top, ty.width.min(top));
                format!("~(|{upper})")
            }
            (false, _) => {
                let value_bits = ty.width - u32::from(ty.signed);
                if value_bits >= own.width {
                    return literal(1, 1);
                }
                format!("~(|{})", self.slice(a, top, value_bits))
            }
        }
    }
}
