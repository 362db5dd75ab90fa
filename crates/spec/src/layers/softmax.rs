//! `softmax` and `argmax`, over the last axis.

use rtl4ml_ir::layers::{AUTO_FRACTION_BITS, MAX_TABLE_SIZE};
use rtl4ml_ir::{
    Argmax, FixedType, Format, Overflow, ResultType, Rounding, Softmax, SoftmaxImplementation,
    SoftmaxTables,
};

use super::function::{DEFAULT_MAX_SIZE, HLS4ML_SIZE, max_table_size, table_size};
use super::{LayerSpec, LayerType, Lowered};
use crate::precision::TypeOrAuto;
use crate::reader::{self, Read, describe};

pub(super) const SOFTMAX: LayerType = LayerType {
    name: "softmax",
    keys: &[
        "implementation",
        "axis",
        "table_size",
        "max_table_size",
        "exp_bits",
        "reciprocal_bits",
        "precision",
    ],
    read,
};

pub(super) const ARGMAX: LayerType = LayerType { name: "argmax", keys: &["axis"], read: argmax };

/// hls4ml's type of every table and sum of `stable` and `latency`.
const HLS4ML_TYPE: FixedType =
    FixedType::new(Format::signed(18, 8)).with_modes(Rounding::Rnd, Overflow::Sat);

/// hls4ml's type of the tables and sums of `legacy`.
const HLS4ML_LEGACY_TYPE: FixedType = FixedType::new(Format::signed(18, 8));

/// The ways to compute a softmax, by their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Exact,
    Stable,
    Latency,
    Legacy,
    Argmax,
}

impl Way {
    const ALL: [Self; 5] = [Self::Exact, Self::Stable, Self::Latency, Self::Legacy, Self::Argmax];

    fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Stable => "stable",
            Self::Latency => "latency",
            Self::Legacy => "legacy",
            Self::Argmax => "argmax",
        }
    }

    /// The keys that it takes. hls4ml's argmax and legacy also take those of the other
    /// implementations' tables and do not use them, as hls4ml's configurations have them.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Exact => &["exp_bits", "reciprocal_bits", "max_table_size"],
            _ => &["table_size"],
        }
    }

    /// The same for the keys of its `precision`.
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::Exact => &["result"],
            Self::Legacy => &["table", "exp_table", "inv_table", "inv_inp", "accum", "result"],
            _ => &["exp_table", "inv_table", "inv_inp", "accum", "result"],
        }
    }
}

fn read(layer: &mut LayerSpec) -> Read<Lowered> {
    let axis = axis(layer);
    let way = layer.setting("implementation", |node, what, mistakes| {
        reader::word(node, what, &Way::ALL, Way::word, mistakes)
    });
    let way = way?.unwrap_or(Way::Exact);
    let types = layer.precision(way.types());
    let keys = check_keys(layer, way);
    let implementation = match way {
        Way::Exact => exact(layer, types.result.clone()?.as_ref()),
        Way::Stable | Way::Latency => {
            let accum = types.accum?.and_then(TypeOrAuto::explicit).unwrap_or(HLS4ML_TYPE);
            let tables = tables(layer, accum);
            tables.map(|tables| match way {
                Way::Stable => SoftmaxImplementation::Stable(tables),
                _ => SoftmaxImplementation::Latency(tables),
            })
        }
        Way::Legacy => {
            let table = layer.own_type("table");
            let size = layer.setting("table_size", table_size);
            Ok(SoftmaxImplementation::Legacy {
                table_size: size?.unwrap_or(HLS4ML_SIZE),
                table: table?.unwrap_or(HLS4ML_LEGACY_TYPE),
            })
        }
        Way::Argmax => {
            layer.setting("table_size", table_size).map(|_| SoftmaxImplementation::Argmax)
        }
    };
    let result = types.result?.unwrap_or_default();
    axis?;
    keys?;
    Ok(Lowered::plain(Softmax { implementation: implementation?, result }))
}

/// Refuses the keys of the other implementations.
fn check_keys(layer: &mut LayerSpec, way: Way) -> Read<()> {
    let mut result = Ok(());
    for key in ["table_size", "max_table_size", "exp_bits", "reciprocal_bits"] {
        let Some(node) = layer.fields.get(key).filter(|_| !way.keys().contains(&key)) else {
            continue;
        };
        let (whose, repair) = if way == Way::Exact {
            ("hls4ml's implementations", "add e.g. `implementation: stable`, or remove the key")
        } else {
            ("our own implementation", "remove the key, or `implementation`")
        };
        result = Err(layer.mistakes.add_with_help(
            node.span,
            format!("`{key}` is a key of {whose} of softmax; this one is `{}`", way.word()),
            repair.to_owned(),
        ));
    }
    result
}

/// Our own softmax, with tables as fine as the result needs.
fn exact(layer: &mut LayerSpec, result: Option<&ResultType>) -> Read<SoftmaxImplementation> {
    let exp_bits = layer.setting("exp_bits", |node, what, mistakes| {
        reader::integer(node, what, 1..=30, mistakes).map(|bits| bits as u32)
    });
    let reciprocal_bits = layer.setting("reciprocal_bits", |node, what, mistakes| {
        let most = i128::from(MAX_TABLE_SIZE.trailing_zeros());
        reader::integer(node, what, 1..=most, mistakes).map(|bits| bits as u32)
    });
    let max_table_size = layer.setting("max_table_size", max_table_size);
    let fraction_bits = match result {
        Some(ResultType::Cast(types)) => types.all().iter().map(|ty| ty.fraction_bits()).max(),
        _ => None,
    };
    let fraction_bits = fraction_bits.unwrap_or(AUTO_FRACTION_BITS);
    Ok(SoftmaxImplementation::Exact {
        exp_bits: exp_bits?.unwrap_or((fraction_bits + 4).clamp(8, 24) as u32),
        reciprocal_bits: reciprocal_bits?.unwrap_or((fraction_bits + 2).clamp(6, 12) as u32),
        max_table_size: max_table_size?.unwrap_or(DEFAULT_MAX_SIZE),
    })
}

fn tables(layer: &mut LayerSpec, accum: FixedType) -> Read<SoftmaxTables> {
    let [exp_table, inv_table, inv_inp] =
        ["exp_table", "inv_table", "inv_inp"].map(|key| layer.own_type(key));
    let table_size = layer.setting("table_size", table_size);
    let table_size = table_size?.unwrap_or(HLS4ML_SIZE);
    Ok(SoftmaxTables {
        table_size,
        exp_table: exp_table?.unwrap_or(HLS4ML_TYPE),
        inv_table: inv_table?.unwrap_or(HLS4ML_TYPE),
        inv_inp: inv_inp?.unwrap_or(HLS4ML_TYPE),
        accum,
    })
}

fn argmax(layer: &mut LayerSpec) -> Read<Lowered> {
    axis(layer)?;
    Ok(Lowered::plain(Argmax))
}

/// The axis, which can only be the last one.
fn axis(layer: &mut LayerSpec) -> Read<()> {
    let Some(node) = layer.fields.get("axis") else {
        return Ok(());
    };
    let legal = i128::from(i32::MIN)..=i128::from(i32::MAX);
    match reader::integer(node, "`axis`", legal, layer.mistakes)? {
        -1 => Ok(()),
        _ => Err(layer.mistakes.add_with_help(
            node.span,
            format!("`axis` must be -1, the last axis, found {}", describe(node)),
            "move the axis to the end by a `permute` layer".to_owned(),
        )),
    }
}
