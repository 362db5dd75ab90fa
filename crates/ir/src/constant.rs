//! Weights and biases: integers with their type, and what rounding them into it did.

use crate::fixed::{FixedType, NotFinite, Value, from_f64_exact};
use crate::range::Range;
use crate::tensor::Types;

/// A tensor of constants, each a mantissa in its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// The extents, outermost first.
    pub extents: Vec<usize>,
    /// The type that the numbers were cast to.
    pub types: Types,
    /// The mantissas, row-major.
    mantissas: Vec<i128>,
    /// What the cast changed.
    pub report: QuantizationReport,
}

/// What casting real numbers into a type changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QuantizationReport {
    /// How many numbers there were.
    pub count: usize,
    /// How many of them the type did not hold exactly.
    pub changed: usize,
    /// How many of those left the type's range, so that they wrapped or saturated.
    pub overflowed: usize,
    /// The largest magnitude of a change.
    pub max_error: f64,
    /// The mean magnitude of the change over all numbers.
    pub mean_error: f64,
}

impl QuantizationReport {
    /// What was changed in both.
    pub fn plus(self, other: Self) -> Self {
        let count = self.count + other.count;
        let total = self.mean_error * self.count as f64 + other.mean_error * other.count as f64;
        Self {
            count,
            changed: self.changed + other.changed,
            overflowed: self.overflowed + other.overflowed,
            max_error: self.max_error.max(other.max_error),
            mean_error: if count == 0 { 0.0 } else { total / count as f64 },
        }
    }
}

/// Why numbers could not become a [`Constant`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConstantError {
    /// The shape does not have as many elements as there are numbers.
    #[error("shape {extents:?} does not hold {count} numbers")]
    Count {
        /// The extents asked for.
        extents: Vec<usize>,
        /// How many numbers were given.
        count: usize,
    },
    /// The per-element types are not as many as there are numbers.
    #[error("{types} types were given for {count} numbers")]
    Types {
        /// How many types were given.
        types: usize,
        /// How many numbers were given.
        count: usize,
    },
    /// One of the numbers is NaN or infinite.
    #[error("{source} (at index {index:?})")]
    NotFinite {
        /// The position, one index an axis.
        index: Vec<usize>,
        /// What was found there.
        source: NotFinite,
    },
}

impl Constant {
    /// Casts real numbers, row-major, into `types`.
    ///
    /// # Errors
    /// [`ConstantError`] when shape, types and numbers do not fit together or a number is not
    /// finite.
    pub fn quantize(
        extents: impl Into<Vec<usize>>,
        numbers: &[f64],
        types: impl Into<Types>,
    ) -> Result<Self, ConstantError> {
        let (extents, types, count) = (extents.into(), types.into(), numbers.len());
        let elements = extents.iter().try_fold(1usize, |product, e| product.checked_mul(*e));
        if elements != Some(count) {
            return Err(ConstantError::Count { extents, count });
        }
        if let Some(types) = types.len_per_element().filter(|types| *types != count) {
            return Err(ConstantError::Types { types, count });
        }
        let mut report = QuantizationReport { count, ..QuantizationReport::default() };
        let mut total_error = 0.0;
        let mut mantissas = Vec::with_capacity(count);
        for (index, number) in numbers.iter().enumerate() {
            let ty = types.get(index);
            let exact = from_f64_exact(*number).map_err(|source| ConstantError::NotFinite {
                index: unravel(index, &extents),
                source,
            })?;
            let mantissa = ty.cast(exact);
            mantissas.push(mantissa);
            let overflowed = ty.overflows(exact);
            report.overflowed += usize::from(overflowed);
            report.changed += usize::from(overflowed || !ty.is_on_grid(exact));
            let error = (ty.format.to_f64(mantissa) - number).abs();
            report.max_error = report.max_error.max(error);
            total_error += error;
        }
        if count > 0 {
            report.mean_error = total_error / count as f64;
        }
        Ok(Self { extents, types, mantissas, report })
    }

    /// A constant from mantissas that already are in `ty`.
    ///
    /// # Errors
    /// [`ConstantError::Count`] when the shape does not have as many elements.
    ///
    /// # Panics
    /// When a mantissa is outside of the type, which is a mistake of the caller.
    pub fn from_mantissas(
        extents: impl Into<Vec<usize>>,
        mantissas: Vec<i128>,
        ty: FixedType,
    ) -> Result<Self, ConstantError> {
        let (extents, count) = (extents.into(), mantissas.len());
        if extents.iter().try_fold(1usize, |product, e| product.checked_mul(*e)) != Some(count) {
            return Err(ConstantError::Count { extents, count });
        }
        assert!(mantissas.iter().all(|m| ty.format.contains(*m)), "mantissas are in the type");
        let report = QuantizationReport { count, ..QuantizationReport::default() };
        Ok(Self { extents, types: ty.into(), mantissas, report })
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.mantissas.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.mantissas.is_empty()
    }

    /// The element with the row-major index `index`.
    pub fn get(&self, index: usize) -> Value {
        let fraction_bits = self.types.get(index).fraction_bits();
        Value { mantissa: self.mantissas[index], fraction_bits }
    }

    /// The bits after the binary point of the finest element.
    pub fn fraction_bits(&self) -> i32 {
        self.types.all().iter().map(|ty| ty.fraction_bits()).max().unwrap_or_default()
    }

    /// The elements' range on the grid of [`Constant::fraction_bits`]; `None` if too wide.
    pub fn range(&self) -> Option<Range> {
        let grid = self.fraction_bits();
        (0..self.len()).try_fold(Range::ZERO, |range, index| {
            let value = self.get(index);
            let up = (grid - value.fraction_bits) as u32;
            Some(range.union(Range::constant(value.mantissa).shifted_left(up)?))
        })
    }
}

/// The position, one index an axis, of a row-major index.
fn unravel(mut index: usize, extents: &[usize]) -> Vec<usize> {
    let mut position = vec![0; extents.len()];
    for (place, extent) in position.iter_mut().zip(extents).rev() {
        *place = index % extent;
        index /= extent;
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_counts_what_rounding_and_overflow_changed() {
        let ty: FixedType = "fixed<4,2,RND,SAT>".parse().unwrap();
        let weight = Constant::quantize([2, 2], &[0.25, 0.3, -5.0, 1.75], ty).unwrap();
        assert_eq!((0..4).map(|i| weight.get(i).mantissa).collect::<Vec<_>>(), [1, 1, -8, 7]);
        assert_eq!((weight.report.changed, weight.report.overflowed), (2, 1));
        assert!((weight.report.max_error - 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_number_that_is_not_finite_is_located() {
        let ty: FixedType = "fixed<4,2>".parse().unwrap();
        let error = Constant::quantize([2, 3], &[0., 0., 0., 0., f64::NAN, 0.], ty).unwrap_err();
        assert_eq!(error.to_string(), "NaN is not a finite number (at index [1, 1])");
    }
}
