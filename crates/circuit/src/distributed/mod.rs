//! Distributed arithmetic: sums of products with constants as sums of bits, without multipliers.
//!
//! - `columns` builds sums that are nearly another one on that;
//! - `sharing` finds the words that several sums have in common;
//! - each such word, and each sum, is a heap of bits that `heap` reduces by the adders which
//!   `row` chooses.
//!
//! All words are unsigned. That a term counts negatively, or is in two's complement, inverts bits
//! and adds a constant: -x is the inverse of x plus a constant, and the sign bit of x, which
//! counts negatively, is its inverse less a constant. Each sum adds up its constants, the bias
//! among them, and they enter its heap once: there are no signs to extend, and no subtractions.

mod columns;
mod heap;
mod row;
mod sharing;

use rtl4ml_hdl::Addend;
use rtl4ml_ir::{Range, Value};

use self::columns::Base;
use self::heap::{Heap, HeapBit};
use self::sharing::{Digit, share};
use crate::dataflow::sum::signed_digits;
use crate::dataflow::{BitOf, Dataflow, Term, TooWide};

/// What distributed arithmetic looks at first: area, or latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The fewest look-up tables.
    #[default]
    Thrifty,
    /// No word is shared that makes the deepest sum deeper.
    Balanced,
    /// The fewest levels of adders: each takes all bits that it can.
    Quick,
}

impl Rule {
    /// All of them, the thriftiest first.
    pub const ALL: [Self; 3] = [Self::Thrifty, Self::Balanced, Self::Quick];

    /// By how many levels of adders a sum may be deeper than the deepest one must be.
    fn extra_depth(self) -> u32 {
        match self {
            Self::Thrifty => 1,
            Self::Balanced | Self::Quick => 0,
        }
    }

    /// How many bits a look-up table of a row must eliminate, in the order in which rows are
    /// tried while bits are still to come: the full counters first, then what is better than an
    /// adder of two words.
    fn prices(self) -> &'static [f64] {
        match self {
            Self::Thrifty | Self::Balanced => &[1.3, 0.9],
            Self::Quick => &[0.0],
        }
    }
}

/// A sum to build: Σ weight * input + Σ term + constant.
#[derive(Clone, Debug)]
pub struct Sum {
    /// A weight for each input.
    pub weights: Vec<Value>,
    /// What else is added.
    pub terms: Vec<Term>,
    /// A constant.
    pub constant: Value,
    /// What to call it in the Verilog.
    pub name: String,
}

/// Builds sums of the same inputs.
///
/// # Errors
/// When a sum needs more than 64 bits.
pub fn sums(
    dataflow: &mut Dataflow,
    inputs: &[Term],
    sums: &[Sum],
    rule: Rule,
) -> Result<Vec<Term>, TooWide> {
    let spans: Vec<u128> = inputs
        .iter()
        .map(|input| {
            let range = dataflow.range(input.node);
            range.hi.abs_diff(range.lo)
        })
        .collect();
    let bases = columns::bases(dataflow, inputs, sums, rule);
    let digits_of = |(sum, base): (&Sum, &Option<Base>)| match base {
        None => digits(inputs, &spans, &sum.weights),
        Some(Base { sum: base, negative }) => {
            digits(inputs, &spans, &columns::difference(sum, &sums[*base], *negative))
        }
    };
    let digits = sums.iter().zip(&bases).map(digits_of).collect();
    let shared = share(&spans, digits, rule.extra_depth());
    let mut words: Vec<Word> =
        inputs.iter().map(|input| Word::of(dataflow, Term { negative: false, ..*input })).collect();
    let kept = shared.kept(&spans);
    for (index, pair) in shared.pairs.iter().enumerate() {
        let word = if kept[index] {
            let digits = shared.flattened(&pair.digits(), &kept);
            let name = shared_name(inputs, dataflow, shared.inputs + index);
            shared_word(dataflow, &digits, &words, rule, &name)?
        } else {
            // Nobody reads it: its digits stand in the sums.
            Word::default()
        };
        words.push(word);
    }
    let mut built: Vec<Option<Term>> = vec![None; sums.len()];
    // What others are built on comes first.
    let (own, derived): (Vec<usize>, Vec<usize>) =
        (0..sums.len()).partition(|index| bases[*index].is_none());
    for index in own.into_iter().chain(derived) {
        let digits = shared.flattened(&shared.sums[index], &kept);
        let base = bases[index].and_then(|Base { sum, negative }| {
            built[sum].map(|term| BuiltBase { sum: &sums[sum], term, negative })
        });
        let sum = build_sum(dataflow, inputs, &sums[index], base, &digits, &words, rule)?;
        built[index] = Some(sum);
    }
    Ok(built.into_iter().flatten().collect())
}

