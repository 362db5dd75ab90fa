//! Which sums of two words several sums have in common.
//!
//! Each weight is written in canonical signed digits, so that a sum is a list of shifted words,
//! some of them negative. Again and again the pair of words is made a word of its own that saves
//! the most look-up tables in all sums together. That a pair is worth more when more bits of its
//! words overlap is the greedy rule of da4ml (arXiv 2507.04535); what a pair saves is counted here
//! in bits that the sums' heaps no longer have, because there a bit costs less than a table.

use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

/// A word in a sum: ± word * 2^`position`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digit {
    pub word: u32,
    pub position: i32,
    pub negative: bool,
}

/// A word that is a sum: `a` ± `b` * 2^`shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub a: u32,
    pub b: u32,
    pub shift: u32,
    pub negative: bool,
}

impl Pair {
    /// What it is the sum of.
    pub fn digits(&self) -> [Digit; 2] {
        let a = Digit { word: self.a, position: 0, negative: false };
        let b = Digit { word: self.b, position: self.shift as i32, negative: self.negative };
        [a, b]
    }

    /// The span of the pair; those of its words are given.
    fn span(&self, spans: &[u128]) -> u128 {
        let [a, b] = [self.a, self.b].map(|word| spans[word as usize]);
        a.saturating_add(b.checked_shl(self.shift).unwrap_or(u128::MAX))
    }

    /// The bits of its words that overlap, and how many bits fewer a heap has with the pair than
    /// with its words. The widths of the words are given.
    fn bits(&self, widths: &[i32]) -> (i32, i32) {
        let [a, b] = [self.a, self.b].map(|word| widths[word as usize]);
        let end = b + self.shift as i32;
        let overlap = (a.min(end) - self.shift as i32).max(0);
        // The pair has a bit more than the longer of its words where they overlap.
        (overlap, a + b - (a.max(end) + 1))
    }
}

/// The bits of the integers from 0 to a span.
fn width(span: u128) -> i32 {
    128 - span.leading_zeros() as i32
}

/// Sums that share words. Words are numbered: first the inputs, then the pairs.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub inputs: usize,
    pub pairs: Vec<Pair>,
    pub sums: Vec<Vec<Digit>>,
}

impl Shared {
    /// Whether each pair is worth a word of its own: what it saves in all places that read it is
    /// more than its adder.
    pub fn kept(&self, spans: &[u128]) -> Vec<bool> {
        let mut widths: Vec<i32> = spans.iter().map(|span| width(*span)).collect();
        let mut spans = spans.to_vec();
        for pair in &self.pairs {
            let span = pair.span(&spans);
            spans.push(span);
            widths.push(width(span));
        }
        let mut readers = vec![0u32; spans.len()];
        for digit in self.sums.iter().flatten() {
            readers[digit.word as usize] += 1;
        }
        let mut kept = vec![false; self.pairs.len()];
        // A pair is read by later ones alone.
        for (index, pair) in self.pairs.iter().enumerate().rev() {
            let word = self.inputs + index;
            let count = readers[word];
            let (overlap, saved) = pair.bits(&widths);
            let gain = f64::from(count) * BIT_PRICE * f64::from(saved) - f64::from(overlap);
            kept[index] = count > 1 && gain > 0.0;
            // A pair that is not kept is read by all that read it.
            let reads = if kept[index] { 1 } else { count };
            readers[pair.a as usize] += reads;
            readers[pair.b as usize] += reads;
        }
        kept
    }

    /// Digits with those of the pairs that are not kept in the place of these.
    pub fn flattened(&self, digits: &[Digit], kept: &[bool]) -> Vec<Digit> {
        let mut open = digits.to_vec();
        let mut flat = Vec::new();
        while let Some(digit) = open.pop() {
            let pair = (digit.word as usize).checked_sub(self.inputs);
            match pair.filter(|pair| !kept[*pair]) {
                None => flat.push(digit),
                Some(pair) => open.extend(self.pairs[pair].digits().map(|inner| Digit {
                    word: inner.word,
                    position: inner.position + digit.position,
                    negative: inner.negative != digit.negative,
                })),
            }
        }
        flat.reverse();
        flat
    }
}

/// What a bit of a heap costs, in look-up tables: a full counter eliminates five bits with three,
/// and not all are full.
const BIT_PRICE: f64 = 0.7;

/// By how much a level of rows shortens a heap: eight bits become three.
const ROWS_A_LEVEL: f64 = 8.0 / 3.0;

/// A pair as a number: a, b, shift and sign.
type Key = u64;

fn key(x: Digit, y: Digit) -> Key {
    let (x, y) = if (x.position, x.word) <= (y.position, y.word) { (x, y) } else { (y, x) };
    let shift = (y.position - x.position) as u64;
    (u64::from(x.word) << 40)
        | (u64::from(y.word) << 16)
        | (shift << 1)
        | u64::from(x.negative != y.negative)
}

