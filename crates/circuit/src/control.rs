//! Control logic: counters, comparisons and flags, written into a module a statement at a time.

use rtl4ml_hdl::names::Namer;
use rtl4ml_hdl::{Expr, Module, Operand, Register, SignalId, Type};

use crate::layer::BIT;

/// A module that is being written, and the names that it uses.
#[derive(Debug)]
pub struct Control {
    /// The module.
    pub module: Module,
    /// Its names.
    pub namer: Namer,
}

/// The type of a counter with so many states.
pub fn counter_type(states: usize) -> Type {
    Type { width: (usize::BITS - (states.max(1) - 1).leading_zeros()).max(1), signed: false }
}

impl Control {
    /// An empty module with a reset, in which the names of `ports` are kept for the ports.
    pub fn new(name: &str, ports: &[&str]) -> Self {
        let mut namer = Namer::default();
        for port in ["clk", "rst", "unused"].iter().chain(ports) {
            namer.name(port);
        }
        let mut module = Module::new(name);
        module.add_reset();
        Self { module, namer }
    }

    /// A signal and the statement that drives it.
    pub fn assign(&mut self, name: &str, ty: Type, expr: Expr) -> SignalId {
        let name = self.namer.name(name);
        self.module.assign(name, ty, expr)
    }

    /// A register whose next value is given later, by [`Control::close`].
    pub fn open(&mut self, name: &str, ty: Type) -> SignalId {
        let name = self.namer.name(name);
        self.module.add_signal(name, ty)
    }

    /// The next value of a register, which the reset clears.
    pub fn close(&mut self, q: SignalId, d: SignalId) {
        self.module.registers.push(Register { q, d: d.into(), enable: None, reset: true });
    }

    /// a and b.
    pub fn and(&mut self, name: &str, a: SignalId, b: SignalId) -> SignalId {
        self.assign(name, BIT, Expr::And { a, b })
    }

    /// a or b.
    pub fn or(&mut self, name: &str, a: SignalId, b: SignalId) -> SignalId {
        self.assign(name, BIT, Expr::Or { a, b })
    }

    /// not a.
    pub fn not(&mut self, name: &str, a: SignalId) -> SignalId {
        self.assign(name, BIT, Expr::Not { a })
    }

    /// Whether all bits are 1; `None` where there are none, which is always so.
    pub fn all(
        &mut self,
        name: &str,
        bits: impl IntoIterator<Item = SignalId>,
    ) -> Option<SignalId> {
        bits.into_iter().reduce(|all, bit| self.and(name, all, bit))
    }

    /// Whether a equals a constant.
    pub fn equals(&mut self, name: &str, a: SignalId, constant: usize) -> SignalId {
        self.assign(name, BIT, Expr::Equal { a, constant: constant as i64 })
    }

    /// Whether an unsigned number is below a constant.
    pub fn is_below(&mut self, name: &str, a: SignalId, constant: usize) -> SignalId {
        let width = self.module.ty(a).width.max(counter_type(constant + 1).width) + 1;
        let b = Operand::Constant(constant as i64);
        let difference = Expr::Sub { a: a.into(), shift_a: 0, b, shift_b: 0 };
        let ty = Type { width, signed: true };
        let difference = self.assign(&format!("{name}_difference"), ty, difference);
        self.assign(name, BIT, Expr::ShiftRight { a: difference, shift: width - 1 })
    }

    /// `then` where the condition is 1, else `otherwise`.
    pub fn select(
        &mut self,
        name: &str,
        ty: Type,
        condition: SignalId,
        then: impl Into<Operand>,
        otherwise: impl Into<Operand>,
    ) -> SignalId {
        let (then, otherwise) = (then.into(), otherwise.into());
        self.assign(name, ty, Expr::Select { condition: condition.into(), then, otherwise })
    }

    /// Closes a register as a counter that goes on with `enable` and starts again behind its last
    /// state. Returns its next value and whether it is in the last state.
    pub fn count(&mut self, count: SignalId, states: usize, enable: SignalId) -> Counter {
        let name = self.module.signal(count).name.clone();
        let ty = self.module.ty(count);
        let is_last = self.equals(&format!("{name}_is_last"), count, states - 1);
        let one = Operand::Constant(1);
        let plus_one = Expr::Add { a: count.into(), shift_a: 0, b: one, shift_b: 0 };
        let plus_one = self.assign(&format!("{name}_plus_one"), ty, plus_one);
        let zero = Operand::Constant(0);
        let stepped = self.select(&format!("{name}_stepped"), ty, is_last, zero, plus_one);
        let next = self.select(&format!("{name}_next"), ty, enable, stepped, count);
        self.close(count, next);
        Counter { next, is_last }
    }

    /// Whether something may start: there is `room`, and `interval` cycles have passed since the
    /// last start. What starts is given later, by [`Permit::close`].
    pub fn permit(&mut self, room: SignalId, interval: u64) -> Permit {
        if interval <= 1 {
            return Permit { allowed: room, wait: None, interval };
        }
        let wait = self.open("wait_cycles", counter_type(interval as usize));
        let idle = self.equals("idle", wait, 0);
        let allowed = self.and("may_start", room, idle);
        Permit { allowed, wait: Some((wait, idle)), interval }
    }
}

/// What is known of a counter.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// Its value in the next cycle.
    pub next: SignalId,
    /// Whether it is in its last state.
    pub is_last: SignalId,
}

/// When something may start.
#[derive(Clone, Copy, Debug)]
pub struct Permit {
    /// 1 where a start is allowed.
    pub allowed: SignalId,
    /// The cycles left to wait, and whether there are none.
    wait: Option<(SignalId, SignalId)>,
    interval: u64,
}

impl Permit {
    /// Tells what starts, which it only does where it is allowed to.
    pub fn close(self, control: &mut Control, start: SignalId) {
        let Some((wait, idle)) = self.wait else { return };
        let ty = control.module.ty(wait);
        let one = Operand::Constant(1);
        let minus_one = Expr::Sub { a: wait.into(), shift_a: 0, b: one, shift_b: 0 };
        let minus_one = control.assign("wait_minus_one", ty, minus_one);
        let down = control.select("wait_down", ty, idle, Operand::Constant(0), minus_one);
        let reload = Operand::Constant(self.interval as i64 - 1);
        let next = control.select("wait_next", ty, start, reload, down);
        control.close(wait, next);
    }
}
