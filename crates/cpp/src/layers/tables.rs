//! Functions by a table. The tables' entries are `ir`'s; which of them a number reads is computed
//! by the header.

use rtl4ml_ir::exact::{times, up};
use rtl4ml_ir::layers::{ExactLookup, ExactRange, Table};
use rtl4ml_ir::{Function, Range, TensorType};

use super::{Body, Exact, each};
use crate::cast::Cast;
use crate::number::{Number, array, integers, literal};

/// A table that numbers on one grid read.
pub(super) struct Lookup {
    /// The initializer of an `Index`.
    index: String,
    entries: Vec<i128>,
    /// What the entries are.
    pub result: ExactRange,
}

impl Lookup {
    /// The table of a plan.
    pub fn of(number: Number, plan: ExactLookup) -> Option<Self> {
        let integer = Cast::new(number, plan.product, plan.integer_type)?;
        if !plan.steps.into_iter().all(|step| number.holds(step)) {
            return None;
        }
        let [origin, scale, offset, last] =
            [plan.origin, plan.scale, plan.offset, plan.last()].map(literal);
        let index =
            format!("{{{}, {origin}, {scale}, {}, {offset}, {last}}}", plan.up, integer.text());
        Some(Self { index, entries: plan.entries, result: plan.result })
    }

    /// The table as constants.
    pub fn constants(&self, name: &str) -> String {
        integers(&format!("{name}_entries"), &self.entries)
            + &format!("  static constexpr Index<T> {name} = {};\n", self.index)
    }

    /// The expression of an entry.
    pub fn read(name: &str, x: &str) -> String {
        format!("lookup({name}, {name}_entries, {x})")
    }
}

pub(super) fn function(
    number: Number,
    function: &Function,
    tensor: &TensorType,
    x: ExactRange,
) -> Option<Body> {
    let own = function.tables(tensor).ok()?;
    let factor = function.entry_factor();
    let lookup = |table: &Table| Lookup::of(number, table.exact_lookup(x, factor)?);
    let tables: Vec<Lookup> = own.distinct().iter().map(lookup).collect::<Option<_>>()?;
    let of = own.indices();
    let line = function.curve.is_line_from_zero().then(|| own.slope_from_zero());
    let line = line.map(|slope| (slope.mantissa, x.1 + slope.fraction_bits));
    // On the finest grid of a table and of the straight line, each table with its own.
    let finish = |table: Option<ExactRange>| {
        let line_grid = line.map(|(_, grid)| grid);
        let grid = table.map(|(_, grid)| grid).max(line_grid).unwrap_or_default();
        let mut result = Range::ZERO;
        if let Some((range, own)) = table {
            result = up(range, grid - own)?;
        }
        if let Some((slope, own)) = line {
            let straight = times(x.0.rectified(), slope)?;
            result = result.union(up(straight, grid - own)?);
        }
        let ups = [table.map_or(0, |(_, own)| grid - own), line_grid.map_or(0, |own| grid - own)];
        ups.iter().all(|up| (*up as u32) < number.bits()).then_some(((result, grid), ups))
    };
    let finished: Vec<_> =
        tables.iter().map(|table| finish(Some(table.result))).collect::<Option<_>>()?;
    let without = finish(None)?;
    let of_element = |element: usize| of[element].map_or(without, |table| finished[table]);
    let count = of.len();

    let mut constants = String::new();
    let mut code = format!("{}{{\n    const T own = in0(element);\n", each(1, "element", count));
    for (index, table) in tables.iter().enumerate() {
        constants += &table.constants(&format!("table{index}"));
    }
    if tables.len() > 1 || of.iter().any(Option::is_none) {
        let which: Vec<i128> = of.iter().map(|of| of.map_or(-1, |of| of as i128)).collect();
        constants += &integers("which", &which);
    }
    let is_mixed = (0..count).any(|element| of_element(element) != of_element(0));
    let ups = |place: usize| (0..count).map(move |e| of_element(e).1[place]).collect::<Vec<_>>();
    let [entry_up, line_up] = [("entry_up", ups(0)), ("line_up", ups(1))].map(|(name, ups)| {
        if is_mixed && (name == "entry_up" || line.is_some()) {
            let texts: Vec<String> = ups.iter().map(ToString::to_string).collect();
            constants += &array(name, "std::uint8_t", &texts);
            format!("{name}[element]")
        } else {
            ups[0].to_string()
        }
    });
    let only = tables.len() == 1 && of.iter().all(Option::is_some);
    if only {
        code += &format!("    const T entry = {};\n", Lookup::read("table0", "own"));
    } else {
        code += "    T entry = 0;\n    switch (which[element]) {\n";
        for index in 0..tables.len() {
            let read = Lookup::read(&format!("table{index}"), "own");
            code += &format!("      case {index}: entry = {read}; break;\n");
        }
        code += "      default: break;\n    }\n";
    }
    let value = match line {
        None => format!("shift_left(entry, {entry_up})"),
        Some((slope, _)) => {
            if !number.holds(Range::constant(slope)) {
                return None;
            }
            constants += &format!("  constexpr T slope = {};\n", literal(slope));
            format!(
                "own >= 0 ? shift_left(multiply(own, slope), {line_up}) : shift_left(entry, {entry_up})"
            )
        }
    };
    code += &format!("    put(element, {value});\n  }}\n");
    let result = if is_mixed {
        Exact::Each((0..count).map(|element| of_element(element).0).collect())
    } else {
        Exact::Uniform(of_element(0).0)
    };
    Body { constants, code, result }.checked(number, &[])
}