fn pair(key: Key) -> Pair {
    Pair {
        a: (key >> 40) as u32,
        b: ((key >> 16) & 0xff_ffff) as u32,
        shift: ((key & 0xffff) >> 1) as u32,
        negative: key & 1 == 1,
    }
}

/// Where a pair is found: how often at most, and in which sums.
#[derive(Clone, Debug, Default)]
struct Places {
    count: u32,
    sums: Vec<u32>,
}

struct Search {
    /// For each word, its largest integer less its smallest.
    spans: Vec<u128>,
    /// For each word, its width in bits.
    widths: Vec<i32>,
    /// For each word, its depth in adders.
    depths: Vec<u32>,
    sums: Vec<Vec<Digit>>,
    /// For each sum, that of [`ROWS_A_LEVEL`]^depth of its words: a heap is about as deep as its
    /// logarithm.
    weights: Vec<f64>,
    /// The largest weight that a sum may have.
    limit: f64,
    places: FxHashMap<Key, Places>,
    queue: BinaryHeap<(i64, Key)>,
}

/// Finds the words to share. `spans` are those of the inputs; a sum may be `extra_depth` levels of
/// adders deeper than the deepest one must be.
pub(super) fn share(spans: &[u128], sums: Vec<Vec<Digit>>, extra_depth: u32) -> Shared {
    let widths = spans.iter().map(|span| width(*span)).collect();
    let depths = vec![0; spans.len()];
    let weights: Vec<f64> = sums.iter().map(|sum| sum.len() as f64).collect();
    let most = weights.iter().copied().fold(1.0, f64::max);
    let least_depth = (most.ln() / ROWS_A_LEVEL.ln()).ceil() as i32;
    let limit = ROWS_A_LEVEL.powi(least_depth + extra_depth as i32);
    let places = FxHashMap::default();
    let queue = BinaryHeap::new();
    let spans = spans.to_vec();
    let inputs = spans.len();
    let mut search = Search { spans, widths, depths, sums, weights, limit, places, queue };
    search.count_pairs();
    let mut pairs = Vec::new();
    while let Some((score, key)) = search.queue.pop() {
        let current = search.score(key);
        if current != score {
            if current > 0 && current < score {
                search.queue.push((current, key));
            }
            continue;
        }
        if search.replace(key) {
            pairs.push(pair(key));
        }
    }
    Shared { inputs, pairs, sums: search.sums }
}

impl Search {
    fn count_pairs(&mut self) {
        for (index, sum) in self.sums.iter().enumerate() {
            for (order, x) in sum.iter().enumerate() {
                for y in &sum[..order] {
                    let places = self.places.entry(key(*x, *y)).or_default();
                    places.count += 1;
                    if places.sums.last() != Some(&(index as u32)) {
                        places.sums.push(index as u32);
                    }
                }
            }
        }
        let mut queue: Vec<(i64, Key)> = Vec::new();
        for key in self.places.keys() {
            let score = self.score(*key);
            if score > 0 {
                queue.push((score, *key));
            }
        }
        self.queue = queue.into();
    }

    /// What a pair saves, in thousandths of a table.
    fn score(&self, key: Key) -> i64 {
        let count = self.places.get(&key).map_or(0, |places| places.count);
        if count < 2 {
            return 0;
        }
        let (overlap, saved) = pair(key).bits(&self.widths);
        let tables = f64::from(count) * BIT_PRICE * f64::from(saved) - f64::from(overlap);
        (tables * 1000.0) as i64
    }

    /// Makes a pair a word in all sums that have room for its depth; returns whether it did.
    fn replace(&mut self, key: Key) -> bool {
        let Some(places) = self.places.remove(&key) else {
            return false;
        };
        let pair = pair(key);
        let [depth_a, depth_b] = [pair.a, pair.b].map(|word| self.depths[word as usize]);
        let weight = |depth: u32| ROWS_A_LEVEL.powi(depth as i32);
        let growth = weight(depth_a.max(depth_b) + 1) - weight(depth_a) - weight(depth_b);
        let mut sums = places.sums;
        sums.sort_unstable();
        sums.dedup();
        let mut found = Vec::new();
        for sum in sums {
            let room = self.limit - self.weights[sum as usize];
            let most = (room / growth) as usize;
            let digits = occurrences(&self.sums[sum as usize], pair).into_iter().take(most);
            found.extend(digits.map(|(x, y)| (sum, x, y)));
        }
        if found.len() < 2 {
            return false;
        }
        let new = self.spans.len() as u32;
        let span = pair.span(&self.spans);
        self.spans.push(span);
        self.widths.push(width(span));
        self.depths.push(depth_a.max(depth_b) + 1);
        for (sum, x, y) in found {
            self.remove(sum, x);
            self.remove(sum, y);
            self.insert(sum, Digit { word: new, ..x });
            self.weights[sum as usize] += growth;
        }
        true
    }

