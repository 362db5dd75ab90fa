//! Sums of single bits: an adder whose second operand counts bits in the look-up tables in front
//! of its carry chain.
//!
//! A carry chain takes, for each column, one bit as it is and the parity of that bit with whatever
//! the column's look-up table computes. A table of six inputs so has five left, and three tables
//! that share theirs count three bits of one weight and two of the next ([`Counter`]): eight bits
//! enter three columns where an adder of two words takes six.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use crate::design::{BitOf, SignalId};

/// A bit that is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addend<B = BitOf> {
    /// Nothing.
    Zero,
    /// A constant 1.
    One,
    /// A bit, of a signal in a module.
    Bit(B),
    /// The inverse of a bit.
    Inverse(B),
}

/// Some bits that are counted: the number of `ones` plus twice that of `twos`, modulo 2^`width`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counter<B = BitOf> {
    /// The weight of the count is 2^`column`.
    pub column: u32,
    /// The columns that the count takes.
    pub width: u32,
    /// The bits that count once.
    pub ones: Vec<Addend<B>>,
    /// The bits that count twice.
    pub twos: Vec<Addend<B>>,
}

/// The sum of the plain bits, one a column at most, and of the counts, no two of which share a
/// column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Compression<B = BitOf> {
    /// For each column from 0 on, the bit of weight 2^column that goes straight to the carry chain.
    pub plain: Vec<Addend<B>>,
    /// The counters, in ascending order of their columns.
    pub counters: Vec<Counter<B>>,
}

impl<B: Copy> Addend<B> {
    /// The bit, inverted or not.
    pub fn bit(self) -> Option<B> {
        match self {
            Self::Zero | Self::One => None,
            Self::Bit(bit) | Self::Inverse(bit) => Some(bit),
        }
    }
}

impl<B: Copy> Counter<B> {
    /// The bits, those that count once first.
    pub fn bits(&self) -> impl Iterator<Item = Addend<B>> + '_ {
        self.ones.iter().chain(&self.twos).copied()
    }

    /// The function that counts; one bit is a wire, and needs none.
    fn shape(&self) -> Option<Shape> {
        let (ones, twos) = (self.ones.len(), self.twos.len());
        (ones + twos > 1).then_some(Shape { ones, twos, width: self.width as usize })
    }
}

impl<B: Copy> Compression<B> {
    /// The same sum of other bits.
    pub fn map<C>(&self, mut bit: impl FnMut(B) -> C) -> Compression<C> {
        let mut mapped = |addend: &Addend<B>| match *addend {
            Addend::Zero => Addend::Zero,
            Addend::One => Addend::One,
            Addend::Bit(of) => Addend::Bit(bit(of)),
            Addend::Inverse(of) => Addend::Inverse(bit(of)),
        };
        let plain = self.plain.iter().map(&mut mapped).collect();
        let counters = self.counters.iter().map(|counter| Counter {
            column: counter.column,
            width: counter.width,
            ones: counter.ones.iter().map(&mut mapped).collect(),
            twos: counter.twos.iter().map(&mut mapped).collect(),
        });
        Compression { plain, counters: counters.collect() }
    }

    /// All bits with their columns.
    pub fn addends(&self) -> impl Iterator<Item = (u32, Addend<B>)> + '_ {
        let plain = self.plain.iter().enumerate().map(|(column, bit)| (column as u32, *bit));
        let counted = self.counters.iter().flat_map(|Counter { column, ones, twos, .. }| {
            let ones = ones.iter().map(move |bit| (*column, *bit));
            ones.chain(twos.iter().map(move |bit| (column + 1, *bit)))
        });
        plain.chain(counted)
    }

    /// Whether the counters are in order, share no column, lie within so many columns, and hold
    /// their largest counts but where the top column cuts them off.
    pub fn is_legal(&self, width: u32) -> bool {
        let starts = self.counters.iter().map(|counter| counter.column);
        let limits = starts.skip(1).chain([width]);
        self.counters.iter().zip(limits).all(|(counter, limit)| {
            let end = counter.column + counter.width;
            let full = Shape { ones: counter.ones.len(), twos: counter.twos.len(), width: 0 };
            let whole = end == width || counter.width as usize >= full.full_width();
            // Bits that count twice are nothing in the top column.
            let read = counter.width > 1 || counter.twos.is_empty();
            counter.width > 0 && !counter.ones.is_empty() && end <= limit && whole && read
        })
    }
}

