//! The machine's integers in C++, and numbers and tables as text.

use rtl4ml_ir::{Range, TensorType};

/// An integer type of C++.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Number {
    /// `std::int32_t`
    I32,
    /// `std::int64_t`
    I64,
    /// `wide`, the compiler's 128 bits: every number that a `Range` can have.
    I128,
}

impl Number {
    /// From the narrowest.
    pub const ALL: [Self; 3] = [Self::I32, Self::I64, Self::I128];

    /// Its name in the header.
    pub fn name(self) -> &'static str {
        match self {
            Self::I32 => "std::int32_t",
            Self::I64 => "std::int64_t",
            Self::I128 => "wide",
        }
    }

    pub fn bits(self) -> u32 {
        match self {
            Self::I32 => 32,
            Self::I64 => 64,
            Self::I128 => 128,
        }
    }

    fn range(self) -> Range {
        match self {
            Self::I128 => Range { lo: i128::MIN, hi: i128::MAX },
            narrower => Range::new(-(1 << (narrower.bits() - 1)), (1 << (narrower.bits() - 1)) - 1),
        }
    }

    /// Whether it has every integer of a range.
    pub fn holds(self, range: Range) -> bool {
        range.within(self.range())
    }

    /// The integer of it that is nearest.
    pub fn saturated(self, integer: i128) -> i128 {
        integer.clamp(self.range().lo, self.range().hi)
    }

    /// The low bits, as an integer of it.
    pub fn low_bits(self, integer: i128) -> i128 {
        let unused = 128 - self.bits();
        (integer << unused) >> unused
    }

    /// That in which the elements of a tensor are kept.
    pub fn of_tensor(tensor: &TensorType) -> Self {
        let union = tensor.ranges.iter().copied().reduce(Range::union).unwrap_or(Range::ZERO);
        Self::ALL.into_iter().find(|number| number.holds(union)).unwrap_or(Self::I128)
    }
}

/// An integer as C++ writes it.
pub(crate) fn literal(integer: i128) -> String {
    if i32::try_from(integer).is_ok_and(|small| small != i32::MIN) {
        integer.to_string()
    } else if i64::try_from(integer).is_ok_and(|small| small != i64::MIN) {
        format!("INT64_C({integer})")
    } else if integer == i128::from(i64::MIN) {
        "INT64_MIN".to_owned()
    } else {
        let (high, low) = ((integer >> 64) as i64, integer as u64);
        format!("wide_of({}, UINT64_C({low}))", literal(i128::from(high)))
    }
}

/// The narrowest type of an array that holds these integers.
pub(crate) fn array_type(integers: &[i128]) -> &'static str {
    let fits = |bits: u32| {
        let range = Range::new(-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1);
        integers.iter().all(|integer| range.contains(*integer))
    };
    match () {
        () if fits(8) => "std::int8_t",
        () if fits(16) => "std::int16_t",
        () if fits(32) => "std::int32_t",
        () if fits(64) => "std::int64_t",
        () => "wide",
    }
}

/// A constant array, as many to a line as fit.
pub(crate) fn array(name: &str, ty: &str, elements: &[String]) -> String {
    let mut text = format!("  static constexpr {ty} {name}[{}] = {{", elements.len());
    let mut width = usize::MAX;
    for element in elements {
        if width.saturating_add(element.len() + 2) > 100 {
            text.push_str("\n     ");
            width = 5;
        }
        text.push(' ');
        text.push_str(element);
        text.push(',');
        width += element.len() + 2;
    }
    text.push_str("\n  };\n");
    text
}

/// A constant array of integers, in the narrowest type that holds them.
pub(crate) fn integers(name: &str, integers: &[i128]) -> String {
    let elements: Vec<String> = integers.iter().map(|integer| literal(*integer)).collect();
    array(name, array_type(integers), &elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_written_so_that_no_compiler_sees_too_large_a_number() {
        assert_eq!(literal(-5), "-5");
        assert_eq!(literal(i128::from(i32::MIN)), "INT64_C(-2147483648)");
        assert_eq!(literal(1 << 40), "INT64_C(1099511627776)");
        assert_eq!(literal(i128::from(i64::MIN)), "INT64_MIN");
        assert_eq!(literal(1 << 63), "wide_of(0, UINT64_C(9223372036854775808))");
        assert_eq!(literal(-(1 << 63) - 1), "wide_of(-1, UINT64_C(9223372036854775807))");
    }

    #[test]
    fn tables_are_in_the_narrowest_integers() {
        assert_eq!(array_type(&[-128, 127]), "std::int8_t");
        assert_eq!(array_type(&[128]), "std::int16_t");
        assert_eq!(array_type(&[1 << 31]), "std::int64_t");
        assert_eq!(array_type(&[1 << 63]), "wide");
        assert_eq!(
            integers("a", &[1, -2]),
            "  static constexpr std::int8_t a[2] = {\n      1, -2,\n  };\n"
        );
    }
}