    fn remove(&mut self, sum: u32, digit: Digit) {
        let digits = &mut self.sums[sum as usize];
        digits.retain(|other| *other != digit);
        for other in &self.sums[sum as usize] {
            if let Some(places) = self.places.get_mut(&key(*other, digit)) {
                places.count = places.count.saturating_sub(1);
            }
        }
    }

    fn insert(&mut self, sum: u32, digit: Digit) {
        for index in 0..self.sums[sum as usize].len() {
            let key = key(self.sums[sum as usize][index], digit);
            let places = self.places.entry(key).or_default();
            places.count += 1;
            if places.sums.last() != Some(&sum) {
                places.sums.push(sum);
            }
            if places.count > 1 {
                let score = self.score(key);
                if score > 0 {
                    self.queue.push((score, key));
                }
            }
        }
        self.sums[sum as usize].push(digit);
    }
}

/// The places of a pair in a sum, none of which share a digit, from the lowest position up.
fn occurrences(digits: &[Digit], pair: Pair) -> Vec<(Digit, Digit)> {
    let mut lower: Vec<Digit> = digits.iter().copied().filter(|d| d.word == pair.a).collect();
    lower.sort_by_key(|digit| digit.position);
    let mut used: Vec<Digit> = Vec::new();
    let mut found = Vec::new();
    for x in lower {
        let y = Digit {
            word: pair.b,
            position: x.position + pair.shift as i32,
            negative: x.negative != pair.negative,
        };
        let is_free = |digit: &Digit| !used.contains(digit);
        if x != y && is_free(&x) && is_free(&y) && digits.contains(&y) {
            used.extend([x, y]);
            found.push((x, y));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::sum::signed_digits;
    use proptest::prelude::*;

    const INPUTS: usize = 6;

    fn digits(weights: &[i128]) -> Vec<Digit> {
        let of = |(word, weight): (usize, &i128)| {
            let negative = *weight < 0;
            let digit = move |(position, minus): (u32, bool)| Digit {
                word: word as u32,
                position: position as i32,
                negative: minus != negative,
            };
            signed_digits(weight.abs()).into_iter().map(digit).collect::<Vec<_>>()
        };
        weights.iter().enumerate().flat_map(of).collect()
    }

    /// The weights of the inputs that digits add up to.
    fn weights(shared: &Shared, digits: &[Digit]) -> Vec<i128> {
        let mut weights = vec![0; INPUTS];
        for digit in shared.flattened(digits, &vec![false; shared.pairs.len()]) {
            let weight = 1i128 << digit.position;
            weights[digit.word as usize] += if digit.negative { -weight } else { weight };
        }
        weights
    }

    proptest! {
        #[test]
        fn sums_stay_what_they_are(
            matrix in proptest::collection::vec(
                proptest::collection::vec(-200i128..200, INPUTS), 1..10),
            extra_depth in 0u32..2,
        ) {
            let spans = [1, 15, 255, 255, 1023, 4095];
            let sums: Vec<Vec<Digit>> = matrix.iter().map(|column| digits(column)).collect();
            let shared = share(&spans, sums, extra_depth);
            let found: Vec<_> = shared.sums.iter().map(|sum| weights(&shared, sum)).collect();
            prop_assert_eq!(&found, &matrix);
            // What is kept is itself made of what is there: inputs and earlier pairs.
            let kept = shared.kept(&spans);
            for (index, pair) in shared.pairs.iter().enumerate() {
                for digit in shared.flattened(&pair.digits(), &kept) {
                    let word = digit.word as usize;
                    prop_assert!(word < INPUTS || (word - INPUTS < index && kept[word - INPUTS]));
                }
            }
        }
    }

    #[test]
    fn what_all_sums_have_is_built_once() {
        let sums: Vec<Vec<Digit>> = [[5, 3, 0, 0, 0, 0], [10, 6, 1, 0, 0, 0], [-5, -3, 0, 1, 0, 0]]
            .map(|w| digits(&w))
            .into();
        let spans = [255; INPUTS];
        let shared = share(&spans, sums, 1);
        let kept = shared.kept(&spans);
        let read: Vec<Vec<Digit>> =
            shared.sums.iter().map(|sum| shared.flattened(sum, &kept)).collect();
        // Five digits are one word in each of the sums.
        assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 2]);
        assert!(read.iter().all(|sum| sum.iter().any(|digit| digit.word as usize >= INPUTS)));
    }
}
