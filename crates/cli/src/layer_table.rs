//! The layers of a network as a table: what a person reads first.
//!
//! Guarantees: a number that is known only of a circuit is shown only where there is one.

use comfy_table::{CellAlignment, Table};
use rtl4ml_circuit::Circuit;
use rtl4ml_circuit::layer::Statistics;
use rtl4ml_ir::{
    Implementation, Io, LayerId, QuantizationReport, Source, Strategy, VerifiedNetwork,
};
use serde::Serialize;

use crate::terminal;

/// What is to be known of a layer.
#[derive(Debug, Serialize)]
pub struct LayerRow {
    /// Its name.
    pub name: String,
    /// Its type's word.
    pub kind: &'static str,
    /// What it reads.
    pub inputs: Vec<String>,
    /// The extents of each of its inputs.
    pub input_shapes: Vec<Vec<usize>>,
    /// The extents of its output.
    pub output_shape: Vec<usize>,
    /// The format of its output, where the elements share one.
    pub output_format: Option<String>,
    /// The same for whoever reads: where they do not share one, what the formats span.
    #[serde(skip)]
    pub output_formats: String,
    /// The type of its weights.
    pub weight_type: Option<String>,
    /// The strategy's word, for a layer with multipliers.
    pub strategy: Option<&'static str>,
    /// The reuse factor, for a layer with multipliers.
    pub reuse_factor: Option<u64>,
    /// How many positions it computes at a time, where not all of them.
    pub parallelization_factor: Option<u64>,
    /// How many multipliers it has; known of a circuit, or where there can be none.
    pub multipliers: Option<u64>,
    /// How many it has at most.
    #[serde(skip)]
    most_multipliers: u64,
    /// How many numbers its weight and its bias have.
    pub weights: usize,
    /// How many of them their type does not hold exactly.
    pub weights_changed: usize,
    /// How many of those are outside of its range.
    pub weights_overflowed: usize,
    /// Cycles from its input to its output; known of a circuit.
    pub latency_cycles: Option<u32>,
    /// Cycles between two inputs; known of a circuit.
    pub initiation_interval_cycles: Option<u64>,
    /// What it is made of; known of a circuit.
    #[serde(skip)]
    statistics: Option<Statistics>,
    /// Whether it is a part of a network of streams.
    #[serde(skip)]
    is_streamed: bool,
}

/// Which columns a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// What the spec says, and what follows from it.
    Network,
    /// What the circuit is made of.
    Circuit,
}

/// The layers of a network, in its order.
pub fn layer_rows(network: &VerifiedNetwork, circuit: Option<&Circuit>) -> Vec<LayerRow> {
    let layers = network.network().layers_with_ids();
    layers.map(|(id, _)| LayerRow::of(network, circuit, id)).collect()
}

impl LayerRow {
    fn of(verified: &VerifiedNetwork, circuit: Option<&Circuit>, id: LayerId) -> Self {
        let network = verified.network();
        let layer = &network.layers[id.0 as usize];
        let input = verified.tensor_type(layer.inputs[0]);
        let output = verified.tensor_type(Source::Layer(id));
        let built = circuit.map(|circuit| &circuit.layers[id.0 as usize]);
        let kernel = layer.op.kernels().first();
        let constants = layer.op.constants().into_iter().map(|(_, constant)| constant.report);
        let weights = constants.fold(QuantizationReport::default(), QuantizationReport::plus);
        let how = built.map_or(layer.implementation, |built| built.implementation);
        let implementation = kernel.map(|_| how);
        let is_known =
            |how: &Implementation| how.strategy != Strategy::Auto || how.reuse_factor_is_fixed;
        let has_none = implementation.is_none_or(|implementation| {
            implementation.strategy == Strategy::DistributedArithmetic
        });
        let is_streamed = network.io == Io::Stream;
        let parallelization_factor =
            implementation.and_then(|i| i.parallelization_factor).filter(|_| !is_streamed);
        let most_multipliers = layer.op.kernel_shape().map_or(0, |shape| {
            let positions = layer.op.positions(input.shape.extents()) as u64;
            let at_once = parallelization_factor.unwrap_or(if is_streamed { 1 } else { positions });
            let products = (shape.n_in * shape.n_out * layer.op.kernels().len()) as u64;
            products * at_once / how.reuse_factor
        });
        let shape = |source: &Source| verified.tensor_type(*source).shape.extents().to_vec();
        Self {
            name: layer.name.clone(),
            kind: layer.op.kind(),
            inputs: layer.inputs.iter().map(|s| network.source_name(*s).to_owned()).collect(),
            input_shapes: layer.inputs.iter().map(shape).collect(),
            output_shape: output.shape.extents().to_vec(),
            output_format: output.common_format().map(|format| format.to_string()),
            output_formats: output.format_text(),
            weight_type: kernel.map(|kernel| kernel.weight.types.to_string()),
            strategy: implementation.map(|implementation| implementation.strategy.word()),
            reuse_factor: implementation.filter(is_known).map(|i| i.reuse_factor),
            parallelization_factor,
            multipliers: match built {
                Some(built) => Some(built.statistics.multipliers),
                None => has_none.then_some(0),
            },
            most_multipliers,
            weights: weights.count,
            weights_changed: weights.changed,
            weights_overflowed: weights.overflowed,
            latency_cycles: built.map(|built| built.latency_cycles),
            initiation_interval_cycles: built.map(|built| built.initiation_interval_cycles),
            statistics: built.map(|built| built.statistics),
            is_streamed,
        }
    }

