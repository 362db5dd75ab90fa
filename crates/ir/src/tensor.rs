//! Shapes, the types that values are cast to, and what is known of a tensor in the graph.

use std::fmt;

use crate::error::Problem;
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

    /// The extent of the last axis: channels, features or classes; 1 where there is no axis.
    pub fn last_extent(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
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
    /// Types that serve several elements each, until the verifier knows the tensor's shape and
    /// puts one type for each element, or one for all, in their place.
    Broadcast(BroadcastTypes),
}

/// Types whose axes are those of a tensor from its last one on: an axis with one type serves
/// every index of the tensor's, as does an axis that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastTypes {
    extents: Vec<usize>,
    types: Vec<FixedType>,
}

impl BroadcastTypes {
    /// Types in row-major order; `None` unless there is one for each place of the extents.
    pub fn new(extents: Vec<usize>, types: Vec<FixedType>) -> Option<Self> {
        let shape = Shape::new(extents)?;
        (shape.element_count() == types.len()).then_some(Self { extents: shape.0, types })
    }

    /// The extents of the types.
    pub fn extents(&self) -> &[usize] {
        &self.extents
    }

    /// One of the types.
    pub fn any(&self) -> FixedType {
        self.types[0]
    }

    /// The types of a tensor: one for all where all are the same, else one for each element.
    ///
    /// # Errors
    /// When the types' shape does not broadcast to that of the tensor.
    pub fn over(&self, shape: &Shape, what: &'static str) -> Result<Types, Problem> {
        if !broadcasts(&self.extents, shape.extents()) {
            let (found, expected) = (self.extents.clone(), shape.to_string());
            return Err(Problem::BroadcastTypes { what, found, expected });
        }
        let first = self.types[0];
        if self.types.iter().all(|ty| *ty == first) {
            return Ok(Types::PerTensor(first));
        }
        let sources = broadcast_indices(&self.extents, shape.extents());
        Ok(Types::PerElement(sources.into_iter().map(|index| self.types[index]).collect()))
    }
}

/// The extents to which several shapes broadcast.
pub fn broadcast_extents(shapes: &[&[usize]]) -> Option<Vec<usize>> {
    let rank = shapes.iter().map(|shape| shape.len()).max()?;
    let on_axis = |axis: usize| {
        let extents = shapes
            .iter()
            .map(|shape| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]));
        let wanted = extents.clone().max()?;
        extents.clone().all(|extent| extent == 1 || extent == wanted).then_some(wanted)
    };
    (0..rank).map(on_axis).collect()
}

/// Whether an array of the extents `from` serves a tensor of the extents `to`: aligned at the last
/// axis, each of its extents is 1 or that of the tensor.
pub fn broadcasts(from: &[usize], to: &[usize]) -> bool {
    let Some(missing) = to.len().checked_sub(from.len()) else {
        return false;
    };
    from.iter().zip(&to[missing..]).all(|(own, whole)| *own == 1 || own == whole)
}

/// For each element of `to`, the element of `from` that serves it.
///
/// # Panics
/// When `from` has more axes than `to`.
pub fn broadcast_indices(from: &[usize], to: &[usize]) -> Vec<usize> {
    let missing = to.len() - from.len();
    let count: usize = to.iter().product();
    let index_of = |flat: usize| {
        let mut rest = flat;
        let mut stride = 1;
        let mut index = 0;
        for (axis, extent) in to.iter().enumerate().rev() {
            let place = rest % extent;
            rest /= extent;
            if let Some(own) = axis.checked_sub(missing).map(|axis| from[axis]) {
                index += stride * if own == 1 { 0 } else { place };
                stride *= own;
            }
        }
        index
    };
    (0..count).map(index_of).collect()
}

impl Types {
    /// The type of the element with the row-major index `index`.
    ///
    /// # Panics
    /// Of [`Types::Broadcast`], which no verified network has.
    pub fn get(&self, index: usize) -> FixedType {
        match self {
            Self::PerTensor(ty) => *ty,
            Self::PerElement(types) => types[index],
            Self::Broadcast(_) => unreachable!("{UNRESOLVED}"),
        }
    }

    /// A format that cannot be declared, if there is one.
    pub fn illegal_format(&self) -> Option<Format> {
        let types = match self {
            Self::PerTensor(ty) => std::slice::from_ref(ty),
            Self::PerElement(types) | Self::Broadcast(BroadcastTypes { types, .. }) => types,
        };
        types.iter().map(|ty| ty.format).find(|format| !format.is_legal())
    }

    /// The number of types, where each element has its own.
    pub fn len_per_element(&self) -> Option<usize> {
        match self {
            Self::PerTensor(_) => None,
            Self::PerElement(types) | Self::Broadcast(BroadcastTypes { types, .. }) => {
                Some(types.len())
            }
        }
    }

