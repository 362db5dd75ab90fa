//! A heap of bits, reduced by rows until each column has one bit at most.

use rtl4ml_hdl::{Addend, Compression, Counter};
use rtl4ml_ir::Range;

use super::Rule;
use super::row::{Height, Row, best_row};
use crate::dataflow::{BitOf, Dataflow, TooWide};

/// A bit of a heap, with the depth at which it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeapBit {
    pub addend: Addend<BitOf>,
    pub depth: u32,
}

/// Bits to be added, by their weights: column c has those of weight 2^c. Bits behind the last
/// column are dropped: the sum is modulo two to the number of columns.
#[derive(Clone, Debug)]
pub(super) struct Heap {
    columns: Vec<Vec<HeapBit>>,
    rule: Rule,
}

/// The row to build next, of bits that are there at a depth.
struct NextRow {
    row: Row,
    depth: u32,
}

impl Heap {
    pub fn new(columns: usize, rule: Rule) -> Self {
        Self { columns: vec![Vec::new(); columns], rule }
    }

    /// Adds a bit.
    pub fn push(&mut self, column: usize, bit: HeapBit) {
        if let Some(bits) = self.columns.get_mut(column)
            && bit.addend != Addend::Zero
        {
            bits.push(bit);
        }
    }

    /// Adds the bits of a constant, which is modulo two to the number of columns.
    pub fn push_constant(&mut self, constant: i128) {
        for column in 0..self.columns.len().min(127) {
            if (constant >> column) & 1 == 1 {
                self.push(column, HeapBit { addend: Addend::One, depth: 0 });
            }
        }
    }

    /// The bits of the sum, the lowest first. Rows are named after `name`.
    pub fn reduce(mut self, dataflow: &mut Dataflow, name: &str) -> Result<Vec<HeapBit>, TooWide> {
        let mut rows = 0;
        while let Some(next) = self.next_row() {
            self.add_row(dataflow, &next, &format!("{name}_row_{rows}"))?;
            rows += 1;
        }
        let none = HeapBit { addend: Addend::Zero, depth: 0 };
        Ok(self.columns.into_iter().map(|bits| bits.first().copied().unwrap_or(none)).collect())
    }

    /// The sum as one node with this range, which the caller has proven.
    pub fn sum(
        mut self,
        dataflow: &mut Dataflow,
        range: Range,
        name: &str,
    ) -> Result<crate::dataflow::NodeId, TooWide> {
        let mut rows = 0;
        let last = loop {
            match self.next_row() {
                Some(next) if self.is_last(&next.row) => break next.row,
                Some(next) => self.add_row(dataflow, &next, &format!("{name}_row_{rows}"))?,
                None => break Row::passing(0, self.columns.len()),
            }
            rows += 1;
        };
        let mut sum = self.take(&NextRow { row: Row::passing(0, last.start), depth: u32::MAX });
        let start = last.start as u32;
        let upper = self.take(&NextRow { row: last, depth: u32::MAX });
        let moved = |counter: Counter<BitOf>| Counter { column: counter.column + start, ..counter };
        sum.plain.extend(upper.plain);
        sum.counters.extend(upper.counters.into_iter().map(moved));
        dataflow.compress(sum, range, name)
    }

    /// Whether after the row nothing is left to add.
    fn is_last(&self, row: &Row) -> bool {
        let mut heights = self.heights(u32::MAX);
        let mut column = row.start;
        for choice in &row.choices {
            for (height, counted) in heights[column..].iter_mut().zip([choice.ones, choice.twos]) {
                height.bits = height.bits.saturating_sub(counted);
            }
            column += choice.width;
        }
        row.end == heights.len() && heights.iter().all(|height| height.bits <= 1)
    }

    /// The bits of each column that are there at a depth.
    fn heights(&self, depth: u32) -> Vec<Height> {
        let height = |bits: &Vec<HeapBit>| {
            let there = || bits.iter().filter(|bit| bit.depth <= depth);
            let inverted = there().filter(|bit| matches!(bit.addend, Addend::Inverse(_))).count();
            Height { bits: there().count(), inverted }
        };
        self.columns.iter().map(height).collect()
    }

