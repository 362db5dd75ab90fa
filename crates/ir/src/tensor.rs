//! Shapes, the types that values are cast to, and what is known of a tensor in the graph.

use std::fmt;

use crate::fixed::{FixedType, Format};
use crate::layers::ExactRange;
use crate::range::Range;

/// The most elements that a tensor between two layers may have.
///
/// Far above what fits an FPGA, and low enough that a mistyped shape costs an error, not memory.
pub const MAX_ELEMENTS: usize = 1 << 22;

/// The most elements that all tensors of a network may have together.
///
/// The range of each is kept (32 bytes), so this bounds what inference takes to 128 MiB.
pub const MAX_NETWORK_ELEMENTS: usize = 1 << 22;

/// The most multiplications that a network may do for one inference.
///
/// Each costs inference of ranges some 100 ns, so this bounds it to seconds.
pub const MAX_NETWORK_PRODUCTS: u64 = 1 << 26;

/// The extents of a tensor, channels last, stored row-major.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A shape, unless its extents multiply past [`MAX_ELEMENTS`] or one of them is zero.
    pub fn new(extents: impl Into<Vec<usize>>) -> Option<Self> {
        let extents = extents.into();
        extents
            .iter()
            .try_fold(1usize, |product, extent| product.checked_mul(*extent))
            .filter(|product| (1..=MAX_ELEMENTS).contains(product))
            .map(|_| Self(extents))
    }

    /// The extents, outermost first.
    pub fn extents(&self) -> &[usize] {
        &self.0
    }

    /// The number of elements.
    pub fn element_count(&self) -> usize {
        self.0.iter().product()
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extents: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "[{}]", extents.join(", "))
    }
}

/// The types that the elements of a tensor are cast to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Types {
    /// One type for every element.
    PerTensor(FixedType),
    /// One type for each element, row-major. A width of zero makes the element the constant 0.
    PerElement(Vec<FixedType>),
}

impl Types {
    /// The type of the element with the row-major index `index`.
    pub fn get(&self, index: usize) -> FixedType {
        match self {
            Self::PerTensor(ty) => *ty,
            Self::PerElement(types) => types[index],
        }
    }

    /// A format that cannot be declared, if there is one.
    pub fn illegal_format(&self) -> Option<Format> {
        let types = match self {
            Self::PerTensor(ty) => std::slice::from_ref(ty),
            Self::PerElement(types) => types,
        };
        types.iter().map(|ty| ty.format).find(|format| !format.is_legal())
    }

    /// The number of types, where each element has its own.
    pub fn len_per_element(&self) -> Option<usize> {
        match self {
            Self::PerTensor(_) => None,
            Self::PerElement(types) => Some(types.len()),
        }
    }
}

impl From<FixedType> for Types {
    fn from(ty: FixedType) -> Self {
        Self::PerTensor(ty)
    }
}

/// What is known of a tensor before any value flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorType {
    /// The extents.
    pub shape: Shape,
    /// The format of each element, or one for all: see [`TensorType::format`].
    formats: Vec<Format>,
    /// The exact range of each element's mantissa, within its format.
    pub ranges: Vec<Range>,
}

impl TensorType {
    /// A tensor all of whose elements have one format.
    pub fn uniform(shape: Shape, format: Format, ranges: Vec<Range>) -> Self {
        debug_assert_eq!(shape.element_count(), ranges.len());
        Self { shape, formats: vec![format], ranges }
    }

    /// A tensor whose elements are cast to `types` with the mantissa ranges `ranges`.
    pub fn cast(shape: Shape, types: &Types, ranges: Vec<Range>) -> Self {
        debug_assert_eq!(shape.element_count(), ranges.len());
        let formats = match types {
            Types::PerTensor(ty) => vec![ty.format],
            Types::PerElement(types) => types.iter().map(|ty| ty.format).collect(),
        };
        Self { shape, formats, ranges }
    }

    /// The format of the element with the row-major index `index`.
    pub fn format(&self, index: usize) -> Format {
        if self.formats.len() == 1 { self.formats[0] } else { self.formats[index] }
    }

    /// The one format of all elements, where they share it.
    pub fn common_format(&self) -> Option<Format> {
        let first = self.formats[0];
        self.formats.iter().all(|format| *format == first).then_some(first)
    }

    /// The same elements in another shape of as many elements.
    pub fn reshaped(&self, shape: Shape) -> Self {
        debug_assert_eq!(shape.element_count(), self.ranges.len());
        Self { shape, formats: self.formats.clone(), ranges: self.ranges.clone() }
    }

    /// The number of elements.
    pub fn element_count(&self) -> usize {
        self.ranges.len()
    }

    /// The range of an element's mantissa, and the bits after its binary point.
    pub fn exact_range(&self, index: usize) -> ExactRange {
        (self.ranges[index], self.format(index).fraction_bits())
    }

    /// [`TensorType::exact_range`] of every element, in order.
    pub fn exact_ranges(&self) -> impl Iterator<Item = ExactRange> + '_ {
        (0..self.element_count()).map(|index| self.exact_range(index))
    }

    /// The tensor whose elements are those of this one at `sources`, and zeros where there is
    /// none.
    pub fn gathered(&self, shape: Shape, sources: &[Option<usize>]) -> Self {
        debug_assert_eq!(shape.element_count(), sources.len());
        let range = |source: &Option<usize>| source.map_or(Range::ZERO, |index| self.ranges[index]);
        let formats = if let Some(format) = self.common_format() {
            vec![format]
        } else {
            let zero = Format::unsigned(0, 0);
            sources.iter().map(|source| source.map_or(zero, |i| self.format(i))).collect()
        };
        Self { shape, formats, ranges: sources.iter().map(range).collect() }
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.common_format() {
            Some(format) => write!(f, "{} of {format}", self.shape),
            None => write!(f, "{} of one format an element", self.shape),
        }
    }
}
