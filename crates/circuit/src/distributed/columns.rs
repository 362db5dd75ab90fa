//! Sums that are nearly another sum: the matrix taken apart over correlated columns.
//!
//! Where the column of a sum differs from that of another, or from its negative, in few digits,
//! the sum is the other one plus these digits. A sum that others are built on is built of its
//! inputs, so that sums become deeper by one step and no more.

use rtl4ml_ir::{Range, Value};

use super::{Rule, Sum};
use crate::dataflow::sum::signed_digits;
use crate::dataflow::{Dataflow, Term};

/// What a sum is built on: that sum, or its negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub sum: usize,
    pub negative: bool,
}

/// The share of a column's bits that is left when words are shared: only a difference with fewer
/// is worth it, because few of its words will be.
const LEFT_AFTER_SHARING: f64 = 0.35;

/// The largest number of weights that pairs of columns are compared for.
const MOST_COMPARED: usize = 1 << 24;

/// What each sum is built on.
pub(super) fn bases(
    dataflow: &Dataflow,
    inputs: &[Term],
    sums: &[Sum],
    rule: Rule,
) -> Vec<Option<Base>> {
    let mut bases = vec![None; sums.len()];
    let grid = sums.iter().flat_map(|sum| &sum.weights).map(|weight| weight.fraction_bits).max();
    let compared = sums.len() * sums.len() * inputs.len();
    let (Some(grid), Rule::Thrifty, 1..=MOST_COMPARED) = (grid, rule, compared) else {
        return bases;
    };
    let widths: Vec<u32> = inputs
        .iter()
        .map(|input| Some(dataflow.range(input.node)).filter(|r| r.as_constant().is_none()))
        .map(|range| range.map_or(0, Range::width))
        .collect();
    let columns: Vec<Vec<i128>> = sums.iter().map(|sum| on_grid(&sum.weights, grid)).collect();
    let bits = |column: &mut dyn Iterator<Item = i128>| -> f64 {
        let of = |(weight, width): (i128, &u32)| signed_digits(weight.abs()).len() as u32 * width;
        f64::from(column.zip(&widths).map(of).sum::<u32>())
    };
    let own: Vec<f64> = columns.iter().map(|c| bits(&mut c.iter().copied())).collect();
    // A sum is about as wide as its widest product, and half the logarithm of their number.
    let widest = widths.iter().max().copied().unwrap_or(0);
    let width = f64::from(widest + inputs.len().ilog2() / 2 + 4);
    let gain = |base: usize, sum: usize| {
        let differences = [false, true].map(|negative| {
            let pairs = columns[sum].iter().zip(&columns[base]);
            let mut rest = pairs.map(|(own, base)| if negative { own + base } else { own - base });
            (bits(&mut rest) + width, negative)
        });
        let [same, inverse] = differences;
        let (cost, negative) = if inverse.0 < same.0 { inverse } else { same };
        (LEFT_AFTER_SHARING * own[sum] - cost, negative)
    };
    // The terms of a sum, which may be products of others, stay where they are.
    let is_plain = |sum: usize| sums[sum].terms.is_empty();
    let mut found: Vec<(f64, usize, Base)> = Vec::new();
    for base in (0..sums.len()).filter(|base| is_plain(*base)) {
        for sum in (0..sums.len()).filter(|sum| *sum != base && is_plain(*sum)) {
            let (gain, negative) = gain(base, sum);
            if gain > 0.0 {
                found.push((gain, sum, Base { sum: base, negative }));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2.sum).cmp(&(b.1, b.2.sum))));
    let mut is_base = vec![false; sums.len()];
    for (_, sum, base) in found {
        if bases[sum].is_none() && !is_base[sum] && bases[base.sum].is_none() {
            bases[sum] = Some(base);
            is_base[base.sum] = true;
        }
    }
    bases
}

/// What is left of the weights of a sum that is built on another.
pub(super) fn difference(sum: &Sum, base: &Sum, negative: bool) -> Vec<Value> {
    let pairs = sum.weights.iter().zip(&base.weights);
    let difference = pairs.map(|(own, base)| {
        let fraction_bits = own.fraction_bits.max(base.fraction_bits);
        let [own, base] = [own, base].map(|weight| on_grid(&[*weight], fraction_bits)[0]);
        Value { mantissa: if negative { own + base } else { own - base }, fraction_bits }
    });
    difference.collect()
}

fn on_grid(weights: &[Value], grid: i32) -> Vec<i128> {
    weights.iter().map(|weight| weight.mantissa << (grid - weight.fraction_bits)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(columns: &[[i128; 8]]) -> (Dataflow, Vec<Term>, Vec<Sum>) {
        let mut dataflow = Dataflow::default();
        let input = |index| {
            let node = dataflow.input(format!("x_{index}"), Range::new(-128, 127));
            Term { node, fraction_bits: 0, negative: false }
        };
        let inputs = (0..8).map(input).collect();
        let value = |mantissa: &i128| Value { mantissa: *mantissa, fraction_bits: 0 };
        let sum = |(index, column): (usize, &[i128; 8])| Sum {
            weights: column.iter().map(value).collect(),
            terms: Vec::new(),
            constant: Value::ZERO,
            name: format!("sum_{index}"),
        };
        (dataflow, inputs, columns.iter().enumerate().map(sum).collect())
    }

    #[test]
    fn a_sum_is_built_on_one_that_is_nearly_its_negative() {
        let column = [85, -77, 43, 91, 37, -107, 73, 53];
        let mut opposite = column.map(|weight| -weight);
        opposite[3] += 4;
        let other = [1, 64, -2, 8, 0, 16, 4, 32];
        let (dataflow, inputs, sums) = sums(&[column, other, opposite]);
        let bases = bases(&dataflow, &inputs, &sums, Rule::Thrifty);
        // Either may be the base of the other; the third has digits too few to be built on one.
        let built = [Base { sum: 2, negative: true }, Base { sum: 0, negative: true }];
        assert!(bases == [Some(built[0]), None, None] || bases == [None, None, Some(built[1])]);
        let rest = difference(&sums[2], &sums[0], true);
        let rest: Vec<i128> = rest.iter().map(|weight| weight.mantissa).collect();
        assert_eq!(rest, [0, 0, 0, 4, 0, 0, 0, 0]);
        // A level of adders is not to be had by the other rules.
        assert_eq!(self::bases(&dataflow, &inputs, &sums, Rule::Balanced), [None; 3]);
    }
}
