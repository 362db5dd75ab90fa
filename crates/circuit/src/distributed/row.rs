//! Which bits of a heap one adder takes.
//!
//! A row is an adder over neighbouring columns: from each it takes one plain bit where there is
//! one, and counters take more of them (see [`rtl4ml_hdl::Compression`]). It leaves one bit in
//! each column, and a carry behind the last. Its cost is the look-up tables of the columns in
//! which something is added.

/// The bits that a counter takes of its columns, the lowest first: those that count once and those
/// that count twice. A counter with the bits of a full table, five, in three columns is the best
/// that there is: with the three plain bits eight bits become three, in three tables.
const COUNTERS: [Choice; 9] = [
    Choice { width: 3, ones: 3, twos: 2 },
    Choice { width: 3, ones: 4, twos: 1 },
    Choice { width: 3, ones: 5, twos: 0 },
    Choice { width: 3, ones: 2, twos: 2 },
    Choice { width: 3, ones: 4, twos: 0 },
    Choice { width: 2, ones: 3, twos: 0 },
    Choice { width: 2, ones: 2, twos: 0 },
    Choice { width: 1, ones: 1, twos: 0 },
    Choice { width: 1, ones: 0, twos: 0 },
];

/// The bits of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Height {
    /// How many there are.
    pub bits: usize,
    /// How many of them are inverted.
    pub inverted: usize,
}

/// The counter that starts in a column; without bits it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub width: usize,
    pub ones: usize,
    pub twos: usize,
}

/// The columns of a row and its counters, each at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The lowest column.
    pub start: usize,
    /// The column behind the highest; the carry goes there, unless the heap ends.
    pub end: usize,
    /// The counters one after the other, from `start` on.
    pub choices: Vec<Choice>,
    /// How many fewer bits the heap has afterwards.
    pub eliminated: isize,
}

impl Row {
    /// Columns in which nothing is added.
    pub fn passing(start: usize, end: usize) -> Self {
        Self { start, end, choices: Vec::new(), eliminated: 0 }
    }

    /// The adder of what has two bits a column at most, from the lowest such column to the top.
    pub fn of_two_words(heights: &[Height]) -> Self {
        let start = heights.iter().position(|height| height.bits > 1).unwrap_or(0);
        let choice =
            |height: &Height| Choice { width: 1, ones: usize::from(height.bits > 1), twos: 0 };
        let choices = heights[start..].iter().map(choice).collect();
        Self { start, end: heights.len(), choices, eliminated: 0 }
    }
}

/// The price of a column in which a carry is only passed on: it takes no table, but makes the
/// carry chain longer.
const PASSED_COLUMN: f64 = 0.05;

/// The row of the largest number of eliminated bits less `price` for each of its tables; `None`
/// where no row is worth its price. `heights` are the bits of each column; behind the last column
/// nothing is kept.
pub(super) fn best_row(heights: &[Height], price: f64) -> Option<Row> {
    let columns = heights.len();
    // The best continuation of a row whose carry enters the column: its value, and the choice.
    let mut best: Vec<(f64, Option<Choice>)> = vec![(0.0, None); columns + 1];
    for column in (0..columns).rev() {
        // A row that ends here leaves its carry.
        best[column] = (-1.0, None);
        for choice in COUNTERS {
            let Some((eliminated, tables)) = effect(heights, column, choice) else {
                continue;
            };
            let passed = if tables == 0 { PASSED_COLUMN } else { 0.0 };
            let value = eliminated as f64 - price * tables as f64 - passed
                + best[(column + choice.width).min(columns)].0;
            if value > best[column].0 {
                best[column] = (value, Some(choice));
            }
        }
    }
    let starts =
        (0..columns).filter(|column| best[*column].1.is_some_and(|choice| choice.ones > 0));
    let start = starts.max_by(|a, b| best[*a].0.total_cmp(&best[*b].0))?;
    if best[start].0 <= 0.0 {
        return None;
    }
    let mut row = Row { start, end: start, choices: Vec::new(), eliminated: 0 };
    while let Some(choice) = best[row.end].1 {
        row.eliminated += effect(heights, row.end, choice).map_or(0, |(bits, _)| bits);
        row.choices.push(choice);
        row.end = (row.end + choice.width).min(columns);
        if row.end == columns {
            return Some(row);
        }
    }
    row.eliminated -= 1;
    Some(row)
}

/// The bits that a choice eliminates and the tables that it takes; `None` where the columns do
/// not have the bits.
fn effect(heights: &[Height], column: usize, choice: Choice) -> Option<(isize, usize)> {
    let Choice { width, ones, twos } = choice;
    let (mut eliminated, mut tables) = (0, 0);
    for (offset, height) in heights[column..].iter().take(width).enumerate() {
        let counted = [ones, twos, 0][offset];
        let plain = height.bits.checked_sub(counted)?.min(1);
        eliminated += (counted + plain) as isize - 1;
        tables += usize::from(offset > 0 || counted > 1 || counted + plain > 1);
        // A table of its own inverts what goes straight to the carry chain.
        tables += usize::from(plain == 1 && height.bits == height.inverted);
    }
    // Bits beyond the last column cannot be counted.
    let beyond = column + 1 == heights.len() && twos > 0;
    (!beyond).then_some((eliminated, tables))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heights<const N: usize>(bits: [usize; N]) -> [Height; N] {
        bits.map(|bits| Height { bits, inverted: 0 })
    }

    #[test]
    fn eight_bits_in_three_columns_take_three_tables() {
        let row = best_row(&heights([4, 3, 1]), 1.0).unwrap();
        assert_eq!((row.start, row.end), (0, 3));
        assert_eq!(row.choices, [Choice { width: 3, ones: 3, twos: 2 }]);
        assert_eq!(effect(&heights([4, 3, 1]), 0, row.choices[0]), Some((5, 3)));
        assert_eq!(row.eliminated, 5);
    }

    #[test]
    fn two_words_are_added_as_they_are() {
        let row = best_row(&heights([1, 1, 2, 2, 2, 1]), 0.0).unwrap();
        assert_eq!((row.start, row.end), (2, 6));
        assert_eq!(row.eliminated, 3);
        assert_eq!(best_row(&heights([1, 1, 1]), 0.0), None);
    }

    #[test]
    fn a_high_price_leaves_rows_that_eliminate_little() {
        assert!(best_row(&heights([2, 2, 2, 2]), 1.2).is_none());
        assert!(best_row(&heights([4, 3, 1, 4, 3, 1]), 1.2).is_some());
    }
}
