//! Where the integers on each net can be: from the types of the inputs forward through statements
//! and registers, which start at 0.
//!
//! What needs no bit of its type is computed in narrower integers, and what cannot leave its
//! type is never reduced modulo its width.

use rtl4ml_hdl::{Addend, Direction, Expr, Operand, Type};
use rtl4ml_ir::Range;

use super::flatten::{Flat, reads};

/// The integers of a type.
pub(super) fn of_type(ty: Type) -> Range {
    if ty.signed {
        Range::new(-(1 << (ty.width - 1)), (1 << (ty.width - 1)) - 1)
    } else {
        Range::new(0, (1 << ty.width) - 1)
    }
}

const BIT: Range = Range::new(0, 1);

/// The range of an operand.
pub(super) fn of_operand(operand: Operand, ranges: &[Range]) -> Range {
    match operand {
        Operand::Signal(net) => ranges[net.0 as usize],
        Operand::Constant(constant) => Range::constant(i128::from(constant)),
    }
}

/// The exact integers of an expression, before they are taken into its target's type; `None`
/// beyond 126 bits.
pub(super) fn exact(expr: &Expr, ranges: &[Range]) -> Option<Range> {
    let of = |operand: Operand| of_operand(operand, ranges);
    let net = |signal: rtl4ml_hdl::SignalId| ranges[signal.0 as usize];
    match *expr {
        Expr::Add { a, shift_a, b, shift_b } => {
            of(a).shifted_left(shift_a)?.plus(of(b).shifted_left(shift_b)?)
        }
        Expr::Sub { a, shift_a, b, shift_b } => {
            of(a).shifted_left(shift_a)?.plus(of(b).shifted_left(shift_b)?.negated())
        }
        Expr::Mul { a, b, .. } => of(a).times(of(b)),
        Expr::ShiftLeft { a, shift } => net(a).shifted_left(shift),
        Expr::ShiftRight { a, shift } => Some(net(a).shifted_right(shift)),
        Expr::Select { then, otherwise, .. } => Some(of(then).union(of(otherwise))),
        Expr::Fits { a, ty } if net(a).within(of_type(ty)) => Some(Range::constant(1)),
        Expr::Compress(ref sum) => {
            sum.addends().try_fold(Range::ZERO, |total, (column, addend)| {
                let bit = match addend {
                    Addend::Zero => return Some(total),
                    Addend::One => Range::constant(1),
                    Addend::Bit(_) | Addend::Inverse(_) => BIT,
                };
                total.plus(bit.shifted_left(column)?)
            })
        }
        Expr::Fits { .. }
        | Expr::AnyBit { .. }
        | Expr::Equal { .. }
        | Expr::And { .. }
        | Expr::Or { .. }
        | Expr::Not { .. } => Some(BIT),
    }
}

/// The range of each net.
pub(super) fn ranges(flat: &Flat) -> Vec<Range> {
    let types: Vec<Range> = flat.types.iter().map(|ty| of_type(*ty)).collect();
    let mut ranges = types.clone();
    let mut known = vec![false; types.len()];
    // A node is a statement or, behind them, a register; each waits for the nets that it reads.
    let statements = flat.statements.len();
    let nodes = statements + flat.registers.len();
    let mut driven = vec![false; types.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); types.len()];
    let mut waits_for = vec![0usize; nodes];
    let target = |node: usize| match node.checked_sub(statements) {
        None => flat.statements[node].target as usize,
        Some(register) => flat.registers[register].q as usize,
    };
    for node in 0..nodes {
        driven[target(node)] = true;
        let nets: Vec<u32> = match node.checked_sub(statements) {
            None => reads(&flat.statements[node].expr).collect(),
            Some(register) => match flat.registers[register].d {
                Operand::Signal(net) => vec![net.0],
                Operand::Constant(_) => Vec::new(),
            },
        };
        for net in nets {
            waits_for[node] += 1;
            readers[net as usize].push(node);
        }
    }
    for rom in &flat.roms {
        for (field, q) in rom.q.iter().enumerate() {
            let words = rom.words.iter().map(|word| Range::constant(i128::from(word[field])));
            let words = words.fold(Range::ZERO, Range::union);
            // A constant of 64 bits without sign is there as its bits.
            if words.within(types[*q as usize]) {
                ranges[*q as usize] = words;
            }
        }
    }
    debug_assert!(
        flat.ports.iter().all(|(d, _)| matches!(d, Direction::Input | Direction::Output))
    );
    let mut ready: Vec<usize> = (0..nodes).filter(|node| waits_for[*node] == 0).collect();
    let mut found: Vec<usize> = (0..types.len()).filter(|net| !driven[*net]).collect();
    let mut next_register = statements;
    loop {
        while let Some(net) = found.pop() {
            known[net] = true;
            for reader in &readers[net] {
                waits_for[*reader] -= 1;
                if waits_for[*reader] == 0 {
                    ready.push(*reader);
                }
            }
        }
        if let Some(node) = ready.pop() {
            let net = target(node);
            if !known[net] {
                let exact = match node.checked_sub(statements) {
                    None => exact(&flat.statements[node].expr, &ranges),
                    Some(register) => {
                        let d = of_operand(flat.registers[register].d, &ranges);
                        Some(d.union(Range::ZERO))
                    }
                };
                if let Some(exact) = exact.filter(|exact| exact.within(types[net])) {
                    ranges[net] = exact;
                }
                found.push(net);
            }
        } else if next_register < nodes {
            // A register that waits for itself may hold anything of its type.
            let net = target(next_register);
            next_register += 1;
            if !known[net] {
                found.push(net);
            }
        } else {
            return ranges;
        }
    }
}