/// Some bits of a signal at once: ± (its bits of the mask) * 2^`shift`, a negative shift being one
/// to the right that drops no bit of the mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskedBits {
    /// The signal.
    pub signal: SignalId,
    /// Which of its bits are added.
    pub mask: u64,
    /// The shift to the left.
    pub shift: i32,
    /// Whether they are subtracted, as those are whose inverses are added.
    pub negative: bool,
}

impl Compression {
    /// The sum as a constant and few terms, for simulators: each has all the bits of a signal that
    /// are moved by the same shift. Modulo 2^64, columns from 64 on left out.
    pub fn masked(&self) -> (u64, Vec<MaskedBits>) {
        let mut constant = 0u64;
        let mut terms: Vec<MaskedBits> = Vec::new();
        let mut known: HashMap<(SignalId, i32, bool), Vec<usize>> = HashMap::new();
        for (column, addend) in self.addends().filter(|(column, _)| *column < 64) {
            let (of, negative) = match addend {
                Addend::Zero => continue,
                Addend::One => {
                    constant = constant.wrapping_add(1 << column);
                    continue;
                }
                Addend::Bit(of) => (of, false),
                Addend::Inverse(of) => {
                    // The inverse of a bit is 1 less the bit.
                    constant = constant.wrapping_add(1 << column);
                    (of, true)
                }
            };
            let shift = column as i32 - of.bit as i32;
            let alike = known.entry((of.signal, shift, negative)).or_default();
            // A bit that is added twice is in two terms.
            let free = |term: &&usize| terms[**term].mask & (1 << of.bit) == 0;
            if let Some(term) = alike.iter().find(free) {
                terms[*term].mask |= 1 << of.bit;
            } else {
                alike.push(terms.len());
                let mask = 1 << of.bit;
                terms.push(MaskedBits { signal: of.signal, mask, shift, negative });
            }
        }
        (constant, terms)
    }

    /// The signals that are read, some more than once.
    pub fn signals(&self) -> impl Iterator<Item = SignalId> + '_ {
        self.addends().filter_map(|(_, addend)| addend.bit()).map(|bit| bit.signal)
    }
}

/// What distinguishes two functions that count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    ones: usize,
    twos: usize,
    width: usize,
}

impl Shape {
    /// The bits of the largest count.
    fn full_width(self) -> usize {
        (self.ones + 2 * self.twos).ilog2() as usize + 1
    }

    /// The name of the function, which [`is_counter`] knows.
    fn name(self) -> String {
        let Self { ones, twos, width } = self;
        let bits = if twos == 0 { format!("count{ones}") } else { format!("count{ones}_{twos}") };
        if width == self.full_width() { bits } else { format!("{bits}_to_{width}_bits") }
    }
}

/// Whether a function that counts, or a variable of one, might have the name.
pub(crate) fn is_counter(name: &str) -> bool {
    name.strip_prefix("count").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The functions that the counters of a module need, as Verilog text.
pub(crate) fn functions<'a>(compressions: impl Iterator<Item = &'a Compression>) -> String {
    let shapes: BTreeSet<Shape> =
        compressions.flat_map(|c| &c.counters).filter_map(Counter::shape).collect();
    shapes.into_iter().map(function).collect()
}

/// One function, as a network of full and half adders that synthesis flattens into tables.
fn function(shape: Shape) -> String {
    let Shape { ones, twos, width } = shape;
    let name = shape.name();
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); width.max(2)];
    columns[0].extend((0..ones).map(|bit| format!("{name}_bits[{bit}]")));
    columns[1].extend((ones..ones + twos).map(|bit| format!("{name}_bits[{bit}]")));
    let mut lines = Vec::new();
    let mut temporaries = Vec::new();
    let mut step = 0;
    for column in 0..width {
        while columns[column].len() > 1 {
            let taken = columns[column].len().min(3);
            let operands: Vec<String> = columns[column].drain(..taken).collect();
            let carry = match operands.as_slice() {
                [a, b, c] => format!("({a} & {b}) | ({a} & {c}) | ({b} & {c})"),
                pair => pair.join(" & "),
            };
            // What leaves the top column is 0, or not wanted.
            if column + 1 < width {
                lines.push(format!("{name}_carry_{step} = {carry};"));
                temporaries.push(format!("{name}_carry_{step}"));
                columns[column + 1].push(format!("{name}_carry_{step}"));
            }
            lines.push(format!("{name}_sum_{step} = {};", operands.join(" ^ ")));
            temporaries.push(format!("{name}_sum_{step}"));
            columns[column].insert(0, format!("{name}_sum_{step}"));
            step += 1;
        }
        let bit = columns[column].pop().unwrap_or_else(|| "1'b0".to_owned());
        lines.push(format!("{name}[{column}] = {bit};"));
    }
    let mut text = String::new();
    let counted = match twos {
        0 => "How many of the bits are 1.".to_owned(),
        _ => format!("How many of the low {ones} bits are 1, plus twice as many of the others."),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n    // {counted}");
    let _ = writeln!(text, "    function [{}:0] {name};", width - 1);
    // Verilator would write the body out at each of thousands of calls.
    let _ = writeln!(text, "        // verilator no_inline_task");
    let _ = writeln!(text, "        input [{}:0] {name}_bits;", ones + twos - 1);
    for temporary in temporaries {
        let _ = writeln!(text, "        reg {temporary};");
    }
    let _ = writeln!(text, "        begin");
    for line in lines {
        let _ = writeln!(text, "            {line}");
    }
    let _ = writeln!(text, "        end\n    endfunction");
    text
}

