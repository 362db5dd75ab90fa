//! Layers that combine several tensors element by element, and their concatenation.

use super::kernel::{ExactRange, exact_sum};
use super::pool::maximum;
use super::{ResultType, bounded, result_tensor};
use crate::error::Problem;
use crate::exact::times;
use crate::fixed::FixedType;
use crate::network::words_of;
use crate::range::Range;
use crate::tensor::{Shape, TensorType, broadcast_extents, broadcast_indices};

/// How elements at the same place become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MergeKind {
    /// Their sum.
    Add,
    /// The first less the second; two inputs only.
    Subtract,
    /// Their product.
    Multiply,
    /// Their sum divided by their number, which is a power of two.
    Average,
    /// The largest.
    Maximum,
    /// The smallest.
    Minimum,
}

words_of!(MergeKind: Add = "add", Subtract = "subtract", Multiply = "multiply", Average = "average",
    Maximum = "maximum", Minimum = "minimum");

/// y = result( merge( inputs ) ), exact before the cast.
///
/// The inputs have one shape, or shapes that broadcast to one: aligned at the last axis, an
/// extent of 1 (or an axis that is not there) serves every index of the others' axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// How elements become one.
    pub kind: MergeKind,
    /// The type of the result.
    pub result: ResultType,
}

/// The inputs one after the other along an axis, each element cast to the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Concatenate {
    /// The axis, counted from 0; negative ones from the last: -1 is the channels.
    pub axis: i32,
    /// The type of the result.
    pub result: ResultType,
}

/// The scalar product of two tensors with one axis: y\[0\] = result( sum over k of a\[k\] * b\[k\] ).
///
/// With an explicit accumulator type each exact product is cast to it and the sums are taken in
/// it, k ascending; without one the sum is exact.
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    /// The accumulator's type.
    pub accum: Option<FixedType>,
    /// The type of the result. `Auto` is the accumulator's type where that is explicit.
    pub result: ResultType,
}

/// A scalar product in the steps of a computation in plain integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DotSteps {
    /// A product.
    pub product: ExactRange,
    /// The accumulator's type, and the sum of any number of it and a product that was cast to it;
    /// without a type the sum is the result.
    pub sums: Option<(FixedType, ExactRange)>,
    /// The sum of all products.
    pub result: ExactRange,
}

impl Merge {
    /// For each input, the element that meets each element of the output, and the output's shape.
    ///
    /// # Errors
    /// When the shapes do not broadcast to one.
    pub fn broadcast(&self, inputs: &[&TensorType]) -> Result<(Shape, Vec<Vec<usize>>), Problem> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape.extents()).collect();
        let extents = broadcast_extents(&shapes)
            .ok_or_else(|| Problem::shapes_of(self.kind.word(), inputs))?;
        let shape = Shape::new(extents.clone()).ok_or(Problem::TensorSize { extents })?;
        let indices = shapes.iter().map(|from| broadcast_indices(from, shape.extents())).collect();
        Ok((shape, indices))
    }

    pub(super) fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, Problem> {
        let kind = self.kind.word();
        match (self.kind, inputs.len()) {
            (MergeKind::Subtract, found) if found != 2 => {
                return Err(Problem::InputCount { kind, expected: "2", found });
            }
            (MergeKind::Average, found) if found < 2 || !found.is_power_of_two() => {
                return Err(Problem::InputCount { kind, expected: "2, 4, 8, ...", found });
            }
            (_, found) if found < 2 => {
                return Err(Problem::InputCount { kind, expected: "2 or more", found });
            }
            _ => {}
        }
        let (shape, indices) = self.broadcast(inputs)?;
        let merged = |element: usize| {
            let terms: Vec<ExactRange> = inputs
                .iter()
                .zip(&indices)
                .map(|(input, indices)| input.exact_range(indices[element]))
                .collect();
            self.merged(&terms)
        };
        let exact = (0..shape.element_count()).map(merged).collect::<Result<Vec<_>, _>>()?;
        result_tensor(shape, &exact, &self.result)
    }

    /// The exact result of elements anywhere in these ranges, one an input, in the steps of a
    /// computation in plain integers: all on one grid, but for products, which may each be on
    /// their own. `None` where a step leaves the numbers of a [`Range`].
    pub fn exact_result(&self, inputs: &[ExactRange]) -> Option<ExactRange> {
        let (first, others) = inputs.split_first()?;
        let (mut result, mut grid) = *first;
        for (range, own_grid) in others {
            result = match self.kind {
                MergeKind::Add | MergeKind::Average => result.plus(*range)?,
                MergeKind::Subtract => result.plus(range.negated())?,
                MergeKind::Multiply => result.times(*range)?,
                MergeKind::Maximum | MergeKind::Minimum => result.union(*range),
            };
            if self.kind == MergeKind::Multiply {
                grid += own_grid;
            }
        }
        if self.kind == MergeKind::Average {
            grid += inputs.len().ilog2() as i32;
        }
        Some((result, grid))
    }

    /// The exact result of elements with these ranges.
    fn merged(&self, terms: &[ExactRange]) -> Result<ExactRange, Problem> {
        let what = format!("an element of the {}", self.kind.word());
        let negated = |(range, fraction): ExactRange| (range.negated(), fraction);
        match self.kind {
            MergeKind::Add => exact_sum(terms.iter().copied(), &what),
            MergeKind::Subtract => exact_sum([terms[0], negated(terms[1])].into_iter(), &what),
            MergeKind::Average => {
                let (sum, fraction) = exact_sum(terms.iter().copied(), &what)?;
                Ok((sum, fraction + terms.len().ilog2() as i32))
            }
            MergeKind::Multiply => {
                let (first, rest) = (terms[0], &terms[1..]);
                rest.iter().try_fold(first, |(product, fraction), (range, more)| {
                    Ok((bounded(product.times(*range), &what)?, fraction + more))
                })
            }
            MergeKind::Maximum => maximum(terms),
            MergeKind::Minimum => {
                let negatives: Vec<ExactRange> = terms.iter().copied().map(negated).collect();
                maximum(&negatives).map(negated)
            }
        }
    }
}

