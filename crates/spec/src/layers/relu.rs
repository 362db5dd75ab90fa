//! `relu`: max(0, x).

use rtl4ml_ir::{Relu, ResultType};

use super::{LayerSpec, LayerType, Lowered};
use crate::reader::Read;

pub(super) const RELU: LayerType = LayerType { name: "relu", keys: &["precision"], read };

fn read(layer: &mut LayerSpec) -> Read<Lowered> {
    let result = layer.precision(&["result"]).result?;
    Ok(Lowered::plain(Relu { result: result.map(ResultType::from).unwrap_or_default() }))
}