/// A compression in exactly `width` bits. `slice` gives the text of the bits from the second to
/// the first number of a signal.
pub(crate) fn text(
    compression: &Compression,
    width: u32,
    mut slice: impl FnMut(SignalId, u32, u32) -> String,
) -> String {
    let mut bits = |addends: &mut dyn Iterator<Item = Addend>| {
        let parts = concatenation(addends, &mut slice);
        if parts.len() == 1 { parts[0].clone() } else { format!("{{{}}}", parts.join(", ")) }
    };
    let plain =
        |column: u32| compression.plain.get(column as usize).copied().unwrap_or(Addend::Zero);
    let Some(first) = compression.counters.first().map(|c| c.column) else {
        return bits(&mut (0..width).map(plain));
    };
    let upper = bits(&mut (first..width).map(plain));
    let mut counts: Vec<String> = Vec::new();
    let mut column = first;
    for counter in &compression.counters {
        if counter.column > column {
            counts.push(format!("{}'d0", counter.column - column));
        }
        let value = bits(&mut counter.bits());
        counts.push(match counter.shape() {
            Some(shape) => format!("{}({value})", shape.name()),
            None if counter.width > 1 => format!("{{{}'d0, {value}}}", counter.width - 1),
            None => value,
        });
        column = counter.column + counter.width;
    }
    if column < width {
        counts.push(format!("{}'d0", width - column));
    }
    counts.reverse();
    let counts =
        if counts.len() == 1 { counts.remove(0) } else { format!("{{{}}}", counts.join(", ")) };
    let sum = format!("{upper}\n        + {counts}");
    if first == 0 {
        return sum;
    }
    let lower = bits(&mut (0..first).map(plain));
    format!("{{{sum},\n        {lower}}}")
}

/// The parts of a concatenation of bits, the highest first; neighbours of one signal are a slice.
fn concatenation(
    addends: &mut dyn Iterator<Item = Addend>,
    slice: &mut impl FnMut(SignalId, u32, u32) -> String,
) -> Vec<String> {
    let mut parts = Vec::new();
    let mut run: Option<(Addend, u32)> = None;
    let mut close = |run: Option<(Addend, u32)>| {
        let Some((first, count)) = run else { return };
        parts.push(match first {
            Addend::Zero => format!("{count}'d0"),
            Addend::One => format!("{{{count}{{1'b1}}}}"),
            Addend::Bit(BitOf { signal, bit }) => slice(signal, bit + count - 1, bit),
            Addend::Inverse(BitOf { signal, bit }) => {
                format!("~{}", slice(signal, bit + count - 1, bit))
            }
        });
    };
    for addend in addends {
        run = match run {
            Some((first, count)) if follows(first, count, addend) => Some((first, count + 1)),
            other => {
                close(other);
                Some((addend, 1))
            }
        };
    }
    close(run);
    parts.reverse();
    parts
}

/// Whether a bit is the next one of a run that starts with `first`.
fn follows(first: Addend, count: u32, next: Addend) -> bool {
    let is_next = |a: BitOf, b: BitOf| a.signal == b.signal && a.bit + count == b.bit;
    match (first, next) {
        (Addend::Zero, Addend::Zero) | (Addend::One, Addend::One) => true,
        (Addend::Bit(a), Addend::Bit(b)) | (Addend::Inverse(a), Addend::Inverse(b)) => {
            is_next(a, b)
        }
        _ => false,
    }
}
