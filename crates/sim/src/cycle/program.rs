//! Instructions put into runs: equal ones that wait for equally much stand in a row.

use super::machine::{Class, Instruction, Kind, Program, Run};

/// An instruction before it is in its run: its numbers are of 64 bits.
pub(super) struct Pending {
    /// What has a smaller key is done before: the part of the program, and the level in it.
    pub key: (u32, u32),
    pub class: Class,
    pub work: Task,
}

/// What an instruction does.
pub(super) enum Task {
    /// An instruction of its class.
    Run(Kind, Instruction<i64>),
    /// From a class, to a place in its own, from a place there.
    Convert(Class, u32, u32),
}

/// The instructions in runs.
pub(super) fn program(mut pending: Vec<Pending>) -> Program {
    let order = |pending: &Pending| {
        let (kind, from) = match &pending.work {
            Task::Run(kind, _) => (Some(*kind), None),
            Task::Convert(from, ..) => (None, Some(*from)),
        };
        (pending.key, pending.class, kind, from)
    };
    pending.sort_by_key(order);
    let mut program = Program::default();
    for Pending { class, work, .. } in pending {
        match work {
            Task::Run(kind, own) => program.push(class, kind, own),
            Task::Convert(from, target, source) => {
                let at = program.converts.len();
                program.converts.push((target, source));
                match program.runs.last_mut() {
                    Some(Run::Convert(f, t, _, end)) if (*f, *t, *end) == (from, class, at) => {
                        *end += 1;
                    }
                    _ => program.runs.push(Run::Convert(from, class, at, at + 1)),
                }
            }
        }
    }
    program
}

impl Program {
    fn push(&mut self, class: Class, kind: Kind, own: Instruction<i64>) {
        macro_rules! narrowed {
            ($ty:ty) => {
                Instruction {
                    target: own.target,
                    a: own.a,
                    b: own.b,
                    c: own.c,
                    k: own.k as $ty,
                    h: own.h as $ty,
                    x: own.x,
                    y: own.y,
                }
            };
        }
        let at = match class {
            Class::Narrow => {
                self.narrow.push(narrowed!(i16));
                self.narrow.len()
            }
            Class::Middle => {
                self.middle.push(narrowed!(i32));
                self.middle.len()
            }
            Class::Wide => {
                self.wide.push(own);
                self.wide.len()
            }
        };
        match (self.runs.last_mut(), class) {
            (Some(Run::Narrow(last, _, end)), Class::Narrow)
            | (Some(Run::Middle(last, _, end)), Class::Middle)
            | (Some(Run::Wide(last, _, end)), Class::Wide)
                if *last == kind =>
            {
                *end = at;
            }
            (_, Class::Narrow) => self.runs.push(Run::Narrow(kind, at - 1, at)),
            (_, Class::Middle) => self.runs.push(Run::Middle(kind, at - 1, at)),
            (_, Class::Wide) => self.runs.push(Run::Wide(kind, at - 1, at)),
        }
    }
}
