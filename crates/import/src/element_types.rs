//! Types that differ between the elements of a tensor: made from a model's, and written into a
//! spec.
//!
//! Guarantees: what is written reads back as the same type for each element; an array is no
//! longer along an axis than the types differ along it.

use rtl4ml_ir::tensor::broadcast_indices;
use rtl4ml_ir::{BroadcastTypes, FixedType, Format, Overflow, Rounding, Types};

/// Arrays of up to this many numbers are written into the spec itself.
const MAX_INLINE: usize = 32;

/// The types of a tensor from those of its places: one for all where all are the same.
pub fn types(extents: Vec<usize>, mut types: Vec<FixedType>) -> Option<Types> {
    let first = types.iter().find(|ty| ty.format.width > 0).copied();
    // What has no bits is 0 whatever else its type says, and so says what the others do.
    if let Some(Format { signed, integer_bits, .. }) = first.map(|ty| ty.format) {
        for ty in types.iter_mut().filter(|ty| ty.format.width == 0) {
            ty.format = Format { signed, width: 0, integer_bits };
        }
    }
    let first = *types.first()?;
    if first.format.width > 0 && types.iter().all(|ty| *ty == first) {
        return Some(first.into());
    }
    Some(BroadcastTypes::new(extents, types)?.into())
}

/// The type of each element of a tensor, row-major.
pub fn spread(types: &Types, extents: &[usize]) -> Vec<FixedType> {
    match types {
        Types::PerTensor(ty) => vec![*ty; extents.iter().product()],
        Types::PerElement(types) => types.clone(),
        Types::Broadcast(broadcast) => {
            let sources = broadcast_indices(broadcast.extents(), extents);
            sources.into_iter().map(|index| types.all()[index]).collect()
        }
    }
}

/// A type through which a number reaches casts to any of `types` as if it had been cast to them at
/// once: truncated a bit finer than any that rounds half upwards, and as wide as the widest.
/// `None` where no type of at most 64 bits does that for all of them.
pub fn before_all(types: &[FixedType]) -> Option<FixedType> {
    let wide = || types.iter().filter(|ty| ty.format.width > 0);
    let fits = |ty: &FixedType| {
        matches!(ty.rounding, Rounding::Trn | Rounding::Rnd) && ty.overflow != Overflow::SatZero
    };
    let wraps = |ty: &FixedType| ty.overflow == Overflow::Wrap;
    let is_mixed = wide().any(wraps) && !wide().all(wraps);
    if is_mixed || !wide().all(fits) {
        return None;
    }
    let half = |ty: &FixedType| i32::from(ty.rounding == Rounding::Rnd);
    let Some(fraction) = wide().map(|ty| ty.fraction_bits() + half(ty)).max() else {
        return Some(Format::unsigned(0, 0).into());
    };
    let signed = wide().any(|ty| ty.format.signed);
    let magnitude = wide().map(|ty| ty.format.integer_bits - i32::from(ty.format.signed)).max()?;
    let integer_bits = magnitude + i32::from(signed);
    let width = u32::try_from(integer_bits + fraction).ok()?;
    let overflow = if wide().any(wraps) { Overflow::Wrap } else { Overflow::Sat };
    let format = Format { signed, width, integer_bits };
    format.is_legal().then(|| FixedType::from(format).with_modes(Rounding::Trn, overflow))
}

/// An array that a spec refers to: its name, extents and numbers.
pub type Stored = (String, Vec<usize>, Vec<f64>);

/// The text of types, and the arrays that it refers to: those of the archive `file` whose names
/// begin with `stem`.
pub fn written(types: &Types, file: &str, stem: &str) -> (String, Vec<Stored>) {
    let all = types.all();
    let extents = match types {
        Types::PerTensor(ty) => return (format!("\"{ty}\""), Vec::new()),
        Types::PerElement(types) => vec![types.len()],
        Types::Broadcast(types) => types.extents().to_vec(),
    };
    let mut keys = Vec::new();
    let mut stored = Vec::new();
    let mut part = |key: &str, number: fn(Format) -> i32| {
        let numbers: Vec<i32> = all.iter().map(|ty| number(ty.format)).collect();
        let (extents, numbers) = shortened(extents.clone(), numbers);
        let text = match (extents.as_slice(), numbers.as_slice()) {
            ([], [one]) => one.to_string(),
            _ if numbers.len() <= MAX_INLINE => nested(&extents, &numbers),
            _ => {
                let name = format!("{stem}_{key}");
                let text = format!("{file}:{name}");
                stored.push((name, extents, numbers.into_iter().map(f64::from).collect()));
                text
            }
        };
        (key.to_owned(), text)
    };
    let signed = part("signed", |format| i32::from(format.signed));
    keys.push(match signed.1.as_str() {
        "0" => ("type".to_owned(), "ufixed".to_owned()),
        "1" => ("type".to_owned(), "fixed".to_owned()),
        _ => signed,
    });
    keys.push(part("width", |format| format.width as i32));
    keys.push(part("integer", |format| format.integer_bits));
    // A model's quantiser has one mode for all.
    let (rounding, overflow) = (all[0].rounding, all[0].overflow);
    keys.push(("rounding".to_owned(), rounding.name().to_owned()));
    keys.push(("overflow".to_owned(), overflow.name().to_owned()));
    let keys: Vec<String> = keys.into_iter().map(|(key, text)| format!("{key}: {text}")).collect();
    (format!("{{{}}}", keys.join(", ")), stored)
}

