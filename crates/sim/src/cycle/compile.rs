//! From a flat design to programs: one for the combinational part, one for the clock edge.
//!
//! Copies and constants vanish, each value gets the narrowest class that holds its range, and
//! instructions that wait for equally much are sorted by kind, so that equal ones run in a row.

use std::collections::HashMap;

use rtl4ml_hdl::{Compression, Expr, MaskedBits, Operand, SignalId, Type};
use rtl4ml_ir::Range;

use super::flatten::{Flat, reads};
use super::machine::{Class, Instruction, Kind, Place, Program};
use super::program::{Pending, Task, program};
use super::ranges::{exact, of_operand, of_type, ranges};

/// How many statements are sorted together: enough for long runs, and few enough that their values
/// are still near when they are read again.
const PART: usize = 512;

/// What a net's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Always the same.
    Constant(i64),
    /// In a place.
    Place(Place),
}

/// A design as programs.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// From the inputs and the state to all other values.
    pub settle: Program,
    /// The registers at the clock edge, after the memories were read and before their outputs
    /// change.
    pub edge: Program,
    /// The constants that stand in places.
    pub constants: Vec<(Place, i64)>,
    /// The places of each class.
    pub places: [u32; 3],
    /// What each net is.
    pub nets: Vec<Source>,
}

/// A compilation under way.
pub(super) struct Compiler<'f> {
    pub(super) flat: &'f Flat,
    pub(super) ranges: Vec<Range>,
    /// For each net what it is a copy of, at the end of the chain.
    pub(super) copies: Vec<Option<Operand>>,
    homes: HashMap<u32, Place>,
    constants: HashMap<Place, i64>,
    constant_places: HashMap<(Class, i64), Place>,
    converted: HashMap<(Place, Class), Place>,
    pub(super) places: [u32; 3],
    /// How many statements follow each other up to a place's value.
    levels: HashMap<Place, u32>,
    pub(super) pending: Vec<Pending>,
    /// The part of the program that is compiled.
    part: u32,
}

/// Compiles a flat design.
pub(super) fn compile(flat: &Flat) -> Compiled {
    let mut compiler = Compiler {
        flat,
        ranges: ranges(flat),
        copies: vec![None; flat.types.len()],
        homes: HashMap::new(),
        constants: HashMap::new(),
        constant_places: HashMap::new(),
        converted: HashMap::new(),
        places: [0; 3],
        levels: HashMap::new(),
        pending: Vec::new(),
        part: 0,
    };
    for (index, statement) in flat.statements.iter().enumerate() {
        compiler.part = (index / PART) as u32;
        compiler.statement(statement.target, &statement.expr);
    }
    let moves = compiler.moves();
    let settle = program(std::mem::take(&mut compiler.pending));
    compiler.edge(moves);
    let edge = program(std::mem::take(&mut compiler.pending));
    let nets = (0..flat.types.len() as u32).map(|net| compiler.source(net)).collect();
    let mut constants: Vec<(Place, i64)> = compiler.constants.into_iter().collect();
    constants.sort_unstable_by_key(|(place, _)| (place.class, place.index));
    Compiled { settle, edge, constants, places: compiler.places, nets }
}

/// The class that holds a range.
fn class_of(range: Range) -> Class {
    if range.lo >= i128::from(i16::MIN) && range.hi <= i128::from(i16::MAX) {
        Class::Narrow
    } else if range.lo >= i128::from(i32::MIN) && range.hi <= i128::from(i32::MAX) {
        Class::Middle
    } else {
        Class::Wide
    }
}

fn bits(class: Class) -> u32 {
    match class {
        Class::Narrow => 16,
        Class::Middle => 32,
        Class::Wide => 64,
    }
}

