//! Trained numbers while they are read: extents and row-major elements.
//!
//! Guarantees: a tensor has as many elements as its extents say, and at most [`MAX_NUMBERS`].

use std::rc::Rc;

use rtl4ml_ir::Format;

/// How many elements a tensor may have: as many as a spec's weights.
pub const MAX_NUMBERS: usize = 1 << 24;

/// How many elements all tensors of a model may have together, those between layers included.
pub const MAX_TOTAL: usize = 1 << 24;

/// Extents and elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The extents, outermost first; none for a single number.
    pub extents: Vec<usize>,
    /// The elements, row-major.
    pub numbers: Rc<Vec<f64>>,
    /// The quantiser that made the elements, if one did.
    pub grid: Option<Grid>,
    /// Whether the elements are integers, for which division truncates.
    pub is_integer: bool,
}

/// What a quantiser says of the numbers that it made: each is an integer times its step.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The steps: one for all elements, or one for each.
    pub steps: Rc<Vec<f64>>,
    /// The integers that the quantiser has.
    pub integers: Format,
}

/// The number of elements, unless there are more than [`MAX_NUMBERS`].
pub fn element_count(extents: &[usize]) -> Option<usize> {
    let product = extents.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent));
    product.filter(|product| *product <= MAX_NUMBERS)
}

/// How far apart the elements along each axis are, row-major.
pub fn strides(extents: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; extents.len()];
    for axis in (1..extents.len()).rev() {
        strides[axis - 1] = strides[axis] * extents[axis];
    }
    strides
}

/// For each place of `extents`, row-major, the sum of its indices times `strides`.
pub fn walk(extents: &[usize], strides: &[usize]) -> Vec<usize> {
    let mut offsets = vec![0];
    for (extent, stride) in extents.iter().zip(strides) {
        let mut next = Vec::with_capacity(offsets.len() * extent);
        for offset in &offsets {
            next.extend((0..*extent).map(|index| offset + index * stride));
        }
        offsets = next;
    }
    offsets
}

/// The extents that two shapes broadcast to, aligned at the last axis.
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    let axes = (0..rank).map(|axis| match (extent(a, axis), extent(b, axis)) {
        (x, y) if x == y => Some(x),
        (1, other) | (other, 1) => Some(other),
        _ => None,
    });
    axes.collect()
}

impl Tensor {
    /// A tensor of these elements; `None` where the extents are for another number of them.
    pub fn new(extents: Vec<usize>, numbers: Vec<f64>) -> Option<Self> {
        (element_count(&extents) == Some(numbers.len())).then(|| Self {
            extents,
            numbers: Rc::new(numbers),
            grid: None,
            is_integer: false,
        })
    }

    /// A vector of integers.
    pub fn integers(numbers: Vec<f64>) -> Self {
        let extents = vec![numbers.len()];
        Self { extents, numbers: Rc::new(numbers), grid: None, is_integer: true }
    }

    /// The only element, if there is one only.
    pub fn single(&self) -> Option<f64> {
        match self.numbers.as_slice() {
            [number] => Some(*number),
            _ => None,
        }
    }

    /// The elements as integers, where they are.
    pub fn as_integers(&self) -> Option<Vec<i64>> {
        let integer = |number: &f64| {
            // Far below where a double stops holding every integer.
            (number.fract() == 0.0 && number.abs() < 1e15).then_some(*number as i64)
        };
        self.numbers.iter().map(integer).collect()
    }

    /// The elements at these indices, in this order, with these extents.
    pub fn gathered(&self, extents: Vec<usize>, indices: &[usize]) -> Self {
        let pick = |all: &Rc<Vec<f64>>| Rc::new(indices.iter().map(|i| all[*i]).collect());
        let grid = self.grid.as_ref().map(|grid| Grid {
            steps: if grid.steps.len() == 1 { grid.steps.clone() } else { pick(&grid.steps) },
            integers: grid.integers,
        });
        Self { extents, numbers: pick(&self.numbers), grid, is_integer: self.is_integer }
    }

    /// The axes in another order: axis i of the result is axis `axes[i]`.
    pub fn transposed(&self, axes: &[usize]) -> Self {
        let strides = strides(&self.extents);
        let extents: Vec<usize> = axes.iter().map(|axis| self.extents[*axis]).collect();
        let moved: Vec<usize> = axes.iter().map(|axis| strides[*axis]).collect();
        let indices = walk(&extents, &moved);
        self.gathered(extents, &indices)
    }

    /// The same elements with other extents of as many elements.
    pub fn reshaped(&self, extents: Vec<usize>) -> Option<Self> {
        let fits = element_count(&extents) == Some(self.numbers.len());
        fits.then(|| Self { extents, ..self.clone() })
    }

    /// Each element as often as broadcasting to `extents` needs it; `None` where it does not.
    pub fn broadcast_to(&self, extents: &[usize]) -> Option<Self> {
        if broadcast(&self.extents, extents)? != extents {
            return None;
        }
        element_count(extents)?;
        let missing = extents.len() - self.extents.len();
        let own = strides(&self.extents);
        let stride = |axis: usize| match axis.checked_sub(missing) {
            Some(axis) if self.extents[axis] > 1 => own[axis],
            _ => 0,
        };
        let strides: Vec<usize> = (0..extents.len()).map(stride).collect();
        Some(self.gathered(extents.to_vec(), &walk(extents, &strides)))
    }

    /// The elements changed one by one; what a quantiser said no longer holds.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        let numbers = Rc::new(self.numbers.iter().map(|number| f(*number)).collect());
        Self { numbers, grid: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(extents: &[usize], numbers: &[f64]) -> Tensor {
        Tensor::new(extents.to_vec(), numbers.to_vec()).unwrap()
    }

    #[test]
    fn axes_move_with_their_elements() {
        let a = tensor(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(a.transposed(&[1, 0]), tensor(&[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
        assert_eq!(a.transposed(&[0, 1]), a);
    }

    #[test]
    fn broadcasting_aligns_the_last_axes() {
        let column = tensor(&[2, 1], &[1.0, 2.0]);
        assert_eq!(column.broadcast_to(&[2, 2]).unwrap(), tensor(&[2, 2], &[1.0, 1.0, 2.0, 2.0]));
        assert_eq!(column.broadcast_to(&[3]), None);
        assert_eq!(broadcast(&[3, 1], &[4]), Some(vec![3, 4]));
        assert_eq!(broadcast(&[3], &[4]), None);
    }
}
