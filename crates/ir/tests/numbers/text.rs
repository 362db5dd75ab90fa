//! Type names: every type prints as a name that parses back, and no text makes the parser panic.

use proptest::prelude::*;
use rtl4ml_ir::FixedType;

use crate::strategies::declared_type;

/// Parses, and checks that what is printed means the same; a refusal must say what was found.
fn check_any_text(text: &str) -> Result<(), TestCaseError> {
    match text.parse::<FixedType>() {
        Ok(ty) => prop_assert_eq!(ty.to_string().parse(), Ok(ty)),
        Err(error) => prop_assert!(!error.to_string().is_empty()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_printed_type_parses_back(ty in declared_type()) {
        prop_assert_eq!(ty.to_string().parse(), Ok(ty));
        let format = ty.format.to_string().parse::<FixedType>().map(|ty| ty.format);
        prop_assert_eq!(format, Ok(ty.format));
    }

    #[test]
    fn every_spelling_means_the_same(
        ty in declared_type(), ap: bool, mode_prefix: bool,
        spaces in prop::collection::vec(" {0,2}", 10),
    ) {
        let name = match (ap, ty.format.signed) {
            (false, false) => "ufixed",
            (false, true) => "fixed",
            (true, false) => "ap_ufixed",
            (true, true) => "ap_fixed",
        };
        let prefix = if mode_prefix { "AP_" } else { "" };
        let (width, integer_bits) = (ty.format.width, ty.format.integer_bits);
        let (rounding, overflow) = (ty.rounding.name(), ty.overflow.name());
        let s = &spaces;
        let text = format!(
            "{}{name}{}<{}{width}{},{}{integer_bits}{},\
             {}{prefix}{rounding}{},{prefix}{overflow}{}>{}",
            s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9],
        );
        prop_assert_eq!(text.parse(), Ok(ty), "{}", text);
    }

    #[test]
    fn integers_are_types_whose_integer_bits_are_all_bits(
        ty in declared_type(), ap: bool, modes in 0usize..=2,
    ) {
        let mut expected = FixedType::new(ty.format);
        expected.format.integer_bits = ty.format.width as i32;
        let name = if ty.format.signed { "int" } else { "uint" };
        let mut text = format!("{}{name}<{}", if ap { "ap_" } else { "" }, ty.format.width);
        if modes > 0 {
            text = format!("{text},{}", ty.rounding.name());
            expected.rounding = ty.rounding;
        }
        if modes > 1 {
            text = format!("{text},{}", ty.overflow.name());
            expected.overflow = ty.overflow;
        }
        text.push('>');
        prop_assert_eq!(text.parse(), Ok(expected), "{}", text);
    }

    #[test]
    fn junk_never_panics(text in "\\PC{0,40}") {
        check_any_text(&text)?;
    }

    /// Text made of the parts of a name gets further into the parser than random letters.
    #[test]
    fn parts_of_names_in_any_order_never_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "fixed", "ufixed", "int", "uint", "ap_", "AP_", "<", ">", ",", " ", "-", "+", "0",
            "1", "16", "64", "65", "99999999999999999999", "-513", "0x10", "1e3", "RND",
            "TRN_ZERO", "SAT", "WRAP", "\u{e9}", "\u{0}", "\n", "auto", ".5", "",
        ]), 0..14),
    ) {
        check_any_text(&parts.concat())?;
    }

    /// One character of a good name is replaced, removed or doubled, wherever it stands.
    #[test]
    fn a_damaged_name_never_panics(
        ty in declared_type(), place: prop::sample::Index, new in any::<char>(), kind in 0..3,
    ) {
        let mut text: Vec<char> = ty.to_string().chars().collect();
        let place = place.index(text.len());
        match kind {
            0 => text[place] = new,
            1 => drop(text.remove(place)),
            _ => text.insert(place, text[place]),
        }
        check_any_text(&text.into_iter().collect::<String>())?;
    }

    #[test]
    fn widths_and_integer_bits_out_of_their_limits_are_refused(
        width in -10i64..=80, integer_bits in -600i64..=600, signed: bool,
    ) {
        let name = if signed { "fixed" } else { "ufixed" };
        let legal = (1..=64).contains(&width) && (-512..=512).contains(&integer_bits);
        let found = format!("{name}<{width},{integer_bits}>").parse::<FixedType>();
        prop_assert_eq!(found.is_ok(), legal);
    }
}
