//! Casts of what a table gives, made once of its entries.
//!
//! Guarantees: every result stays as it is.

use rtl4ml_ir::fixed::from_f64_exact;
use rtl4ml_ir::{FixedType, Types};

use crate::draft::{Draft, DraftLayer};
use crate::types::{exp2, extremes, format_holding};

/// How many bits after those of a type tell a rounding to it all that it has to know: which half
/// of the step it is, and whether it is exactly the middle.
const MORE_BITS: i32 = 2;

/// A number with so many bits after the point, the last of which is 1 where the number is not
/// exactly that. Whatever rounds the result to at least two bits fewer gives what it would have
/// given for the number.
pub fn round_to_odd(number: f64, fraction_bits: i32) -> f64 {
    let scaled = number * exp2(fraction_bits);
    let below = scaled.floor();
    let is_even = (below / 2.0).fract() == 0.0;
    let odd = if scaled != below && is_even { below + 1.0 } else { below };
    odd * exp2(-fraction_bits)
}

/// What is left of a cast behind a table: nothing where all elements have the same type, else
/// entries of the bits that the types look at. Says whether the cast is needed no more.
pub fn cast_entries(draft: &mut Draft, table: usize, cast: usize) -> bool {
    let Some(types) = draft.layers[cast].result.clone() else {
        return false;
    };
    let table = &mut draft.layers[table];
    if let Types::PerTensor(ty) = types {
        let entry = |number: &f64| Some(ty.format.to_f64(ty.cast(from_f64_exact(*number).ok()?)));
        let entries: Option<Vec<f64>> = table.numbers[0].values.iter().map(entry).collect();
        let Some(entries) = entries else {
            return false;
        };
        set_entries(table, entries, ty.format.into());
        return true;
    }
    let wide = types.all().iter().filter(|ty| ty.format.width > 0);
    let Some(finest) = wide.map(|ty| ty.fraction_bits()).max() else {
        return false;
    };
    let fraction = finest + MORE_BITS;
    if fraction < table.numbers[0].ty.fraction_bits() {
        let entries = table.numbers[0].values.iter().map(|number| round_to_odd(*number, fraction));
        let entries: Vec<f64> = entries.collect();
        let (lo, hi) = extremes(&entries);
        if let Some(format) = format_holding(lo, hi, fraction, 64) {
            set_entries(table, entries, format.into());
        }
    }
    false
}

fn set_entries(table: &mut DraftLayer, entries: Vec<f64>, ty: FixedType) {
    table.numbers[0].values = entries;
    table.numbers[0].ty = ty;
    for (_, own) in table.types.iter_mut().filter(|(key, _)| *key == "table") {
        *own = ty;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_to_odd_changes_no_rounding_after_it() {
        let types =
            ["fixed<6,3,RND>", "fixed<6,3,TRN>", "fixed<6,3,RND_CONV>", "fixed<5,3,RND_ZERO>"];
        for ty in types.map(|text| text.parse::<FixedType>().unwrap()) {
            for step in -3000..3000 {
                let number = f64::from(step) / 1024.0;
                let cast = |number: f64| ty.cast(from_f64_exact(number).unwrap());
                let odd = round_to_odd(number, ty.fraction_bits() + MORE_BITS);
                assert_eq!(cast(odd), cast(number), "{ty} of {number}");
            }
        }
    }
}