/// The same numbers with the extent 1 on each axis along which none changes, and without axes of
/// extent 1 in front.
fn shortened(mut extents: Vec<usize>, mut numbers: Vec<i32>) -> (Vec<usize>, Vec<i32>) {
    for axis in 0..extents.len() {
        let inner: usize = extents[axis + 1..].iter().product();
        let block = inner * extents[axis];
        let is_same = |block: &[i32]| block.chunks(inner).all(|row| *row == block[..inner]);
        if numbers.chunks(block).all(is_same) {
            numbers = numbers.chunks(block).flat_map(|block| block[..inner].to_vec()).collect();
            extents[axis] = 1;
        }
    }
    let first = extents.iter().position(|extent| *extent > 1).unwrap_or(extents.len());
    (extents.split_off(first), numbers)
}

/// Numbers as lists of lists.
fn nested(extents: &[usize], numbers: &[i32]) -> String {
    let Some((extent, rest)) = extents.split_first() else {
        return numbers.first().map(ToString::to_string).unwrap_or_default();
    };
    let inner: usize = rest.iter().product();
    let items = (0..*extent).map(|index| nested(rest, &numbers[index * inner..][..inner]));
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use rtl4ml_ir::fixed::from_f64_exact;

    use super::*;

    fn of(widths: &[u32], extents: &[usize]) -> Types {
        let ty = |width: &u32| FixedType::new(Format::signed(*width, 2));
        types(extents.to_vec(), widths.iter().map(ty).collect()).unwrap()
    }

    #[test]
    fn types_are_written_as_short_as_they_can_be() {
        let text =
            |widths: &[u32], extents: &[usize]| written(&of(widths, extents), "w.npz", "a").0;
        assert_eq!(text(&[4, 4], &[1, 2]), "\"fixed<4,2>\"");
        let expected = "{type: fixed, width: [4, 0], integer: 2, rounding: TRN, overflow: WRAP}";
        assert_eq!(text(&[4, 0, 4, 0], &[2, 2]), expected);
        let expected =
            "{type: fixed, width: [[4], [3]], integer: 2, rounding: TRN, overflow: WRAP}";
        assert_eq!(text(&[4, 4, 3, 3], &[2, 2]), expected);
        let many: Vec<u32> = (0..40).map(|index| index % 3).collect();
        let (text, stored) = written(&of(&many, &[40]), "w.npz", "a");
        assert!(text.contains("width: w.npz:a_width"), "{text}");
        assert_eq!((stored.len(), stored[0].2.len()), (1, 40));
    }

    #[test]
    fn a_type_before_others_changes_none_of_their_casts() {
        let parse = |text: &str| text.parse::<FixedType>().unwrap();
        let sets = [
            ["fixed<5,3,RND>", "ufixed<4,2>"],
            ["fixed<5,3,RND,SAT>", "ufixed<6,2,TRN,SAT_SYM>"],
            ["fixed<3,5,RND>", "fixed<4,1,RND>"],
        ];
        for set in sets.map(|set| set.map(parse)) {
            let before = before_all(&set).unwrap();
            for step in -700..700 {
                let exact = from_f64_exact(f64::from(step) / 32.0).unwrap();
                let first = before.format.to_f64(before.cast(exact));
                for ty in set {
                    let at_once = ty.cast(exact);
                    assert_eq!(ty.cast(from_f64_exact(first).unwrap()), at_once, "{before} {ty}");
                }
            }
        }
        assert!(before_all(&[parse("fixed<5,3,RND_CONV>")]).is_none());
        assert!(before_all(&["fixed<5,3>", "fixed<5,3,RND,SAT>"].map(parse)).is_none());
    }

    #[test]
    fn all_elements_without_bits_are_types_for_each() {
        assert!(matches!(of(&[0, 0], &[2]), Types::Broadcast(_)));
    }
}
