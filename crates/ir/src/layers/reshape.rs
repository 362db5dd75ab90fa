//! Reshape and flatten: the same elements, row-major, in another shape.

use crate::error::Problem;
use crate::tensor::{Shape, TensorType};

/// The shape that the elements take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reshape {
    /// One axis.
    Flatten,
    /// The given extents; at most one is `None` and follows from the others.
    To(Vec<Option<usize>>),
}

impl Reshape {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Flatten => "flatten",
            Self::To(_) => "reshape",
        }
    }

    pub(super) fn infer(&self, input: &TensorType) -> Result<TensorType, Problem> {
        let count = input.element_count();
        let wanted = match self {
            Self::Flatten => vec![None],
            Self::To(extents) => extents.clone(),
        };
        let known = wanted.iter().flatten().try_fold(1usize, |p, extent| p.checked_mul(*extent));
        let free = known
            .filter(|known| *known > 0 && count.is_multiple_of(*known))
            .map(|known| count / known);
        let extents: Option<Vec<usize>> = wanted.iter().map(|extent| extent.or(free)).collect();
        extents
            .and_then(Shape::new)
            .filter(|shape| shape.element_count() == count)
            .map(|shape| input.reshaped(shape))
            .ok_or_else(|| Problem::Reshape {
                found: input.shape.to_string(),
                found_count: count,
                wanted,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Format;

    #[test]
    fn one_extent_may_be_left_open() {
        let format = Format::signed(4, 4);
        let shape = Shape::new([2, 6]).unwrap();
        let input = TensorType::uniform(shape, format, vec![format.range(); 12]);
        let shape = |extents: &[Option<usize>]| {
            Reshape::To(extents.to_vec()).infer(&input).map(|t| t.shape.extents().to_vec())
        };
        assert_eq!(shape(&[Some(3), None]), Ok(vec![3, 4]));
        assert_eq!(shape(&[Some(12)]), Ok(vec![12]));
        assert!(shape(&[Some(5), None]).is_err());
        assert!(shape(&[None, None]).is_err());
        assert!(shape(&[Some(usize::MAX), Some(2)]).is_err());
        assert!(shape(&[Some(0), None]).is_err());
        assert_eq!(Reshape::Flatten.infer(&input).unwrap().shape.extents(), [12]);
    }
}
