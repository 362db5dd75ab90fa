//! Unary functions by a table.

use rtl4ml_ir::{Function, Range, Value};

use super::LayerContext;
use super::activation::{by_sign, times};
use super::cast::{elementwise, result};
use crate::circuit::CircuitError;
use crate::layer::Untimed;

pub(super) fn build(context: &LayerContext, function: &Function) -> Result<Untimed, CircuitError> {
    let tables = function.tables(context.input()).expect("a verified layer has tables");
    let style = context.layer.implementation.multiplier;
    let (factor, slope) = (function.entry_factor(), tables.slope_from_zero());
    elementwise(context, |dataflow, x, index| {
        let range = dataflow.range(x.node);
        let entry = match tables.of(index) {
            Some(table) => dataflow.lookup(x, table, &format!("x_{index}_entry"))?,
            None => dataflow.constant_term(Value::ZERO),
        };
        let exact = if function.curve.is_line_from_zero() {
            let curved = times(dataflow, style, entry, factor)?;
            let line = times(dataflow, style, x, slope)?;
            let on_line = Range::new(range.lo.max(0), range.hi.max(0));
            let pieces = [
                (curved, dataflow.range_at(curved, curved.fraction_bits), curved.fraction_bits),
                (
                    line,
                    on_line.times(Range::constant(slope.mantissa)),
                    x.fraction_bits + slope.fraction_bits,
                ),
            ];
            by_sign(dataflow, x, pieces, &format!("x_{index}_value"))?
        } else {
            entry
        };
        result(dataflow, exact, &function.result, index)
    })
}