impl Compiler<'_> {
    fn new_place(&mut self, class: Class) -> Place {
        let count = &mut self.places[class as usize];
        *count += 1;
        Place { class, index: *count - 1 }
    }

    /// The net's own place.
    pub(super) fn home(&mut self, net: u32) -> Place {
        if let Some(place) = self.homes.get(&net) {
            return *place;
        }
        let place = self.new_place(class_of(self.ranges[net as usize]));
        self.homes.insert(net, place);
        place
    }

    pub(super) fn constant(&mut self, class: Class, value: i64) -> Place {
        if let Some(place) = self.constant_places.get(&(class, value)) {
            return *place;
        }
        let place = self.new_place(class);
        self.constant_places.insert((class, value), place);
        self.constants.insert(place, value);
        place
    }

    /// What an operand is in the end: a constant, or a net that is computed.
    fn resolved(&self, operand: Operand) -> Operand {
        match operand {
            Operand::Signal(net) => self.copies[net.0 as usize].unwrap_or(operand),
            Operand::Constant(_) => operand,
        }
    }

    fn source(&mut self, net: u32) -> Source {
        match self.resolved(Operand::Signal(SignalId(net))) {
            Operand::Constant(value) => Source::Constant(value),
            Operand::Signal(net) => Source::Place(self.home(net.0)),
        }
    }

    /// The operand's value in a class.
    pub(super) fn place(&mut self, operand: Operand, class: Class) -> Place {
        let own = match self.resolved(operand) {
            Operand::Constant(value) => return self.constant(class, value),
            Operand::Signal(net) => self.home(net.0),
        };
        if own.class == class {
            return own;
        }
        if let Some(place) = self.converted.get(&(own, class)) {
            return *place;
        }
        let place = self.new_place(class);
        self.converted.insert((own, class), place);
        let level = self.level(own);
        self.levels.insert(place, level);
        self.convert(level, own, place);
        place
    }

    fn level(&self, place: Place) -> u32 {
        self.levels.get(&place).copied().unwrap_or(0)
    }

    fn convert(&mut self, level: u32, from: Place, to: Place) {
        let work = Task::Convert(from.class, to.index, from.index);
        self.pending.push(Pending { key: (self.part, 4 * level + 2), class: to.class, work });
    }

    fn class(&self, operand: Operand) -> Class {
        class_of(of_operand(self.resolved(operand), &self.ranges))
    }

    fn statement(&mut self, target: u32, expr: &Expr) {
        let ty = self.flat.types[target as usize];
        let range = self.ranges[target as usize];
        if let Some(value) = range.as_constant() {
            self.copies[target as usize] = Some(Operand::Constant(value as i64));
            return;
        }
        let whole = exact(expr, &self.ranges);
        let wraps = whole.is_none_or(|whole| !whole.within(of_type(ty)));
        if let Some(source) = copied(expr).filter(|_| !wraps) {
            self.copies[target as usize] = Some(self.resolved(source));
            return;
        }
        let home = self.home(target);
        if let Expr::Compress(sum) = expr {
            self.compress(home, sum, ty, wraps);
            return;
        }
        let (kind, class, mut instruction) = self.instruction(expr, ty, home.class);
        let operands = [instruction.a, instruction.b, instruction.c].into_iter().take(arity(kind));
        let level = operands.map(|index| self.level(Place { class, index })).max().unwrap_or(0) + 1;
        let result = if class == home.class { home } else { self.new_place(class) };
        instruction.target = result.index;
        self.levels.insert(home, level);
        self.pending.push(Pending {
            key: (self.part, 4 * level),
            class,
            work: Task::Run(kind, instruction),
        });
        if wraps {
            self.wrap(result, ty, level);
        }
        if class != home.class {
            self.convert(level, result, home);
        }
    }

    /// Takes a place's value into a type, modulo two to its width.
    fn wrap(&mut self, Place { class, index }: Place, ty: Type, level: u32) {
        let unused = bits(class) - ty.width.min(bits(class));
        let own = Instruction { target: index, a: index, ..blank() };
        let task = if ty.signed {
            Task::Run(Kind::WrapSigned, Instruction { x: unused as u8, ..own })
        } else {
            let mask = u64::MAX >> (64 - ty.width);
            Task::Run(Kind::WrapUnsigned, Instruction { k: mask as i64, ..own })
        };
        if unused > 0 {
            self.pending.push(Pending { key: (self.part, 4 * level + 1), class, work: task });
        }
    }

    /// A sum of bits: those of a net that are moved alike are added at once, one net after the
    /// other.
    fn compress(&mut self, home: Place, sum: &Compression, ty: Type, wraps: bool) {
        let (constant, terms) = sum.masked();
        // The class has the bits that are read: of a number that is narrower than its type, some
        // are copies of its sign.
        let read = |term: &MaskedBits| {
            let holds = |class: &Class| bits(*class) >= 64 - term.mask.leading_zeros();
            let classes = [Class::Narrow, Class::Middle, Class::Wide];
            let least = classes.into_iter().find(holds).unwrap_or(Class::Wide);
            least.max(self.class(term.signal.into()))
        };
        let class = terms.iter().map(read).max().unwrap_or(Class::Narrow).max(home.class);
        let result = if class == home.class { home } else { self.new_place(class) };
        // The constant's low bits are all that its class keeps.
        let constant = match class {
            Class::Narrow => i64::from(constant as i16),
            Class::Middle => i64::from(constant as i32),
            Class::Wide => constant as i64,
        };
        let mut so_far = self.constant(class, constant);
        let mut level = 0;
        for MaskedBits { signal, mask, shift, negative } in terms {
            let a = self.place(signal.into(), class);
            if shift >= bits(class) as i32 {
                continue;
            }
            let kind = match (negative, shift < 0) {
                (false, false) => Kind::AddBits,
                (false, true) => Kind::AddBitsDown,
                (true, false) => Kind::SubBits,
                (true, true) => Kind::SubBitsDown,
            };
            level = self.level(a).max(level) + 1;
            let mask = if shift < 0 { mask >> -shift } else { mask };
            let (a, b, k, x) = (a.index, so_far.index, mask as i64, shift.unsigned_abs() as u8);
            let own = Instruction { target: result.index, a, b, k, x, ..blank() };
            self.pending.push(Pending {
                key: (self.part, 4 * level),
                class,
                work: Task::Run(kind, own),
            });
            so_far = result;
        }
        if so_far != result {
            // Nothing reaches the class's bits but the constant.
            let own = Instruction { target: result.index, a: so_far.index, ..blank() };
            self.pending.push(Pending {
                key: (self.part, 0),
                class,
                work: Task::Run(Kind::Copy, own),
            });
        }
        self.levels.insert(home, level);
        if wraps {
            self.wrap(result, ty, level);
        }
        if class != home.class {
            self.convert(level, result, home);
        }
    }

    /// The instruction of an expression, in the class that holds what it reads and gives.
    fn instruction(
        &mut self,
        expr: &Expr,
        ty: Type,
        target: Class,
    ) -> (Kind, Class, Instruction<i64>) {
        let operands: Vec<Operand> =
            reads(expr).map(|net| Operand::Signal(SignalId(net))).collect();
        let read = operands.iter().map(|operand| self.class(*operand)).max();
        let class = read.unwrap_or(Class::Narrow).max(target);
        let zero = Operand::Constant(0);
        match *expr {
            Expr::Add { a, shift_a, b, shift_b } | Expr::Sub { a, shift_a, b, shift_b } => {
                let adds = matches!(expr, Expr::Add { .. });
                // What is shifted out of the target leaves nothing.
                let (a, shift_a) = if shift_a >= ty.width { (zero, 0) } else { (a, shift_a) };
                let (b, shift_b) = if shift_b >= ty.width { (zero, 0) } else { (b, shift_b) };
                let kind = match (adds, shift_a + shift_b == 0) {
                    (true, true) => Kind::Add,
                    (true, false) => Kind::AddShifted,
                    (false, true) => Kind::Sub,
                    (false, false) => Kind::SubShifted,
                };
                let (a, b) = (self.place(a, class).index, self.place(b, class).index);
                (kind, class, Instruction { a, b, x: shift_a as u8, y: shift_b as u8, ..blank() })
            }
            Expr::Mul { a, b, .. } => self.product(a, b, class),
            Expr::ShiftLeft { a, shift } => {
                let (a, shift) =
                    if shift >= ty.width { (zero, 0) } else { (Operand::Signal(a), shift) };
                let a = self.place(a, class).index;
                (Kind::ShiftLeft, class, Instruction { a, x: shift as u8, ..blank() })
            }
            Expr::ShiftRight { a, shift } => {
                let logical = self.is_logical(a);
                let kind = if logical { Kind::ShiftRightLogical } else { Kind::ShiftRight };
                let beyond = shift >= bits(class);
                let a = if logical && beyond { zero } else { Operand::Signal(a) };
                let a = self.place(a, class).index;
                let x = shift.min(bits(class) - 1) as u8;
                (kind, class, Instruction { a, x, ..blank() })
            }
            Expr::Select { condition, then, otherwise } => {
                let is_flag =
                    of_operand(condition.signal.into(), &self.ranges).within(Range::new(0, 1));
                let a = if is_flag && condition.bit > 0 {
                    zero
                } else {
                    Operand::Signal(condition.signal)
                };
                let kind = if is_flag { Kind::SelectFlag } else { Kind::Select };
                let a = self.place(a, class).index;
                let (b, c) = (self.place(then, class).index, self.place(otherwise, class).index);
                (kind, class, Instruction { a, b, c, x: condition.bit as u8, ..blank() })
            }
            Expr::Fits { a, ty } => {
                let limits = of_type(ty);
                let logical = self.is_logical(a);
                let kind = if logical { Kind::AtMostLogical } else { Kind::Between };
                let a = self.place(a.into(), class).index;
                let within = |limit: i128| match class {
                    Class::Narrow => limit.clamp(i16::MIN.into(), i16::MAX.into()) as i64,
                    Class::Middle => limit.clamp(i32::MIN.into(), i32::MAX.into()) as i64,
                    Class::Wide if logical => limit as i64,
                    Class::Wide => limit.clamp(i64::MIN.into(), i64::MAX.into()) as i64,
                };
                let (k, h) = (within(limits.lo), within(limits.hi));
                (kind, class, Instruction { a, k, h, ..blank() })
            }
            Expr::AnyBit { a, count } => {
                let a = self.place(a.into(), class).index;
                let k = (u64::MAX >> (64 - count)) as i64;
                (Kind::AnyBit, class, Instruction { a, k, ..blank() })
            }
            Expr::Equal { a, constant } => {
                let class = class.max(class_of(Range::constant(constant.into())));
                let a = self.place(a.into(), class).index;
                (Kind::Equal, class, Instruction { a, k: constant, ..blank() })
            }
            Expr::And { a, b } | Expr::Or { a, b } => {
                let kind = if matches!(expr, Expr::And { .. }) { Kind::And } else { Kind::Or };
                let (a, b) = (self.place(a.into(), class).index, self.place(b.into(), class).index);
                (kind, class, Instruction { a, b, ..blank() })
            }
            Expr::Not { a } => {
                let a = self.place(a.into(), class).index;
                (Kind::Not, class, Instruction { a, ..blank() })
            }
            Expr::Compress(_) => unreachable!("a sum of bits is several instructions"),
        }
    }

    /// The product of two operands, of which one may be a number.
    fn product(&mut self, a: Operand, b: Operand, class: Class) -> (Kind, Class, Instruction<i64>) {
        let (factor, other) = match (self.resolved(a), self.resolved(b)) {
            (number @ Operand::Constant(_), factor) => (factor, number),
            (factor, other) => (factor, other),
        };
        let a = self.place(factor, class).index;
        if let Operand::Constant(k) = other {
            return (Kind::MulNumber, class, Instruction { a, k, ..blank() });
        }
        let b = self.place(other, class).index;
        (Kind::Mul, class, Instruction { a, b, ..blank() })
    }

    /// Whether a net's place holds the bits of a number beyond 63 bits.
    fn is_logical(&self, net: SignalId) -> bool {
        of_operand(self.resolved(net.into()), &self.ranges).hi > i128::from(i64::MAX)
    }
}

/// What an expression copies, where it does nothing else.
fn copied(expr: &Expr) -> Option<Operand> {
    let nothing = Operand::Constant(0);
    match *expr {
        Expr::Add { a, shift_a: 0, b, .. } if b == nothing => Some(a),
        Expr::ShiftLeft { a, shift: 0 } | Expr::ShiftRight { a, shift: 0 } => Some(a.into()),
        _ => None,
    }
}

/// An instruction of zeros.
pub(super) const fn blank() -> Instruction<i64> {
    Instruction { target: 0, a: 0, b: 0, c: 0, k: 0, h: 0, x: 0, y: 0 }
}

/// How many places a kind reads.
fn arity(kind: Kind) -> usize {
    match kind {
        Kind::Select | Kind::SelectFlag => 3,
        Kind::Add
        | Kind::AddShifted
        | Kind::Sub
        | Kind::SubShifted
        | Kind::Mul
        | Kind::And
        | Kind::Or
        | Kind::AddBits
        | Kind::AddBitsDown
        | Kind::SubBits
        | Kind::SubBitsDown => 2,
        _ => 1,
    }
}