    /// All of the types, each once for each place that it has: one where it serves all elements.
    pub fn all(&self) -> &[FixedType] {
        match self {
            Self::PerTensor(ty) => std::slice::from_ref(ty),
            Self::PerElement(types) | Self::Broadcast(BroadcastTypes { types, .. }) => types,
        }
    }
}

impl From<FixedType> for Types {
    fn from(ty: FixedType) -> Self {
        Self::PerTensor(ty)
    }
}

impl From<BroadcastTypes> for Types {
    fn from(types: BroadcastTypes) -> Self {
        Self::Broadcast(types)
    }
}

/// Why nothing but the verifier meets types that broadcast.
const UNRESOLVED: &str = "the verifier puts other types in place of those that broadcast";

impl fmt::Display for Types {
    /// One type as a spec writes it; several in the same form, with the least and the greatest of
    /// their numbers, e.g. `fixed<0..6,-1..3,RND,SAT>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all();
        let formats: Vec<Format> = all.iter().map(|ty| ty.format).collect();
        let span = spanned(&formats);
        let modes = |ty: &FixedType| (ty.rounding, ty.overflow);
        match all {
            [only] => write!(f, "{only}"),
            [first, rest @ ..] if rest.iter().all(|ty| modes(ty) == modes(first)) => {
                write!(f, "{span},{},{}>", first.rounding.name(), first.overflow.name())
            }
            _ => write!(f, "{span}>"),
        }
    }
}

/// What formats, of at least one element, span, in the form of a type without its end. The integer
/// bits are those of the elements that have any bits.
fn spanned(formats: &[Format]) -> String {
    let text = |numbers: &mut dyn Iterator<Item = i64>| {
        let ends = numbers.fold(None, |ends: Option<(i64, i64)>, number| {
            Some(ends.map_or((number, number), |(lo, hi)| (lo.min(number), hi.max(number))))
        });
        match ends.unwrap_or_default() {
            (lo, hi) if lo == hi => lo.to_string(),
            (lo, hi) => format!("{lo}..{hi}"),
        }
    };
    let wide = || formats.iter().filter(|format| format.width > 0);
    let name = match (wide().any(|format| format.signed), wide().all(|format| format.signed)) {
        (false, _) => "ufixed",
        (true, true) => "fixed",
        (true, false) => "(u)fixed",
    };
    let width = text(&mut formats.iter().map(|format| i64::from(format.width)));
    let integer_bits = text(&mut wide().map(|format| i64::from(format.integer_bits)));
    format!("{name}<{width},{integer_bits}")
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
            Types::Broadcast(_) => unreachable!("{UNRESOLVED}"),
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

    /// The formats for whoever reads a report: the one of all elements, or in the same form what
    /// they span, e.g. `fixed<0..6,-1..3>`.
    pub fn format_text(&self) -> String {
        match self.common_format() {
            Some(format) => format.to_string(),
            None => format!("{}>", spanned(&self.formats)),
        }
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
        write!(f, "{} of {}", self.shape, self.format_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(width: u32) -> FixedType {
        FixedType::new(Format::signed(width, 2))
    }

    fn over(extents: &[usize], widths: &[u32], tensor: &[usize]) -> Result<Vec<u32>, Problem> {
        let types = widths.iter().map(|width| ty(*width)).collect();
        let types = BroadcastTypes::new(extents.to_vec(), types).unwrap();
        let types = types.over(&Shape::new(tensor).unwrap(), "the result")?;
        Ok(types.all().iter().map(|ty| ty.format.width).collect())
    }

    #[test]
    fn types_are_spread_from_the_last_axis_on() {
        assert_eq!(over(&[2], &[4, 5], &[2, 2]), Ok(vec![4, 5, 4, 5]));
        assert_eq!(over(&[2, 1], &[4, 5], &[2, 2]), Ok(vec![4, 4, 5, 5]));
        assert_eq!(over(&[2, 2], &[4, 5, 6, 7], &[1, 2, 2]), Ok(vec![4, 5, 6, 7]));
        // All the same: one type for all.
        assert_eq!(over(&[2], &[4, 4], &[2, 2]), Ok(vec![4]));
        for extents in [&[3][..], &[1, 1, 1]] {
            let count: usize = extents.iter().product();
            assert!(over(extents, &vec![4; count], &[2, 2]).is_err(), "{extents:?}");
        }
        assert_eq!(BroadcastTypes::new(vec![2], vec![ty(4)]), None);
    }

    #[test]
    fn several_types_are_told_by_what_they_span() {
        let mixed = vec![ty(4), Format::unsigned(6, -1).into(), Format::unsigned(0, 9).into()];
        assert_eq!(Types::PerElement(mixed).to_string(), "(u)fixed<0..6,-1..2,TRN,WRAP>");
        let saturating = ty(4).with_modes(crate::Rounding::Rnd, crate::Overflow::Sat);
        assert_eq!(Types::PerElement(vec![ty(4), saturating]).to_string(), "fixed<4,2>");
        assert_eq!(Types::from(saturating).to_string(), "fixed<4,2,RND,SAT>");
    }
}
