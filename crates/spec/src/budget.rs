//! `budget`: how much of the part the network may take.

use rtl4ml_ir::target::split_unit;
use rtl4ml_ir::{Amount, Budget};

use crate::diagnostics::Mistakes;
use crate::reader::{self, Fields, Read};
use crate::scalar::Core;
use crate::yaml::{Kind, Node};

/// Reads `budget`.
pub(crate) fn read_budget(node: Option<&Node>, mistakes: &mut Mistakes) -> Read<Budget> {
    let Some(node) = node else {
        return Ok(Budget::default());
    };
    let fields = Fields::open(node, "`budget`", &[&Budget::KEYS], mistakes)?;
    let [lut, ff, dsp, bram] = Budget::KEYS
        .map(|key| fields.setting(key, |node| amount(node, &format!("`{key}`"), mistakes)));
    Ok(Budget { lut: lut?, ff: ff?, dsp: dsp?, bram: bram? })
}

/// A number of things, or a share of what the part has.
fn amount(node: &Node, what: &str, mistakes: &mut Mistakes) -> Read<Amount> {
    let legal = "a number or a share of the part, e.g. `1000` or `10 %`";
    let Kind::Scalar(scalar) = &node.kind else {
        return Err(reader::wrong(node, what, legal, mistakes));
    };
    if scalar.core() == Core::Integer {
        let count = reader::integer(node, what, 0..=i128::from(u64::MAX), mistakes)?;
        return Ok(Amount::Count(count as u64));
    }
    let percent = scalar.text.trim().strip_suffix('%').map(str::trim);
    // `split_unit` takes no 0, which is a share like others: none.
    let percent = percent.and_then(|number| match split_unit(number) {
        Some((percent, "")) => Some(percent),
        _ if number == "0" => Some(0.0),
        _ => None,
    });
    match percent {
        Some(percent) if percent <= 100.0 => Ok(Amount::Share((percent * 1e4).round() as u32)),
        Some(_) => {
            let found = reader::describe(node);
            let message = format!("{what} is {found}; the largest legal share is `100 %`");
            Err(mistakes.add(node.span, message))
        }
        None => Err(reader::wrong(node, what, legal, mistakes)),
    }
}