/// A sum that is there, and on which another is built.
#[derive(Clone, Copy)]
struct BuiltBase<'a> {
    sum: &'a Sum,
    term: Term,
    negative: bool,
}

fn shared_name(inputs: &[Term], dataflow: &Dataflow, index: usize) -> String {
    let name = inputs.first().map_or("x", |input| &dataflow.node(input.node).name);
    let port = name.split('_').next().unwrap_or("x");
    format!("{port}_shared_{index}")
}

/// The signed digits of weights, those of inputs that are constant left out.
fn digits(inputs: &[Term], spans: &[u128], weights: &[Value]) -> Vec<Digit> {
    let terms = inputs.iter().zip(weights).enumerate();
    let varying = terms.filter(|(index, _)| spans[*index] > 0);
    let digits = varying.flat_map(|(index, (input, weight))| {
        let lowest = -(weight.fraction_bits + input.fraction_bits);
        let negative = (weight.mantissa < 0) != input.negative;
        let word = index as u32;
        let digits = signed_digits(weight.mantissa.abs()).into_iter();
        digits.map(move |(position, minus)| Digit {
            word,
            position: lowest + position as i32,
            negative: minus != negative,
        })
    });
    digits.collect()
}

/// An unsigned word of a heap: the integer of its bits is a linear form of the inputs plus
/// `offset`; the form lies in `range`.
#[derive(Clone, Debug)]
struct Word {
    bits: Vec<HeapBit>,
    offset: i128,
    range: Range,
}

impl Default for Word {
    fn default() -> Self {
        Self { bits: Vec::new(), offset: 0, range: Range::ZERO }
    }
}

impl Word {
    /// A node, without regard to its binary point.
    fn of(dataflow: &Dataflow, term: Term) -> Self {
        let range = dataflow.range(term.node);
        if let Some(constant) = range.as_constant() {
            return Self { bits: Vec::new(), offset: -constant, range };
        }
        let width = range.width();
        let depth = dataflow.depth(term.node);
        let signed = range.lo < 0;
        let bits = (0..width).map(|bit| {
            let of = BitOf { node: term.node, bit };
            let is_sign = signed && bit + 1 == width;
            let addend = if is_sign { Addend::Inverse(of) } else { Addend::Bit(of) };
            HeapBit { addend, depth }
        });
        let offset = if signed { 1 << (width - 1) } else { 0 };
        Self { bits: bits.collect(), offset, range }
    }

    /// Adds the word, or the inverse of its bits, to a heap; returns by how much the sum is larger
    /// than the linear form for it, in units of the word.
    fn enter(&self, heap: &mut Heap, column: usize, negative: bool) -> i128 {
        for (index, bit) in self.bits.iter().enumerate() {
            let addend = match bit.addend {
                addend if !negative => addend,
                Addend::Zero => Addend::One,
                Addend::One => Addend::Zero,
                Addend::Bit(of) => Addend::Inverse(of),
                Addend::Inverse(of) => Addend::Bit(of),
            };
            heap.push(column + index, HeapBit { addend, depth: bit.depth });
        }
        if negative { ((1 << self.bits.len()) - 1) - self.offset } else { self.offset }
    }
}

/// A word that several sums read: its digits start at position 0.
fn shared_word(
    dataflow: &mut Dataflow,
    digits: &[Digit],
    words: &[Word],
    rule: Rule,
    name: &str,
) -> Result<Word, TooWide> {
    let too_wide = || TooWide { name: name.to_owned() };
    let (range, offset) = digits
        .iter()
        .try_fold((Range::ZERO, 0i128), |(range, offset), digit| {
            let word = &words[digit.word as usize];
            let form = if digit.negative { word.range.negated() } else { word.range };
            let shift = digit.position as u32;
            let own = word.enter(&mut Heap::new(0, Rule::Thrifty), 0, digit.negative);
            let range = range.plus(form.shifted_left(shift)?)?;
            Some((range, offset.checked_add(own.checked_shl(shift)?)?))
        })
        .ok_or_else(too_wide)?;
    let largest = range.hi + offset;
    let columns = 128 - largest.leading_zeros();
    if columns > rtl4ml_ir::fixed::MAX_WIDTH {
        return Err(too_wide());
    }
    let mut heap = Heap::new(columns as usize, rule);
    for digit in digits {
        words[digit.word as usize].enter(&mut heap, digit.position as usize, digit.negative);
    }
    Ok(Word { bits: heap.reduce(dataflow, name)?, offset, range })
}