    /// The shapes of the inputs, one for all where they are the same, and of the output.
    fn shape_text(&self) -> String {
        let mut shapes: Vec<String> = self.input_shapes.iter().map(|s| format!("{s:?}")).collect();
        shapes.dedup();
        format!("{} -> {:?}", shapes.join(", "), self.output_shape)
    }

    fn multipliers_text(&self) -> String {
        match self.multipliers {
            Some(0) if self.most_multipliers == 0 => NONE.to_owned(),
            Some(multipliers) => multipliers.to_string(),
            None => format!("<= {}", self.most_multipliers),
        }
    }

    fn rounded_text(&self) -> String {
        match (self.weights, self.weights_overflowed) {
            (0, _) => NONE.to_owned(),
            (weights, 0) => format!("{} of {weights}", self.weights_changed),
            (weights, out) => format!("{} of {weights}, {out} out of range", self.weights_changed),
        }
    }
}

/// What stands where there is nothing to say.
const NONE: &str = "-";

/// A column: its header, whether it holds numbers, and what it says of a layer.
type Column = (&'static str, bool, fn(&LayerRow) -> String);

const WHAT: [Column; 4] = [
    ("layer", false, |row| row.name.clone()),
    ("type", false, |row| row.kind.to_owned()),
    ("shape", false, LayerRow::shape_text),
    ("result", false, |row| row.output_formats.clone()),
];

/// Where the layers are no chain, the reader must see what each one reads.
const READS: Column = ("reads", false, |row| row.inputs.join(", "));

const IMPLEMENTATION: [Column; 4] = [
    ("strategy", false, |row| or_none(row.strategy.map(str::to_owned))),
    ("reuse\nfactor", true, |row| or_none(row.reuse_factor.map(|factor| factor.to_string()))),
    ("positions\nat once", true, |row| {
        or_none(row.parallelization_factor.map(|factor| factor.to_string()))
    }),
    ("multipliers", true, LayerRow::multipliers_text),
];

const WEIGHTS: [Column; 2] = [
    ("weight", false, |row| or_none(row.weight_type.clone())),
    ("rounded", true, LayerRow::rounded_text),
];

const RESOURCES: [Column; 6] = [
    ("DSP\nblocks", true, |row| statistic(row, |s| s.dsp_blocks)),
    ("adders", true, |row| statistic(row, |s| s.adders)),
    ("register\nbits", true, |row| statistic(row, |s| s.register_bits)),
    ("ROM\nbits", true, |row| statistic(row, |s| s.rom_bits)),
    ("RAM\nbits", true, |row| statistic(row, |s| s.ram_bits)),
    ("longest\nstage", true, |row| match row.statistics {
        Some(Statistics { worst_stage_ps, .. }) if worst_stage_ps > 0 => {
            format!("{worst_stage_ps} ps")
        }
        _ => NONE.to_owned(),
    }),
];

const TIMING: [Column; 2] = [
    ("latency\ncycles", true, |row| or_none(row.latency_cycles.map(|cycles| cycles.to_string()))),
    ("interval\ncycles", true, |row| {
        or_none(row.initiation_interval_cycles.map(|cycles| cycles.to_string()))
    }),
];

/// The same of streams, where latencies do not add up to that of the network: a window waits for
/// its pixels, and buffers take their time.
const STREAM_TIMING: [Column; 2] =
    [("arithmetic\ncycles", TIMING[0].1, TIMING[0].2), ("frame\ncycles", TIMING[1].1, TIMING[1].2)];

/// The layers as a table.
pub fn layer_table(rows: &[LayerRow], columns: Columns) -> String {
    let is_chain = rows.windows(2).all(|pair| pair[1].inputs == [pair[0].name.as_str()]);
    let is_built = rows.iter().all(|row| row.statistics.is_some());
    let mut all: Vec<Column> = WHAT.to_vec();
    if !is_chain {
        all.insert(1, READS);
    }
    match columns {
        Columns::Network => {
            all.extend(WEIGHTS);
            all.extend(IMPLEMENTATION);
        }
        Columns::Circuit => {
            all.extend(IMPLEMENTATION);
            all.extend(RESOURCES);
        }
    }
    if is_built {
        let is_streamed = rows.iter().any(|row| row.is_streamed);
        all.extend(if is_streamed { STREAM_TIMING } else { TIMING });
    }
    // What every layer lacks is said in the totals.
    let is_said = |text: fn(&LayerRow) -> String| {
        rows.iter().any(|row| !matches!(text(row).as_str(), NONE | "0"))
    };
    all.retain(|(_, _, text)| is_said(*text));
    let texts = tables_that_fit(&all, terminal::width(), &|columns| table_of(rows, columns));
    texts.join("\n\n")
}

/// The columns in one table or, where that is wider than the terminal, in several below each
/// other, each of which begins with the first column: a table that wraps its cells is unreadable.
fn tables_that_fit(
    columns: &[Column],
    width: Option<usize>,
    table: &dyn Fn(&[Column]) -> String,
) -> Vec<String> {
    let is_too_wide = |text: &str| {
        let widest = text.lines().map(|line| line.chars().count()).max();
        width.zip(widest).is_some_and(|(width, widest)| widest > width)
    };
    let mut texts = Vec::new();
    let mut group: Vec<Column> = Vec::new();
    for column in columns {
        let mut wider = group.clone();
        wider.push(*column);
        if group.len() > 1 && is_too_wide(&table(&wider)) {
            texts.push(table(&group));
            wider = vec![columns[0], *column];
        }
        group = wider;
    }
    texts.push(table(&group));
    texts
}

fn table_of(rows: &[LayerRow], columns: &[Column]) -> String {
    let mut table = terminal::table();
    table.set_header(columns.iter().map(|(header, ..)| *header));
    for row in rows {
        table.add_row(columns.iter().map(|(_, _, text)| text(row)));
    }
    align_numbers(&mut table, columns.iter().map(|(_, is_number, _)| *is_number));
    text_of(&table)
}

/// What all layers together are made of; `None` where that is not known.
pub fn totals_text(rows: &[LayerRow]) -> Option<String> {
    let statistics = rows.iter().map(|row| row.statistics).collect::<Option<Vec<_>>>()?;
    let sum = |number: fn(&Statistics) -> u64| statistics.iter().map(number).sum::<u64>();
    let rams = match sum(|s| s.ram_bits) {
        0 => String::new(),
        bits => format!(", RAM bits {bits}"),
    };
    Some(format!(
        "multipliers {}, DSP blocks {}, adders {}, register bits {}, ROM bits {}{rams}",
        sum(|s| s.multipliers),
        sum(|s| s.dsp_blocks),
        sum(|s| s.adders),
        sum(|s| s.register_bits),
        sum(|s| s.rom_bits),
    ))
}

/// Aligns the columns that hold numbers to the right.
pub fn align_numbers(table: &mut Table, are_numbers: impl IntoIterator<Item = bool>) {
    for (column, is_number) in table.column_iter_mut().zip(are_numbers) {
        if is_number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// The text of a table, without spaces at the ends of lines.
pub fn text_of(table: &Table) -> String {
    table.trim_fmt()
}

fn statistic(row: &LayerRow, number: fn(Statistics) -> u64) -> String {
    or_none(row.statistics.map(|statistics| number(statistics).to_string()))
}

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| NONE.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_split_between_columns_and_each_part_names_the_layers() {
        let table = |columns: &[Column]| -> String {
            columns.iter().map(|(header, ..)| format!("{header:<10}")).collect::<Vec<_>>().concat()
        };
        let split = |width| tables_that_fit(&WHAT, width, &table);
        assert_eq!(split(None).len(), 1);
        assert_eq!(split(Some(40)).len(), 1);
        let parts = split(Some(30));
        assert_eq!(parts, ["layer     type      shape     ", "layer     result    "]);
        // A column that is too wide on its own is shown all the same.
        assert_eq!(split(Some(5)).len(), 3);
    }
}