impl Concatenate {
    /// For each element of the output, the input that it comes from and its index there; and the
    /// output's shape.
    ///
    /// # Errors
    /// When the inputs' shapes do not fit together.
    pub fn sources(&self, inputs: &[&TensorType]) -> Result<(Shape, Vec<(usize, usize)>), Problem> {
        let Some(first) = inputs.first().filter(|_| inputs.len() >= 2) else {
            let found = inputs.len();
            return Err(Problem::InputCount { kind: "concatenate", expected: "2 or more", found });
        };
        let rank = first.shape.rank() as i32;
        let axis = if self.axis < 0 { self.axis.saturating_add(rank) } else { self.axis };
        if !(0..rank).contains(&axis) {
            // The author counts the batch as axis 0.
            let found = if self.axis < 0 { self.axis } else { self.axis.saturating_add(1) };
            let shape = first.shape.to_string();
            return Err(Problem::Axis { found, rank: first.shape.rank(), shape });
        }
        let axis = axis as usize;
        let without = |tensor: &TensorType| {
            let mut extents = tensor.shape.extents().to_vec();
            (extents.len() == rank as usize).then(|| extents.remove(axis))?;
            Some(extents)
        };
        if inputs.iter().any(|input| without(input) != without(first)) {
            return Err(Problem::shapes_of("concatenate", inputs));
        }
        let lengths: Vec<usize> = inputs.iter().map(|input| input.shape.extents()[axis]).collect();
        let mut extents = first.shape.extents().to_vec();
        extents[axis] = lengths.iter().sum();
        let outer: usize = extents[..axis].iter().product();
        let inner: usize = extents[axis + 1..].iter().product();
        let shape = Shape::new(extents.clone()).ok_or(Problem::TensorSize { extents })?;
        let mut sources = Vec::with_capacity(shape.element_count());
        for block in 0..outer {
            for (input, length) in lengths.iter().enumerate() {
                let size = length * inner;
                sources.extend((block * size..(block + 1) * size).map(|index| (input, index)));
            }
        }
        Ok((shape, sources))
    }

    pub(super) fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, Problem> {
        let (shape, sources) = self.sources(inputs)?;
        let exact: Vec<ExactRange> =
            sources.iter().map(|(input, index)| inputs[*input].exact_range(*index)).collect();
        result_tensor(shape, &exact, &self.result)
    }
}