/// What a sum has besides its products with inputs that vary: its constant, and the products with
/// inputs that are constant.
fn constants(dataflow: &Dataflow, inputs: &[Term], sum: &Sum) -> Vec<Value> {
    let of_inputs = inputs.iter().zip(&sum.weights).filter_map(|(input, weight)| {
        let constant = dataflow.range(input.node).as_constant()?;
        let constant = if input.negative { -constant } else { constant };
        let fraction_bits = input.fraction_bits + weight.fraction_bits;
        Some(Value { mantissa: constant * weight.mantissa, fraction_bits })
    });
    let all = of_inputs.chain([sum.constant]);
    all.filter(|constant| constant.mantissa != 0).collect()
}

/// A sum as one node.
fn build_sum(
    dataflow: &mut Dataflow,
    inputs: &[Term],
    sum: &Sum,
    base: Option<BuiltBase>,
    digits: &[Digit],
    words: &[Word],
    rule: Rule,
) -> Result<Term, TooWide> {
    let too_wide = || TooWide { name: sum.name.clone() };
    let mut constants = constants(dataflow, inputs, sum);
    let mut ranges: Vec<(Range, i32)> =
        constants.iter().map(|c| (Range::constant(c.mantissa), c.fraction_bits)).collect();
    for (input, weight) in inputs.iter().zip(&sum.weights) {
        let range = dataflow.range(input.node);
        let range = if input.negative { range.negated() } else { range };
        if range.as_constant().is_none() && weight.mantissa != 0 {
            let product = range.times(Range::constant(weight.mantissa)).ok_or_else(too_wide)?;
            ranges.push((product, input.fraction_bits + weight.fraction_bits));
        }
    }
    let with_word = |term: Term| (term, Word::of(dataflow, Term { negative: false, ..term }));
    let mut terms: Vec<(Term, Word)> = sum.terms.iter().copied().map(with_word).collect();
    for (term, word) in &terms {
        let range = if term.negative { word.range.negated() } else { word.range };
        ranges.push((range, term.fraction_bits));
    }
    if let Some(BuiltBase { sum: base, term, negative }) = base {
        // The base has its own constants, which are not this sum's.
        let sign = if negative { 1 } else { -1 };
        let own = self::constants(dataflow, inputs, base);
        constants.extend(own.iter().map(|c| Value { mantissa: sign * c.mantissa, ..*c }));
        terms.push(with_word(Term { negative: term.negative != negative, ..term }));
    }
    ranges.retain(|(range, _)| *range != Range::ZERO);
    // The grid of the sum: that of its finest part, less the zeros that all parts end with.
    let digit_bits = digits.iter().map(|digit| -digit.position);
    let term_bits = terms.iter().filter(|(_, word)| word.range != Range::ZERO);
    let term_bits = term_bits.map(|(term, _)| term.fraction_bits);
    let constant_bits =
        constants.iter().map(|c| c.fraction_bits - c.mantissa.trailing_zeros() as i32);
    let Some(fraction_bits) = digit_bits.chain(term_bits).chain(constant_bits).max() else {
        return Ok(dataflow.constant_term(Value::ZERO));
    };
    // Bits that are dropped are zeros in all values of the range, whose ends so are exact.
    let on_grid = |range: Range, bits: i32| range.shifted(fraction_bits - bits);
    let range = ranges
        .iter()
        .try_fold(Range::ZERO, |sum, (range, bits)| sum.plus(on_grid(*range, *bits)?))
        .ok_or_else(too_wide)?;
    if let Some(constant) = range.as_constant() {
        return Ok(dataflow.constant_term(Value { mantissa: constant, fraction_bits }));
    }
    if range.width() > rtl4ml_ir::fixed::MAX_WIDTH {
        return Err(too_wide());
    }
    let mut heap = Heap::new(range.width() as usize, rule);
    // Constants are modulo two to the number of columns, so that a wrapping sum is exact.
    let shifted = |value: i128, shift: i32| match shift {
        0.. => value.checked_shl(shift as u32).unwrap_or(0),
        _ => value >> -shift,
    };
    let mut constant = constants.iter().fold(0i128, |total, value| {
        total.wrapping_add(shifted(value.mantissa, fraction_bits - value.fraction_bits))
    });
    for digit in digits {
        let column = (digit.position + fraction_bits) as usize;
        let more = words[digit.word as usize].enter(&mut heap, column, digit.negative);
        constant = constant.wrapping_sub(shifted(more, column as i32));
    }
    // A term may be known: it has no bits, and counts all the same.
    for (term, word) in terms.iter().filter(|(_, word)| word.range != Range::ZERO) {
        let column = fraction_bits - term.fraction_bits;
        let more = word.enter(&mut heap, column as usize, term.negative);
        constant = constant.wrapping_sub(shifted(more, column));
    }
    heap.push_constant(constant);
    let node = heap.sum(dataflow, range, &sum.name)?;
    Ok(Term { node, fraction_bits, negative: false })
}