    /// The next row to build; `None` when each column has one bit at most.
    ///
    /// Rows of bits that are there early come first, as long as they are worth their tables.
    fn next_row(&mut self) -> Option<NextRow> {
        if self.columns.iter().all(|bits| bits.len() <= 1) {
            return None;
        }
        let bits = self.columns.iter().flatten();
        let mut depths: Vec<u32> = bits.map(|bit| bit.depth).collect();
        depths.sort_unstable();
        depths.dedup();
        for depth in depths {
            let heights = self.heights(depth);
            for price in self.rule.prices() {
                if let Some(row) = best_row(&heights, *price).filter(|row| row.eliminated > 0) {
                    return Some(NextRow { row, depth });
                }
            }
        }
        let depth = u32::MAX;
        let heights = self.heights(depth);
        let tall = heights.iter().any(|height| height.bits > 2);
        let row = if tall { best_row(&heights, 0.0)? } else { Row::of_two_words(&heights) };
        Some(NextRow { row, depth })
    }

    /// Takes the bits of a row out of the heap; its columns are counted from the row's start.
    fn take(&mut self, NextRow { row, depth }: &NextRow) -> Compression<BitOf> {
        let mut taken: Vec<Vec<HeapBit>> = Vec::new();
        let mut counted = vec![0; row.end - row.start];
        let mut column = 0;
        for choice in &row.choices {
            for (count, bits) in counted[column..].iter_mut().zip([choice.ones, choice.twos]) {
                *count = bits;
            }
            column += choice.width;
        }
        let mut plain = Vec::new();
        for (bits, counted) in self.columns[row.start..row.end].iter_mut().zip(&counted) {
            // Inverted bits are counted first, so that what goes straight to the carry chain, now
            // and later, is none of them.
            bits.sort_by_key(|bit| (bit.depth > *depth, rank(bit.addend)));
            let there = bits.iter().take_while(|bit| bit.depth <= *depth).count();
            let best = (there > *counted).then(|| bits.remove(there - 1).addend);
            plain.push(best.unwrap_or(Addend::Zero));
            taken.push(bits.drain(..(*counted).min(bits.len())).collect());
        }
        let mut counters = Vec::new();
        let mut column = 0;
        for choice in &row.choices {
            let width = choice.width.min(taken.len() - column);
            let mut bits = taken[column..column + width]
                .iter()
                .map(|bits| bits.iter().map(|bit| bit.addend).collect::<Vec<_>>());
            let (ones, twos) = (bits.next().unwrap_or_default(), bits.next().unwrap_or_default());
            if choice.ones > 0 {
                counters.push(Counter { column: column as u32, width: width as u32, ones, twos });
            }
            column += width;
        }
        Compression { plain, counters }
    }

    /// Builds a row and puts its bits into the heap.
    fn add_row(
        &mut self,
        dataflow: &mut Dataflow,
        next: &NextRow,
        name: &str,
    ) -> Result<(), TooWide> {
        let row = &next.row;
        let sum = self.take(next);
        let max = sum.addends().filter(|(_, addend)| *addend != Addend::Zero);
        let max: i128 = max.map(|(column, _)| 1i128 << column).sum();
        let kept = (self.columns.len() - row.start).min(126) as u32;
        let max = max.min((1 << kept) - 1);
        let node = dataflow.compress(sum, Range::new(0, max), name)?;
        let depth = dataflow.depth(node);
        for bit in 0..dataflow.range(node).width() {
            let addend = Addend::Bit(BitOf { node, bit });
            self.push(row.start + bit as usize, HeapBit { addend, depth });
        }
        Ok(())
    }
}

/// How well a bit suits the carry chain, the worst first: an inverted one needs a table there.
fn rank(addend: Addend<BitOf>) -> u8 {
    match addend {
        Addend::Zero | Addend::Inverse(_) => 0,
        Addend::One => 1,
        Addend::Bit(_) => 2,
    }
}