impl Dot {
    /// The steps on two tensors of `count` elements in these ranges; `None` where 128 bits do not
    /// hold one of them.
    pub fn exact_steps(&self, inputs: &[ExactRange], count: usize) -> Option<DotSteps> {
        let [(a, a_grid), (b, b_grid)] = inputs else { return None };
        let (product, grid) = (a.times(*b)?, a_grid + b_grid);
        let exact = (product, grid);
        let Some(accum) = self.accum else {
            let result = (times(product.union(Range::ZERO), count as i128)?, grid);
            return Some(DotSteps { product: exact, sums: None, result });
        };
        let result = (accum.format.range(), accum.fraction_bits());
        let sums = (result.0.plus(product.cast(grid, accum))?, accum.fraction_bits());
        Some(DotSteps { product: exact, sums: Some((accum, sums)), result })
    }

    /// How the sum becomes the layer's result.
    pub fn result_type(&self) -> ResultType {
        self.result.clone().or_accum(self.accum)
    }

    pub(super) fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, Problem> {
        let [a, b] = inputs else {
            let found = inputs.len();
            return Err(Problem::InputCount { kind: "dot", expected: "2", found });
        };
        if a.shape != b.shape || a.shape.rank() != 1 {
            return Err(Problem::shapes_of("dot", inputs));
        }
        let product = |((a, a_fraction), (b, b_fraction)): (ExactRange, ExactRange)| {
            Ok((bounded(a.times(b), "a product")?, a_fraction + b_fraction))
        };
        let products = a.exact_ranges().zip(b.exact_ranges()).map(product);
        let products = products.collect::<Result<Vec<ExactRange>, Problem>>()?;
        let sum = match self.accum {
            None => exact_sum(products.into_iter(), "the sum")?,
            Some(accum) => {
                let mut sum = Range::ZERO;
                for (range, fraction) in products {
                    let exact = sum.plus(range.cast(fraction, accum));
                    sum = bounded(exact, "the sum")?.cast(accum.fraction_bits(), accum);
                }
                (sum, accum.fraction_bits())
            }
        };
        let extents = vec![1];
        let shape = Shape::new(extents.clone()).ok_or(Problem::TensorSize { extents })?;
        result_tensor(shape, &[sum], &self.result_type())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Format;

    fn tensor(extents: &[usize], format: Format) -> TensorType {
        let shape = Shape::new(extents).unwrap();
        let ranges = vec![format.range(); shape.element_count()];
        TensorType::uniform(shape, format, ranges)
    }

    #[test]
    fn shapes_broadcast_from_the_last_axis() {
        assert_eq!(broadcast_extents(&[&[4, 3, 2], &[2], &[3, 1]]), Some(vec![4, 3, 2]));
        assert_eq!(broadcast_extents(&[&[4, 3], &[4]]), None);
        assert_eq!(broadcast_indices(&[2, 1], &[2, 2, 3]), [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn an_average_of_two_has_one_more_bit_after_the_point() {
        let (a, b) = (tensor(&[2], Format::signed(4, 2)), tensor(&[2], Format::unsigned(3, 2)));
        let merge = Merge { kind: MergeKind::Average, result: ResultType::Auto };
        let found = merge.infer(&[&a, &b]).unwrap();
        // -8 .. 7 quarters and 0 .. 7 halves: -8 .. 21 eighths after the division.
        assert_eq!(found.ranges, [Range::new(-8, 21); 2]);
        assert_eq!(found.common_format(), Some(Format::signed(6, 3)));
    }

    #[test]
    fn concatenation_goes_block_by_block() {
        let (a, b) = (tensor(&[2, 2], Format::signed(4, 2)), tensor(&[2, 1], Format::signed(4, 2)));
        let concatenate = |axis| Concatenate { axis, result: ResultType::Auto };
        let (shape, sources) = concatenate(-1).sources(&[&a, &b]).unwrap();
        assert_eq!(shape.extents(), [2, 3]);
        assert_eq!(sources, [(0, 0), (0, 1), (1, 0), (0, 2), (0, 3), (1, 1)]);
        assert!(concatenate(0).sources(&[&a, &b]).is_err());
        assert!(concatenate(2).sources(&[&a, &b]).is_err());
    }
}
