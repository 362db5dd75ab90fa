//! `quantize`: a cast, whose type the layer itself has to give.

use rtl4ml_ir::{Quantize, ResultType};

use super::{LayerSpec, LayerType, Lowered};
use crate::reader::Read;

pub(super) const QUANTIZE: LayerType = LayerType { name: "quantize", keys: &["precision"], read };

fn read(layer: &mut LayerSpec) -> Read<Lowered> {
    let what = format!("`precision` of {}", layer.what);
    match layer.own_precision(&what, &["result"]).result? {
        Some(ResultType::Cast(result)) => Ok(Lowered::plain(Quantize { result })),
        Some(ResultType::Auto) => {
            let node = layer.fields.get("precision").unwrap_or(layer.fields.node);
            Err(layer.mistakes.add_with_help(
                node.span,
                format!("{what} cannot be `auto`: that would cast nothing"),
                "write the type to cast to, e.g. \"fixed<8,3,RND,SAT>\", or remove the layer"
                    .to_owned(),
            ))
        }
        None => Err(layer.missing("precision", "precision: \"fixed<8,3,RND,SAT>\"")),
    }
}
