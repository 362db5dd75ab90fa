//! A module while it is being written: signals, registers and counters by the names that are
//! wanted for them.

use rtl4ml_hdl::names::Namer;
use rtl4ml_hdl::{Expr, Module, Operand, Register, SignalId, Type};
use rtl4ml_ir::Range;

use crate::layer::{BIT, port_namer};
use crate::lower::{constant, signal_type};

/// A module with the names that are taken in it.
pub(super) struct Draft {
    /// The module.
    pub module: Module,
    /// Its names; those of the ports are taken.
    pub namer: Namer,
}

/// The bits of a counter that counts `states` states.
fn counter_type(states: usize) -> Type {
    Type { width: (usize::BITS - (states - 1).leading_zeros()).max(1), signed: false }
}

impl Draft {
    /// An empty module.
    pub fn new(name: &str) -> Self {
        Self { module: Module::new(name), namer: port_namer(1) }
    }

    /// A free name as near to this one as can be.
    pub fn name(&mut self, wanted: &str) -> String {
        self.namer.name(wanted)
    }

    /// A signal and the statement that drives it.
    pub fn assign(&mut self, name: &str, ty: Type, expr: Expr) -> SignalId {
        let name = self.name(name);
        self.module.assign(name, ty, expr)
    }

    /// A register whose next value is not known yet.
    pub fn open_register(&mut self, name: &str, ty: Type) -> SignalId {
        let name = self.name(name);
        self.module.add_signal(name, ty)
    }

    /// The next value of such a register.
    pub fn close_register(
        &mut self,
        q: SignalId,
        d: SignalId,
        enable: Option<SignalId>,
        reset: bool,
    ) {
        self.module.registers.push(Register { q, d: d.into(), enable, reset });
    }

    /// A counter that `start` sets to zero and that counts through its states.
    pub fn counter(&mut self, name: &str, start: SignalId, states: usize) -> (SignalId, SignalId) {
        let ty = counter_type(states);
        let count = self.open_register(name, ty);
        let is_last = Expr::Equal { a: count, constant: states as i64 - 1 };
        let is_last = self.assign(&format!("{name}_is_last"), BIT, is_last);
        let restart =
            self.assign(&format!("{name}_restart"), BIT, Expr::Or { a: start, b: is_last });
        let one = Operand::Constant(1);
        let plus_one = Expr::Add { a: count.into(), shift_a: 0, b: one, shift_b: 0 };
        let plus_one = self.assign(&format!("{name}_plus_one"), ty, plus_one);
        let zero = Operand::Constant(0);
        let next =
            Expr::Select { condition: restart.into(), then: zero, otherwise: plus_one.into() };
        let next = self.assign(&format!("{name}_next"), ty, next);
        self.close_register(count, next, None, true);
        (count, is_last)
    }

    /// Closes a flag that is up from the cycle after `start` to that of `is_last`.
    pub fn close_busy(&mut self, busy: SignalId, start: SignalId, is_last: SignalId) {
        let not_done = self.assign("not_done", BIT, Expr::Not { a: is_last });
        let stay = self.assign("stay_busy", BIT, Expr::And { a: busy, b: not_done });
        let next = self.assign("busy_next", BIT, Expr::Or { a: start, b: stay });
        self.close_register(busy, next, None, true);
    }

    /// A flag, so many stages later.
    pub fn delayed_flag(
        &mut self,
        name: &str,
        flag: SignalId,
        stages: u32,
        reset: bool,
    ) -> SignalId {
        (1..=stages).fold(flag, |flag, stage| {
            let name = self.name(&format!("{name}_s{stage}"));
            if reset {
                self.module.register_with_reset(name, flag)
            } else {
                self.module.register(name, flag)
            }
        })
    }

    /// The operand as a signal of this type.
    pub fn copy(&mut self, name: &str, value: Operand, ty: Type) -> SignalId {
        match value {
            Operand::Signal(a) if self.module.ty(a) == ty => a,
            value => {
                let zero = Operand::Constant(0);
                self.assign(name, ty, Expr::Add { a: value, shift_a: 0, b: zero, shift_b: 0 })
            }
        }
    }

    /// An input element on a finer grid, where its integers lie in `range`.
    pub fn aligned(&mut self, name: &str, element: Operand, shift: u32, range: Range) -> Operand {
        match element {
            Operand::Constant(value) => Operand::Constant(value << shift),
            Operand::Signal(_) if shift == 0 => element,
            Operand::Signal(a) => {
                let expr = Expr::ShiftLeft { a, shift };
                self.assign(name, signal_type(range), expr).into()
            }
        }
    }

    /// Registers that collect what enters lane by lane in `count` turns: it enters at the last
    /// turn's place and moves to the one before with each turn. Returns the lanes of each turn;
    /// `element` numbers them for the names.
    pub fn collected(
        &mut self,
        entering: &[Operand],
        ranges: &[Range],
        count: usize,
        enable: Option<SignalId>,
        element: impl Fn(usize, usize) -> usize,
    ) -> Vec<Vec<Operand>> {
        let mut later = entering.to_vec();
        let mut turns = Vec::with_capacity(count);
        for turn in (0..count).rev() {
            for (lane, later) in later.iter_mut().enumerate() {
                if let Some(mantissa) = ranges[lane].as_constant() {
                    *later = constant(mantissa);
                    continue;
                }
                let (ty, index) = (signal_type(ranges[lane]), element(turn, lane));
                let next = self.copy(&format!("y_{index}_next"), *later, ty);
                let q = self.open_register(&format!("y_{index}_held"), ty);
                self.close_register(q, next, enable, false);
                *later = q.into();
            }
            turns.push(later.clone());
        }
        turns.reverse();
        turns
    }

    /// A result as an element of the output, whose range may be narrower than its register's.
    pub fn narrowed(&mut self, value: Operand, range: Range, index: usize) -> Operand {
        match (range.as_constant(), value) {
            (Some(mantissa), _) => constant(mantissa),
            (None, Operand::Signal(a)) if self.module.ty(a) != signal_type(range) => {
                let narrower = Expr::ShiftRight { a, shift: 0 };
                self.assign(&format!("y_{index}_narrow"), signal_type(range), narrower).into()
            }
            (None, value) => value,
        }
    }
}
